//! Our columns and what each is read from, with what is to be said of it.

use crate::date::Form;
use crate::matching::{Found, KNOWN, SURE, dates};
use crate::number::{NumberStyle, Numbers};
use crate::proposal::Confidence;
use crate::view::{Seen, View};

/// What a line of the pipeline file needs to be said of it.
#[derive(Debug, Clone)]
pub(crate) struct Remark {
    pub why: String,
    pub confidence: Confidence,
    /// A question to the user, and the answers there are.
    pub ask: Option<(String, Vec<String>)>,
}

impl Remark {
    pub fn likely(why: impl Into<String>) -> Self {
        Self { why: why.into(), confidence: Confidence::Likely, ask: None }
    }

    pub fn guess(why: impl Into<String>) -> Self {
        Self { why: why.into(), confidence: Confidence::Guess, ask: None }
    }

    pub fn certain(why: impl Into<String>) -> Self {
        Self { why: why.into(), confidence: Confidence::Certain, ask: None }
    }

    pub fn asking(mut self, question: impl Into<String>, answers: &[&str]) -> Self {
        self.ask = Some((question.into(), answers.iter().map(|a| (*a).to_owned()).collect()));
        self
    }

    fn and(mut self, other: Option<Self>) -> Self {
        if let Some(other) = other {
            self.why = format!("{}; {}", self.why, other.why);
            self.confidence = self.confidence.min(other.confidence);
            self.ask = self.ask.or(other.ask);
        }
        self
    }
}

pub(crate) fn both(one: Option<Remark>, other: Option<Remark>) -> Option<Remark> {
    match one {
        Some(one) => Some(one.and(other)),
        None => other,
    }
}

/// Rows that a run sets aside, where it takes none without this column.
fn lacking(seen: &Seen<'_>) -> Option<Remark> {
    let all = seen.profile.empty + seen.profile.seen;
    let why = || format!("empty in {} of {all} rows seen, which will be set aside", seen.profile.empty);
    (seen.profile.seen > 0 && seen.profile.empty > 0).then(|| Remark::likely(why()))
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Column(String),
    Sql(String),
    /// A column and the pattern of its days.
    Dated(String, String),
    DatedSql(String, String),
}

impl Value {
    /// A column as it stands, but for marks of nothing that are its own.
    pub fn of(seen: &Seen<'_>) -> Self {
        if seen.column.nulls.is_empty() { Self::Column(seen.out.clone()) } else { Self::Sql(seen.sql()) }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Mapped {
    pub ours: &'static str,
    pub value: Value,
    pub remark: Option<Remark>,
}

/// Our columns of one entity, and the places in its view that they read.
#[derive(Debug)]
pub(crate) struct Mapping<'v, 'a> {
    pub view: &'v View<'a>,
    pub found: &'v Found,
    pub mapped: Vec<Mapped>,
    pub used: std::collections::BTreeSet<usize>,
}

impl<'v, 'a> Mapping<'v, 'a> {
    pub fn new(view: &'v View<'a>, found: &'v Found) -> Self {
        Self { view, found, mapped: Vec::new(), used: std::collections::BTreeSet::new() }
    }

    pub fn has(&self, ours: &str) -> bool {
        self.mapped.iter().any(|m| m.ours == ours)
    }

    pub fn seen(&self, column: &str) -> Option<&'v Seen<'a>> {
        self.found.seen(self.view, column)
    }

    /// Notes that a column is read.
    pub fn reads(&mut self, column: &str) {
        if let Some(found) = self.found.get(column) {
            self.used.insert(found.place);
        }
    }

    pub fn push(&mut self, ours: &'static str, value: Value, remark: Option<Remark>) {
        self.mapped.push(Mapped { ours, value, remark });
    }

    /// Words and identifiers as they stand.
    pub fn plain(&mut self, columns: &[&'static str]) {
        for ours in columns.iter().copied() {
            if let Some(seen) = self.seen(ours) {
                self.push(ours, Value::of(seen), self.doubt(ours));
                self.reads(ours);
            }
        }
    }

    /// An identifier that no row can do without.
    pub fn needed(&mut self, ours: &'static str) {
        if let Some(seen) = self.seen(ours) {
            self.push(ours, Value::of(seen), both(lacking(seen), self.doubt(ours)));
            self.reads(ours);
        }
    }

    pub fn number(&mut self, ours: &'static str, remark: Option<Remark>) {
        self.number_from(ours, ours, remark);
    }

    /// A number of ours, from the column found under another name.
    pub fn number_from(&mut self, ours: &'static str, name: &str, remark: Option<Remark>) {
        let Some(seen) = self.seen(name) else { return };
        let numbers = seen.profile.numbers.unwrap_or(Numbers::PLAIN);
        let value = numbers.sql(&seen.sql()).map_or_else(|| Value::of(seen), Value::Sql);
        let unclear = numbers.unclear.then(|| {
            let (one, parts, begins) =
                if numbers.style == NumberStyle::Comma { ("1.234", "point", "comma") } else { ("1,234", "comma", "point") };
            let why = format!("a {parts} before three digits is taken to part thousands, and a {begins} to begin a fraction");
            let ask = format!("Is {one} in `{}` a thousand and more?", seen.out);
            Remark::guess(why).asking(ask, &["yes", "no, it is a fraction"])
        });
        let lacking = lacking(seen).filter(|_| ["quantity", "unit_price", "net_amount"].contains(&ours));
        let remark = both(both(lacking, remark.or_else(|| self.doubt(name))), unclear);
        self.push(ours, value, remark);
        self.reads(name);
    }

    /// SQL for a number, to stand in an expression.
    pub fn number_sql(&mut self, name: &str) -> Option<String> {
        let seen = self.seen(name)?;
        self.reads(name);
        let numbers = seen.profile.numbers.unwrap_or(Numbers::PLAIN);
        let column = seen.sql();
        let sql = numbers.sql(&column).unwrap_or(column);
        Some(if sql.ends_with("/ 100") { format!("({sql})") } else { sql })
    }

    /// Days and times, after the pattern that was seen.
    pub fn date(&mut self, columns: &[&'static str]) {
        for ours in columns.iter().copied() {
            let Some(seen) = self.seen(ours) else { continue };
            let Some(found) = dates(seen) else {
                let remark = Remark::guess("the table has no rows yet, so how it writes its days was not seen");
                self.push(ours, Value::of(seen), Some(remark));
                self.reads(ours);
                continue;
            };
            let function = if ours.ends_with("_at") { "to_timestamp" } else { "to_date" };
            let (value, mut remark) = match &found.form {
                Form::Iso => (Value::of(seen), None),
                Form::One(pattern) if seen.column.nulls.is_empty() => (Value::Dated(seen.out.clone(), pattern.clone()), None),
                Form::One(pattern) => (Value::DatedSql(seen.sql(), pattern.clone()), None),
                Form::Several(patterns) => {
                    let list: Vec<String> = patterns.iter().map(|p| format!("'{p}'")).collect();
                    let sql = format!("{function}({}, {})", seen.sql(), list.join(", "));
                    let why = "days are written in several ways, tried in this order";
                    let mixed =
                        "some only fit with the day first and some with the month first, so days up to the 12th may be wrong";
                    let remark = if found.is_mixed_up() {
                        Remark::guess(mixed).asking(format!("How does `{}` write its days?", seen.out), &[])
                    } else {
                        Remark::likely(why)
                    };
                    (Value::Sql(sql), Some(remark))
                }
            };
            if let Some(other) = &found.or_else {
                let why = format!("every value fits `{other}` as well");
                let ask = format!("Does `{}` write the month or the day first?", seen.out);
                remark = both(remark, Some(Remark::guess(why).asking(ask, &["the month", "the day"])));
            }
            if found.fits < found.of {
                let why = format!("{} of {} values seen do not fit and will be set aside", found.of - found.fits, found.of);
                remark = both(remark, Some(Remark::likely(why)));
            }
            let lacking = lacking(seen).filter(|_| ["ordered_at", "opened_at", "due_on"].contains(&ours));
            remark = both(remark, lacking);
            self.push(ours, value, both(remark, self.doubt(ours)));
            self.reads(ours);
        }
    }

    /// What speaks against a column that was found by its name alone.
    pub fn doubt(&self, column: &str) -> Option<Remark> {
        let found = self.found.get(column)?;
        let other = found.or_else.and_then(|place| self.view.get(place)).map(|other| other.out.as_str());
        let name = &self.view.get(found.place)?.out;
        match (found.score, other) {
            (SURE.., None) => None,
            (SURE.., Some(other)) => Some(Remark::likely(format!("or `{other}`"))),
            (KNOWN.., None) => Some(Remark::likely("by its name")),
            (KNOWN.., Some(other)) => Some(Remark::likely(format!("by its name; or `{other}`"))),
            (_, None) => Some(Remark::guess(format!("`{name}` is only like the names we know"))),
            (_, Some(other)) => Some(Remark::guess(format!("`{name}` is only like the names we know; or `{other}`"))),
        }
    }
}
