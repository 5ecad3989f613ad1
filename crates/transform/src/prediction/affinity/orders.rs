//! What was bought: the products of each order, and those each customer owns.
//!
//! Both are read from the file of `order_items`, in which orders stand one behind the other. Customers come in no order there, so
//! a first pass counts what each bought and a second one puts it into its place: twelve bytes a line, whatever its columns hold.

use std::mem::take;
use std::path::PathBuf;

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{Int32Type, Int64Type};
use basket::Baskets;
use datafusion::execution::memory_pool::MemoryReservation;
use extract::{FileError, KeyMap, TableRows};
use futures::StreamExt;

use super::TABLE;
use super::catalogue::Catalogue;
use crate::build::{Builder, Error};
use crate::rows::in_background;
use crate::star::orders::ITEMS;

/// What a line of an order takes: a product in its basket and in its customer's, and their borders.
const BYTES_A_LINE: usize = 12;

pub(super) struct Bought {
    /// Orders of products.
    pub baskets: Baskets,
    /// Customers of products, in the order of `customers`.
    pub owned: Baskets,
    /// Keys of customers with a purchase.
    pub customers: Vec<i64>,
    /// Numbered.
    pub segments: Vec<Option<u32>>,
    /// The memory that all this takes.
    _room: MemoryReservation,
}

impl Bought {
    pub async fn read(builder: &Builder, catalogue: &Catalogue) -> Result<Self, Error> {
        let (customers, segments) = buyers(builder).await?;
        let path = builder.folder.join(format!("{ITEMS}.parquet"));
        let rows = TableRows::open(&path, &[]).map_err(unreadable)?.rows();
        let room = builder.reserve(TABLE, usize::try_from(rows).unwrap_or(usize::MAX).saturating_mul(BYTES_A_LINE))?;
        let lines = Lines {
            path,
            products: catalogue.numbers.clone(),
            customers: (0..).zip(&customers).map(|(number, key)| (*key, number)).collect(),
        };
        let (baskets, owned) = in_background(TABLE, move || {
            let (baskets, bought) = lines.baskets()?;
            Ok::<_, Error>((baskets, lines.owned(&bought)?))
        })
        .await??;
        Ok(Self { baskets, owned, customers, segments, _room: room })
    }
}

fn unreadable(source: FileError) -> Error {
    Error::Write { table: ITEMS.to_owned(), source }
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

/// The file of order items, and the numbers of its keys.
struct Lines {
    path: PathBuf,
    products: KeyMap<u32>,
    customers: KeyMap<usize>,
}

/// What a purchase keeps of a product.
#[derive(Debug, Clone, Copy)]
struct Line {
    order: i32,
    product: u32,
    /// None for an anonymous sale, and for who kept no purchase.
    customer: Option<usize>,
    /// Whether the product is in the order's basket by this line; if several customers bought it, it is there by one.
    is_in_basket: bool,
}

impl Lines {
    /// Hands over every line of a purchase whose product is known, in the order of the file.
    fn each(&self, mut take: impl FnMut(Line)) -> Result<(), Error> {
        let columns = ["order_number", "product_key", "customer_key", "is_purchase", "is_order_of_product"];
        for rows in TableRows::open(&self.path, &columns).map_err(unreadable)? {
            self.lines(&rows.map_err(unreadable)?).for_each(&mut take);
        }
        Ok(())
    }

    fn lines<'a>(&'a self, rows: &'a RecordBatch) -> impl Iterator<Item = Line> + 'a {
        let orders = rows.column(0).as_primitive::<Int32Type>().values();
        let keys = |place: usize| rows.column(place).as_primitive::<Int64Type>().values();
        let flags = |place: usize| rows.column(place).as_boolean().values().iter();
        let sold = orders.iter().zip(keys(1)).zip(keys(2)).zip(flags(3).zip(flags(4)));
        sold.filter_map(|(((order, product), customer), (is_purchase, is_in_basket))| {
            let product = *self.products.get(product).filter(|_| is_purchase)?;
            Some(Line { order: *order, product, customer: self.customers.get(customer).copied(), is_in_basket })
        })
    }

    /// The baskets, and how many lines each customer bought.
    fn baskets(&self) -> Result<(Baskets, Vec<usize>), Error> {
        let (mut baskets, mut bought) = (Baskets::new(), vec![0_usize; self.customers.len()]);
        let (mut order, mut products) = (None, Vec::new());
        self.each(|line| {
            if line.is_in_basket {
                if order != Some(line.order) && order.replace(line.order).is_some() {
                    baskets.push(products.drain(..));
                }
                products.push(line.product);
            }
            if let Some(count) = line.customer.and_then(|customer| bought.get_mut(customer)) {
                *count += 1;
            }
        })?;
        if order.is_some() {
            baskets.push(take(&mut products));
        }
        Ok((baskets, bought))
    }

    /// Baskets by customer; one who only gave back in the end owns nothing.
    fn owned(&self, bought: &[usize]) -> Result<Baskets, Error> {
        let mut places = Vec::with_capacity(bought.len());
        let mut lines = 0;
        for count in bought {
            places.push(lines);
            lines += count;
        }
        let mut products = vec![0_u32; lines];
        self.each(|line| {
            let Some(place) = line.customer.and_then(|customer| places.get_mut(customer)) else { return };
            if let Some(product) = products.get_mut(*place) {
                *product = line.product;
            }
            *place += 1;
        })?;
        // Each place now is where the customer's lines end.
        Ok(Baskets::of(products, &places))
    }
}
