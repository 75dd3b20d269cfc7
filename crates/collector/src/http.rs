//! HTTP routes of the collector.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use affluenza_event::{UnixMillis, read_object};
use affluenza_http::keys::{Key, Role};
use affluenza_http::telemetry::METRICS_CONTENT_TYPE;
use affluenza_http::{Peer, Problem, TraceParent, authenticate, client_address};
use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, CACHE_CONTROL, CONTENT_LENGTH,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ORIGIN, REFERER, VARY,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use tokio::sync::OwnedSemaphorePermit;
use utoipa::OpenApi as _;

use crate::body::{ATTRIBUTE, BodyForm, inflate, malformed, split};
use crate::collector::Collector;
use crate::openapi::ApiDoc;
use crate::outcome::{Answer, ItemResult, Reason};
use crate::page::{self, Picture, Visit};
use crate::treat::{Sender, Treated};
use crate::warn::{Warning, Warnings};

/// Retry-After if neither Kafka nor the spool accepted the events.
const RETRY_KEEP: Duration = Duration::from_secs(5);
/// Retry-After if too many bodies are in progress.
const RETRY_BODIES: Duration = Duration::from_secs(1);
/// Limit of a body that a page sends.
const VISIT_BYTES_MAX: usize = 8 * 1024;
/// Seconds for which browsers may cache a preflight answer.
const PREFLIGHT_SECONDS: &str = "600";
/// Headers that a page may send, besides attributes of an event.
const HEADERS_ALLOWED: &str = "authorization, content-type, content-encoding, x-api-key";
const BYTES_A_PERMIT: usize = 1024;
/// A GIF of one transparent pixel.
const PIXEL: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\0\0\0!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";

type Shared = State<Arc<Collector>>;

/// Builds the collector's routes.
pub fn routes(collector: Arc<Collector>) -> Router {
    let check = {
        let collector = Arc::clone(&collector);
        move || std::future::ready(collector.keep.check())
    };
    let document = ApiDoc::openapi();
    let script_path = format!("/v1/{}", collector.config.script);
    Router::new()
        .route("/v1/events", post(events).options(preflight))
        .route(&script_path, post(visit).options(preflight_page))
        .route(&format!("{script_path}.js"), get(script))
        .route(&format!("{script_path}.gif"), get(picture))
        .route("/metrics", get(metrics))
        .route("/problems", get(documentation))
        .route("/docs", get(documentation))
        .route("/live", get(|| async { StatusCode::NO_CONTENT }))
        .route("/openapi.json", get(move || async move { Json(document) }))
        .with_state(collector)
        .merge(affluenza_http::status_route(check))
}

/// Accept events.
///
/// Answers 202 only when every accepted event is in Kafka, acknowledged by all in-sync replicas, or
/// on the collector's disk on its way there. Events with the same `source` and `id` count once.
#[utoipa::path(
    post,
    path = "/v1/events",
    tag = "events",
    operation_id = "post_events",
    security(("key" = [])),
    request_body(
        description = "One event, several in an array, or one a line; gzip is accepted, and so is the binary mode of CloudEvents (`ce-` headers).",
        content(
            (serde_json::Value = "application/cloudevents+json"),
            (Vec<serde_json::Value> = "application/cloudevents-batch+json"),
            (serde_json::Value = "application/json"),
            (String = "application/x-ndjson"),
        ),
    ),
    responses(
        (status = 202, description = "At least one event was accepted and stored; `results` lists the others", body = Answer),
        (status = 400, description = "The body cannot be parsed", body = crate::openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "No valid key", body = crate::openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The key or the page's origin allows none of the events", body = crate::openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "Too many bytes or events", body = crate::openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "Unsupported content type or encoding", body = crate::openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "Every event was refused; `results` has the reasons", body = crate::openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests for this key; see Retry-After", body = crate::openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Nothing was stored: send it again after Retry-After", body = crate::openapi::ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn events(State(collector): Shared, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let origin = match allowed_origin(&head.headers, &collector.config.origins) {
        Ok(origin) => origin,
        Err(problem) => {
            collector.count_refused("", "origin", Reason::ForeignOrigin, 1);
            return problem.into_response();
        }
    };
    let result = collector.take_events(&head, body).await;
    with_origin(result.unwrap_or_else(Problem::into_response), origin)
}

/// Accept the visit of a page.
///
/// The page is listed in the configuration and needs no key. The script sends this request.
/// `collect.script` sets another name than `visite`.
#[utoipa::path(
    post,
    path = "/v1/visite",
    tag = "pages",
    operation_id = "post_visit",
    request_body(content = String, content_type = "text/plain", description = "Body that the script sends"),
    responses(
        (status = 202, description = "The visit is stored", body = Answer),
        (status = 400, description = "The body was not sent by the script", body = crate::openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "A page or an origin that is not listed", body = crate::openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "Too many bytes", body = crate::openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "No event can be made from the visit", body = crate::openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = 429, description = "Too many visits from this address; see Retry-After", body = crate::openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Nothing was stored", body = crate::openapi::ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn visit(State(collector): Shared, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let answer = collector.take_visit(&head, body).await;
    answer.unwrap_or_else(Problem::into_response)
}

/// Count a visit without scripts.
///
/// Returns a picture of one pixel. The page's origin is taken from the `Referer` header.
#[utoipa::path(
    get,
    path = "/v1/visite.gif",
    tag = "pages",
    operation_id = "get_picture",
    params(
        ("site" = String, Query, description = "Name of the page's section in the configuration"),
        ("path" = Option<String>, Query, description = "Path of the page; it selects the service"),
        ("service" = Option<String>, Query, description = "Code of the service")
    ),
    responses(
        (status = 200, description = "The visit is stored, unless the browser asks not to be tracked", body = String, content_type = "image/gif"),
        (status = 400, description = "The parameter `site` is missing", body = crate::openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "A page or an origin that is not listed", body = crate::openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "No event can be made from the visit", body = crate::openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = 429, description = "Too many visits from this address; see Retry-After", body = crate::openapi::ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Nothing was stored", body = crate::openapi::ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn picture(State(collector): Shared, request: Request) -> Response {
    let (head, _) = request.into_parts();
    if let Err(problem) = collector.take_picture(&head).await {
        return problem.into_response();
    }
    let headers = [
        (CONTENT_TYPE, "image/gif"),
        (CACHE_CONTROL, "no-store"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "cross-origin",
        ),
    ];
    (headers, PIXEL).into_response()
}

/// Get the script for pages.
///
/// A page that loads the script has its visits counted. The script sets no cookie and stores
/// nothing.
#[utoipa::path(
    get,
    path = "/v1/visite.js",
    tag = "pages",
    operation_id = "get_script",
    responses(
        (status = 200, description = "The script", body = String, content_type = "text/javascript"),
        (status = 304, description = "The script has not changed"),
        (status = 503, description = "Too many requests at once", body = crate::openapi::ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn script(State(collector): Shared, headers: HeaderMap) -> Response {
    collector.script.answer(&headers)
}

/// Returns the page about problems, to which the `type` of each problem links.
async fn documentation() -> impl IntoResponse {
    // The page has its style in itself, and nothing else.
    let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
    let page = Html(include_str!("page.html"));
    ([(CONTENT_SECURITY_POLICY, policy)], page)
}

/// Returns the metrics, with the current state of queue and spool.
async fn metrics(State(collector): Shared) -> impl IntoResponse {
    collector.gauge();
    let kind = [(CONTENT_TYPE, METRICS_CONTENT_TYPE)];
    (kind, collector.metrics.text())
}

async fn preflight(State(collector): Shared, headers: HeaderMap) -> Response {
    match allowed_origin(&headers, &collector.config.origins) {
        Ok(Some(origin)) => allow(origin, &headers),
        Ok(None) => StatusCode::NO_CONTENT.into_response(),
        Err(problem) => {
            collector.count_refused("", "origin", Reason::ForeignOrigin, 1);
            problem.into_response()
        }
    }
}

async fn preflight_page(State(collector): Shared, headers: HeaderMap) -> Response {
    let origin = headers.get(ORIGIN).cloned();
    let is_listed = origin.as_ref().is_some_and(|origin| {
        let mut pages = collector.config.pages.values();
        pages.any(|page| {
            page.origins
                .iter()
                .any(|listed| listed.as_bytes() == origin.as_bytes())
        })
    });
    match origin {
        Some(origin) if is_listed => allow(origin, &headers),
        _ => foreign_origin().into_response(),
    }
}

fn allow(origin: HeaderValue, request: &HeaderMap) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let fixed = [
        (ACCESS_CONTROL_ALLOW_METHODS, "POST"),
        (ACCESS_CONTROL_MAX_AGE, PREFLIGHT_SECONDS),
    ];
    for (name, value) in fixed {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    for name in allowed_headers(request) {
        response
            .headers_mut()
            .append(ACCESS_CONTROL_ALLOW_HEADERS, name);
    }
    with_origin(response, Some(origin))
}

/// Returns the headers that a page may send. The attributes of an event are any that the page asks
/// for, because CloudEvents can be extended.
fn allowed_headers(request: &HeaderMap) -> impl Iterator<Item = HeaderValue> {
    let asked = request.get_all(ACCESS_CONTROL_REQUEST_HEADERS).into_iter();
    let asked = asked.filter_map(|names| names.to_str().ok());
    let attributes = asked
        .flat_map(|names| names.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| name.starts_with(ATTRIBUTE))
        .filter_map(|name| HeaderValue::from_str(&name).ok());
    let fixed = HeaderValue::from_static(HEADERS_ALLOWED);
    std::iter::once(fixed).chain(attributes.collect::<Vec<_>>())
}

/// Returns the listed origin of the sending page, or `None` for a request without an origin.
fn allowed_origin(headers: &HeaderMap, origins: &[String]) -> Result<Option<HeaderValue>, Problem> {
    match headers.get(ORIGIN) {
        None => Ok(None),
        Some(origin)
            if origins
                .iter()
                .any(|listed| listed.as_bytes() == origin.as_bytes()) =>
        {
            Ok(Some(origin.clone()))
        }
        Some(_) => Err(foreign_origin()),
    }
}

fn foreign_origin() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        Reason::ForeignOrigin.into(),
        "The page's origin is not listed",
        "list it in collect.origins, or for pages without a key in collect.pages",
    )
}

fn with_origin(mut response: Response, origin: Option<HeaderValue>) -> Response {
    if let Some(origin) = origin {
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.append(VARY, HeaderValue::from_static("Origin"));
    }
    response
}

/// Returns the trace of a request, if it is exported.
fn trace(head: &Parts) -> Option<Arc<str>> {
    let context = head.extensions.get::<TraceParent>()?;
    Some(Arc::clone(&context.0))
}

/// Events of a request, judged.
struct Judged {
    events: Treated,
    refused: Vec<ItemResult>,
    warnings: Vec<Warning>,
}

impl Collector {
    async fn take_events(&self, head: &Parts, body: Body) -> Result<Response, Problem> {
        let headers = &head.headers;
        let key = authenticate(&self.keys, headers)?.ok_or_else(|| {
            Problem::unauthorized("send `Authorization: Bearer KEY` with the key of the portal")
        })?;
        match key.role {
            Role::Writer => {}
            Role::Reader | Role::Admin => {
                return Err(Problem::forbidden(
                    "this key can only read: use a key of the role writer",
                ));
            }
        }
        let allowance = self.key_limit.take(&key.id)?;
        let form = BodyForm::of(headers)?;
        let bytes_max = self.config.http.body_bytes_max;
        // A compressed body may inflate up to the limit.
        let is_plain = !headers.contains_key(axum::http::header::CONTENT_ENCODING);
        let expected = content_length(headers).filter(|_| is_plain);
        let _place = self.place(expected.unwrap_or(bytes_max))?;
        let body = inflate(headers, read(body, bytes_max).await?, bytes_max)?;
        let now = Timestamp::now().into();
        let mut judged = self.treat(form, headers, &body, &key, now)?;
        judged.events.trace = trace(head);
        drop(body);
        let producer = format!("key-{}", key.id);
        let own = key.enti.codes().filter(|codes| codes.len() == 1);
        let own = own
            .and_then(|codes| codes.first())
            .map_or("", String::as_str);
        let mut response = self.finish(judged, own, &producer, now).await?;
        allowance.write(response.headers_mut());
        Ok(response)
    }

    /// Treats each event of the body.
    fn treat(
        &self,
        form: BodyForm,
        headers: &HeaderMap,
        body: &[u8],
        key: &Key,
        now: UnixMillis,
    ) -> Result<Judged, Problem> {
        let sent = split(form, headers, body, self.config.batch_events_max)?;
        // Tokens and places may be a little longer than the fields they replace.
        let mut events = Treated::with_capacity(body.len() + 128 * sent.len());
        let (mut refused, mut warnings) = (Vec::new(), Warnings::default());
        let sender = Sender {
            key: Some(key),
            visitor_address: None,
        };
        let treatment = self.treatment();
        for (index, raw) in sent.iter().enumerate() {
            match treatment.take(raw, sender, now, &mut events) {
                Ok(()) => warnings.note(index, raw, Some(&treatment.register)),
                Err(why) => refused.push(ItemResult::new(index, why)),
            }
        }
        Ok(Judged {
            events,
            refused,
            warnings: warnings.into_list(),
        })
    }

    async fn take_visit(&self, head: &Parts, body: Body) -> Result<Response, Problem> {
        let address = self.address(head);
        let allowance = address
            .map(|address| self.page_limit.take_address(address))
            .transpose()?;
        let _place = self.place(VISIT_BYTES_MAX)?;
        let body = read(body, VISIT_BYTES_MAX).await?;
        let visit: Visit<'_> = read_object(&body)
            .map_err(|_| malformed("the body is not one that the script sends"))?;
        let origin = head.headers.get(ORIGIN);
        let origin_text = origin.and_then(|origin| origin.to_str().ok());
        let answer = self
            .keep_visit(&visit, origin_text.unwrap_or_default(), head)
            .await;
        let mut response = answer.unwrap_or_else(Problem::into_response);
        if let Some(allowance) = allowance {
            allowance.write(response.headers_mut());
        }
        Ok(with_origin(response, origin.cloned()))
    }

    async fn take_picture(&self, head: &Parts) -> Result<(), Problem> {
        // Signals of browsers, which the script honours, too.
        let mut signals = ["dnt", "sec-gpc"].into_iter();
        if signals.any(|name| head.headers.get(name).is_some_and(|value| value == "1")) {
            return Ok(());
        }
        if let Some(address) = self.address(head) {
            self.page_limit.take_address(address)?;
        }
        let Query(picture): Query<Picture> = Query::try_from_uri(&head.uri)
            .map_err(|_| malformed("the address of the picture lacks the parameter site"))?;
        let referrer = head.headers.get(REFERER);
        let referrer = referrer.and_then(|page| page.to_str().ok()?.parse::<Uri>().ok());
        let origin = referrer.and_then(|page| {
            let scheme = page.scheme_str()?;
            Some(format!("{scheme}://{}", page.authority()?))
        });
        let visit = picture.visit(Timestamp::now());
        self.keep_visit(&visit, &origin.unwrap_or_default(), head)
            .await?;
        Ok(())
    }

    /// Returns the address that a request came from.
    fn address(&self, head: &Parts) -> Option<IpAddr> {
        let peer = head.extensions.get::<Peer>()?.0.ip();
        let proxies = &self.config.http.trusted_proxies;
        Some(client_address(peer, &head.headers, proxies))
    }

    /// Stores the event of a visit to a page of `origin`.
    async fn keep_visit(
        &self,
        visit: &Visit<'_>,
        origin: &str,
        head: &Parts,
    ) -> Result<Response, Problem> {
        let Some((name, page)) = self.config.pages.get_key_value(&*visit.page) else {
            self.count_refused("", "page", Reason::ForeignEnte, 1);
            return Err(Problem::new(
                StatusCode::FORBIDDEN,
                Reason::ForeignEnte.into(),
                "The page is not listed",
                "its data-page names no section of collect.pages",
            ));
        };
        let producer = format!("page-{name}");
        if !page.origins.iter().any(|listed| listed == origin) {
            self.count_refused(&page.ente, &producer, Reason::ForeignOrigin, 1);
            return Err(foreign_origin());
        }
        let now = Timestamp::now().into();
        let mut event = page::event(visit, page, origin, &head.headers);
        let sender = Sender {
            key: None,
            visitor_address: self.address(head),
        };
        let is_bot = self.is_bot(&event);
        let mut events = Treated::default();
        let taken = self
            .treatment()
            .take_parsed(&mut event, sender, now, &mut events);
        let refused = taken.err().map(|why| ItemResult::new(0, why));
        if is_bot && events.len() > 0 {
            self.counters.bots.inc();
        }
        let judged = Judged {
            events,
            refused: refused.into_iter().collect(),
            warnings: Vec::new(),
        };
        self.finish(judged, &page.ente, &producer, now).await
    }

    /// Stores the treated events, counts all outcomes, and answers.
    async fn finish(
        &self,
        judged: Judged,
        ente: &str,
        producer: &str,
        now: UnixMillis,
    ) -> Result<Response, Problem> {
        let Judged {
            events,
            refused,
            warnings,
        } = judged;
        let accepted = events.len();
        if accepted > 0
            && let Err(error) = self.keep.keep(events, now).await
        {
            self.counters.not_kept.inc_by(accepted as u64);
            return Err(Problem::unavailable(
                format!("{error}: nothing of this request was stored, send it again"),
                RETRY_KEEP,
            ));
        }
        self.counters.accepted.inc_by(accepted as u64);
        for item in &refused {
            self.count_refused(ente, producer, item.reason, 1);
        }
        if accepted == 0 {
            return Err(all_refused(&refused));
        }
        let answer = Answer {
            accepted,
            refused: refused.len(),
            results: refused,
            warnings,
        };
        let no_store = [(CACHE_CONTROL, "no-store")];
        Ok((StatusCode::ACCEPTED, no_store, Json(answer)).into_response())
    }

    /// Reserves memory for a body before it is read.
    fn place(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Problem> {
        let permits = u32::try_from(bytes.div_ceil(BYTES_A_PERMIT)).unwrap_or(u32::MAX);
        Arc::clone(&self.bodies)
            .try_acquire_many_owned(permits)
            .map_err(|_| {
                Problem::unavailable("too many events at once: send them again", RETRY_BODIES)
            })
    }

    /// Converts bytes to permits of the semaphore.
    pub(crate) fn permits(bytes: usize) -> usize {
        bytes / BYTES_A_PERMIT
    }
}

/// Answers 403 if the sender caused every refusal, otherwise 422.
fn all_refused(refused: &[ItemResult]) -> Problem {
    let is_foreign = refused.iter().all(|item| item.reason.is_foreign());
    let (status, code, title) = if is_foreign {
        (
            StatusCode::FORBIDDEN,
            "foreign-events",
            "The key allows none of these events",
        )
    } else {
        (
            StatusCode::UNPROCESSABLE_ENTITY,
            "all-refused",
            "Every event was refused",
        )
    };
    let first = refused.first().map_or("", |item| &item.detail);
    Problem::new(status, code, title, first)
        .with("accepted", 0)
        .with("refused", refused.len())
        .with("results", refused)
}

fn content_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

async fn read(body: Body, bytes_max: usize) -> Result<Bytes, Problem> {
    let limited = http_body_util::Limited::new(body, bytes_max);
    match limited.collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if is_too_long(&error) => Err(Problem::too_large(bytes_max)),
        Err(_) => Err(malformed("the body ended early")),
    }
}

/// True if a length limit caused the error. Limits can be nested, so all causes are searched.
fn is_too_long(error: &axum::BoxError) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&**error);
    while let Some(error) = cause {
        if error.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        cause = error.source();
    }
    false
}
