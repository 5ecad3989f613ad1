//! Files of a folder or an object store: found by a glob, read as a stream of bytes, unpacked on the way.

use std::io::{self, BufReader, Read};
use std::path::Path as FsPath;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use config::{Compression, Roots};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use tokio::runtime::Handle;
use url::Url;

use super::unpacked::{self, Overgrown, Unpacked};
use crate::error::Error;

/// Names shown when a glob matches nothing.
const NAMES_SHOWN: usize = 8;

/// One file to read.
#[derive(Clone)]
pub(super) struct FileRef {
    pub store: Arc<dyn ObjectStore>,
    pub meta: ObjectMeta,
    /// How messages name it.
    pub origin: String,
}

/// The files of `url` that match the glob `path`, sorted by name; at least one.
pub(super) async fn find(connection: &str, url: &str, path: &str, roots: &Roots) -> Result<Vec<FileRef>, Error> {
    let store = store(connection, url)?;
    let pattern = glob::Pattern::new(path).map_err(|e| Error::Connection {
        connection: connection.to_owned(),
        detail: format!("`{path}` is not a glob: {e}"),
        help: "use `*` for any characters and `?` for one".to_owned(),
    })?;
    // Only the folders before the first wildcard are listed.
    let fixed = path.split(['*', '?', '[']).next().unwrap_or_default();
    let prefix = fixed.rsplit_once('/').map(|(folder, _)| Path::from(folder));
    let listed: Vec<ObjectMeta> =
        listed(store.as_ref(), path, prefix.as_ref()).await.map_err(|e| unlisted(connection, url, &e))?;

    let options = glob::MatchOptions { require_literal_separator: true, ..glob::MatchOptions::new() };
    // What is still on its way often lies there under a name that begins with a dot.
    let is_hidden = |path: &str| path.rsplit('/').next().is_some_and(|name| name.starts_with('.'));
    let (mut found, others): (Vec<_>, Vec<_>) = listed.into_iter().partition(|m| {
        let name = m.location.as_ref();
        pattern.matches_with(name, options) && (!is_hidden(name) || is_hidden(path))
    });
    if found.is_empty() {
        let mut names: Vec<String> = others.iter().map(|m| m.location.to_string()).collect();
        names.sort();
        let more = if names.len() > NAMES_SHOWN { ", …" } else { "" };
        names.truncate(NAMES_SHOWN);
        let seen = (!names.is_empty()).then(|| names.join(", ") + more);
        return Err(Error::NoFile { connection: connection.to_owned(), path: path.to_owned(), folder: url.to_owned(), seen });
    }
    found.sort_by(|a, b| a.location.cmp(&b.location));
    let base = url.trim_end_matches('/');
    if let Some(outside) = found.iter().map(|meta| format!("{base}/{}", meta.location)).find(|file| !roots.hold(file)) {
        return Err(Error::Connection {
            connection: connection.to_owned(),
            detail: format!("{outside} is a link that leads out of what pipelines may use"),
            help: format!("`limits: roots` of the settings allows {roots}"),
        });
    }
    Ok(found
        .into_iter()
        .map(|meta| FileRef { store: Arc::clone(&store), origin: format!("{base}/{}", meta.location), meta })
        .collect())
}

/// Whether a local file is one that a source of this connection's folder and glob reads, or would read if it were there.
pub fn is_read(url: &str, path: &str, file: &FsPath) -> bool {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(FsPath::new("."));
    let (Ok(base), Ok(folder)) = (FsPath::new(url).canonicalize(), folder.canonicalize()) else { return false };
    let Some(name) = file.file_name().map(|name| folder.join(name)) else { return false };
    let options = glob::MatchOptions { require_literal_separator: true, ..glob::MatchOptions::new() };
    let below = name.strip_prefix(&base).ok().and_then(FsPath::to_str);
    below.zip(glob::Pattern::new(path).ok()).is_some_and(|(below, pattern)| pattern.matches_with(below, options))
}

/// The files that may match; folders below are looked into only where the pattern leads there.
async fn listed(store: &dyn ObjectStore, path: &str, prefix: Option<&Path>) -> object_store::Result<Vec<ObjectMeta>> {
    let below = path.rsplit_once('/').map_or(path, |(_, name)| name);
    let folders = path.split('/').rev().skip(1).any(|folder| folder.contains(['*', '?', '[']));
    if folders || below.contains("**") {
        return store.list(prefix).try_collect().await;
    }
    Ok(store.list_with_delimiter(prefix).await?.objects)
}

pub(crate) const CREDENTIALS: &str = "credentials come from the environment of each process, such as AWS_ACCESS_KEY_ID, \
    AZURE_STORAGE_ACCOUNT_NAME or GOOGLE_SERVICE_ACCOUNT";

fn store(connection: &str, url: &str) -> Result<Arc<dyn ObjectStore>, Error> {
    let failed =
        |detail: String, help: &str| Error::Connection { connection: connection.to_owned(), detail, help: help.to_owned() };
    if !is_remote(url) {
        if !FsPath::new(url).is_dir() {
            return Err(failed(format!("there is no folder {url}"), "paths are relative to the working directory (-C DIR)"));
        }
        let store = LocalFileSystem::new_with_prefix(url).map_err(|e| failed(e.to_string(), "the folder must be readable"))?;
        return Ok(Arc::new(store));
    }
    let (store, prefix) = remote(connection, url)?;
    Ok(Arc::new(PrefixStore::new(store, prefix)))
}

/// The whole store that a url of s3://, az:// or gs:// leads into, and the path in it.
pub(crate) fn remote(connection: &str, url: &str) -> Result<(Arc<dyn ObjectStore>, Path), Error> {
    let failed =
        |detail: String, help: &str| Error::Connection { connection: connection.to_owned(), detail, help: help.to_owned() };
    let unusable = |e: object_store::Error| failed(Error::store_answer(&e).text, CREDENTIALS);
    let parsed = Url::parse(url).map_err(|e| failed(format!("`{url}` is not a url: {e}"), "write s3://bucket/prefix"))?;
    let store: Arc<dyn ObjectStore> = match parsed.scheme() {
        "s3" => Arc::new(AmazonS3Builder::from_env().with_url(url).build().map_err(unusable)?),
        "az" => Arc::new(MicrosoftAzureBuilder::from_env().with_url(url).build().map_err(unusable)?),
        "gs" => Arc::new(GoogleCloudStorageBuilder::from_env().with_url(url).build().map_err(unusable)?),
        other => return Err(failed(format!("`{other}://` is not a known store"), "use a folder, s3://, az:// or gs://")),
    };
    Ok((store, Path::from(parsed.path())))
}

/// Why the files of a connection cannot be listed.
fn unlisted(connection: &str, url: &str, error: &object_store::Error) -> Error {
    let failed =
        |detail: String, help: &str| Error::Connection { connection: connection.to_owned(), detail, help: help.to_owned() };
    if !is_remote(url) {
        let help = "a link that leads in a circle or nowhere, or a folder that may not be read, is in the way";
        return failed(format!("cannot list {url}: {error}"), help);
    }
    let answer = Error::store_answer(error);
    if answer.is_refusal {
        return failed(format!("{url} refuses the credentials, or they may not list: {}", answer.text), CREDENTIALS);
    }
    if answer.may_pass {
        return Error::Unreachable { connection: connection.to_owned(), target: url.to_owned(), detail: answer.text };
    }
    let help = "is there such a bucket, and does it lie where the environment says, as AWS_REGION and AWS_ENDPOINT do?";
    failed(format!("cannot list {url}: {}", answer.text), help)
}

pub(super) fn is_remote(place: &str) -> bool {
    place.contains("://")
}

/// What an error says while a file is read: of a store what may be told of it, of a local file all.
pub(super) fn told(origin: &str, error: &object_store::Error) -> String {
    if !is_remote(origin) {
        return error.to_string();
    }
    let answer = Error::store_answer(error);
    if answer.is_refusal { format!("{}\n  help: {CREDENTIALS}", answer.text) } else { answer.text }
}

/// Why a file cannot be read to its end, and what to look at; `place` says how far it was read.
pub(super) fn broken(file: &FileRef, compression: Compression, place: &str, error: &io::Error) -> Error {
    let origin = file.origin.clone();
    if let Some(Overgrown { limit }) = error.get_ref().and_then(|e| e.downcast_ref()) {
        let detail = format!("{} bytes unpack to more than {limit}", file.meta.size);
        return Error::Limit { origin, key: "expansion", detail };
    }
    let told = error.to_string();
    let help = match compression {
        // A store that refuses says so, and what to do about it.
        _ if told.contains("\n  help:") => "",
        Compression::None => "",
        Compression::Gzip => "\n  help: the file was cut off or damaged, or is not gzip (see `compression:`)",
        Compression::Zstd => "\n  help: the file was cut off or damaged, or is not zstd (see `compression:`)",
    };
    Error::Read { origin, detail: format!("{place}: {told}{help}") }
}

/// Opens a file of text for reading on a thread that may block.
pub(super) fn reader(
    file: &FileRef,
    compression: Compression,
    expansion: u64,
    handle: &Handle,
) -> Result<Box<dyn Read + Send>, Error> {
    let failed = |detail: String| Error::Read { origin: file.origin.clone(), detail };
    let found = handle.block_on(file.store.get(&file.meta.location)).map_err(|e| failed(told(&file.origin, &e)))?;
    let (origin, stream) = (file.origin.clone(), found.into_stream());
    let bytes = BufReader::with_capacity(256 * 1024, StoreReader { origin, handle: handle.clone(), stream, chunk: Bytes::new() });
    let limit = unpacked::limit(file.meta.size, expansion);
    let text: Box<dyn Read + Send> = match compression {
        Compression::None => Box::new(bytes),
        Compression::Gzip => Box::new(Unpacked::new(flate2::bufread::MultiGzDecoder::new(bytes), limit)),
        Compression::Zstd => {
            let decoder = zstd::stream::read::Decoder::with_buffer(bytes).map_err(|e| failed(e.to_string()))?;
            Box::new(Unpacked::new(decoder, limit))
        }
    };
    let (text, other) = unpacked::recognised(text).map_err(|e| broken(file, compression, "its first bytes", &e))?;
    other.map_or(Ok(text), |told| Err(failed(told)))
}

/// That the file is the one that was found: what is written while it is read may be seen in part.
pub(super) async fn same(file: &FileRef) -> Result<(), Error> {
    let failed = |detail: String| Error::Read { origin: file.origin.clone(), detail };
    let now = file.store.head(&file.meta.location).await.map_err(|e| failed(told(&file.origin, &e)))?;
    let (then, now) = (&file.meta, &now);
    // A store's listing may leave out the tag.
    let tagged = then.e_tag.is_none() || now.e_tag.is_none() || then.e_tag == now.e_tag;
    // It may tell the moment to the millisecond where the object's own header tells it to the second.
    let moment = |meta: &ObjectMeta| {
        let second = meta.last_modified.timestamp();
        (second, if is_remote(&file.origin) { 0 } else { meta.last_modified.timestamp_subsec_nanos() })
    };
    if tagged && then.size == now.size && moment(then) == moment(now) {
        return Ok(());
    }
    let sizes = if then.size == now.size { String::new() } else { format!(" ({} bytes, then {})", then.size, now.size) };
    Err(failed(format!(
        "it changed while it was read{sizes}\n  help: let the writer finish under another name and rename the file when it is whole; then run again"
    )))
}

/// A store's stream of bytes as `Read`.
struct StoreReader {
    origin: String,
    handle: Handle,
    stream: BoxStream<'static, object_store::Result<Bytes>>,
    chunk: Bytes,
}

impl Read for StoreReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            match self.handle.block_on(self.stream.next()) {
                Some(next) => self.chunk = next.map_err(|e| io::Error::other(told(&self.origin, &e)))?,
                None => return Ok(0),
            }
        }
        let size = buffer.len().min(self.chunk.len());
        self.chunk.copy_to_slice(buffer.get_mut(..size).unwrap_or_default());
        Ok(size)
    }
}
