//! What extraction hands on: five staged entities as Parquet files, the book of each, and what was found on the way.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::NaiveDate;
use schema::Entity;
use serde::{Deserialize, Serialize};

use crate::contract::{Seen, SeenSources};
use crate::increment::{Increment, Renewed};

/// The result of [`crate::stage`]. Every entity has a file and is registered in the session under its name; one the
/// pipeline does not give has no rows, or is derived from sales.
#[derive(Debug)]
pub struct Staged {
    pub as_of: NaiveDate,
    pub entities: BTreeMap<Entity, StagedEntity>,
    pub findings: Vec<Finding>,
    /// What sources have changed since the last published run. It is no part of what is published: the same input gives the
    /// same tables, whatever came before.
    pub changes: Vec<Finding>,
}

impl Staged {
    /// What the sources gave, for later runs to be held to.
    pub fn seen(&self) -> SeenSources {
        let seen = self.entities.iter().filter_map(|(entity, one)| Some((entity.name().to_owned(), one.seen.clone()?)));
        seen.collect()
    }

    /// What was read of the sources that are read in increments, by the name of the entity.
    pub fn increments(&self) -> BTreeMap<&'static str, &Increment> {
        let read = self.entities.iter().filter_map(|(entity, one)| Some((entity.name(), one.renewed.as_ref()?.increment()?)));
        read.collect()
    }

    /// Whether sales name members of an entity that its source does not have.
    pub fn has_orphans(&self, entity: Entity) -> bool {
        let check = match entity {
            Entity::Customers => ORPHAN_CUSTOMERS,
            Entity::Products => ORPHAN_PRODUCTS,
            Entity::Sales | Entity::Payments | Entity::Tickets | Entity::Users => return false,
        };
        self.findings.iter().any(|finding| finding.check == check)
    }

    /// The book of an entity; an empty one for an entity that is not there.
    pub fn book(&self, entity: Entity) -> Book {
        self.entities.get(&entity).map(|e| e.book.clone()).unwrap_or_default()
    }
}

/// The findings on sales that name members which no source has.
pub(crate) const ORPHAN_CUSTOMERS: &str = "orphan_customers";
pub(crate) const ORPHAN_PRODUCTS: &str = "orphan_products";

#[derive(Debug)]
pub struct StagedEntity {
    pub path: PathBuf,
    pub origin: Origin,
    pub book: Book,
    /// Order lines alone: whether the file has them by order (the shorter number first) and line.
    pub in_order: bool,
    /// Shares of rejects that warn and close the gate.
    pub limits: Option<config::RejectLimits>,
    /// Parquet file of the records set aside; none for an entity without a source.
    pub rejects: Option<PathBuf>,
    /// The first record set aside, as a sentence.
    pub first_reject: Option<String>,
    /// What its source gave; none for an entity without one.
    pub seen: Option<Seen>,
    /// What is to be kept of a source that is read in increments, once the run has published.
    pub renewed: Option<Renewed>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    Source,
    /// Made from the sales lines.
    Derived,
    Absent,
}

/// The double entry of one entity: what came in is what was loaded, set aside, dropped as a duplicate or filtered.
/// Amounts are in ten-thousandths and cover the rows whose amount could be read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Book {
    pub rows_in: u64,
    pub rows_loaded: u64,
    pub rows_rejected: u64,
    pub rows_deduplicated: u64,
    pub rows_filtered: u64,
    #[serde(with = "parts")]
    pub amount_in: Option<i128>,
    #[serde(with = "parts")]
    pub amount_loaded: Option<i128>,
    #[serde(with = "parts")]
    pub amount_rejected: Option<i128>,
    #[serde(with = "parts")]
    pub amount_deduplicated: Option<i128>,
    #[serde(with = "parts")]
    pub amount_filtered: Option<i128>,
}

/// Something about the data that an analyst should know. It never stops a run by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub check: Cow<'static, str>,
    pub table: String,
    pub count: u64,
    /// What was seen and what it means.
    pub message: String,
}

/// Ten-thousandths as text: a number of JSON may lose digits.
mod parts {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    #[allow(clippy::ref_option, reason = "the signature serde asks for")]
    pub fn serialize<S: Serializer>(amount: &Option<i128>, serializer: S) -> Result<S::Ok, S::Error> {
        amount.map(|amount| amount.to_string()).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i128>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
    }
}
