//! Payments of orders on account.

use crate::calendar::{DAYS, day_of, unix_day};
use crate::cell::{Cell, Column, Kind, column};
use crate::crowd::Buyer;
use crate::dice::{Dice, Part};
use crate::error::Error;
use crate::purchases::Order;
use crate::table::Table;

pub(crate) const COLUMNS: [Column; 7] = [
    column("payment_id", Kind::Whole),
    column("customer_id", Kind::Whole),
    column("order_id", Kind::Whole),
    column("due_date", Kind::Date),
    column("paid_date", Kind::Date),
    column("amount", Kind::Cents(12)),
    column("status", Kind::Text),
];

/// Percent of the orders that are on account.
const ON_ACCOUNT: u32 = 20;

/// Days from the order until the payment is due.
const TERM: i32 = 30;

#[derive(Debug, Clone, Copy, Default)]
enum Conduct {
    #[default]
    OnTime,
    Late,
    Never,
}

const USUAL: [(Conduct, u32); 3] = [(Conduct::OnTime, 88), (Conduct::Late, 9), (Conduct::Never, 3)];
const HABITUALLY_LATE: [(Conduct, u32); 3] = [(Conduct::OnTime, 10), (Conduct::Late, 75), (Conduct::Never, 15)];

/// Writes the payment of an order of so many cents, if it has one.
pub(crate) fn write(table: &mut Table, seed: u64, order_id: u32, order: Order, buyer: Buyer, amount: i64) -> Result<(), Error> {
    let mut dice = Dice::new(seed, Part::Payment, u64::from(order_id));
    if !dice.percent(ON_ACCOUNT) || amount <= 0 {
        return Ok(());
    }
    let ordered = day_of(order.seconds);
    let due = ordered + TERM;
    let paid = match dice.weighted(if buyer.pays_late { &HABITUALLY_LATE } else { &USUAL }) {
        Conduct::OnTime => Some(ordered + dice.upto(31)),
        Conduct::Late if buyer.pays_late => Some(due + 5 + dice.upto(86)),
        Conduct::Late => Some(due + 1 + dice.upto(45)),
        Conduct::Never => None,
    };
    // The file is of the evening of the last day: later payments did not happen yet.
    let paid = paid.filter(|&day| day < DAYS);
    let status = match paid {
        Some(_) => "paid",
        None if due < DAYS => "overdue",
        None => "open",
    };
    let id = i64::try_from(table.rows()).unwrap_or(i64::MAX).saturating_add(1);
    table.row(&[
        Cell::Whole(id),
        Cell::Whole(i64::from(order.customer) + 1),
        Cell::Whole(i64::from(order_id)),
        Cell::Date(unix_day(due)),
        Cell::date_or_null(paid.map(unix_day)),
        Cell::Cents(amount),
        Cell::Text(status),
    ])
}
