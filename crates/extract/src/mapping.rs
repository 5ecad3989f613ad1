//! From a source's columns to ours: which column or expression each of an entity's columns is read from.

use arrow::datatypes::SchemaRef;
use config::{MapFrom, Source};
use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use schema::{Entity, EntityColumn, entity};

use crate::error::Error;
use crate::expression::{Expression, is_column, mentioned};
use crate::source::Opened;

pub(crate) struct Mapping {
    pub columns: Vec<MappedColumn>,
    pub filter: Option<Expression>,
    /// Source columns that are read at all.
    pub wanted: Vec<bool>,
    /// Those of them that a file may not lack.
    needed: Vec<String>,
}

pub(crate) struct MappedColumn {
    pub target: &'static EntityColumn,
    pub from: From,
    pub format: Option<String>,
}

pub(crate) enum From {
    Column(usize),
    Expression(Expression),
}

impl Mapping {
    pub fn compile(session: &SessionContext, name: Entity, source: &Source, opened: &Opened) -> Result<Self, Error> {
        let (mut columns, mut needed) = (Vec::new(), Vec::new());
        for target in entity(name).columns {
            let (text, sql_only, format) = match source.columns.get(target.name) {
                Some(mapping) => match &mapping.from {
                    MapFrom::ColumnOrSql(text) => (text.as_str(), false, mapping.format.clone()),
                    MapFrom::Sql(text) => (text.as_str(), true, mapping.format.clone()),
                },
                None if source.columns.is_empty() && is_column(&opened.schema, target.name).is_some() => {
                    (target.name, false, None)
                }
                None if source.columns.is_empty() && target.required => return Err(missing(name, opened, target.name)),
                None => continue,
            };
            let from = match is_column(&opened.schema, text) {
                Some(place) if !sql_only => {
                    needed.push(text.to_owned());
                    From::Column(place)
                }
                _ => {
                    needed.extend(crate::expression::needed(session, text));
                    From::Expression(expression(session, name, target.name, text, opened)?)
                }
            };
            columns.push(MappedColumn { target, from, format });
        }
        let filter = source.filter.as_ref().map(|sql| expression(session, name, "where", sql, opened)).transpose()?;
        needed.extend(source.filter.iter().flat_map(|sql| crate::expression::needed(session, sql)));
        let mapping = Self { columns, filter, wanted: Vec::new(), needed };
        mapping.require_amount(name, opened)?;
        mapping.hold_files(name, opened)?;
        Ok(mapping.mark_wanted(&opened.schema))
    }

    /// That every file has the columns that are needed of it; what the others have it would lose without a word.
    fn hold_files(&self, entity: Entity, opened: &Opened) -> Result<(), Error> {
        for file in opened.files.iter().filter(|file| !file.columns.is_empty()) {
            let lacks = |column: &&String| !file.columns.contains(*column) && is_column(&opened.schema, column).is_some();
            if let Some(column) = self.needed.iter().find(lacks) {
                let other = opened.files.iter().find(|other| other.columns.contains(column));
                let other = other.map(|other| other.origin.as_str()).unwrap_or_default();
                let names: Vec<&str> = file.columns.iter().map(String::as_str).collect();
                return Err(Error::LackingColumn {
                    entity,
                    origin: file.origin.clone(),
                    column: column.clone(),
                    other: nearest(&names, column)
                        .map_or(format!("{other} has"), |near| format!("{other} has (is it `{near}` there?)")),
                    help: columns_of(&names),
                });
            }
        }
        Ok(())
    }

    /// A sales line without a price or an amount has no value to account for.
    fn require_amount(&self, name: Entity, opened: &Opened) -> Result<(), Error> {
        let has = |column: &str| self.columns.iter().any(|c| c.target.name == column);
        if name == Entity::Sales && !has("unit_price") && !has("net_amount") {
            return Err(missing(name, opened, "unit_price"));
        }
        Ok(())
    }

    fn mark_wanted(mut self, schema: &SchemaRef) -> Self {
        let mut wanted = vec![false; schema.fields().len()];
        let mut mark = |place: usize| {
            if let Some(flag) = wanted.get_mut(place) {
                *flag = true;
            }
        };
        for column in &self.columns {
            match &column.from {
                From::Column(place) => mark(*place),
                From::Expression(expression) => expression.reads.iter().copied().for_each(&mut mark),
            }
        }
        if let Some(filter) = &self.filter {
            filter.reads.iter().copied().for_each(&mut mark);
        }
        self.wanted = wanted;
        self
    }
}

/// Column names the mapping speaks of, for sources that learn their columns as they go.
pub(crate) fn names(session: &SessionContext, source: &Source) -> Vec<String> {
    let mut names = Vec::new();
    for mapping in source.columns.values() {
        let (MapFrom::ColumnOrSql(text) | MapFrom::Sql(text)) = &mapping.from;
        let inside = mentioned(session, text);
        if inside.is_empty() && matches!(mapping.from, MapFrom::ColumnOrSql(_)) && !text.contains('\'') {
            names.push(text.clone());
        }
        names.extend(inside);
    }
    names.extend(source.filter.iter().flat_map(|sql| mentioned(session, sql)));
    names
}

fn expression(session: &SessionContext, name: Entity, place: &str, sql: &str, opened: &Opened) -> Result<Expression, Error> {
    let place = if place == "where" { place.to_owned() } else { format!("columns.{place}") };
    Expression::compile(session, sql, &opened.schema).map_err(|error| {
        // A single word, or words that are no expression, can only have been meant as a column.
        let words = sql.chars().all(|c| c.is_alphanumeric() || " _-./#".contains(c));
        let unknown = mentioned(session, sql).into_iter().find(|n| is_column(&opened.schema, n).is_none());
        match unknown {
            Some(column) => missing(name, opened, &column),
            None if words => missing(name, opened, sql),
            None => Error::Expression { entity: name, place, sql: sql.to_owned(), detail: plain(&error) },
        }
    })
}

/// The first line of what is wrong; of SQL that cannot be read the parser's own words, not their Rust form.
fn plain(error: &DataFusionError) -> String {
    let words = match error.find_root() {
        DataFusionError::SQL(parser, _) => parser.to_string(),
        _ => error.strip_backtrace(),
    };
    let first = words.lines().next().unwrap_or_default();
    first.strip_prefix("Error during planning: ").unwrap_or(first).to_owned()
}

fn missing(name: Entity, opened: &Opened, column: &str) -> Error {
    let names: Vec<&str> = opened.schema.fields().iter().map(|f| f.name().as_str()).collect();
    let nearest = nearest(&names, column);
    let first = format!("{column} (1)");
    let twice = names.contains(&first.as_str());
    let help =
        if twice { format!("it has several of this name: map the one you mean, such as `{first}`") } else { columns_of(&names) };
    let nearest = nearest.filter(|_| !twice);
    Error::MissingColumn { entity: name, origin: opened.origin.clone(), column: column.to_owned(), nearest, help }
}

/// The name that may have been meant.
fn nearest(names: &[&str], column: &str) -> Option<String> {
    let near = names.iter().map(|n| (strsim::damerau_levenshtein(&n.to_lowercase(), &column.to_lowercase()), *n));
    near.filter(|(distance, _)| *distance <= 1 + column.len() / 3).min().map(|(_, n)| n.to_owned())
}

/// The columns there are; a header that is one long name was cut at the wrong character.
fn columns_of(names: &[&str]) -> String {
    let delimiter = match names {
        [one] => [";", "\t", "|", ","].into_iter().find(|character| one.contains(character)),
        _ => None,
    };
    match delimiter {
        Some(delimiter) => format!(
            "its only column is `{}`: set `csv: {{delimiter: {}}}`",
            names.join(", "),
            if delimiter == "\t" { "tab".to_owned() } else { format!("\"{delimiter}\"") }
        ),
        None => format!("its columns are: {}", names.join(", ")),
    }
}
