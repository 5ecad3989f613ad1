//! Whether order lines come in the order in which they are published: by order, the shorter number first, then by line.
//!
//! Most shops hand them out like that, and then the largest table of all needs no sort.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int32Type;

/// Watches the accepted lines go by.
pub(crate) struct SourceOrder {
    last: Option<(String, i32)>,
    holds: bool,
}

impl SourceOrder {
    pub fn new() -> Self {
        Self { last: None, holds: true }
    }

    pub fn holds(&self) -> bool {
        self.holds
    }

    /// Lines without a number are numbered later, by what they hold; their order is not known here.
    pub fn watch(&mut self, accepted: &RecordBatch) {
        if !self.holds || accepted.num_rows() == 0 {
            return;
        }
        let orders = accepted.column_by_name("order_id").and_then(|c| c.as_string_opt::<i32>());
        let lines = accepted.column_by_name("line_number").and_then(|c| c.as_primitive_opt::<Int32Type>());
        let (Some(orders), Some(lines)) = (orders, lines) else {
            self.holds = false;
            return;
        };
        let rises = |(before, line_before): (&str, i32), (order, line): (&str, i32)| {
            (before.len(), before, line_before) < (order.len(), order, line)
        };
        let row = |place: usize| (orders.value(place), lines.value(place));
        let first = self.last.as_ref().is_none_or(|(order, line)| rises((order, *line), row(0)));
        self.holds = first && lines.null_count() == 0 && (1..lines.len()).all(|place| rises(row(place - 1), row(place)));
        let (order, line) = row(lines.len() - 1);
        self.last = Some((order.to_owned(), line));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int32Array, StringArray};

    use super::*;

    fn holds(batches: &[&[(&str, Option<i32>)]]) -> bool {
        let mut order = SourceOrder::new();
        for rows in batches {
            let orders: ArrayRef = Arc::new(rows.iter().map(|(order, _)| Some(*order)).collect::<StringArray>());
            let lines: ArrayRef = Arc::new(rows.iter().map(|(_, line)| *line).collect::<Int32Array>());
            order.watch(&RecordBatch::try_from_iter([("order_id", orders), ("line_number", lines)]).unwrap());
        }
        order.holds()
    }

    #[test]
    fn numbers_rank_as_numbers() {
        assert!(holds(&[&[("9", Some(1)), ("9", Some(2))], &[("10", Some(1)), ("11", Some(5))]]));
        assert!(!holds(&[&[("10", Some(1)), ("9", Some(1))]]));
        assert!(!holds(&[&[("9", Some(2))], &[("9", Some(2))]]));
        assert!(!holds(&[&[("9", None)]]));
        assert!(holds(&[&[], &[("a", Some(1))]]));
    }
}
