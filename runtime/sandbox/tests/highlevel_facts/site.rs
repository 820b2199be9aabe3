//! Requests to a sandbox of HighLevel, for more than one test file.

use std::time::Duration;

use migr_sandbox::Sandbox;
use migr_sandbox::highlevel::{Options, start};
use reqwest::multipart::Form;
use reqwest::{Client, Response};
use serde_json::{Map, Value};

use crate::contract;

/// The location of a sandbox that was not told another.
pub(crate) const LOCATION: &str = "SandboxLocation00001";
/// The agency of that location.
pub(crate) const COMPANY: &str = "SandboxAgency0000001";

/// A sandbox with what sends requests to it.
pub(crate) struct Site {
    pub(crate) sandbox: Sandbox,
    client: Client,
    version: &'static str,
}

/// A client of HTTP.
pub(crate) fn client() -> Client {
    // A second installation is refused and changes nothing.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    Client::builder().build().unwrap()
}

/// Options under which searches find everything at once.
pub(crate) fn at_once() -> Options {
    Options { lag: Duration::ZERO, ..Options::default() }
}

impl Site {
    /// One in memory, asked in v3.
    pub(crate) async fn new() -> Self {
        Self::with(at_once()).await
    }

    /// One with these options, asked in v3.
    pub(crate) async fn with(options: Options) -> Self {
        Self { sandbox: start(options).await.unwrap(), client: client(), version: "v3" }
    }

    /// The same, asked in another version.
    pub(crate) fn asked_in(mut self, version: &'static str) -> Self {
        self.version = version;
        self
    }

    /// The answer to a request, with its headers.
    pub(crate) async fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Response {
        self.tried(method, path, body).await.unwrap()
    }

    /// The same, where the connection is not cut.
    pub(crate) async fn tried(&self, method: &str, path: &str, body: Option<&Value>) -> Option<Response> {
        let url = format!("{}{path}", self.sandbox.url());
        let mut request = self.client.request(method.parse().unwrap(), url).bearer_auth(self.sandbox.token());
        if !self.version.is_empty() {
            request = request.header("Version", self.version);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        request.send().await.ok()
    }

    /// Status and body of the answer to a request.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let response = self.send(method, path, body.as_ref()).await;
        let (status, answer) = (response.status().as_u16(), response.json().await.unwrap_or_default());
        contract::held(self.version, method, path, body.as_ref(), status, &answer);
        (status, answer)
    }

    /// The body of a GET that succeeds.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, body) = self.call("GET", path, None).await;
        assert_eq!(status, 200, "GET {path}: {body}");
        body
    }

    /// The body of a POST that succeeds, whatever the status of success; the location is added.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.call("POST", path, Some(located(&body))).await;
        assert!((200..300).contains(&status), "POST {path} {body}: {status} {answer}");
        answer
    }

    /// Status and body of the answer to a form.
    pub(crate) async fn form(&self, path: &str, form: Form) -> (u16, Value) {
        let url = format!("{}{path}", self.sandbox.url());
        let request = self.client.post(url).bearer_auth(self.sandbox.token()).header("Version", self.version);
        let response = request.multipart(form).send().await.unwrap();
        let (status, answer) = (response.status().as_u16(), response.json().await.unwrap_or_default());
        contract::held(self.version, "POST", path, None, status, &answer);
        (status, answer)
    }

    /// The id of a new contact with this address.
    pub(crate) async fn contact(&self, email: &str) -> String {
        let made = self.post("/contacts/", serde_json::json!({"email": email, "firstName": "Ada"})).await;
        word(&made["contact"]["id"])
    }

    /// The first pipeline.
    pub(crate) async fn pipeline(&self) -> Value {
        self.get(&format!("/opportunities/pipelines?locationId={LOCATION}")).await["pipelines"][0].clone()
    }
}

/// A body with the location, where it names none.
pub(crate) fn located(body: &Value) -> Value {
    let mut all = Map::new();
    all.insert("locationId".into(), LOCATION.into());
    all.extend(body.as_object().unwrap().clone());
    all.into()
}

/// A text of an answer.
pub(crate) fn word(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}
