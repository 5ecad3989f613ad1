//! A hundred damaged inputs: each a clear error or counted rejects, and never a wrong figure, a panic or a run without end.
//!
//! Every case starts from the same four good order lines, whose amounts are different powers of two: whatever is published tells
//! by its sum alone which of the lines stand in it.

mod bytes;
mod files;
mod values;
mod workbooks;

use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::sources::{book, pipeline};
use crate::support::{Ran, Workspace, read, ten_thousandths};

pub const HEADER: &str = "order_id,ordered_at,customer_id,product_id,quantity,unit_price,channel\n";
/// Amounts 1, 2, 4 and 8.
pub const LINES: [&str; 4] = [
    "A1,2024-01-02,C1,P1,1,1.00,web\n",
    "A2,2024-01-03,C2,P1,1,2.00,web\n",
    "A3,2024-01-04,C1,P2,2,2.00,shop\n",
    "A4,2024-01-05,C3,P2,4,2.00,shop\n",
];
/// The days of all cases lie before it, and no clock is asked.
const DAY: &str = "2024-06-01";
/// A damaged file that takes longer hangs.
const PATIENCE: Duration = Duration::from_mins(4);
/// Sums alone are looked at, so little else is built and no guard speaks.
pub const FEW_MARTS: &str = "\
transform: {skip: [customer_rfm, customer_value, customer_clv, basket_rules, cohort_retention, customer_risk]}
guards: {all_at_risk: off, one_segment: off, no_recent_orders: off, stale_source: off, champions: off, closed_cohorts: off,
         join_fanout: off, revenue_drop: off}
";

/// One damaged input.
pub struct Case {
    pub name: String,
    /// File below `data/`, and what it holds.
    pub file: String,
    pub content: Vec<u8>,
    /// Further keys of the source, each a line without its indentation.
    pub keys: Vec<String>,
    pub ends: Ends,
    whole: bool,
}

/// How a run on a damaged input may end.
pub enum Ends {
    /// With this code, these words, and nothing published.
    Says(i32, Vec<&'static str>),
    /// Published: so many records set aside, and lines whose amounts come to this.
    Publishes { rejected: u64, amount: u32 },
}

pub fn says(name: &str, file: &str, content: impl Into<Vec<u8>>, words: &[&'static str]) -> Case {
    ends(name, file, content, Ends::Says(1, words.to_vec()))
}

pub fn publishes(name: &str, file: &str, content: impl Into<Vec<u8>>, rejected: u64, amount: u32) -> Case {
    ends(name, file, content, Ends::Publishes { rejected, amount })
}

fn ends(name: &str, file: &str, content: impl Into<Vec<u8>>, ends: Ends) -> Case {
    Case { name: name.to_owned(), file: file.to_owned(), content: content.into(), keys: Vec::new(), ends, whole: false }
}

impl Case {
    pub fn with(mut self, key: &str) -> Self {
        self.keys.push(key.to_owned());
        self
    }

    /// What is published goes through the whole program as well.
    pub fn published(mut self) -> Self {
        self.whole = true;
        self
    }

    fn check(&self) {
        let workspace = Workspace::new();
        workspace.write(&format!("data/{}", self.file), &self.content);
        let keys: String = self.keys.iter().map(|key| format!("    {key}\n")).collect();
        let source = format!("path: {}\n    rejects: {{warn: 0%, fail: 100%}}\n{keys}", self.file);
        let yaml = |url: &str| pipeline(&format!("{{type: files, url: {url}}}"), &source) + FEW_MARTS;
        if let Ends::Publishes { rejected, amount } = self.ends {
            workspace.write("shop.yaml", yaml(&workspace.path("data").display().to_string()));
            let (book, sum) = staged(&workspace).unwrap_or_else(|e| panic!("{}: {e}", self.name));
            assert_eq!((book.rows_rejected, sum), (rejected, i128::from(amount) * 10_000), "{}: {book:?}", self.name);
            assert_eq!(book.amount_loaded, Some(sum), "{}: {book:?}", self.name);
            assert_eq!(book.rows_in, book.rows_loaded + book.rows_rejected, "{}: {book:?}", self.name);
        }
        if self.whole || matches!(self.ends, Ends::Says(..)) {
            workspace.write("shop.yaml", yaml("data"));
            self.ends.assert(&self.name, &workspace, &run(&workspace));
        }
    }
}

/// The book of the sales that the library stages, and what their amounts come to in the staged file.
pub fn staged(workspace: &Workspace) -> Result<(extract::Book, i128), extract::Error> {
    let environment = config::Environment::process();
    let (pipeline, settings) = config::load(&workspace.path("shop.yaml"), None, None, &environment).unwrap();
    let folder = workspace.path("run");
    std::fs::create_dir_all(&folder).unwrap();
    let day: chrono::NaiveDate = DAY.parse().unwrap();
    let before = extract::SeenSources::new();
    let history = extract::History::of(&folder, "shop", day.and_time(chrono::NaiveTime::MIN).and_utc(), false);
    let place = extract::Place { folder: &folder, day, today: day, as_of: Some(day), before: &before, history: &history };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let session = extract::session(&settings.engine, &folder)?;
        let staged = extract::stage(&session, &pipeline, &settings.engine.limits, &place, &|_, _| ()).await?;
        let sum = read(&folder.join("staged/sales.parquet")).sum("net_amount");
        Ok((staged.book(schema::Entity::Sales), sum))
    })
}

impl Ends {
    pub fn assert(&self, name: &str, workspace: &Workspace, ran: &Ran) {
        let all = format!("{name}: ended with {}\nstdout:\n{}\nstderr:\n{}", ran.code, ran.stdout, ran.stderr);
        assert!(!all.contains("panicked"), "{all}");
        match self {
            Self::Says(code, words) => {
                assert_eq!(ran.code, *code, "{all}");
                for word in words {
                    assert!(ran.stderr.contains(word), "`{word}` is not in {all}");
                }
                assert!(!workspace.path("out/published.json").exists(), "{all}");
            }
            Self::Publishes { rejected, amount } => {
                assert_eq!(ran.code, 0, "{all}");
                assert_eq!(workspace.table("out", "fact_sales").sum("net_amount"), i128::from(*amount) * 10_000, "{all}");
                let line = book(workspace, "extract", "sales");
                assert_eq!(line["rows_rejected"].as_u64(), Some(*rejected), "{all}\n{line}");
                assert_eq!(ten_thousandths(line["amount_out"].as_str().unwrap()), i128::from(*amount) * 10_000, "{all}");
            }
        }
    }
}

/// Runs the pipeline in `shop.yaml`, as long as patience lasts.
pub fn run(workspace: &Workspace) -> Ran {
    let mut command = workspace.command(&["run", "shop.yaml", "--as-of", DAY]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    finished(child)
}

/// What a program left, which is killed if it does not end.
pub fn finished(mut child: Child) -> Ran {
    let started = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if started.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("the run did not end: {:?}", child.wait_with_output().unwrap());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.wait_with_output().unwrap().into()
}

/// Every case, two at a time; all that fail are told.
fn check_all(cases: &[Case], at_least: usize) {
    assert!(cases.len() >= at_least, "only {} cases", cases.len());
    let next = AtomicUsize::new(0);
    let failed: Vec<String> = std::thread::scope(|scope| {
        let work = || {
            let mut failed = Vec::new();
            while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| case.check())).is_err() {
                    failed.push(case.name.clone());
                }
            }
            failed
        };
        let workers = [scope.spawn(work), scope.spawn(work)];
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    crate::support::say(&format!("{} damaged inputs, {} of them not as they should be", cases.len(), failed.len()));
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn damaged_text_files() {
    check_all(&files::text(), 45);
}

#[test]
fn damaged_files_of_other_kinds() {
    check_all(&files::others(), 50);
}

#[test]
fn damaged_workbooks() {
    check_all(&workbooks::cases(), 30);
}
