//! A generated shop of any size: five tables that belong together, written as Parquet or CSV.
//!
//! The same [`Shop`] always gives the same bytes, on any machine and at any time: no clock and no thread takes part,
//! amounts are whole cents, and every drawn float is rounded to an integer before anything depends on it. Lines are
//! drawn order by order and go straight to disk, so memory grows with the number of orders (12 bytes each) and
//! customers, never with the number of lines.

mod basket;
mod calendar;
mod catalogue;
mod cell;
mod crowd;
mod csv_table;
mod customer;
mod dice;
mod earlier;
mod error;
mod fault;
mod generate;
mod order_line;
mod parquet_table;
mod part_file;
mod payment;
mod purchases;
mod shop;
mod summary;
mod table;
mod tally;
mod ticket;

pub use error::Error;
pub use generate::generate;
pub use shop::{Format, MAX_DIRT, MAX_LINES, Shop};
pub use summary::{Affinity, Arguments, Expected, Planted, Rows, Summary};
