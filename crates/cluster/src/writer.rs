//! The driver's side of writing tables: each statement goes to one of the workers, in turn, which has it computed by all of them and
//! writes its rows. Only a whole file gets the name that the next statements read.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;
use datafusion_proto::bytes::logical_plan_to_bytes;
use extract::{SharedTables, TableWriter, Work};
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::time::timeout;
use tonic::Request;
use tonic::client::Grpc;
use tonic_prost::ProstCodec;
use url::Url;

use crate::channels::Channels;
use crate::measured::Measure;
use crate::order::{Answer, COMPUTE, Question, TableOrder, WRITE, Written, failure};

#[derive(Debug)]
pub(crate) struct Writer {
    pub workers: Vec<Url>,
    pub channels: Channels,
    pub settings: config::Cluster,
    pub tables: Option<SharedTables>,
    pub pipeline: String,
    pub run: String,
    pub measure: Measure,
    /// Whose turn it is.
    pub turn: AtomicUsize,
}

impl TableWriter for Writer {
    fn write<'a>(
        &'a self,
        session: &'a SessionContext,
        plan: LogicalPlan,
        table: &'static schema::Table,
        path: &'a Path,
    ) -> BoxFuture<'a, Result<u64>> {
        async move {
            let half = std::path::absolute(path.with_extension("part"))?;
            // What an attempt left half-way that was stopped, or failed just now; where it lies in a store, the end of the run clears it
            // away. Mostly there is nothing.
            let _ = fs::remove_file(&half);
            let written = self.asked(session, &plan, table, path, &half).await;
            let _ = fs::remove_file(&half);
            written
        }
        .boxed()
    }

    fn compute<'a>(&'a self, what: &'static str, bytes: Vec<u8>) -> BoxFuture<'a, Result<Vec<u8>>> {
        let question = Question { what: what.to_owned(), bytes };
        async move {
            let sent = question.bytes.len();
            let answer: Answer = self.send(COMPUTE, question).await?;
            tracing::debug!(what, sent, came = answer.bytes.len(), "computed on a worker");
            let bytes_moved = (sent + answer.bytes.len()) as u64;
            self.measure.add(&Work { tasks: 1, bytes_moved, ..Work::default() });
            Ok(answer.bytes)
        }
        .boxed()
    }

    fn machines(&self) -> usize {
        self.workers.len()
    }
}

impl Writer {
    async fn asked(
        &self,
        session: &SessionContext,
        plan: &LogicalPlan,
        table: &schema::Table,
        path: &Path,
        half: &PathBuf,
    ) -> Result<u64> {
        let config = session.copied_config();
        let file = if self.tables.is_some() { path } else { half };
        let named = |name: &str| if self.tables.is_some() { name.to_owned() } else { String::new() };
        let order = TableOrder {
            plan: logical_plan_to_bytes(plan)?.to_vec(),
            table: table.name.to_owned(),
            file: file.to_string_lossy().into_owned(),
            pipeline: named(&self.pipeline),
            run: named(&self.run),
            workers: self.workers.iter().map(Url::to_string).collect(),
            partitions: config.target_partitions() as u64,
            slots: self.settings.slots as u64,
            piece: self.settings.piece as u64,
            deadline_ms: u64::try_from(self.settings.deadline.as_millis()).unwrap_or(u64::MAX),
            hash_joins: config.options().optimizer.prefer_hash_join,
        };
        self.measure.say(table.name);
        let written: Written = self.send(WRITE, order).await?;
        match &self.tables {
            None => fs::rename(half, path)?,
            Some(tables) => {
                tables.fetch(path).await?;
                let found = fs::metadata(path)?.len();
                if found != written.bytes {
                    let detail = format!("{found} bytes of {} came from the store, {} were written", table.name, written.bytes);
                    return Err(DataFusionError::Execution(detail));
                }
            }
        }
        let Written { statements, tasks, bytes_moved, bytes_spilled, .. } = written;
        self.measure.add(&Work { workers: 0, statements, tasks, bytes_moved, bytes_spilled });
        Ok(written.rows)
    }

    /// Asks the worker whose turn it is; dropped, the worker ends its work.
    async fn send<Q, A>(&self, path: &'static str, question: Q) -> Result<A>
    where
        Q: prost::Message + 'static,
        A: prost::Message + Default + 'static,
    {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.workers.len().max(1);
        let Some(url) = self.workers.get(turn) else {
            return Err(DataFusionError::Execution("the cluster has no workers".to_owned()));
        };
        let deadline = self.settings.deadline;
        let failed = |status: &tonic::Status| failure(status, url.as_str(), deadline);
        // A partition of baskets is larger than what gRPC takes unasked.
        let mut client =
            Grpc::new(self.channels.to(url)?).max_decoding_message_size(usize::MAX).max_encoding_message_size(usize::MAX);
        let answer = async {
            client.ready().await.map_err(|e| tonic::Status::unavailable(e.to_string()))?;
            let path = http::uri::PathAndQuery::from_static(path);
            client.unary::<Q, A, _>(Request::new(question), path, ProstCodec::default()).await
        };
        match timeout(deadline, answer).await {
            Ok(answer) => answer.map(tonic::Response::into_inner).map_err(|status| failed(&status)),
            Err(_) => Err(failed(&tonic::Status::deadline_exceeded("no answer"))),
        }
    }
}
