use std::future::Future;
use std::time::Duration;

use crate::telemetry::{METRICS_CONTENT_TYPE, Metrics};
use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;

use crate::Problem;

/// Value of `Retry-After` if the service is not healthy.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// `GET /status`: readiness, for load balancers and monitors. The answer is a problem document in
/// both cases, with status 200 if the service is ready. `check` returns the reason in one sentence
/// if it is not.
pub fn status_route<S, F, C>(check: C) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    F: Future<Output = Result<(), String>> + Send,
    C: Fn() -> F + Clone + Send + Sync + 'static,
{
    health_route("/status", check)
}

/// `GET /live`: liveness, in the same form. It fails only if a restart helps, not if a dependency
/// is unreachable.
pub fn live_route<S, F, C>(check: C) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    F: Future<Output = Result<(), String>> + Send,
    C: Fn() -> F + Clone + Send + Sync + 'static,
{
    health_route("/live", check)
}

fn health_route<S, F, C>(path: &str, check: C) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    F: Future<Output = Result<(), String>> + Send,
    C: Fn() -> F + Clone + Send + Sync + 'static,
{
    let handler = get(move || {
        let check = check.clone();
        async move { answer(check().await) }
    });
    Router::new().route(path, handler)
}

fn answer(well: Result<(), String>) -> Response {
    match well {
        Ok(()) => {
            let body = json!({ "title": "OK", "status": 200, "type": "about:blank" });
            let mut response = (StatusCode::OK, body.to_string()).into_response();
            let headers = response.headers_mut();
            headers.insert(
                CONTENT_TYPE,
                HeaderValue::from_static("application/problem+json"),
            );
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Err(detail) => Problem::unavailable(detail, ASK_AGAIN).into_response(),
    }
}

/// `GET /metrics`: the metrics of the process, for Prometheus.
pub fn metrics_route<S: Clone + Send + Sync + 'static>(metrics: &Metrics) -> Router<S> {
    let metrics = metrics.clone();
    let handler =
        get(move || async move { ([(CONTENT_TYPE, METRICS_CONTENT_TYPE)], metrics.text()) });
    Router::new().route("/metrics", handler)
}
