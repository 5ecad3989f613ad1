//! `orders` and `order_items` from one pass over `fact_sales`, in which the lines of an order stand together: as its lines are
//! written, or over its file where another machine wrote that. What an order comes to is asked of [`order`].

mod order;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, Int32Array, Int64Array, RecordBatch, TimestampMicrosecondArray,
};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{Decimal128Type, Int64Type, TimestampMicrosecondType};
use arrow::error::ArrowError;
use datafusion::common::runtime::SpawnedTask;
use extract::{TableFile, TableRows};
use schema::Type;
use tokio::sync::mpsc;

use crate::build::{Builder, Error};
use crate::rows::{batch, in_background, joined};

use order::{Amounts, Item, Line, Part};

pub(crate) const FACTS: &str = "fact_sales";
pub(crate) const ORDERS: &str = "orders";
pub(crate) const ITEMS: &str = "order_items";

/// As they stand in the file.
const COLUMNS: [&str; 9] = [
    "order_id",
    "ordered_at",
    "customer_key",
    "product_key",
    "region_key",
    "quantity",
    "gross_amount",
    "discount_amount",
    "net_amount",
];
/// Rows that are laid out at once.
const ROWS: usize = 32 * 1024;

/// Batches of lines that wait for the pass; bounds memory.
const QUEUE: usize = 8;

/// Writes both tables out of the file of `fact_sales` and returns their rows.
pub(crate) async fn read(builder: &Builder) -> Result<[u64; 2], Error> {
    let folder = builder.folder.clone();
    in_background(ORDERS, move || {
        let read = |source| Error::Write { table: ORDERS.to_owned(), source };
        let mut pass = Pass::start(&folder)?;
        for rows in TableRows::open(&file(&folder, FACTS), &COLUMNS).map_err(read)? {
            pass.take(&rows.map_err(read)?)?;
        }
        pass.finish()
    })
    .await?
}

/// The pass on a thread of its own, which is handed the lines as they are written.
pub(crate) struct Follower {
    lines: mpsc::Sender<Handed>,
    /// The rows of both tables; none if the lines were not written to the end.
    pass: SpawnedTask<Result<Option<[u64; 2]>, Error>>,
}

enum Handed {
    Lines(RecordBatch),
    /// There are no more. Without it whoever writes the lines has given up.
    End,
}

impl Follower {
    pub fn start(folder: &Path) -> Result<Self, Error> {
        // Here, so that the files are begun before anything goes wrong, and never after those of the next attempt.
        let mut pass = Pass::start(folder)?;
        let (lines, mut handed) = mpsc::channel(QUEUE);
        let pass = SpawnedTask::spawn_blocking(move || {
            loop {
                match handed.blocking_recv() {
                    Some(Handed::Lines(rows)) => pass.take(&rows)?,
                    Some(Handed::End) => return pass.finish().map(Some),
                    None => return Ok(None),
                }
            }
        });
        Ok(Self { lines, pass })
    }

    /// Hands over rows of `fact_sales`, with all its columns. An error if the pass takes no more; [`Self::abandon`] says why.
    pub async fn take(&self, rows: &RecordBatch) -> Result<(), Error> {
        let places: Vec<usize> = COLUMNS.iter().filter_map(|name| rows.schema().index_of(name).ok()).collect();
        let rows = rows.project(&places).map_err(|source| Error::Layout { table: ORDERS, source })?;
        self.lines.send(Handed::Lines(rows)).await.map_err(|_| stopped())
    }

    /// The rows of both tables.
    pub async fn finish(self) -> Result<[u64; 2], Error> {
        // If it failed meanwhile, it says so itself.
        let _ = self.lines.send(Handed::End).await;
        joined(ORDERS, self.pass).await??.ok_or_else(stopped)
    }

    /// Waits until the pass has let go of its files, which are of no use; what it failed of, if it did.
    pub async fn abandon(self) -> Option<Error> {
        drop(self.lines);
        joined(ORDERS, self.pass).await.and_then(|ended| ended).err()
    }
}

fn stopped() -> Error {
    Error::Worker { table: ORDERS, detail: "its lines were not gone over to the end".to_owned() }
}

fn file(folder: &Path, table: &str) -> PathBuf {
    folder.join(format!("{table}.parquet"))
}

/// The pass, with the order it is in.
struct Pass {
    order: String,
    lines: Vec<Line>,
    /// Orders before this one.
    number: i32,
    orders: Output<Part>,
    items: Output<Item>,
    /// Of one order; kept for their memory.
    of_order: (Vec<Part>, Vec<Item>),
}

impl Pass {
    /// The files of both tables, begun in the folder.
    fn start(folder: &Path) -> Result<Self, Error> {
        Ok(Self {
            order: String::new(),
            lines: Vec::new(),
            number: 0,
            orders: Output::create(ORDERS, &file(folder, ORDERS), order_columns)?,
            items: Output::create(ITEMS, &file(folder, ITEMS), item_columns)?,
            of_order: Default::default(),
        })
    }

    /// The rows of both tables, once the last order is laid out.
    fn finish(mut self) -> Result<[u64; 2], Error> {
        self.end_order()?;
        Ok([self.orders.finish()?, self.items.finish()?])
    }

    fn take(&mut self, rows: &RecordBatch) -> Result<(), Error> {
        let keys = |place: usize| rows.column(place).as_primitive::<Int64Type>().values();
        let amounts = |place: usize| rows.column(place).as_primitive::<Decimal128Type>().values();
        let ids = rows.column(0).as_string::<i32>();
        let at = rows.column(1).as_primitive::<TimestampMicrosecondType>().values();
        let (customers, products, regions) = (keys(2), keys(3), keys(4));
        let (quantities, gross, discounts, net) = (amounts(5), amounts(6), amounts(7), amounts(8));
        let who = at.iter().zip(customers).zip(products.iter().zip(regions));
        let how_much = quantities.iter().zip(gross).zip(discounts.iter().zip(net));
        for ((id, ((at, customer), (product, region))), ((quantity, gross), (discount, net))) in
            ids.iter().flatten().zip(who).zip(how_much)
        {
            if self.order != id {
                self.end_order()?;
                id.clone_into(&mut self.order);
            }
            let amounts = Amounts { quantity: *quantity, gross: *gross, discount: *discount, net: *net };
            self.lines.push(Line { at: *at, customer: *customer, product: *product, region: *region, amounts });
        }
        Ok(())
    }

    /// Lays out the order that was read to its last line.
    fn end_order(&mut self) -> Result<(), Error> {
        if self.lines.is_empty() {
            return Ok(());
        }
        let (parts, items) = &mut self.of_order;
        order::items(self.number, &mut self.lines, items);
        items.drain(..).try_for_each(|item| self.items.push(item))?;
        order::parts(self.number, &mut self.lines, parts);
        parts.drain(..).try_for_each(|part| self.orders.push(part))?;
        self.lines.clear();
        let too_many = || ArrowError::ComputeError(format!("more than {} orders", i32::MAX));
        self.number =
            self.number.checked_add(1).ok_or_else(too_many).map_err(|source| Error::Layout { table: ORDERS, source })?;
        Ok(())
    }
}

/// A table's file, and its rows that are not yet laid out.
struct Output<T> {
    table: &'static str,
    file: TableFile,
    rows: Vec<T>,
    columns: fn(&[T]) -> Vec<ArrayRef>,
}

impl<T> Output<T> {
    fn create(table: &'static str, path: &Path, columns: fn(&[T]) -> Vec<ArrayRef>) -> Result<Self, Error> {
        let schema = batch(table, columns(&[]))?.schema();
        let file = TableFile::create_for_run(path, schema).map_err(|source| Error::Write { table: table.to_owned(), source })?;
        Ok(Self { table, file, rows: Vec::with_capacity(ROWS), columns })
    }

    fn push(&mut self, row: T) -> Result<(), Error> {
        self.rows.push(row);
        if self.rows.len() < ROWS { Ok(()) } else { self.lay_out() }
    }

    fn lay_out(&mut self) -> Result<(), Error> {
        let rows = batch(self.table, (self.columns)(&self.rows))?;
        self.rows.clear();
        self.file.write(&rows).map_err(|source| Error::Write { table: self.table.to_owned(), source })
    }

    fn finish(mut self) -> Result<u64, Error> {
        self.lay_out()?;
        self.file.finish().map_err(|source| Error::Write { table: self.table.to_owned(), source })
    }
}

fn order_columns(parts: &[Part]) -> Vec<ArrayRef> {
    let key = |value: fn(&Part) -> i64| -> ArrayRef { Arc::new(Int64Array::from_iter_values(parts.iter().map(value))) };
    let amount = |value: fn(&Amounts) -> i128, of: Type| -> ArrayRef {
        let values = Decimal128Array::from_iter_values(parts.iter().map(|part| value(&part.amounts)));
        Arc::new(values.with_data_type(of.arrow()))
    };
    let flag = |value: fn(&Part) -> bool| flags(parts.iter().map(value));
    // A day of 32 bits reaches six million years.
    let days = parts.iter().map(|part| i32::try_from(part.day).unwrap_or(i32::MAX));
    let times = TimestampMicrosecondArray::from_iter_values(parts.iter().map(|part| part.first_at));
    vec![
        Arc::new(Int32Array::from_iter_values(parts.iter().map(|part| part.order))),
        key(|part| part.customer),
        key(|part| part.region),
        Arc::new(Date32Array::from_iter_values(days)),
        Arc::new(times.with_data_type(Type::Time.arrow())),
        Arc::new(Int32Array::from_iter_values(parts.iter().map(|part| part.lines))),
        amount(|of| of.quantity, Type::Quantity),
        amount(|of| of.gross, Type::Money),
        amount(|of| of.discount, Type::Money),
        amount(|of| of.net, Type::Money),
        flag(|part| part.is_purchase),
        flag(|part| part.is_purchase_of_day),
        flag(|part| part.counts.of_customer),
        flag(|part| part.counts.of_day),
        flag(|part| part.counts.discounted),
        flag(|part| part.counts.begun),
        flag(|part| part.counts.of_region),
        flag(|part| part.counts.of_region_day),
        flag(|part| part.counts.of_region_week),
        flag(|part| part.counts.of_region_month),
    ]
}

fn item_columns(items: &[Item]) -> Vec<ArrayRef> {
    vec![
        Arc::new(Int32Array::from_iter_values(items.iter().map(|item| item.order))),
        Arc::new(Int64Array::from_iter_values(items.iter().map(|item| item.product))),
        Arc::new(Int64Array::from_iter_values(items.iter().map(|item| item.customer))),
        flags(items.iter().map(|item| item.is_purchase)),
        flags(items.iter().map(|item| item.is_order_of_product)),
    ]
}

fn flags(values: impl Iterator<Item = bool>) -> ArrayRef {
    Arc::new(BooleanArray::from(values.collect::<BooleanBuffer>()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "what is not there fails the test")]
mod tests {
    use super::*;

    fn lines() -> RecordBatch {
        let facts = schema::table(FACTS).unwrap().arrow();
        RecordBatch::new_empty(facts)
    }

    /// Otherwise half of the orders would pass for all of them.
    #[tokio::test]
    async fn lines_that_were_given_up_leave_no_tables() {
        let folder = tempfile::tempdir().unwrap();
        let follower = Follower::start(folder.path()).unwrap();
        follower.take(&lines()).await.unwrap();
        assert!(follower.abandon().await.is_none());
        for table in [ORDERS, ITEMS] {
            assert!(TableRows::open(&file(folder.path(), table), &[]).is_err(), "{table} can be read");
        }
        let follower = Follower::start(folder.path()).unwrap();
        follower.take(&lines()).await.unwrap();
        assert_eq!(follower.finish().await.unwrap(), [0, 0]);
        assert!(TableRows::open(&file(folder.path(), ORDERS), &[]).is_ok());
    }

    #[test]
    fn a_folder_that_is_not_there_is_told_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let failed = Follower::start(&folder.path().join("gone")).err().unwrap();
        assert!(matches!(&failed, Error::Write { table, .. } if table == ORDERS), "{failed}");
    }
}
