//! A MariaDB of the test's own: its data, socket and port in a temporary folder, killed and removed when the test ends.

use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub const USER: &str = "till";
pub const PASSWORD: &str = "Birch-c85e-Chimney";
pub const DATABASE: &str = "shop";

/// How long a server may take to come up on a machine that is busy.
const START: Duration = Duration::from_mins(2);

pub struct Server {
    folder: tempfile::TempDir,
    process: Child,
    pub port: u16,
}

impl Server {
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// With further options of the server.
    pub fn start_with(options: &[String]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The port is free now; that somebody takes it before the server does is most unlikely.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let data = format!("--datadir={}", folder.path().join("data").display());
        // Run by root, it is to stay root, who owns the folder.
        let user = Command::new("id").arg("-un").output().unwrap().stdout;
        let user = format!("--user={}", String::from_utf8_lossy(&user).trim());
        let install = ["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db", &data, &user];
        // A server that starts removes the temporary tables it finds, those of another as well.
        done(Command::new(program("mariadb-install-db")).args(install).env("TMPDIR", folder.path()));
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let process = Command::new(program("mariadbd"))
            .args(["--no-defaults", "--bind-address=127.0.0.1", "--skip-name-resolve", "--innodb-flush-log-at-trx-commit=0"])
            .args([&data, &user, &format!("--port={port}"), &format!("--socket={}", folder.path().join("socket").display())])
            .arg(format!("--pid-file={}", folder.path().join("pid").display()))
            .args(options)
            .env("TMPDIR", folder.path())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut server = Self { folder, process, port };
        server.wait();
        server.execute(
            "mysql",
            &format!(
                "CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4; CREATE USER {USER} IDENTIFIED BY '{PASSWORD}'; \
                 GRANT ALL ON {DATABASE}.* TO {USER}"
            ),
        );
        server
    }

    fn wait(&mut self) {
        let started = Instant::now();
        while !self.client("mysql").args(["-e", "SELECT 1"]).output().unwrap().status.success() {
            let ended = self.process.try_wait().unwrap();
            let log = || std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(ended.is_none() && started.elapsed() < START, "MariaDB did not come up:\n{}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The url a pipeline file would hold.
    pub fn url(&self) -> String {
        self.url_with(PASSWORD, DATABASE)
    }

    pub fn url_with(&self, password: &str, database: &str) -> String {
        format!("mysql://{USER}:{password}@127.0.0.1:{}/{database}", self.port)
    }

    /// Statements, as the owner.
    pub fn execute(&self, database: &str, sql: &str) {
        let mut client = self.client(database).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        client.stdin.take().unwrap().write_all(sql.as_bytes()).unwrap();
        let output = client.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Makes the server know a time zone by its name, as an administrator does.
    pub fn load_zone(&self, zone: &str) {
        let file = Path::new("/usr/share/zoneinfo").join(zone);
        let made = Command::new(program("mariadb-tzinfo-to-sql")).arg(file).arg(zone).output().unwrap();
        assert!(made.status.success(), "{made:?}");
        self.execute("mysql", &String::from_utf8(made.stdout).unwrap());
    }

    fn client(&self, database: &str) -> Command {
        let mut client = Command::new(program("mariadb"));
        client.args(["--no-defaults", "--user=root", "--default-character-set=utf8mb4"]);
        client.arg(format!("--socket={}", self.folder.path().join("socket").display())).arg(database);
        client
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing of it is kept, so it need not end well.
        let _ = (self.process.kill(), self.process.wait());
    }
}

/// One of MariaDB's programs; Debian keeps the server beside those of the system.
fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin"), PathBuf::from("/usr/local/sbin")]);
    let found = folders.map(|folder| folder.join(name)).find(|program| program.is_file());
    found.unwrap_or_else(|| {
        panic!("{name} is not installed: these tests start a MariaDB of their own (tests/run installs mariadb-server)")
    })
}

fn done(command: &mut Command) {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{command:?}:\n{said}");
}
