//! The server: connections on loopback, faults, and the handle that tests and the CLI hold.

use std::any::Any;
use std::fmt::Debug;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body as AxumBody;
use axum::extract::{FromRequest, Multipart};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use url::form_urlencoded;

use crate::faults::{self, Fault};
use crate::http::{Body, Part, Request, Response};
use crate::{Faults, SandboxError};

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

/// System behind the connections: a request in, an answer out.
pub(crate) trait Site: Any + Debug + Send + Sync {
    /// The answer to a request; called on a thread of its own.
    fn serve(&self, request: &Request) -> Response;

    /// The answer where a failure of the server was asked for.
    fn failure(&self, request: &Request) -> Response;

    /// The answer where the limit is to be reached on demand; `None` for requests that are never limited.
    fn limit_reached(&self, request: &Request) -> Option<Response>;

    /// The answer where a refusal was asked for of what was carried out all the same.
    fn contradict(&self, _request: &Request, response: Response) -> Response {
        response
    }

    /// True where a request's body is bytes of a file, and may be larger than JSON.
    fn takes_files(&self, path: &str) -> bool;

    /// A hash over the whole state.
    fn fingerprint(&self) -> Result<String, SandboxError>;

    /// The same, whatever ids the records were given.
    fn contents(&self) -> Result<String, SandboxError> {
        self.fingerprint()
    }

    /// Number of files that are stored.
    fn file_count(&self) -> Result<u64, SandboxError>;
}

/// Place to listen at, and the way to answer beside what the system says.
#[derive(Debug)]
pub(crate) struct Front {
    pub(crate) port: u16,
    pub(crate) latency: Duration,
    pub(crate) faults: Faults,
}

/// State that every connection shares.
#[derive(Debug)]
struct Shared {
    site: Box<dyn Site>,
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

/// Listens on 127.0.0.1 for the system that `open` makes of its own address, with the token that opens it.
pub(crate) async fn serve(
    front: Front,
    open: impl FnOnce(&str) -> Result<(Box<dyn Site>, String), SandboxError>,
) -> Result<Sandbox, SandboxError> {
    let refuse = |reason| SandboxError::Listen { port: front.port, reason };
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, front.port)).await.map_err(refuse)?;
    let port = socket.local_addr().map_err(refuse)?.port();
    let url = format!("http://127.0.0.1:{port}");
    let (site, token) = open(&url)?;
    let requests = AtomicU64::new(0);
    let shared = Arc::new(Shared { site, faults: front.faults, latency: front.latency, requests });
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
        self.shared.site.fingerprint()
    }

    /// A hash over the same, whatever ids the server gave: records made in another order are the same.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn contents(&self) -> Result<String, SandboxError> {
        self.shared.site.contents()
    }

    /// Number of uploaded files that are stored, those that no record names included.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn file_count(&self) -> Result<u64, SandboxError> {
        self.shared.site.file_count()
    }

    /// The system behind the connections, where it is of this kind.
    pub(crate) fn site<S: Site>(&self) -> Option<&S> {
        let site: &dyn Any = &*self.shared.site;
        site.downcast_ref()
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
    let Some(request) = read(request, &*shared.site).await else { return Err(Cut) };
    if !shared.latency.is_zero() {
        tokio::time::sleep(shared.latency).await;
    }
    let refused = match fault {
        Some(Fault::ResetBefore) => return Err(Cut),
        Some(Fault::SilentBefore) => {
            tokio::time::sleep(SILENCE).await;
            return Err(Cut);
        }
        Some(Fault::Error) => Some(shared.site.failure(&request)),
        Some(Fault::Limit) => shared.site.limit_reached(&request),
        _ => None,
    };
    let response = if let Some(refusal) = refused {
        refusal
    } else {
        let worker = Arc::clone(&shared);
        let done = tokio::task::spawn_blocking(move || {
            let response = worker.site.serve(&request);
            if fault == Some(Fault::Contradiction) { worker.site.contradict(&request, response) } else { response }
        })
        .await;
        done.map_err(|_| Cut)?
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

fn send(response: Response) -> axum::http::Response<AxumBody> {
    let limited = response.status == 429;
    let mut sent = axum::http::Response::new(AxumBody::from(response.body));
    *sent.status_mut() = axum::http::StatusCode::from_u16(response.status).unwrap_or_default();
    sent.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(response.mime));
    for (name, value) in response.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            sent.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    if limited {
        sent.headers_mut().insert(axum::http::header::CONNECTION, HeaderValue::from_static("close"));
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
async fn read(request: axum::http::Request<Incoming>, site: &dyn Site) -> Option<Request> {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let authorization = header(AUTHORIZATION);
    let content_type = header(CONTENT_TYPE).unwrap_or_default();
    let version = header(HeaderName::from_static("version"));
    let method = request.method().as_str().to_owned();
    let target = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
    let path = request.uri().path().to_owned();
    let query = form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()).into_owned().collect();
    let request = request.map(AxumBody::new);
    let body = if content_type.starts_with("multipart/form-data") {
        Body::Parts(parts(request).await?)
    } else {
        let bytes = axum::body::to_bytes(request.into_body(), LARGEST_BODY).await.ok()?;
        let limit = if site.takes_files(&path) { LARGEST_BODY } else { LARGEST_JSON };
        if bytes.len() > limit { Body::TooLarge } else { Body::Bytes(bytes.to_vec()) }
    };
    Some(Request { method, path, target, query, authorization, version, content_type, body })
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
