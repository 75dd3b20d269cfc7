//! Transport to a collector over HTTP.

use std::time::Duration;

use serde::Deserialize;
use thiserror::Error;
use ureq::Agent;
use ureq::http::{Response, StatusCode};

use crate::{Refused, SendError, Transport};

/// Limit of an answer, in bytes.
const ANSWER_BYTES_MAX: u64 = 1 << 20;
/// Timeouts of connecting, and of a whole request.
const CONNECT_PATIENCE: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_secs(10);

/// Sends batches to `POST /v1/events` of a collector.
pub struct HttpTransport {
    agent: Agent,
    url: String,
    authorization: String,
}

/// Error of a URL that cannot be a collector's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is no URL of a collector: use one such as https://collector.example.it{hint}", hint = if cfg!(feature = "tls") { "" } else { " (https needs the feature tls)" })]
pub struct UrlError(String);

impl HttpTransport {
    /// Creates a transport to the collector with the root `url`. `key` is the portal's key.
    ///
    /// # Errors
    /// `url` is not an HTTP URL, or HTTPS without the feature `tls`.
    pub fn new(url: &str, key: &str) -> Result<Self, UrlError> {
        let is_known =
            url.starts_with("http://") || (cfg!(feature = "tls") && url.starts_with("https://"));
        let url = url.trim_end_matches('/');
        let full = format!("{url}/v1/events");
        if !is_known || full.parse::<ureq::http::Uri>().is_err() {
            return Err(UrlError(url.to_owned()));
        }
        let agent = Agent::config_builder()
            .timeout_connect(Some(CONNECT_PATIENCE))
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            .max_redirects(0)
            .build()
            .new_agent();
        Ok(Self {
            agent,
            url: full,
            authorization: format!("Bearer {key}"),
        })
    }
}

/// Relevant fields of the collector's answer.
#[derive(Default, Deserialize)]
struct Answer {
    #[serde(default)]
    results: Vec<Outcome>,
}

#[derive(Deserialize)]
struct Outcome {
    index: usize,
    status: String,
    #[serde(default)]
    reason: String,
}

impl Transport for HttpTransport {
    fn send(&mut self, events: &[Vec<u8>]) -> Result<Vec<Refused>, SendError> {
        let body = events.join(&b'\n');
        let answer = self
            .agent
            .post(&self.url)
            .header("authorization", &self.authorization)
            .header("content-type", "application/x-ndjson")
            .send(&body[..]);
        let mut answer = answer.map_err(|error| later(error.to_string(), None))?;
        let status = answer.status();
        if status == StatusCode::ACCEPTED {
            let text = answer
                .body_mut()
                .with_config()
                .limit(ANSWER_BYTES_MAX)
                .read_to_string()
                .map_err(|error| later(error.to_string(), None))?;
            let answer: Answer = serde_json::from_str(&text).map_err(|error| {
                later(format!("the answer is not the collector's: {error}"), None)
            })?;
            return Ok(refused(answer));
        }
        Err(match status {
            // The batch holds a bad event, such as one for an ente that the key may not write for.
            // The worker finds it by sending smaller batches.
            StatusCode::BAD_REQUEST
            | StatusCode::FORBIDDEN
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::UNPROCESSABLE_ENTITY => SendError::Never {
                reason: format!("http-{}", status.as_u16()),
            },
            // A wrong key, a wrong URL or a failing server: an operator will fix it, so retry.
            _ => later(
                format!("the collector answered {status}"),
                retry_after(&answer),
            ),
        })
    }
}

fn refused(answer: Answer) -> Vec<Refused> {
    answer
        .results
        .into_iter()
        .filter(|outcome| outcome.status == "refused")
        .map(|outcome| Refused {
            index: outcome.index,
            reason: outcome.reason,
        })
        .collect()
}

fn later(cause: String, after: Option<Duration>) -> SendError {
    SendError::Later { cause, after }
}

fn retry_after<B>(answer: &Response<B>) -> Option<Duration> {
    let seconds = answer.headers().get("retry-after")?.to_str().ok()?;
    Some(Duration::from_secs(seconds.trim().parse().ok()?))
}
