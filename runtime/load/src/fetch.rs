//! Files behind links: fetched from the hosts that the specification names, and from no other.

mod address;
mod error;
mod link;
mod resolver;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use migr_plan::{FetchHost, HostPattern};
use reqwest::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, LOCATION};
use reqwest::{Response, StatusCode};
use tokio::io::AsyncWriteExt as _;
use tokio::time::{sleep, timeout};
use url::Url;

pub use error::FetchError;
pub use link::{check_link, is_link, link_host, shown_link};
use link::{judge, place};
use resolver::{Gate, NotPublic};

use crate::http::{builder, pause, why};
use crate::{AnsweredPage, HttpOptions, LoadError};

/// Number of times that a host may send a request elsewhere.
const REDIRECTS: usize = 5;
/// The longest that one attempt at a file may take, from the first byte asked to the last one written.
const LONGEST: Duration = Duration::from_secs(30 * 60);
/// The longest without a byte.
const IDLE: Duration = Duration::from_secs(60);
/// Number of times that one file is asked for.
const ATTEMPTS: u32 = 4;
/// After so many files in a row without an answer a host is left alone.
const PATIENCE: u32 = 5;

/// A file that was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// `blake3:` and the hash of its bytes in hexadecimal.
    pub hash: String,
    /// Size of the file.
    pub bytes: u64,
}

/// Fetches files from the hosts that a specification names. Sends no token, cookie or name anywhere, and uses no proxy: a proxy would decide by itself which
/// address a name leads to.
#[derive(Debug)]
pub struct LinkFetcher {
    client: reqwest::Client,
    hosts: Vec<HostPattern>,
    options: HttpOptions,
    limits: Limits,
    /// Host → files in a row that it gave no answer to.
    silent: Mutex<BTreeMap<String, u32>>,
}

/// Bounds of one file.
#[derive(Clone, Copy, Debug)]
struct Limits {
    longest: Duration,
    idle: Duration,
}

/// Failure of one attempt.
enum Failed {
    /// Failure that stays the same at every attempt.
    For(FetchError),
    /// Failure that may pass.
    Now(FetchError),
}

impl LinkFetcher {
    /// For the hosts of a plan.
    pub fn new(hosts: &[FetchHost], options: &HttpOptions) -> Result<Self, LoadError> {
        let limits = Limits { longest: LONGEST, idle: IDLE };
        Self::behind(Gate::system(), hosts.iter().map(|host| host.pattern.clone()).collect(), options, limits)
    }

    fn behind(gate: Gate, hosts: Vec<HostPattern>, options: &HttpOptions, limits: Limits) -> Result<Self, LoadError> {
        let client = builder(options)?
            .no_proxy()
            .referer(false)
            .read_timeout(limits.idle)
            .dns_resolver(Arc::new(gate))
            .build()
            .map_err(|error| LoadError::Settings { what: format!("links cannot be followed ({error})") })?;
        Ok(Self { client, hosts, options: options.clone(), limits, silent: Mutex::new(BTreeMap::new()) })
    }

    /// Fetches the file behind a link, piece by piece, into a file that is made or written over; of one that fails nothing is left. `name` is what the file is
    /// called, `most` the most bytes that it may have.
    pub async fn fetch(&self, link: &str, name: &str, into: &Path, most: u64) -> Result<Fetched, FetchError> {
        let url = judge(link, &self.hosts)?;
        let host = place(&url);
        if self.silence(&host) >= PATIENCE {
            return Err(FetchError::NoAnswer { host, why: "it gave none to the files before either".to_owned() });
        }
        let mut attempts = 0;
        let error = loop {
            let attempt = self.attempt(url.clone(), name, into, most);
            let failed = match timeout(self.limits.longest, attempt).await {
                Ok(Ok(fetched)) => {
                    self.answered(&host);
                    return Ok(fetched);
                }
                Ok(Err(failed)) => failed,
                Err(_) => Failed::For(FetchError::Slow { host: host.clone(), seconds: self.limits.longest.as_secs() }),
            };
            attempts += 1;
            match failed {
                Failed::Now(_) if attempts < ATTEMPTS => sleep(pause(&self.options, url.path(), attempts)).await,
                Failed::Now(error) | Failed::For(error) => break error,
            }
        };
        // What was written of it so far; it may never have been made.
        let _ = tokio::fs::remove_file(into).await;
        if matches!(error, FetchError::NoAnswer { .. }) {
            *self.silent.lock().unwrap_or_else(PoisonError::into_inner).entry(host).or_default() += 1;
        } else {
            self.answered(&host);
        }
        Err(error)
    }

    fn silence(&self, host: &str) -> u32 {
        self.silent.lock().unwrap_or_else(PoisonError::into_inner).get(host).copied().unwrap_or_default()
    }

    fn answered(&self, host: &str) {
        self.silent.lock().unwrap_or_else(PoisonError::into_inner).remove(host);
    }

    async fn attempt(&self, mut url: Url, name: &str, into: &Path, most: u64) -> Result<Fetched, Failed> {
        for _ in 0..=REDIRECTS {
            let host = place(&url);
            let sent = self.client.get(url.clone()).header(ACCEPT, "*/*").send().await;
            let response = sent.map_err(|error| unanswered(&host, &error))?;
            let status = response.status();
            if status.is_success() && status != StatusCode::OK {
                // A part of it, or nothing: 206, 204, 202.
                let why = format!("HTTP {}, which is not the whole file", status.as_u16());
                return Err(Failed::Now(FetchError::NoAnswer { host, why }));
            }
            if status.is_success() {
                return keep(response, &host, name, into, most).await;
            }
            if !status.is_redirection() || status == StatusCode::NOT_MODIFIED {
                return Err(refused(host, status));
            }
            let next = location(response.headers())
                .and_then(|to| url.join(to).ok())
                .ok_or_else(|| Failed::For(FetchError::Refused { host: host.clone(), status: status.as_u16() }))?;
            if leaves_encryption(&url, &next) {
                return Err(Failed::For(FetchError::Downgrade { host }));
            }
            // The next host is judged as the first one was.
            url = judge(next.as_str(), &self.hosts).map_err(|error| {
                Failed::For(match error {
                    FetchError::NotNamed { host: to } => FetchError::Elsewhere { host, to },
                    error => error,
                })
            })?;
        }
        Err(Failed::For(FetchError::Redirects { host: place(&url), most: REDIRECTS }))
    }
}

fn leaves_encryption(from: &Url, to: &Url) -> bool {
    from.scheme() == "https" && to.scheme() != "https"
}

fn location(headers: &HeaderMap) -> Option<&str> {
    headers.get(LOCATION)?.to_str().ok()
}

fn refused(host: String, status: StatusCode) -> Failed {
    let is_passing =
        status.is_server_error() || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT);
    if is_passing {
        Failed::Now(FetchError::NoAnswer { host, why: format!("HTTP {}", status.as_u16()) })
    } else {
        Failed::For(FetchError::Refused { host, status: status.as_u16() })
    }
}

fn unanswered(host: &str, error: &reqwest::Error) -> Failed {
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(inner) = cause {
        if let Some(NotPublic { address }) = inner.downcast_ref::<NotPublic>() {
            return Failed::For(FetchError::Private { host: host.to_owned(), address: *address });
        }
        cause = inner.source();
    }
    Failed::Now(FetchError::NoAnswer { host: host.to_owned(), why: why(error) })
}

/// Writes an answer's body to a file, and hashes it on the way.
async fn keep(mut response: Response, host: &str, name: &str, into: &Path, most: u64) -> Result<Fetched, Failed> {
    let headers = response.headers();
    let text = |header| headers.get(header).and_then(|value| value.to_str().ok()).unwrap_or_default().trim();
    let coding = text(CONTENT_ENCODING).to_ascii_lowercase();
    if !matches!(coding.as_str(), "" | "identity") {
        return Err(Failed::For(FetchError::Packed { host: host.to_owned(), coding }));
    }
    let page = || Failed::For(FetchError::Page { host: host.to_owned() });
    if is_page(text(CONTENT_TYPE)) && !is_page_name(name) || is_answer(text(CONTENT_TYPE)) && !is_text_name(name) {
        return Err(page());
    }
    let announced = response.content_length();
    // What is announced is only believed where it is too much.
    if response.content_length().is_some_and(|bytes| bytes > most) {
        return Err(Failed::For(FetchError::TooLarge { most }));
    }
    let failed = |error: std::io::Error| Failed::For(FetchError::Disk { why: error.to_string() });
    let mut file = private(into).await.map_err(failed)?;
    let mut hash = blake3::Hasher::new();
    let mut bytes = 0_u64;
    while let Some(piece) = response.chunk().await.map_err(|error| unanswered(host, &error))? {
        bytes = bytes.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        if bytes > most {
            return Err(Failed::For(FetchError::TooLarge { most }));
        }
        // A page says what it is by its beginning, whatever its answer calls it.
        if hash.count() == 0 && !is_text_name(name) && AnsweredPage::of(&piece) == Some(AnsweredPage::Html) {
            return Err(page());
        }
        hash.update(&piece);
        file.write_all(&piece).await.map_err(failed)?;
    }
    if let Some(announced) = announced.filter(|announced| *announced != bytes) {
        let why = format!("{bytes} of {announced} bytes");
        return Err(Failed::Now(FetchError::NoAnswer { host: host.to_owned(), why }));
    }
    file.flush().await.map_err(failed)?;
    Ok(Fetched { hash: format!("blake3:{}", hash.finalize().to_hex()), bytes })
}

/// A web page is what a host shows in place of a file whose link has expired, or that asks for a login.
fn is_page(media: &str) -> bool {
    let media = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(media.as_str(), "text/html" | "application/xhtml+xml")
}

/// An object is what an interface answers in place of a file that it does not give.
fn is_answer(media: &str) -> bool {
    let media = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(media.as_str(), "application/json" | "application/problem+json")
}

/// A file that may look like a page or an object.
fn is_text_name(name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
    let texts = ["txt", "md", "json", "geojson", "xml", "svg", "eml", "mht", "mhtml", "log", "csv", "js"];
    is_page_name(name) || texts.contains(&ending.as_str())
}

fn is_page_name(name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    ending.is_some_and(|ending| matches!(ending.as_str(), "html" | "htm" | "xhtml"))
}

async fn private(path: &Path) -> std::io::Result<tokio::fs::File> {
    let mut options = tokio::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    options.mode(0o600);
    options.open(path).await
}
