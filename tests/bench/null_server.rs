use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use migr_sandbox::{Sandbox, SandboxOptions};

use crate::fault::Fault;

/// A server that says yes to every batch of new or changed records and forgets it. Everything else the sandbox answers behind it.
pub(crate) struct NullServer {
    pub(crate) url: String,
    counted: Arc<Counted>,
    // Dropped last: the sandbox lives in it.
    _runtime: tokio::runtime::Runtime,
}

#[derive(Default)]
struct Counted {
    records: AtomicU64,
}

/// Where the sandbox is.
#[derive(Clone)]
struct Behind {
    address: String,
    token: String,
}

/// Serves until standard input ends; prints its address first.
pub(crate) fn serve(port: u16) -> Result<(), Fault> {
    let server = start(port)?;
    println!("{}", server.url);
    let _ = io::stdin().read_to_end(&mut Vec::new());
    eprintln!("{} records", server.records());
    Ok(())
}

/// Serves the sandbox itself until standard input ends, prints its address and its token first.
pub(crate) fn serve_stand_in() -> Result<(), Fault> {
    let folder = tempfile::tempdir().map_err(|error| Fault::of("a temporary folder", error))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Fault::of("the runtime", error))?;
    let state = Some(folder.path().join("sandbox.db"));
    let options = SandboxOptions { state, seed: true, ..SandboxOptions::default() };
    let sandbox = runtime.block_on(migr_sandbox::start(options)).map_err(|error| Fault::of("the sandbox", error))?;
    println!("{} {}", sandbox.url(), sandbox.token());
    let _ = io::stdin().read_to_end(&mut Vec::new());
    runtime.block_on(sandbox.stop());
    Ok(())
}

impl NullServer {
    /// How many records it took.
    pub(crate) fn records(&self) -> u64 {
        self.counted.records.load(Ordering::Relaxed)
    }
}

pub(crate) fn start(port: u16) -> Result<NullServer, Fault> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|error| Fault::of("the runtime", error))?;
    let sandbox = runtime.block_on(migr_sandbox::start(SandboxOptions { seed: true, ..SandboxOptions::default() }));
    let sandbox = sandbox.map_err(|error| Fault::of("the sandbox", error))?;
    let behind = behind(&sandbox);
    runtime.spawn(async move {
        let _sandbox = sandbox;
        std::future::pending::<()>().await;
    });
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|error| Fault::of("the port", error))?;
    let address = listener.local_addr().map_err(|error| Fault::of("the port", error))?;
    let counted = Arc::new(Counted::default());
    let counting = Arc::clone(&counted);
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let (behind, counted) = (behind.clone(), Arc::clone(&counting));
            std::thread::spawn(move || {
                let _ = converse(&client, &behind, &counted);
            });
        }
    });
    Ok(NullServer { url: format!("http://{address}"), counted, _runtime: runtime })
}

fn behind(sandbox: &Sandbox) -> Behind {
    let address = sandbox.url().trim_start_matches("http://").to_owned();
    Behind { address, token: sandbox.token().to_owned() }
}

struct Request {
    line: String,
    headers: Vec<String>,
    body: Vec<u8>,
}

fn converse(client: &TcpStream, behind: &Behind, counted: &Counted) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(1 << 16, client.try_clone()?);
    let mut client = client;
    while let Some(request) = read(&mut reader)? {
        if request.line.starts_with("POST /rest/batch/") {
            let answer = created(&request.body, counted);
            client.write_all(&answer)?;
        } else {
            return forward(&request, behind, client);
        }
    }
    Ok(())
}

fn read(reader: &mut BufReader<TcpStream>) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let (mut headers, mut length) = (Vec::new(), 0);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        if header.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = header.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
        headers.push(header);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some(Request { line, headers, body }))
}

/// The answer to a batch: the ids that came with the records.
fn created(body: &[u8], counted: &Counted) -> Vec<u8> {
    const MARK: &[u8] = b"{\"id\":\"";
    let mut data = b"{\"data\":{\"createPeople\":[".to_vec();
    let mut count = 0;
    let mut rest = body;
    while let Some(at) = rest.windows(MARK.len()).position(|window| window == MARK) {
        let after = rest.get(at + MARK.len()..).unwrap_or_default();
        let id = after.get(..36).unwrap_or(after);
        if count > 0 {
            data.push(b',');
        }
        data.extend_from_slice(MARK);
        data.extend_from_slice(id);
        data.extend_from_slice(b"\"}");
        count += 1;
        rest = after;
    }
    data.extend_from_slice(b"]}}");
    counted.records.fetch_add(count, Ordering::Relaxed);
    let mut answer =
        format!("HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", data.len())
            .into_bytes();
    answer.extend_from_slice(&data);
    answer
}

/// Hands a request on to the sandbox, whose answer ends the connection.
fn forward(request: &Request, behind: &Behind, mut client: &TcpStream) -> io::Result<()> {
    let mut server = TcpStream::connect(&behind.address)?;
    let mut head = request.line.clone();
    for header in &request.headers {
        let name = header.split(':').next().unwrap_or_default();
        if !["connection", "authorization"].iter().any(|own| name.eq_ignore_ascii_case(own)) {
            head.push_str(header);
        }
    }
    server.write_all(head.as_bytes())?;
    write!(server, "authorization: Bearer {}\r\nconnection: close\r\n\r\n", behind.token)?;
    server.write_all(&request.body)?;
    io::copy(&mut server, &mut client)?;
    client.shutdown(std::net::Shutdown::Both)
}
