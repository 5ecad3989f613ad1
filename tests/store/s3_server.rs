//! An S3 server of the test's own on loopback: it checks signatures and conditions, keeps objects as files, and can be made to
//! fail, to hold requests back, and to ignore conditions.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, HttpError};

pub const BUCKET: &str = "lake";
pub const KEY: &str = "AKTULIPHARBOUR";
pub const SECRET: &str = "Tulip-7f3a-Harbour";

pub struct Server {
    folder: tempfile::TempDir,
    host: String,
    pub port: u16,
    pub moods: Arc<Moods>,
    /// Ends with the test.
    _runtime: tokio::runtime::Runtime,
}

/// What one request meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blow {
    /// 503, as from a store that is busy.
    Fail,
    /// 403, which no second attempt makes good.
    Refuse,
    /// It is done, and the connection is cut before the answer.
    Cut,
    /// It waits to be killed, before it is done,
    KillBefore,
    /// or when it is done and not answered.
    KillAfter,
}

/// Which request is struck.
enum Aim {
    /// The one of this number, from 1.
    Number(usize),
    /// The first to come whose method and address are like this.
    Like(fn(&str) -> bool),
}

/// How the server behaves.
#[derive(Default)]
pub struct Moods {
    /// Requests to come that are answered with 503.
    pub failures: AtomicUsize,
    /// Writes of addresses that contain this wait.
    pub hold: Mutex<Option<String>>,
    /// How many wait.
    pub waiting: AtomicUsize,
    pub ignores_conditions: AtomicBool,
    /// Method and address of every request.
    seen: Mutex<Vec<String>>,
    /// Which request meets what.
    blow: Mutex<Option<(Aim, Blow)>>,
    /// The store underneath looks and writes in two steps; real ones do it in one.
    writes: tokio::sync::Mutex<()>,
}

impl Moods {
    pub fn hold(&self, address: &str) {
        *self.hold.lock().unwrap() = Some(address.to_owned());
    }

    pub fn let_go(&self) {
        *self.hold.lock().unwrap() = None;
    }

    pub fn strike(&self, request: usize, blow: Blow) {
        *self.blow.lock().unwrap() = Some((Aim::Number(request), blow));
    }

    /// The first request to come that is like this meets the blow, and no other.
    pub fn strike_first(&self, like: fn(&str) -> bool, blow: Blow) {
        *self.blow.lock().unwrap() = Some((Aim::Like(like), blow));
    }

    /// No blow is to come, and nothing waits any more.
    pub fn calm(&self) {
        *self.blow.lock().unwrap() = None;
        self.waiting.store(0, Ordering::SeqCst);
    }

    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    fn blow(&self, request: &Request<Incoming>) -> Option<Blow> {
        let mut seen = self.seen.lock().unwrap();
        let asked = format!("{} {}", request.method(), request.uri().path_and_query().unwrap());
        let number = seen.len() + 1;
        let is_struck = |(aim, _): &mut (Aim, Blow)| match aim {
            Aim::Number(at) => *at == number,
            Aim::Like(like) => (*like)(&asked),
        };
        let blow = self.blow.lock().unwrap().take_if(is_struck);
        seen.push(asked);
        blow.map(|(_, blow)| blow)
    }

    fn holds(&self, request: &Request<Incoming>) -> bool {
        let uri = request.uri().to_string();
        request.method() == "PUT" && self.hold.lock().unwrap().as_ref().is_some_and(|held| uri.contains(held))
    }
}

impl Server {
    pub fn start() -> Self {
        Self::at("127.0.0.1")
    }

    /// One that listens on another address of this machine.
    pub fn at(host: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(BUCKET)).unwrap();
        Self::on(folder, host)
    }

    /// Another one that holds the same.
    pub fn like(other: &Self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut copy = std::process::Command::new("cp");
        assert!(copy.arg("-a").arg(other.folder.path().join(".")).arg(folder.path()).status().unwrap().success());
        Self::on(folder, &other.host)
    }

    fn on(folder: tempfile::TempDir, host: &str) -> Self {
        let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder.path()).unwrap());
        builder.set_auth(SimpleAuth::from_single(KEY, SECRET));
        let (service, moods) = (builder.build(), Arc::new(Moods::default()));
        let root: Arc<Path> = Arc::from(folder.path());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind((host, 0))).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::clone(&moods);
        runtime.spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (service, moods, root) = (service.clone(), Arc::clone(&shared), Arc::clone(&root));
                let answer = service_fn(move |request| answer(service.clone(), Arc::clone(&moods), Arc::clone(&root), request));
                tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), answer));
            }
        });
        Self { folder, host: host.to_owned(), port, moods, _runtime: runtime }
    }

    /// Where the objects of a url below the bucket lie as files.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(BUCKET).join(name)
    }

    /// Parts of uploads that were neither completed nor aborted.
    pub fn parts(&self) -> usize {
        let names = std::fs::read_dir(self.folder.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.contains(".part-")).count()
    }

    /// Uploads that were neither completed nor aborted, with parts and without.
    pub fn unfinished(&self) -> usize {
        begun(self.folder.path()).len()
    }

    /// What a program needs to come in.
    pub fn environment(&self) -> [(&'static str, String); 5] {
        [
            ("AWS_ENDPOINT", format!("http://{}:{}", self.host, self.port)),
            ("AWS_ALLOW_HTTP", "true".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET.to_owned()),
        ]
    }
}

async fn answer(
    service: S3Service,
    moods: Arc<Moods>,
    root: Arc<Path>,
    request: Request<Incoming>,
) -> io::Result<Response<Body>> {
    let blow = moods.blow(&request);
    match blow {
        Some(Blow::Fail) => return Ok(status(StatusCode::SERVICE_UNAVAILABLE)),
        Some(Blow::Refuse) => return Ok(status(StatusCode::FORBIDDEN)),
        Some(Blow::KillBefore) => wait_for_death(&moods).await,
        _ => {}
    }
    let fails = moods.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
    if fails {
        return Ok(status(StatusCode::SERVICE_UNAVAILABLE));
    }
    if moods.holds(&request) {
        moods.waiting.fetch_add(1, Ordering::SeqCst);
        while moods.holds(&request) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    let conditions = ["if-match", "if-none-match"];
    let is_conditional = conditions.iter().any(|header| request.headers().contains_key(*header));
    let _one = if is_conditional { Some(moods.writes.lock().await) } else { None };
    let answered = served(&service, &root, request).await;
    match blow {
        Some(Blow::Cut) => return Err(io::Error::other("cut")),
        Some(Blow::KillAfter) => wait_for_death(&moods).await,
        _ => {}
    }
    let is_refused = matches!(answered.status(), StatusCode::PRECONDITION_FAILED | StatusCode::CONFLICT);
    // The headers are signed, so the condition cannot be taken out; to the program it is the same that it is not answered for.
    if is_refused && moods.ignores_conditions.load(Ordering::SeqCst) {
        return Ok(Response::builder().header("etag", "\"written\"").body(Body::empty()).unwrap());
    }
    Ok(answered)
}

/// What the store underneath answers, and what it lacks: it knows no list of uploads, and takes one that is gone for forbidden.
async fn served(service: &S3Service, root: &Path, request: Request<Incoming>) -> Response<Body> {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let value = |name: &str| query.split('&').find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name)).map(|p| p.1);
    let is_gone = |id: &str| !root.join(format!(".upload-{id}.json")).exists();
    if value("uploadId").is_some_and(is_gone) {
        let body = "<Error><Code>NoSuchUpload</Code><Message>The specified upload does not exist.</Message></Error>";
        return Response::builder().status(StatusCode::NOT_FOUND).body(Body::from(body.to_owned())).unwrap();
    }
    let lists = request.method() == "GET" && value("uploads").is_some();
    let answered: Result<_, HttpError> = service.call(request.map(Body::from)).await;
    let answered = answered.unwrap_or_else(|_| status(StatusCode::INTERNAL_SERVER_ERROR));
    if !lists || answered.status() != StatusCode::NOT_IMPLEMENTED {
        return answered;
    }
    // The request was well signed, or it would have been refused.
    let prefix = value("prefix").unwrap_or_default().replace("%2F", "/");
    let uploads = begun(root).into_iter().filter(|(key, _)| key.starts_with(&prefix));
    let uploads: String =
        uploads.map(|(key, id)| format!("<Upload><Key>{key}</Key><UploadId>{id}</UploadId></Upload>")).collect();
    let list = format!("<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>{uploads}</ListMultipartUploadsResult>");
    Response::new(Body::from(list))
}

/// Keys and ids of uploads that were not ended, by the names of the files that the store underneath keeps of each.
fn begun(root: &Path) -> Vec<(String, String)> {
    let names = std::fs::read_dir(root).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let upload = |name: String| {
        let (key, id) = name.strip_suffix(".metadata.json")?.split_once(".object-")?.1.split_once(".upload-")?;
        root.join(format!(".upload-{id}.json")).exists().then(|| (decoded(key), id.to_owned()))
    };
    names.filter_map(upload).collect()
}

/// Base64 in the alphabet for addresses, without padding.
fn decoded(text: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (mut held, mut bits, mut bytes) = (0_u32, 0, Vec::new());
    for letter in text.bytes() {
        let value = ALPHABET.iter().position(|known| *known == letter).unwrap();
        held = ((held << 6) | value as u32) & 0xffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
        }
    }
    String::from_utf8(bytes).unwrap()
}

async fn wait_for_death(moods: &Moods) {
    moods.waiting.fetch_add(1, Ordering::SeqCst);
    std::future::pending::<()>().await;
}

fn status(status: StatusCode) -> Response<Body> {
    Response::builder().status(status).body(Body::empty()).unwrap()
}
