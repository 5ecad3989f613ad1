//! All customers of a shop and their orders.

use crate::customer;
use crate::error::{Cause, Error};
use crate::purchases::{self, Order, Population};
use crate::table::Table;

/// What an order needs to know of its customer.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Buyer {
    pub(crate) region: &'static str,
    pub(crate) more_pieces: u32,
    pub(crate) pays_late: bool,
}

pub(crate) struct Crowd {
    buyers: Vec<Buyer>,
    /// Oldest first.
    pub(crate) orders: Vec<Order>,
}

impl Crowd {
    /// Customer after customer, until their orders have the wanted number of lines; the last order is cut to fit.
    pub(crate) fn gather(seed: u64, lines: u32, table: &mut Table) -> Result<Self, Error> {
        let population = Population::new().map_err(|source: Cause| table.error(source))?;
        let mut crowd = Self { buyers: Vec::new(), orders: Vec::new() };
        let mut history = Vec::new();
        let mut missing = lines;
        for customer in 0.. {
            if missing == 0 {
                break;
            }
            let mut dice = purchases::dice(seed, customer);
            let purchases = population.draw(&mut dice);
            history.clear();
            purchases.orders(customer, &mut dice, &mut history);
            missing = crowd.take(&history, missing);
            crowd.buyers.push(Buyer {
                region: customer::write(table, seed, customer, purchases.signup_day)?,
                more_pieces: purchases.more_pieces,
                pays_late: purchases.pays_late,
            });
        }
        // No two orders are equal (a customer has one a day at most), so this order is the only possible one.
        crowd.orders.sort_unstable();
        Ok(crowd)
    }

    /// Takes orders up to the missing number of lines and returns how many are missing still.
    fn take(&mut self, history: &[Order], mut missing: u32) -> u32 {
        for &order in history {
            let lines = u8::try_from(missing).map_or(order.lines, |missing| missing.min(order.lines));
            if lines == 0 {
                break;
            }
            missing -= u32::from(lines);
            self.orders.push(Order { lines, ..order });
        }
        missing
    }

    pub(crate) fn buyer(&self, customer: u32) -> Buyer {
        self.buyers.get(customer as usize).copied().unwrap_or_default()
    }

    pub(crate) fn customers(&self) -> usize {
        self.buyers.len()
    }
}
