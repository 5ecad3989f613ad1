//! When a customer buys: a purchase rate and a chance to leave after each purchase that differ from customer to
//! customer (BG/NBD), and a gamma-distributed habit of buying little or much.

use rand_distr::{Beta, Exp1, Gamma};

use crate::calendar::{DAY_SECONDS, DAYS, END_SECONDS};
use crate::dice::{Dice, Part};
use crate::error::Cause;

/// Percent of the customers who signed up and never bought.
const PROSPECTS: u32 = 4;

/// Percent of the customers who pay late as a habit.
const LATE_PAYERS: u32 = 3;

/// Nobody buys for the first time in the last 30 days.
const LAST_START: u16 = 700;

/// e^-4 in 2^32: an order has one line and, on average, four more.
const MORE_LINES: u32 = 78_664_531;

const TWO_POW_32: f64 = 4_294_967_296.0;

/// How customers differ.
pub(crate) struct Population {
    /// Purchases a day.
    rate: Gamma<f64>,
    /// The chance to leave after a purchase, before it is scaled down.
    leaving: Beta<f64>,
    /// Around 1.
    spending: Gamma<f64>,
}

/// How one customer buys.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Purchases {
    /// Seconds between two purchases, on average.
    gap: f64,
    /// The chance to leave after a purchase, in 2^32.
    leaving: u32,
    pub(crate) signup_day: i32,
    first_day: i32,
    is_prospect: bool,
    pub(crate) pays_late: bool,
    /// The limit of [`Dice::poisson`] for the pieces beyond the first on a line.
    pub(crate) more_pieces: u32,
}

/// One order, 12 bytes: all that is held of the lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Order {
    /// Since the first day of the shop.
    pub(crate) seconds: u32,
    /// From 0.
    pub(crate) customer: u32,
    pub(crate) lines: u8,
}

impl Population {
    pub(crate) fn new() -> Result<Self, Cause> {
        Ok(Self { rate: Gamma::new(0.9, 1.0 / 60.0)?, leaving: Beta::new(0.8, 3.0)?, spending: Gamma::new(4.0, 0.25)? })
    }

    pub(crate) fn draw(&self, dice: &mut Dice) -> Purchases {
        let rate = dice.sample(&self.rate) + 1e-4;
        let leaving = dice.sample(&self.leaving) * 0.35;
        let spending = dice.sample(&self.spending).clamp(0.2, 4.0);
        let first_day = dice.upto(LAST_START);
        Purchases {
            gap: (whole_seconds_per_day() / rate).round(),
            leaving: scaled(leaving),
            signup_day: (first_day - dice.upto(31)).max(0),
            first_day,
            is_prospect: dice.percent(PROSPECTS),
            pays_late: dice.percent(LATE_PAYERS),
            more_pieces: scaled((-1.5 * spending).exp()),
        }
    }
}

impl Purchases {
    /// Appends the customer's orders, oldest first.
    pub(crate) fn orders(&self, customer: u32, dice: &mut Dice, orders: &mut Vec<Order>) {
        if self.is_prospect {
            return;
        }
        let mut at = i64::from(self.first_day) * DAY_SECONDS;
        while at < END_SECONDS {
            orders.push(Order { seconds: opening_hours(at, dice), customer, lines: lines(dice) });
            if dice.odds(self.leaving) {
                return;
            }
            // A day at least, so that no two orders of a customer fall on one day.
            at += DAY_SECONDS + whole(dice.sample(&Exp1) * self.gap);
        }
    }
}

/// The dice of one customer's purchases.
pub(crate) fn dice(seed: u64, customer: u32) -> Dice {
    Dice::new(seed, Part::Purchases, u64::from(customer))
}

/// Some moment from 8:00 to 20:00 of the same day, in whole seconds.
fn opening_hours(at: i64, dice: &mut Dice) -> u32 {
    let midnight = at / DAY_SECONDS * DAY_SECONDS;
    let moment = midnight + 8 * 3_600 + i64::from(dice.below(12 * 3_600));
    u32::try_from(moment).unwrap_or(u32::MAX)
}

fn lines(dice: &mut Dice) -> u8 {
    u8::try_from(1 + dice.poisson(MORE_LINES)).unwrap_or(u8::MAX)
}

fn whole_seconds_per_day() -> f64 {
    86_400.0
}

/// A share of 0 to 1 in 2^32. Rounding hides what platforms may compute differently in the last bit.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast saturates, which is what is meant")]
fn scaled(share: f64) -> u32 {
    (share * TWO_POW_32).round() as u32
}

/// The whole seconds of a gap, at most the length of the shop's two years.
#[expect(clippy::cast_possible_truncation, reason = "the value is bounded before the cast")]
fn whole(seconds: f64) -> i64 {
    seconds.round().min(f64::from(DAYS) * whole_seconds_per_day()) as i64
}
