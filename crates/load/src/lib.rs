//! `Validated` to [`Snapshot`]: all or nothing.
//!
//! ```text
//! <to>/snapshots/<snapshot_id>/<table>.parquet + manifest.json
//! <to>/current/<table>.parquet          stable names, replaced file by file
//! <to>/published.json                   written last; names the snapshot
//! ```
//!
//! The order is the promise: write under a staging name, bring to disk, read back and compare, rename, replace
//! `current/`, write `published.json`. A crash between any two leaves the old set whole, and the next run heals it.

mod error;
mod local;
mod manifest;
mod profile;
mod publish;
mod retention;
mod rollback;

pub use error::Error;
pub use manifest::{Manifest, Published, TableEntry};
pub use publish::{RunFacts, Snapshot, publish, published};
pub use retention::{manifest, previous};
pub use rollback::{RolledBack, rollback, snapshots};
