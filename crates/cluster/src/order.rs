//! What a driver asks of a worker for a table, and what it is told.

use datafusion::error::DataFusionError;
use extract::WorkerFailure;
use std::time::Duration;
use tonic::{Code, Status};

/// Where a worker takes orders for tables.
pub(crate) const WRITE: &str = "/consumer360.Tables/Write";
/// And where for what it knows by name.
pub(crate) const COMPUTE: &str = "/consumer360.Tables/Compute";
/// Longer messages do not fit where gRPC puts them.
const SHOWN: usize = 2000;

/// A statement, and where its rows go.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct TableOrder {
    /// The logical plan, with its tables and the values of its parameters.
    #[prost(bytes = "vec", tag = "1")]
    pub plan: Vec<u8>,
    /// The table of the contract.
    #[prost(string, tag = "2")]
    pub table: String,
    /// A file that is not there yet, on a disk that both see; with `pipeline` and `run` the name it has in the store.
    #[prost(string, tag = "3")]
    pub file: String,
    /// Of the run whose tables lie in the workers' store; empty where they lie on a disk.
    #[prost(string, tag = "4")]
    pub pipeline: String,
    #[prost(string, tag = "5")]
    pub run: String,
    /// Who computes the parts.
    #[prost(string, repeated, tag = "6")]
    pub workers: Vec<String>,
    #[prost(uint64, tag = "7")]
    pub partitions: u64,
    #[prost(uint64, tag = "8")]
    pub slots: u64,
    #[prost(uint64, tag = "9")]
    pub piece: u64,
    #[prost(uint64, tag = "10")]
    pub deadline_ms: u64,
    /// Whether joins may hold one side in memory.
    #[prost(bool, tag = "11")]
    pub hash_joins: bool,
}

/// A written table.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Written {
    #[prost(uint64, tag = "1")]
    pub rows: u64,
    #[prost(uint64, tag = "2")]
    pub bytes: u64,
    #[prost(uint64, tag = "3")]
    pub statements: u64,
    #[prost(uint64, tag = "4")]
    pub tasks: u64,
    #[prost(uint64, tag = "5")]
    pub bytes_moved: u64,
    #[prost(uint64, tag = "6")]
    pub bytes_spilled: u64,
}

/// Something that a worker knows by name, from bytes to bytes.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Question {
    #[prost(string, tag = "1")]
    pub what: String,
    #[prost(bytes = "vec", tag = "2")]
    pub bytes: Vec<u8>,
}

/// What came of it.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Answer {
    #[prost(bytes = "vec", tag = "1")]
    pub bytes: Vec<u8>,
}

/// An error on its way to the driver.
pub(crate) fn status(error: &DataFusionError) -> Status {
    let code = match WorkerFailure::among(error) {
        Some(WorkerFailure::Lost { .. }) => Code::Unavailable,
        Some(WorkerFailure::Late { .. }) => Code::DeadlineExceeded,
        Some(WorkerFailure::Unseen { .. }) => Code::NotFound,
        None if matches!(error.find_root(), DataFusionError::ResourcesExhausted(_)) => Code::ResourceExhausted,
        None => Code::Internal,
    };
    let root = match (code, error.find_root()) {
        (Code::ResourceExhausted, DataFusionError::ResourcesExhausted(text)) => text.clone(),
        _ => error.to_string(),
    };
    Status::new(code, root.chars().take(SHOWN).collect::<String>())
}

/// What it means to the driver; a connection that ended is a worker that was lost.
pub(crate) fn failure(status: &Status, worker: &str, deadline: Duration) -> DataFusionError {
    let source = DataFusionError::Execution(format!("{worker}: {}", status.message()));
    let failure = match status.code() {
        Code::ResourceExhausted => return DataFusionError::ResourcesExhausted(status.message().to_owned()),
        Code::DeadlineExceeded => WorkerFailure::Late { after: deadline },
        Code::NotFound => WorkerFailure::Unseen { source },
        Code::Unavailable | Code::Unknown | Code::Cancelled | Code::Aborted => WorkerFailure::Lost { source },
        _ => return source,
    };
    DataFusionError::External(Box::new(failure))
}
