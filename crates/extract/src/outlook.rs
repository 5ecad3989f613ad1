//! What a run would read, before it does.

use chrono::{DateTime, Utc};
use config::{Connection, Input, Limits, Pipeline, Source};
use datafusion::prelude::SessionContext;
use schema::Entity;

use crate::contract::{self, SeenSources};
use crate::error::Error;
use crate::increment::{self, History};
use crate::source::select;
use crate::stage::{connect, open};

/// What a run would read of one source.
#[derive(Debug, Clone)]
pub struct Outlook {
    pub entity: Entity,
    /// The file, table or query.
    pub origin: String,
    /// The cursor's value it would be read from; none where all of it would be.
    pub from: Option<String>,
    /// The newest value of the cursor that is there, up to which it would be read; none for a source without one.
    pub to: Option<String>,
    /// Rows that would come; none for files, which nobody counts without reading them.
    pub rows: Option<u64>,
    /// Why so much, and what is known of it.
    pub why: String,
    /// Whether it may give something else than it gave the last published run.
    pub may_differ: bool,
}

/// Looks at every source of the pipeline, and at what the last published run saw of it, which began to read at `read`.
pub async fn outlook(
    session: &SessionContext,
    pipeline: &Pipeline,
    limits: &Limits,
    history: &History,
    before: &SeenSources,
    read: Option<DateTime<Utc>>,
) -> Result<Vec<Outlook>, Error> {
    let mut all = Vec::new();
    for (entity, source) in &pipeline.sources {
        let (entity, known) = (*entity, contract::before(before, *entity, source));
        let (opened, mapping) = open(session, pipeline, limits, entity, source).await?;
        if let Some(how) = &source.incremental {
            let reading = increment::Reading { session, pipeline, limits, entity, source, how, history };
            all.push(increment::forecast(&reading, &opened, &mapping).await?);
            continue;
        }
        let (origin, files) = (opened.origin, opened.files);
        let whole = Outlook { entity, origin, from: None, to: None, rows: None, why: String::new(), may_differ: true };
        let first = "it has not been published as it is described now";
        let one = match (pipeline.connections.get(&source.connection), &source.input) {
            (Some(Connection::Files { .. }), Input::Files { .. }) => {
                let changed = files.iter().map(|file| file.changed).max();
                let touched = changed.is_none_or(|changed| read.is_none_or(|read| changed > read));
                let others = known.is_some_and(|known| !known.is_of(&files));
                let bytes: u64 = files.iter().map(|file| file.bytes).sum();
                let mut why =
                    if files.len() == 1 { format!("{bytes} bytes") } else { format!("{} files, {bytes} bytes", files.len()) };
                if let Some(changed) = changed {
                    why += &changed.format(", changed last on %Y-%m-%d %H:%M UTC").to_string();
                }
                if others {
                    why += ", and not the files of then";
                }
                let why = if known.is_none() { first.to_owned() } else { why };
                Outlook { why, may_differ: known.is_none() || touched || others, ..whole }
            }
            (Some(connection), input) => {
                let rows = count(pipeline, limits, source, &select(connection, input)).await?;
                let why = known.map_or(first.to_owned(), |known| format!("{} rows then", known.records()));
                // As many rows as before may still be others.
                Outlook { rows: Some(rows), why, ..whole }
            }
            (None, _) => whole,
        };
        all.push(one);
    }
    Ok(all)
}

async fn count(pipeline: &Pipeline, limits: &Limits, source: &Source, select: &str) -> Result<u64, Error> {
    // A query may end in a comment.
    let question = format!("SELECT count(*) AS n FROM ({select}\n) source");
    let answer = connect(pipeline, limits, source, &Input::Query(question), Vec::new()).await?;
    increment::number(answer, limits).await
}
