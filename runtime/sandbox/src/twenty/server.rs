//! The whole of a Twenty behind the connections: keys, limits, routes.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::http::{Body, Request, Response};
use crate::server::{Front, Sandbox, Site, serve};
use crate::twenty::auth::{self, Key};
use crate::twenty::engine::Engine;
use crate::twenty::problem::Problem;
use crate::twenty::rate::{self, Bucket};
use crate::twenty::role::Role;
use crate::twenty::{files, fingerprint, graphql, metadata, rest, workflows};
use crate::{RateLimit, SandboxError, SandboxOptions};

/// A workspace that is served.
#[derive(Debug)]
struct Workspace {
    engine: Mutex<Engine>,
    bucket: Option<Mutex<Bucket>>,
    rate: Option<RateLimit>,
}

/// Starts a sandbox on 127.0.0.1.
///
/// # Errors
/// The state cannot be opened or is of another version, or the port is taken.
pub async fn start(options: SandboxOptions) -> Result<Sandbox, SandboxError> {
    let front = Front { port: options.port, latency: options.latency, faults: options.faults.clone() };
    serve(front, |url| {
        let mut engine = Engine::open(&options)?;
        url.clone_into(&mut engine.base_url);
        let token = engine.token.clone();
        let bucket = options.rate.map(|limit| Mutex::new(Bucket::new(limit)));
        Ok((Box::new(Workspace { engine: Mutex::new(engine), bucket, rate: options.rate }), token))
    })
    .await
}

impl Sandbox {
    /// Switches the envelopes of the metadata answers, as a workspace's feature flag does.
    pub fn set_legacy_metadata(&self, legacy: bool) {
        if let Some(workspace) = self.site::<Workspace>() {
            workspace.lock().legacy_metadata = legacy;
        }
    }
}

impl Sandbox {
    /// Gives the API key another role.
    pub fn set_role(&self, role: Role) {
        if let Some(workspace) = self.site::<Workspace>() {
            workspace.lock().role = role;
        }
    }
}

impl Workspace {
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

    /// The answer to a request; one at a time.
    fn route(&self, request: &Request) -> Response {
        if matches!(request.body, Body::TooLarge) {
            return Response::text(500, "request entity too large");
        }
        let mut engine = self.lock();
        let key = auth::judge(request, &engine.token);
        match request.segments().as_slice() {
            ["rest", "open-api", ..] if engine.old() && request.param("token") == Some(&engine.token) => open_api(),
            ["rest", ..] if key != Key::Good => auth::refusal(key, engine.old()),
            ["rest", "metadata", ..] => metadata::serve(&mut engine, request),
            ["rest", "open-api", ..] => open_api(),
            ["rest", _, ..] => match self.take_token() {
                Ok(()) => rest::serve(&mut engine, request),
                Err(problem) => problem.into(),
            },
            ["graphql"] => graphql::serve(&mut engine, request, key, || self.take_token()),
            ["metadata"] => graphql::serve_metadata(&mut engine, request, key),
            ["file" | "files" | "file-upload", ..] => files::serve(&mut engine, request),
            ["healthz"] => Response::json(200, &json!({"status": "ok", "info": {}, "error": {}, "details": {}})),
            _ => {
                let message = format!("Cannot {} {}", request.method, request.path);
                Response::json(404, &json!({"message": message, "error": "Not Found", "statusCode": 404}))
            }
        }
    }
}

impl Site for Workspace {
    fn serve(&self, request: &Request) -> Response {
        let response = self.route(request);
        if let Err(problem) = workflows::run(&mut self.lock()) {
            tracing::error!(problem = problem.message, "a workflow failed");
        }
        response
    }

    fn failure(&self, _: &Request) -> Response {
        Problem::new(500, "InternalServerErrorException", "Internal server error").into()
    }

    fn limit_reached(&self, request: &Request) -> Option<Response> {
        // Only record queries are limited: metadata and files never are.
        let path = request.path.as_str();
        let of_records = path.starts_with("/rest/") && !path.starts_with("/rest/metadata/");
        if !of_records && path != "/graphql" {
            return None;
        }
        let limit = self.rate.unwrap_or(RateLimit { requests: 100, per: Duration::from_secs(60) });
        let problem = rate::refusal(limit);
        Some(match path {
            "/graphql" => Response::json(200, &json!({"data": null, "errors": [problem.graphql_error()]})),
            _ => problem.into(),
        })
    }

    fn takes_files(&self, path: &str) -> bool {
        path.starts_with("/file-upload/")
    }

    fn fingerprint(&self) -> Result<String, SandboxError> {
        fingerprint::fingerprint(&self.lock())
    }

    fn file_count(&self) -> Result<u64, SandboxError> {
        Ok(self.lock().count_files()?)
    }
}

/// The place of the API's description, which a connector only probes.
fn open_api() -> Response {
    Response::json(200, &json!({"openapi": "3.1.0", "paths": {}}))
}
