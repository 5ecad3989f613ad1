//! What was bought: the products of each order, and those each customer owns.

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{Int32Type, Int64Type};
use basket::Baskets;
use extract::KeyMap;
use futures::StreamExt;
use rayon::slice::ParallelSliceMut;

use super::TABLE;
use super::catalogue::Catalogue;
use crate::build::{Builder, Error};
use crate::rows::in_background;

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

/// What a purchase keeps of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Item {
    order: i32,
    product: u32,
    /// `NOBODY` for an anonymous sale, and for who kept no purchase.
    customer: u32,
}

const NOBODY: u32 = u32::MAX;

impl Bought {
    pub async fn read(builder: &Builder, catalogue: &Catalogue) -> Result<Self, Error> {
        let (customers, segments) = buyers(builder).await?;
        let numbers: KeyMap<u32> = (0_u32..).zip(&customers).map(|(number, key)| (*key, number)).collect();
        let mut rows = builder.input(TABLE, "order_items").await?;
        let mut items = Vec::new();
        while let Some(rows) = rows.next().await {
            let rows = rows.map_err(|source| Error::Compute { table: TABLE.to_owned(), source })?;
            take(&rows, catalogue, &numbers, &mut items);
        }
        let number = customers.len();
        let (baskets, owned) = in_background(TABLE, move || put_together(items, number)).await?;
        Ok(Self { baskets, owned, customers, segments })
    }
}

async fn buyers(builder: &Builder) -> Result<(Vec<i64>, Vec<Option<u32>>), Error> {
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

fn take(rows: &RecordBatch, catalogue: &Catalogue, customers: &KeyMap<u32>, items: &mut Vec<Item>) {
    let orders = rows.column(0).as_primitive::<Int32Type>().values();
    let keys = |place: usize| rows.column(place).as_primitive::<Int64Type>().values();
    items.extend(orders.iter().zip(keys(1)).zip(keys(2)).filter_map(|((order, customer), product)| {
        let product = *catalogue.numbers.get(product)?;
        Some(Item { order: *order, product, customer: customers.get(customer).copied().unwrap_or(NOBODY) })
    }));
}

fn put_together(mut items: Vec<Item>, customers: usize) -> (Baskets, Baskets) {
    items.par_sort_unstable();
    let mut baskets = Baskets::with_capacity(items.len() / 4, items.len());
    for order in items.chunk_by(|a, b| a.order == b.order) {
        baskets.push(order.iter().map(|item| item.product));
    }
    let known = items.iter().filter(|item| item.customer != NOBODY);
    let pairs = known.map(|item| (item.customer, item.product)).collect();
    drop(items);
    (baskets, owned(pairs, customers))
}

/// Baskets by customer; one who only gave back in the end owns nothing.
fn owned(mut pairs: Vec<(u32, u32)>, customers: usize) -> Baskets {
    pairs.par_sort_unstable();
    let mut owned = Baskets::default();
    let mut rest = pairs.as_slice();
    for customer in 0..u32::try_from(customers).unwrap_or(u32::MAX) {
        let own = rest.partition_point(|(c, _)| *c == customer);
        owned.push(rest.iter().take(own).map(|(_, product)| *product));
        rest = rest.get(own..).unwrap_or_default();
    }
    owned
}
