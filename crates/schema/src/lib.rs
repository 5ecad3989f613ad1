//! Every staged and published table: columns, types, key and grain, in build order.
//!
//! This crate is the contract with BI. `describe`, the README's table dictionary, the Power BI model and the gate all
//! read these lists; nothing else states a column.

mod dictionary;
mod entity;
mod personal;
mod table;
mod types;

pub use dictionary::dictionary_markdown;
pub use entity::{ENTITIES, Entity, EntityColumn, EntityTable, entity};
pub use personal::is_personal;
pub use table::{Column, Group, TABLES, Table, Visibility, table};
pub use types::Type;
