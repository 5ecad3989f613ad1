//! A process of its own for each property, so that a case without end can be ended, and what memory it takes is nobody else's.
//!
//! The test starts this binary once more for itself alone. That process writes down each case before it tries it; the one that
//! watches shows the last of them when it has to step in. Written to a file of `seeds`, it is tried with every run from then on.

use std::fmt::Debug;
use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::Workspace;

/// Names the folder for what the watched process tells, and tells it that it is one.
const FOLDER: &str = "FUZZ_TOLD";
/// A case that takes longer hangs. The slowest take a second, on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(20);
/// What the process may hold at the most in a case, in KiB. It takes some 150 MiB, most of which is the program itself; inputs of
/// a few hundred bytes have no business with more than the 16 MiB that each record and each packed file may have.
const MEMORY: u64 = 512 << 10;

/// What the watched process tells.
pub struct Told {
    folder: PathBuf,
    /// As many bytes as cases were begun.
    begun: File,
}

impl Told {
    /// None in a process that is not watched.
    pub fn here() -> Option<Self> {
        let folder = PathBuf::from(std::env::var_os(FOLDER)?);
        let begun = File::options().create(true).append(true).open(folder.join("begun")).unwrap();
        Some(Self { folder, begun })
    }

    pub fn begins(&self, case: &impl Debug) {
        fs::write(self.folder.join("case"), format!("{case:?}")).unwrap();
        (&self.begun).write_all(b".").unwrap();
        // From here on the peak is that of this case. Where the system does not do that, it is that of all cases so far.
        let _ = fs::write("/proc/self/clear_refs", "5");
    }

    /// What was wrong with the case that was begun last, whatever came of it.
    pub fn ended() -> Result<(), String> {
        match peak("self") {
            Some(peak) if peak > MEMORY => Err(format!("it took {} MiB, {} at most", peak >> 10, MEMORY >> 10)),
            _ => Ok(()),
        }
    }
}

/// The most memory that a process has held, in KiB. None where the system does not tell.
fn peak(process: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// Runs the test of this name in a process of its own, and fails where that fails, hangs, or takes too much memory.
pub fn over(name: &str, cases: u64) {
    let folder = Workspace::new();
    let said = folder.path("said");
    let output = File::create(&said).unwrap();
    // On a thread of its own, as with every test: the first of a process has a larger stack, and nesting would not be noticed.
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture", "--test-threads=2"])
        .env(FOLDER, folder.path(""))
        .stdout(output.try_clone().unwrap())
        .stderr(output)
        .spawn()
        .unwrap();
    let begun = || fs::metadata(folder.path("begun")).map_or(0, |file| file.len());
    let (mut last, mut since) = (0, Instant::now());
    let ended = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break Ok(status);
        }
        if begun() > last {
            (last, since) = (begun(), Instant::now());
        }
        if since.elapsed() > PATIENCE {
            break Err(format!("it has taken longer than {PATIENCE:?}"));
        }
        // It is not waited for until it says so itself: it may take all that there is.
        if peak(&child.id().to_string()).is_some_and(|peak| peak > 2 * MEMORY) {
            break Err(format!("it has taken more than {} MiB", (2 * MEMORY) >> 10));
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let _ = (child.kill(), child.wait());
    let why = match ended {
        Ok(status) if status.success() && begun() >= cases => return,
        Ok(status) if status.success() => format!("{cases} cases were to be tried; is the test called {name}?"),
        Ok(status) => status.to_string(),
        Err(why) => why,
    };
    let told = |name: &str| String::from_utf8_lossy(&fs::read(folder.path(name)).unwrap_or_default()).into_owned();
    panic!("{name}, case {}: {why}\n{}\n\n{}", begun(), told("case"), told("said"));
}
