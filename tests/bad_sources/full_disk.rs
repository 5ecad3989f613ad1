//! Disks without room: a small file system in memory stands in the place of a folder, and files that may not grow.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{HEADER, LINES, PLAIN, Shop, done, pipeline};
use crate::support::{Ran, Workspace, contents, say};

/// A file system of its own in a folder, which goes with it.
struct Disk {
    at: PathBuf,
}

impl Disk {
    /// None where this may not be done.
    fn mounted(at: &Path, size: &str) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let options = format!("size={size}");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(at).output();
        mounted.is_ok_and(|output| output.status.success()).then(|| Self { at: at.to_path_buf() })
    }

    /// Somebody makes room.
    fn enlarge(&self, size: &str) {
        done(Command::new("mount").args(["-o", &format!("remount,size={size}")]).arg(&self.at));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily, so that nobody who still looks into it keeps it.
        let _ = Command::new("umount").arg("--lazy").arg(&self.at).status();
    }
}

/// A shop that is published and has a folder on a disk of its own. The disk comes first, because it is to go first.
struct OnDisk {
    disk: Disk,
    shop: Shop,
}

impl OnDisk {
    fn new(folder: &str, size: &str) -> Option<Self> {
        let workspace = Workspace::new();
        let disk = Disk::mounted(&workspace.path(folder), size)?;
        Some(Self { disk, shop: Shop::published_in(workspace) })
    }

    /// What readers see: the published set and nothing that a run is still at.
    fn seen(&self) -> BTreeMap<String, Vec<u8>> {
        let mut seen = contents(&self.shop.workspace.path("out"));
        seen.retain(|name, _| !name.contains(".staging/") && name != ".publish.lock");
        assert!(seen.len() > 60 && seen.contains_key("published.json"), "{} files", seen.len());
        seen
    }

    fn sum(&self) -> i128 {
        self.shop.workspace.table("out", "fact_sales").sum("net_amount")
    }

    fn run(&self) -> Ran {
        self.shop.workspace.run(&["run", "shop.yaml"])
    }

    fn statuses(&self) -> Vec<String> {
        let runs = self.shop.workspace.run(&["runs", "list", "--output", "json"]).ok().json();
        runs.as_array().unwrap().iter().map(|run| run["status"].as_str().unwrap().to_owned()).collect()
    }
}

fn many(lines: u32) -> String {
    (0..lines).fold(HEADER.to_owned(), |text, n| text + &format!("B{n},2024-01-03,C{n},P{n},1,1.00\n"))
}

/// Which folder has a disk of its own, its size, how many lines are too many for it, and what is said then. Two lines take
/// 400 KiB of the state folder and half of that of the target; a thousand more take 20 KiB as staged rows, 200 KiB as tables of a
/// run and 110 KiB published. So each disk is full in the middle of one stage.
const FULL: [(&str, &str, u32, &[&str]); 3] = [
    ("state", "2m", 120_000, &["extract.sales: cannot store the staged rows", "state/runs/shop-", "/staged/sales.parquet"]),
    ("state", "2m", 20_000, &["cannot write table ", "cannot encode state/runs/shop-", "/warehouse/"]),
    ("out", "1m", 12_000, &["cannot copy to out/snapshots/.shop-", ".staging/"]),
];

#[test]
fn a_disk_that_is_full_is_told_by_the_path_and_changes_nothing_that_readers_see() {
    for (folder, size, lines, words) in FULL {
        let Some(on) = OnDisk::new(folder, size) else {
            say("SKIPPED: no disk was filled to the last byte: only root may mount a tmpfs, and not everywhere");
            return;
        };
        let (seen, snapshot) = (on.seen(), on.shop.workspace.snapshot("out"));
        assert_eq!(on.sum(), 30_000);
        on.shop.workspace.write("data/orders.csv", many(lines));
        let ran = on.run();
        assert_eq!(ran.code, 1, "{folder}, {lines} lines: {}{}", ran.stdout, ran.stderr);
        for word in words.iter().chain(&["No space left on device", "help: the disk is full: make room on it"]) {
            assert!(ran.stderr.contains(word), "{folder}, {lines} lines: `{word}` is not in:\n{}", ran.stderr);
        }
        assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
        assert!(on.seen() == seen, "{folder}, {lines} lines: readers see something else");
        assert_eq!(on.sum(), 30_000);

        // With room again the next run publishes, and clears away what the one that failed has left where readers look.
        on.disk.enlarge("64m");
        on.shop.workspace.write("data/orders.csv", format!("{HEADER}{LINES}"));
        let again = on.run().ok();
        assert!(again.stdout.contains("Already published"), "{}", again.stdout);
        assert_eq!((on.shop.workspace.snapshot("out"), on.sum()), (snapshot, 30_000));
        assert!(!on.shop.workspace.path("out/snapshots").read_dir().unwrap().any(is_hidden));
        let statuses = on.statuses();
        assert_eq!((statuses.len(), statuses[0].as_str(), statuses[2].as_str()), (3, "published", "published"));
        assert!(["failed", "source_failed", "interrupted"].contains(&statuses[1].as_str()), "{statuses:?}");
    }
}

fn is_hidden(entry: std::io::Result<fs::DirEntry>) -> bool {
    entry.unwrap().file_name().to_string_lossy().starts_with('.')
}

#[test]
fn a_file_that_may_not_grow_ends_the_run_and_no_more() {
    let shop = Shop::published();
    shop.workspace.write("data/orders.csv", many(30_000));
    shop.workspace.write("bad.yaml", pipeline("{type: files, url: data}", PLAIN));
    // A file that would be larger than this many blocks cannot be written any further, as on a disk that is full.
    let program = shop.workspace.command(&[]).get_program().to_owned();
    for blocks in [100, 400, 800] {
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" run bad.yaml");
        let mut shell = Command::new("sh");
        let ran: Ran = shell.args(["-c", &script]).arg(&program).current_dir(shop.workspace.path("")).output().unwrap().into();
        assert_eq!(ran.code, 1, "{blocks} blocks: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains("File too large") || ran.stderr.contains("disk"), "{}", ran.stderr);
        assert!(*shop.out.borrow() == contents(&shop.workspace.path("out")), "readers see something else");
    }
    shop.assert_kept(&Ran { code: 1, stdout: String::new(), stderr: String::new() }, 1, &[]);
}
