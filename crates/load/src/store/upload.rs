//! Files on their way into a store. Nobody reads them before `published.json` names them.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use bytes::Bytes;
use object_store::path::Path as ObjectPath;
use object_store::{MultipartId, PutMode, PutPayload};

use super::bucket::{Bucket, Written};
use super::lease::{Lease, Upload};
use crate::error::Error;

/// A file up to this size goes out in one request, a larger one in parts of it. Stores ask for parts of 5 MiB at least.
const PART: u64 = 8 << 20;

/// Uploads a file of known size and hash, and reads back what the store holds.
pub(super) async fn file(lease: &Lease, from: &Path, name: &str, bytes: u64, sha256: &str) -> Result<(), Error> {
    if bytes <= PART {
        whole(lease, from, name, sha256).await?;
    } else {
        in_parts(lease, from, name).await?;
    }
    let (read_bytes, read) = lease.bucket.hash(name, None).await?;
    if (read_bytes, read.as_str()) != (bytes, sha256) {
        let detail = format!("{read_bytes} bytes with hash {read}, {bytes} with {sha256} were sent");
        return Err(Error::ReadBack { path: lease.bucket.shown(name), detail });
    }
    Ok(())
}

async fn whole(lease: &Lease, from: &Path, name: &str, sha256: &str) -> Result<(), Error> {
    let content = Bytes::from(std::fs::read(from).map_err(Error::io("read", from))?);
    content_under(lease, content, name, sha256).await
}

/// Writes where nothing is yet. What is there already may be of a publisher who lost the lease and does not know it, so only
/// who still holds it writes over.
pub(super) async fn content_under(lease: &Lease, content: Bytes, name: &str, sha256: &str) -> Result<(), Error> {
    let bucket = &lease.bucket;
    if let Written::Done(_) = bucket.write(name, content.clone(), PutMode::Create).await? {
        return Ok(());
    }
    if bucket.hash(name, None).await?.1 == sha256 {
        return Ok(());
    }
    lease.confirm().await?;
    bucket.write(name, content, PutMode::Overwrite).await.map(|_| ())
}

/// The upload is on record before its first part is sent, so that the next publisher clears the parts away if this one dies. One
/// that was begun and not put on record holds nothing, and is found by [`clear`] where the store lists it.
async fn in_parts(lease: &Lease, from: &Path, name: &str) -> Result<(), Error> {
    let path = lease.bucket.path(name);
    let id = lease.bucket.parts.create_multipart(&path).await.map_err(lease.bucket.failed("begin", name))?;
    let upload = Upload { name: name.to_owned(), id };
    let result = match lease.begin(upload.clone()).await {
        Ok(()) => send(lease, from, &upload).await,
        failed => failed,
    };
    // One that cannot be aborted stays on record, for the next publisher.
    if result.is_ok() || abort(lease, &path, &upload.id).await {
        lease.end(&upload).await;
    }
    result
}

/// Whether nothing is left of an upload.
async fn abort(lease: &Lease, path: &ObjectPath, id: &MultipartId) -> bool {
    match lease.bucket.parts.abort_multipart(path, id).await {
        // Completed or aborted already, its answer lost on the way.
        Ok(()) | Err(object_store::Error::NotFound { .. }) => true,
        Err(error) => {
            let error = extract::Error::store_answer(&error).text;
            tracing::warn!(%path, error, "cannot abort the upload");
            false
        }
    }
}

async fn send(lease: &Lease, from: &Path, upload: &Upload) -> Result<(), Error> {
    let Bucket { parts, .. } = &lease.bucket;
    let (name, path) = (&upload.name, lease.bucket.path(&upload.name));
    let mut source = File::open(from).map_err(Error::io("open", from))?;
    let mut sent = Vec::new();
    loop {
        let mut part = Vec::new();
        (&mut source).take(PART).read_to_end(&mut part).map_err(Error::io("read", from))?;
        if part.is_empty() {
            break;
        }
        lease.is_live().await?;
        let put = parts.put_part(&path, &upload.id, sent.len(), PutPayload::from(part));
        sent.push(put.await.map_err(lease.bucket.failed("write", name))?);
    }
    lease.is_live().await?;
    match parts.complete_multipart(&path, &upload.id, sent).await {
        // Completed at the first attempt, its answer lost on the way, or cleared away by a successor: what is read back decides.
        Ok(_) | Err(object_store::Error::NotFound { .. }) => Ok(()),
        Err(error) => Err(lease.bucket.failed("complete", name)(error)),
    }
}

/// Aborts what publishers before left half-way: what they put on record, and what they had no time to.
pub(super) async fn clear(lease: &Lease) -> Result<(), Error> {
    let bucket = &lease.bucket;
    for upload in lease.uploads().await {
        if abort(lease, &bucket.path(&upload.name), &upload.id).await {
            tracing::info!(name = upload.name, "aborted the upload of an interrupted run");
            lease.end(&upload).await;
        }
    }
    let unfinished = bucket.unfinished("snapshots").await;
    if unfinished.is_empty() {
        return Ok(());
    }
    // Still ours after the store was asked, so none of them is of a successor.
    lease.confirm().await?;
    for (path, id) in unfinished {
        if abort(lease, &path, &id).await {
            tracing::info!(%path, "aborted an upload that no run had on record");
        }
    }
    Ok(())
}
