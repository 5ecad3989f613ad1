//! A PostgreSQL of the tests' own: a cluster in a temporary folder that listens on a socket there. It is stopped and
//! removed when the test program ends, however it ends.

#![allow(dead_code, reason = "each test program uses what it needs")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

pub struct Server {
    folder: PathBuf,
    programs: PathBuf,
    /// Waits for the end of its input, which is the end of this process, and then stops the server.
    _watch: Child,
    schemas: AtomicU32,
}

impl Server {
    /// The one server of this test program; none, said loudly, where PostgreSQL is not installed.
    pub fn of_the_tests() -> Option<&'static Self> {
        static SERVER: OnceLock<Option<Server>> = OnceLock::new();
        SERVER.get_or_init(Self::start).as_ref()
    }

    fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            // Past the harness, which shows what a test prints only if it fails.
            let said = "SKIPPED: PostgreSQL is not installed, so the shared ledger is not tested (tests/run installs it)\n";
            let _ = std::io::Write::write_all(&mut std::io::stderr(), said.as_bytes());
            return None;
        };
        let folder = tempfile::tempdir().unwrap().keep();
        if is_root() {
            // PostgreSQL refuses to run as root, and its own user must own the data.
            done(Command::new("chown").arg("postgres").arg(&folder));
        }
        let data = folder.join("data");
        let initdb = ["--no-sync", "--encoding=UTF8", "--locale=C", "--auth=trust", "-U", "postgres", "-D"];
        done(owner(&folder, &programs.join("initdb")).args(initdb).arg(&data));
        let options =
            format!("-c listen_addresses='' -c unix_socket_directories={} -c fsync=off -c max_connections=300", folder.display());
        let start = ["start", "-w", "-o", &options, "-l"];
        done(owner(&folder, &programs.join("pg_ctl")).args(start).arg(folder.join("log")).arg("-D").arg(&data));
        let stop = format!("read -r _; {}/pg_ctl stop -m immediate -D data; rm -rf ./*", programs.display());
        let mut watch = owner(&folder, Path::new("/bin/sh"));
        watch.args(["-c", &stop]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let watch = watch.spawn().unwrap();
        Some(Self { folder, programs, _watch: watch, schemas: AtomicU32::new(0) })
    }

    /// The url of a new schema with nothing in it.
    pub fn new_schema(&self) -> String {
        let schema = format!("s{}", self.schemas.fetch_add(1, Ordering::Relaxed));
        self.sql(&format!("CREATE SCHEMA {schema}"));
        self.url(&schema)
    }

    pub fn url(&self, schema: &str) -> String {
        format!("postgres:///postgres?host={}&user=postgres&options=-csearch_path%3D{schema}", self.folder.display())
    }

    /// What statements answer, a row a line.
    pub fn sql(&self, sql: &str) -> String {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-h"]).arg(&self.folder).args(["-c", sql]);
        done(&mut psql)
    }
}

/// One of PostgreSQL's programs, run as the user who owns the cluster.
fn owner(folder: &Path, program: &Path) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir(folder);
    command
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().unwrap();
    output.stdout.trim_ascii() == b"0"
}

/// The folder of `initdb`: on the PATH, or where Debian keeps each version's own.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|versions| versions.map(|version| version.unwrap().path().join("bin")).collect())
        .unwrap_or_default();
    folders.sort();
    folders.extend(std::env::split_paths(&path));
    folders.into_iter().find(|folder: &PathBuf| Path::is_file(&folder.join("initdb")))
}

fn done(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{command:?}:\n{said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
