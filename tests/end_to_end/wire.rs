//! A line between the program and the sandbox on which a test decides what becomes of each request: passed on, cut before or after it is carried out,
//! answered otherwise, or something done in between.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConnection, StreamOwned};

/// A request as it came in.
pub(crate) struct Asked<'a> {
    /// Its number, from 0.
    pub(crate) number: u64,
    pub(crate) method: &'a str,
    /// Path and query.
    pub(crate) path: &'a str,
    pub(crate) body: &'a [u8],
    fields: &'a [String],
}

impl Asked<'_> {
    /// The value of a field of its head.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let found = self
            .fields
            .iter()
            .filter_map(|field| field.split_once(':'))
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim())
    }

    /// It changes something.
    pub(crate) fn writes(&self) -> bool {
        self.method != "GET" && !(self.path == "/graphql" || self.path.ends_with("/filter"))
    }
}

/// What becomes of a request.
pub(crate) enum Act {
    /// Carried out and answered.
    Pass,
    /// Not carried out; the connection is cut.
    CutBefore,
    /// Carried out; the connection is cut without an answer.
    CutAfter,
    /// Carried out; the connection is cut in the middle of the answer.
    Half,
    /// Carried out, and answered with something that is no JSON.
    Garbage,
    /// Not carried out, and no answer: the connection stays open until the client goes away.
    SilenceBefore,
    /// The same, but it is carried out.
    SilenceAfter,
    /// Not carried out; answered so.
    Answer(u16, String),
    /// Carried out; then this is done, and the connection is cut.
    Then(Box<dyn FnOnce() + Send>),
    /// First this is done; then it is carried out and answered.
    First(Box<dyn FnOnce() + Send>),
    /// Carried out, at this path where there is one; the answer is changed on its way back.
    Change(Option<String>, Box<dyn FnOnce(&mut Told) + Send>),
    /// Not carried out; answered so.
    Tell(Told),
}

/// An answer as it goes to the client.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) status: u16,
    pub(crate) media: &'static str,
    pub(crate) body: Vec<u8>,
}

impl Told {
    pub(crate) fn new(status: u16, media: &'static str, body: &str) -> Self {
        Self { status, media, body: body.as_bytes().to_vec() }
    }

    fn bytes(self) -> Vec<u8> {
        let fields = vec![format!("content-type: {}", self.media)];
        Message { first: format!("HTTP/1.1 {} -", self.status), fields, body: self.body }.bytes()
    }
}

type Decide = dyn Fn(&Asked<'_>) -> Act + Send + Sync;

struct Shared {
    /// The sandbox's `host:port`.
    to: String,
    /// The line's own.
    here: String,
    /// What the program calls the other end.
    origin: String,
    tls: Option<Arc<rustls::ServerConfig>>,
    asked: AtomicU64,
    ended: AtomicBool,
    decide: Box<Decide>,
}

/// A running line. Dropping it ends it.
pub(crate) struct Wire {
    shared: Arc<Shared>,
}

impl Wire {
    /// A line to the server at `url`.
    pub(crate) fn to(url: &str, decide: impl Fn(&Asked<'_>) -> Act + Send + Sync + 'static) -> Self {
        Self::start(url, None, decide)
    }

    /// One that speaks TLS as `https://crm.example`, with a certificate that no system trusts.
    pub(crate) fn secured(url: &str, decide: impl Fn(&Asked<'_>) -> Act + Send + Sync + 'static) -> Self {
        let certificate = CertificateDer::from_pem_slice(include_bytes!("tls/server.pem")).expect("a certificate");
        let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/server.key")).expect("a key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = versions.expect("versions").with_no_client_auth().with_single_cert(vec![certificate], key);
        Self::start(url, Some(Arc::new(config.expect("a configuration"))), decide)
    }

    fn start(
        url: &str,
        tls: Option<Arc<rustls::ServerConfig>>,
        decide: impl Fn(&Asked<'_>) -> Act + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let here = listener.local_addr().expect("its address").to_string();
        let to = url.trim_start_matches("http://").to_owned();
        let (asked, ended) = (AtomicU64::new(0), AtomicBool::new(false));
        let origin = if tls.is_some() { "https://crm.example".to_owned() } else { format!("http://{here}") };
        let shared = Arc::new(Shared { to, here, origin, tls, asked, ended, decide: Box::new(decide) });
        let line = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if line.ended.load(Ordering::Relaxed) {
                    return;
                }
                let line = Arc::clone(&line);
                std::thread::spawn(move || {
                    stream.set_nodelay(true).ok()?;
                    match line.tls.clone() {
                        None => line.serve(stream),
                        Some(tls) => line.serve(StreamOwned::new(ServerConnection::new(tls).ok()?, stream)),
                    }
                });
            }
        });
        Self { shared }
    }

    pub(crate) fn url(&self) -> String {
        self.shared.origin.clone()
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> String {
        self.shared.here.clone()
    }

    /// Requests so far.
    pub(crate) fn asked(&self) -> u64 {
        self.shared.asked.load(Ordering::Relaxed)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        // Wakes the listener, which then sees that it is over.
        drop(TcpStream::connect(&self.shared.here));
    }
}

/// The head's first line, its other lines, and the body.
struct Message {
    first: String,
    fields: Vec<String>,
    body: Vec<u8>,
}

impl Message {
    /// The next one of a connection; `None` at its end.
    fn read(from: &mut impl BufRead) -> Option<Self> {
        let mut line = || {
            let mut text = String::new();
            (from.read_line(&mut text).ok()? > 0).then(|| text.trim_end().to_owned())
        };
        let first = line()?;
        let mut fields = Vec::new();
        loop {
            match line()? {
                field if field.is_empty() => break,
                field => fields.push(field),
            }
        }
        let field = |name: &str| {
            let is = |field: &&String| field.to_lowercase().starts_with(&format!("{name}:"));
            fields.iter().find(is).and_then(|field| field.split_once(':')).map(|(_, value)| value.trim().to_owned())
        };
        assert!(field("transfer-encoding").is_none(), "the line knows bodies by their length: {fields:?}");
        let length = field("content-length").map_or(0, |length| length.parse().expect("a length"));
        let mut body = vec![0; length];
        from.read_exact(&mut body).ok()?;
        fields.retain(|field| !field.to_lowercase().starts_with("content-length:"));
        Some(Self { first, fields, body })
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{}\r\n", self.first).into_bytes();
        for field in &self.fields {
            bytes.extend_from_slice(format!("{field}\r\n").as_bytes());
        }
        bytes.extend_from_slice(format!("content-length: {}\r\n\r\n", self.body.len()).as_bytes());
        bytes.extend_from_slice(&self.body);
        bytes
    }

    fn answer(status: u16, body: &str) -> Vec<u8> {
        let fields = vec!["content-type: application/json".to_owned()];
        Self { first: format!("HTTP/1.1 {status} -"), fields, body: body.as_bytes().to_vec() }.bytes()
    }
}

impl Shared {
    /// Serves a connection until either side ends it. What is left when it returns is cut.
    fn serve(&self, client: impl Read + Write) -> Option<()> {
        let mut client = BufReader::new(client);
        let mut server = TcpStream::connect(&self.to).ok()?;
        server.set_nodelay(true).ok()?;
        let mut answers = BufReader::new(server.try_clone().ok()?);
        let mut carry_out = |request: &Message| {
            server.write_all(&request.bytes()).ok()?;
            let mut answer = Message::read(&mut answers)?;
            // Addresses that the sandbox names lead over the line too.
            if let Ok(text) = std::str::from_utf8(&answer.body)
                && text.contains(&self.to)
            {
                answer.body = text.replace(&format!("http://{}", self.to), &self.origin).into_bytes();
            }
            Some(answer.bytes())
        };
        loop {
            let mut request = Message::read(&mut client)?;
            let mut words = request.first.split(' ');
            let (method, path) = (words.next()?, words.next()?);
            let number = self.asked.fetch_add(1, Ordering::Relaxed);
            let act = (self.decide)(&Asked { number, method, path, body: &request.body, fields: &request.fields });
            let answer = match act {
                Act::Pass => carry_out(&request)?,
                Act::First(work) => {
                    work();
                    carry_out(&request)?
                }
                Act::Then(work) => {
                    carry_out(&request)?;
                    work();
                    return None;
                }
                Act::CutBefore => return None,
                Act::CutAfter => {
                    carry_out(&request)?;
                    return None;
                }
                Act::Half => {
                    let answer = carry_out(&request)?;
                    return client.get_mut().write_all(&answer[..answer.len() - answer.len() / 4]).ok();
                }
                Act::Garbage => {
                    carry_out(&request)?;
                    Message::answer(200, "<html><body>upstream connect error")
                }
                Act::SilenceBefore => return silence(&mut client),
                Act::SilenceAfter => {
                    carry_out(&request)?;
                    return silence(&mut client);
                }
                Act::Answer(status, body) => Message::answer(status, &body),
                Act::Tell(told) => told.bytes(),
                Act::Change(path, change) => {
                    if let Some(other) = path {
                        request.first = request.first.replace(path_of(&request.first), &other);
                    }
                    let answer = Message::read(&mut carry_out(&request)?.as_slice())?;
                    let status = answer.first.split(' ').nth(1)?.parse().ok()?;
                    let mut told = Told { status, media: "application/json", body: answer.body };
                    change(&mut told);
                    told.bytes()
                }
            };
            client.get_mut().write_all(&answer).ok()?;
            client.get_mut().flush().ok()?;
        }
    }
}

/// Path and query of a request's first line.
fn path_of(first: &str) -> &str {
    first.split(' ').nth(1).unwrap_or_default()
}

/// Waits until the client goes away.
fn silence(client: &mut impl Read) -> Option<()> {
    let mut nothing = [0; 1];
    client.read(&mut nothing).ok().map(drop)
}
