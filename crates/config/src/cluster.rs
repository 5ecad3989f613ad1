//! Other machines that do the work of the queries, as the settings name them.

use std::path::PathBuf;
use std::time::Duration;

use crate::secret::Secret;

/// Other machines that do the work of the queries.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// Addresses of http:// or https://; empty for none.
    pub workers: Vec<String>,
    /// What the workers ask for. There is one wherever a worker is not on loopback.
    pub token: Option<Secret>,
    /// PEM file of the authority that signed the workers' certificates; none for those the machine trusts.
    pub authority: Option<PathBuf>,
    /// Parts of a statement that a worker takes at once.
    pub slots: usize,
    /// Bytes of a table that one part of a statement reads.
    pub piece: usize,
    /// How long one statement may take.
    pub deadline: Duration,
    /// Store and prefix for the tables of a run, without a slash at its end; none for the state folder.
    pub storage: Option<String>,
}

impl Default for Cluster {
    /// None.
    fn default() -> Self {
        Self {
            workers: Vec::new(),
            token: None,
            authority: None,
            slots: 2,
            piece: 16 << 20,
            deadline: Duration::from_mins(30),
            storage: None,
        }
    }
}
