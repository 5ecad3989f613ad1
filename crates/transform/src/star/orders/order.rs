//! What the lines of one order come to: its parts by customer, day and region, and what was kept of it.
//!
//! An order is a purchase if it is not wholly returned: pieces left over, and no negative amount, over all its lines. Who bought in
//! an order that is none bought nothing; in one of several customers, what each of them bought must be a purchase as well. A day
//! or a part of it that only gives back is no activity even then: the days of a customer are asked whatever the region, the
//! parts each by itself.

use std::collections::BTreeSet;

use chrono::{Datelike, NaiveDate};

const MICROSECONDS_A_DAY: i64 = 86_400_000_000;

#[derive(Debug, Clone, Copy)]
pub struct Line {
    pub at: i64,
    pub customer: i64,
    pub product: i64,
    pub region: i64,
    pub amounts: Amounts,
}

impl Line {
    fn day(&self) -> i64 {
        self.at.div_euclid(MICROSECONDS_A_DAY)
    }

    /// Days before regions, so that an order begins on its first day.
    fn place(&self) -> (i64, i64, i64) {
        (self.customer, self.day(), self.region)
    }
}

/// In ten-thousandths.
#[derive(Debug, Clone, Copy, Default)]
pub struct Amounts {
    pub quantity: i128,
    pub gross: i128,
    pub discount: i128,
    pub net: i128,
}

impl Amounts {
    fn of<'a>(lines: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut sum = Self::default();
        for line in lines {
            sum.quantity += line.quantity;
            sum.gross += line.gross;
            sum.discount += line.discount;
            sum.net += line.net;
        }
        sum
    }

    fn is_purchase(&self) -> bool {
        self.quantity > 0 && self.net >= 0
    }
}

/// An order as far as it lies in one customer, day and region.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a column")]
pub struct Part {
    pub order: i32,
    pub customer: i64,
    pub region: i64,
    pub day: i64,
    pub first_at: i64,
    pub lines: i32,
    pub amounts: Amounts,
    pub is_purchase: bool,
    pub is_purchase_of_day: bool,
    pub counts: Counts,
}

/// What a part stands for among all of its order, so that later on orders are counted by adding up.
#[derive(Debug, Clone, Copy, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a column")]
pub struct Counts {
    /// Among those of its customer.
    pub of_customer: bool,
    pub of_day: bool,
    pub discounted: bool,
    /// Among those of all customers.
    pub begun: bool,
    pub of_region: bool,
    pub of_region_day: bool,
    pub of_region_week: bool,
    pub of_region_month: bool,
}

impl Part {
    /// Lines of one place.
    fn of(order: i32, lines: &[Line]) -> Option<Self> {
        let (customer, day, region) = lines.first()?.place();
        Some(Self {
            order,
            customer,
            region,
            day,
            first_at: lines.iter().map(|line| line.at).min()?,
            lines: i32::try_from(lines.len()).unwrap_or(i32::MAX),
            amounts: Amounts::of(lines.iter().map(|line| &line.amounts)),
            is_purchase: false,
            is_purchase_of_day: false,
            counts: Counts::default(),
        })
    }
}

/// The parts of an order, in place of what `parts` held.
pub fn parts(number: i32, lines: &mut [Line], parts: &mut Vec<Part>) {
    parts.clear();
    lines.sort_unstable_by_key(Line::place);
    parts.extend(lines.chunk_by(|a, b| a.place() == b.place()).filter_map(|lines| Part::of(number, lines)));
    if !Amounts::of(lines.iter().map(|line| &line.amounts)).is_purchase() {
        return;
    }
    parts.chunk_by_mut(|a, b| a.customer == b.customer).for_each(count_once_a_customer);
    count_once_an_order(parts);
}

/// Judges what one customer bought, and has the order counted once, and once a day.
fn count_once_a_customer(bought: &mut [Part]) {
    if !Amounts::of(bought.iter().map(|part| &part.amounts)).is_purchase() {
        return;
    }
    let mut is_counted = false;
    for day in bought.chunk_by_mut(|a, b| a.day == b.day) {
        let is_kept = day.iter().map(|part| part.amounts.quantity).sum::<i128>() > 0;
        let mut is_first = is_kept;
        for part in day {
            part.is_purchase = part.amounts.quantity > 0;
            part.is_purchase_of_day = is_kept;
            part.counts.of_day = is_first;
            part.counts.of_customer = is_first && !is_counted;
            is_first = false;
        }
        is_counted |= is_kept;
    }
    let is_discounted = bought.iter().any(|part| part.is_purchase && part.amounts.discount > 0);
    for part in bought {
        part.counts.discounted = part.counts.of_customer && is_discounted;
    }
}

/// Has the order counted once where it begins, and once in each region, and in each day, week and month of a region.
fn count_once_an_order(parts: &mut [Part]) {
    if let [Part { is_purchase, counts, .. }] = parts {
        let once = *is_purchase;
        *counts =
            Counts { begun: once, of_region: once, of_region_day: once, of_region_week: once, of_region_month: once, ..*counts };
        return;
    }
    let bought = || parts.iter().enumerate().filter(|(_, part)| part.is_purchase);
    let begun = bought().min_by_key(|(place, part)| (part.first_at, *place)).map(|(place, _)| place);
    let mut seen = BTreeSet::new();
    for (place, Part { region, day, counts, .. }) in parts.iter_mut().enumerate().filter(|(_, part)| part.is_purchase) {
        let mut is_first = |period| seen.insert((*region, period));
        counts.begun = begun == Some(place);
        counts.of_region = is_first(Period::Ever);
        counts.of_region_day = is_first(Period::Day(*day));
        counts.of_region_week = is_first(Period::week(*day));
        counts.of_region_month = is_first(Period::month(*day));
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Period {
    Ever,
    Day(i64),
    /// From Monday, numbered.
    Week(i64),
    /// Numbered through the years.
    Month(i64),
}

impl Period {
    fn week(day: i64) -> Self {
        // 1970-01-01 was a Thursday.
        Self::Week((day + 3).div_euclid(7))
    }

    fn month(day: i64) -> Self {
        let date = i32::try_from(day).ok().and_then(NaiveDate::from_epoch_days).unwrap_or_default();
        Self::Month(i64::from(date.year()) * 12 + i64::from(date.month0()))
    }
}

/// What one customer kept of one product in one order.
#[derive(Debug, Clone, Copy)]
pub struct Item {
    pub order: i32,
    pub customer: i64,
    pub product: i64,
    pub is_purchase: bool,
    /// The first of its product, if the order as a whole keeps some of it.
    pub is_order_of_product: bool,
}

/// The items of an order, in place of what `items` held.
pub fn items(number: i32, lines: &mut [Line], items: &mut Vec<Item>) {
    items.clear();
    let is_purchase = Amounts::of(lines.iter().map(|line| &line.amounts)).is_purchase();
    lines.sort_unstable_by_key(|line| (line.product, line.customer));
    let quantity = |lines: &[Line]| lines.iter().map(|line| line.amounts.quantity).sum::<i128>();
    for sold in lines.chunk_by(|a, b| a.product == b.product) {
        let mut is_order_of_product = quantity(sold) > 0;
        for bought in sold.chunk_by(|a, b| a.customer == b.customer) {
            let Some(Line { customer, product, .. }) = bought.first().copied() else { continue };
            if quantity(bought) > 0 {
                items.push(Item { order: number, customer, product, is_purchase, is_order_of_product });
                is_order_of_product = false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A_DAY: i64 = MICROSECONDS_A_DAY;

    fn line(customer: i64, day: i64, region: i64, product: i64, quantity: i128) -> Line {
        let amounts = Amounts { quantity, gross: quantity * 10, discount: 0, net: quantity * 10 };
        Line { at: day * A_DAY, customer, product, region, amounts }
    }

    fn parts_of(mut lines: Vec<Line>) -> Vec<Part> {
        let mut found = Vec::new();
        parts(0, &mut lines, &mut found);
        found
    }

    #[test]
    fn an_order_begins_on_its_first_day_whatever_its_regions_are_called() {
        for (first, second) in [(1, 2), (2, 1)] {
            let parts = parts_of(vec![line(7, 30, first, 1, 1), line(7, 31, second, 1, 1)]);
            let counted = |of: fn(&Part) -> bool| parts.iter().filter(|part| of(part)).map(|part| part.day).collect::<Vec<_>>();
            assert_eq!((counted(|part| part.counts.of_customer), counted(|part| part.counts.begun)), (vec![30], vec![30]));
            assert_eq!((counted(|part| part.counts.of_day), counted(|part| part.counts.of_region)), (vec![30, 31], vec![30, 31]));
        }
    }

    #[test]
    fn what_is_given_back_on_the_same_day_counts_in_any_region() {
        let parts = parts_of(vec![line(7, 30, 1, 1, 3), line(7, 30, 2, 1, -2)]);
        assert!(parts.iter().all(|part| part.is_purchase_of_day));
        assert_eq!(
            parts.iter().map(|part| (part.is_purchase, part.counts.of_day)).collect::<Vec<_>>(),
            [(true, true), (false, false)]
        );
        // What is left of the day is nothing, of the order two pieces.
        let parts = parts_of(vec![line(7, 30, 1, 1, 1), line(7, 30, 2, 1, -1), line(7, 31, 1, 1, 2)]);
        assert_eq!(parts.iter().map(|part| part.is_purchase_of_day).collect::<Vec<_>>(), [false, false, true]);
        assert_eq!(parts.iter().filter(|part| part.counts.of_customer).map(|part| part.day).collect::<Vec<_>>(), [31]);
    }

    #[test]
    fn nobody_buys_in_an_order_that_is_wholly_returned() {
        let mut lines = vec![line(7, 30, 1, 1, 1), line(8, 30, 1, 2, -1)];
        assert!(parts_of(lines.clone()).iter().all(|part| !part.is_purchase && !part.is_purchase_of_day && !part.counts.begun));
        let mut found = Vec::new();
        items(0, &mut lines, &mut found);
        assert_eq!(found.iter().map(|item| (item.customer, item.is_purchase)).collect::<Vec<_>>(), [(7, false)]);
    }

    #[test]
    fn an_order_of_two_customers_counts_once_for_their_product() {
        let mut lines = vec![line(7, 30, 1, 1, 1), line(8, 30, 1, 1, 1), line(7, 30, 1, 2, 1), line(8, 30, 1, 2, -1)];
        let mut found = Vec::new();
        items(0, &mut lines, &mut found);
        let counted: Vec<_> = found.iter().map(|item| (item.product, item.customer, item.is_order_of_product)).collect();
        assert_eq!(counted, [(1, 7, true), (1, 8, false), (2, 7, false)]);
        assert_eq!(parts_of(lines).iter().filter(|part| part.counts.begun).count(), 1);
    }
}
