//! What was bought: the products of each order, and those each customer owns.

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{Decimal128Type, Int64Type};
use basket::Baskets;
use extract::KeyMap;
use futures::StreamExt;

use super::TABLE;
use super::catalogue::Catalogue;
use crate::build::{Builder, Error};

pub(super) struct Bought {
    /// Orders of products.
    pub baskets: Baskets,
    /// Customers of products, in the order of `customers`.
    pub owned: Baskets,
    /// Keys of customers with a purchase.
    pub customers: Vec<i64>,
    /// Numbered.
    pub segments: Vec<Option<u32>>,
}

/// An order line as far as baskets need it.
#[derive(Debug, Clone, Copy)]
struct Line {
    product: u32,
    customer: Option<u32>,
    quantity: i128,
    amount: i128,
}

/// The order whose lines are coming in; they come one after the other.
#[derive(Default)]
struct Current {
    order: String,
    lines: Vec<Line>,
}

/// What has come of the orders so far.
#[derive(Default)]
struct Collected {
    baskets: Baskets,
    /// Customer and product, in no order and perhaps often.
    pairs: Vec<(u32, u32)>,
    basket: Vec<u32>,
}

impl Bought {
    pub async fn read(builder: &Builder<'_>, catalogue: &Catalogue) -> Result<Self, Error> {
        let (customers, segments) = buyers(builder).await?;
        let numbers: KeyMap<u32> = (0_u32..).zip(&customers).map(|(number, key)| (*key, number)).collect();
        let mut rows = builder.input(TABLE, "order_items").await?;
        let (mut current, mut collected) = (Current::default(), Collected::default());
        while let Some(rows) = rows.next().await {
            let rows = rows.map_err(|source| Error::Compute { table: TABLE.to_owned(), source })?;
            take(&rows, catalogue, &numbers, &mut current, &mut collected);
        }
        collected.close(&mut current);
        let Collected { baskets, pairs, .. } = collected;
        Ok(Self { baskets, owned: owned(pairs, customers.len()), customers, segments })
    }
}

async fn buyers(builder: &Builder<'_>) -> Result<(Vec<i64>, Vec<Option<u32>>), Error> {
    let mut rows = builder.input(TABLE, "buyers").await?;
    let (mut customers, mut names) = (Vec::new(), Vec::new());
    while let Some(rows) = rows.next().await {
        let rows = rows.map_err(|source| Error::Compute { table: TABLE.to_owned(), source })?;
        customers.extend(rows.column(0).as_primitive::<Int64Type>().values().iter().copied());
        let texts: &StringArray = rows.column(1).as_string();
        names.extend((0..texts.len()).map(|row| texts.is_valid(row).then(|| texts.value(row).to_owned())));
    }
    let mut known: Vec<&String> = names.iter().flatten().collect();
    known.sort_unstable();
    known.dedup();
    let number = |name: &Option<String>| known.binary_search(&name.as_ref()?).ok().and_then(|n| u32::try_from(n).ok());
    let segments = names.iter().map(number).collect();
    Ok((customers, segments))
}

fn take(rows: &RecordBatch, catalogue: &Catalogue, customers: &KeyMap<u32>, current: &mut Current, collected: &mut Collected) {
    let orders: &StringArray = rows.column(0).as_string();
    let buyers = rows.column(1).as_primitive::<Int64Type>().values();
    let products = rows.column(2).as_primitive::<Int64Type>().values();
    let quantities = rows.column(3).as_primitive::<Decimal128Type>().values();
    let amounts = rows.column(4).as_primitive::<Decimal128Type>().values();
    let lines = buyers.iter().zip(products).zip(quantities.iter().zip(amounts)).enumerate();
    for (row, ((buyer, product), (quantity, amount))) in lines {
        let order = orders.value(row);
        if current.order != order {
            collected.close(current);
            order.clone_into(&mut current.order);
        }
        if let Some(product) = catalogue.numbers.get(product) {
            let customer = customers.get(buyer).copied();
            current.lines.push(Line { product: *product, customer, quantity: *quantity, amount: *amount });
        }
    }
}

impl Collected {
    /// Makes a basket of the order that has ended, if it is a purchase: pieces left over, and no negative amount.
    fn close(&mut self, current: &mut Current) {
        let quantity: i128 = current.lines.iter().map(|l| l.quantity).sum();
        let amount: i128 = current.lines.iter().map(|l| l.amount).sum();
        current.lines.sort_unstable_by_key(|l| l.product);
        if quantity > 0 && amount >= 0 {
            for lines in current.lines.chunk_by(|a, b| a.product == b.product) {
                if lines.iter().map(|l| l.quantity).sum::<i128>() <= 0 {
                    continue;
                }
                self.basket.extend(lines.first().map(|l| l.product));
                self.pairs.extend(lines.iter().filter(|l| l.quantity > 0).filter_map(|l| Some((l.customer?, l.product))));
            }
            self.baskets.push(self.basket.drain(..));
        }
        current.lines.clear();
    }
}

/// Baskets by customer; one who only gave back in the end owns nothing.
fn owned(mut pairs: Vec<(u32, u32)>, customers: usize) -> Baskets {
    pairs.sort_unstable();
    let mut owned = Baskets::default();
    let mut rest = pairs.as_slice();
    for customer in 0..u32::try_from(customers).unwrap_or(u32::MAX) {
        let own = rest.partition_point(|(c, _)| *c == customer);
        owned.push(rest.iter().take(own).map(|(_, product)| *product));
        rest = rest.get(own..).unwrap_or_default();
    }
    owned
}
