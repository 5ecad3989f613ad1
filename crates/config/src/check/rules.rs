//! Checks of the tables: that each has one kind, names what there is, and is called as no other.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use schema::Type;

use super::subject::{Subject, subject};
use super::{Check, amounts, sizes};
use crate::raw::{self, Amount, OneCheck, OneOrMore};
use crate::rules::{Bound, Demand, EachRow, Figure, Rows, Rule, Sql, Tolerance, Whole};

pub(super) fn rules(check: &mut Check<'_>, raw: &[OneCheck]) -> Vec<Rule> {
    let mut names = BTreeSet::new();
    let mut rules = Vec::new();
    for (place, one) in raw.iter().enumerate() {
        let place = place.to_string();
        let Some(kind) = kind(check, &place, one) else { continue };
        let mut item = Item { check, place: &place, kind };
        if let Some(rule) = item.rule(one)
            && item.name_is_free(&rule.name, &mut names)
        {
            rules.push(rule);
        }
    }
    rules
}

/// The one kind that a check has.
fn kind(check: &mut Check<'_>, place: &str, raw: &OneCheck) -> Option<&'static str> {
    let kinds = [
        ("unique", raw.unique.is_some()),
        ("not_null", raw.not_null.is_some()),
        ("accepted_values", raw.accepted_values.is_some()),
        ("relationships", raw.relationships.is_some()),
        ("range", raw.range.is_some()),
        ("regex", raw.regex.is_some()),
        ("row_count", raw.row_count.is_some()),
        ("freshness", raw.freshness.is_some()),
        ("sql", raw.sql.is_some()),
        ("reconcile", raw.reconcile.is_some()),
        ("drift", raw.drift.is_some()),
        ("degenerate", raw.degenerate.is_some()),
    ];
    let given: Vec<&str> = kinds.iter().filter(|(_, is)| *is).map(|(kind, _)| *kind).collect();
    match given.as_slice() {
        [one] => Some(one),
        [] => {
            let all = kinds.map(|(kind, _)| kind).join(", ");
            check.say(&["checks", place], "this check has no kind", format!("it is one of: {all}"));
            None
        }
        [_, second, ..] => {
            let help = "begin each check with a `-` of its own";
            check.say_key(&["checks", place, second], format!("`{}` stand in one check", given.join("` and `")), help);
            None
        }
    }
}

/// Names that the gate's own checks have; those of one table must be told apart.
fn is_taken(name: &str) -> bool {
    let own = ["schema", "unique_key", "not_null", "finite_numbers", "read_back", "rejects"];
    own.contains(&name) || ["reference_", "reconcile_", "guard_"].iter().any(|start| name.starts_with(start))
}

/// One check of the file.
struct Item<'c, 'a> {
    check: &'c mut Check<'a>,
    place: &'c str,
    kind: &'static str,
}

/// What most kinds say of themselves.
struct Usual<'r> {
    name: Option<&'r str>,
    severity: Option<raw::Severity>,
}

impl Item<'_, '_> {
    /// The full path of a key of the check.
    fn path<'p>(&'p self, rest: &[&'p str]) -> Vec<&'p str> {
        [&["checks", self.place, self.kind], rest].concat()
    }

    fn say(&mut self, rest: &[&str], message: impl Into<String>, help: impl Into<String>) {
        let path = [&["checks", self.place, self.kind], rest].concat();
        self.check.say(&path, message, help);
    }

    fn keep<T>(&mut self, rest: &[&str], result: Result<T, (String, String)>) -> Option<T> {
        result.map_err(|(message, help)| self.say(rest, message, help)).ok()
    }

    fn name_is_free(&mut self, name: &str, names: &mut BTreeSet<String>) -> bool {
        if is_taken(name) {
            self.say(&["name"], format!("`{name}` is the name of a check that every run makes"), "give it another `name`");
            return false;
        }
        let is_free = names.insert(name.to_owned());
        if !is_free {
            self.say(&["name"], format!("two checks are called `{name}`"), "give one of them a `name` of its own");
        }
        is_free
    }

    fn rule(&mut self, raw: &OneCheck) -> Option<Rule> {
        let OneCheck { unique, not_null, accepted_values, relationships, range, regex, .. } = raw;
        if let Some(raw) = unique.as_ref().or(not_null.as_ref()) {
            return self.of_columns(raw);
        }
        if let Some(raw) = accepted_values {
            return self.accepted_values(raw);
        }
        if let Some(raw) = relationships {
            return self.relationships(raw);
        }
        if let Some(raw) = range {
            return self.range(raw);
        }
        if let Some(raw) = regex {
            return self.regex(raw);
        }
        self.rule_of_all(raw)
    }

    /// Kinds that look at the rows together, or at queries.
    fn rule_of_all(&mut self, raw: &OneCheck) -> Option<Rule> {
        if let Some(raw) = &raw.row_count {
            return self.row_count(raw);
        }
        if let Some(raw) = &raw.freshness {
            return self.freshness(raw);
        }
        if let Some(raw) = &raw.sql {
            return self.sql(raw);
        }
        if let Some(raw) = &raw.reconcile {
            return self.reconcile(raw);
        }
        if let Some(raw) = &raw.drift {
            return self.drift(raw);
        }
        self.degenerate(raw.degenerate.as_ref()?)
    }

    fn finish(&self, usual: &Usual<'_>, described: &[&str], demand: Demand) -> Rule {
        let default = || [&[self.kind], described].concat().join("_");
        Rule {
            name: usual.name.map_or_else(default, str::to_owned),
            is_fatal: usual.severity != Some(raw::Severity::Warn),
            demand,
            place: self.check.place(&self.path(&[])),
        }
    }

    fn subject(&mut self, key: &str, table: &str) -> Option<Subject> {
        let path = ["checks", self.place, self.kind, key];
        subject(self.check, &path, table)
    }

    fn column(&mut self, subject: &Subject, rest: &[&str], name: &str) -> Option<(&'static str, Type)> {
        let path = [&["checks", self.place, self.kind], rest].concat();
        subject.column(self.check, &path, name)
    }

    fn rows(&self, subject: &Subject, filter: Option<&String>) -> Rows {
        let filter = filter.map(|text| self.sql_at(&["where"], text));
        Rows { table: subject.name.clone(), columns: subject.names(), filter }
    }

    fn sql_at(&self, rest: &[&str], text: &str) -> Sql {
        Sql { text: text.to_owned(), place: self.check.place(&self.path(rest)) }
    }

    fn allow(&mut self, written: Option<&Amount>) -> Option<Tolerance> {
        let Some(written) = written else { return Some(Tolerance::NONE) };
        let read = amounts::tolerance("allow", written).and_then(|allow| match allow {
            Tolerance::Amount(rows) if rows % 10_000 != 0 => {
                Err(("`allow` is no whole number of rows".to_owned(), "write 5, or a share such as 0.1%".to_owned()))
            }
            Tolerance::Share(ppb) if ppb > crate::rules::WHOLE_PPB => {
                Err(("`allow` is more than all rows".to_owned(), "write a share such as 0.1%".to_owned()))
            }
            allow => Ok(allow),
        });
        self.keep(&["allow"], read)
    }

    fn of_columns(&mut self, raw: &raw::OfColumns) -> Option<Rule> {
        let subject = self.subject("table", &raw.table)?;
        let written = match &raw.columns {
            OneOrMore::One(one) => std::slice::from_ref(one),
            OneOrMore::More(more) => more,
        };
        if written.is_empty() {
            self.say(&["columns"], "`columns` names none", "name one column or more");
            return None;
        }
        let mut columns = Vec::new();
        for (place, name) in written.iter().enumerate() {
            let place = place.to_string();
            let found = self.column(&subject, &["columns", &place], name);
            columns.extend(found.map(|(name, _)| name));
        }
        let allow = self.allow(raw.allow.as_ref())?;
        if columns.len() < written.len() {
            return None;
        }
        let described = [&[subject.name.as_str()], columns.as_slice()].concat();
        let wants = match self.kind {
            "unique" => EachRow::Unique { columns: columns.clone() },
            _ => EachRow::NotNull { columns: columns.clone() },
        };
        let demand = Demand::EachRow { of: self.rows(&subject, raw.r#where.as_ref()), wants, allow };
        Some(self.finish(&Usual { name: raw.name.as_deref(), severity: raw.severity }, &described, demand))
    }

    fn accepted_values(&mut self, raw: &raw::AcceptedValues) -> Option<Rule> {
        let subject = self.subject("table", &raw.table)?;
        let column = self.column(&subject, &["column"], &raw.column);
        let allow = self.allow(raw.allow.as_ref());
        if raw.values.is_empty() {
            self.say(&["values"], "`values` names none", "list what may stand in the column");
            return None;
        }
        let (column, kind) = column?;
        if matches!(kind, Type::Money | Type::Quantity | Type::Number | Type::Date | Type::Time) {
            let message = format!("`{column}` is {}, which no list can name", kind.name());
            self.say(&["column"], message, "use `range` for it");
            return None;
        }
        let value = |value: &raw::Accepted| match value {
            raw::Accepted::Whole(number) => number.to_string(),
            raw::Accepted::Bool(is) => is.to_string(),
            raw::Accepted::Text(text) => text.clone(),
        };
        let wants = EachRow::AcceptedValues { column, values: raw.values.iter().map(value).collect() };
        let demand = Demand::EachRow { of: self.rows(&subject, raw.r#where.as_ref()), wants, allow: allow? };
        Some(self.finish(&Usual { name: raw.name.as_deref(), severity: raw.severity }, &[&subject.name, column], demand))
    }

    fn relationships(&mut self, raw: &raw::Relationships) -> Option<Rule> {
        let (subject, other) = (self.subject("table", &raw.table), self.subject("to", &raw.to));
        let (subject, other) = (subject?, other?);
        let column = self.column(&subject, &["column"], &raw.column);
        let key = if raw.to_column.is_some() { "to_column" } else { "to" };
        let to_column = self.column(&other, &[key], raw.to_column.as_ref().unwrap_or(&raw.column));
        let allow = self.allow(raw.allow.as_ref());
        let ((column, kind), (to_column, to_kind)) = (column?, to_column?);
        if kind.arrow() != to_kind.arrow() {
            let message = format!("`{column}` is {}, `{}.{to_column}` is {}", kind.name(), other.name, to_kind.name());
            self.say(&[key], message, "name columns of one type");
            return None;
        }
        let wants = EachRow::Relationship { column, to: other.name, to_column };
        let demand = Demand::EachRow { of: self.rows(&subject, raw.r#where.as_ref()), wants, allow: allow? };
        Some(self.finish(&Usual { name: raw.name.as_deref(), severity: raw.severity }, &[&subject.name, column], demand))
    }

    fn range(&mut self, raw: &raw::Range) -> Option<Rule> {
        let subject = self.subject("table", &raw.table)?;
        let column = self.column(&subject, &["column"], &raw.column);
        let allow = self.allow(raw.allow.as_ref());
        let (column, kind) = column?;
        if matches!(kind, Type::Text | Type::Bool) {
            let message = format!("`{column}` is {}, which has no range", kind.name());
            self.say(&["column"], message, "use `accepted_values` or `regex` for it");
            return None;
        }
        if raw.min.is_none() && raw.max.is_none() {
            self.say(&[], "`range` has neither `min` nor `max`", "give one of them or both");
            return None;
        }
        let mut bound = |key: &str, written: &Option<Amount>| match written {
            None => Some(None),
            Some(written) => self.keep(&[key], bound(key, kind, written)).map(Some),
        };
        let (min, max) = (bound("min", &raw.min), bound("max", &raw.max));
        let (min, max) = (min?, max?);
        if is_above(min, max) {
            self.say(&["max"], "`max` is below `min`", "no value can be in the range");
            return None;
        }
        let wants = EachRow::Range { column, is_time: kind == Type::Time, min, max };
        let demand = Demand::EachRow { of: self.rows(&subject, raw.r#where.as_ref()), wants, allow: allow? };
        Some(self.finish(&Usual { name: raw.name.as_deref(), severity: raw.severity }, &[&subject.name, column], demand))
    }

    fn regex(&mut self, raw: &raw::Regex) -> Option<Rule> {
        let subject = self.subject("table", &raw.table)?;
        let column = self.column(&subject, &["column"], &raw.column);
        let allow = self.allow(raw.allow.as_ref());
        let (column, kind) = column?;
        if kind != Type::Text {
            self.say(&["column"], format!("`{column}` is {}, not text", kind.name()), "use `range` or `accepted_values` for it");
            return None;
        }
        let wants = EachRow::Regex { column, pattern: self.sql_at(&["pattern"], &raw.pattern) };
        let demand = Demand::EachRow { of: self.rows(&subject, raw.r#where.as_ref()), wants, allow: allow? };
        Some(self.finish(&Usual { name: raw.name.as_deref(), severity: raw.severity }, &[&subject.name, column], demand))
    }

    fn row_count(&mut self, raw: &raw::RowCount) -> Option<Rule> {
        let subject = self.subject("table", &raw.table)?;
        let rows = |written: Option<i64>| written.and_then(|rows| u64::try_from(rows).ok());
        let (min, max) = (rows(raw.min), rows(raw.max));
        match (min, max) {
            (None, None) => {
                self.say(&[], "`row_count` has neither `min` nor `max`", "give one of them or both");
                return None;
            }
            (Some(min), Some(max)) if min > max => {
                self.say(&["max"], "`max` is below `min`", "no table can have so many rows");
                return None;
            }
            _ => {}
        }
        let demand = Demand::Whole { of: self.rows(&subject, raw.r#where.as_ref()), wants: Whole::RowCount { min, max } };
        Some(self.finish(&Usual { name: raw.name.as_deref(), severity: raw.severity }, &[&subject.name], demand))
    }

    fn freshness(&mut self, raw: &raw::Freshness) -> Option<Rule> {
        let subject = self.subject("table", &raw.table)?;
        let column = self.column(&subject, &["column"], &raw.column);
        let max_age = self.keep(&["max_age"], sizes::days("max_age", &raw.max_age));
        let (column, kind) = column?;
        if !matches!(kind, Type::Date | Type::Time | Type::DateKey) {
            self.say(&["column"], format!("`{column}` is {}, no day and no time", kind.name()), "name a column of days or times");
            return None;
        }
        let wants = Whole::Freshness { column, is_date_key: kind == Type::DateKey, max_age_days: max_age? };
        let demand = Demand::Whole { of: self.rows(&subject, raw.r#where.as_ref()), wants };
        Some(self.finish(&Usual { name: raw.name.as_deref(), severity: raw.severity }, &[&subject.name, column], demand))
    }

    fn degenerate(&mut self, raw: &raw::Degenerate) -> Option<Rule> {
        let subject = self.subject("table", &raw.table)?;
        let column = self.column(&subject, &["column"], &raw.column);
        let share = self.keep(&["max_share"], amounts::share_ppb("max_share", &raw.max_share));
        let (column, _) = column?;
        let wants = Whole::Degenerate { column, max_share_ppb: share? };
        let demand = Demand::Whole { of: self.rows(&subject, raw.r#where.as_ref()), wants };
        Some(self.finish(&Usual { name: raw.name.as_deref(), severity: raw.severity }, &[&subject.name, column], demand))
    }

    fn drift(&mut self, raw: &raw::Drift) -> Option<Rule> {
        let subject = self.subject("table", &raw.table)?;
        if subject.name.starts_with("staged_") {
            self.say(&["table"], format!("{} is in no snapshot", subject.name), "name a published table");
            return None;
        }
        let mut limit = |key: &str, written: &Option<Amount>| match written {
            None => Some(None),
            Some(written) => self.keep(&[key], amounts::tolerance(key, written)).map(Some),
        };
        let (drop, rise) = (limit("max_drop", &raw.max_drop), limit("max_rise", &raw.max_rise));
        let (max_drop, max_rise) = (drop?, rise?);
        if max_drop.is_none() && max_rise.is_none() {
            self.say(&[], "`drift` has neither `max_drop` nor `max_rise`", "give one of them or both");
            return None;
        }
        let value = raw.value.as_ref().map(|value| self.sql_at(&["value"], value));
        let demand =
            Demand::Whole { of: self.rows(&subject, raw.r#where.as_ref()), wants: Whole::Drift { value, max_drop, max_rise } };
        Some(self.finish(&Usual { name: raw.name.as_deref(), severity: raw.severity }, &[&subject.name], demand))
    }

    fn sql(&mut self, raw: &raw::NoRow) -> Option<Rule> {
        let allow = match self.allow(raw.allow.as_ref())? {
            Tolerance::Amount(rows) => u64::try_from(rows / 10_000).ok()?,
            Tolerance::Share(_) => {
                self.say(&["allow"], "a query has no whole to take a share of", "write a number of rows such as 5");
                return None;
            }
        };
        let demand = Demand::NoRow { query: self.sql_at(&["query"], &raw.query), allow };
        Some(self.finish(&Usual { name: Some(&raw.name), severity: raw.severity }, &[], demand))
    }

    fn reconcile(&mut self, raw: &raw::Reconcile) -> Option<Rule> {
        let (left, right) = (self.figure("left", &raw.left), self.figure("right", &raw.right));
        let tolerance = match &raw.tolerance {
            None => Some(Tolerance::NONE),
            Some(written) => self.keep(&["tolerance"], amounts::tolerance("tolerance", written)),
        };
        let demand = Demand::Equal { left: left?, right: right?, tolerance: tolerance? };
        Some(self.finish(&Usual { name: Some(&raw.name), severity: raw.severity }, &[], demand))
    }

    fn figure(&mut self, side: &str, raw: &raw::Side) -> Option<Figure> {
        let raw = match raw {
            raw::Side::Query(query) => return Some(Figure::Query(self.sql_at(&[side], query))),
            raw::Side::Value(raw) => raw,
        };
        let path = ["checks", self.place, self.kind, side, "table"];
        let subject = subject(self.check, &path, &raw.table)?;
        let filter = raw.r#where.as_ref().map(|text| self.sql_at(&[side, "where"], text));
        let of = Rows { table: subject.name.clone(), columns: subject.names(), filter };
        Some(Figure::Value { of, value: self.sql_at(&[side, "value"], &raw.value) })
    }
}

/// A bound of the column's own type.
fn bound(key: &str, kind: Type, written: &Amount) -> Result<Bound, (String, String)> {
    let text = amounts::shown(written);
    let (read, help) = match kind {
        Type::Date | Type::Time if text == "as_of" => (Some(Bound::AsOf), ""),
        Type::Date | Type::Time => {
            (NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok().map(Bound::Day), "write a day such as 2020-01-01, or as_of")
        }
        Type::Number => (text.parse().ok().filter(|x: &f64| x.is_finite()).map(Bound::Number), "write a number such as 0.5"),
        _ => (amounts::ten_thousandths(written).map(Bound::Amount), "write a number with at most four places"),
    };
    read.ok_or_else(|| (format!("`{key}` cannot be `{text}` for a column of type {}", kind.name()), help.to_owned()))
}

fn is_above(min: Option<Bound>, max: Option<Bound>) -> bool {
    match (min, max) {
        (Some(Bound::Amount(min)), Some(Bound::Amount(max))) => min > max,
        (Some(Bound::Number(min)), Some(Bound::Number(max))) => min > max,
        (Some(Bound::Day(min)), Some(Bound::Day(max))) => min > max,
        _ => false,
    }
}
