//! Files to and from addresses that carry their own key. No token goes with them.

use reqwest::StatusCode;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use tokio::time::{sleep, timeout};
use url::Url;

use super::reason::reason;
use super::{CallError, Http, Payload, answer, open, pause, why};
use crate::LoadError;

/// Text of a refusal, its beginning at least.
async fn refusal(response: reqwest::Response) -> Vec<u8> {
    match answer::body(response, answer::LARGEST_REFUSAL, &answer::Held::default()).await {
        Ok(answer::Body::Whole(bytes) | answer::Body::Cut(bytes, _)) => bytes,
        Err(_) => Vec::new(),
    }
}

impl Http {
    /// Sends a file to an address that carries its own key. No token goes with it.
    pub async fn put_file(&self, address: &str, payload: &Payload<'_>) -> Result<(), CallError> {
        let Payload::Bytes { file, media, bytes } = payload else {
            return Err(CallError::Unknown { why: "nothing to send".to_owned(), is_answered: true });
        };
        let url = self.absolute(address)?;
        let mut failures = 0;
        loop {
            let body = open(file).await.map_err(CallError::Fatal)?;
            let sent = self
                .plain
                .put(url.clone())
                .timeout(self.patience(payload))
                .header(CONTENT_TYPE, media)
                .header(CONTENT_LENGTH, *bytes)
                .body(body)
                .send()
                .await;
            let why = match sent {
                Ok(response) if response.status().is_success() => return Ok(()),
                Ok(response)
                    if response.status().is_client_error() && response.status() != StatusCode::TOO_MANY_REQUESTS =>
                {
                    let status = response.status().as_u16();
                    let body = refusal(response).await;
                    let found = reason(status, &body, &self.token);
                    return Err(CallError::Refused { status, message: found.message, code: found.code, body: None });
                }
                Ok(response) => format!("HTTP {}", response.status().as_u16()),
                Err(error) => why(&error),
            };
            failures += 1;
            if failures >= self.options.attempts.max(1) {
                return Err(CallError::Fatal(LoadError::Unavailable {
                    url: self.host(),
                    request: format!("PUT {}", url.path()),
                    attempts: failures,
                    why,
                }));
            }
            sleep(pause(&self.options, url.path(), failures)).await;
        }
    }

    /// Reads what an address that carries its own key holds, piece by piece. Each of them may take as long as an answer may.
    pub async fn read(&self, address: &str, each: &mut (dyn FnMut(&[u8]) + Send)) -> Result<(), CallError> {
        let url = self.absolute(address)?;
        let request = format!("GET {}", url.path());
        let mut response = self.in_time(self.plain.get(url.clone()).send()).await?;
        let status = response.status();
        if !status.is_success() {
            let body = timeout(self.options.timeout, refusal(response)).await.unwrap_or_default();
            let found = reason(status.as_u16(), &body, &self.token);
            if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
                return Err(CallError::Unknown { why: format!("{request}: {}", found.message), is_answered: true });
            }
            return Err(CallError::Refused {
                status: status.as_u16(),
                message: found.message,
                code: found.code,
                body: None,
            });
        }
        if status != StatusCode::OK {
            return Err(CallError::Unknown {
                why: format!("{request}: HTTP {}, which is not the whole file", status.as_u16()),
                is_answered: true,
            });
        }
        while let Some(chunk) = self.in_time(response.chunk()).await? {
            each(&chunk);
        }
        Ok(())
    }

    /// Waits for a step no longer than for an answer.
    async fn in_time<T>(&self, step: impl Future<Output = reqwest::Result<T>>) -> Result<T, CallError> {
        let done = timeout(self.options.timeout, step).await;
        let done = done.map_err(|_| CallError::Unknown { why: "no answer in time".to_owned(), is_answered: false })?;
        done.map_err(|error| CallError::Unknown { why: why(&error), is_answered: false })
    }

    fn absolute(&self, address: &str) -> Result<Url, CallError> {
        self.base.join(address).map_err(|error| CallError::Unknown {
            why: format!("the server gave an address that is none ({error})"),
            is_answered: true,
        })
    }
}
