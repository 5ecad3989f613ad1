//! Who may publish to a store: one at a time, as long as it gives signs of life.
//!
//! A lease is taken by a conditional write of `lease.json`. Its holder counts `beat` up; one who waits watches the file and
//! takes the lease over only after it did not change for as long as the holder asked for, by the waiter's own clock, which need
//! not agree with any other. Taking over raises the epoch and rewrites `published.json` with it, so whatever the one before
//! still writes under the old conditions is refused by the store itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use object_store::{PutMode, UpdateVersion};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::bucket::{Bucket, Written};
use crate::error::Error;
use crate::manifest::{Published, pretty};

pub(super) const LEASE: &str = "lease.json";
pub(super) const POINTER: &str = "published.json";

/// Beats within the length of a lease: a few may be lost.
const BEATS: u32 = 5;
/// How often a lease that changes hands under one's eyes is tried for.
const ATTEMPTS: usize = 8;

/// `lease.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// None: the lease is free.
    pub holder: Option<String>,
    /// Whoever took it last.
    pub token: String,
    /// Raised by each taking.
    pub epoch: u64,
    /// Raised by each sign of life.
    pub beat: u64,
    /// How long the holder may be silent.
    pub milliseconds: u64,
    /// Files begun in parts; whoever comes next clears them away.
    #[serde(default)]
    pub uploads: Vec<Upload>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Upload {
    pub name: String,
    pub id: String,
}

/// A lease that is held, and kept by a task until it is released.
pub(super) struct Lease {
    pub bucket: Bucket,
    pub epoch: u64,
    length: Duration,
    held: Arc<Mutex<Held>>,
    heart: JoinHandle<()>,
    /// The version of `published.json` that this lease may replace.
    pointer: Mutex<Option<UpdateVersion>>,
}

struct Held {
    record: Record,
    version: UpdateVersion,
    /// The lease was ours when this moment passed.
    confirmed_at: Instant,
    /// Who holds it instead.
    lost_to: Option<Successor>,
}

/// Who took the lease over, where the store says it.
struct Successor(Option<String>);

impl Lease {
    /// Takes the lease, after waiting for a holder that may be dead; one that lives refuses it.
    pub async fn take(bucket: Bucket, holder: String, length: Duration) -> Result<Self, Error> {
        for _ in 0..ATTEMPTS {
            let found = read(&bucket).await?;
            let (before, mode) = match &found {
                None => (None, PutMode::Create),
                Some((record, version)) => {
                    if record.holder.is_some() && !is_silent(&bucket, record).await? {
                        continue;
                    }
                    (Some(record), PutMode::Update(version.clone()))
                }
            };
            let record = Record {
                holder: Some(holder.clone()),
                token: holder.clone(),
                epoch: before.map_or(0, |r| r.epoch) + 1,
                beat: 1,
                milliseconds: u64::try_from(length.as_millis()).unwrap_or(u64::MAX),
                uploads: before.map(|r| r.uploads.clone()).unwrap_or_default(),
            };
            let confirmed_at = Instant::now();
            let version = match bucket.write(LEASE, pretty(&record), mode).await? {
                Written::Done(version) => version,
                Written::Conflict => match read(&bucket).await? {
                    // The store took it and its answer was lost on the way.
                    Some((found, version)) if found == record => version,
                    _ => continue,
                },
            };
            let taken_over = before.is_some_and(|r| r.holder.is_some());
            return Self::hold(bucket, Held { record, version, confirmed_at, lost_to: None }, length, taken_over).await;
        }
        Err(Error::Locked { to: bucket.url.clone(), holder: read(&bucket).await?.and_then(|(record, _)| record.holder) })
    }

    async fn hold(bucket: Bucket, held: Held, length: Duration, taken_over: bool) -> Result<Self, Error> {
        let epoch = held.record.epoch;
        let held = Arc::new(Mutex::new(held));
        let heart = tokio::spawn(beat_on(bucket.clone(), Arc::clone(&held), length));
        let mut lease = Self { bucket, epoch, length, held, heart, pointer: Mutex::default() };
        match lease.secure(taken_over).await {
            Ok(pointer) => {
                lease.pointer = Mutex::new(pointer);
                Ok(lease)
            }
            Err(error) => {
                // Or the next attempt would take it for that of somebody at work.
                lease.release().await;
                Err(error)
            }
        }
    }

    /// Keeps out whoever held it before; returns the version of the pointer that may be replaced.
    async fn secure(&self, taken_over: bool) -> Result<Option<UpdateVersion>, Error> {
        prove(&self.bucket, &mut *self.held.lock().await).await?;
        if taken_over {
            return fence(&self.bucket, self.epoch).await;
        }
        Ok(self.bucket.read(POINTER).await?.map(|(_, version)| version))
    }

    /// Asks the store whether the lease is still ours.
    pub async fn confirm(&self) -> Result<(), Error> {
        beat(&self.bucket, &mut *self.held.lock().await).await
    }

    /// The same, without asking where the last answer is recent enough.
    pub async fn is_live(&self) -> Result<(), Error> {
        let mut held = self.held.lock().await;
        if held.lost_to.is_none() && held.confirmed_at.elapsed() < self.length / 2 {
            return Ok(());
        }
        beat(&self.bucket, &mut held).await
    }

    /// Puts on record what must be cleared away if this process dies.
    pub async fn begin(&self, upload: Upload) -> Result<(), Error> {
        let mut held = self.held.lock().await;
        held.record.uploads.push(upload);
        beat(&self.bucket, &mut held).await
    }

    pub async fn end(&self, upload: &Upload) {
        self.held.lock().await.record.uploads.retain(|u| u != upload);
    }

    /// What those before left behind.
    pub async fn uploads(&self) -> Vec<Upload> {
        self.held.lock().await.record.uploads.clone()
    }

    /// Replaces `published.json`, unless somebody wrote there since the lease was taken.
    pub async fn point(&self, published: &Published) -> Result<(), Error> {
        let content = pretty(published);
        let mut version = self.pointer.lock().await;
        for _ in 0..ATTEMPTS {
            self.confirm().await?;
            let mode = version.clone().map_or(PutMode::Create, PutMode::Update);
            if let Written::Done(written) = self.bucket.write(POINTER, content.clone(), mode).await? {
                *version = Some(written);
                return Ok(());
            }
            // One who lost the lease is told so by the confirmation. Who holds it writes over what came in: a first publication
            // of a publisher thought dead, for which there was nothing to put a condition on.
            self.confirm().await?;
            match self.bucket.read(POINTER).await? {
                Some((found, written)) if found == content => {
                    *version = Some(written);
                    return Ok(());
                }
                found => *version = found.map(|(_, written)| written),
            }
        }
        Err(Error::Fenced { to: self.bucket.url.clone(), holder: None })
    }

    /// Gives the lease back. If it cannot be, the next one waits until it has run out.
    pub async fn release(&self) {
        self.heart.abort();
        let mut held = self.held.lock().await;
        if held.lost_to.is_some() {
            return;
        }
        held.record.holder = None;
        if let Err(error) = beat(&self.bucket, &mut held).await {
            tracing::warn!(to = self.bucket.url, %error, "cannot release the lease; the next run waits for it to run out");
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.heart.abort();
    }
}

/// The lease as it stands; none where nobody ever published.
pub(super) async fn read(bucket: &Bucket) -> Result<Option<(Record, UpdateVersion)>, Error> {
    let Some((text, version)) = bucket.read(LEASE).await? else { return Ok(None) };
    let unreadable = |e: serde_json::Error| Error::Manifest { path: bucket.shown(LEASE), detail: e.to_string() };
    Ok(Some((serde_json::from_slice(&text).map_err(unreadable)?, version)))
}

/// Watches a holder: whether it stayed silent for as long as it may. One that lives is an error; a lease that was given back
/// meanwhile is neither.
async fn is_silent(bucket: &Bucket, seen: &Record) -> Result<bool, Error> {
    let length = Duration::from_millis(seen.milliseconds);
    let watched_since = Instant::now();
    tracing::info!(to = bucket.url, holder = seen.holder, "the lease is held; watching for a sign of life");
    loop {
        sleep(length / (2 * BEATS)).await;
        let Some((now, _)) = read(bucket).await? else { return Ok(false) };
        if now != *seen {
            let Some(holder) = now.holder else { return Ok(false) };
            return Err(Error::Locked { to: bucket.url.clone(), holder: Some(holder) });
        }
        // A little longer, because the holder's last sign of life was under way for a while.
        if watched_since.elapsed() > length + length / BEATS {
            tracing::warn!(to = bucket.url, holder = seen.holder, "no sign of life: taking the lease over");
            return Ok(true);
        }
    }
}

/// A sign of life, which is refused if somebody took the lease over.
async fn beat(bucket: &Bucket, held: &mut Held) -> Result<(), Error> {
    let fenced = |holder: &Option<String>| Error::Fenced { to: bucket.url.clone(), holder: holder.clone() };
    if let Some(Successor(by)) = &held.lost_to {
        return Err(fenced(by));
    }
    for _ in 0..ATTEMPTS {
        let asked_at = Instant::now();
        held.record.beat += 1;
        let mode = PutMode::Update(held.version.clone());
        if let Written::Done(version) = bucket.write(LEASE, pretty(&held.record), mode).await? {
            held.version = version;
            held.confirmed_at = asked_at;
            return Ok(());
        }
        match read(bucket).await? {
            // An earlier sign of life arrived though its answer did not; the next goes on top of it.
            Some((found, version)) if found.epoch == held.record.epoch && found.token == held.record.token => {
                held.version = version;
            }
            found => {
                let by = found.and_then(|(record, _)| record.holder);
                held.lost_to = Some(Successor(by.clone()));
                return Err(fenced(&by));
            }
        }
    }
    Err(Error::Locked { to: bucket.url.clone(), holder: None })
}

async fn beat_on(bucket: Bucket, held: Arc<Mutex<Held>>, length: Duration) {
    loop {
        sleep(length / BEATS).await;
        let mut held = held.lock().await;
        match timeout(length / 2, beat(&bucket, &mut held)).await {
            Ok(Ok(())) => {}
            Ok(Err(Error::Fenced { .. })) => return,
            Ok(Err(error)) => tracing::debug!(%error, "a heartbeat failed"),
            Err(_) => tracing::debug!("a heartbeat took too long"),
        }
    }
}

/// A store that ignores conditions would let everybody in. Both kinds are tried on the lease itself, where they must fail.
async fn prove(bucket: &Bucket, held: &mut Held) -> Result<(), Error> {
    let stale = held.version.clone();
    beat(bucket, held).await?;
    for (mode, what) in [(PutMode::Update(stale), "If-Match"), (PutMode::Create, "If-None-Match")] {
        if let Written::Done(_) = bucket.write(LEASE, pretty(&held.record), mode).await? {
            return Err(Error::Unconditional { to: bucket.url.clone(), detail: format!("it ignores {what}") });
        }
    }
    Ok(())
}

/// Rewrites `published.json` under the new epoch, so that the condition of the holder before no longer fits. Readers are led to
/// the same snapshot as before.
async fn fence(bucket: &Bucket, epoch: u64) -> Result<Option<UpdateVersion>, Error> {
    for _ in 0..ATTEMPTS {
        let Some((text, version)) = bucket.read(POINTER).await? else { return Ok(None) };
        let unreadable = |e: serde_json::Error| Error::Manifest { path: bucket.shown(POINTER), detail: e.to_string() };
        let published: Published = serde_json::from_slice(&text).map_err(unreadable)?;
        if published.epoch == Some(epoch) {
            return Ok(Some(version));
        }
        let renewed = pretty(&Published { epoch: Some(epoch), ..published });
        if let Written::Done(version) = bucket.write(POINTER, renewed, PutMode::Update(version)).await? {
            return Ok(Some(version));
        }
    }
    Err(Error::Locked { to: bucket.url.clone(), holder: None })
}
