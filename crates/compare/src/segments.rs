//! Who moved between segments.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::Result;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::prelude::{JoinType, SessionContext, ident, lit};
use serde::Serialize;

use crate::table::Pair;
use crate::{Error, Snapshot};

const TABLE: &str = "customer_rfm";

/// Customers who went from one segment to another, or stayed where they were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Move {
    /// None for customers who were not scored before.
    pub from: Option<String>,
    /// None for customers who are no longer scored.
    pub to: Option<String>,
    pub customers: u64,
}

/// Moves by the names of the segments, who came last. Customers are looked up in both snapshots, whatever one says of the other.
pub(crate) async fn compare(session: &SessionContext, before: &Snapshot, after: &Snapshot) -> Result<Vec<Move>, Error> {
    moves(session, before, after).await.map_err(Error::of(TABLE))
}

async fn moves(session: &SessionContext, before: &Snapshot, after: &Snapshot) -> Result<Vec<Move>> {
    let Some(pair) = Pair::read(session, TABLE, before, after).await? else { return Ok(Vec::new()) };
    let has_segments = pair.shared.iter().any(|column| column == "segment");
    if pair.key.is_empty() || !has_segments {
        return Ok(Vec::new());
    }
    let (from, to) = (ident("before_segment"), ident("after_segment"));
    let frame = pair
        .joined(JoinType::Full)?
        .select(vec![from.alias("from"), to.alias("to")])?
        .aggregate(vec![ident("from"), ident("to")], vec![count(lit(1)).alias("customers")])?
        .sort(vec![ident("from").sort(true, false), ident("to").sort(true, false)])?;
    let mut moves: Vec<Move> = Vec::new();
    for batch in frame.collect().await? {
        let texts = |place: usize| arrow::compute::cast(batch.column(place), &DataType::Utf8);
        let (from, to) = (texts(0)?, texts(1)?);
        let (from, to) = (from.as_string::<i32>(), to.as_string::<i32>());
        let customers = batch.column(2).as_primitive::<Int64Type>();
        moves.extend((0..batch.num_rows()).map(|row| Move {
            from: from.is_valid(row).then(|| from.value(row).to_owned()),
            to: to.is_valid(row).then(|| to.value(row).to_owned()),
            customers: u64::try_from(customers.value(row)).unwrap_or_default(),
        }));
    }
    // A snapshot in which nobody is scored leaves segments out: nobody came to one or went from it.
    let is_scored = moves.iter().any(|m| m.from.is_some()) && moves.iter().any(|m| m.to.is_some());
    Ok(if is_scored { moves } else { Vec::new() })
}
