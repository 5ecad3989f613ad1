//! Sources to [`Staged`]: connect, map, cast, deduplicate, count, and set aside what does not fit.
//!
//! Every record of a source ends in exactly one of four places: the staged file, the rejects with its reason, the
//! count of duplicates or the count of filtered rows. [`Book`] is that statement in figures.

mod amounts;
mod ask;
mod contract;
mod date_key;
pub mod decimal;
mod deduplicate;
mod derive;
mod durable;
mod error;
mod expression;
mod fit;
mod increment;
mod key;
mod mapping;
mod memory;
mod moment;
mod outlook;
mod published;
mod rejects;
mod resume;
mod rows;
mod session;
mod shared;
mod source;
mod source_order;
mod stage;
mod staged;
mod table_file;
mod table_rows;
mod work;

pub use ask::Asked;
pub use contract::{Seen, SeenSources};
pub use durable::sync_folder;
pub use error::Error;
pub use increment::{History, Increment, Renewed, keep};
pub use key::{KeyMap, KeySet, UNKNOWN, key_of};
pub use outlook::{Outlook, outlook};
pub use published::{published, table_files};
pub use rejects::schema as rejects_schema;
pub use resume::{bring_to_disk, can_be_reopened, record, reopen};
pub use rows::staged_schema;
pub use session::{configure, functions, in_one_piece, session, that_spills};
pub use shared::{Elsewhere, SharedTables, TableWriter, WorkerFailure, location, share, table_writer};
pub use source::is_read;
pub use stage::{Place, Probed, probe, register, stage};
pub use staged::{Book, Finding, Origin, Staged, StagedEntity};
pub use table_file::{FileError, TableFile};
pub use table_rows::TableRows;
pub use work::Work;
