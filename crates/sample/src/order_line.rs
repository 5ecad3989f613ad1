//! One line of an order, and the table of them.

use crate::calendar::unix_micros;
use crate::cell::{Cell, Column, Kind, column};
use crate::shop::{Format, Shop};

/// A faultless line. Amounts are cents.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OrderLine {
    pub(crate) order_id: u32,
    /// From 1.
    pub(crate) line_no: i32,
    /// Since the first day of the shop.
    pub(crate) seconds: u32,
    /// From 0; the id in the file is one more.
    pub(crate) customer: u32,
    /// From 0; the id in the file is one more.
    pub(crate) product: u32,
    /// Below zero for a return.
    pub(crate) quantity: i32,
    pub(crate) unit_price: i64,
    /// Off the whole line, never below zero.
    pub(crate) discount: i64,
    pub(crate) region: &'static str,
    pub(crate) channel: &'static str,
}

/// The values of a line that a fault can replace.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spoilable<'a> {
    pub(crate) order_ts: Cell<'a>,
    pub(crate) customer_id: Cell<'a>,
    pub(crate) product_id: Cell<'a>,
    pub(crate) unit_price: Cell<'a>,
    pub(crate) channel: Cell<'a>,
}

pub(crate) fn columns(shop: &Shop) -> [Column; 10] {
    // A decimal column cannot hold a text that is no number, so a dirty Parquet file has text there.
    let unit_price = if shop.dirt > 0.0 && shop.format == Format::Parquet { Kind::Text } else { Kind::Cents(10) };
    [
        column("order_id", Kind::Whole),
        column("line_no", Kind::Small),
        column("order_ts", Kind::Time),
        column("customer_id", Kind::Whole),
        column("product_id", Kind::Whole),
        column("quantity", Kind::Small),
        column("unit_price", unit_price),
        column("discount", Kind::Cents(10)),
        column("region", Kind::Text),
        column("channel", Kind::Text),
    ]
}

impl OrderLine {
    /// Cents.
    pub(crate) fn net_amount(&self) -> i64 {
        i64::from(self.quantity) * self.unit_price - self.discount
    }

    pub(crate) fn spoilable(&self) -> Spoilable<'static> {
        Spoilable {
            order_ts: Cell::Time(unix_micros(i64::from(self.seconds))),
            customer_id: Cell::Whole(i64::from(self.customer) + 1),
            product_id: Cell::Whole(i64::from(self.product) + 1),
            unit_price: Cell::Cents(self.unit_price),
            channel: Cell::Text(self.channel),
        }
    }

    pub(crate) fn cells<'a>(&self, spoilt: &Spoilable<'a>) -> [Cell<'a>; 10] {
        [
            Cell::Whole(i64::from(self.order_id)),
            Cell::Small(self.line_no),
            spoilt.order_ts,
            spoilt.customer_id,
            spoilt.product_id,
            Cell::Small(self.quantity),
            spoilt.unit_price,
            Cell::Cents(self.discount),
            Cell::Text(self.region),
            spoilt.channel,
        ]
    }
}
