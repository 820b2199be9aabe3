//! Every refusal, against a server on this machine that an address written in the specification lets be asked.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::BoxFuture;

/// A server that sends what a function says: pieces in order, the last one again and again where `endless`.
struct Server {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

struct Answer {
    pieces: Vec<Vec<u8>>,
    endless: bool,
}

fn answer(text: impl Into<Vec<u8>>) -> Answer {
    Answer { pieces: vec![text.into()], endless: false }
}

fn file(body: &str) -> Answer {
    answer(format!("HTTP/1.1 200 OK\r\ncontent-type: application/pdf\r\ncontent-length: {}\r\n\r\n{body}", body.len()))
}

fn to(place: &str) -> Answer {
    answer(format!("HTTP/1.1 302 Found\r\nlocation: {place}\r\ncontent-length: 0\r\n\r\n"))
}

impl Server {
    async fn start(say: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads: Arc<Mutex<Vec<String>>> = Arc::default();
        let (say, log) = (Arc::new(say), Arc::clone(&heads));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (say, log) = (Arc::clone(&say), Arc::clone(&log));
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        match stream.read_u8().await {
                            Ok(byte) => head.push(byte),
                            Err(_) => return,
                        }
                    }
                    let head = String::from_utf8(head).unwrap().to_lowercase();
                    let path = head.split(' ').nth(1).unwrap().to_owned();
                    log.lock().unwrap().push(head);
                    let Answer { pieces, endless } = say(&path);
                    for piece in &pieces {
                        if stream.write_all(piece).await.is_err() {
                            return;
                        }
                    }
                    while endless && stream.write_all(pieces.last().unwrap()).await.is_ok() {}
                });
            }
        });
        Self { address, heads }
    }

    fn link(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn requests(&self) -> usize {
        self.heads.lock().unwrap().len()
    }

    /// Lets exactly this server be asked.
    fn named(&self) -> HostPattern {
        pattern("127.0.0.1", Some(self.address.port()))
    }
}

fn pattern(host: &str, port: Option<u16>) -> HostPattern {
    HostPattern { host: host.to_owned(), subdomains: false, port }
}

fn options() -> HttpOptions {
    HttpOptions {
        connect_timeout: Duration::from_secs(5),
        back_off: Duration::from_millis(1),
        longest_back_off: Duration::from_millis(2),
        ..HttpOptions::default()
    }
}

fn fetcher(hosts: Vec<HostPattern>) -> LinkFetcher {
    let limits = Limits { longest: LONGEST, idle: IDLE };
    LinkFetcher::behind(Gate::system(), hosts, &options(), limits).unwrap()
}

/// A folder, and a place in it.
fn place_for_a_file() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fetched");
    (folder, path)
}

async fn refused_by(fetcher: &LinkFetcher, link: &str) -> String {
    let (_folder, path) = place_for_a_file();
    let error = fetcher.fetch(link, "a.pdf", &path, 1_000).await.unwrap_err();
    assert!(!path.exists(), "nothing is left of a file that was not fetched");
    let said = error.to_string();
    assert!(!said.contains("SIGNED") && !said.contains("/files/"), "the path and the query may be keys: {said}");
    said
}

#[tokio::test]
async fn a_named_host_gives_the_file_and_learns_nothing_of_us() {
    let server = Server::start(|_| file("%PDF-1.7 hello")).await;
    let (_folder, path) = place_for_a_file();
    let fetched =
        fetcher(vec![server.named()]).fetch(&server.link("/files/a.pdf?key=SIGNED"), "a.pdf", &path, 1_000).await;
    let hash = format!("blake3:{}", blake3::hash(b"%PDF-1.7 hello").to_hex());
    assert_eq!(fetched, Ok(Fetched { hash, bytes: 14 }));
    assert_eq!(std::fs::read(&path).unwrap(), b"%PDF-1.7 hello");
    let heads = server.heads.lock().unwrap().clone();
    assert_eq!(heads.len(), 1);
    assert!(heads[0].starts_with("get /files/a.pdf?key=signed http/1.1\r\n"), "{}", heads[0]);
    for header in ["authorization", "cookie", "referer", "accept-encoding"] {
        assert!(!heads[0].contains(&format!("\r\n{header}:")), "{}", heads[0]);
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_host_that_nobody_named_is_not_asked() {
    let server = Server::start(|_| file("x")).await;
    let said = refused_by(&fetcher(Vec::new()), &server.link("/files/a.pdf?key=SIGNED")).await;
    let host = server.address;
    assert_eq!(
        said,
        format!(
            "it is a link to {host}, and the migration fetches nothing from there; add it to the source, `fetch = [\"{host}\"]`, or put the file into the export"
        )
    );
    // The host is named, and another port of it.
    refused_by(&fetcher(vec![pattern("127.0.0.1", None)]), &server.link("/files/a.pdf")).await;
    refused_by(&fetcher(vec![pattern("127.0.0.1", Some(1))]), &server.link("/files/a.pdf")).await;
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn links_with_a_name_another_scheme_or_no_host_are_refused() {
    let server = Server::start(|_| file("x")).await;
    let fetcher = fetcher(vec![server.named()]);
    let with_name = format!("http://me:SIGNED@{}/files/a.pdf", server.address);
    assert_eq!(
        refused_by(&fetcher, &with_name).await,
        "the link holds a name or password, which is never sent; put the file into the export instead"
    );
    for link in [
        "ftp://127.0.0.1/a",
        "file:///etc/passwd",
        "https://",
        "http:///a",
        "//127.0.0.1/a",
        "gopher://x",
        "data:text/plain,x",
    ] {
        assert!(refused_by(&fetcher, link).await.starts_with("it is a link"), "{link}");
    }
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn a_name_that_leads_into_this_computer_is_refused_after_it_was_looked_up() {
    let server = Server::start(|_| file("x")).await;
    let port = server.address.port();
    let said =
        refused_by(&fetcher(vec![pattern("localhost", Some(port))]), &format!("http://localhost:{port}/files/a.pdf"))
            .await;
    assert!(said.contains("leads to ") && said.contains("an address within a private network"), "{said}");
    assert_eq!(server.requests(), 0);
}

/// A gate whose lookups give the addresses in turn, and count.
fn gate(addresses: &'static [&'static str], is_open: fn(IpAddr) -> bool) -> (Gate, Arc<AtomicU32>) {
    let lookups = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&lookups);
    let lookup = move |_: String| -> BoxFuture<'static, std::io::Result<Vec<IpAddr>>> {
        let number = count.fetch_add(1, Ordering::SeqCst) as usize;
        Box::pin(async move { Ok(vec![addresses[number.min(addresses.len() - 1)].parse().unwrap()]) })
    };
    (Gate { lookup: Arc::new(lookup), is_open }, lookups)
}

#[tokio::test]
async fn what_a_name_leads_to_is_looked_up_once_and_that_address_is_asked() {
    let server = Server::start(|_| file("x")).await;
    let port = server.address.port();
    // The second answer of the name server would lead elsewhere.
    let (gate, lookups) = gate(&["127.0.0.1", "127.0.0.9"], |address| address == IpAddr::from([127, 0, 0, 1]));
    let limits = Limits { longest: LONGEST, idle: IDLE };
    let fetcher = LinkFetcher::behind(gate, vec![pattern("files.example", Some(port))], &options(), limits).unwrap();
    let (_folder, path) = place_for_a_file();
    fetcher.fetch(&format!("http://files.example:{port}/a"), "a.pdf", &path, 1_000).await.unwrap();
    assert_eq!((lookups.load(Ordering::SeqCst), server.requests()), (1, 1));
}

#[tokio::test]
async fn a_name_that_turns_private_later_is_refused_then() {
    let (gate, lookups) = gate(&["10.0.0.7"], address::is_public);
    let limits = Limits { longest: LONGEST, idle: IDLE };
    let fetcher = LinkFetcher::behind(gate, vec![pattern("files.example", None)], &options(), limits).unwrap();
    for scheme in ["http", "https"] {
        assert_eq!(
            refused_by(&fetcher, &format!("{scheme}://files.example/files/a.pdf?SIGNED")).await,
            "files.example leads to 10.0.0.7, an address within a private network, where no file is fetched by name; where that is meant, name the address itself in `fetch`"
        );
    }
    assert_eq!(lookups.load(Ordering::SeqCst), 2, "it is not tried again");
}

#[tokio::test]
async fn redirects_are_followed_five_times_and_each_host_is_judged_anew() {
    let server = Server::start(|path| match path.trim_start_matches("/files/").parse::<u32>() {
        Ok(0) => file("arrived"),
        Ok(more) => to(&format!("/files/{}", more - 1)),
        Err(_) => to("http://169.254.169.254/latest/meta-data/?SIGNED"),
    })
    .await;
    let fetcher = fetcher(vec![server.named()]);
    let (_folder, path) = place_for_a_file();
    assert_eq!(
        fetcher.fetch(&server.link("/files/5"), "a.pdf", &path, 1_000).await.map(|fetched| fetched.bytes),
        Ok(7)
    );
    let said = refused_by(&fetcher, &server.link("/files/6")).await;
    assert_eq!(said, format!("{} leads on and on; 5 times are followed", server.address));
    let before = server.requests();
    let said = refused_by(&fetcher, &server.link("/files/elsewhere")).await;
    assert!(
        said.starts_with(&format!("{} leads on to 169.254.169.254, and the migration fetches nothing", server.address)),
        "{said}"
    );
    assert_eq!(server.requests(), before + 1, "a refusal of ours is not tried again");
}

#[tokio::test]
async fn a_redirect_may_not_bring_a_name_and_password_in() {
    let server = Server::start(|_| to("//me:SIGNED@127.0.0.1/files/a")).await;
    let said = refused_by(&fetcher(vec![server.named(), pattern("127.0.0.1", None)]), &server.link("/files/a")).await;
    assert!(said.starts_with("the link holds a name or password"), "{said}");
}

#[tokio::test]
async fn more_bytes_than_allowed_are_not_taken_whatever_was_announced() {
    // Announced honestly, announced too small by way of pieces without an end, and announced not at all.
    let honest = Server::start(|_| file(&"x".repeat(1_001))).await;
    let chunked = Server::start(|_| Answer {
        pieces: vec![
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec(),
            b"a\r\n0123456789\r\n".to_vec(),
        ],
        endless: true,
    })
    .await;
    let silent = Server::start(|_| Answer {
        pieces: vec![b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_vec(), vec![b'x'; 100]],
        endless: true,
    })
    .await;
    for server in [&honest, &chunked, &silent] {
        let said = refused_by(&fetcher(vec![server.named()]), &server.link("/files/a.pdf")).await;
        assert_eq!(said, "it has more bytes than the destination takes (1000)");
        assert_eq!(server.requests(), 1);
    }
    let exact = Server::start(|_| file(&"x".repeat(1_000))).await;
    let (_folder, path) = place_for_a_file();
    assert!(fetcher(vec![exact.named()]).fetch(&exact.link("/a"), "a.pdf", &path, 1_000).await.is_ok());
}

#[tokio::test]
async fn a_host_that_trickles_is_given_up_in_time() {
    // The stream stays open behind the first byte: nothing more comes.
    let quiet = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = quiet.local_addr().unwrap();
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((mut stream, _)) = quiet.accept().await {
            assert!(stream.read(&mut [0; 4_096]).await.unwrap() > 0);
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\nx").await.unwrap();
            kept.push(stream);
        }
    });
    let hosts = vec![pattern("127.0.0.1", Some(address.port()))];
    let limits = Limits { longest: Duration::from_millis(500), idle: Duration::from_secs(60) };
    let fetcher = LinkFetcher::behind(Gate::system(), hosts, &options(), limits).unwrap();
    let said = refused_by(&fetcher, &format!("http://{address}/files/a")).await;
    assert_eq!(said, format!("{address} did not give it within 0 s"));
}

#[tokio::test]
async fn what_breaks_off_is_asked_for_again() {
    let server = Server::start(|_| answer("HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\nx")).await;
    let said = refused_by(&fetcher(vec![server.named()]), &server.link("/files/a")).await;
    assert!(said.starts_with(&format!("{} gives no answer (", server.address)), "{said}");
    assert_eq!(server.requests(), 4);
}

#[tokio::test]
async fn what_is_not_the_file_is_not_taken_for_it() {
    let page = "HTTP/1.1 200 OK\r\ncontent-type: Text/HTML; charset=utf-8\r\ncontent-length: 5\r\n\r\nlogin";
    let packed = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 1\r\n\r\nx";
    let gone = "HTTP/1.1 410 Gone\r\ncontent-length: 4\r\n\r\ngone";
    let server = Server::start(move |path| match path {
        "/files/page" => answer(page),
        "/files/packed" => answer(packed),
        _ => answer(gone),
    })
    .await;
    let fetcher = fetcher(vec![server.named()]);
    let host = server.address;
    assert_eq!(
        refused_by(&fetcher, &server.link("/files/page")).await,
        format!("{host} gives a web page in place of the file; the link may have expired, or ask for a login")
    );
    assert_eq!(
        refused_by(&fetcher, &server.link("/files/packed")).await,
        format!("{host} sends it packed (`gzip`), though it was asked for as it is")
    );
    assert_eq!(refused_by(&fetcher, &server.link("/files/gone")).await, format!("{host} does not give it (HTTP 410)"));
    let (_folder, path) = place_for_a_file();
    assert!(fetcher.fetch(&server.link("/files/page"), "intake.html", &path, 1_000).await.is_ok());
}

#[tokio::test]
async fn a_file_counts_only_when_it_is_whole() {
    let of = |status: &str, media: &str, body: &str| {
        answer(format!("HTTP/1.1 {status}\r\ncontent-type: {media}\r\ncontent-length: {}\r\n\r\n{body}", body.len()))
    };
    let server = Server::start(move |path| match path {
        "/files/part" => of("206 Partial Content", "application/pdf", "%PDF"),
        "/files/none" => answer("HTTP/1.1 204 No Content\r\n\r\n"),
        "/files/object" => of("200 OK", "application/json", "{\"error\": \"expired\"}"),
        "/files/page" => of("200 OK", "application/octet-stream", "<!doctype html><title>Sign in"),
        _ => answer("HTTP/1.1 200 OK\r\ncontent-type: application/pdf\r\ncontent-length: 10\r\n\r\n%PDF"),
    })
    .await;
    let fetcher = fetcher(vec![server.named()]);
    let host = server.address;
    for (path, why) in [
        ("part", format!("{host} gives no answer (HTTP 206, which is not the whole file)")),
        ("none", format!("{host} gives no answer (HTTP 204, which is not the whole file)")),
        (
            "object",
            format!("{host} gives a web page in place of the file; the link may have expired, or ask for a login"),
        ),
        (
            "page",
            format!("{host} gives a web page in place of the file; the link may have expired, or ask for a login"),
        ),
    ] {
        assert_eq!(refused_by(&fetcher, &server.link(&format!("/files/{path}"))).await, why, "{path}");
    }
    let cut = refused_by(&fetcher, &server.link("/files/cut")).await;
    assert!(cut.starts_with(&format!("{host} gives no answer (")), "{cut}");
    let (_folder, path) = place_for_a_file();
    assert!(fetcher.fetch(&server.link("/files/object"), "form.json", &path, 1_000).await.is_ok());
}

#[tokio::test]
async fn a_host_in_trouble_is_asked_four_times_and_left_alone_after_five_files() {
    let server = Server::start(|_| answer("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n")).await;
    let fetcher = fetcher(vec![server.named()]);
    for _ in 0..5 {
        let said = refused_by(&fetcher, &server.link("/files/a")).await;
        assert_eq!(said, format!("{} gives no answer (HTTP 503)", server.address));
    }
    assert_eq!(server.requests(), 20);
    let said = refused_by(&fetcher, &server.link("/files/a")).await;
    assert_eq!(said, format!("{} gives no answer (it gave none to the files before either)", server.address));
    assert_eq!(server.requests(), 20);
}

#[tokio::test]
async fn a_host_that_comes_back_is_asked_on() {
    let requests = AtomicU32::new(0);
    let server = Server::start(move |_| match requests.fetch_add(1, Ordering::SeqCst) {
        0 => answer("HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n"),
        1 => answer("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhal"),
        _ => file("whole"),
    })
    .await;
    let (_folder, path) = place_for_a_file();
    let fetched = fetcher(vec![server.named()]).fetch(&server.link("/a"), "a.pdf", &path, 1_000).await.unwrap();
    assert_eq!((fetched.bytes, std::fs::read(&path).unwrap()), (5, b"whole".to_vec()));
}

#[test]
fn encryption_is_not_left_on_the_way() {
    // The rule itself: an encrypted server cannot be had here without a certificate.
    let hosts = [pattern("files.example", None)];
    let url = judge("https://files.example/a", &hosts).unwrap();
    assert!(leaves_encryption(&url, &judge("http://files.example/b", &hosts).unwrap()));
    assert!(!leaves_encryption(&url, &judge("https://files.example/b", &hosts).unwrap()));
    let plain = judge("http://files.example/a", &hosts).unwrap();
    assert!(!leaves_encryption(&plain, &url));
}

#[test]
fn a_link_is_shown_without_what_may_be_a_key() {
    for (text, shown) in [
        ("https://me:pw@files.example/a%20b.pdf?sig=SIGNED#x", "https://files.example/a%20b.pdf?…"),
        (" HTTPS://Files.example/a ", "https://files.example/a"),
        ("files/a.pdf?b", "files/a.pdf?b"),
        ("https://", "a link that cannot be read"),
    ] {
        assert_eq!(shown_link(text), shown);
    }
    assert!(is_link(" Http://x") && !is_link("httpx://x") && !is_link("é://") && !is_link(""));
    assert_eq!(link_host("https://Files.Example./a"), Some(("files.example.".to_owned(), 443)));
    assert_eq!(link_host("http://0x7f.1:9000/a"), Some(("127.0.0.1".to_owned(), 9000)));
}
