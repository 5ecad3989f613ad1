//! The same against Azure's own emulator, which npm brings.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::{lines, shop};
use crate::support::{Ran, Workspace, say};

/// The release the tests were written against.
const AZURITE: &str = "azurite@3.35.0";

/// The emulator's account and key are the same everywhere, and public.
const CONTAINER: &str = "
const { createHmac } = require('crypto');
const [port, name] = process.argv.slice(1);
const account = 'devstoreaccount1';
const key = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';
const date = new Date().toUTCString();
const headers = { 'x-ms-date': date, 'x-ms-version': '2021-08-06' };
const canonical = `PUT\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\nx-ms-date:${date}\\nx-ms-version:2021-08-06\\n/${account}/${account}/${name}\\nrestype:container`;
const signature = createHmac('sha256', Buffer.from(key, 'base64')).update(canonical, 'utf8').digest('base64');
headers.Authorization = `SharedKey ${account}:${signature}`;
fetch(`http://127.0.0.1:${port}/${account}/${name}?restype=container`, { method: 'PUT', headers })
  .then(async (answer) => { if (answer.status !== 201) { console.error(answer.status, await answer.text()); process.exit(1); } });
";

struct Emulator {
    process: Child,
    _folder: tempfile::TempDir,
    port: u16,
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Installed once, beside what the tests build; none where npm cannot.
fn installed() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("azurite");
    let program = folder.join("node_modules/azurite/dist/src/blob/main.js");
    if !program.is_file() {
        fs::create_dir_all(&folder).unwrap();
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--prefix"]).arg(&folder).arg(AZURITE);
        npm.stdout(Stdio::null()).stderr(Stdio::null()).status().ok().filter(std::process::ExitStatus::success)?;
    }
    program.is_file().then_some(program)
}

impl Emulator {
    fn start() -> Option<Self> {
        let program = installed()?;
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Command::new("node")
            .arg(program)
            .args(["--silent", "--skipApiVersionCheck", "--disableTelemetry", "--blobPort", &port.to_string(), "--location"])
            .arg(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let emulator = Self { process, _folder: folder, port };
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(start.elapsed() < Duration::from_mins(1), "the emulator does not listen");
            sleep(Duration::from_millis(50));
        }
        let made = Command::new("node").args(["-e", CONTAINER, &port.to_string(), "lake"]).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Some(emulator)
    }

    fn run(&self, space: &Workspace, arguments: &[&str]) -> Ran {
        let mut command = space.command(arguments);
        command.env("AZURE_STORAGE_USE_EMULATOR", "true");
        command.env("AZURITE_BLOB_STORAGE_URL", format!("http://127.0.0.1:{}", self.port));
        command.output().unwrap().into()
    }
}

#[test]
fn azure_holds_what_a_folder_would() {
    let Some(emulator) = Emulator::start() else {
        say(&format!("SKIPPED: npm cannot install {AZURITE}, so az:// is not tried against a server"));
        return;
    };
    let space = shop();
    let text = fs::read_to_string(space.path("store.yaml")).unwrap();
    space.write("store.yaml", text.replace("s3://lake", "az://lake"));
    let mut known = Vec::new();
    for price in [10, 20] {
        space.write("drop/lines.csv", lines(price));
        let stored = emulator.run(&space, &["run", "store.yaml", "--output", "json"]).ok().json();
        let filed = space.run(&["run", "folder.yaml", "--output", "json"]).ok().json();
        assert_eq!(stored["snapshot"]["id"], filed["snapshot"]["id"]);
        known.push(stored["snapshot"]["id"].as_str().unwrap().to_owned());
    }
    let again = emulator.run(&space, &["run", "store.yaml"]).ok();
    assert!(again.stdout.contains("Already published, byte for byte"), "{}", again.stdout);
    // Only what comes out of the store is shown.
    fs::remove_dir_all(space.path("state/mirror")).unwrap();
    let shown = emulator.run(&space, &["show", "rfm_segment_summary", "--pipeline", "store.yaml"]).ok();
    assert_eq!(shown.stdout, space.run(&["show", "rfm_segment_summary", "--pipeline", "folder.yaml"]).ok().stdout);
    let back = emulator.run(&space, &["rollback", "store.yaml"]).ok();
    assert!(back.stdout.contains(&known[0]), "{}", back.stdout);
    emulator.run(&space, &["doctor", "store.yaml"]).ok();

    let mut wrong = space.command(&["run", "store.yaml", "--quiet"]);
    wrong.env("AZURE_STORAGE_USE_EMULATOR", "true").env("AZURE_STORAGE_ACCOUNT_KEY", "Y2FuYXJ5");
    wrong.env("AZURITE_BLOB_STORAGE_URL", format!("http://127.0.0.1:{}", emulator.port));
    let wrong: Ran = wrong.output().unwrap().into();
    assert!(wrong.code == 1 && wrong.stderr.contains("refuses the credentials"), "{}{}", wrong.code, wrong.stderr);
    assert!(!wrong.stderr.contains("Y2FuYXJ5"), "{}", wrong.stderr);
}
