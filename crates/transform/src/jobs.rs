//! Which tables come out of one computation, and what has to be there before it: the statements themselves say so.

use std::collections::BTreeSet;

use config::Transform;
use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use schema::TABLES;

use crate::build::{FAMILIES, WRITTEN_LATER};
use crate::sql::{Given, VIEWS, files, inputs, statement, view};

/// One computation.
#[derive(Debug)]
pub(crate) struct Job {
    /// What it makes, in the order of `schema::TABLES`.
    pub tables: Vec<&'static schema::Table>,
    reads: BTreeSet<String>,
    /// Whether it is to be built with nothing beside it.
    pub is_alone: bool,
}

/// A view, which is there as soon as what it reads is.
#[derive(Debug)]
struct View {
    name: &'static str,
    sql: &'static str,
    reads: BTreeSet<String>,
}

/// What is still to be made, in the order of `schema::TABLES`.
#[derive(Debug)]
pub(crate) struct Jobs {
    waiting: Vec<Job>,
    views: Vec<View>,
    /// Whether a job runs that is to be alone.
    is_taken: bool,
}

impl Jobs {
    pub fn new(session: &SessionContext, given: Given, options: &Transform, one_by_one: bool) -> Result<Self, DataFusionError> {
        let mut views = Vec::new();
        for name in VIEWS {
            if let Some(sql) = view(name, given, &options.rfm.scoring) {
                views.push(View { name, sql, reads: named(session, sql)? });
            }
        }
        let mut waiting: Vec<Job> = Vec::new();
        for table in TABLES.iter().copied().filter(|table| !WRITTEN_LATER.contains(&table.name)) {
            if !waiting.iter().any(|job| job.makes(table.name)) {
                waiting.push(Job { is_alone: one_by_one, ..Job::new(session, table, options)? });
            }
        }
        Ok(Self { waiting, views, is_taken: false })
    }

    /// Takes the first job that reads only what is made, if it may start beside those that run.
    pub fn next(&mut self, made: &BTreeSet<&'static str>, running: usize, at_once: usize) -> Option<Job> {
        let place = self.waiting.iter().position(|job| are_there(&job.reads, made))?;
        let is_alone = self.waiting.get(place)?.is_alone;
        let is_free = if is_alone { running == 0 } else { running < at_once && !self.is_taken };
        is_free.then(|| {
            self.is_taken = is_alone;
            self.waiting.remove(place)
        })
    }

    /// To be told of every job that ended, well or not.
    pub fn ended(&mut self, job: &Job) {
        self.is_taken &= !job.is_alone;
    }

    /// Takes back a job that is to be done again, with nothing beside it.
    pub fn put_back(&mut self, job: Job) {
        self.waiting.insert(0, Job { is_alone: true, ..job });
    }

    /// Takes the first view that reads only what is made, with its statement.
    pub fn next_view(&mut self, made: &BTreeSet<&'static str>) -> Option<(&'static str, &'static str)> {
        let place = self.views.iter().position(|view| are_there(&view.reads, made))?;
        let View { name, sql, .. } = self.views.remove(place);
        Some((name, sql))
    }
}

impl Job {
    /// The job that makes this table. What is left out reads nothing.
    fn new(session: &SessionContext, table: &'static schema::Table, options: &Transform) -> Result<Self, DataFusionError> {
        let family = FAMILIES.into_iter().find(|family| family.contains(&table.name));
        let is_member = |name: &str| family.map_or(name == table.name, |family| family.contains(&name));
        let tables: Vec<_> = TABLES.iter().copied().filter(|table| is_member(table.name)).collect();
        let mut reads = BTreeSet::new();
        if tables.iter().any(|table| !options.skip.contains(table.name)) {
            for table in &tables {
                reads.extend(files(table.name).iter().map(|file| (*file).to_owned()));
                for sql in inputs(table.name).iter().map(|(_, sql)| *sql).chain(statement(table.name)) {
                    reads.extend(named(session, sql)?);
                }
            }
        }
        reads.retain(|name| !is_member(name));
        Ok(Self { tables, reads, is_alone: false })
    }

    pub fn makes(&self, table: &str) -> bool {
        self.tables.iter().any(|made| made.name == table)
    }

    /// Its first table, by which it is known.
    pub fn name(&self) -> &'static str {
        self.tables.first().map_or("", |table| table.name)
    }
}

/// Whether all that is named is made, or was there from the start.
fn are_there(names: &BTreeSet<String>, made: &BTreeSet<&'static str>) -> bool {
    let is_to_make = |name: &str| VIEWS.contains(&name) || TABLES.iter().any(|table| table.name == name);
    names.iter().all(|name| made.contains(name.as_str()) || !is_to_make(name))
}

/// The tables and views a statement names.
fn named(session: &SessionContext, sql: &str) -> Result<BTreeSet<String>, DataFusionError> {
    let state = session.state();
    let statement = state.sql_to_statement(sql, &state.config_options().sql_parser.dialect)?;
    let references = state.resolve_table_references(&statement)?;
    Ok(references.iter().map(|reference| reference.table().to_owned()).collect())
}
