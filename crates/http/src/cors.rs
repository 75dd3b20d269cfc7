//! Answers to pages of other sites (CORS). Figures without a key are for everybody; a key may be
//! used from the configured origins only.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};

use crate::auth::API_KEY;

/// Headers that scripts may read, in addition to those that they always may.
const EXPOSED: &str =
    "Content-Disposition, ETag, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After";
/// Headers that a request without a key may have.
const HEADERS: &str = "Accept, Accept-Language, If-None-Match";
/// Headers that a request with a key may have.
const HEADERS_OF_KEY: &str = "Accept, Accept-Language, If-None-Match, Authorization, X-API-Key";
/// Two hours; browsers keep an answer no longer.
const MAX_AGE: &str = "7200";

/// Lets scripts of other sites read the answers to requests without a key, and those of `origins`
/// also the answers to requests with a key. Answers preflights. It is the outermost layer, so that
/// errors can be read, too. It holds for `paths` and the addresses below them only.
pub fn cross_origin(router: Router, origins: &[String], paths: &'static [&'static str]) -> Router {
    let shared = Shared {
        origins: origins.into(),
        paths,
    };
    router.layer(from_fn_with_state(shared, around))
}

/// Resources for other sites.
#[derive(Clone)]
struct Shared {
    origins: Arc<[String]>,
    paths: &'static [&'static str],
}

impl Shared {
    fn has(&self, path: &str) -> bool {
        let mut below = self.paths.iter().filter_map(|one| path.strip_prefix(one));
        below.any(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

async fn around(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    if !shared.has(request.uri().path()) {
        return next.run(request).await;
    }
    let headers = request.headers();
    let is_preflight = request.method() == Method::OPTIONS
        && headers.contains_key(ORIGIN)
        && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let has_key = match is_preflight {
        true => wants_key(headers),
        false => headers.contains_key(AUTHORIZATION) || headers.contains_key(API_KEY),
    };
    let origin = headers.get(ORIGIN).filter(|origin| {
        let mut listed = shared.origins.iter();
        listed.any(|one| one.as_bytes() == origin.as_bytes())
    });
    let allowed = match has_key {
        true => origin.cloned(),
        false => Some(HeaderValue::from_static("*")),
    };
    let mut response = match is_preflight {
        true => preflight(has_key),
        false => next.run(request).await,
    };
    let headers = response.headers_mut();
    if has_key {
        headers.append(VARY, HeaderValue::from_static("Origin"));
    }
    if let Some(allowed) = allowed {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        let exposed = HeaderValue::from_static(EXPOSED);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
    response
}

/// True if the announced request has a key.
fn wants_key(headers: &HeaderMap) -> bool {
    let asked = headers.get_all(ACCESS_CONTROL_REQUEST_HEADERS).iter();
    let mut asked = asked
        .filter_map(|names| names.to_str().ok())
        .flat_map(|names| names.split(','))
        .map(str::trim);
    asked.any(|name| {
        name.eq_ignore_ascii_case(AUTHORIZATION.as_str()) || name.eq_ignore_ascii_case(API_KEY)
    })
}

fn preflight(has_key: bool) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let allowed = if has_key { HEADERS_OF_KEY } else { HEADERS };
    for (name, value) in [
        (ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD"),
        (ACCESS_CONTROL_ALLOW_HEADERS, allowed),
        (ACCESS_CONTROL_MAX_AGE, MAX_AGE),
    ] {
        let headers = response.headers_mut();
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::routing::get;
    use tower::ServiceExt as _;

    use super::*;

    async fn asked(method: Method, headers: &[(&str, &str)]) -> Response {
        let router = Router::new().route("/v1/enti", get(|| async { "figures" }));
        let origins = ["https://firenze.example.it".to_owned()];
        let router = cross_origin(router, &origins, &["/v1"]);
        let mut request = axum::http::Request::builder()
            .method(method)
            .uri("/v1/enti");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        router.oneshot(request).await.unwrap()
    }

    fn allowed(response: &Response) -> Option<&str> {
        let origin = response.headers().get(ACCESS_CONTROL_ALLOW_ORIGIN);
        origin.map(|origin| origin.to_str().unwrap())
    }

    #[tokio::test]
    async fn figures_without_a_key_are_for_everybody() {
        let page = ("origin", "https://anybody.example.org");
        let answer = asked(Method::GET, &[page]).await;
        assert_eq!(allowed(&answer), Some("*"));
        let exposed = answer.headers()[ACCESS_CONTROL_EXPOSE_HEADERS].to_str();
        assert!(exposed.unwrap().contains("ETag"));
        let get = ("access-control-request-method", "GET");
        let validator = ("access-control-request-headers", "if-none-match");
        let answer = asked(Method::OPTIONS, &[page, get, validator]).await;
        assert_eq!(
            (answer.status().as_u16(), allowed(&answer)),
            (204, Some("*"))
        );
        // An error is readable, and no preflight without its headers.
        let answer = asked(Method::OPTIONS, &[page]).await;
        assert_eq!(
            (answer.status().as_u16(), allowed(&answer)),
            (405, Some("*"))
        );
    }

    #[tokio::test]
    async fn other_addresses_are_for_their_own_pages() {
        let (origin, route) = ("https://firenze.example.it", get(|| async { "state" }));
        let router = Router::new().route("/v10", route.clone());
        let router = router.route("/status", route);
        let router = cross_origin(router, &[origin.to_owned()], &["/v1"]);
        for path in ["/status", "/v10"] {
            let request = axum::http::Request::get(path).header("origin", origin);
            let request = request.body(Body::empty()).unwrap();
            let answer = router.clone().oneshot(request).await.unwrap();
            assert_eq!((answer.status().as_u16(), allowed(&answer)), (200, None));
        }
    }

    #[tokio::test]
    async fn a_key_is_for_the_configured_origins() {
        let get = ("access-control-request-method", "GET");
        for (origin, expected) in [
            (
                "https://firenze.example.it",
                Some("https://firenze.example.it"),
            ),
            ("https://anybody.example.org", None),
        ] {
            let page = ("origin", origin);
            for key in [("authorization", "Bearer k"), ("x-api-key", "k")] {
                let answer = asked(Method::GET, &[page, key]).await;
                assert_eq!(allowed(&answer), expected, "{key:?}");
                assert_eq!(answer.headers()[VARY], "Origin");
                let names = ("access-control-request-headers", key.0);
                let answer = asked(Method::OPTIONS, &[page, get, names]).await;
                assert_eq!(allowed(&answer), expected, "{key:?}");
            }
        }
    }
}
