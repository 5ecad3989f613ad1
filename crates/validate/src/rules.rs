//! The checks of the pipeline file: each a statement over the tables of the run, its failing rows counted and kept.

mod problems;
mod readable;
mod statement;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Decimal128Type, Int64Type};
use chrono::NaiveDate;
use config::{Bound, Demand, EachRow, Figure, Rows, Rule, Sql, Tolerance, Whole};
use datafusion::dataframe::DataFrame;
use datafusion::error::{DataFusionError, Result};
use datafusion::functions_aggregate::expr_fn::{count, sum};
use datafusion::logical_expr::{col, lit};
use datafusion::prelude::SessionContext;
use extract::TableFile;

pub use problems::plan;
#[cfg(test)]
pub(crate) use readable::without_rows;

use crate::check::{Check, Kept, Status};
use crate::gate::Demands;
use statement::{DEGENERATE, Desk, FRESHNESS, ROWS};

/// Digits after the point of figures that are compared.
const SCALE: i8 = 8;
const UNIT: i128 = 100_000_000;

/// What a rule saw.
struct Seen {
    holds: bool,
    measured: String,
    wanted: String,
    failing: u64,
    /// The rows that fail; none where no single row does.
    rows: Option<DataFrame>,
}

/// What checks may read of a run.
pub(crate) async fn readable(session: &SessionContext, previous: Option<&Path>) -> Result<SessionContext> {
    readable::of_run(session, previous).await
}

/// Answers every rule, in the order of the file. Failing rows are kept below `record`. What cannot be answered does not hold.
pub(crate) async fn answer(session: SessionContext, demands: &Demands<'_>, as_of: NaiveDate, record: &Path) -> Vec<Check> {
    let desk = Desk { session, as_of };
    // An earlier attempt of the run may have left rows that no longer fail.
    let _ = fs::remove_dir_all(record.join("checks"));
    let mut checks = Vec::new();
    for rule in demands.rules {
        let seen = match seen(&desk, rule, demands).await {
            Ok(seen) => seen,
            Err(error) => unanswered(&error),
        };
        let mut check =
            Check::asked(&rule.name, &table(&rule.demand), rule.is_fatal, seen.holds, seen.measured, &seen.wanted, seen.failing);
        if let Some(rows) = seen.rows.filter(|_| check.failing_rows > 0 && demands.rows_kept > 0) {
            match keep(rows, &rule.name, demands.rows_kept, record).await {
                Ok(kept) => check.kept = Some(kept),
                Err(error) => tracing::warn!(check = rule.name, %error, "cannot keep the failing rows"),
            }
        }
        if check.status != Status::Passed {
            check.remedy = remedy(rule).to_owned();
        }
        checks.push(check);
    }
    checks
}

fn unanswered(error: &DataFusionError) -> Seen {
    Seen {
        holds: false,
        measured: format!("cannot be answered: {}", problems::words_without_values(error)),
        wanted: String::new(),
        failing: 0,
        rows: None,
    }
}

/// What can be done about it.
fn remedy(rule: &Rule) -> &'static str {
    let counts_rows = matches!(rule.demand, Demand::EachRow { .. } | Demand::NoRow { .. });
    match (counts_rows, rule.is_fatal) {
        (true, true) => "mend the source, let so many rows pass with `allow:`, or only tell of it with `severity: warn`",
        (true, false) => "mend the source, or let so many rows pass with `allow:`",
        (false, true) => "mend the source, or only tell of it with `severity: warn`",
        (false, false) => "mend the source, or change the check in the pipeline file",
    }
}

/// What the check is about.
fn table(demand: &Demand) -> String {
    match demand {
        Demand::EachRow { of, .. } | Demand::Whole { of, .. } => of.table.clone(),
        Demand::NoRow { query, .. } => statement::tables(&query.text).join(", "),
        Demand::Equal { left, right, .. } => {
            let mut tables = [left, right].map(figure_tables).concat();
            tables.sort();
            tables.dedup();
            tables.join(", ")
        }
    }
}

fn figure_tables(figure: &Figure) -> Vec<String> {
    match figure {
        Figure::Query(query) => statement::tables(&query.text),
        Figure::Value { of, .. } => vec![of.table.clone()],
    }
}

async fn seen(desk: &Desk, rule: &Rule, demands: &Demands<'_>) -> Result<Seen> {
    match &rule.demand {
        Demand::EachRow { of, wants, allow } => each_row(desk, of, wants, *allow).await,
        Demand::Whole { of, wants } => whole(desk, of, wants, demands).await,
        Demand::NoRow { query, allow } => {
            let rows = desk.query(&query.text).await?;
            let failing = number(rows.clone().aggregate(Vec::new(), vec![count(lit(1_i64))])?).await?;
            let wanted = if *allow == 0 { "no row".to_owned() } else { format!("at most {allow} rows") };
            let measured = format!("{failing} rows returned");
            Ok(Seen { holds: failing <= *allow, measured, wanted, failing, rows: Some(rows) })
        }
        Demand::Equal { left, right, tolerance } => equal(desk, left, right, *tolerance).await,
    }
}

async fn each_row(desk: &Desk, of: &Rows, wants: &EachRow, allow: Tolerance) -> Result<Seen> {
    let rows = desk.failing(of, wants).await?;
    let counted = match wants {
        // Of a key's rows all but one are too many.
        EachRow::Unique { .. } => sum(col("rows_of_key") - lit(1_i64)),
        _ => count(lit(1_i64)),
    };
    let failing = number(rows.clone().aggregate(Vec::new(), vec![counted])?).await?;
    let checked = rows_of(desk, of).await?;
    let holds = allow.lets_pass(failing.into(), checked.into(), 1);
    let passing = if allow == Tolerance::NONE { String::new() } else { format!("; {allow} rows let pass") };
    let passing = if matches!(allow, Tolerance::Share(_)) { passing.replace(" rows", " of the rows") } else { passing };
    let wanted = format!("{}{passing}", described(wants));
    Ok(Seen { holds, measured: format!("{failing} of {checked} rows fail"), wanted, failing, rows: Some(rows) })
}

/// What each row must be, in words.
fn described(wants: &EachRow) -> String {
    let shown = |bound: &Bound| match bound {
        Bound::Amount(amount) => Tolerance::Amount(*amount).to_string(),
        Bound::Number(number) => number.to_string(),
        Bound::Day(day) => day.to_string(),
        Bound::AsOf => "as_of".to_owned(),
    };
    match wants {
        EachRow::Unique { columns } => format!("({}) unique", columns.join(", ")),
        EachRow::NotNull { columns } => format!("a value in {}", columns.join(", ")),
        EachRow::AcceptedValues { column, values } => {
            let more = if values.len() > 5 { format!(" and {} more", values.len() - 5) } else { String::new() };
            let first: Vec<&str> = values.iter().take(5).map(String::as_str).collect();
            format!("{column} one of {}{more}", first.join(", "))
        }
        EachRow::Relationship { column, to, to_column } => format!("{column} found in {to}.{to_column}"),
        EachRow::Range { column, min, max, .. } => match (min, max) {
            (Some(min), Some(max)) => format!("{column} from {} to {}", shown(min), shown(max)),
            (Some(min), None) => format!("{column} at least {}", shown(min)),
            (None, max) => format!("{column} at most {}", max.as_ref().map(shown).unwrap_or_default()),
        },
        EachRow::Regex { column, pattern } => format!("{column} like {}", pattern.text),
    }
}

async fn whole(desk: &Desk, of: &Rows, wants: &Whole, demands: &Demands<'_>) -> Result<Seen> {
    match wants {
        Whole::RowCount { min, max } => Ok(row_count(rows_of(desk, of).await?, *min, *max)),
        Whole::Freshness { column, is_date_key, max_age_days } => {
            let newest = newest(desk, of, column, *is_date_key).await?;
            let wanted = format!("{column} at most {max_age_days} days before as_of");
            let age = newest.map(|day| (desk.as_of - day).num_days());
            let measured = match (newest, age) {
                (Some(day), Some(age)) => format!("the newest is {day}, {age} days before as_of"),
                _ => "there is no day at all".to_owned(),
            };
            Ok(Seen { holds: age.is_some_and(|age| age <= i64::from(*max_age_days)), measured, wanted, failing: 0, rows: None })
        }
        Whole::Drift { value, max_drop, max_rise } => drift(desk, of, value.as_ref(), (*max_drop, *max_rise), demands).await,
        Whole::Degenerate { column, max_share_ppb } => degenerate(desk, of, column, *max_share_ppb, demands).await,
    }
}

fn row_count(rows: u64, min: Option<u64>, max: Option<u64>) -> Seen {
    let off = min.map_or(0, |min| min.saturating_sub(rows)).max(max.map_or(0, |max| rows.saturating_sub(max)));
    let wanted = match (min, max) {
        (Some(min), Some(max)) => format!("{min} to {max} rows"),
        (Some(min), None) => format!("at least {min} rows"),
        (None, max) => format!("at most {} rows", max.unwrap_or_default()),
    };
    Seen { holds: off == 0, measured: format!("{rows} rows"), wanted, failing: off, rows: None }
}

async fn newest(desk: &Desk, of: &Rows, column: &str, is_date_key: bool) -> Result<Option<NaiveDate>> {
    let quoted = statement::quoted(column);
    let value = if is_date_key { quoted } else { format!("CAST({quoted} AS DATE)") };
    let found = first(desk.over(of, FRESHNESS, &[("value", value)], Vec::new()).await?, &DataType::Int32).await?;
    let number = found.and_then(|found| found.as_primitive::<arrow::datatypes::Int32Type>().iter().next().flatten());
    Ok(number.and_then(|number| if is_date_key { crate::days::of_key(number) } else { NaiveDate::from_epoch_days(number) }))
}

async fn degenerate(desk: &Desk, of: &Rows, column: &str, max_ppb: u64, demands: &Demands<'_>) -> Result<Seen> {
    let rows = rows_of(desk, of).await?;
    let frame = desk.over(of, DEGENERATE, &[("value", statement::quoted(column))], Vec::new()).await?;
    let (mut common, mut most) = (None, 0);
    for batch in frame.collect().await?.iter().filter(|batch| batch.num_rows() > 0) {
        common = batch.column(0).as_string_opt::<i32>().and_then(|values| values.iter().next().flatten().map(str::to_owned));
        most = batch.column(1).as_primitive::<Int64Type>().iter().flatten().map(i64::unsigned_abs).next().unwrap_or_default();
    }
    let limit = Tolerance::Share(max_ppb);
    let holds = limit.lets_pass(most.into(), rows.into(), 1);
    let named = match common {
        Some(_) if demands.pii.contains(column) => "one value".to_owned(),
        Some(value) => format!("`{value}`"),
        None => "no value".to_owned(),
    };
    let measured = if rows == 0 { "no rows".to_owned() } else { format!("{named} stands in {most} of {rows} rows") };
    let wanted = format!("no value of {column} in more than {limit} of the rows");
    Ok(Seen { holds, measured, wanted, failing: if holds { 0 } else { most }, rows: None })
}

async fn drift(
    desk: &Desk,
    of: &Rows,
    value: Option<&Sql>,
    (max_drop, max_rise): (Option<Tolerance>, Option<Tolerance>),
    demands: &Demands<'_>,
) -> Result<Seen> {
    let what = value.map_or("rows", |value| value.text.as_str());
    let limits = [max_drop.map(|most| format!("down by at most {most}")), max_rise.map(|most| format!("up by at most {most}"))];
    let wanted = format!("{what} {}", limits.into_iter().flatten().collect::<Vec<_>>().join(", "));
    let now = figure(desk.figure(of, value).await?).await?;
    let was_published = demands.previous.is_some_and(|folder| extract::published(folder, &of.table).is_some());
    if !was_published {
        let measured = format!("{}; there is no snapshot of an earlier day to compare with", shown(now));
        return Ok(Seen { holds: true, measured, wanted, failing: 0, rows: None });
    }
    let before = Rows { table: format!("previous_{}", of.table), ..of.clone() };
    let before = figure(desk.figure(&before, value).await?).await?;
    let lets = |limit: Option<Tolerance>, by: i128| by <= 0 || limit.is_none_or(|limit| limit.lets_pass(by, before, UNIT));
    let holds = lets(max_drop, before - now) && lets(max_rise, now - before);
    Ok(Seen { holds, measured: format!("from {} to {}", shown(before), shown(now)), wanted, failing: 0, rows: None })
}

async fn equal(desk: &Desk, left: &Figure, right: &Figure, tolerance: Tolerance) -> Result<Seen> {
    let (left, right) = (one_number(desk, left).await?, one_number(desk, right).await?);
    let off = (left - right).abs();
    let wanted = if tolerance == Tolerance::NONE { "both equal".to_owned() } else { format!("at most {tolerance} apart") };
    let measured = format!("left {}, right {}, {} apart", shown(left), shown(right), shown(off));
    Ok(Seen { holds: tolerance.lets_pass(off, right, UNIT), measured, wanted, failing: 0, rows: None })
}

async fn one_number(desk: &Desk, of: &Figure) -> Result<i128> {
    match of {
        Figure::Query(query) => figure(desk.query(&query.text).await?).await,
        Figure::Value { of, value } => figure(desk.figure(of, Some(value)).await?).await,
    }
}

async fn rows_of(desk: &Desk, of: &Rows) -> Result<u64> {
    number(desk.over(of, ROWS, &[], Vec::new()).await?).await
}

/// The first column of the only row, as this type; none where there is no row.
async fn first(frame: DataFrame, kind: &DataType) -> Result<Option<arrow::array::ArrayRef>> {
    let batches: Vec<RecordBatch> = frame.limit(0, Some(2))?.collect().await?.into_iter().filter(|b| b.num_rows() > 0).collect();
    match batches.as_slice() {
        [] => Ok(None),
        [one] if one.num_rows() == 1 => Ok(Some(arrow::compute::cast(one.column(0), kind)?)),
        _ => Err(DataFusionError::Plan("there is more than one row where one number is wanted".to_owned())),
    }
}

async fn number(frame: DataFrame) -> Result<u64> {
    let found = first(frame, &DataType::Int64).await?;
    Ok(found.and_then(|found| found.as_primitive::<Int64Type>().iter().next().flatten()).map_or(0, i64::unsigned_abs))
}

/// A number with eight places; no value, such as the sum of no rows, is nothing.
async fn figure(frame: DataFrame) -> Result<i128> {
    let found = first(frame, &DataType::Decimal128(38, SCALE)).await?;
    Ok(found.and_then(|found| found.as_primitive::<Decimal128Type>().iter().next().flatten()).unwrap_or(0))
}

fn shown(figure: i128) -> String {
    let (sign, figure) = (if figure < 0 { "-" } else { "" }, figure.abs());
    let rest = format!("{:08}", figure % UNIT);
    let rest = rest.trim_end_matches('0');
    if rest.is_empty() { format!("{sign}{}", figure / UNIT) } else { format!("{sign}{}.{rest}", figure / UNIT) }
}

/// Writes the first failing rows, in the order of their columns.
async fn keep(rows: DataFrame, name: &str, most: usize, record: &Path) -> Result<Kept, Box<dyn std::error::Error + Send + Sync>> {
    let order =
        rows.schema().columns().into_iter().map(|column| datafusion::logical_expr::Expr::Column(column).sort(true, false));
    let order = order.collect::<Vec<_>>();
    let schema = Arc::new(rows.schema().as_arrow().clone());
    let batches = rows.sort(order)?.limit(0, Some(most))?.collect().await?;
    fs::create_dir_all(record.join("checks"))?;
    let file = format!("checks/{name}.parquet");
    let mut table = TableFile::create_for_run(&record.join(&file), schema)?;
    for batch in &batches {
        table.write(batch)?;
    }
    Ok(Kept { file, rows: table.finish_on_disk()? })
}
