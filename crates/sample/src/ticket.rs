//! Support tickets that follow orders.

use crate::calendar::{DAY_SECONDS, END_SECONDS, unix_micros};
use crate::cell::{Cell, Column, Kind, column};
use crate::dice::{Dice, Part};
use crate::error::Error;
use crate::purchases::Order;
use crate::table::Table;

pub(crate) const COLUMNS: [Column; 7] = [
    column("ticket_id", Kind::Whole),
    column("customer_id", Kind::Whole),
    column("opened_at", Kind::Time),
    column("resolved_at", Kind::Time),
    column("category", Kind::Text),
    column("priority", Kind::Text),
    column("satisfaction", Kind::Small),
];

/// Percent of the orders that lead to a ticket.
const TROUBLE: u32 = 2;

/// Percent of the tickets that are never resolved, and of the resolved ones whose customer says how it was.
const FORGOTTEN: u32 = 4;
const RATED: u32 = 60;

const CATEGORIES: [(&str, u32); 5] = [("Delivery", 35), ("Return", 25), ("Product", 20), ("Billing", 15), ("Account", 5)];

/// A priority and within how many hours its tickets are resolved.
const PRIORITIES: [((&str, u16), u32); 4] = [(("low", 240), 30), (("normal", 120), 50), (("high", 48), 15), (("urgent", 24), 5)];

/// Writes the ticket that follows an order, if one does.
pub(crate) fn write(table: &mut Table, seed: u64, order_id: u32, order: Order) -> Result<(), Error> {
    let mut dice = Dice::new(seed, Part::Ticket, u64::from(order_id));
    let has_trouble = dice.percent(TROUBLE);
    let opened = i64::from(order.seconds) + i64::from(dice.below(20 * 86_400));
    if !has_trouble || opened >= END_SECONDS {
        return Ok(());
    }
    let category = dice.weighted(&CATEGORIES);
    let (priority, hours) = dice.weighted(&PRIORITIES);
    let work = i64::from(600 + dice.below(u32::from(hours) * 3_600));
    let resolved = Some(opened + work).filter(|&at| at < END_SECONDS && !dice.percent(FORGOTTEN));
    let satisfaction = resolved.filter(|_| dice.percent(RATED)).map(|_| satisfaction(work, &mut dice));
    let id = i64::try_from(table.rows()).unwrap_or(i64::MAX).saturating_add(1);
    table.row(&[
        Cell::Whole(id),
        Cell::Whole(i64::from(order.customer) + 1),
        Cell::Time(unix_micros(opened)),
        resolved.map_or(Cell::Null, |at| Cell::Time(unix_micros(at))),
        Cell::Text(category),
        Cell::Text(priority),
        satisfaction.map_or(Cell::Null, Cell::Small),
    ])
}

/// 1 to 5: the longer it took, the lower.
fn satisfaction(work: i64, dice: &mut Dice) -> i32 {
    let best = match work / DAY_SECONDS {
        0 => 5,
        1..=3 => 4,
        _ => 3,
    };
    (best - dice.weighted(&[(0, 60), (1, 25), (2, 15)])).max(1)
}
