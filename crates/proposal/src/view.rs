//! A table with those it refers to, as one row of a query would show them.

use std::collections::BTreeSet;

use crate::number::has_decimal_commas;
use crate::profile::Profile;
use crate::source::{ColumnSample, Connection, Source, TableSample};
use crate::sql;
use crate::target::{listed, targets};
use crate::words::{one_of, squeezed, words};

/// Words behind an amount that say in what it is counted.
const CURRENCIES: [&str; 10] = ["eur", "euro", "usd", "dollar", "dollars", "chf", "gbp", "sek", "pln", "in"];
/// References are followed this far.
const HOPS: usize = 2;

/// A table and what its columns hold.
#[derive(Debug)]
pub(crate) struct Looked<'a> {
    pub sample: &'a TableSample,
    /// In the order of the columns.
    pub profiles: Vec<Profile>,
    /// The words of one row of it.
    pub one: Vec<String>,
}

impl<'a> Looked<'a> {
    pub fn all(source: &'a Source) -> Vec<Self> {
        source.tables.iter().map(Self::of).collect()
    }

    fn of(sample: &'a TableSample) -> Self {
        // Where fields are parted by semicolons, a comma is in the numbers and the day comes first.
        let day_first = sample.csv.as_ref().is_some_and(|csv| csv.delimiter == ';');
        let commas = sample.csv.is_some() && has_decimal_commas(&sample.columns).unwrap_or(day_first);
        let profiles = sample.columns.iter().map(|column| Profile::of(column, day_first, commas)).collect();
        Self { sample, profiles, one: one_of(&sample.name) }
    }

    /// The column that a reference to the table would name.
    fn key(&self) -> Option<&'a str> {
        if let [one] = self.sample.primary_key.as_slice() {
            return Some(one);
        }
        let own = |name: &str| {
            let words = words(name);
            words == ["id"] || words.split_last().is_some_and(|(last, rest)| last == "id" && rest == self.one.as_slice())
        };
        let unique = self.sample.columns.iter().zip(&self.profiles).find(|(c, p)| p.is_unique && own(&c.name));
        unique.filter(|_| self.sample.primary_key.is_empty()).map(|(c, _)| c.name.as_str())
    }
}

/// One reference that is followed.
#[derive(Debug, Clone)]
pub(crate) struct Join<'a> {
    /// Place among the tables looked at.
    pub table: usize,
    /// 0 for the view's own table, n for the table of the n-th join.
    pub parent: usize,
    pub column: &'a str,
    pub references: &'a str,
    /// The database states the reference; otherwise it follows from names and values.
    pub declared: bool,
}

/// A column as the view's query would give it.
#[derive(Debug, Clone)]
pub(crate) struct Seen<'a> {
    /// 0 for the view's own table, n for the table of the n-th join.
    pub from: usize,
    pub hops: usize,
    pub column: &'a ColumnSample,
    pub profile: Profile,
    /// What the query calls it: two outputs of one name would be taken for one another.
    pub out: String,
    /// Its name, the words of its table's row and its name, and its name without those words.
    pub names: [Vec<String>; 3],
    /// Its own name says enough, for the table is the view's own or the header of its lines.
    pub speaks_for_itself: bool,
}

impl Seen<'_> {
    /// SQL that gives its value, or nothing where a mark stands for that.
    pub fn sql(&self) -> String {
        self.column.nulls.iter().fold(sql::quoted(&self.out), |inner, mark| format!("nullif({inner}, '{mark}')"))
    }
}

#[derive(Debug, Clone)]
pub(crate) struct View<'a> {
    /// Place among the tables looked at.
    pub base: usize,
    pub name: &'a str,
    pub joins: Vec<Join<'a>>,
    pub columns: Vec<Seen<'a>>,
}

impl<'a> View<'a> {
    /// The view of one table; with `follow`, also what it refers to.
    pub fn of(tables: &[Looked<'a>], base: usize, follow: bool) -> Option<Self> {
        let own = tables.get(base)?;
        let mut view = Self { base, name: &own.sample.name, joins: Vec::new(), columns: Vec::new() };
        view.add(own, 0, 0, true);
        let mut open = vec![(0, base, 0)];
        while let Some((parent, table, hops)) = (!open.is_empty()).then(|| open.remove(0)) {
            if !follow || hops == HOPS {
                continue;
            }
            for join in references(tables, table, parent) {
                let known = join.table == base || view.joins.iter().any(|j| j.table == join.table);
                let Some(other) = tables.get(join.table).filter(|_| !known) else { continue };
                let header = parent == 0 && is_order(join.column);
                open.push((view.joins.len() + 1, join.table, hops + 1));
                view.joins.push(join);
                view.add(other, view.joins.len(), hops + 1, header);
            }
        }
        Some(view)
    }

    fn add(&mut self, table: &Looked<'a>, from: usize, hops: usize, speaks_for_itself: bool) {
        let key = from.checked_sub(1).and_then(|at| self.joins.get(at)).map(|join| join.references);
        let mut taken: BTreeSet<String> = self.columns.iter().map(|c| c.out.to_lowercase()).collect();
        for (column, profile) in table.sample.columns.iter().zip(&table.profiles) {
            // The column that refers to it holds the same.
            if key == Some(column.name.as_str()) {
                continue;
            }
            let bare = table.sample.name.rsplit('.').next().unwrap_or_default();
            let mut out = column.name.clone();
            if from > 0 && taken.contains(&out.to_lowercase()) {
                out = format!("{bare}_{}", column.name);
            }
            taken.insert(out.to_lowercase());
            let own = unpriced(words(column.header.as_ref().unwrap_or(&column.name)));
            let long = [table.one.as_slice(), own.as_slice()].concat();
            let short = own.strip_prefix(table.one.as_slice()).unwrap_or_default().to_vec();
            let names = [own, long, short];
            self.columns.push(Seen { from, hops, column, profile: profile.clone(), out, names, speaks_for_itself });
        }
    }

    pub fn get(&self, place: usize) -> Option<&Seen<'a>> {
        self.columns.get(place)
    }

    /// The join that one of its own columns leads to.
    pub fn join_of(&self, seen: &Seen<'a>) -> Option<&Join<'a>> {
        self.joins.iter().find(|j| j.parent == seen.from && j.column == seen.column.name)
    }

    /// The query for some of the columns, or nothing where the table alone has them all.
    pub fn query(&self, tables: &[Looked<'a>], used: &BTreeSet<usize>, connection: &Connection) -> Option<Vec<String>> {
        let columns: Vec<&Seen<'a>> = used.iter().filter_map(|place| self.get(*place)).collect();
        let mut needed: BTreeSet<usize> = columns.iter().map(|c| c.from).filter(|from| *from > 0).collect();
        if needed.is_empty() {
            return None;
        }
        while let Some(parent) = needed.iter().find_map(|at| {
            let parent = self.joins.get(at.checked_sub(1)?)?.parent;
            (parent > 0 && !needed.contains(&parent)).then_some(parent)
        }) {
            needed.insert(parent);
        }
        let aliases = self.aliases(tables, &needed);
        let alias = |from: usize| aliases.iter().find(|(at, _)| *at == from).map_or("", |(_, a)| a.as_str());
        let name = |text: &str| sql::identifier(text, connection);
        let mut lines = vec!["SELECT".to_owned()];
        let last = columns.len().saturating_sub(1);
        for (place, column) in columns.iter().enumerate() {
            let (out, own) = (name(&column.out), name(&column.column.name));
            let renamed = if out == own { String::new() } else { format!(" AS {out}") };
            let comma = if place == last { "" } else { "," };
            lines.push(format!("    {}.{own}{renamed}{comma}", alias(column.from)));
        }
        lines.push(format!("FROM {} AS {}", sql::table(self.name, connection), alias(0)));
        for at in needed {
            let Some(join) = at.checked_sub(1).and_then(|at| self.joins.get(at)) else { continue };
            let table = tables.get(join.table).map_or("", |t| t.sample.name.as_str());
            lines.push(format!(
                "LEFT JOIN {} AS {} ON {}.{} = {}.{}",
                sql::table(table, connection),
                alias(at),
                alias(join.parent),
                name(join.column),
                alias(at),
                name(join.references)
            ));
        }
        Some(lines)
    }

    /// A short name for each table of the query: its initials, and a number where two have the same.
    fn aliases(&self, tables: &[Looked<'a>], needed: &BTreeSet<usize>) -> Vec<(usize, String)> {
        let mut aliases: Vec<(usize, String)> = Vec::new();
        for at in std::iter::once(0).chain(needed.iter().copied()) {
            let table = at.checked_sub(1).map_or(Some(self.base), |at| self.joins.get(at).map(|j| j.table));
            let one = table.and_then(|t| tables.get(t)).map(|t| t.one.clone()).unwrap_or_default();
            let initials: String = one.iter().filter_map(|w| w.chars().next()).filter(char::is_ascii_alphabetic).collect();
            let taken =
                |name: &str| aliases.iter().any(|(_, a)| a == name) || ["as", "is", "on", "or", "in", "to", "by"].contains(&name);
            let mut alias = if initials.is_empty() { "t".to_owned() } else { initials.clone() };
            let mut number = 2;
            while taken(&alias) {
                alias = format!("{initials}{number}");
                number += 1;
            }
            aliases.push((at, alias));
        }
        aliases
    }
}

/// A name without the currency that stands behind it, as in `Price (EUR)`.
fn unpriced(mut words: Vec<String>) -> Vec<String> {
    while words.len() > 1 && words.last().is_some_and(|last| CURRENCIES.contains(&last.as_str())) {
        words.pop();
    }
    words
}

/// True for a column that refers to an order.
fn is_order(column: &str) -> bool {
    let name = squeezed(&words(column));
    let sales = targets(schema::Entity::Sales).iter().find(|t| t.column == "order_id");
    sales.is_some_and(|t| listed(t.names).any(|n| n.replace(' ', "") == name))
}

/// References of a table: those that the database states, then those that names and values tell.
fn references<'a>(tables: &[Looked<'a>], table: usize, parent: usize) -> Vec<Join<'a>> {
    let Some(own) = tables.get(table) else { return Vec::new() };
    let mut joins = Vec::new();
    for key in &own.sample.foreign_keys {
        if let Some(other) = tables.iter().position(|t| t.sample.name == key.table).filter(|other| *other != table) {
            joins.push(Join { table: other, parent, column: &key.column, references: &key.references, declared: true });
        }
    }
    for column in &own.sample.columns {
        if joins.iter().any(|j| j.column == column.name) {
            continue;
        }
        let name = squeezed(&words(&column.name));
        for (place, other) in tables.iter().enumerate().filter(|(place, _)| *place != table) {
            let Some(key) = other.key() else { continue };
            let spelt = squeezed(&words(key));
            let fits = name.len() > 2 && (name == spelt || name == squeezed(&other.one) + &spelt);
            // Two tables of customers may share a key; a reference goes from many to one, not to what refers back.
            let is_own_key = own.key() == Some(column.name.as_str());
            if fits && !is_own_key && overlaps(column, other, key) {
                joins.push(Join { table: place, parent, column: &column.name, references: key, declared: false });
                break;
            }
        }
    }
    joins
}

/// False where the other table was seen whole and lacks most of the values.
fn overlaps(column: &ColumnSample, other: &Looked<'_>, key: &str) -> bool {
    share_found(column, other, key).is_none_or(|share| share >= 0.5)
}

/// Share of a column's values that another table has under a key, 0 to 1; none where that table was not seen whole.
#[allow(clippy::cast_precision_loss, reason = "counts of a sample")]
pub(crate) fn share_found(column: &ColumnSample, other: &Looked<'_>, key: &str) -> Option<f64> {
    let keys = other.sample.columns.iter().find(|c| c.name == key)?;
    let whole = other.sample.rows_hint.is_some_and(|rows| rows <= keys.values.len() as u64);
    let known: BTreeSet<&str> = keys.values.iter().flatten().map(String::as_str).collect();
    let values: BTreeSet<&str> = column.values.iter().flatten().map(String::as_str).collect();
    let found = values.iter().filter(|v| known.contains(*v)).count();
    (whole && !values.is_empty()).then(|| found as f64 / values.len() as f64)
}
