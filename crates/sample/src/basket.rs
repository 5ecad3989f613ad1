//! What is in one order.

use crate::calendar::{SECOND_YEAR, day_of};
use crate::catalogue::{Catalogue, DRAG_PERCENT};
use crate::crowd::Buyer;
use crate::customer::REGIONS;
use crate::dice::{Dice, Part};
use crate::order_line::OrderLine;
use crate::purchases::Order;

/// Percent of the orders.
const CHANNELS: [(&str, u32); 3] = [("shop", 45), ("web", 45), ("phone", 10)];

/// Percent of the orders that are placed in some region, which may be the customer's again.
const ELSEWHERE: u32 = 6;

/// Percent of the lines that bring goods back.
const RETURNS: u32 = 1;

/// Percent of the other lines that have a discount, and its possible sizes in percent.
const DISCOUNTED: u32 = 15;
const DISCOUNTS: [i64; 3] = [5, 10, 20];

/// In the first year, prices are this percentage of the list price.
const FIRST_YEAR_PRICE: i64 = 97;

/// Replaces what is in `lines` by the lines of the order.
pub(crate) fn fill(lines: &mut Vec<OrderLine>, seed: u64, order_id: u32, order: Order, buyer: Buyer, catalogue: &Catalogue) {
    let mut dice = Dice::new(seed, Part::Order, u64::from(order_id));
    let region = if dice.percent(ELSEWHERE) { dice.pick(&REGIONS) } else { buyer.region };
    let channel = dice.weighted(&CHANNELS);
    lines.clear();
    for line_no in 1..=i32::from(order.lines) {
        let product = next_product(lines, &mut dice, catalogue);
        let pieces = i32::try_from(1 + dice.poisson(buyer.more_pieces)).unwrap_or(1);
        let unit_price = price(catalogue.list_price(product), order.seconds);
        let is_return = dice.percent(RETURNS);
        let has_discount = dice.percent(DISCOUNTED) && !is_return;
        let percent = if has_discount { dice.pick(&DISCOUNTS) } else { 0 };
        lines.push(OrderLine {
            order_id,
            line_no,
            seconds: order.seconds,
            customer: order.customer,
            product,
            quantity: if is_return { -pieces } else { pieces },
            unit_price,
            discount: i64::from(pieces) * unit_price * percent / 100,
            region,
            channel,
        });
    }
}

/// The partner of the line before, or any product. One that is in the order already gets a second draw, which keeps
/// repeated products rare but possible, as they are on real receipts.
fn next_product(lines: &[OrderLine], dice: &mut Dice, catalogue: &Catalogue) -> u32 {
    let first = match lines.last() {
        Some(before) if dice.percent(DRAG_PERCENT) => catalogue.partner(before.product),
        _ => catalogue.draw(dice),
    };
    if lines.iter().any(|line| line.product == first) { catalogue.draw(dice) } else { first }
}

fn price(list_price: i64, seconds: u32) -> i64 {
    if day_of(seconds) < SECOND_YEAR { list_price * FIRST_YEAR_PRICE / 100 } else { list_price }
}
