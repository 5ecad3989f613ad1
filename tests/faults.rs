//! Every call that changes a file and every request to a store is struck in turn: it fails, or the program is killed there.
//! After each the published set is byte for byte the old or the new one, and the next run succeeds and leaves nothing over.
//!
//! Unless `FAULTS=all` asks for every one of them, or `FAULTS=7` for every seventh, one step of each kind is struck, its first
//! or its last.

mod disk;
mod left;
mod requests;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use crate::support::{Ran, Workspace, say};

/// Tables that cost time to build and are published empty here; their files take part as all others do.
pub const SLOW_TABLES: &str = "sales_trend, product_performance, region_performance, age_band_performance, customer_region, \
    customer_rfm, rfm_segment_summary, rfm_validation, segment_migration, customer_clv, clv_model, clv_backtest, customer_value, \
    value_tier_summary, value_concentration, business_segment_summary, winback_targets, customer_risk, cohort_retention, \
    cohort_average, cohort_first_purchase, retention_monthly, second_purchase_survival, basket_itemsets, basket_rules, \
    basket_run, product_recommendations, next_best_product";

/// Sells and changes what was sold: all rows have another price in each version, and as many more were changed later.
fn sell(space: &Workspace, version: u32) {
    let till = rusqlite::Connection::open(space.path("till.sqlite")).unwrap();
    let line = |n: u32| {
        let (order, line, price) = (n / 2, n % 2 + 1, n + version * 100);
        format!("('o{order}', {line}, 'c{}', 'p{}', '2024-{:02}-15', 1, '{price}.50', {version})", n % 10, n % 7, n % 12 + 1)
    };
    let rows: Vec<String> = (0..30).map(line).collect();
    let columns = "order_id, line_number, customer_id, product_id, ordered_at, quantity, unit_price";
    let statements = [
        format!("CREATE TABLE IF NOT EXISTS lines ({columns}, version, PRIMARY KEY (order_id, line_number))"),
        format!("INSERT OR REPLACE INTO lines VALUES {}", rows.join(", ")),
    ];
    till.execute_batch(&statements.join(";")).unwrap();
}

/// A shop that publishes to a target. One thread makes its calls come in the same order each time.
fn shop(to: &str) -> Workspace {
    let space = Workspace::new();
    let pipeline = format!(
        "version: 1\nname: shop\nas_of: 2024-12-31\nconnections: {{till: {{type: sqlite, path: till.sqlite}}}}\n\
         extract: {{sales: {{from: till, table: lines, incremental: {{cursor: version}}}}}}\ntransform: {{skip: [{SLOW_TABLES}]}}\npublish: {{to: {to}, keep: 2}}\n"
    );
    space.write("shop.yaml", pipeline);
    space.write("config/default.yaml", "engine: {threads: 1, tables_at_once: 1}\nruns: {keep: 2}\n");
    space
}

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").arg(from.join(".")).arg(to).status().unwrap().success());
}

/// What stands in a target under the names of its tables, without `meta_run`, which names the run.
type Set = BTreeMap<String, Vec<u8>>;

fn set(folder: &Path) -> Set {
    let mut files = crate::support::contents(folder);
    files.retain(|name, _| name.ends_with(".parquet") && name != "meta_run.parquet");
    files
}

fn published(target: &Path) -> String {
    let text = fs::read(target.join("published.json")).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&text).unwrap();
    json["snapshot"].as_str().unwrap().to_owned()
}

/// The two sets that readers may see, the old one first.
struct Good {
    sets: [(String, Set); 2],
}

impl Good {
    fn latest(&self) -> &str {
        &self.sets[1].0
    }

    /// What `published.json` leads to is one of them to the last byte, and so is each file of `current/`. Returns which.
    fn assert_one_of_them(&self, target: &Path) -> Result<String, String> {
        let snapshot = published(target);
        let (_, wanted) =
            self.sets.iter().find(|(id, _)| *id == snapshot).ok_or_else(|| format!("an unknown snapshot {snapshot}"))?;
        if set(&target.join("snapshots").join(&snapshot)) != *wanted {
            return Err(format!("{snapshot} is not what it was"));
        }
        let current = set(&target.join("current"));
        for (name, bytes) in &current {
            if !self.sets.iter().any(|(_, set)| set.get(name) == Some(bytes)) {
                return Err(format!("current/{name} is neither the old nor the new one"));
            }
        }
        if current.len() == wanted.len() { Ok(snapshot) } else { Err(format!("current/ holds {} tables", current.len())) }
    }

    /// `current/` is the set that is published, all of it.
    fn is_at_one(&self, target: &Path) -> bool {
        let snapshot = published(target);
        let current = set(&target.join("current"));
        self.sets.iter().any(|(id, set)| *id == snapshot && *set == current)
    }
}

/// What became of a run that was struck.
struct Struck {
    ran: Ran,
    killed: bool,
    /// What readers see after it.
    sees: String,
}

/// Counts for the last line of a test.
#[derive(Default)]
struct Tally {
    injected: usize,
    killed: usize,
    failed: usize,
    /// The run went on as if nothing had happened.
    passed_over: usize,
    saw_new: usize,
    wrong: Vec<String>,
}

impl Tally {
    fn add(&mut self, good: &Good, result: Result<Struck, String>) {
        self.injected += 1;
        match result {
            Err(wrong) => self.wrong.push(wrong),
            Ok(struck) => {
                self.killed += usize::from(struck.killed);
                self.failed += usize::from(!struck.killed && struck.ran.code != 0);
                self.passed_over += usize::from(!struck.killed && struck.ran.code == 0);
                self.saw_new += usize::from(struck.sees == good.latest());
            }
        }
    }

    fn close(self, what: &str) {
        let Self { injected, killed, failed, passed_over, saw_new, wrong } = self;
        let survived = injected - wrong.len();
        say(&format!(
            "{what}: {injected} faults injected, {survived} survived ({killed} kills, {failed} failed runs, {passed_over} passed \
             over; the new set was out in {saw_new})"
        ));
        assert!(wrong.is_empty(), "{} of {injected}:\n{}", wrong.len(), wrong.join("\n"));
        assert!(killed > 0 && failed > 0 && saw_new > 0 && saw_new < injected, "one side was never met");
    }
}

/// Does the work of a test on as many threads as given.
fn side_by_side<T: Send>(threads: usize, jobs: Vec<T>, work: impl Fn(T) + Sync) {
    let jobs = Mutex::new(jobs.into_iter());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let Some(job) = jobs.lock().unwrap().next() else { break };
                    work(job);
                }
            });
        }
    });
}

/// Every how many-th fault is wanted; none: a choice of them.
fn stride() -> Option<usize> {
    let wanted = std::env::var("FAULTS").ok()?;
    Some(if wanted == "all" { 1 } else { wanted.parse().expect("FAULTS is `all` or a number") })
}

/// One of each kind, in order: the first of one kind, the last of the next.
fn ends<K: Ord>(kinds: impl Iterator<Item = (usize, K)>) -> Vec<usize> {
    let mut places: BTreeMap<K, Vec<usize>> = BTreeMap::new();
    for (place, kind) in kinds {
        places.entry(kind).or_default().push(place);
    }
    let one = |(number, places): (usize, &Vec<usize>)| places[if number % 2 == 0 { 0 } else { places.len() - 1 }];
    let mut chosen: Vec<usize> = places.values().enumerate().map(one).collect();
    chosen.sort_unstable();
    chosen
}
