//! What a source may change: every key has a default, and no value of one excludes another's.

use crate::pipeline::{Change, Contract};
use crate::raw;

pub(super) fn contract(raw: &raw::Contract) -> Contract {
    let change = |written| match written {
        None | Some(raw::Change::Evolve) => Change::Evolve,
        Some(raw::Change::Quarantine) => Change::Quarantine,
        Some(raw::Change::Freeze) => Change::Freeze,
    };
    Contract { columns: change(raw.columns), types: change(raw.types), stale_fails: raw.stale != Some(raw::Stale::Warn) }
}
