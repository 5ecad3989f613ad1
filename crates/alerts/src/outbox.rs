//! The outbox: what is to be sent, what was, and what became of it.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::channel::Channel;
use crate::error::Error;
use crate::event::Event;
use crate::send::{self, Timing};
use crate::timestamp;

mod decide;
mod queue;
mod tables;

/// How long a writer waits for another process's write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How many messages one delivery sends to a channel. A channel that was dead for a day is caught up in several.
const MOST_MESSAGES: usize = 50;

/// How long messages that are done with are kept.
const KEPT: TimeDelta = TimeDelta::days(90);

/// What is sent how often, and how long it is tried.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// How long repeats of a trouble are only counted.
    pub repeat_after: TimeDelta,
    /// How long an undelivered message is tried.
    pub keep_trying: TimeDelta,
    /// How many messages a channel is sent within an hour.
    pub most_per_hour: u32,
    pub timing: Timing,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            repeat_after: TimeDelta::hours(24),
            keep_trying: TimeDelta::hours(24),
            most_per_hour: 20,
            timing: Timing::default(),
        }
    }
}

/// What a delivery did with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The channel's name.
    pub channel: String,
    pub event: Event,
    pub outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Delivered,
    /// Not delivered, and tried again at a later delivery.
    Waiting {
        reason: String,
    },
    /// Not delivered in all the time there was.
    Dropped {
        reason: String,
    },
}

/// The messages of all channels, in a database file. Any number of threads and processes may have it open: a message
/// is leased to one of them while it is sent.
#[derive(Debug)]
pub struct Outbox {
    path: PathBuf,
    connection: Mutex<Connection>,
    policy: Policy,
}

impl Outbox {
    /// Opens the database and makes what is missing. The file may hold other tables: those of the outbox are named
    /// `alert_…`.
    pub fn open(path: &Path, policy: Policy) -> Result<Self, Error> {
        let failed = |source| Error::Database { operation: "open the database", path: path.to_owned(), source };
        let mut connection = Connection::open(path).map_err(failed)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
        if let Some(found) = tables::make(&mut connection).map_err(failed)? {
            return Err(Error::DatabaseNewer { path: path.to_owned(), found });
        }
        Ok(Self { path: path.to_owned(), connection: Mutex::new(connection), policy })
    }

    /// Decides what each channel is told of an event, and notes it. Nothing is sent before [`deliver`](Self::deliver).
    pub fn post(&self, event: &Event, channels: &[Channel], now: DateTime<Utc>) -> Result<(), Error> {
        self.write("note an event", |transaction| {
            for channel in channels.iter().filter(|channel| channel.wants(event.kind)) {
                decide::decide(transaction, channel, event, now, &self.policy)?;
            }
            transaction.execute("DELETE FROM alert_message WHERE finished_at < ?1", [timestamp::text(now - KEPT)])?;
            Ok(())
        })
    }

    /// Sends what is waiting, to all channels at once, and says what became of each message. Messages of a channel go
    /// out in their order; the first that fails for a passing reason ends the channel's turn.
    ///
    /// The error is the database's alone: that a channel is dead is an [`Outcome`].
    pub fn deliver(&self, channels: &[Channel], now: DateTime<Utc>) -> Result<Vec<Delivery>, Error> {
        let started = Instant::now();
        let mut deliveries = self.write("look for messages", |transaction| {
            for channel in channels {
                decide::due_digests(transaction, channel, now, &self.policy)?;
                queue::release(transaction, channel, now, &self.policy)?;
            }
            queue::expire(transaction, now)
        })?;
        let turns = thread::scope(|scope| {
            let turn = |channel| move || self.turn(channel, now, started);
            // A thread that cannot be started leaves its channel's messages for the next delivery.
            let threads: Vec<_> = channels
                .iter()
                .filter_map(|channel| thread::Builder::new().name("alert".to_owned()).spawn_scoped(scope, turn(channel)).ok())
                .collect();
            threads.into_iter().filter_map(|thread| thread.join().ok()).collect::<Vec<_>>()
        });
        for turn in turns {
            deliveries.extend(turn?);
        }
        Ok(deliveries)
    }

    /// Sends a channel's messages, the oldest first.
    fn turn(&self, channel: &Channel, now: DateTime<Utc>, started: Instant) -> Result<Vec<Delivery>, Error> {
        let mut deliveries = Vec::new();
        let mut last = 0;
        // The time that passed in sending is added to the caller's: no clock is read.
        let clock = || now + TimeDelta::from_std(started.elapsed()).unwrap_or_default();
        let lease = TimeDelta::from_std(self.policy.timing.longest()).unwrap_or_default() + TimeDelta::minutes(1);
        for _ in 0..MOST_MESSAGES {
            let claimed =
                self.write("claim a message", |transaction| queue::claim(transaction, channel, last, clock(), clock() + lease))?;
            let Some(claim) = claimed else { break };
            last = claim.id;
            let sent = send::send(channel, &claim.message, claim.id, &self.policy.timing);
            self.write("note what became of a message", |transaction| queue::settle(transaction, &claim, &sent, clock()))?;
            let mut go_on = true;
            let outcome = match sent {
                Ok(()) => Outcome::Delivered,
                Err(failure) => {
                    tracing::warn!(channel = channel.name(), reason = failure.reason, "a message was not delivered");
                    go_on = !failure.passing;
                    Outcome::Waiting { reason: failure.reason }
                }
            };
            deliveries.push(Delivery { channel: channel.name().to_owned(), event: claim.message.event, outcome });
            if !go_on {
                break;
            }
        }
        Ok(deliveries)
    }

    /// Makes a change whole or not at all. Other processes wait meanwhile, so what was read stays true.
    fn write<T>(
        &self,
        operation: &'static str,
        change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        let mut connection = self.connection();
        let done = connection.transaction_with_behavior(TransactionBehavior::Immediate).and_then(|transaction| {
            let value = change(&transaction)?;
            transaction.commit()?;
            Ok(value)
        });
        done.map_err(|source| Error::Database { operation, path: self.path.clone(), source })
    }

    /// A panic elsewhere leaves no half-done change behind: the database rolls back what was not committed.
    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A time of a row. Only the outbox writes them, so one that is none is a damaged file.
fn time(text: &str) -> rusqlite::Result<DateTime<Utc>> {
    timestamp::parse(text).ok_or(rusqlite::Error::InvalidQuery)
}
