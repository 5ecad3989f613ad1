//! The order of a publication to a store, and of a rollback.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error as StdError;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::NaiveDate;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::PutMode;
use sha2::{Digest, Sha256};
use validate::Validated;

use super::bucket::{AT_ONCE, Bucket, Written};
use super::lease::{self, Lease, POINTER};
use super::{Store, mirror, upload};
use crate::error::Error;
use crate::folder::Lock;
use crate::manifest::{Manifest, Published, TableEntry, hex, pretty};
use crate::publish::{RunFacts, Snapshot, prepare};
use crate::rollback::{RolledBack, choose, still_withdrawn, withdrawn};
use crate::{local, retention};

impl Store {
    pub(crate) fn published(&self) -> Result<Option<Published>, Error> {
        let (bucket, mirror) = self.both();
        self.wait(async move { mirror::published(&bucket, &mirror).await })
    }

    pub(crate) fn snapshots(&self) -> Result<Vec<Manifest>, Error> {
        let (bucket, mirror) = self.both();
        self.wait(async move { mirror::snapshots(&bucket, &mirror).await })
    }

    /// The local folder of a snapshot, with its files fetched and compared with its manifest.
    pub(crate) fn snapshot(&self, id: &str) -> Result<PathBuf, Error> {
        let (bucket, mirror) = self.both();
        let id = id.to_owned();
        self.wait(async move {
            let missing = || Error::NoSnapshot { to: bucket.url.clone(), detail: format!("{id} has no manifest") };
            let manifest = mirror::manifest(&bucket, &mirror, &id).await?.ok_or_else(missing)?;
            mirror::fetch(&bucket, &mirror, &manifest).await
        })
    }

    pub(crate) fn publish(&self, validated: &Validated, run: &RunFacts<'_>) -> Result<Snapshot, Error> {
        let _lock = self.lock(run.run_id)?;
        let lease = self.lease(run.run_id)?;
        let result = self.publish_under(&lease, validated, run);
        self.end(lease, result)
    }

    fn publish_under(&self, lease: &Arc<Lease>, validated: &Validated, run: &RunFacts<'_>) -> Result<Snapshot, Error> {
        retention::sweep(&self.mirror)?;
        mirror::sweep(&self.mirror)?;
        let (held, mirror) = (Arc::clone(lease), self.mirror.clone());
        self.wait(async move { clear(&held).await })?;
        let as_of = validated.warehouse().as_of;
        let seen = self.published()?;
        let behind = run.stays_behind && seen.as_ref().is_some_and(|seen| seen.is_ahead_of(as_of));
        let whole = |id: &str, _: &Path| {
            let (bucket, mirror) = self.both();
            let id = id.to_owned();
            let known = self.wait(async move { whole(&bucket, &mirror, &id).await })?;
            Ok(known.filter(|m| m.may_stay(behind, seen.as_ref())))
        };
        let prepared = prepare(validated, run, behind, &self.mirror, whole)?;
        let (manifest, folder, is_new) = (prepared.manifest.clone(), prepared.folder.clone(), !prepared.was_there);
        let withdrawn = still_withdrawn(seen.as_ref(), &manifest.snapshot, || self.snapshots())?;
        let (held, keep) = (Arc::clone(lease), self.keep);
        self.wait(async move {
            if is_new {
                send(&held, &folder, &manifest).await?;
            } else {
                mirror::fetch(&held.bucket, &mirror, &manifest).await?;
            }
            if behind {
                return Ok(());
            }
            lead_or_stay(&held, &manifest, &withdrawn).await?;
            let tidied = async {
                mirror::published(&held.bucket, &mirror).await?;
                prune(&held, &mirror, &manifest.snapshot, &withdrawn, keep).await
            };
            if let Err(error) = tidied.await {
                // What is published is published; the next publication removes what this one could not.
                tracing::warn!(error = &error as &dyn StdError, "cannot remove old snapshots");
            }
            Ok(())
        })?;
        Ok(Snapshot::of(prepared, as_of, behind, seen.as_ref()))
    }

    pub(crate) fn rollback(&self, wanted: Option<&str>, by: &str) -> Result<RolledBack, Error> {
        let _lock = self.lock(by)?;
        let lease = self.lease(by)?;
        let result = self.rollback_under(&lease, wanted);
        self.end(lease, result)
    }

    fn rollback_under(&self, lease: &Arc<Lease>, wanted: Option<&str>) -> Result<RolledBack, Error> {
        let known = self.snapshots()?;
        let (seen, manifest) = choose(&self.bucket.url, self.published()?, &known, wanted)?;
        let withdrawn = withdrawn(&known, &seen, &manifest);
        let (held, mirror, to) = (Arc::clone(lease), self.mirror.clone(), manifest.clone());
        self.wait(async move {
            if !is_there(&held.bucket, &to).await? {
                let detail = "a file is missing, or has another size than its manifest states".to_owned();
                return Err(Error::ReadBack { path: held.bucket.shown(&format!("snapshots/{}", to.snapshot)), detail });
            }
            lead_or_stay(&held, &to, &withdrawn).await?;
            mirror::published(&held.bucket, &mirror).await.map(|_| ())
        })?;
        Ok(RolledBack { from: seen.snapshot, to: manifest })
    }

    /// Frees the lease of a publisher that is dead, and says whose it was; none if it is free. One that lives is an error.
    pub(crate) fn unlock(&self, by: &str) -> Result<Option<String>, Error> {
        let bucket = self.bucket.clone();
        let held = self.wait(async move { lease::read(&bucket).await })?.and_then(|(record, _)| record.holder);
        if held.is_some() {
            let lease = self.lease(by)?;
            self.release(lease);
        }
        Ok(held)
    }

    pub(crate) fn put(&self, name: &str, content: &[u8]) -> Result<(), Error> {
        mirror::place(&self.mirror.join(name), content)?;
        let (bucket, name, content) = (self.bucket.clone(), name.to_owned(), content.to_vec());
        self.wait(async move { bucket.write(&name, content, PutMode::Overwrite).await.map(|_| ()) })
    }

    /// Everything a publication asks of a store, done there once.
    pub(crate) fn probe(&self) -> Result<(), Error> {
        let bucket = self.bucket.clone();
        let name = format!(".doctor-{}", std::process::id());
        self.wait(async move {
            let tried = try_out(&bucket, &name).await;
            bucket.delete(vec![name]).await?;
            tried
        })
    }

    fn both(&self) -> (Bucket, PathBuf) {
        (self.bucket.clone(), self.mirror.clone())
    }

    /// One publisher a mirror: a second one on this machine need not ask the store.
    fn lock(&self, by: &str) -> Result<Lock, Error> {
        local::create_folder(&self.mirror.join("snapshots"))?;
        Lock::take(&self.mirror, by).map_err(|error| match error {
            Error::Locked { holder, .. } => Error::Locked { to: self.bucket.url.clone(), holder },
            other => other,
        })
    }

    fn lease(&self, by: &str) -> Result<Arc<Lease>, Error> {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let at = if host.trim().is_empty() { String::new() } else { format!(" on {}", host.trim()) };
        let holder = format!("run {by} (process {}{at})", std::process::id());
        let (bucket, length) = (self.bucket.clone(), self.lease);
        self.wait(async move { Lease::take(bucket, holder, length).await.map(Arc::new) })
    }

    /// Gives the lease back. Whatever failed, a publisher that was overtaken is told so: its files were cleared away under it.
    fn end<T>(&self, lease: Arc<Lease>, result: Result<T, Error>) -> Result<T, Error> {
        let lost = result.is_err().then(|| {
            let held = Arc::clone(&lease);
            self.wait(async move { held.confirm().await }).err().filter(|error| matches!(error, Error::Fenced { .. }))
        });
        self.release(lease);
        lost.flatten().map_or(result, Err)
    }

    fn release(&self, lease: Arc<Lease>) {
        // What is published is published, whether the lease can be given back or not.
        let _ = self.wait(async move {
            lease.release().await;
            Ok(())
        });
    }
}

/// Names of snapshots, as no other folder is named: a day and twelve digits of a hash.
fn is_snapshot(name: &str) -> bool {
    let Some((day, hash)) = name.split_at_checked(10) else { return false };
    let hash = hash.strip_prefix('-').unwrap_or_default();
    day.parse::<NaiveDate>().is_ok() && hash.len() == 12 && hash.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Removes what publishers that died left: uploads half-way, and snapshots without a manifest, which is written last. Only who
/// holds the lease may, because then nobody's work is under way.
async fn clear(lease: &Lease) -> Result<(), Error> {
    upload::clear(lease).await?;
    let bucket = &lease.bucket;
    let present = bucket.read(POINTER).await?.and_then(|(text, _)| serde_json::from_slice::<Published>(&text).ok());
    let present = present.map(|published| published.snapshot);
    let mut folders: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, _) in bucket.list("snapshots").await? {
        if let Some((id, _)) = name.strip_prefix("snapshots/").and_then(|rest| rest.split_once('/')) {
            folders.entry(id.to_owned()).or_default().push(name);
        }
    }
    for (id, names) in folders {
        let is_orphan = is_snapshot(&id) && present.as_ref() != Some(&id) && !names.iter().any(|n| n.ends_with("/manifest.json"));
        if is_orphan {
            lease.confirm().await?;
            bucket.delete(names).await?;
            tracing::info!(snapshot = id, "removed what an interrupted run left");
        }
    }
    Ok(())
}

/// The manifest of a snapshot whose files all have the size it states. Its hashes were read back before it was written, and what
/// a store holds it keeps.
async fn whole(bucket: &Bucket, mirror: &Path, id: &str) -> Result<Option<Manifest>, Error> {
    let Some(manifest) = mirror::manifest(bucket, mirror, id).await? else { return Ok(None) };
    Ok(is_there(bucket, &manifest).await?.then_some(manifest))
}

async fn is_there(bucket: &Bucket, manifest: &Manifest) -> Result<bool, Error> {
    let folder = format!("snapshots/{}", manifest.snapshot);
    let listed: BTreeMap<String, u64> = bucket.list(&folder).await?.into_iter().collect();
    Ok(manifest.tables.iter().all(|entry| listed.get(&format!("{folder}/{}", entry.file())) == Some(&entry.bytes)))
}

/// Does several things at a time; the first that fails ends it.
async fn side_by_side(work: impl Iterator<Item = impl Future<Output = Result<(), Error>>>) -> Result<(), Error> {
    let work: Vec<_> = work.collect();
    stream::iter(work).buffer_unordered(AT_ONCE).try_collect().await
}

/// Uploads a snapshot, its manifest last.
async fn send(lease: &Lease, folder: &Path, manifest: &Manifest) -> Result<(), Error> {
    let id = &manifest.snapshot;
    let send = |entry: &TableEntry| {
        let file = entry.file();
        let (from, to, entry) = (folder.join(&file), format!("snapshots/{id}/{file}"), entry.clone());
        async move {
            lease.is_live().await?;
            upload::file(lease, &from, &to, entry.bytes, &entry.sha256).await
        }
    };
    side_by_side(manifest.tables.iter().map(send)).await?;
    let text = pretty(manifest);
    let sha256 = hex(&Sha256::digest(&text));
    lease.confirm().await?;
    upload::content_under(lease, text.into(), &format!("snapshots/{id}/manifest.json"), &sha256).await
}

/// Leads readers to a snapshot. Where that fails half-way, they are led back to the one before, unless another publisher came in.
async fn lead_or_stay(lease: &Lease, manifest: &Manifest, withdrawn: &[String]) -> Result<(), Error> {
    let bucket = &lease.bucket;
    let before = match bucket.read(POINTER).await?.and_then(|(text, _)| serde_json::from_slice::<Published>(&text).ok()) {
        Some(published) => read_manifest(bucket, &published.snapshot).await?.map(|manifest| (manifest, published.withdrawn)),
        None => None,
    };
    let led = lead(lease, manifest, withdrawn).await;
    if led.is_err()
        && let Some((before, withdrawn)) = before.filter(|(before, _)| before.snapshot != manifest.snapshot)
        && let Err(error) = lead(lease, &before, &withdrawn).await
        && !matches!(error, Error::Fenced { .. })
    {
        tracing::warn!(error = &error as &dyn StdError, "current/ may hold tables of two snapshots until the next run");
    }
    led
}

async fn read_manifest(bucket: &Bucket, id: &str) -> Result<Option<Manifest>, Error> {
    let found = bucket.read(&format!("snapshots/{id}/manifest.json")).await?;
    Ok(found.and_then(|(text, _)| serde_json::from_slice(&text).ok()))
}

/// `current/` first, `published.json` last.
async fn lead(lease: &Lease, manifest: &Manifest, withdrawn: &[String]) -> Result<(), Error> {
    let (bucket, id) = (&lease.bucket, &manifest.snapshot);
    lease.confirm().await?;
    let copy = |entry: &TableEntry| {
        let file = entry.file();
        async move {
            lease.is_live().await?;
            bucket.copy(&format!("snapshots/{id}/{file}"), &format!("current/{file}")).await
        }
    };
    side_by_side(manifest.tables.iter().map(copy)).await?;
    let wanted: BTreeSet<String> = manifest.tables.iter().map(|t| format!("current/{}", t.file())).collect();
    let listed = bucket.list("current").await?;
    let strays = listed.into_iter().map(|(name, _)| name).filter(|n| n.ends_with(".parquet") && !wanted.contains(n));
    lease.is_live().await?;
    bucket.delete(strays.collect()).await?;

    let published = Published::of(manifest, Some(lease.epoch), withdrawn);
    let present = bucket.read(POINTER).await?.and_then(|(text, _)| serde_json::from_slice::<Published>(&text).ok());
    if present.is_some_and(|present| present.agrees(&published)) {
        return lease.confirm().await;
    }
    lease.point(&published).await
}

/// Keeps the snapshots published last, in the store and in the mirror. A manifest goes first, so that what a crash leaves of a
/// snapshot is an orphan, not a snapshot with holes.
async fn prune(lease: &Lease, mirror: &Path, current: &str, withdrawn: &[String], keep: usize) -> Result<(), Error> {
    let bucket = &lease.bucket;
    let known = mirror::snapshots(bucket, mirror).await?;
    let surplus: BTreeSet<&str> = retention::surplus(&known, current, withdrawn, keep).into_iter().collect();
    for id in &surplus {
        let folder = format!("snapshots/{id}");
        lease.is_live().await?;
        bucket.delete(vec![format!("{folder}/manifest.json")]).await?;
        bucket.delete(bucket.list(&folder).await?.into_iter().map(|(name, _)| name).collect()).await?;
    }
    let stays: BTreeSet<&str> = known.iter().map(|m| m.snapshot.as_str()).filter(|id| !surplus.contains(id)).collect();
    for name in local::names(&mirror.join("snapshots"))?.iter().filter(|name| !stays.contains(name.as_str())) {
        local::remove_folder(&mirror.join("snapshots").join(name))?;
    }
    Ok(())
}

/// A small object is written, refused where conditions do not hold, and read back.
async fn try_out(bucket: &Bucket, name: &str) -> Result<(), Error> {
    let unconditional = |what: &str| Error::Unconditional { to: bucket.url.clone(), detail: format!("it ignores {what}") };
    bucket.delete(vec![name.to_owned()]).await?;
    let Written::Done(first) = bucket.write(name, "1", PutMode::Create).await? else {
        return Err(Error::Locked { to: bucket.shown(name), holder: None });
    };
    let Written::Done(_) = bucket.write(name, "2", PutMode::Update(first.clone())).await? else {
        return Err(unconditional("If-Match"));
    };
    if let Written::Done(_) = bucket.write(name, "3", PutMode::Update(first)).await? {
        return Err(unconditional("If-Match"));
    }
    if let Written::Done(_) = bucket.write(name, "4", PutMode::Create).await? {
        return Err(unconditional("If-None-Match"));
    }
    match bucket.read(name).await? {
        Some((found, _)) if found == "2" => Ok(()),
        _ => Err(Error::ReadBack { path: bucket.shown(name), detail: "another content than the last one written".to_owned() }),
    }
}
