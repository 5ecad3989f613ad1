//! Which lines are spoilt, and how.

use crate::calendar::{DAY_SECONDS, FAR_FUTURE, unix_micros};
use crate::cell::Cell;
use crate::dice::{Dice, Part};
use crate::order_line::{OrderLine, Spoilable};
use crate::shop::Shop;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    UnparseableNumber,
    MissingCustomer,
    DuplicateLine,
    OrphanProduct,
    NegativePrice,
    FutureDate,
    WrongEncoding,
}

const FAULTS: [Fault; 7] = [
    Fault::UnparseableNumber,
    Fault::MissingCustomer,
    Fault::DuplicateLine,
    Fault::OrphanProduct,
    Fault::NegativePrice,
    Fault::FutureDate,
    Fault::WrongEncoding,
];

/// From this many lines on, each fault is planted at least once.
const ENOUGH_LINES: u32 = 100;

/// None of them is a number in any country's writing, nor a usual word for NULL.
const NO_NUMBERS: [&str; 4] = ["12,x4", "1O.50", "4..20", "#REF!"];

/// Windows-1252 bytes, none of them valid UTF-8.
const CP1252: [&[u8]; 3] = [b"caf\xe9", b"b\xf6rse", b"l\xe1den"];

/// Chooses lines one by one so that exactly the planned number of each fault comes out, at any place alike.
pub(crate) struct FaultPlan {
    dice: Dice,
    lines_left: u32,
    faults_left: [(Fault, u32); 7],
}

impl FaultPlan {
    /// The plan does not depend on the format, so a shop's Parquet and CSV files have their faults at the same lines.
    pub(crate) fn new(shop: &Shop, lines: u32) -> Self {
        let count = each(lines, shop.dirt);
        let faults_left = FAULTS.map(|fault| (fault, count));
        Self { dice: Dice::new(shop.seed, Part::Fault, 0), lines_left: lines, faults_left }
    }

    /// The fault of the next line. To be asked once for each line.
    pub(crate) fn next(&mut self) -> Option<Fault> {
        let open: u32 = self.faults_left.iter().map(|(_, left)| left).sum();
        if open == 0 {
            return None;
        }
        // With as many faults open as lines left, every line gets one: the plan always comes out whole.
        let mut at = self.dice.below(self.lines_left);
        self.lines_left -= 1;
        for (fault, left) in &mut self.faults_left {
            if at < *left {
                *left -= 1;
                return Some(*fault);
            }
            at -= *left;
        }
        None
    }

    /// The line's values with the fault in them. A duplicate's own line stays as it is.
    pub(crate) fn spoil(&mut self, line: &OrderLine, fault: Fault, products: u32) -> Spoilable<'static> {
        let mut values = line.spoilable();
        match fault {
            Fault::UnparseableNumber => values.unit_price = Cell::Text(self.dice.pick(&NO_NUMBERS)),
            Fault::MissingCustomer => values.customer_id = Cell::Null,
            Fault::DuplicateLine => {}
            Fault::OrphanProduct => {
                values.product_id = Cell::Whole(i64::from(products) + 1 + i64::from(self.dice.below(1_000)));
            }
            Fault::NegativePrice => values.unit_price = Cell::Cents(-line.unit_price),
            Fault::FutureDate => {
                let seconds = FAR_FUTURE * DAY_SECONDS + i64::from(line.seconds) % (365 * DAY_SECONDS);
                values.order_ts = Cell::Time(unix_micros(seconds));
            }
            Fault::WrongEncoding => values.channel = Cell::Raw(self.dice.pick(&CP1252)),
        }
        values
    }

    /// After how many more rows a duplicate's copy comes, 0 to 499.
    pub(crate) fn delay(&mut self) -> u64 {
        u64::from(self.dice.below(500))
    }
}

/// How many lines get each of the faults.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most a seventh of the lines")]
fn each(lines: u32, dirt: f64) -> u32 {
    let count = (f64::from(lines) * dirt / 7.0).round() as u32;
    let least = u32::from(lines >= ENOUGH_LINES && dirt > 0.0);
    count.max(least)
}
