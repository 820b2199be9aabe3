//! The whole of a location behind the connections: version, token, scope, location, limits, routes.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde_json::{Value, json};

use crate::SandboxError;
use crate::highlevel::call::Call;
use crate::highlevel::limits::Limits;
use crate::highlevel::refusal::Refusal;
use crate::highlevel::routes::Route;
use crate::highlevel::state::State;
use crate::highlevel::{Options, contents, files, fingerprint, index};
use crate::http::{Request, Response};
use crate::server::{Front, Sandbox, Site, serve};

/// Versions that the API answers to.
const VERSIONS: [&str; 4] = ["v3", "2021-07-28", "2021-04-15", "2023-02-21"];

/// A location that is served.
#[derive(Debug)]
struct Location {
    state: Mutex<State>,
    limits: Mutex<Limits>,
}

/// Starts a sandbox of HighLevel on 127.0.0.1.
///
/// # Errors
/// The state cannot be opened or is of another system, what the location held before cannot be read, or the port is taken.
pub async fn start(options: Options) -> Result<Sandbox, SandboxError> {
    let front = Front { port: options.port, latency: options.latency, faults: options.faults.clone() };
    serve(front, |url| {
        let state = State::open(&options, url)?;
        let token = state.token.clone();
        let limits = Mutex::new(Limits::new(options.rate, options.daily));
        let location: Box<dyn Site> = Box::new(Location { state: Mutex::new(state), limits });
        Ok((location, token))
    })
    .await
}

impl Sandbox {
    /// Number of messages that the location has sent to its clients; nothing where the sandbox is of another system.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn messages_sent(&self) -> Result<u64, SandboxError> {
        match self.site::<Location>() {
            Some(location) => Ok(location.lock().counted("messages")?),
            None => Ok(0),
        }
    }

    /// Uses so many of the day's requests up, as another integration of the location would.
    pub fn spend_daily(&self, requests: u64) {
        if let Some(location) = self.site::<Location>() {
            location.counters().spend(requests, Instant::now());
        }
    }

    /// Lets searches find everything that was written, without waiting.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn settle_searches(&self) -> Result<(), SandboxError> {
        match self.site::<Location>() {
            Some(location) => index::catch_up_all(&location.lock()).map_err(SandboxError::from),
            None => Ok(()),
        }
    }

    /// Changes a setting of the location, such as `allowDuplicateContact`.
    ///
    /// # Errors
    /// The state cannot be written.
    pub fn set_location_setting(&self, setting: &str, value: bool) -> Result<(), SandboxError> {
        let Some(location) = self.site::<Location>() else { return Ok(()) };
        let state = location.lock();
        let changed = state.atomically(|state| {
            let mut place = state.found("location", "Location", &state.location)?;
            if let Some(settings) = place.body.get_mut("settings").and_then(Value::as_object_mut) {
                settings.insert(setting.to_owned(), value.into());
            }
            state.save("location", &mut place)
        });
        changed.map_err(SandboxError::from)
    }
}

impl Location {
    /// The state; a panic elsewhere leaves it usable, since every change is one transaction.
    fn lock(&self) -> MutexGuard<'_, State> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = state.store.undo_unfinished() {
            tracing::error!(%error, "an unfinished change could not be undone");
        }
        state
    }

    fn counters(&self) -> MutexGuard<'_, Limits> {
        self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, request: &Request) -> Result<Response, Refusal> {
        let state = self.lock();
        if request.method == "GET" && request.path.starts_with("/documents/") {
            return files::document(&state, request);
        }
        let v3 = version(request)?;
        if request.authorization.as_deref().and_then(|value| value.strip_prefix("Bearer ")) != Some(&state.token) {
            return Err(Refusal::unauthorized("Invalid Private Integration token"));
        }
        self.counters().take(Instant::now())?;
        let segments = request.segments();
        let Some((route, ids)) = Route::of(&request.method, &segments, v3) else {
            let message = format!("Cannot {} {}", request.method, request.path);
            return Err(Refusal::new(404, json!({"message": message, "error": "Not Found"})));
        };
        if state.without_scopes.iter().any(|scope| scope == route.scope) {
            return Err(Refusal::unauthorized("The token is not authorized for this scope."));
        }
        let call = Call::new(request, v3)?;
        bound(&state, &call, &segments)?;
        state.refuse("body", &call.body)?;
        let (status, body) = state.atomically(|state| (route.handler)(state, &call, &ids))?;
        Ok(Response::json(status, &body))
    }
}

/// The version that a request asks for, true where it is the newest.
fn version(request: &Request) -> Result<bool, Refusal> {
    match request.version.as_deref() {
        None => Err(Refusal::unauthorized("version header was not found.")),
        Some(version) if VERSIONS.contains(&version) => Ok(version == "v3"),
        Some(_) => Err(Refusal::unauthorized("version header is invalid")),
    }
}

/// The refusal of another location than the token's, wherever a request names it.
fn bound(state: &State, call: &Call<'_>, segments: &[&str]) -> Result<(), Refusal> {
    let in_path = match segments {
        ["locations", id, ..] => Some(*id),
        _ => None,
    };
    let in_query = ["locationId", "location_id", "altId"].iter().find_map(|name| call.param(name));
    let in_body = ["locationId", "altId"].iter().find_map(|key| call.body.get(key).and_then(Value::as_str));
    if [in_path, in_query, in_body].into_iter().flatten().any(|id| id != state.location) {
        return Err(Refusal::forbidden("The token does not have access to this location."));
    }
    Ok(())
}

impl Site for Location {
    fn serve(&self, request: &Request) -> Response {
        let response = match self.answer(request) {
            Ok(response) => response,
            Err(refusal) => {
                let trace = blake3::hash(request.target.as_bytes()).to_hex();
                refusal.traced(&trace.chars().take(32).collect::<String>()).into()
            }
        };
        self.counters().told(response, Instant::now())
    }

    fn failure(&self, _: &Request) -> Response {
        let refusal = Refusal::new(500, json!({"message": "Internal server error", "error": "Internal Server Error"}));
        self.counters().told(refusal.into(), Instant::now())
    }

    fn limit_reached(&self, _: &Request) -> Option<Response> {
        Some(self.counters().reached(Instant::now()))
    }

    fn contradict(&self, request: &Request, response: Response) -> Response {
        let creates =
            request.method == "POST" && response.status == 201 && request.path.trim_end_matches('/') == "/contacts";
        if !creates {
            return response;
        }
        let refusal = Refusal::invalid("The contact could not be processed");
        Response { headers: response.headers, ..Response::from(refusal) }
    }

    fn takes_files(&self, path: &str) -> bool {
        path.starts_with("/medias/") || path.starts_with("/forms/")
    }

    fn fingerprint(&self) -> Result<String, SandboxError> {
        fingerprint::fingerprint(&self.lock())
    }

    fn contents(&self) -> Result<String, SandboxError> {
        contents::contents(&self.lock())
    }

    fn file_count(&self) -> Result<u64, SandboxError> {
        let sql = "SELECT count(*) FROM files";
        let count: i64 = self.lock().store.database().query_row(sql, [], |found| found.get(0))?;
        Ok(u64::try_from(count).unwrap_or_default())
    }
}

impl From<Refusal> for SandboxError {
    fn from(refusal: Refusal) -> Self {
        let text = String::from_utf8_lossy(&Response::from(refusal).body).into_owned();
        Self::Database(rusqlite::Error::ToSqlConversionFailure(text.into()))
    }
}
