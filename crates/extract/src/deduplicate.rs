//! One row for rows that are the same, or one row a key; what goes is counted with its amount.

use std::path::Path;

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Decimal128Type};
use config::{Deduplicate, Keep};
use datafusion::common::Column;
use datafusion::dataframe::DataFrame;
use datafusion::error::Result;
use datafusion::functions_aggregate::expr_fn::sum;
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::{Expr, ExprFunctionExt, cast, ident, lit};
use datafusion::prelude::{ParquetReadOptions, SessionContext};
use futures::StreamExt;
use schema::Entity;

use crate::error::Error;
use crate::rows::{amount_column, staged_schema};
use crate::staged::Book;
use crate::table_file::TableFile;

const PLACE: &str = "place_in_key";

/// Reads the accepted rows at `from`, writes those that stay to `to`, and moves the difference in the book.
pub(crate) async fn deduplicate(
    session: &SessionContext,
    entity: Entity,
    how: &Deduplicate,
    from: &Path,
    to: &Path,
    book: &mut Book,
) -> Result<(), Error> {
    let compute = |source| Error::Compute { entity, step: "the rows without duplicates", source };
    let rows = session.read_parquet(from.to_string_lossy().as_ref(), ParquetReadOptions::default()).await.map_err(compute)?;
    let kept = match how {
        Deduplicate::Exact => rows.distinct(),
        Deduplicate::Keys { keys, keep, by } => one_a_key(rows, keys, *keep, by),
    };
    let kept = kept.map_err(compute)?;
    write(kept, entity, to).await?;
    let (loaded, amount) = totals(session, entity, to).await.map_err(compute)?;
    book.rows_deduplicated = book.rows_loaded - loaded;
    book.rows_loaded = loaded;
    if let (Some(before), Some(after)) = (book.amount_loaded, amount) {
        book.amount_deduplicated = Some(before - after);
        book.amount_loaded = Some(after);
    }
    std::fs::remove_file(from).map_err(|source| Error::Folder { path: from.to_path_buf(), source })
}

fn one_a_key(rows: DataFrame, keys: &[String], keep: Keep, by: &str) -> Result<DataFrame> {
    let names: Vec<String> = rows.schema().fields().iter().map(|f| f.name().clone()).collect();
    // Ties by every other column, so that the row that stays does not depend on the order of the source.
    let mut order = vec![column(by).sort(keep == Keep::First, false)];
    order.extend(names.iter().filter(|n| *n != by).map(|n| column(n).sort(true, false)));
    let place = row_number().partition_by(keys.iter().map(|k| column(k)).collect()).order_by(order).build()?.alias(PLACE);
    // Rows without a key are nobody's duplicates.
    let stays = keys.iter().fold(ident(PLACE).eq(lit(1_u64)), |stays, key| stays.or(column(key).is_null()));
    rows.window(vec![place])?.filter(stays)?.select(names.iter().map(|n| column(n)).collect::<Vec<_>>())
}

fn column(name: &str) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}

async fn write(rows: DataFrame, entity: Entity, to: &Path) -> Result<(), Error> {
    let store = |source| Error::Store { entity, source };
    let mut file = TableFile::create(to, staged_schema(entity)).map_err(store)?;
    let compute = |source| Error::Compute { entity, step: "the rows without duplicates", source };
    let mut batches = rows.execute_stream().await.map_err(compute)?;
    while let Some(batch) = batches.next().await {
        file.write(&batch.map_err(compute)?).map_err(store)?;
    }
    file.finish().map(|_| ()).map_err(store)
}

/// Rows and amount of a staged file, read back.
async fn totals(session: &SessionContext, entity: Entity, path: &Path) -> Result<(u64, Option<i128>)> {
    let rows = session.read_parquet(path.to_string_lossy().as_ref(), ParquetReadOptions::default()).await?;
    let count = rows.clone().count().await? as u64;
    let Some(amount) = amount_column(entity) else { return Ok((count, None)) };
    let total = sum(cast(column(amount), DataType::Decimal128(38, 4)));
    let batches = rows.aggregate(vec![], vec![total])?.collect().await?;
    let total = batches.first().map_or(0, |b| b.column(0).as_primitive::<Decimal128Type>().iter().flatten().sum());
    Ok((count, Some(total)))
}
