//! A PostgreSQL of the test's own: a cluster in a temporary folder, stopped and removed when the test ends.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub const USER: &str = "shop";
pub const PASSWORD: &str = "Tulip-7f3a-Harbour";
pub const DATABASE: &str = "shop";

/// Over TCP the server wants the password; through the socket the test itself comes in as the owner.
const ACCESS: &str = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n";

pub struct Server {
    folder: tempfile::TempDir,
    programs: PathBuf,
    pub port: u16,
}

impl Server {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        if is_root() {
            // PostgreSQL refuses to run as root, and its own user must own the data.
            done(Command::new("chown").arg("postgres").arg(folder.path()));
        }
        // The port is free now; that somebody takes it before the server does is most unlikely.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Self { folder, programs: programs(), port };
        let data = server.data();
        done(
            server
                .owner("initdb")
                .args(["--no-sync", "--encoding=UTF8", "--locale=C", "--auth=trust", "-U", "postgres", "-D"])
                .arg(&data),
        );
        std::fs::write(data.join("pg_hba.conf"), ACCESS).unwrap();
        let socket = server.folder.path().display();
        let options = format!("-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={socket} -c fsync=off");
        done(
            server
                .owner("pg_ctl")
                .args(["start", "-w", "-o", &options, "-l"])
                .arg(server.folder.path().join("log"))
                .arg("-D")
                .arg(&data),
        );
        server.execute("postgres", &format!("CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}' IN ROLE pg_read_all_data"));
        server.execute("postgres", &format!("CREATE DATABASE {DATABASE}"));
        server
    }

    /// The url a pipeline file would hold.
    pub fn url(&self) -> String {
        self.url_with(PASSWORD, DATABASE)
    }

    pub fn url_with(&self, password: &str, database: &str) -> String {
        format!("postgres://{USER}:{password}@127.0.0.1:{}/{database}", self.port)
    }

    /// Statements, each a transaction, as the owner.
    pub fn execute(&self, database: &str, sql: &str) {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-p", &self.port.to_string(), "-d", database, "-h"]);
        done(psql.arg(self.folder.path()).args(["-c", sql]));
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// One of PostgreSQL's programs, run as the user who owns the cluster.
    fn owner(&self, program: &str) -> Command {
        let path = self.programs.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        command.current_dir(self.folder.path());
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing of the cluster is kept, so it need not end well.
        let _ = self.owner("pg_ctl").args(["stop", "-m", "immediate", "-D"]).arg(self.data()).stdout(Stdio::null()).status();
    }
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().unwrap();
    output.stdout.trim_ascii() == b"0"
}

/// The folder of `initdb`: on the PATH, or where Debian keeps each version's own.
fn programs() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|versions| versions.map(|version| version.unwrap().path().join("bin")).collect())
        .unwrap_or_default();
    folders.sort();
    folders.extend(std::env::split_paths(&path));
    let found = folders.into_iter().find(|folder: &PathBuf| Path::is_file(&folder.join("initdb")));
    found.expect("PostgreSQL is not installed: these tests start a server of their own (tests/run installs it)")
}

fn done(command: &mut Command) {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{command:?}:\n{said}");
}
