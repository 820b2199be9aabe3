//! One HTTP client for all connectors: pace, attempts by class of failure, redaction.

mod answer;
mod back_off;
mod call;
mod files;
mod pace;
mod reason;
mod under_way;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, SERVER};
use reqwest::{StatusCode, multipart};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::io::AsyncSeekExt as _;
use tokio::time::{Instant, sleep};
use url::Url;

pub use back_off::pause;
pub use call::{Again, Call, CallError, FormFile, NoDebug, Payload};
use pace::Pace;
use reason::{clean, graphql_code, other_page, reason, stated_rate};
use under_way::UnderWay;

use crate::allowance::Allowance;
use crate::{Endpoint, HttpOptions, LoadError, Rate, Secret, Wait};

/// The shortest pause that a person is told of.
const NOTICED: Duration = Duration::from_secs(5);

/// Beginning of an answer by which the server says that it failed by itself.
const INTERNAL: &str = "500: ";
/// Number of times that another request is asked for before a failure counts as a refusal.
const ASKED_OTHERWISE: u32 = 3;
/// After so many answers that are no record's fault a request is given up, and the run with it.
const BLANKETS: u32 = 2;
/// A body of so many bytes may be too large by itself.
const LARGE: u64 = 64 * 1024;

/// Result of one attempt.
enum Attempt {
    Answer(Vec<u8>),
    /// One too many.
    TooMany {
        started: Instant,
        retry_after: Option<Duration>,
        message: String,
    },
    /// The server or the way to it failed. `sent`: it may have been carried out. `answered`: it is not on its way any more.
    Failed {
        why: String,
        sent: bool,
        answered: bool,
        retry_after: Option<Duration>,
    },
    /// An answer that is not the destination's own, or a refusal of everything: no record's fault.
    Blanket {
        status: u16,
        page: String,
    },
    Over(CallError),
}

/// An answer, read to its end.
struct Answered {
    started: Instant,
    status: StatusCode,
    retry_after: Option<Duration>,
    location: Option<String>,
    /// Name that the answering program gives itself.
    server: Option<String>,
    /// Requests of the day that are left, where the server tells.
    left_today: Option<u64>,
    body: Vec<u8>,
}

/// Habits of a server that its statuses do not tell.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dialect {
    /// Texts of a 5xx answer by which the server says that it did nothing.
    pub refusals: &'static [&'static str],
    /// True where a 200 may hold GraphQL errors.
    pub is_graphql: bool,
    /// Header that tells how many requests of a day are left; a refusal as one too many that says 0 is for the day.
    pub left_today: Option<&'static str>,
    /// Headers that tell how many requests an interval takes, and its length in milliseconds: a server that has them counts by intervals.
    pub rate: Option<[&'static str; 2]>,
}

/// Advice where a server refuses a token and says no more.
const NEW_KEY: &str = "Make a new API key there, or check the secret";

/// The client.
#[derive(Debug)]
pub struct Http {
    client: reqwest::Client,
    /// Without the token: for addresses that carry their own key.
    plain: reqwest::Client,
    base: Url,
    token: Secret,
    pace: Pace,
    allowances: Vec<Allowance>,
    under_way: UnderWay,
    /// Answers that are being read.
    held: answer::Held,
    options: HttpOptions,
    dialect: &'static Dialect,
    requests: AtomicU64,
    /// An answer came, whatever it was: somebody is there.
    was_answered: AtomicBool,
    /// The end of the latest pause that was told.
    told_until: Mutex<Option<Instant>>,
}

impl Http {
    /// A client of one destination.
    pub fn new(
        endpoint: Endpoint,
        rate: Option<Rate>,
        allowances: Vec<Allowance>,
        options: HttpOptions,
        dialect: &'static Dialect,
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
        let client = client(&options, Some(bearer))?;
        let plain = self::client(&options, None)?;
        let under_way = UnderWay::new(options.in_flight.clamp(1, 1024), options.answer_within);
        let rate = options.rate.or(rate);
        let pace = if dialect.rate.is_some() { Pace::by_intervals(rate) } else { Pace::new(rate) };
        Ok(Self {
            client,
            plain,
            base,
            token: endpoint.token,
            pace,
            allowances,
            under_way,
            held: answer::Held::default(),
            options,
            dialect,
            requests: AtomicU64::new(0),
            was_answered: AtomicBool::new(false),
            told_until: Mutex::new(None),
        })
    }

    /// The destination's address, for people.
    pub fn host(&self) -> String {
        let port = self.base.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}://{}{port}", self.base.scheme(), self.base.host_str().unwrap_or_default())
    }

    /// Number of requests that should be under way, so that the whole quota is used.
    pub fn width(&self) -> usize {
        self.pace.width().min(self.options.in_flight)
    }

    /// Options of the connection.
    pub fn options(&self) -> &HttpOptions {
        &self.options
    }

    /// Sends a request, again where that is right, and gives the JSON answer; `null` for an empty one.
    pub async fn call(&self, call: &Call<'_>) -> Result<Value, CallError> {
        self.call_for(call).await
    }

    /// The same, with only a part of the answer taken in: an answer of another form counts as none.
    pub async fn call_for<T: DeserializeOwned>(&self, call: &Call<'_>) -> Result<T, CallError> {
        let (mut failures, mut blankets) = (0, 0);
        let mut waited = Duration::ZERO;
        let begun = Instant::now();
        // Internal errors of one text, one after the other.
        let (mut alike, mut told) = (0, String::new());
        loop {
            let mut was_refused = false;
            let (why, rest) = match self.attempt(call).await {
                Attempt::Answer(bytes) => {
                    let text = if bytes.is_empty() { b"null".as_slice() } else { &bytes };
                    match serde_json::from_slice(text) {
                        Ok(answer) => return Ok(answer),
                        Err(error) => {
                            // Only its place: the error's own text may quote the answer.
                            let why = format!(
                                "the answer is not as expected at line {}, column {}",
                                error.line(),
                                error.column()
                            );
                            if call.again == Again::Unsent {
                                return Err(CallError::Unknown { why, is_answered: true });
                            }
                            (why, None)
                        }
                    }
                }
                Attempt::TooMany { started, retry_after, message } => {
                    let pause = self.pace.refused(started, retry_after, stated_rate(&message));
                    waited = waited.saturating_add(pause);
                    tracing::debug!(
                        request = call.name(),
                        seconds = pause.as_secs_f64(),
                        "the server asked for a pause"
                    );
                    if waited <= self.options.longest_wait {
                        self.tell(pause, &format!("it asked for a pause ({message})"));
                    } else {
                        let error = LoadError::Quota { url: self.host(), seconds: pause.as_secs(), message };
                        return Err(CallError::Fatal(error));
                    }
                    continue;
                }
                Attempt::Failed { why, sent: true, answered, .. } if call.again == Again::Unsent => {
                    return Err(CallError::Unknown { why, is_answered: answered });
                }
                Attempt::Failed { why, sent, retry_after, .. } => {
                    was_refused = !sent;
                    let is_internal = sent && why.starts_with(INTERNAL);
                    alike = if is_internal && why == told { alike + 1 } else { u32::from(is_internal) };
                    told.clone_from(&why);
                    (why, retry_after)
                }
                Attempt::Blanket { status, page } => {
                    blankets += 1;
                    if blankets >= BLANKETS {
                        let (url, request) = (self.host(), call.name());
                        return Err(CallError::Fatal(LoadError::Gateway { url, request, status, page }));
                    }
                    tracing::debug!(request = call.name(), status, page, "not the destination's own answer");
                    sleep(pause(&self.options, &call.path, blankets)).await;
                    continue;
                }
                Attempt::Over(error) => return Err(error),
            };
            failures += 1;
            if rest.is_some_and(|rest| rest > self.options.longest_wait) {
                let seconds = rest.unwrap_or_default().as_secs();
                return Err(CallError::Fatal(LoadError::Quota { url: self.host(), seconds, message: why }));
            }
            if let Some(other) = call.about_one.filter(|_| alike >= times(&told))
                && self.answers(other).await
            {
                let message = told.strip_prefix(INTERNAL).unwrap_or(&told).to_owned();
                return Err(CallError::Refused { status: 500, message, code: None, body: None });
            }
            if self.is_enough(failures, was_refused, begun) {
                return Err(CallError::Fatal(LoadError::Unavailable {
                    url: self.host(),
                    request: call.name(),
                    attempts: failures,
                    why,
                }));
            }
            let pause = pause(&self.options, &call.path, failures);
            let rest = rest.unwrap_or_default().max(pause);
            tracing::debug!(request = call.name(), why, attempt = failures, seconds = rest.as_secs_f64(), "again");
            self.tell(rest, &why);
            sleep(rest).await;
        }
    }

    /// True once a request was tried often enough. Where nobody has ever answered, an address is more often wrong than a server just being started: a refused
    /// connection is enough then, and so is the time in which an answer should have come.
    fn is_enough(&self, attempts: u32, was_refused: bool, begun: Instant) -> bool {
        let is_mute = || was_refused || begun.elapsed() >= self.options.timeout;
        attempts >= self.options.attempts.max(1) || !self.was_answered.load(Ordering::Relaxed) && is_mute()
    }

    /// Waits for a reason that is told.
    pub async fn wait(&self, pause: Duration, why: &str) {
        self.tell(pause, why);
        sleep(pause).await;
    }

    /// Tells of a pause that a person would notice, with its reason and its end; of several at the same time once.
    fn tell(&self, pause: Duration, why: &str) {
        let Some(told) = self.options.waits.as_ref().filter(|_| pause >= NOTICED) else { return };
        let until = Instant::now() + pause;
        let mut last = self.told_until.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|last| until > last + NOTICED) {
            *last = Some(until);
            drop(last);
            told.wait(&Wait { host: self.host(), why: why.to_owned(), pause });
        }
    }

    /// True where the server answers another request, time and again, while it fails at one.
    async fn answers(&self, path: &'static str) -> bool {
        for _ in 0..ASKED_OTHERWISE {
            let call = Call::get(path).unpaced();
            if !matches!(self.attempt(&call).await, Attempt::Answer(_) | Attempt::Over(CallError::Refused { .. })) {
                return false;
            }
        }
        true
    }

    /// Number of requests that have been sent.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    async fn attempt(&self, call: &Call<'_>) -> Attempt {
        let waiting = call.paced.then(|| self.pace.wait());
        let _slot = self.under_way.slot().await;
        let _started = match waiting {
            Some(waiting) => Some(waiting.turn(call.tokens).await),
            None => None,
        };
        if let Some(spent) = self.allowances.iter().find_map(|allowance| allowance.take().err()) {
            let error = LoadError::Spent { url: self.host(), allowance: spent.allowance, until: spent.until };
            return Attempt::Over(CallError::Fatal(error));
        }
        let started = Instant::now();
        let request = match self.request(call).await {
            Ok(request) => request,
            Err(error) => return Attempt::Over(CallError::Fatal(error)),
        };
        self.requests.fetch_add(1, Ordering::Relaxed);
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) if error.is_connect() && cause(&error).contains("certificate") => {
                let what = format!(
                    "{} shows a certificate that is not trusted here ({}); where an authority of your own made it, name its file in the destination's `certificates`",
                    self.host(),
                    cause(&error)
                );
                return Attempt::Over(CallError::Fatal(LoadError::Settings { what }));
            }
            Err(error) => {
                if error.is_timeout() && !error.is_connect() {
                    self.under_way.answered(started);
                }
                let sent = !error.is_connect();
                return Attempt::Failed { sent, answered: false, why: why(&error), retry_after: None };
            }
        };
        self.was_answered.store(true, Ordering::Relaxed);
        let status = response.status();
        let retry_after = answer::retry_after(response.headers(), &*self.options.clock);
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let server = response.headers().get(SERVER).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let left_today = self.dialect.left_today.and_then(|name| answer::number(response.headers(), name));
        // A rate that somebody asked for goes before what the server would take.
        if let (Some(names), None) = (self.dialect.rate, self.options.rate)
            && let Some(rate) = answer::rate(response.headers(), names)
        {
            self.pace.told(rate);
        }
        let most = if status.is_success() { self.options.largest_answer } else { answer::LARGEST_REFUSAL };
        let body = match answer::body(response, most, &self.held).await {
            Ok(answer::Body::Whole(bytes)) => bytes,
            // What a refusal says stands at its beginning.
            Ok(answer::Body::Cut(bytes, _)) if !status.is_success() => bytes,
            Ok(answer::Body::Cut(_, why)) => {
                return Attempt::Over(CallError::Fatal(LoadError::Unexpected { request: call.name(), why }));
            }
            Err(_) if status == StatusCode::TOO_MANY_REQUESTS => Vec::new(),
            Err(error) => {
                return Attempt::Failed {
                    why: format!("the answer broke off ({})", why(&error)),
                    sent: true,
                    answered: true,
                    retry_after: None,
                };
            }
        };
        self.under_way.answered(started);
        self.judge(call, Answered { started, status, retry_after, location, server, left_today, body })
    }

    fn judge(&self, call: &Call<'_>, answered: Answered) -> Attempt {
        let Answered { started, status, retry_after, location, server, left_today, body: bytes } = answered;
        let code = status.as_u16();
        if status.is_success() {
            if call.paced {
                self.pace.allowed(started);
            }
            return if self.dialect.is_graphql { self.graphql(started, code, bytes) } else { Attempt::Answer(bytes) };
        }
        let found = reason(code, &bytes, &self.token);
        let body = || serde_json::from_slice(&bytes).ok().map(|body| Box::new(NoDebug(body)));
        let refused = || CallError::Refused {
            status: code,
            message: found.message.clone(),
            code: found.code.clone(),
            body: body(),
        };
        let other = other_page(&bytes, server.as_deref()).map(|page| clean(code, &page, &self.token));
        match code {
            429 if left_today == Some(0) => Attempt::Over(CallError::Fatal(self.spent_today())),
            429 => Attempt::TooMany { started, retry_after, message: found.message },
            401 => Attempt::Over(self.unauthorized(code, &found.message)),
            // They refuse whoever asks, whatever is asked.
            402 | 405 | 451 => {
                let page = other.unwrap_or_else(|| format!("its refusal “{}”", found.message));
                Attempt::Blanket { status: code, page }
            }
            // A record may be too large for what stands before the destination.
            413 if call.payload.bytes() >= LARGE => Attempt::Over(refused()),
            400 | 403 | 404 | 406..=407 | 409..=424 | 426..=428 if other.is_some() => {
                Attempt::Blanket { status: code, page: other.unwrap_or_default() }
            }
            413 => Attempt::Blanket { status: code, page: format!("its refusal “{}”", found.message) },
            // With a code of its own it refuses one thing; without, the token.
            403 if found.code.is_none() => Attempt::Over(self.unauthorized(code, &found.message)),
            300..=399 => {
                let to = location.and_then(|to| self.base.join(&to).ok());
                // Whoever answers may be anybody: where he sends people, their token must not go on his word.
                let is_same = |to: &Url| to.scheme() == "https" && to.host_str() == self.base.host_str();
                let hint = match to.filter(is_same) {
                    Some(_) => "; write the destination's url with https://".to_owned(),
                    None => "; find out from those who run it what its address is, and send the token nowhere else"
                        .to_owned(),
                };
                let what = format!("{} sends {} elsewhere ({code}){hint}", self.host(), call.name());
                Attempt::Over(CallError::Fatal(LoadError::Settings { what }))
            }
            408 | 425 => Attempt::Failed { why: found.message, sent: true, answered: false, retry_after },
            500..=599 if self.dialect.refusals.iter().any(|text| found.message.contains(text)) => {
                Attempt::Over(refused())
            }
            500..=599 => {
                // A gateway says these while the server behind it may still be at work.
                let answered = !matches!(code, 502 | 504 | 520..=527);
                Attempt::Failed { why: format!("{code}: {}", found.message), sent: true, answered, retry_after }
            }
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
            Some("UNAUTHENTICATED" | "FORBIDDEN") => Attempt::Over(self.unauthorized(status, &found.message)),
            Some("INTERNAL_SERVER_ERROR") if !self.dialect.refusals.iter().any(|text| found.message.contains(text)) => {
                let why = format!("{INTERNAL}{}", found.message);
                Attempt::Failed { why, sent: true, answered: true, retry_after: None }
            }
            _ => Attempt::Over(CallError::Refused {
                status,
                message: found.message,
                code: found.code,
                body: Some(Box::new(NoDebug(body))),
            }),
        }
    }

    /// Error of a day whose requests are used up. The server does not say when its day ends: it is asked again in an hour.
    fn spent_today(&self) -> LoadError {
        let now = self.options.clock.now();
        let until = now.checked_add(jiff::SignedDuration::from_hours(1)).unwrap_or(now);
        LoadError::Spent { url: self.host(), allowance: "requests of a day".to_owned(), until }
    }

    fn unauthorized(&self, status: u16, message: &str) -> CallError {
        let message = message.trim_end_matches('.').to_owned();
        CallError::Fatal(LoadError::Unauthorized { url: self.host(), status, message, help: NEW_KEY.to_owned() })
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
        for (name, value) in &call.headers {
            request = request.header(*name, *value);
        }
        Ok(match &call.payload {
            // A file's bytes go to an address of its own (`put_file`).
            Payload::Empty | Payload::Bytes { .. } => request,
            Payload::Json(text) => request.header(CONTENT_TYPE, "application/json").body(text.clone()),
            Payload::Form { texts, part: named, file, name, media, bytes } => {
                let opened = match file {
                    FormFile::At(path) => open(path).await?,
                    FormFile::Open(file) => reopened(file, name).await?,
                };
                let part = multipart::Part::stream_with_length(opened, *bytes)
                    .file_name((*name).to_owned())
                    .mime_str(media)
                    .map_err(|error| LoadError::File { path: (*name).to_owned(), why: error.to_string() })?;
                let form =
                    texts.iter().fold(multipart::Form::new(), |form, (name, text)| form.text(*name, text.clone()));
                request.multipart(form.part(named.clone(), part))
            }
        })
    }

    /// Time that an answer may take: longer for a larger body, as the server works on it before it answers.
    fn patience(&self, payload: &Payload<'_>) -> Duration {
        let mebibytes = f64::from(u32::try_from(payload.bytes() / 1024).unwrap_or(u32::MAX)) / 1024.0;
        self.options.timeout + self.options.timeout_per_mebibyte.mul_f64(mebibytes)
    }

    /// A text of the server's without secrets, on one line, cut short.
    pub fn clean(&self, text: &str) -> String {
        clean(200, text, &self.token)
    }
}

/// Number of internal errors of one text that are about what was sent: more where the text says nothing.
fn times(why: &str) -> u32 {
    if why.to_lowercase().contains("internal server error") { 5 } else { 3 }
}

/// Settings that every client of ours has: it follows no redirect, sends nothing twice by itself, and trusts the
/// certificates that were given besides the system's.
pub(crate) fn builder(options: &HttpOptions) -> Result<reqwest::ClientBuilder, LoadError> {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Somebody else may have been first; then theirs is used.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("migr/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(options.connect_timeout)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .tcp_nodelay(true);
    for pem in &options.certificates {
        let bundle = reqwest::Certificate::from_pem_bundle(pem).map_err(|error| LoadError::Settings {
            what: format!("the certificates cannot be read ({})", cause(&error)),
        })?;
        builder = builder.tls_certs_merge(bundle);
    }
    Ok(builder)
}

fn client(options: &HttpOptions, bearer: Option<HeaderValue>) -> Result<reqwest::Client, LoadError> {
    let settings = |what: String| LoadError::Settings { what };
    let mut headers = HeaderMap::new();
    if let Some(bearer) = bearer {
        headers.insert(AUTHORIZATION, bearer);
    }
    let mut builder = builder(options)?.default_headers(headers);
    if let Some(proxy) = &options.proxy {
        let proxy = reqwest::Proxy::all(proxy)
            .map_err(|error| settings(format!("the proxy's address cannot be used ({})", cause(&error))))?;
        builder = builder.proxy(proxy);
    }
    builder.build().map_err(|error| settings(format!("the connection cannot be prepared ({})", cause(&error))))
}

/// The same file once more, from its beginning.
async fn reopened(file: &std::fs::File, name: &str) -> Result<tokio::fs::File, LoadError> {
    let fault = |error: std::io::Error| LoadError::File { path: name.to_owned(), why: error.to_string() };
    let mut again = tokio::fs::File::from_std(file.try_clone().map_err(fault)?);
    again.rewind().await.map_err(fault)?;
    Ok(again)
}

async fn open(file: &Path) -> Result<tokio::fs::File, LoadError> {
    tokio::fs::File::open(file).await.map_err(|error| LoadError::File {
        path: file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        why: error.to_string(),
    })
}

/// Reason of a failure on the way, without the address: its query may hold keys.
pub(crate) fn why(error: &reqwest::Error) -> String {
    if error.is_connect() && error.is_timeout() {
        return "no connection in time".to_owned();
    }
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let what = if error.is_connect() { "no connection" } else { "the connection broke" };
    format!("{what} ({})", cause(error))
}

/// Cause of the error in the end. The error's own text is not shown: it may hold an address.
fn cause(error: &reqwest::Error) -> String {
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(deeper) = cause.and_then(std::error::Error::source) {
        cause = Some(deeper);
    }
    cause.map_or_else(|| "no cause is known".to_owned(), ToString::to_string)
}
