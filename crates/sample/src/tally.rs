//! What a load of the lines must arrive at, counted while they are written.

use crate::cell::push_cents;
use crate::fault::Fault;
use crate::order_line::OrderLine;
use crate::summary::{Expected, Planted};

pub(crate) struct Tally {
    pub(crate) planted: Planted,
    lines_loaded: u64,
    net_amount: i64,
    orders: u64,
    last_order: Option<u32>,
    /// By customer: whether a line of theirs is loaded.
    has_ordered: Vec<bool>,
}

impl Tally {
    pub(crate) fn new(customers: usize) -> Self {
        Self {
            planted: Planted::default(),
            lines_loaded: 0,
            net_amount: 0,
            orders: 0,
            last_order: None,
            has_ordered: vec![false; customers],
        }
    }

    /// Counts a line once; the copy of a duplicate is not to be counted.
    pub(crate) fn count(&mut self, line: &OrderLine, fault: Option<Fault>) {
        let planted = &mut self.planted;
        let (counter, is_loaded) = match fault {
            None => return self.load(line, true),
            Some(Fault::UnparseableNumber) => (&mut planted.unparseable_number, false),
            Some(Fault::MissingCustomer) => (&mut planted.missing_customer, true),
            Some(Fault::DuplicateLine) => (&mut planted.duplicate_line, true),
            Some(Fault::OrphanProduct) => (&mut planted.orphan_product, true),
            Some(Fault::NegativePrice) => (&mut planted.negative_price, false),
            Some(Fault::FutureDate) => (&mut planted.future_date, false),
            Some(Fault::WrongEncoding) => (&mut planted.wrong_encoding, false),
        };
        *counter += 1;
        if is_loaded {
            self.load(line, fault != Some(Fault::MissingCustomer));
        }
    }

    fn load(&mut self, line: &OrderLine, has_customer: bool) {
        self.lines_loaded += 1;
        self.net_amount += line.net_amount();
        // The lines of an order come one after the other.
        if self.last_order != Some(line.order_id) {
            self.last_order = Some(line.order_id);
            self.orders += 1;
        }
        if has_customer && let Some(has_ordered) = self.has_ordered.get_mut(line.customer as usize) {
            *has_ordered = true;
        }
    }

    pub(crate) fn expected(&self) -> std::io::Result<Expected> {
        let mut net_amount = Vec::new();
        push_cents(&mut net_amount, self.net_amount)?;
        let customers = self.has_ordered.iter().filter(|&&has_ordered| has_ordered).count();
        Ok(Expected {
            lines_loaded: self.lines_loaded,
            net_amount: String::from_utf8_lossy(&net_amount).into_owned(),
            orders: self.orders,
            customers_with_orders: customers as u64,
        })
    }
}
