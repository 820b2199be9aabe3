//! The server: connections on loopback, faults and limits, and the handle that tests and the CLI hold.

use std::net::Ipv4Addr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::Body as AxumBody;
use axum::extract::{FromRequest, Multipart};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use url::form_urlencoded;

use crate::auth::{self, Key};
use crate::engine::Engine;
use crate::faults::{self, Fault};
use crate::http::{Body, Part, Request, Response};
use crate::problem::Problem;
use crate::rate::{self, Bucket};
use crate::{Faults, RateLimit, SandboxError, SandboxOptions, files, fingerprint, graphql, metadata, rest, workflows};

/// The largest JSON body.
const LARGEST_JSON: usize = 10 * 1024 * 1024;
/// The largest body that is read at all.
const LARGEST_BODY: usize = 1024 * 1024 * 1024;
/// URL and headers together.
const LARGEST_HEAD: usize = 16 * 1024;
/// Time for which a slow answer is held back.
const LATE: Duration = Duration::from_secs(2);
/// Time for which a request that times out is kept waiting.
const SILENCE: Duration = Duration::from_secs(60);

/// State that every connection shares.
#[derive(Debug)]
struct Shared {
    engine: Mutex<Engine>,
    bucket: Option<Mutex<Bucket>>,
    rate: Option<RateLimit>,
    faults: Faults,
    latency: Duration,
    requests: AtomicU64,
}

/// A running sandbox. Dropping it stops it.
#[derive(Debug)]
pub struct Sandbox {
    shared: Arc<Shared>,
    url: String,
    token: String,
    stop: watch::Sender<bool>,
    listener: tokio::task::JoinHandle<()>,
}

/// The connection is to be cut without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection was cut on demand")]
struct Cut;

/// Starts a sandbox on 127.0.0.1.
///
/// # Errors
/// The state cannot be opened or is of another version, or the port is taken.
pub async fn start(options: SandboxOptions) -> Result<Sandbox, SandboxError> {
    let refuse = |reason| SandboxError::Listen { port: options.port, reason };
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await.map_err(refuse)?;
    let port = socket.local_addr().map_err(refuse)?.port();
    let mut engine = Engine::open(&options)?;
    let url = format!("http://127.0.0.1:{port}");
    engine.base_url.clone_from(&url);
    let token = engine.token.clone();
    let shared = Arc::new(Shared {
        engine: Mutex::new(engine),
        bucket: options.rate.map(|limit| Mutex::new(Bucket::new(limit))),
        rate: options.rate,
        faults: options.faults,
        latency: options.latency,
        requests: AtomicU64::new(0),
    });
    let (stop, stopped) = watch::channel(false);
    let listener = tokio::spawn(listen(socket, Arc::clone(&shared), stopped));
    Ok(Sandbox { shared, url, token, stop, listener })
}

impl Sandbox {
    /// The address, without a slash at the end.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// The API key to send as `Authorization: Bearer …`; it opens nothing but a sandbox.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// A hash over every record (trashed ones too) and the schema, without what the server stamps by itself.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn fingerprint(&self) -> Result<String, SandboxError> {
        fingerprint::fingerprint(&self.shared.lock())
    }

    /// Number of uploaded files that are stored, those that no record names included.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn file_count(&self) -> Result<u64, SandboxError> {
        Ok(self.shared.lock().count_files()?)
    }

    /// Switches the envelopes of the metadata answers, as a workspace's feature flag does.
    pub fn set_legacy_metadata(&self, legacy: bool) {
        self.shared.lock().legacy_metadata = legacy;
    }

    /// Number of requests that have come in.
    pub fn request_count(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }

    /// Stops listening and cuts the connections that are open.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        // Only the listener's own end is awaited: whether it was cancelled does not matter here.
        let _ended = (&mut self.listener).await;
        // A request that is being carried out keeps the database open; it is given a moment to end.
        for _ in 0..100 {
            if Arc::strong_count(&self.shared) == 1 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until the sandbox is stopped.
    pub async fn wait(&self) {
        let mut stopped = self.stop.subscribe();
        // An error means that the sender is gone, and with it the sandbox.
        let _stopped = stopped.wait_for(|stopped| *stopped).await;
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.listener.abort();
    }
}

impl Shared {
    /// The state; a panic elsewhere leaves it usable, since every change is one transaction.
    fn lock(&self) -> MutexGuard<'_, Engine> {
        let engine = self.engine.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = engine.store.undo_unfinished() {
            tracing::error!(%error, "an unfinished change could not be undone");
        }
        engine
    }

    fn take_token(&self) -> Result<(), Problem> {
        match &self.bucket {
            Some(bucket) => bucket.lock().unwrap_or_else(PoisonError::into_inner).take(Instant::now()),
            None => Ok(()),
        }
    }
}

async fn listen(socket: TcpListener, shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            _ = stopped.wait_for(|stopped| *stopped) => return,
        };
        if let Ok((stream, _)) = accepted {
            tokio::spawn(connection(stream, Arc::clone(&shared), stopped.clone()));
        }
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    // Without this the last bytes of an answer may wait for an acknowledgement.
    let _no_delay = stream.set_nodelay(true);
    let service = service_fn(move |request| answer(request, Arc::clone(&shared)));
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder.max_buf_size(LARGEST_HEAD);
    let served = builder.serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        ended = served => if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended early");
        },
        _ = stopped.wait_for(|stopped| *stopped) => {}
    }
}

async fn answer(
    request: axum::http::Request<Incoming>,
    shared: Arc<Shared>,
) -> Result<axum::http::Response<AxumBody>, Cut> {
    let number = shared.requests.fetch_add(1, Ordering::Relaxed);
    let fault = faults::choose(&shared.faults, number);
    let Some(request) = read(request).await else { return Err(Cut) };
    if !shared.latency.is_zero() {
        tokio::time::sleep(shared.latency).await;
    }
    let refused = match fault {
        Some(Fault::ResetBefore) => return Err(Cut),
        Some(Fault::SilentBefore) => {
            tokio::time::sleep(SILENCE).await;
            return Err(Cut);
        }
        Some(Fault::Error) => Some(Problem::new(500, "InternalServerErrorException", "Internal server error")),
        // Only record queries are limited: metadata and files never are.
        Some(Fault::Limit) if is_limited(&request.path) => {
            let limit = shared.rate.unwrap_or(RateLimit { requests: 100, per: Duration::from_secs(60) });
            Some(rate::refusal(limit))
        }
        _ => None,
    };
    let response = match refused {
        Some(problem) if request.path == "/graphql" && problem.status == 429 => {
            Response::json(200, &json!({"data": null, "errors": [problem.graphql_error()]}))
        }
        Some(problem) => problem.into(),
        None => {
            let worker = Arc::clone(&shared);
            let done = tokio::task::spawn_blocking(move || {
                let response = route(&worker, &request);
                if let Err(problem) = workflows::run(&mut worker.lock()) {
                    tracing::error!(problem = problem.message, "a workflow failed");
                }
                response
            })
            .await;
            done.map_err(|_| Cut)?
        }
    };
    match fault {
        Some(Fault::ResetAfter) => Err(Cut),
        Some(Fault::SilentAfter) => {
            tokio::time::sleep(SILENCE).await;
            Err(Cut)
        }
        Some(Fault::Slow) => {
            tokio::time::sleep(LATE).await;
            Ok(send(response))
        }
        Some(Fault::Half) => Ok(send_half(response)),
        Some(Fault::BadJson) => Ok(send(Response::text(200, "<html><body>upstream connect error"))),
        _ => Ok(send(response)),
    }
}

fn is_limited(path: &str) -> bool {
    path == "/graphql" || path.starts_with("/rest/") && !path.starts_with("/rest/metadata/")
}

fn send(response: Response) -> axum::http::Response<AxumBody> {
    let limited = response.status == 429;
    let mut sent = axum::http::Response::new(AxumBody::from(response.body));
    *sent.status_mut() = axum::http::StatusCode::from_u16(response.status).unwrap_or_default();
    sent.headers_mut().insert(CONTENT_TYPE, axum::http::HeaderValue::from_static(response.mime));
    if limited {
        let close = axum::http::HeaderValue::from_static("close");
        sent.headers_mut().insert(axum::http::header::CONNECTION, close);
    }
    sent
}

/// The first half of an answer whose head promises the whole; the connection is cut after it.
fn send_half(response: Response) -> axum::http::Response<AxumBody> {
    let mut body = response.body;
    let whole = body.len();
    body.truncate(whole / 2);
    let mut sent = send(Response { body: Vec::new(), ..response });
    sent.headers_mut().insert(axum::http::header::CONTENT_LENGTH, whole.into());
    *sent.body_mut() = AxumBody::new(Half(Some(body.into())));
    sent
}

/// A body that breaks off.
#[derive(Debug)]
struct Half(Option<Bytes>);

impl hyper::body::Body for Half {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        Poll::Ready(Some(self.0.take().map(Frame::data).ok_or(Cut)))
    }
}

/// Reads a request in full; `None` if the client went away.
async fn read(request: axum::http::Request<Incoming>) -> Option<Request> {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let authorization = header(AUTHORIZATION);
    let content_type = header(CONTENT_TYPE).unwrap_or_default();
    let method = request.method().as_str().to_owned();
    let target = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
    let path = request.uri().path().to_owned();
    let query = form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()).into_owned().collect();
    let request = request.map(AxumBody::new);
    let body = if content_type.starts_with("multipart/form-data") {
        Body::Parts(parts(request).await?)
    } else {
        let bytes = axum::body::to_bytes(request.into_body(), LARGEST_BODY).await.ok()?;
        let limit = if path.starts_with("/file-upload/") { LARGEST_BODY } else { LARGEST_JSON };
        if bytes.len() > limit { Body::TooLarge } else { Body::Bytes(bytes.to_vec()) }
    };
    Some(Request { method, path, target, query, authorization, content_type, body })
}

async fn parts(mut request: axum::http::Request<AxumBody>) -> Option<Vec<Part>> {
    axum::extract::DefaultBodyLimit::disable().apply(&mut request);
    let mut form = Multipart::from_request(request, &()).await.ok()?;
    let mut parts = Vec::new();
    while let Some(field) = form.next_field().await.ok()? {
        let name = field.name().unwrap_or_default().to_owned();
        let file_name = field.file_name().map(str::to_owned);
        let mime = field.content_type().map(str::to_owned);
        let content = field.bytes().await.ok()?.to_vec();
        parts.push(Part { name, file_name, mime, content });
    }
    Some(parts)
}

/// The place of the API's description, which a connector only probes.
fn open_api() -> Response {
    Response::json(200, &json!({"openapi": "3.1.0", "paths": {}}))
}

/// The answer to a request; runs on a thread of its own, one at a time.
fn route(shared: &Shared, request: &Request) -> Response {
    if matches!(request.body, Body::TooLarge) {
        return Response::text(500, "request entity too large");
    }
    let mut engine = shared.lock();
    let key = auth::judge(request, &engine.token);
    match request.segments().as_slice() {
        ["rest", "open-api", ..] if engine.old() && request.param("token") == Some(&engine.token) => open_api(),
        ["rest", ..] if key != Key::Good => auth::refusal(key, engine.old()),
        ["rest", "metadata", ..] => metadata::serve(&mut engine, request),
        ["rest", "open-api", ..] => open_api(),
        ["rest", _, ..] => match shared.take_token() {
            Ok(()) => rest::serve(&mut engine, request),
            Err(problem) => problem.into(),
        },
        ["graphql"] => graphql::serve(&mut engine, request, key, || shared.take_token()),
        ["metadata"] => graphql::serve_metadata(&mut engine, request, key),
        ["file" | "files" | "file-upload", ..] => files::serve(&mut engine, request),
        ["healthz"] => Response::json(200, &json!({"status": "ok", "info": {}, "error": {}, "details": {}})),
        _ => {
            let message = format!("Cannot {} {}", request.method, request.path);
            Response::json(404, &json!({"message": message, "error": "Not Found", "statusCode": 404}))
        }
    }
}
