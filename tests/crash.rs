//! A bad run changes nothing that readers see: poisoned rows, kills at exact points, two runs at once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::faults::SLOW_TABLES;
use crate::support::{Workspace, binary, contents, published_bytes};

const PIPELINE: &str = "
version: 1
name: shop
as_of: 2024-12-31
connections: {drop: {type: files, url: drop}}
extract: {sales: {from: drop, path: lines.csv}}
publish: {to: out}
";

const HEADER: &str = "order_id,line_number,customer_id,product_id,ordered_at,quantity,unit_price\n";

/// Thirty lines of ten customers; another version sells at other prices.
fn lines(version: u32) -> String {
    let line = |n: u32| {
        format!("o{},{},c{},p{},2024-{:02}-15,1,{}.50\n", n / 2, n % 2 + 1, n % 10, n % 7, n % 12 + 1, n + version * 100)
    };
    HEADER.to_owned() + &(0..30).map(line).collect::<String>()
}

fn shop(version: u32) -> Workspace {
    let space = Workspace::new();
    space.write("shop.yaml", PIPELINE);
    space.write("drop/lines.csv", lines(version));
    space
}

/// The same without the tables that take time to build, for a test of many runs.
fn quick_shop(version: u32) -> Workspace {
    let space = shop(version);
    space.write("shop.yaml", format!("{PIPELINE}transform: {{skip: [{SLOW_TABLES}]}}\n"));
    space
}

/// Everything under the target but the lock, which names whoever held it last.
fn visible(space: &Workspace) -> BTreeMap<String, Vec<u8>> {
    let mut files = contents(&space.path("out"));
    files.remove(".publish.lock");
    files
}

#[test]
fn a_poisoned_row_leaves_the_published_set_as_it_was() {
    let space = shop(1);
    space.run(&["run", "shop.yaml", "--quiet"]).ok();
    let before = visible(&space);
    assert!(before.len() > 70);

    // Each amount fits decimal(18,4); their sum over the day does not, so a table breaks while it is written.
    let poison = "x1,1,c1,p1,2024-06-01,1,90000000000000\nx2,1,c1,p1,2024-06-01,1,90000000000000\n";
    space.write("drop/lines.csv", lines(2) + poison);
    let poisoned = space.run(&["run", "shop.yaml", "--quiet"]);
    assert_eq!(poisoned.code, 1, "{}", poisoned.stderr);
    // Which of the tables that hold the sum comes first is open, as they are built side by side.
    let said = ["cannot write table", "too large to store"].iter().all(|words| poisoned.stderr.contains(words));
    assert!(said, "{}", poisoned.stderr);
    assert_eq!(visible(&space), before);

    space.write("drop/lines.csv", lines(2));
    space.run(&["run", "shop.yaml", "--quiet"]).ok();
    assert_ne!(visible(&space), before);
}

/// One system call of the main thread that a crash may come before.
struct Event {
    call: String,
    /// Its number among the main thread's calls of this name, from 1: that is how strace counts.
    number: usize,
    text: String,
}

/// Files of a run begin with the removal of what may have their name, and only what is kept is brought to disk.
const CALLS: &str = "rename,renameat,renameat2,link,linkat,unlink,unlinkat,fsync,fdatasync";

fn strace(space: &Workspace, options: &[&str]) -> std::process::ExitStatus {
    let traced = Command::new("strace")
        .current_dir(space.path(""))
        .args(["-f", "-y", "-o", "trace.txt", "-e"])
        .arg(format!("trace={CALLS}"))
        .args(options)
        .arg(binary())
        .args(["run", "shop.yaml", "--quiet"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    traced.unwrap_or_else(|e| panic!("strace is needed to kill at exact points (tests/run installs it): {e}"))
}

/// The calls of an undisturbed run, in the order of the thread that publishes.
fn events(space: &Workspace) -> Vec<Event> {
    assert!(strace(space, &[]).success());
    let trace = fs::read_to_string(space.path("trace.txt")).unwrap();
    let main = trace.lines().next().unwrap().split_whitespace().next().unwrap().to_owned();
    let calls = trace.lines().filter(|l| l.starts_with(&main) && l.contains('('));
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut events = Vec::new();
    for line in calls {
        let call = line.split_whitespace().nth(1).unwrap().split('(').next().unwrap().to_owned();
        let number = counts.entry(call.clone()).or_default();
        *number += 1;
        events.push(Event { call, number: *number, text: line.to_owned() });
    }
    events
}

/// Moments worth a crash: each step of the promotion, and some of the writing before it.
fn moments(events: &[Event]) -> BTreeSet<usize> {
    let matching = |test: &dyn Fn(&str) -> bool| -> Vec<usize> {
        events.iter().enumerate().filter(|(_, e)| test(&e.text)).map(|(place, _)| place).collect()
    };
    let ends = |numbers: Vec<usize>| -> Vec<usize> {
        let middle = numbers[numbers.len() / 2];
        vec![numbers[0], middle, *numbers.last().unwrap()]
    };
    let mut chosen = BTreeSet::new();
    chosen.extend(ends(matching(&|t| t.contains("/staged/"))));
    chosen.extend(ends(matching(&|t| t.contains("/warehouse/"))));
    chosen.extend(ends(matching(&|t| t.contains("fsync") && t.contains("snapshots/."))));
    // The snapshot gets its name, and that is brought to disk.
    let named = matching(&|t| t.contains("rename") && t.contains("snapshots/.") && !t.contains("manifest"))[0];
    chosen.extend([named, named + 1]);
    chosen.extend(ends(matching(&|t| t.contains("rename") && t.contains("current/"))));
    chosen.extend(matching(&|t| t.contains("published.json")));
    // And after it: only the ledger is left to be told.
    chosen.insert(*matching(&|t| t.contains("published.json")).last().unwrap() + 1);
    assert!(chosen.len() >= 14, "{chosen:?}");
    chosen
}

fn copy(from: &Workspace) -> Workspace {
    let space = Workspace::new();
    assert!(Command::new("cp").arg("-a").arg(from.path(".")).arg(space.path("")).status().unwrap().success());
    space
}

/// The published set of a version as it should be.
fn known_good(version: u32) -> (String, BTreeMap<String, Vec<u8>>) {
    let space = quick_shop(version);
    space.run(&["run", "shop.yaml", "--quiet"]).ok();
    (space.snapshot("out"), published_bytes(&space.path("out")))
}

type Good = BTreeMap<String, BTreeMap<String, Vec<u8>>>;

/// Readers see one of the good sets, wholly through `published.json` and file by file in `current/`.
fn assert_whole(space: &Workspace, good: &Good, moment: &str) -> String {
    let snapshot = space.snapshot("out");
    let tables = good.get(&snapshot).unwrap_or_else(|| panic!("{moment}: an unknown snapshot {snapshot}"));
    for (name, bytes) in tables {
        let found = fs::read(space.path("out/snapshots").join(&snapshot).join(name)).unwrap();
        assert_eq!(&found, bytes, "{moment}: {name} of the published snapshot");
        let current = fs::read(space.path("out/current").join(name)).unwrap();
        assert!(good.values().any(|g| g[name] == current), "{moment}: {name} in current/ is neither the old nor the new");
    }
    snapshot
}

#[test]
fn a_kill_at_any_step_leaves_the_old_or_the_new_set_whole() {
    let [(old, old_tables), (new, new_tables)] = [known_good(1), known_good(2)];
    let good = Good::from([(old.clone(), old_tables), (new.clone(), new_tables)]);
    let published = quick_shop(1);
    published.run(&["run", "shop.yaml", "--quiet"]).ok();
    published.write("drop/lines.csv", lines(2));
    let events = events(&copy(&published));

    let mut seen = BTreeSet::new();
    for place in moments(&events) {
        let Event { call, number, text: moment } = &events[place];
        let space = copy(&published);
        let ended = strace(&space, &["-e", &format!("inject={call}:signal=SIGKILL:when={number}")]);
        assert!(!ended.success(), "nothing was killed before {moment}");
        seen.insert(assert_whole(&space, &good, moment));

        // The next run puts right whatever was left.
        space.run(&["run", "shop.yaml", "--quiet"]).ok();
        assert_eq!(assert_whole(&space, &good, moment), new, "after {moment}");
        assert_eq!(published_bytes(&space.path("out")), good[&new], "after {moment}");
        let left: Vec<String> = visible(&space).into_keys().filter(|n| n.contains(".staging")).collect();
        assert!(left.is_empty(), "after {moment}: {left:?}");
    }
    // Kills before the last step show the old set, the one after it the new: both sides were really met.
    assert_eq!(seen, BTreeSet::from([old, new]));
}

/// Waits until something is there; a test that waits in vain has failed.
fn wait_until(what: &str, mut there: impl FnMut() -> bool) {
    let start = Instant::now();
    while !there() {
        assert!(start.elapsed() < Duration::from_mins(1), "waited in vain for {what}");
        sleep(Duration::from_millis(2));
    }
}

fn some_run_has(space: &Workspace, name: &str) -> bool {
    let runs = fs::read_dir(space.path("state/runs")).into_iter().flatten().flatten();
    runs.map(|run| run.path().join(name)).any(|path| path.exists())
}

/// A shop so large that its run can be met in the middle.
fn large_shop() -> Workspace {
    let space = shop(1);
    space.run(&["run", "shop.yaml", "--quiet"]).ok();
    fs::remove_dir_all(space.path("state")).unwrap();
    let line = |n: u32| format!("o{n},1,c{},p{},2024-{:02}-15,1,{}.50\n", n % 999, n % 77, n % 12 + 1, n % 50);
    space.write("drop/lines.csv", HEADER.to_owned() + &(0..60_000).map(line).collect::<String>());
    space
}

#[test]
fn a_kill_in_the_middle_of_work_leaves_the_old_set() {
    for name in ["staged/sales.parquet", "warehouse/fact_sales.parquet"] {
        let space = large_shop();
        let before = visible(&space);
        let mut victim = space.command(&["run", "shop.yaml", "--quiet"]).spawn().unwrap();
        wait_until(name, || some_run_has(&space, name));
        victim.kill().unwrap();
        let ended = victim.wait().unwrap();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&ended), Some(9), "the run ended before it was killed");
        assert_eq!(visible(&space), before, "killed after {name} appeared");
        space.write("drop/lines.csv", lines(2));
        space.run(&["run", "shop.yaml", "--quiet"]).ok();
        let runs = space.run(&["runs", "list", "--output", "json"]).ok().json();
        assert_eq!((&runs[0]["status"], &runs[1]["status"]), (&"published".into(), &"interrupted".into()));
    }
}

#[test]
fn a_second_run_is_refused_and_names_the_holder() {
    let space = large_shop();
    let before = visible(&space);
    let mut first = space.command(&["run", "shop.yaml", "--quiet"]).stderr(Stdio::null()).spawn().unwrap();
    wait_until("the first run's record", || some_run_has(&space, "staged"));
    let second = space.run(&["run", "shop.yaml", "--quiet"]);
    assert_eq!(second.code, 75, "{}", second.stderr);
    let holder = fs::read_dir(space.path("state/runs")).unwrap().next().unwrap().unwrap().file_name();
    assert!(second.stderr.contains(holder.to_str().unwrap()), "{}", second.stderr);

    // The first is asked to stop: it does, says so by its exit code, and has published nothing.
    assert!(Command::new("kill").args(["-TERM", &first.id().to_string()]).status().unwrap().success());
    assert_eq!(first.wait().unwrap().code(), Some(143));
    assert_eq!(visible(&space), before);
    let runs = space.run(&["runs", "list", "--output", "json"]).ok().json();
    assert_eq!(runs[0]["status"], "interrupted");
}

/// Two state folders know nothing of each other, so the target has a lock of its own.
#[test]
fn a_target_has_one_publisher() {
    let space = shop(1);
    fs::create_dir_all(space.path("out")).unwrap();
    let lock = File::create(space.path("out/.publish.lock")).unwrap();
    fs::write(space.path("out/.publish.lock"), "run elsewhere-1 (process 1)").unwrap();
    lock.try_lock().unwrap();
    let refused = space.run(&["run", "shop.yaml", "--quiet"]);
    assert_eq!(refused.code, 75, "{}", refused.stderr);
    assert!(refused.stderr.contains("elsewhere-1"), "{}", refused.stderr);
    assert!(!Path::new(&space.path("out/published.json")).exists());
    drop(lock);
    space.run(&["run", "shop.yaml", "--quiet"]).ok();
}
