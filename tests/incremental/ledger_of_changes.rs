//! Random histories of a table, cut into runs at random places.
//!
//! What is promised of rows that come later than `lookback` allows for: with `deletions: compare` they are noticed by their
//! keys, with `count` by their number, and the source is read whole at once. With `count` one that is gone may hide one that came
//! late: then the number of rows is right, and a full refresh brings the one that is missing.

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use proptest::prelude::*;
use rusqlite::{Connection, params};

use super::{Reading, read};
use crate::fuzz::fuzz;
use crate::support::Workspace;

const PIPELINE: &str = "version: 1\nname: shop\nconnections: {till: {type: sqlite, path: FILE}}\nextract:\n  sales:\n    from: till\n    \
    table: order lines\n    incremental: {cursor: updated_at, tombstone: gone, DELETIONS}\n    rejects: {warn: 100%, fail: 100%}\n    \
    columns: {order_id: no, line_number: line, customer_id: customer, product_id: product, ordered_at: ordered_at, \
    quantity: quantity, unit_price: price}\npublish: {to: out}\n";

/// What can happen to a table between two runs.
#[derive(Debug, Clone)]
enum Change {
    Insert {
        rows: u8,
    },
    /// Rows of a transaction that was open for so many hours, at times for longer than a lookback.
    Late {
        rows: u8,
        hours: i64,
    },
    Update {
        row: usize,
    },
    /// Deleted for good.
    Delete {
        row: usize,
    },
    /// Marked as deleted.
    Bury {
        row: usize,
    },
    /// Without a time of change.
    Timeless {
        row: usize,
    },
    /// One that cannot be read.
    Spoil {
        row: usize,
    },
    /// Under another key.
    Rename {
        row: usize,
    },
    /// Without a part of its key: there is none, or it is an empty text.
    Unname {
        row: usize,
        how: usize,
    },
    /// What is there is remembered.
    Backup,
    /// And comes back.
    Restore,
    Run,
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        3 => (1_u8..9).prop_map(|rows| Change::Insert { rows }),
        2 => (1_u8..4, 1..LOOKBACK).prop_map(|(rows, hours)| Change::Late { rows, hours }),
        1 => (1_u8..3, LOOKBACK..400).prop_map(|(rows, hours)| Change::Late { rows, hours }),
        3 => any::<usize>().prop_map(|row| Change::Update { row }),
        1 => any::<usize>().prop_map(|row| Change::Delete { row }),
        1 => any::<usize>().prop_map(|row| Change::Bury { row }),
        1 => any::<usize>().prop_map(|row| Change::Timeless { row }),
        1 => any::<usize>().prop_map(|row| Change::Spoil { row }),
        1 => any::<usize>().prop_map(|row| Change::Rename { row }),
        1 => any::<(usize, usize)>().prop_map(|(row, how)| Change::Unname { row, how }),
        1 => Just(Change::Backup),
        1 => Just(Change::Restore),
        4 => Just(Change::Run),
    ]
}

/// Hours that are read again where the pipeline file says nothing.
const LOOKBACK: i64 = 24;

/// How a row loses a part of its key. The cursor need not say so: such rows come with every reading.
const NAMELESS: [&str; 4] = ["no = NULL", "no = ''", "line = NULL", "line = ''"];

/// The table, and the time it has come to.
struct Till {
    database: Connection,
    now: DateTime<Utc>,
    rows: i64,
}

impl Till {
    fn open(space: &Workspace) -> Self {
        let database = Connection::open(space.path("shop.sqlite")).unwrap();
        let create = "CREATE TABLE \"order lines\" (no TEXT, line INTEGER, customer TEXT, product TEXT, ordered_at TEXT, \
                      quantity TEXT, price TEXT, updated_at TEXT, gone TEXT)";
        database.execute(create, []).unwrap();
        database.execute("CREATE TABLE backup AS SELECT * FROM \"order lines\"", []).unwrap();
        Self { database, now: Utc.with_ymd_and_hms(2026, 3, 1, 0, 0, 0).unwrap(), rows: 0 }
    }

    fn insert(&mut self, hours_ago: i64) {
        self.rows += 1;
        let n = self.rows;
        let time = (self.now - TimeDelta::hours(hours_ago)).format("%Y-%m-%d %H:%M:%S").to_string();
        let row = params![
            (n / 3).to_string(),
            n % 3 + 1,
            format!("c{}", n % 5),
            format!("p{}", n % 7),
            time,
            "2",
            format!("{}.25", n % 11),
            time
        ];
        let insert = "INSERT INTO \"order lines\" VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)";
        self.database.execute(insert, row).unwrap();
    }

    /// Does it to the row at a place, however many there are.
    fn to(&self, row: usize, what: &str) {
        let count: i64 = self.database.query_row("SELECT count(*) FROM \"order lines\"", [], |row| row.get(0)).unwrap();
        if count > 0 {
            let at =
                format!("rowid = (SELECT rowid FROM \"order lines\" ORDER BY rowid LIMIT 1 OFFSET {})", row % count as usize);
            let now = self.now.format("%Y-%m-%d %H:%M:%S");
            let statement = what.replace("NOW", &format!("'{now}'")).replace("ROW", &at);
            self.database.execute(&statement, []).unwrap();
        }
    }

    fn change(&mut self, change: &Change) {
        self.now += TimeDelta::hours(1);
        let set = |what: &str| format!("UPDATE \"order lines\" SET {what} WHERE ROW");
        match change {
            Change::Insert { rows } => (0..*rows).for_each(|_| self.insert(0)),
            Change::Late { rows, hours } => (0..*rows).for_each(|_| self.insert(*hours)),
            Change::Update { row } => self.to(*row, &set("quantity = quantity + 1, updated_at = NOW")),
            Change::Delete { row } => self.to(*row, "DELETE FROM \"order lines\" WHERE ROW"),
            Change::Bury { row } => self.to(*row, &set("gone = 'Y', updated_at = NOW")),
            Change::Timeless { row } => self.to(*row, &set("updated_at = NULL, price = '3.5'")),
            Change::Spoil { row } => self.to(*row, &set("price = 'dear', updated_at = NOW")),
            Change::Rename { row } => self.to(*row, &set("no = 'r' || NOW, updated_at = NOW")),
            Change::Unname { row, how } => self.to(*row, &set(NAMELESS[how % NAMELESS.len()])),
            Change::Backup => self.copy("backup", "\"order lines\""),
            Change::Restore => self.restore(),
            Change::Run => {}
        }
    }

    fn copy(&self, to: &str, from: &str) {
        self.database.execute_batch(&format!("DELETE FROM {to}; INSERT INTO {to} SELECT * FROM {from} ORDER BY rowid")).unwrap();
    }

    /// A backup with nothing in it is none.
    fn restore(&self) {
        let rows: i64 = self.database.query_row("SELECT count(*) FROM backup", [], |row| row.get(0)).unwrap();
        if rows > 0 {
            self.copy("\"order lines\"", "backup");
        }
    }

    /// The rows that are there, and those of them that can be read, as the database counts them.
    fn counted(&self) -> (u64, u64) {
        let count = "SELECT count(*), coalesce(sum(price <> 'dear' AND coalesce(no, '') <> ''), 0) FROM \"order lines\" \
                     WHERE gone IS NULL";
        let counted: (i64, i64) = self.database.query_row(count, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        (counted.0 as u64, counted.1 as u64)
    }
}

/// What changes may hide from one that counts rows, since it last knew all of them.
#[derive(Default)]
struct Hidden {
    /// Rows that no window brings may have come.
    came: bool,
    /// A key may be gone, or be another one.
    went: bool,
}

impl Hidden {
    fn after(&mut self, change: &Change) {
        self.came |= matches!(change, Change::Late { hours, .. } if *hours >= LOOKBACK);
        self.went |= matches!(change, Change::Delete { .. } | Change::Rename { .. } | Change::Unname { .. });
    }
}

/// What came of a history.
#[derive(Debug, PartialEq, Eq)]
struct Played {
    /// How many readings were increments.
    increments: usize,
    /// How many of them took it for all that rows were as many as they were to be.
    deceived: usize,
}

fn is_same(one: &Reading, other: &Reading) -> bool {
    one.sales == other.sales && one.rejects == other.rejects && one.book == other.book
}

/// Plays changes and compares every reading with one of the whole table.
fn play_all(changes: &[Change], deletions: &str) -> Played {
    let space = Workspace::new();
    let file = space.path("shop.sqlite").display().to_string();
    space.write("shop.yaml", PIPELINE.replace("FILE", &file).replace("DELETIONS", deletions));
    let mut till = Till::open(&space);
    // Something is always sold, or there would be nothing to stage.
    (0..4).for_each(|_| till.insert(48));
    let (mut played, mut hidden) = (Played { increments: 0, deceived: 0 }, Hidden::default());
    for change in changes.iter().chain([&Change::Run]) {
        till.change(change);
        hidden.after(change);
        let (rows, sound) = till.counted();
        if !matches!(change, Change::Run) || sound == 0 {
            continue;
        }
        let increment = read(&space, "increments", till.now, false).unwrap();
        let whole = read(&space, "whole", till.now, true).unwrap();
        assert_eq!((whole.book.rows_in, whole.book.rows_loaded, increment.book.rows_in), (rows, sound, rows));
        played.increments += usize::from(increment.increment.from.is_some());
        if !is_same(&increment, &whole) {
            let may_be = deletions.ends_with("count") && hidden.came && hidden.went && increment.increment.from.is_some();
            assert!(may_be, "{:?}: {:?} is not {:?}", increment.increment, increment.book, whole.book);
            let refreshed = read(&space, "increments", till.now, true).unwrap();
            assert!(is_same(&refreshed, &whole), "{:?} after a full refresh", refreshed.increment);
            played.deceived += 1;
        }
        hidden = Hidden::default();
    }
    played
}

/// The same where nothing can be hidden. Returns how many readings were increments.
fn play(changes: &[Change], deletions: &str) -> usize {
    let played = play_all(changes, deletions);
    assert_eq!(played.deceived, 0, "{deletions}: {changes:?}");
    played.increments
}

#[test]
fn increments_come_to_a_whole_reading() {
    let histories = (prop::collection::vec(change(), 1..24), any::<bool>());
    fuzz(8, histories, |(mut changes, compare)| {
        if !compare {
            // By their number alone, a row that comes back hides another one that is gone.
            changes.retain(|change| !matches!(change, Change::Restore));
        }
        play_all(&changes, if compare { "deletions: compare" } else { "deletions: count" });
        Ok(())
    });
}

#[test]
fn what_has_not_changed_is_not_read_again() {
    use Change::{Insert, Late, Run, Update};
    let days = |changes: Vec<Change>| -> Vec<Change> {
        // More than a lookback between the runs.
        changes.into_iter().flat_map(|change| std::iter::repeat_n(Update { row: 0 }, 30).chain([change, Run])).collect()
    };
    let quiet = days(vec![Insert { rows: 3 }, Update { row: 2 }, Late { rows: 2, hours: 20 }, Insert { rows: 1 }]);
    assert_eq!(play(&quiet, "deletions: count"), 4);
    assert_eq!(play(&quiet, "deletions: compare"), 4);
}

#[test]
fn rows_that_come_too_late_are_noticed_by_their_number() {
    use Change::{Insert, Late, Run};
    let late = [Insert { rows: 3 }, Run, Insert { rows: 1 }, Late { rows: 2, hours: 400 }, Run, Insert { rows: 1 }, Run];
    // The second reading finds that two are missing and starts anew.
    assert_eq!(play(&late, "deletions: count"), 2);
    assert_eq!(play(&late, "deletions: compare"), 2);
    // One more and one less are as many as before, but not the same.
    let swapped = [Insert { rows: 3 }, Run, Late { rows: 1, hours: 400 }, Change::Delete { row: 1 }, Run];
    assert_eq!(play(&swapped, "deletions: compare"), 1);
    assert_eq!(play_all(&swapped, "deletions: count"), Played { increments: 2, deceived: 1 });
}

#[test]
fn rows_without_a_part_of_their_key_are_neither_lost_nor_read_with_all_others() {
    use Change::{Insert, Run, Unname};
    // The first rows are older than any window.
    let unnamed = (0..NAMELESS.len()).map(|how| Unname { row: how, how });
    let quiet: Vec<Change> = unnamed.chain([Insert { rows: 3 }, Run, Insert { rows: 1 }, Run, Insert { rows: 1 }, Run]).collect();
    assert_eq!(play(&quiet, "deletions: count"), 3);
    assert_eq!(play(&quiet, "deletions: compare"), 3);
}

#[test]
fn a_table_that_goes_back_in_time_is_read_whole() {
    use Change::{Backup, Insert, Rename, Restore, Run, Timeless, Update};
    for change in [Update { row: 0 }, Rename { row: 0 }, Timeless { row: 0 }] {
        // As many rows as before, and newer ones among them, but one is again what it was.
        let back = [Insert { rows: 3 }, Backup, change, Run, Restore, Insert { rows: 1 }, Run, Insert { rows: 1 }];
        assert_eq!(play(&back, "deletions: count"), 1, "{back:?}");
        assert_eq!(play(&back, "deletions: compare"), 1, "{back:?}");
    }
    // What it was changed in lies in no window any more, and the rows after it are gone.
    let old = [Insert { rows: 3 }, Backup, Update { row: 0 }];
    let back = [Run, Restore, Insert { rows: 1 }, Run, Insert { rows: 1 }];
    let changes: Vec<Change> = old.into_iter().chain(std::iter::repeat_n(Insert { rows: 1 }, 30)).chain(back).collect();
    assert_eq!(play(&changes, "deletions: count"), 1);
    assert_eq!(play(&changes, "deletions: compare"), 1);
}
