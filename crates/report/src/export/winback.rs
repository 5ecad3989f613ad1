//! The win-back list as a marketing team works from it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, StringArray};
use arrow::datatypes::Date32Type;
use arrow::record_batch::RecordBatch;
use schema::{Column, Type};

use crate::Error;
use crate::export::{Format, Sheet};
use crate::rows::Row;
use crate::snapshot::Snapshot;

const TARGETS: &[&str] = &[
    "customer_key",
    "region_key",
    "priority",
    "days_since_last_order",
    "lifetime_value",
    "value_tier",
    "comebacks",
    "probability_buys_30d",
    "expected_recovered_value",
    "campaign",
    "arm",
    "contact_by",
];

/// Writes whom to win back, the most pressing first, with who they are; gives the rows. Customers of the control group
/// stand in the list with `contact` false. Names and addresses are columns only where `show_personal` says so.
pub fn export_winback(snapshot: &Path, to: &Path, format: Format, show_personal: bool) -> Result<u64, Error> {
    let now = Snapshot { folder: snapshot, masked: &[] };
    let rows = now.rows("winback_targets", TARGETS)?;
    let mut targets: Vec<Row<'_>> = rows.iter().collect();
    targets.sort_by_key(|row| {
        let worth = std::cmp::Reverse((row.maybe_money("expected_recovered_value"), row.money("lifetime_value")));
        (row.text("priority"), worth, row.int("customer_key"))
    });
    let people = People::read(now, &targets, show_personal)?;
    let batch = batch(&targets, &people).map_err(|source| Error::Rows { path: snapshot.to_path_buf(), source })?;
    let sheet = Sheet {
        name: "winback".to_owned(),
        origin: snapshot.join("winback_targets.parquet"),
        schema: batch.schema(),
        rows: u64::try_from(batch.num_rows()).unwrap_or(u64::MAX),
    };
    sheet.write(std::iter::once(Ok(batch)), to, format)
}

/// Who the customers are, by key.
struct People {
    ids: BTreeMap<i64, String>,
    personal: Vec<(&'static str, BTreeMap<i64, String>)>,
    regions: BTreeMap<i64, String>,
}

impl People {
    fn read(now: Snapshot<'_>, targets: &[Row<'_>], show_personal: bool) -> Result<Self, Error> {
        let keys: BTreeSet<i64> = targets.iter().map(|row| row.int("customer_key")).collect();
        let column = |name| now.names("dim_customer", "customer_key", name, &keys);
        let columns: &[&'static str] = if show_personal { &["customer_name", "email"] } else { &[] };
        let personal = columns.iter().map(|name| Ok((*name, column(name)?))).collect::<Result<_, Error>>()?;
        Ok(Self { ids: column("customer_id")?, personal, regions: now.regions()? })
    }
}

fn batch(targets: &[Row<'_>], people: &People) -> Result<RecordBatch, arrow::error::ArrowError> {
    let looked_up = |names: &BTreeMap<i64, String>, key: &str| -> ArrayRef {
        Arc::new(targets.iter().map(|row| names.get(&row.int(key)).map(String::as_str)).collect::<StringArray>())
    };
    let own = |name: &'static str| -> (&'static str, ArrayRef) { (name, column(targets, name)) };
    let is_contacted: BooleanArray = targets.iter().map(|row| Some(row.text("arm") != "control")).collect();
    let contact: ArrayRef = Arc::new(is_contacted);
    let mut columns =
        vec![own("priority"), own("arm"), ("contact", contact), ("customer_id", looked_up(&people.ids, "customer_key"))];
    columns.extend(people.personal.iter().map(|(name, values)| (*name, looked_up(values, "customer_key"))));
    columns.push(("region_name", looked_up(&people.regions, "region_key")));
    columns.extend(
        [
            "value_tier",
            "lifetime_value",
            "days_since_last_order",
            "comebacks",
            "probability_buys_30d",
            "expected_recovered_value",
            "campaign",
            "contact_by",
        ]
        .map(own),
    );
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, values)| (name, values, true)))
}

/// A column of `winback_targets` in the order of the list, in the type of the contract.
fn column(targets: &[Row<'_>], name: &str) -> ArrayRef {
    let kind = schema::table("winback_targets").and_then(|table| table.column(name)).map(|Column { kind, .. }| *kind);
    match kind {
        Some(Type::Money) => Arc::new(
            targets
                .iter()
                .map(|row| row.maybe_money(name).map(|amount| amount.0))
                .collect::<Decimal128Array>()
                .with_data_type(Type::Money.arrow()),
        ),
        Some(Type::Int) => {
            Arc::new(targets.iter().map(|row| row.maybe_int(name).and_then(|n| i32::try_from(n).ok())).collect::<Int32Array>())
        }
        Some(Type::Number) => Arc::new(targets.iter().map(|row| row.number(name)).collect::<Float64Array>()),
        Some(Type::Date) => {
            Arc::new(targets.iter().map(|row| row.day(name).map(Date32Type::from_naive_date)).collect::<Date32Array>())
        }
        _ => Arc::new(targets.iter().map(|row| Some(row.text(name))).collect::<StringArray>()),
    }
}
