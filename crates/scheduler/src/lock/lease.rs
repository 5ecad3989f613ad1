//! A lock that a PostgreSQL server keeps: it holds between all hosts that share the ledger.
//!
//! It is an advisory lock of a session of its own, so the server frees it when the process or the host dies, and within a
//! minute when the network between is cut. A process that is stopped but not dead keeps its session and sends no
//! heartbeat; after [`LEASE_SECONDS`] whoever wants the lock ends that session.
//!
//! A holder whose session ended unawares takes the lock back, unless another has had it since. It cannot know at once,
//! which is why every write of a run is [fenced](super::fence).

use std::sync::mpsc::{self, SyncSender};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::{ATTEMPTS, Holder, PAUSE};
use crate::database::{Server, advisory_key, server_failure};
use crate::error::Error;

/// How often the holder says that it lives.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How long a lease lasts after the last heartbeat, by the server's clock.
const LEASE_SECONDS: f64 = 90.0;
/// How long the release waits for the server; a server that does not answer frees the lock by itself.
const RELEASE: Duration = Duration::from_secs(5);

/// A lock held, or only taken before it is started.
#[derive(Debug)]
pub struct Lease {
    state: State,
}

#[derive(Debug)]
enum State {
    /// Taken; nothing is said of it yet.
    Taken(Option<Box<Session>>),
    Kept {
        release: Option<oneshot::Sender<SyncSender<()>>>,
    },
}

/// The session that holds the lock.
struct Session {
    server: Server,
    client: Client,
    key: i64,
    pipeline: String,
    epoch: i64,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session({} of {})", self.pipeline, self.server.name())
    }
}

/// Who has the lock that was asked for.
enum Asked {
    Mine(Box<Session>),
    Theirs(Option<Holder>),
}

/// What the lock's row says of a holder whose session has the lock.
struct Seen {
    holder: Option<Holder>,
    session: i64,
    expired: bool,
}

impl Lease {
    pub fn take(server: &Server, pipeline: &str) -> Result<Self, Error> {
        let (owned, name) = (server.clone(), pipeline.to_owned());
        match server.wait(async move { ask(owned, name).await })? {
            Asked::Mine(session) => Ok(Self { state: State::Taken(Some(session)) }),
            Asked::Theirs(Some(holder)) => Err(Error::Locked { pipeline: pipeline.to_owned(), holder }),
            Asked::Theirs(None) => Err(Error::LockedByUnknown { pipeline: pipeline.to_owned(), place: server.name().to_owned() }),
        }
    }

    /// Begins the heartbeat under the fencing number.
    pub fn keep(&mut self, epoch: u64) -> Result<(), Error> {
        let State::Taken(session) = &mut self.state else { return Ok(()) };
        let Some(mut session) = session.take() else { return Ok(()) };
        session.epoch = i64::try_from(epoch).unwrap_or(i64::MAX);
        let server = session.server.clone();
        let session = server.wait(async move { session.beat().await.map(|_| session) })?;
        let (release, released) = oneshot::channel();
        server.spawn(keep(*session, released));
        self.state = State::Kept { release: Some(release) };
        Ok(())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let (sender, done) = mpsc::sync_channel(1);
        match &mut self.state {
            State::Taken(session) => {
                let Some(session) = session.take() else { return };
                let server = session.server.clone();
                server.spawn(async move {
                    session.unlock().await;
                    let _ = sender.send(());
                });
            }
            State::Kept { release } => {
                let Some(release) = release.take() else { return };
                let _ = release.send(sender);
            }
        }
        if done.recv_timeout(RELEASE).is_err() {
            tracing::warn!("the server did not confirm that the pipeline's lock is free; it frees it with the connection");
        }
    }
}

/// Whether nobody has the lock, and for as long as a lease lasts nobody has given a sign of life who might take it back. This looks,
/// and takes nothing from anybody.
pub fn is_abandoned(server: &Server, pipeline: &str) -> Result<bool, Error> {
    let (owned, name) = (server.clone(), pipeline.to_owned());
    server.wait(async move {
        let client = owned.connect().await?;
        let failed = |source| server_failure("look at a lock", owned.name(), source);
        let key = key(&client, &owned, &name).await?;
        let sql = format!(
            "SELECT NOT EXISTS (SELECT 1 FROM pg_locks WHERE {IS_HELD})
                 AND NOT EXISTS (SELECT 1 FROM consumer360_lock
                                 WHERE pipeline = $1 AND heartbeat_at >= now() - make_interval(secs => $3))"
        );
        let parameters: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 3] =
            [(&name, Type::TEXT), (&key, Type::INT8), (&LEASE_SECONDS, Type::FLOAT8)];
        client.query_typed_one(&sql, &parameters).await.and_then(|row| row.try_get(0)).map_err(failed)
    })
}

/// The lock of key `$2`, held by anybody.
const IS_HELD: &str = "pg_locks.locktype = 'advisory' AND pg_locks.granted AND pg_locks.objsubid = 1
                   AND (pg_locks.classid::bigint << 32 | pg_locks.objid::bigint) = $2";

async fn key(client: &Client, server: &Server, pipeline: &str) -> Result<i64, Error> {
    let failed = |source| server_failure("lock a pipeline", server.name(), source);
    let schema: Option<String> =
        client.query_typed_one("SELECT current_schema()::text", &[]).await.and_then(|row| row.try_get(0)).map_err(failed)?;
    let schema = schema.ok_or_else(|| Error::NoSchema { server: server.name().to_owned() })?;
    Ok(advisory_key(&schema, &format!("lock {pipeline}")))
}

async fn ask(server: Server, pipeline: String) -> Result<Asked, Error> {
    let client = server.connect().await?;
    let failed = |source| server_failure("lock a pipeline", server.name(), source);
    let key = key(&client, &server, &pipeline).await?;
    for _ in 0..ATTEMPTS {
        if try_lock(&client, key).await.map_err(failed)? {
            return Ok(Asked::Mine(Box::new(Session { server, client, key, pipeline, epoch: 0 })));
        }
        match seen(&client, key, &pipeline).await.map_err(failed)? {
            Some(seen) if seen.expired => {
                tracing::warn!(pipeline, holder = ?seen.holder, "the holder gave no sign of life: its session is ended");
                end(&client, seen.session).await.map_err(failed)?;
            }
            Some(Seen { holder: Some(holder), .. }) => return Ok(Asked::Theirs(Some(holder))),
            _ => {}
        }
        sleep(PAUSE).await;
    }
    Ok(Asked::Theirs(None))
}

async fn try_lock(client: &Client, key: i64) -> Result<bool, tokio_postgres::Error> {
    client.query_typed_one("SELECT pg_try_advisory_lock($1)", &[(&key, Type::INT8)]).await?.try_get(0)
}

/// The holder that signed the lock, if it is the one who has it now.
async fn seen(client: &Client, key: i64, pipeline: &str) -> Result<Option<Seen>, tokio_postgres::Error> {
    let sql = format!(
        "SELECT held.holder, held.session, held.heartbeat_at < now() - make_interval(secs => $3)
         FROM consumer360_lock AS held JOIN pg_locks ON pg_locks.pid = held.session
         WHERE held.pipeline = $1 AND {IS_HELD}"
    );
    let parameters: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 3] =
        [(&pipeline, Type::TEXT), (&key, Type::INT8), (&LEASE_SECONDS, Type::FLOAT8)];
    let Some(row) = client.query_typed_opt(&sql, &parameters).await? else { return Ok(None) };
    let holder: Option<String> = row.try_get(0)?;
    let holder = holder.and_then(|text| serde_json::from_str(&text).ok());
    Ok(Some(Seen { holder, session: row.try_get(1)?, expired: row.try_get::<_, Option<bool>>(2)?.unwrap_or(false) }))
}

async fn end(client: &Client, session: i64) -> Result<(), tokio_postgres::Error> {
    client.query_typed_one("SELECT pg_terminate_backend($1::int)", &[(&session, Type::INT8)]).await.map(|_| ())
}

/// Keeps the lock until it is released.
async fn keep(mut session: Session, mut released: oneshot::Receiver<SyncSender<()>>) {
    let reply = tokio::select! {
        reply = &mut released => reply,
        () = session.beat_until_lost() => released.await,
    };
    session.unlock().await;
    if let Ok(reply) = reply {
        let _ = reply.send(());
    }
}

impl Session {
    async fn beat_until_lost(&mut self) {
        let mut beats = interval(HEARTBEAT);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            beats.tick().await;
            let kept = match self.beat().await {
                Ok(kept) => kept,
                Err(error) => {
                    tracing::warn!(%error, pipeline = self.pipeline, "no heartbeat; the lock is taken again");
                    self.take_back().await.unwrap_or(true)
                }
            };
            if !kept {
                tracing::error!(pipeline = self.pipeline, epoch = self.epoch, "the pipeline's lock was taken over");
                return;
            }
        }
    }

    /// Says that the holder lives; false once another has taken the lock.
    async fn beat(&self) -> Result<bool, Error> {
        let sql = "UPDATE consumer360_lock SET session = pg_backend_pid(), heartbeat_at = now()
                   WHERE pipeline = $1 AND epoch = $2";
        let parameters: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 2] =
            [(&self.pipeline, Type::TEXT), (&self.epoch, Type::INT8)];
        let changed = self.client.execute_typed(sql, &parameters).await;
        changed.map(|rows| rows > 0).map_err(|source| server_failure("keep a lock", self.server.name(), source))
    }

    /// A new session for the one that ended; false if another has had the lock since.
    async fn take_back(&mut self) -> Result<bool, Error> {
        let client = self.server.connect().await?;
        let locked = try_lock(&client, self.key).await;
        let locked = locked.map_err(|source| server_failure("keep a lock", self.server.name(), source))?;
        if locked {
            self.client = client;
            return self.beat().await;
        }
        // Either the server has not noticed yet that the old session is gone, or another has the lock.
        self.is_mine(&client).await
    }

    async fn is_mine(&self, client: &Client) -> Result<bool, Error> {
        let sql = "SELECT 1 FROM consumer360_lock WHERE pipeline = $1 AND epoch = $2";
        let parameters: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 2] =
            [(&self.pipeline, Type::TEXT), (&self.epoch, Type::INT8)];
        let found = client.query_typed(sql, &parameters).await;
        found.map(|rows| !rows.is_empty()).map_err(|source| server_failure("keep a lock", self.server.name(), source))
    }

    async fn unlock(self) {
        let unlocked = self.client.query_typed("SELECT pg_advisory_unlock($1)", &[(&self.key, Type::INT8)]).await;
        if let Err(error) = unlocked {
            tracing::debug!(%error, pipeline = self.pipeline, "the lock went with its session");
        }
    }
}
