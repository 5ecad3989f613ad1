//! Reading the reference files.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clv::table::{Order, Table, from_days, from_times};
use clv::{Collected, Collector, Histories};

/// The rows of a file, by column.
pub fn rows(name: &str) -> Vec<BTreeMap<String, String>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    csv::Reader::from_path(path).unwrap().deserialize().map(Result::unwrap).collect()
}

pub fn number(row: &BTreeMap<String, String>, column: &str) -> f64 {
    row[column].parse().unwrap_or_else(|_| panic!("{column} of {row:?}"))
}

/// Days from 1970-01-01 of a date like 1997-09-30.
pub fn day(date: &str) -> i32 {
    let parts: Vec<i32> = date.split('-').map(|part| part.parse().unwrap()).collect();
    let (year, month) = if parts[1] > 2 { (parts[0], parts[1] - 3) } else { (parts[0] - 1, parts[1] + 9) };
    365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + parts[2] - 719_469
}

/// CDNOW as of a day, with one cut-off.
pub fn collected(as_of: &str, cutoff: &str) -> Collected {
    let mut lines: Vec<(i64, i32, f64)> = rows("cdnow_sample_transactions.csv")
        .iter()
        .map(|row| (row["id"].parse().unwrap(), day(&row["date"]), number(row, "amt")))
        .collect();
    lines.sort_by_key(|line| (line.0, line.1));
    let mut collector = Collector::new(day(as_of), &[day(cutoff)]);
    for (customer, day, amount) in lines {
        collector.push(customer, day, amount);
    }
    collector.finish()
}

/// CDNOW at the end of September 1997, made of its transactions.
pub fn calibration() -> Histories {
    collected("1998-06-30", "1997-09-30").cutoffs.remove(0).histories
}

/// A history in weeks.
#[derive(Debug, Clone, Copy)]
pub struct Weeks {
    pub x: u32,
    pub last: f64,
    pub observed: f64,
    pub value: f64,
}

/// CDNOW as other libraries ship it: weeks rounded to hundredths.
pub fn rounded_weeks() -> Vec<Weeks> {
    let of = |row: &BTreeMap<String, String>| Weeks {
        x: number(row, "x") as u32,
        last: number(row, "t_x"),
        observed: number(row, "T"),
        value: number(row, "monetary"),
    };
    rows("cdnow_sample_lifetimes_predictions.csv").iter().map(of).collect()
}

/// The same, not rounded.
pub fn exact_weeks() -> Vec<Weeks> {
    let h = calibration();
    let of = |i: usize| Weeks {
        x: h.repeats[i],
        last: f64::from(h.last[i]) / 7.0,
        observed: f64::from(h.observed[i]) / 7.0,
        value: h.repeat_value[i],
    };
    (0..h.len()).map(of).collect()
}

pub fn table(weeks: &[Weeks]) -> (Table, Order) {
    let x: Vec<u32> = weeks.iter().map(|w| w.x).collect();
    let last: Vec<f64> = weeks.iter().map(|w| w.last).collect();
    let observed: Vec<f64> = weeks.iter().map(|w| w.observed).collect();
    from_times(&x, &last, &observed)
}

pub fn day_table(histories: &Histories) -> Table {
    from_days(histories).0
}

/// Asserts that two figures differ by no more than a part.
#[track_caller]
pub fn close(found: f64, wanted: f64, part: f64, what: &str) {
    let off = (found - wanted).abs() / wanted.abs().max(1e-300);
    // The references have ten or twelve places.
    assert!(off <= part || (found - wanted).abs() <= 5.1e-11, "{what}: {found} is not {wanted}, off by {off:e}");
}
