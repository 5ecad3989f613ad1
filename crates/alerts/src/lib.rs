//! Telling people what became of runs: an [`Event`] is posted to an [`Outbox`], which decides for each [`Channel`] what
//! is worth sending, keeps it until it is delivered, and delivers it.
//!
//! ```text
//! Event -> Outbox::post (repeats, recoveries, bursts) -> rows -> Outbox::deliver -> body -> webhook, mail, heartbeat
//! ```
//!
//! The crate knows no table, reads no clock and no environment. A channel that is dead costs its timeouts and nothing
//! else: its messages wait in the outbox. Where that cannot be written, [`tell_unkept`] sends what there is to tell at once.

mod body;
mod channel;
mod error;
mod event;
mod fingerprint;
mod message;
mod outbox;
mod send;
mod text;
mod timestamp;
mod unkept;

pub use body::{mail, webhook};
pub use channel::{Channel, Shape};
pub use error::Error;
pub use event::{Event, EventKind};
pub use message::{HeldBack, Message, Note};
pub use outbox::{Delivery, Outbox, Outcome, Policy};
pub use send::{Failure, Timing, post_json};
pub use unkept::tell_unkept;
