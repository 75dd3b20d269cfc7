use std::borrow::Cow;
use std::time::Duration;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// URL of the documentation of problems, followed by the code.
const TYPE_BASE: &str = "/problems#";

/// Error document for programs and people (RFC 9457).
///
/// `code` is stable and names the kind of problem. `detail` describes the problem and its solution
/// in one sentence.
///
/// ```
/// use affluenza_http::Problem;
///
/// let problem = Problem::parameter("group", "colour is no dimension", &["category", "ente"]);
/// assert_eq!(problem.status(), 400);
/// let json = problem.to_json();
/// assert_eq!(json["parameter"], "group");
/// assert_eq!(json["allowed"][1], "ente");
/// ```
#[derive(Debug, Clone)]
pub struct Problem(Box<ProblemDetails>);

#[derive(Debug, Clone)]
struct ProblemDetails {
    status: StatusCode,
    code: &'static str,
    title: Cow<'static, str>,
    detail: String,
    members: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// Creates a problem. `code` is kebab-case and never changes. `title` describes the kind,
    /// `detail` this occurrence.
    pub fn new(
        status: StatusCode,
        code: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self(Box::new(ProblemDetails {
            status,
            code,
            title: title.into(),
            detail: detail.into(),
            members: Map::new(),
            headers: Vec::new(),
        }))
    }

    /// 400: a parameter is invalid. `allowed` lists the valid values; leave it empty if they cannot
    /// be listed.
    pub fn parameter(parameter: &str, detail: impl Into<String>, allowed: &[&str]) -> Self {
        let problem = Self::new(
            StatusCode::BAD_REQUEST,
            "bad-parameter",
            "A parameter cannot be used",
            detail,
        )
        .with("parameter", parameter);
        if allowed.is_empty() {
            problem
        } else {
            problem.with("allowed", allowed)
        }
    }

    /// 401: a valid key is needed.
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "A valid key is needed",
            detail,
        )
        .with_header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// 403: the key does not allow the request.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            "The key does not allow this",
            detail,
        )
    }

    /// 404: there is no such resource.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "There is no such resource",
            detail,
        )
    }

    /// 405: the resource does not have this method.
    pub fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            "The resource does not have this method",
            "see /openapi.json for the methods of each resource",
        )
    }

    /// 413: the body exceeds `bytes_max`.
    pub fn too_large(bytes_max: usize) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            "The body is too large",
            format!("send at most {bytes_max} bytes in one request"),
        )
        .with("bytes_max", bytes_max)
    }

    /// 431: address and headers, which have these numbers of bytes, exceed `bytes_max`.
    pub fn head_too_large(address: usize, headers: usize, bytes_max: usize) -> Self {
        Self::new(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "head-too-large",
            "The address or the headers are too long",
            format!(
                "the address has {address} bytes and the headers have {headers}, at most {bytes_max} together: name fewer values in one request, or none for all of them"
            ),
        )
        .with("bytes_max", bytes_max)
    }

    /// 429: too many requests.
    pub fn too_many(detail: impl Into<String>, retry_after: Duration) -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too-many-requests",
            "Too many requests",
            detail,
        )
        .retry_after(retry_after)
    }

    /// 503: temporarily unavailable.
    pub fn unavailable(detail: impl Into<String>, retry_after: Duration) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "The service cannot answer now",
            detail,
        )
        .retry_after(retry_after)
    }

    /// 500: the service failed; the log has the cause.
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "The service failed",
            "the fault is not in the request; the operator finds the cause in the log",
        )
    }

    /// Replaces title and detail by those of another language.
    #[must_use]
    pub fn said(mut self, title: String, detail: String) -> Self {
        self.0.title = title.into();
        self.0.detail = detail;
        self
    }

    /// Adds a member to the document.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Serialize) -> Self {
        self.0.members.insert(name.to_owned(), json!(value));
        self
    }

    /// Adds the value that may be meant.
    #[must_use]
    pub fn suggest(self, suggestion: Option<&str>) -> Self {
        match suggestion {
            Some(suggestion) => self.with("suggestion", suggestion),
            None => self,
        }
    }

    /// Adds a header to the response.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// Sets `Retry-After` in whole seconds, from 1 to 86,400.
    #[must_use]
    pub fn retry_after(self, after: Duration) -> Self {
        let seconds = after.as_millis().div_ceil(1000).clamp(1, 86_400);
        let seconds = u32::try_from(seconds).unwrap_or(86_400);
        self.with_header(RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// Returns the HTTP status.
    pub fn status(&self) -> u16 {
        self.0.status.as_u16()
    }

    /// Returns the stable code of the kind.
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// Returns the description of this occurrence.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// Returns the JSON document.
    pub fn to_json(&self) -> Value {
        let mut document = json!({
            "type": format!("{TYPE_BASE}{}", self.0.code),
            "title": self.0.title,
            "status": self.status(),
            "detail": self.0.detail,
            "code": self.0.code,
        });
        if let Some(members) = document.as_object_mut() {
            members.extend(self.0.members.clone());
        }
        document
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = self.to_json().to_string();
        let mut response = (self.0.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        for (name, value) in self.0.headers {
            headers.insert(name, value);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_in_whole_seconds() {
        let response = Problem::too_many("slower", Duration::from_millis(1)).into_response();
        assert_eq!(response.headers()[RETRY_AFTER], "1");
        assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    }
}
