//! `Validated` to [`Snapshot`]: all or nothing.
//!
//! ```text
//! <to>/snapshots/<snapshot_id>/<table>.parquet + manifest.json      or <fact table>/part-00000.parquet ...
//! <to>/current/<table>.parquet          stable names, replaced file by file
//! <to>/published.json                   written last; names the snapshot
//! ```
//!
//! The order is the promise: write under a name nobody reads, read back and compare, name it, replace `current/`, write
//! `published.json`. A crash between any two leaves the old set whole, and the next run heals it. A [`Target`] is a folder or an
//! object store; one publisher at a time has it, and one that was overtaken is stopped before readers see anything of it.

mod error;
mod folder;
mod local;
mod manifest;
mod parts;
mod profile;
mod publish;
mod retention;
mod rollback;
mod store;
mod target;

pub use error::Error;
pub use manifest::{Manifest, Published, TableEntry};
pub use publish::{RunFacts, Snapshot};
pub use retention::manifest;
pub use rollback::{RolledBack, before, named};
pub use target::{Target, readable};
