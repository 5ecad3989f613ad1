//! The tables and columns that checks can name.

use schema::{ENTITIES, TABLES, Type, Visibility};

use super::Check;
use crate::problem::{nearest, suggestion};

/// What to do about a table that nothing is near to.
const TABLES_ARE: &str = "`consumer360 describe` lists the tables; what was read is staged_sales, staged_customers and the like";

/// A table that checks may look at.
pub(super) struct Subject {
    pub name: String,
    pub columns: Vec<(&'static str, Type)>,
}

/// Tables that are published and built before the gate, then the staged entities.
pub(super) fn subjects() -> Vec<Subject> {
    let published = TABLES.iter().filter(|t| t.visibility == Visibility::Published && !t.name.starts_with("meta_"));
    let published =
        published.map(|t| Subject { name: t.name.to_owned(), columns: t.columns.iter().map(|c| (c.name, c.kind)).collect() });
    let staged = ENTITIES.iter().map(|entity| Subject {
        name: format!("staged_{entity}"),
        columns: schema::entity(*entity).columns.iter().flat_map(|c| staged(c.name, c.kind)).collect(),
    });
    published.chain(staged).collect()
}

/// What a mapped column is once staged: rates have become amounts.
fn staged(name: &'static str, kind: Type) -> Vec<(&'static str, Type)> {
    match name {
        "discount_rate" | "exchange_rate" => Vec::new(),
        "discount_amount" => vec![("gross_amount", Type::Money), (name, kind)],
        _ => vec![(name, kind)],
    }
}

/// The table of this name; none, and a problem at the path, where there is none.
pub(super) fn subject(check: &mut Check<'_>, path: &[&str], name: &str) -> Option<Subject> {
    let mut all = subjects();
    if let Some(place) = all.iter().position(|subject| subject.name == name) {
        return Some(all.swap_remove(place));
    }
    let near = nearest(name, all.iter().map(|subject| subject.name.as_str()));
    let help = near.map_or_else(|| TABLES_ARE.to_owned(), |near| format!("did you mean `{near}`?"));
    check.say(path, format!("there is no table `{name}` to check"), help);
    None
}

impl Subject {
    /// The column of this name and its type.
    pub fn column(&self, check: &mut Check<'_>, path: &[&str], name: &str) -> Option<(&'static str, Type)> {
        let found = self.columns.iter().find(|(column, _)| *column == name).copied();
        if found.is_none() {
            let names: Vec<&str> = self.columns.iter().map(|(column, _)| *column).collect();
            check.say(path, format!("{} has no column `{name}`", self.name), suggestion(name, names, "columns"));
        }
        found
    }

    pub fn names(&self) -> Vec<&'static str> {
        self.columns.iter().map(|(name, _)| *name).collect()
    }
}
