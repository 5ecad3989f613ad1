//! What a run would read, before it does.

use chrono::{DateTime, Utc};
use config::{Connection, Input, Limits, Pipeline, Source};
use datafusion::prelude::SessionContext;
use schema::Entity;

use crate::contract::{self, SeenSources};
use crate::error::Error;
use crate::increment::{self, History};
use crate::source::{select, weigh};
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
        let origin = opened.origin;
        let whole = Outlook { entity, origin, from: None, to: None, rows: None, why: String::new(), may_differ: true };
        let first = "it has not been published as it is described now";
        let one = match (pipeline.connections.get(&source.connection), &source.input) {
            (Some(Connection::Files { url }), Input::Files { path, .. }) => {
                let (bytes, changed) = weigh(&source.connection, url, path, &limits.roots).await?;
                let touched = changed.is_none_or(|changed| read.is_none_or(|read| changed > read));
                let why = match changed {
                    _ if known.is_none() => first.to_owned(),
                    Some(changed) => format!("{bytes} bytes, changed last on {}", changed.format("%Y-%m-%d %H:%M UTC")),
                    None => format!("{bytes} bytes"),
                };
                Outlook { why, may_differ: known.is_none() || touched, ..whole }
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
