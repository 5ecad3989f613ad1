//! Faults of the disk, by a library that stands between the program and the C library.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use super::{Good, Struck, Tally, copy, ends, left, sell, set, shop, side_by_side, stride};
use crate::support::{Ran, Workspace, root, say};

/// A call that changes a file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Call {
    name: String,
    path: String,
}

impl Call {
    /// Calls of one kind do the same to files of the same sort: to a table, or to one under the name it has until it is whole.
    fn kind(&self) -> (String, String) {
        let folder = Path::new(&self.path).parent().unwrap_or(Path::new("")).display().to_string();
        let table = [".parquet", ".parquet.staging"].into_iter().find(|ending| self.path.ends_with(ending));
        (self.name.clone(), table.map_or_else(|| self.path.clone(), |ending| format!("{folder}/*{ending}")))
    }

    fn is_on_target(&self) -> bool {
        self.path.starts_with("out")
    }
}

fn built_shim(folder: &Path) -> PathBuf {
    let library = folder.join("shim.so");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(&library)
        .arg(root().join("tests/faults/shim.c"))
        .args(["-ldl", "-lpthread"])
        .status();
    assert!(built.expect("a C compiler is needed (tests/run installs it)").success());
    library
}

/// The run with the library before it; `at` 0 strikes nothing.
fn run(space: &Workspace, shim: &Path, at: usize, how: &str) -> (std::process::Output, Vec<Call>) {
    let log = space.path("calls");
    let _ = fs::remove_file(&log);
    let mut command = space.command(&["run", "shop.yaml", "--quiet"]);
    let under = format!("{}:{}", space.path("out").display(), space.path("state").display());
    command.env("LD_PRELOAD", shim).env("FAULT_UNDER", under).env("FAULT_LOG", &log);
    let output = command.env("FAULT_AT", at.to_string()).env("FAULT_HOW", how).output().unwrap();
    let top = format!("{}/", space.path("").display().to_string().trim_end_matches('/'));
    let call = |line: &str| {
        let mut words = line.splitn(3, ' ').skip(1);
        let name = words.next().unwrap().to_owned();
        Call { name, path: shape(words.next().unwrap().strip_prefix(&top).unwrap_or_default()) }
    };
    (output, fs::read_to_string(&log).unwrap_or_default().lines().map(call).collect())
}

/// A path without what differs between two runs.
fn shape(path: &str) -> String {
    let part = |part: &str| {
        if let Some((before, _)) = part.split_once("shop-20") {
            let after = if part.ends_with(".staging") { ".staging" } else { "" };
            format!("{before}RUN{after}")
        } else if part.starts_with("datafusion-") {
            "datafusion-*".to_owned()
        } else {
            part.to_owned()
        }
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

fn strike(base: &Workspace, good: &Good, shim: &Path, (at, how): (usize, &str), call: &Call) -> Result<Struck, String> {
    let space = Workspace::new();
    copy(&base.path(""), &space.path(""));
    let (output, calls) = run(&space, shim, at, how);
    let killed = output.status.signal() == Some(9);
    let ran = Ran::from(output);
    let hit = calls.get(at - 1).cloned();
    let what = format!("{how} at call {at}, {} {}", call.name, call.path);
    let wrong = |detail: String| format!("{what}: {detail} (exit {}, {})", ran.code, ran.stderr.trim());
    if hit.as_ref() != Some(call) {
        return Err(wrong(format!("met {hit:?}")));
    }
    if how == "before" && !killed {
        return Err(wrong("it lives".to_owned()));
    }
    let out = space.path("out");
    let sees = good.assert_one_of_them(&out).map_err(&wrong)?;
    if !killed {
        if !good.is_at_one(&out) {
            return Err(wrong("current/ is not the published set".to_owned()));
        }
        // What readers see is what the run says; but for the one step after which a name may not last.
        let is_last_step = call.name == "fsync" && call.path == "out";
        if (ran.code == 0) != (sees == good.latest()) && !is_last_step {
            return Err(wrong(format!("readers see {sees}")));
        }
        if ran.code != 0 && !ran.stderr.contains("error:") {
            return Err(wrong("it does not say why".to_owned()));
        }
    }
    let next = space.run(&["run", "shop.yaml", "--quiet"]);
    if next.code != 0 {
        return Err(wrong(format!("the next run: exit {} {}", next.code, next.stderr)));
    }
    let after = good.assert_one_of_them(&out).map_err(&wrong)?;
    if after != good.latest() || !good.is_at_one(&out) {
        return Err(wrong(format!("after the next run readers see {after}")));
    }
    let mut left = left::in_target(&out);
    left.extend(left::in_state(&space.path("state")));
    if left.is_empty() { Ok(Struck { ran, killed, sees }) } else { Err(wrong(format!("left over: {left:?}"))) }
}

/// Which calls are struck, and how. Each is a kill or a failure in turn; what readers could see of it is both.
fn chosen(calls: &[Call]) -> Vec<(usize, &'static str)> {
    let failures = ["eio", "enospc", "short"];
    let failure = |place: usize| failures[place % failures.len()];
    if let Some(stride) = stride() {
        let all = (0..calls.len()).step_by(stride);
        return all.flat_map(|place| [(place + 1, "before"), (place + 1, failure(place))]).collect();
    }
    let first = calls.iter().position(Call::is_on_target).unwrap();
    let kinds = calls.iter().enumerate().skip(first).map(|(place, call)| (place, call.kind()));
    let mut chosen = Vec::new();
    for (turn, place) in ends(kinds).into_iter().enumerate() {
        let is_seen = calls[place].is_on_target() && !calls[place].path.contains(".staging/");
        if is_seen || turn % 2 == 0 {
            chosen.push((place + 1, "before"));
        }
        if is_seen || turn % 2 == 1 {
            chosen.push((place + 1, failure(turn / 2)));
        }
    }
    let earlier = (0..first).step_by(first / 10);
    chosen.extend(earlier.enumerate().map(|(turn, place)| (place + 1, ["before", "eio", "enospc", "short"][turn % 4])));
    chosen
}

#[test]
fn a_disk_that_fails_at_any_call_leaves_the_old_or_the_new_set_and_nothing_over() {
    let base = shop("out");
    let tools = Workspace::new();
    let shim = built_shim(&tools.path(""));
    for version in [0, 1] {
        sell(&base, version);
        base.run(&["run", "shop.yaml", "--quiet"]).ok();
    }
    let known = |space: &Workspace| {
        let snapshot = space.snapshot("out");
        (snapshot.clone(), set(&space.path("out/snapshots").join(snapshot)))
    };
    let old = known(&base);
    sell(&base, 2);
    let undisturbed = Workspace::new();
    copy(&base.path(""), &undisturbed.path(""));
    let (output, calls) = run(&undisturbed, &shim, 0, "");
    Ran::from(output).ok();
    let good = Good { sets: [old, known(&undisturbed)] };
    let first = calls.iter().position(Call::is_on_target).unwrap();
    assert!(calls.len() > 500, "the library does not see what the program does");

    let tally = Mutex::new(Tally::default());
    let threads = std::thread::available_parallelism().map_or(2, |n| n.get().min(4));
    let chosen = chosen(&calls);
    let (all, published, injected) = (calls.len(), calls.len() - first, chosen.len());
    say(&format!("disk: {all} calls change a file, {published} of them from the publication on; {injected} faults to inject"));
    side_by_side(threads, chosen, |(at, how)| {
        let result = strike(&base, &good, &shim, (at, how), &calls[at - 1]);
        if let Err(wrong) = &result {
            say(wrong);
        }
        tally.lock().unwrap().add(&good, result);
    });
    tally.into_inner().unwrap().close("disk");
}
