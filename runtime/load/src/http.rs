//! One HTTP client for all connectors: pace, attempts by class of failure, redaction.

mod back_off;
mod pace;
mod reason;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::{Method, StatusCode, multipart};
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};
use url::Url;

pub(crate) use back_off::pause;
use pace::Pace;
use reason::{clean, graphql_code, reason, stated_rate};

use crate::{Endpoint, HttpOptions, LoadError, Rate, Secret};

/// Which requests may be sent again when it is not known whether they were carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    /// Carrying it out twice is the same as once.
    Always,
    /// Only when it surely was not carried out.
    Unsent,
}

/// What a request carries.
#[derive(Clone, Debug)]
pub(crate) enum Payload<'a> {
    /// Nothing.
    Empty,
    /// A JSON text.
    Json(Vec<u8>),
    /// A GraphQL multipart request with one file.
    Upload {
        /// `operations` and `map`, as JSON texts.
        operations: String,
        /// Which variable the file is.
        map: &'static str,
        /// The file.
        file: &'a Path,
        /// Its name there.
        name: &'a str,
        /// Its media type.
        media: &'static str,
        /// Its size.
        bytes: u64,
    },
    /// A file as it is.
    Bytes {
        /// The file.
        file: &'a Path,
        /// Its media type.
        media: String,
        /// Its size.
        bytes: u64,
    },
}

impl Payload<'_> {
    fn bytes(&self) -> u64 {
        match self {
            Self::Empty => 0,
            Self::Json(text) => u64::try_from(text.len()).unwrap_or(u64::MAX),
            Self::Upload { bytes, .. } | Self::Bytes { bytes, .. } => *bytes,
        }
    }
}

/// One request.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) method: Method,
    /// Path at the destination.
    pub(crate) path: String,
    pub(crate) query: Vec<(&'static str, String)>,
    pub(crate) payload: Payload<'a>,
    /// It counts against the allowance.
    pub(crate) paced: bool,
    pub(crate) again: Again,
}

impl<'a> Call<'a> {
    /// A request that reads.
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path, Payload::Empty)
    }

    /// A request that is paced and may be repeated.
    pub(crate) fn new(method: Method, path: impl Into<String>, payload: Payload<'a>) -> Self {
        Self { method, path: path.into(), query: Vec::new(), payload, paced: true, again: Again::Always }
    }

    /// With one more pair of the query.
    pub(crate) fn query(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.query.push((key, value.into()));
        self
    }

    /// It does not count against the allowance.
    pub(crate) fn unpaced(mut self) -> Self {
        self.paced = false;
        self
    }

    /// It is not repeated when it may have been carried out.
    pub(crate) fn once(mut self) -> Self {
        self.again = Again::Unsent;
        self
    }

    /// Method and path, for people.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// Why there is no answer to use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CallError {
    /// The server refused it, and did nothing.
    Refused {
        /// HTTP status; 200 for GraphQL.
        status: u16,
        /// The server's reason.
        message: String,
        /// The server's code.
        code: Option<String>,
        /// The answer, where it was JSON.
        body: Option<Box<NoDebug>>,
    },
    /// It may have been carried out.
    Unknown {
        /// What came instead of an answer.
        why: String,
    },
    /// It concerns every request.
    Fatal(LoadError),
}

/// An answer that must not be shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct NoDebug(pub(crate) Value);

impl std::fmt::Debug for NoDebug {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

impl CallError {
    /// As an error of one request.
    pub(crate) fn into_load_error(self, request: String) -> LoadError {
        match self {
            Self::Refused { status, message, code, .. } => LoadError::Refused { request, status, message, code },
            Self::Unknown { why } => LoadError::Unexpected { request, why },
            Self::Fatal(error) => error,
        }
    }
}

/// What one attempt came to.
enum Attempt {
    Answer(Vec<u8>),
    /// One too many.
    TooMany {
        started: Instant,
        retry_after: Option<Duration>,
        message: String,
    },
    /// The server or the way to it failed. `sent`: it may have been carried out.
    Failed {
        why: String,
        sent: bool,
        retry_after: Option<Duration>,
    },
    Over(CallError),
}

/// The client.
#[derive(Debug)]
pub(crate) struct Http {
    client: reqwest::Client,
    base: Url,
    token: Secret,
    pace: Pace,
    slots: Semaphore,
    options: HttpOptions,
    /// Texts of a 5xx answer by which the server says that it did nothing.
    refusals: &'static [&'static str],
    requests: AtomicU64,
}

impl Http {
    /// A client of one destination. `refusals`: texts of a 5xx answer that are refusals of what was sent.
    pub(crate) fn new(
        endpoint: &Endpoint,
        rate: Option<Rate>,
        options: HttpOptions,
        refusals: &'static [&'static str],
    ) -> Result<Self, LoadError> {
        let settings = |what: String| LoadError::Settings { what };
        let mut base = Url::parse(endpoint.url.trim()).map_err(|error| {
            settings(format!("the destination's url is not an address ({error}); write it as `https://crm.example`"))
        })?;
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
            return Err(settings("the destination's url must start with `https://` or `http://`".to_owned()));
        }
        if base.password().is_some() || !base.username().is_empty() {
            return Err(settings(
                "the destination's url must not hold a name or password; use `token = secret(\"NAME\")`".to_owned(),
            ));
        }
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        base.set_query(None);
        base.set_fragment(None);
        if endpoint.token.is_empty() {
            return Err(settings("the destination's token is empty".to_owned()));
        }
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", endpoint.token.reveal()))
            .map_err(|_| settings("the destination's token holds characters that no token has".to_owned()))?;
        bearer.set_sensitive(true);
        let client = client(&options, bearer)?;
        let slots = Semaphore::new(options.in_flight.clamp(1, 1024));
        let pace = Pace::new(options.rate.or(rate));
        Ok(Self {
            client,
            base,
            token: endpoint.token.clone(),
            pace,
            slots,
            options,
            refusals,
            requests: AtomicU64::new(0),
        })
    }

    /// The destination's address, for people.
    pub(crate) fn host(&self) -> String {
        let port = self.base.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}://{}{port}", self.base.scheme(), self.base.host_str().unwrap_or_default())
    }

    /// How it is spoken to.
    pub(crate) fn options(&self) -> &HttpOptions {
        &self.options
    }

    /// Sends a request, again where that is right, and gives the JSON answer; `null` for an empty one.
    pub(crate) async fn call(&self, call: &Call<'_>) -> Result<Value, CallError> {
        let mut failures = 0;
        let mut waited = Duration::ZERO;
        loop {
            let (why, mut rest) = match self.attempt(call).await {
                Attempt::Answer(bytes) if bytes.is_empty() => return Ok(Value::Null),
                Attempt::Answer(bytes) => match serde_json::from_slice(&bytes) {
                    Ok(answer) => return Ok(answer),
                    Err(error) if call.again == Again::Unsent => {
                        return Err(CallError::Unknown { why: format!("the answer is not JSON ({error})") });
                    }
                    Err(error) => (format!("the answer is not JSON ({error})"), None),
                },
                Attempt::TooMany { started, retry_after, message } => {
                    let pause = self.pace.refused(started, retry_after, stated_rate(&message));
                    waited += pause;
                    tracing::debug!(
                        request = call.name(),
                        seconds = pause.as_secs_f64(),
                        "the server asked for a pause"
                    );
                    if waited > self.options.longest_wait {
                        let error = LoadError::Quota { url: self.host(), seconds: pause.as_secs(), message };
                        return Err(CallError::Fatal(error));
                    }
                    continue;
                }
                Attempt::Failed { why, sent: true, .. } if call.again == Again::Unsent => {
                    return Err(CallError::Unknown { why });
                }
                Attempt::Failed { why, retry_after, .. } => (why, retry_after),
                Attempt::Over(error) => return Err(error),
            };
            failures += 1;
            if failures >= self.options.attempts.max(1) {
                return Err(CallError::Fatal(LoadError::Unavailable {
                    url: self.host(),
                    request: call.name(),
                    attempts: failures,
                    why,
                }));
            }
            let pause = pause(&self.options, &call.path, failures);
            let rest = rest.take().unwrap_or_default().min(self.options.longest_wait).max(pause);
            tracing::debug!(request = call.name(), why, attempt = failures, seconds = rest.as_secs_f64(), "again");
            sleep(rest).await;
        }
    }

    /// How many requests have been sent.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    async fn attempt(&self, call: &Call<'_>) -> Attempt {
        let Ok(_slot) = self.slots.acquire().await else {
            return Attempt::Failed { why: "the client was closed".to_owned(), sent: false, retry_after: None };
        };
        if call.paced {
            self.pace.turn().await;
        }
        let started = Instant::now();
        let request = match self.request(call).await {
            Ok(request) => request,
            Err(error) => return Attempt::Over(CallError::Fatal(error)),
        };
        self.requests.fetch_add(1, Ordering::Relaxed);
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Attempt::Failed { sent: !error.is_connect(), why: why(&error), retry_after: None },
        };
        let status = response.status();
        let retry_after = retry_after(response.headers());
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let bytes = match response.bytes().await {
            Ok(bytes) => bytes.to_vec(),
            Err(_) if status == StatusCode::TOO_MANY_REQUESTS => Vec::new(),
            Err(error) => {
                return Attempt::Failed {
                    why: format!("the answer broke off ({})", why(&error)),
                    sent: true,
                    retry_after: None,
                };
            }
        };
        self.judge(call, started, status, retry_after, location.as_deref(), bytes)
    }

    fn judge(
        &self,
        call: &Call<'_>,
        started: Instant,
        status: StatusCode,
        retry_after: Option<Duration>,
        location: Option<&str>,
        bytes: Vec<u8>,
    ) -> Attempt {
        let code = status.as_u16();
        if status.is_success() {
            if call.paced {
                self.pace.allowed();
            }
            return self.graphql(started, code, bytes);
        }
        let found = reason(code, &bytes, &self.token);
        let body = || serde_json::from_slice(&bytes).ok().map(|body| Box::new(NoDebug(body)));
        let refused = || CallError::Refused {
            status: code,
            message: found.message.clone(),
            code: found.code.clone(),
            body: body(),
        };
        match code {
            429 => Attempt::TooMany { started, retry_after, message: found.message },
            401 => Attempt::Over(self.unauthorized(code, found.message)),
            // With a code of its own it refuses one thing; without, the token.
            403 if found.code.is_none() => Attempt::Over(self.unauthorized(code, found.message)),
            300..=399 => {
                let to = location.and_then(|to| self.base.join(to).ok());
                let to = to.and_then(|to| to.host_str().map(|host| format!("{}://{host}", to.scheme())));
                let hint = to.map(|to| format!("; set the destination's url to {to}")).unwrap_or_default();
                let what = format!("{} sends {} elsewhere ({code}){hint}", self.host(), call.name());
                Attempt::Over(CallError::Fatal(LoadError::Settings { what }))
            }
            408 | 425 => Attempt::Failed { why: found.message, sent: true, retry_after },
            500..=599 if self.refusals.iter().any(|text| found.message.contains(text)) => Attempt::Over(refused()),
            500..=599 => Attempt::Failed { why: format!("{code}: {}", found.message), sent: true, retry_after },
            _ => Attempt::Over(refused()),
        }
    }

    /// GraphQL answers 200 to everything; its errors are read here.
    fn graphql(&self, started: Instant, status: u16, bytes: Vec<u8>) -> Attempt {
        // Cheap look before a parse: records' answers are large and have no such member.
        let start = bytes.get(..bytes.len().min(4096)).unwrap_or_default();
        let end = bytes.get(bytes.len().saturating_sub(4096)..).unwrap_or_default();
        let has = |part: &[u8]| part.windows(9).any(|window| window == br#""errors":"#);
        if !has(start) && !has(end) {
            return Attempt::Answer(bytes);
        }
        let Ok(body) = serde_json::from_slice::<Value>(&bytes) else { return Attempt::Answer(bytes) };
        let Some(errors) = body.get("errors").and_then(Value::as_array).filter(|errors| !errors.is_empty()) else {
            return Attempt::Answer(bytes);
        };
        tracing::debug!(errors = errors.len(), "refused in a 200");
        let found = reason(status, &bytes, &self.token);
        match graphql_code(&body) {
            Some("LIMIT_REACHED") => Attempt::TooMany { started, retry_after: None, message: found.message },
            Some("UNAUTHENTICATED" | "FORBIDDEN") => Attempt::Over(self.unauthorized(status, found.message)),
            Some("INTERNAL_SERVER_ERROR") if !self.refusals.iter().any(|text| found.message.contains(text)) => {
                Attempt::Failed { why: found.message, sent: true, retry_after: None }
            }
            _ => Attempt::Over(CallError::Refused {
                status,
                message: found.message,
                code: found.code,
                body: Some(Box::new(NoDebug(body))),
            }),
        }
    }

    fn unauthorized(&self, status: u16, message: String) -> CallError {
        CallError::Fatal(LoadError::Unauthorized { url: self.host(), status, message })
    }

    fn url(&self, path: &str) -> Result<Url, LoadError> {
        self.base
            .join(path.trim_start_matches('/'))
            .map_err(|error| LoadError::Settings { what: format!("{path} is not a path ({error})") })
    }

    async fn request(&self, call: &Call<'_>) -> Result<reqwest::RequestBuilder, LoadError> {
        let mut request =
            self.client.request(call.method.clone(), self.url(&call.path)?).timeout(self.patience(&call.payload));
        if !call.query.is_empty() {
            request = request.query(&call.query);
        }
        Ok(match &call.payload {
            Payload::Empty => request,
            Payload::Json(text) => request.header(CONTENT_TYPE, "application/json").body(text.clone()),
            Payload::Upload { operations, map, file, name, media, bytes } => {
                let part = multipart::Part::stream_with_length(open(file).await?, *bytes)
                    .file_name((*name).to_owned())
                    .mime_str(media)
                    .map_err(|error| LoadError::File { path: (*name).to_owned(), why: error.to_string() })?;
                let form =
                    multipart::Form::new().text("operations", operations.clone()).text("map", *map).part("0", part);
                request.header("x-graphql-yoga-csrf", "1").multipart(form)
            }
            Payload::Bytes { .. } => request,
        })
    }

    /// Sends a file to an address that carries its own key. No token goes with it.
    pub(crate) async fn put_file(&self, address: &str, payload: &Payload<'_>) -> Result<(), CallError> {
        let Payload::Bytes { file, media, bytes } = payload else {
            return Err(CallError::Unknown { why: "nothing to send".to_owned() });
        };
        let url = self.absolute(address)?;
        let mut failures = 0;
        loop {
            let body = open(file).await.map_err(CallError::Fatal)?;
            let sent = self
                .client
                .put(url.clone())
                .timeout(self.patience(payload))
                .header(AUTHORIZATION, HeaderValue::from_static(""))
                .header(CONTENT_TYPE, media)
                .header(reqwest::header::CONTENT_LENGTH, *bytes)
                .body(body)
                .send()
                .await;
            let why = match sent {
                Ok(response) if response.status().is_success() => return Ok(()),
                Ok(response)
                    if response.status().is_client_error() && response.status() != StatusCode::TOO_MANY_REQUESTS =>
                {
                    let status = response.status().as_u16();
                    let body = response.bytes().await.unwrap_or_default();
                    let found = reason(status, &body, &self.token);
                    return Err(CallError::Refused { status, message: found.message, code: found.code, body: None });
                }
                Ok(response) => format!("HTTP {}", response.status().as_u16()),
                Err(error) => why(&error),
            };
            failures += 1;
            if failures >= self.options.attempts.max(1) {
                return Err(CallError::Fatal(LoadError::Unavailable {
                    url: self.host(),
                    request: format!("PUT {}", url.path()),
                    attempts: failures,
                    why,
                }));
            }
            sleep(pause(&self.options, url.path(), failures)).await;
        }
    }

    /// Reads what an address that carries its own key holds, piece by piece. Gives false where it holds nothing any more.
    pub(crate) async fn read(&self, address: &str, each: &mut (dyn FnMut(&[u8]) + Send)) -> Result<(), CallError> {
        let url = self.absolute(address)?;
        let request = format!("GET {}", url.path());
        let response = self.client.get(url.clone()).header(AUTHORIZATION, HeaderValue::from_static("")).send().await;
        let mut response = response.map_err(|error| CallError::Unknown { why: why(&error) })?;
        let status = response.status();
        if !status.is_success() {
            let body = response.bytes().await.unwrap_or_default();
            let found = reason(status.as_u16(), &body, &self.token);
            if status.is_server_error() {
                return Err(CallError::Unknown { why: format!("{request}: {}", found.message) });
            }
            return Err(CallError::Refused {
                status: status.as_u16(),
                message: found.message,
                code: found.code,
                body: None,
            });
        }
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) => each(&chunk),
                Ok(None) => return Ok(()),
                Err(error) => return Err(CallError::Unknown { why: why(&error) }),
            }
        }
    }

    fn absolute(&self, address: &str) -> Result<Url, CallError> {
        self.base
            .join(address)
            .map_err(|error| CallError::Unknown { why: format!("the server gave an address that is none ({error})") })
    }

    /// How long an answer may take: longer for a larger body, as the server works on it before it answers.
    fn patience(&self, payload: &Payload<'_>) -> Duration {
        let mebibytes = f64::from(u32::try_from(payload.bytes() / 1024).unwrap_or(u32::MAX)) / 1024.0;
        self.options.timeout + self.options.timeout_per_mebibyte.mul_f64(mebibytes)
    }

    /// A text of the server's without secrets, on one line, cut short.
    pub(crate) fn clean(&self, text: &str) -> String {
        clean(200, text, &self.token)
    }
}

fn client(options: &HttpOptions, bearer: HeaderValue) -> Result<reqwest::Client, LoadError> {
    let settings = |what: String| LoadError::Settings { what };
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Somebody else may have been first; then theirs is used.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, bearer);
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("migr/", env!("CARGO_PKG_VERSION")))
        .default_headers(headers)
        .connect_timeout(options.connect_timeout)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .tcp_nodelay(true);
    if let Some(proxy) = &options.proxy {
        let proxy = reqwest::Proxy::all(proxy)
            .map_err(|error| settings(format!("the proxy's address cannot be used ({})", error.without_url())))?;
        builder = builder.proxy(proxy);
    }
    for pem in &options.certificates {
        let bundle = reqwest::Certificate::from_pem_bundle(pem)
            .map_err(|error| settings(format!("the certificates cannot be read ({error})")))?;
        builder = builder.tls_certs_merge(bundle);
    }
    builder.build().map_err(|error| settings(format!("the connection cannot be prepared ({error})")))
}

async fn open(file: &Path) -> Result<tokio::fs::File, LoadError> {
    tokio::fs::File::open(file).await.map_err(|error| LoadError::File {
        path: file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        why: error.to_string(),
    })
}

/// What went wrong on the way, without the address: its query may hold keys.
fn why(error: &reqwest::Error) -> String {
    if error.is_connect() && error.is_timeout() {
        return "no connection in time".to_owned();
    }
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    if std::ptr::addr_eq(cause, error) {
        return "the connection failed".to_owned();
    }
    let what = if error.is_connect() { "no connection" } else { "the connection broke" };
    format!("{what} ({cause})")
}

/// Seconds, or a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(value).ok()?;
    let now = headers
        .get(reqwest::header::DATE)
        .and_then(|now| now.to_str().ok())
        .and_then(|now| jiff::fmt::rfc2822::parse(now).ok())?;
    let seconds = date.timestamp().as_second().saturating_sub(now.timestamp().as_second());
    u64::try_from(seconds).ok().map(Duration::from_secs)
}
