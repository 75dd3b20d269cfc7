//! Serves the contract as JSON and as a page, without any resource from other sites.

use std::fmt::Write as _;
use std::sync::LazyLock;

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::Value as Json;

use crate::openapi::openapi;

const POLICY: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const STYLE: &str = include_str!("page.css");

static DOCUMENT: LazyLock<String> =
    LazyLock::new(|| serde_json::to_string_pretty(&openapi()).unwrap_or_default());
static PAGE: LazyLock<String> = LazyLock::new(|| page(&openapi()));

pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route(
            "/openapi.json",
            get(|| async { answer("application/json", &DOCUMENT) }),
        )
        .route(
            "/docs",
            get(|| async { answer("text/html; charset=utf-8", &PAGE) }),
        )
        .route(
            "/problems",
            get(|| async { answer("text/html; charset=utf-8", &PAGE) }),
        )
        .route(
            "/docs/page.css",
            get(|| async { answer("text/css; charset=utf-8", STYLE) }),
        )
}

fn answer(kind: &'static str, body: &'static str) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, kind),
        (CACHE_CONTROL, "public, max-age=3600"),
        (CONTENT_SECURITY_POLICY, POLICY),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Problem types by their stable names, with advice for the client.
const PROBLEMS: [(&str, &str); 8] = [
    (
        "bad-parameter",
        "A parameter cannot be used. <code>parameter</code> names it, <code>allowed</code> what it may be.",
    ),
    (
        "unauthorized",
        "The key is missing, unknown, expired or revoked. Send it as <code>Authorization: Bearer KEY</code>.",
    ),
    (
        "forbidden",
        "The key is valid and does not reach this. Ask for one that does.",
    ),
    ("not-found", "There is no such resource."),
    ("not-acceptable", "Answers are JSON or CSV."),
    (
        "too-many-requests",
        "Wait as long as <code>Retry-After</code> says, and poll with <code>If-None-Match</code>.",
    ),
    (
        "unavailable",
        "The service is busy, or its database does not answer. Try again after <code>Retry-After</code>.",
    ),
    (
        "internal",
        "The fault is not in the request. Whoever runs the service finds more in its log.",
    ),
];

fn page(document: &Json) -> String {
    let mut html = String::from(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>Affluenza: API</title><link rel=\"stylesheet\" href=\"/docs/page.css\"></head><body><main><h1>Affluenza: API</h1><p>Usage of public-service portals. The contract for programs is <a href=\"/openapi.json\">openapi.json</a> (OpenAPI 3.1).</p><p id=\"terms\">Figures are of whole events as recorded; each answer says how complete it is. Send a key as <code>Authorization: Bearer KEY</code>; without one there are whole years that are over, small counts hidden.</p>",
    );
    let parameters = &document["components"]["parameters"];
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        let operation = &item["get"];
        let _ = write!(
            html,
            "<section><h2><code>GET {}</code></h2><p><strong>{}.</strong> {}</p>",
            text(path),
            text(operation["summary"].as_str().unwrap_or_default()),
            text(operation["description"].as_str().unwrap_or_default()),
        );
        let names: Vec<&str> = operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|reference| reference["$ref"].as_str()?.rsplit('/').next())
            .collect();
        if !names.is_empty() {
            html.push_str("<details><summary>Parameters</summary><dl>");
            for name in names {
                row(&mut html, &parameters[name]);
            }
            html.push_str("</dl></details>");
        }
        html.push_str("</section>");
    }
    html.push_str("<h2>Problems</h2><dl>");
    for (code, meaning) in PROBLEMS {
        let _ = write!(
            html,
            "<dt id=\"{code}\"><code>{code}</code></dt><dd>{meaning}</dd>"
        );
    }
    html.push_str("</dl></main></body></html>");
    html
}

fn row(html: &mut String, parameter: &Json) {
    let schema = &parameter["schema"];
    let values = schema["enum"]
        .as_array()
        .or_else(|| schema["items"]["enum"].as_array());
    let values: Vec<String> = values
        .into_iter()
        .flatten()
        .filter_map(|value| Some(format!("<code>{}</code>", text(value.as_str()?))))
        .collect();
    let _ = write!(
        html,
        "<dt><code>{}</code></dt><dd>{} {}</dd>",
        text(parameter["name"].as_str().unwrap_or_default()),
        text(parameter["description"].as_str().unwrap_or_default()),
        values.join(" ")
    );
}

fn text(plain: &str) -> String {
    plain
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
