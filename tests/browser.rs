//! Pages as people see them: the walks of `tests/console` and `tests/report` in a real browser.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::{Workspace, root};

pub fn is_there(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Walks a page and panics with what a person would trip over. Returns where the screenshots are; none, said loudly, where no
/// browser can be had.
pub fn walk<A: AsRef<OsStr>>(space: &Workspace, page: &str, name: &str, arguments: &[A]) -> Option<PathBuf> {
    let browser = std::env::var("CHROMIUM").unwrap_or_else(|_| "chromium".to_owned());
    if !(is_there(&browser) && is_there("node") && is_there("npm")) {
        crate::support::say(&format!(
            "SKIPPED: the {page} was not walked in a browser: chromium, node and npm are needed (tests/run installs them)"
        ));
        return None;
    }
    // The modules of the walk do not belong in the source tree.
    let walk = space.path("walk");
    if !walk.exists() {
        let copied = Command::new("cp").arg("-r").arg(root().join("tests").join(page)).arg(&walk).status();
        assert!(copied.unwrap().success());
    }
    let shots = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let walked = Command::new("sh").arg(walk.join("run")).args(arguments).arg(&shots).output().unwrap();
    let said = String::from_utf8_lossy(&walked.stdout).into_owned() + &String::from_utf8_lossy(&walked.stderr);
    assert!(walked.status.success(), "{said}");
    Some(shots)
}
