//! The objects below one url: read, written under conditions, listed, copied, deleted.

use std::path::Path as FsPath;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::multipart::MultipartStore;
use object_store::path::Path;
use object_store::{BackoffConfig, ObjectStore, ObjectStoreExt, PutMode, PutPayload, RetryConfig, UpdateVersion};
use sha2::{Digest, Sha256};
use url::Url;

use super::unfinished::{self, Listing};
use crate::error::Error;
use crate::manifest::hex;

/// Requests at a time.
pub(super) const AT_ONCE: usize = 8;

#[derive(Clone)]
pub(super) struct Bucket {
    pub objects: Arc<dyn ObjectStore>,
    /// The same store, for files in parts.
    pub parts: Arc<dyn MultipartStore>,
    /// None where the store does not list uploads in parts that were never completed.
    unfinished: Option<Arc<Listing>>,
    prefix: Path,
    /// As the user writes it.
    pub url: String,
}

/// What became of a conditional write.
pub(super) enum Written {
    Done(UpdateVersion),
    /// Something else stands there than was expected, and stays.
    Conflict,
}

/// What passes by itself is tried again after 0.2 s, then after longer, randomly spread; altogether for about ten seconds on
/// average. What lasts longer fails the run, which is tried again as a whole.
fn retries() -> RetryConfig {
    let backoff = BackoffConfig { init_backoff: Duration::from_millis(200), max_backoff: Duration::from_secs(10), base: 2.0 };
    RetryConfig { backoff, max_retries: 6, retry_timeout: Duration::from_mins(2) }
}

impl Bucket {
    pub fn open(url: &str) -> Result<Self, Error> {
        let failed = |detail: String| Error::Store { to: url.to_owned(), detail };
        let parsed = Url::parse(url).map_err(|e| failed(e.to_string()))?;
        let prefix = Path::from(parsed.path());
        let built = match parsed.scheme() {
            "s3" => {
                let client = unfinished::Client::default();
                let builder = AmazonS3Builder::from_env().with_url(url).with_retry(retries()).with_http_connector(client.clone());
                builder.build().map(|s| {
                    let unfinished = Some(Arc::new(Listing::of(s.clone(), client)));
                    Self { unfinished, ..Self::of(s, prefix, url) }
                })
            }
            "az" => {
                MicrosoftAzureBuilder::from_env().with_url(url).with_retry(retries()).build().map(|s| Self::of(s, prefix, url))
            }
            "gs" => GoogleCloudStorageBuilder::from_env()
                .with_url(url)
                .with_retry(retries())
                .build()
                .map(|s| Self::of(s, prefix, url)),
            other => return Err(failed(format!("`{other}://` is not a known store"))),
        };
        built.map_err(|e| failed(extract::Error::store_answer(&e).text))
    }

    fn of<S: ObjectStore + MultipartStore>(store: S, prefix: Path, url: &str) -> Self {
        let store = Arc::new(store);
        Self { objects: Arc::clone(&store) as _, parts: store, unfinished: None, prefix, url: url.to_owned() }
    }

    /// Where an object of a name below the url lies.
    pub fn path(&self, name: &str) -> Path {
        self.prefix.parts().chain(Path::from(name).parts()).collect()
    }

    /// Content and version of a small object; none where there is none.
    pub async fn read(&self, name: &str) -> Result<Option<(Bytes, UpdateVersion)>, Error> {
        let found = match self.objects.get(&self.path(name)).await {
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            found => found.map_err(self.failed("read", name))?,
        };
        let version = UpdateVersion { e_tag: found.meta.e_tag.clone(), version: found.meta.version.clone() };
        Ok(Some((found.bytes().await.map_err(self.failed("read", name))?, version)))
    }

    pub async fn write(&self, name: &str, content: impl Into<PutPayload>, mode: PutMode) -> Result<Written, Error> {
        match self.objects.put_opts(&self.path(name), content.into(), mode.into()).await {
            Ok(put) => Ok(Written::Done(put.into())),
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => Ok(Written::Conflict),
            Err(e) => Err(self.failed("write", name)(e)),
        }
    }

    /// Names below the url and sizes of the objects in a folder, sorted.
    pub async fn list(&self, folder: &str) -> Result<Vec<(String, u64)>, Error> {
        let listed = self.objects.list(Some(&self.path(folder))).map_ok(|object| {
            let below: Path = object.location.parts().skip(self.prefix.parts().count()).collect();
            (below.to_string(), object.size)
        });
        let mut listed: Vec<_> = listed.try_collect().await.map_err(self.failed("list", folder))?;
        listed.sort();
        Ok(listed)
    }

    /// Where uploads in parts were begun below a folder and not ended, with their ids, as far as the store tells of them.
    pub async fn unfinished(&self, folder: &str) -> Vec<(Path, String)> {
        let Some(listing) = &self.unfinished else { return Vec::new() };
        match listing.below(&self.path(folder)).await {
            Ok(found) => found,
            Err(detail) => {
                tracing::debug!(to = self.url, detail, "the store does not list uploads in parts");
                Vec::new()
            }
        }
    }

    /// Copies within the store.
    pub async fn copy(&self, from: &str, to: &str) -> Result<(), Error> {
        self.objects.copy(&self.path(from), &self.path(to)).await.map_err(self.failed("copy to", to))
    }

    /// Deletes objects; one that is gone already is no failure.
    pub async fn delete(&self, names: Vec<String>) -> Result<(), Error> {
        let Some(first) = names.first().cloned() else { return Ok(()) };
        let paths: Vec<_> = names.iter().map(|name| Ok(self.path(name))).collect();
        let mut deleted = self.objects.delete_stream(stream::iter(paths).boxed());
        while let Some(one) = deleted.next().await {
            match one {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(e) => return Err(self.failed("delete", &first)(e)),
            }
        }
        Ok(())
    }

    /// Bytes and SHA-256 of an object, written to a file on the way where one is named.
    pub async fn hash(&self, name: &str, into: Option<&FsPath>) -> Result<(u64, String), Error> {
        let found = self.objects.get(&self.path(name)).await.map_err(self.failed("read", name))?;
        let mut chunks = found.into_stream();
        let mut file = match into {
            Some(path) => Some((std::fs::File::create(path).map_err(Error::io("create", path))?, path)),
            None => None,
        };
        let (mut hash, mut bytes) = (Sha256::new(), 0);
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(self.failed("read", name))?;
            if let Some((file, path)) = &mut file {
                std::io::Write::write_all(file, &chunk).map_err(Error::io("write", *path))?;
            }
            hash.update(&chunk);
            bytes += chunk.len() as u64;
        }
        Ok((bytes, hex(&hash.finalize())))
    }

    /// How messages name an object.
    pub fn shown(&self, name: &str) -> String {
        format!("{}/{name}", self.url)
    }

    /// What a failed request means to the user.
    pub fn failed(&self, step: &'static str, name: &str) -> impl FnOnce(object_store::Error) -> Error {
        let (to, path) = (self.url.clone(), self.shown(name));
        move |error| {
            let answer = extract::Error::store_answer(&error);
            let (detail, may_pass) = (answer.text, answer.may_pass);
            match error {
                object_store::Error::NotImplemented { .. } | object_store::Error::NotSupported { .. } => {
                    Error::Unconditional { to, detail }
                }
                _ if answer.is_refusal => Error::Refused { to, step, detail },
                _ => Error::Remote { step, path, may_pass, detail },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;

    use super::*;

    #[test]
    fn what_a_scheduled_run_tries_again() {
        let bucket = Bucket::of(InMemory::new(), Path::default(), "s3://lake/shop");
        let failed = |status: &str| {
            let source = format!("Server returned non-2xx status code: {status}: ").into();
            bucket.failed("write", "lease.json")(object_store::Error::Generic { store: "S3", source })
        };
        for status in ["408 Request Timeout", "429 Too Many Requests", "503 Service Unavailable"] {
            assert!(failed(status).may_pass(), "{status}");
        }
        for status in ["400 Bad Request", "404 Not Found"] {
            assert!(!failed(status).may_pass(), "{status}");
        }
        let refused = failed("403 Forbidden");
        assert!(matches!(refused, Error::Refused { .. }) && !refused.may_pass(), "{refused}");
    }
}
