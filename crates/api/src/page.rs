//! Serves the contract as JSON and as a page, without any resource from other sites.

use std::fmt::Write as _;

use affluenza_words::Language;
use axum::Router;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use serde_json::Value as Json;

use crate::Api;
use crate::dashboard::language;
use crate::openapi::openapi;

const POLICY: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const STYLE: &str = include_str!("docs/page.css");
/// Texts of the page, by language.
const PAGES: [(Language, &str); 2] = [
    (Language::IT, include_str!("docs/it.html")),
    (Language::EN, include_str!("docs/en.html")),
];

/// The contract of a service, as JSON and as a page.
pub(crate) struct Contract {
    document: Bytes,
    pages: Vec<(Language, Bytes)>,
}

impl Contract {
    /// Writes the contract of a service at the address `base`.
    pub fn new(base: &str) -> Self {
        let document = openapi(base);
        let text = serde_json::to_string_pretty(&document);
        let pages = PAGES
            .map(|(language, template)| (language, Bytes::from(page(template, base, &document))));
        Self {
            document: text.unwrap_or_default().into(),
            pages: pages.into(),
        }
    }
}

pub(crate) fn routes() -> Router<Api> {
    let page = |State(api): State<Api>, uri: Uri, headers: HeaderMap| async move {
        let language = language::chosen(uri.query(), &headers);
        let pages = &api.contract().pages;
        let found = pages.iter().find(|(of, _)| *of == language);
        let page = found.or(pages.first()).map(|(_, page)| page.clone());
        let mut response = answer("text/html; charset=utf-8", page.unwrap_or_default());
        let vary = HeaderValue::from_static("Accept-Language");
        response.headers_mut().insert(VARY, vary);
        response
    };
    let document = |State(api): State<Api>| async move {
        answer("application/json", api.contract().document.clone())
    };
    Router::new()
        .route("/openapi.json", get(document))
        .route("/docs", get(page))
        .route("/problems", get(page))
        .route(
            "/docs/page.css",
            get(|| async {
                answer(
                    "text/css; charset=utf-8",
                    Bytes::from_static(STYLE.as_bytes()),
                )
            }),
        )
}

fn answer(kind: &'static str, body: Bytes) -> Response {
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

/// Fills a page with the resources and parameters of the contract.
fn page(template: &str, base: &str, document: &Json) -> String {
    let (mut contents, mut reference) = (String::from("<ul>"), String::new());
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        let operation = &item["get"];
        let [id, summary, description] = ["operationId", "summary", "description"]
            .map(|name| text(operation[name].as_str().unwrap_or_default()));
        let path = text(path);
        let _ = write!(
            contents,
            "<li><a href=\"#{id}\"><code>{path}</code></a> {summary}</li>"
        );
        let _ = write!(
            reference,
            "<section><h3 id=\"{id}\"><code>GET {path}</code></h3><p><strong>{summary}.</strong> {description}</p>"
        );
        let names: Vec<String> = operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|reference| reference["$ref"].as_str()?.rsplit('/').next())
            .map(|name| format!("<a href=\"#parameter-{name}\"><code>{name}</code></a>"))
            .collect();
        if !names.is_empty() {
            let _ = write!(reference, "<p>{}</p>", names.join(" "));
        }
        columns(&mut reference, document, operation);
        reference.push_str("</section>");
    }
    contents.push_str("</ul>");
    let mut parameters = String::from("<dl>");
    let known = &document["components"]["parameters"];
    for (name, parameter) in known.as_object().into_iter().flatten() {
        row(&mut parameters, &format!("parameter-{name}"), parameter);
    }
    parameters.push_str("</dl>");
    template
        .replace("{base}", &text(base))
        .replace("{contents}", &contents)
        .replace("{reference}", &reference)
        .replace("{parameters}", &parameters)
}

/// Writes the columns of an answer, if it has rows.
fn columns(html: &mut String, document: &Json, operation: &Json) {
    let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
    let name = schema["$ref"]
        .as_str()
        .and_then(|name| name.rsplit('/').next());
    let name = name.and_then(|name| name.strip_suffix("Answer"));
    let row = &document["components"]["schemas"][format!("{}Row", name.unwrap_or_default())];
    let Some(columns) = row["properties"].as_object() else {
        return;
    };
    html.push_str("<details><summary><code>data</code></summary><dl>");
    for (name, column) in columns {
        let meaning = text(column["description"].as_str().unwrap_or_default());
        let _ = write!(html, "<dt><code>{name}</code></dt><dd>{meaning}</dd>");
    }
    html.push_str("</dl></details>");
}

fn row(html: &mut String, id: &str, parameter: &Json) {
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
        "<dt id=\"{id}\"><code>{}</code></dt><dd>{} {}</dd>",
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
