//! What was bought: the products of each order, and those each customer owns.

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{Decimal128Type, Int64Type};
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

/// An order line as far as baskets need it. Its order is a hash of 63 bits: of ten million orders two would be taken for one
/// with a chance of 5e-6.
#[derive(Debug, Clone, Copy)]
struct Line {
    order: i64,
    product: u32,
    /// `NOBODY` for an anonymous sale, and for who kept no purchase.
    customer: u32,
    quantity: i64,
    amount: i64,
}

const NOBODY: u32 = u32::MAX;

impl Bought {
    pub async fn read(builder: &Builder<'_>, catalogue: &Catalogue) -> Result<Self, Error> {
        let (customers, segments) = buyers(builder).await?;
        let numbers: KeyMap<u32> = (0_u32..).zip(&customers).map(|(number, key)| (*key, number)).collect();
        let mut rows = builder.input(TABLE, "order_items").await?;
        let mut lines = Vec::new();
        while let Some(rows) = rows.next().await {
            let rows = rows.map_err(|source| Error::Compute { table: TABLE.to_owned(), source })?;
            take(&rows, catalogue, &numbers, &mut lines);
        }
        let number = customers.len();
        let (baskets, owned) = in_background(TABLE, move || put_together(lines, number)).await?;
        Ok(Self { baskets, owned, customers, segments })
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

fn take(rows: &RecordBatch, catalogue: &Catalogue, customers: &KeyMap<u32>, lines: &mut Vec<Line>) {
    let keys = |place: usize| rows.column(place).as_primitive::<Int64Type>().values();
    // What a decimal(18,4) holds fits 64 bits.
    let parts = |value: &i128| i64::try_from(*value).unwrap_or(i64::MAX);
    let quantities = rows.column(3).as_primitive::<Decimal128Type>().values();
    let amounts = rows.column(4).as_primitive::<Decimal128Type>().values();
    let given = keys(0).iter().zip(keys(1)).zip(keys(2)).zip(quantities.iter().zip(amounts));
    lines.extend(given.filter_map(|(((order, customer), product), (quantity, amount))| {
        let product = *catalogue.numbers.get(product)?;
        let customer = customers.get(customer).copied().unwrap_or(NOBODY);
        Some(Line { order: *order, product, customer, quantity: parts(quantity), amount: parts(amount) })
    }));
}

/// Orders and customers of products. An order makes a basket if it is a purchase: pieces left over, and no negative amount;
/// its products are those of which some pieces are left.
fn put_together(mut lines: Vec<Line>, customers: usize) -> (Baskets, Baskets) {
    lines.par_sort_unstable_by_key(|line| (line.order, line.product));
    let mut baskets = Baskets::with_capacity(lines.len() / 4, lines.len());
    let mut pairs = Vec::with_capacity(lines.len());
    let sum = |lines: &[Line], value: fn(&Line) -> i64| lines.iter().map(|line| i128::from(value(line))).sum::<i128>();
    for order in lines.chunk_by(|a, b| a.order == b.order) {
        if sum(order, |l| l.quantity) <= 0 || sum(order, |l| l.amount) < 0 {
            continue;
        }
        let kept = || order.chunk_by(|a, b| a.product == b.product).filter(|lines| sum(lines, |l| l.quantity) > 0);
        baskets.push(kept().filter_map(|lines| lines.first()).map(|line| line.product));
        let bought = kept().flatten().filter(|line| line.quantity > 0 && line.customer != NOBODY);
        pairs.extend(bought.map(|line| (line.customer, line.product)));
    }
    drop(lines);
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
