use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::telemetry::Metrics;
use crate::telemetry::trace::{Span, TRACEPARENT, Tracing};
use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::header::{
    CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http_body_util::Limited;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use tokio::sync::Semaphore;

use crate::address::without_claimed_scheme;
use crate::unread::read_out;
use crate::{Config, Problem};

/// Bucket bounds for durations, in seconds.
const SECONDS: [f64; 12] = [
    0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0,
];
/// Value of `Retry-After` when the service is busy.
const RETRY: Duration = Duration::from_secs(1);
/// Label of a request that matches no route.
const NO_ROUTE: &str = "none";
/// Default policy. Pages that need more, such as their own styles, set their own policy.
const POLICY: &str =
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabel {
    route: String,
}

#[derive(Clone)]
struct Bounds {
    places: Arc<Semaphore>,
    body_bytes_max: usize,
    head_bytes_max: usize,
    within: Duration,
    answered: Family<Labels, Counter>,
    seconds: Family<RouteLabel, Histogram>,
    running: Gauge,
}

/// Wraps `router` in the layers of every service: limits on bodies, time and concurrent requests;
/// problem documents for unknown routes; security headers; metrics and logging, without addresses
/// and query strings.
pub fn bounded(router: Router, config: &Config, metrics: &Metrics) -> Router {
    let bounds = Bounds {
        places: Arc::new(Semaphore::new(config.requests_max.max(1))),
        body_bytes_max: config.body_bytes_max,
        head_bytes_max: config.head_bytes_max,
        within: Duration::from_secs(config.request_seconds_max),
        answered: metrics.register("http_requests", "Requests answered", Family::default()),
        seconds: metrics.register(
            "http_request_seconds",
            "Time from the head of a request to the head of its response",
            Family::new_with_constructor(|| Histogram::new(SECONDS)),
        ),
        running: metrics.register(
            "http_requests_running",
            "Requests in progress",
            Gauge::default(),
        ),
    };
    router
        .fallback(|| async { Problem::not_found("see /openapi.json for the resources") })
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(
            config.trusted_proxies.clone().into(),
            without_claimed_scheme,
        ))
        .layer(from_fn_with_state(bounds, around))
}

/// Trace context to pass on with outgoing messages: an extension of requests whose trace is
/// sampled.
#[derive(Debug, Clone)]
pub struct TraceParent(pub Arc<str>);

/// Returns the name of a standard method. Other names are client input and would make unlimited
/// metric labels.
fn known(method: &Method) -> Option<&'static str> {
    let names = [
        "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE",
    ];
    names.into_iter().find(|name| method == name)
}

/// Begins the span of a request, and adds its context to the request's extensions.
fn span(request: &mut Request, method: &str, route: &str) -> Span {
    let parent = request.headers().get(TRACEPARENT);
    let parent = parent.and_then(|value| value.to_str().ok());
    let name = match route {
        NO_ROUTE => method.to_owned(),
        _ => format!("{method} {route}"),
    };
    let span = Span::of_request(name, parent);
    if let Some(context) = span.traceparent() {
        request.extensions_mut().insert(TraceParent(context.into()));
    }
    span
}

async fn around(State(bounds): State<Bounds>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = known(request.method());
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| NO_ROUTE.to_owned(), |path| path.as_str().to_owned());
    // OpenTelemetry's conventions name an unknown method `HTTP`.
    let mut span = Tracing::is_on().then(|| span(&mut request, method.unwrap_or("HTTP"), &route));
    bounds.running.inc();
    let mut response = within_bounds(&bounds, request, next).await;
    bounds.running.dec();
    secure(response.headers_mut());
    let took = began.elapsed();
    let method = method.unwrap_or("other");
    let status = response.status();
    tracing::debug!(
        method,
        route,
        status = status.as_u16(),
        ms = took.as_millis(),
        "answered"
    );
    if let Some(span) = &mut span {
        span.set("http.response.status_code", status.as_u16().into());
        if status.is_server_error() {
            span.fail(status.canonical_reason().unwrap_or_default());
        }
    }
    let labels = Labels {
        method,
        route: route.clone(),
        status: status.as_u16(),
    };
    bounds.answered.get_or_create(&labels).inc();
    let seconds = bounds.seconds.get_or_create(&RouteLabel { route });
    seconds.observe(took.as_secs_f64());
    drop(seconds);
    response
}

async fn within_bounds(bounds: &Bounds, request: Request, next: Next) -> Response {
    // Probes must be answered under full load, too.
    let is_probe = matches!(request.uri().path(), "/status" | "/live" | "/metrics");
    let place = bounds.places.try_acquire();
    let request = read_out(request);
    if place.is_err() && !is_probe {
        return Problem::unavailable("too many requests at once", RETRY).into_response();
    }
    let address = request.uri().path_and_query();
    let address = address.map_or(0, |it| it.as_str().len());
    let headers = request.headers().iter();
    let headers: usize = headers
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    if address + headers > bounds.head_bytes_max {
        return Problem::head_too_large(address, headers, bounds.head_bytes_max).into_response();
    }
    let length = request.headers().get(CONTENT_LENGTH);
    let length = length.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > bounds.body_bytes_max) {
        return Problem::too_large(bounds.body_bytes_max).into_response();
    }
    let limit = bounds.body_bytes_max;
    let request = request.map(|body| Body::new(Limited::new(body, limit)));
    match tokio::time::timeout(bounds.within, next.run(request)).await {
        Ok(response)
            if response.status() == StatusCode::PAYLOAD_TOO_LARGE && !is_problem(&response) =>
        {
            Problem::too_large(bounds.body_bytes_max).into_response()
        }
        Ok(response) => response,
        Err(_) => {
            let detail = format!("no answer within {} s", bounds.within.as_secs());
            Problem::unavailable(detail, RETRY).into_response()
        }
    }
}

/// True if the route has already answered with a problem document.
fn is_problem(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind == "application/problem+json")
}

fn secure(headers: &mut HeaderMap) {
    let fixed: [(HeaderName, &'static str); 5] = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (CONTENT_SECURITY_POLICY, POLICY),
        // Browsers ignore this header without TLS.
        (STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
    ];
    for (name, value) in fixed {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
}
