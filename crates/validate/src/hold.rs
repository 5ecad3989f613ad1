//! What parks a finished run before publishing: a change so large that somebody should look first.

use std::path::Path;

use arrow::array::AsArray;
use arrow::datatypes::{Decimal128Type, Int64Type};
use config::Hold;
use datafusion::error::DataFusionError;
use datafusion::prelude::{ParquetReadOptions, SessionContext};

use crate::check::Status;
use crate::gate::Validated;

/// The reasons to hold the run back, each a sentence; none is the usual case. `published` is the folder of the snapshot that
/// readers see now.
pub async fn hold(
    session: &SessionContext,
    validated: &Validated,
    thresholds: &Hold,
    published: Option<&Path>,
) -> Result<Vec<String>, DataFusionError> {
    let mut reasons = Vec::new();
    let warned = validated.checks().iter().filter(|c| c.status == Status::Warned).count();
    if let Some(most) = thresholds.checks_warned.filter(|most| warned >= usize::try_from(*most).unwrap_or(usize::MAX)) {
        reasons.push(format!("{warned} checks warned, `hold: checks_warned` is {most}"));
    }
    if let (Some(most), Some(folder)) = (thresholds.revenue_change, published) {
        reasons.extend(revenue(session, most, folder).await?);
    }
    if let Some(most) = thresholds.segment_migration {
        reasons.extend(migration(session, most).await?);
    }
    Ok(reasons)
}

async fn revenue(session: &SessionContext, most: f64, published: &Path) -> Result<Option<String>, DataFusionError> {
    const NAME: &str = "published_sales";
    let Some(sales) = extract::published(published, "fact_sales") else { return Ok(None) };
    session.register_parquet(NAME, sales.to_string_lossy(), ParquetReadOptions::default()).await?;
    let before = amount(session, "SELECT SUM(net_amount) FROM published_sales").await?;
    session.deregister_table(NAME)?;
    let now = amount(session, "SELECT SUM(net_amount) FROM fact_sales").await?;
    let change = share(now - before, before);
    Ok((change.abs() > most).then(|| {
        let (before, now) = (extract::decimal::display(before), extract::decimal::display(now));
        format!("revenue goes from {before} to {now} ({:+.1} %), `hold: revenue_change` is {:.1} %", change * 100.0, most * 100.0)
    }))
}

async fn migration(session: &SessionContext, most: f64) -> Result<Option<String>, DataFusionError> {
    let sql = "SELECT CAST(SUM(CASE WHEN from_segment <> to_segment THEN customers ELSE 0 END) AS BIGINT) AS moved,
        CAST(SUM(customers) AS BIGINT) AS customers
        FROM segment_migration
        WHERE from_segment <> 'New' AND to_segment <> 'Gone'";
    let mut counts = [0_i64; 2];
    for batch in session.sql(sql).await?.collect().await? {
        for (count, column) in counts.iter_mut().zip(batch.columns()) {
            *count += column.as_primitive::<Int64Type>().iter().flatten().sum::<i64>();
        }
    }
    let [moved, customers] = counts;
    let part = share(moved.into(), customers.into());
    Ok((part > most).then(|| {
        format!(
            "{moved} of {customers} customers change their segment ({:.1} %), `hold: segment_migration` is {:.1} %",
            part * 100.0,
            most * 100.0
        )
    }))
}

async fn amount(session: &SessionContext, sql: &str) -> Result<i128, DataFusionError> {
    let batches = session.sql(sql).await?.collect().await?;
    Ok(batches.iter().flat_map(|b| b.column(0).as_primitive::<Decimal128Type>().iter().flatten()).sum())
}

#[allow(clippy::cast_precision_loss, reason = "a share needs no more than 53 bits")]
fn share(part: i128, whole: i128) -> f64 {
    match (part, whole) {
        (0, _) => 0.0,
        // From nothing to something: more than any threshold.
        (_, 0) => f64::INFINITY,
        (part, whole) => part as f64 / whole.abs() as f64,
    }
}
