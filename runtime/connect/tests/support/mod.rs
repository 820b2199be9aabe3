//! A scripted server over real TCP, for the faults that a proper server would not make, and small plans.
#![allow(dead_code, unreachable_pub, clippy::allow_attributes, reason = "each test file uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::missing_panics_doc,
    clippy::needless_pass_by_value,
    reason = "a test fails by panicking"
)]

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use migr_connect::connect;
use migr_load::{Destination, Endpoint, HttpOptions, Rate, Secret};
use migr_plan::{FieldMapping, Plan};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A request as the server saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    /// Path without the query.
    pub path: String,
    /// Query, decoded.
    pub query: Vec<(String, String)>,
    pub head: String,
    pub body: Vec<u8>,
}

impl Seen {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub fn asks(&self, key: &str) -> Option<&str> {
        self.query.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

/// Reply to a request.
pub enum Reply {
    /// Status and JSON.
    Json(u16, Value),
    /// Status, a header line, JSON.
    With(u16, &'static str, Value),
    /// Status and a text.
    Text(u16, String),
    /// The connection is cut.
    Cut,
    /// Half of the body, then the connection is cut.
    Half(Value),
    /// Nothing for a while, then the connection is cut.
    Silence(Duration),
}

/// The server. It ends with the test.
pub struct Server {
    pub url: String,
    pub seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    pub async fn start(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (answer, log) = (Arc::new(answer), seen.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, answer.clone(), log.clone()));
            }
        });
        Self { url, seen }
    }

    /// Method and path of every request.
    pub fn requests(&self) -> Vec<String> {
        self.seen.lock().unwrap().iter().map(|seen| format!("{} {}", seen.method, seen.path)).collect()
    }

    pub fn last(&self, method: &str, path: &str) -> Seen {
        let seen = self.seen.lock().unwrap();
        seen.iter().rev().find(|seen| seen.method == method && seen.path.starts_with(path)).cloned().unwrap()
    }

    /// A connector to it, that has read its metadata.
    pub async fn twenty(&self) -> Box<dyn Destination> {
        let destination = self.connect();
        destination.schema().await.unwrap();
        destination
    }

    pub fn connect(&self) -> Box<dyn Destination> {
        let endpoint = Endpoint { url: self.url.clone(), token: Secret::new("TOKEN-1") };
        connect(&plan(), endpoint, options()).unwrap()
    }
}

async fn serve(
    mut stream: TcpStream,
    answer: Arc<impl Fn(&Seen) -> Reply + Send + Sync + 'static>,
    log: Arc<Mutex<Vec<Seen>>>,
) {
    let mut buffer = Vec::new();
    while let Some(seen) = read(&mut stream, &mut buffer).await {
        log.lock().unwrap().push(seen.clone());
        let (status, header, body) = match answer(&seen) {
            Reply::Json(status, body) => (status, "", body.to_string()),
            Reply::With(status, header, body) => (status, header, body.to_string()),
            Reply::Text(status, body) => (status, "", body),
            Reply::Cut => return,
            Reply::Half(body) => {
                let body = body.to_string();
                let half = &body[..body.len() / 2];
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{half}", body.len());
                let _ = stream.write_all(head.as_bytes()).await;
                return;
            }
            Reply::Silence(duration) => {
                tokio::time::sleep(duration).await;
                return;
            }
        };
        let line = if header.is_empty() { String::new() } else { format!("{header}\r\n") };
        let text = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{line}content-length: {}\r\n\r\n{body}",
            body.len()
        );
        if stream.write_all(text.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Seen> {
    let end = loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        let mut piece = [0; 8192];
        let count = stream.read(&mut piece).await.ok().filter(|count| *count > 0)?;
        buffer.extend_from_slice(&piece[..count]);
    };
    let head = String::from_utf8(buffer[..end].to_vec()).unwrap();
    let length: usize = head
        .lines()
        .find_map(|line| {
            line.to_ascii_lowercase().strip_prefix("content-length:").map(|length| length.trim().parse().unwrap())
        })
        .unwrap_or(0);
    while buffer.len() < end + 4 + length {
        let mut piece = [0; 8192];
        let count = stream.read(&mut piece).await.ok().filter(|count| *count > 0)?;
        buffer.extend_from_slice(&piece[..count]);
    }
    let body = buffer[end + 4..end + 4 + length].to_vec();
    buffer.drain(..end + 4 + length);
    let mut line = head.lines().next().unwrap().split(' ');
    let (method, target) = (line.next().unwrap().to_owned(), line.next().unwrap().to_owned());
    let url = url::Url::parse(&format!("http://x{target}")).unwrap();
    let query = url.query_pairs().map(|(key, value)| (key.into_owned(), value.into_owned())).collect();
    Some(Seen { method, path: url.path().to_owned(), query, head, body })
}

/// Attempts without long pauses.
pub fn options() -> HttpOptions {
    HttpOptions {
        attempts: 4,
        back_off: Duration::from_millis(2),
        longest_back_off: Duration::from_millis(10),
        connect_timeout: Duration::from_secs(2),
        timeout: Duration::from_secs(5),
        rate: Some(Rate { requests: 60_000, per_seconds: 60, burst: None }),
        ..HttpOptions::default()
    }
}

/// A recorded exchange, or recorded metadata.
pub fn recording(name: &str) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/recordings").join(format!("{name}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The answers of a workspace of 2.19 to what reads its metadata.
pub fn metadata_two(seen: &Seen) -> Option<Reply> {
    let objects = recording("metadata-2");
    match (seen.method.as_str(), seen.path.as_str()) {
        ("GET", "/rest/metadata/objects") => {
            let all = objects.as_array().unwrap();
            // In two pages, as a workspace of more than 200 objects would be.
            let (page, more) = match seen.asks("starting_after") {
                None => (&all[..5], true),
                Some(after) => {
                    assert_eq!(after, all[4]["id"]);
                    (&all[5..], false)
                }
            };
            let info = json!({"hasNextPage": more, "endCursor": page.last().unwrap()["id"]});
            Some(Reply::Json(200, json!({"data": page, "pageInfo": info, "totalCount": all.len()})))
        }
        ("POST", "/metadata") if String::from_utf8_lossy(&seen.body).contains("fieldsList") => {
            Some(Reply::Json(200, recording("relations-2")))
        }
        _ => None,
    }
}

/// The answers by which a list without records is believed: somebody uses the workspace, and GraphQL does not take the question.
pub fn proofs(seen: &Seen) -> Option<Reply> {
    match (seen.method.as_str(), seen.path.as_str()) {
        ("GET", "/rest/workspaceMembers") => {
            let member = json!({"id": "00000000-0000-4000-8000-00000000abcd", "deletedAt": null});
            Some(Reply::Json(200, list("workspaceMembers", vec![member])))
        }
        ("POST", "/graphql") => Some(Reply::Json(200, json!({"errors": [{"message": "Cannot query it."}]}))),
        _ => None,
    }
}

/// A list whole on one page.
pub fn list(object: &str, records: Vec<Value>) -> Value {
    let total = records.len();
    json!({"data": {object: records}, "totalCount": total, "pageInfo": {"hasNextPage": false, "endCursor": null}})
}

/// The answers of a workspace of 1.10.
pub fn metadata_one(seen: &Seen) -> Option<Reply> {
    if (seen.method.as_str(), seen.path.as_str()) != ("GET", "/rest/metadata/objects") {
        return None;
    }
    if !seen.query.is_empty() {
        return Some(Reply::Json(
            400,
            json!({"statusCode": 400, "message": "Query path invalid.", "error": "Bad Request"}),
        ));
    }
    Some(Reply::Json(200, json!({"data": {"objects": recording("metadata-1")}, "pageInfo": {"hasNextPage": false}})))
}

/// A plan with nothing but a destination, and one sensitive field.
pub fn plan() -> Plan {
    let origin = json!({"file": "main.migr", "line": 1, "column": 1});
    let birth = json!({"field": "jobTitle", "type": {"kind": "text"}, "value": {"op": "none"}, "sensitive": true, "reads": [], "origin": origin});
    serde_json::from_value(json!({
        "format_version": 1,
        "migration": "m",
        "inputs": {"files": []},
        "options": {},
        "source": {"system": "s", "files": "*.csv", "blank": [], "objects": []},
        "destination": {
            "system": "twenty", "connector": "twenty", "name": "staging", "settings": {},
            "limits": [{"what": "requests", "value": 100, "per_seconds": 60}, {"what": "batch", "value": 200}],
        },
        "setup": [],
        "stages": [{
            "id": "people", "map": "people", "source_object": "Contact", "destination_object": "people", "depends_on": [], "edges": [],
            "policies": {"existing": "fill", "duplicate": {"do": "quarantine"}, "deleted": "quarantine", "cycle": "cut"},
            "fields": [birth], "deferred": [], "dropped": [], "rollback": {"class": "exact"}, "origin": origin,
        }],
        "picklists": [], "degradations": [], "rows": [],
        "estimate": {}, "summary": {"schema_changes": 0, "blocking": 0},
    }))
    .unwrap()
}

/// A mapping to a field, of the type that the schema says or any other.
pub fn mapping(field: &str, ty: Value) -> FieldMapping {
    serde_json::from_value(json!({
        "field": field, "type": ty, "value": {"op": "none"}, "reads": [], "origin": {"file": "main.migr", "line": 1, "column": 1},
    }))
    .unwrap()
}
