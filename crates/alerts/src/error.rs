//! What can go wrong around channels and the outbox.

use std::path::PathBuf;

/// What can go wrong around channels and the outbox. No variant holds a channel's address or headers. That a message
/// was not delivered is no error: it is an [`Outcome`](crate::Outcome).
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the address of {channel} is no URL")]
    Url { channel: String },

    #[error("the address of {channel} begins with `{scheme}:`, which is none of {wanted}")]
    Scheme { channel: String, scheme: String, wanted: &'static str },

    #[error("the address of {channel} would send its password over the network as it is: use smtps:// or smtp+starttls://")]
    PlainPassword { channel: String },

    #[error("`{name}` and its value make no header of {channel}")]
    Header { channel: String, name: String },

    #[error("`{address}` of {channel} is no mail address")]
    Address { channel: String, address: String },

    #[error("{channel} has nobody to write to")]
    NoRecipient { channel: String },

    #[error("cannot {operation} in the outbox `{path}`")]
    Database { operation: &'static str, path: PathBuf, source: rusqlite::Error },

    #[error("the outbox `{path}` has format {found}, written by a newer version of the program")]
    DatabaseNewer { path: PathBuf, found: i64 },
}
