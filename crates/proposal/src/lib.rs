//! A first pipeline file for a source nobody has described yet.
//!
//! [`read`] samples what a source holds: CSV files, a SQLite database, or what the catalogue of a PostgreSQL,
//! a MySQL or a MariaDB answers. [`propose`]
//! decides from names, types and values which tables are sales, customers, products, payments and tickets, and which of
//! their columns are ours. Out comes a whole file that loads and runs, with a comment on each line that is not certain; or
//! a [`Refusal`] that says what is missing, for a guess at what was sold and when would be worse than none.
//!
//! Nothing is written, no clock and no environment is read: equal samples give equal text.

mod amounts;
mod date;
mod mapped;
mod matching;
mod number;
mod others;
mod page;
mod profile;
mod proposal;
mod propose;
pub mod read;
mod sales;
mod source;
mod sql;
mod target;
mod view;
mod words;

pub use proposal::{Confidence, Note, Proposal, Question, Refusal};
pub use propose::{Wishes, propose};
pub use source::{ColumnSample, Connection, CsvShape, Encoding, ForeignKey, HEAD_ROWS, Repeats, Source, TableSample};
