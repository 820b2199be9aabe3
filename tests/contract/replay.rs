//! Sends one recorded request and compares the answer.

use std::collections::BTreeMap;

use migr_sandbox::Sandbox;
use reqwest::multipart::{Form, Part};
use reqwest::{Client, Method};
use serde_json::Value;

use super::compare::{Bindings, difference, view};
use super::{Recording, Step};

/// Replays recordings one after another, with what was learned on the way.
pub(crate) struct Player<'a> {
    sandbox: &'a Sandbox,
    client: Client,
    /// Recorded values and what stands for them here.
    pub(crate) bindings: Bindings,
}

impl<'a> Player<'a> {
    /// A player for one sandbox.
    pub(crate) fn new(sandbox: &'a Sandbox) -> Self {
        // A second installation is refused and changes nothing.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().build().unwrap();
        Self { sandbox, client, bindings: Bindings::default() }
    }

    /// A plain read.
    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        let url = format!("{}{path}", self.sandbox.url());
        let response = self.client.get(url).bearer_auth(self.sandbox.token()).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// Replays one exchange; an error says how the answer differs.
    pub(crate) async fn play(&mut self, recording: &Recording, step: &Step) -> Result<(), String> {
        for call in &step.before {
            let (method, path) = call.call.split_once(' ').unwrap();
            let body = call.body.as_deref().map(expand);
            let body = body.map(|body| (body.into_bytes(), "application/json"));
            let path = self.bindings.translate(path);
            let (status, _) = self.send(method, &path, body, None).await?;
            if status >= 400 {
                return Err(format!("the request before it ({}) was answered {status}", call.call));
            }
        }
        let (status, actual) = self.send_recorded(recording, step).await?;
        let expected_status = step.expect_status.unwrap_or(recording.response.status);
        if status != expected_status {
            return Err(format!("status {status}, recorded {expected_status}; answered {}", short(&actual)));
        }
        if step.compare.as_deref() == Some("status") {
            return Ok(());
        }
        let actual = step.view.as_deref().map_or_else(|| actual.clone(), |path| view(&actual, path));
        let expected = match &step.expect {
            Some(text) => serde_json::from_str(text).unwrap(),
            None => recording.response.body.clone(),
        };
        let only_shape = step.compare.as_deref() == Some("shape");
        match difference(&expected, &actual, only_shape, &mut self.bindings) {
            None => Ok(()),
            Some(found) => Err(found),
        }
    }

    async fn send_recorded(&self, recording: &Recording, step: &Step) -> Result<(u16, Value), String> {
        let request = &recording.request;
        let path = step.path.as_deref().map(|path| path.replace("<token>", self.sandbox.token()));
        let path = self.bindings.translate(&path.as_deref().map_or_else(|| request.path.clone(), expand));
        let keyless = !request.headers.contains_key("Authorization");
        let token = step.token.clone().or_else(|| keyless.then(String::new));
        if let Some(parts) =
            request.body.get("multipart parts").or(request.body.get("operations").map(|_| &request.body))
        {
            return self.send_form(&request.path, parts).await;
        }
        let body = match (&step.raw, &step.body, &request.body) {
            (Some(raw), _, _) => Some(raw.clone().into_bytes()),
            (_, Some(body), _) => Some(expand(body).into_bytes()),
            (_, _, Value::Null) => None,
            (_, _, Value::String(text)) => Some(vec![b'x'; described_size(text)]),
            (_, _, body) => Some(self.bindings.translate(&body.to_string()).into_bytes()),
        };
        let mime = step.content_type.as_deref().unwrap_or("application/json");
        self.send(&request.method, &path, body.map(|body| (body, mime)), token).await
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<(Vec<u8>, &str)>,
        token: Option<String>,
    ) -> Result<(u16, Value), String> {
        let url = format!("{}{path}", self.sandbox.url());
        let mut request = self.client.request(method.parse::<Method>().unwrap(), url);
        let token = token.unwrap_or_else(|| self.sandbox.token().to_owned());
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        if let Some((body, mime)) = body {
            request = request.header("Content-Type", mime).body(body);
        }
        answer(request).await
    }

    async fn send_form(&self, path: &str, parts: &Value) -> Result<(u16, Value), String> {
        let mut form = Form::new();
        let parts: BTreeMap<String, Value> = serde_json::from_value(parts.clone()).unwrap();
        for (name, value) in parts.into_iter().rev() {
            form = match value.as_str() {
                Some(file) => {
                    let file_name = file.trim_start_matches("<file ").split([',', '>']).next().unwrap().to_owned();
                    let size = described_size(file);
                    let content = match file_name.as_str() {
                        "hello.txt" if size == 12 => b"hello world\n".to_vec(),
                        "hello.txt" => b"hello v1".to_vec(),
                        _ => vec![b'x'; size],
                    };
                    form.part(name, Part::bytes(content).file_name(file_name))
                }
                None => form.text(name, self.bindings.translate(&value.to_string())),
            };
        }
        let url = format!("{}{path}", self.sandbox.url());
        answer(self.client.post(url).bearer_auth(self.sandbox.token()).multipart(form)).await
    }
}

async fn answer(request: reqwest::RequestBuilder) -> Result<(u16, Value), String> {
    let response = request.send().await.map_err(|error| format!("no answer: {error}"))?;
    let status = response.status().as_u16();
    let text = response.text().await.map_err(|error| format!("no whole answer: {error}"))?;
    Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
}

/// The number of bytes that a description such as `<210 bytes>` or `<40 MiB>` speaks of.
fn described_size(text: &str) -> usize {
    let words: Vec<&str> = text.split([' ', '<', '>', ',']).filter(|word| !word.is_empty()).collect();
    let number = |unit: &str| {
        let at = words.iter().position(|word| *word == unit)?;
        words[at - 1].parse::<usize>().ok()
    };
    number("bytes").or(number("MiB").map(|count| count * 1024 * 1024)).unwrap_or(0)
}

/// Puts out `{n*…<i>…}`: n items, joined by commas if they are JSON objects.
fn expand(text: &str) -> String {
    let Some(start) = text.char_indices().find_map(|(at, _)| repeat_at(text, at).map(|found| (at, found))) else {
        return text.to_owned();
    };
    let (at, (count, item, end)) = start;
    let comma = item.starts_with('{') && !item.ends_with(',') || item.len() == 36;
    if !item.contains("<i") && !comma {
        return format!("{}{}{}", &text[..at], item.repeat(count), &text[end..]);
    }
    let items: Vec<String> = (0..count)
        .map(|number| item.replace("<iii>", &format!("{number:03}")).replace("<i>", &number.to_string()))
        .collect();
    format!("{}{}{}", &text[..at], items.join(if comma { "," } else { "" }), &text[end..])
}

/// Count, item and end of a repetition that starts here.
fn repeat_at(text: &str, at: usize) -> Option<(usize, &str, usize)> {
    let rest = text[at..].strip_prefix('{')?;
    let (count, item) = rest.split_once('*')?;
    let count = count.parse().ok()?;
    let mut depth = 1;
    for (place, letter) in item.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            let end = at + 1 + rest.find('*').unwrap() + 1 + place + 1;
            return Some((count, &item[..place], end));
        }
    }
    None
}

fn short(value: &Value) -> String {
    value.to_string().chars().take(300).collect()
}
