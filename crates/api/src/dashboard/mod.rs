#![doc = include_str!("README.md")]

mod assets;
mod frame;
mod language;

use axum::Router;
use axum::extract::Path;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
    REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::dashboard::assets::Asset;

/// Addresses of the pages, in the order of the menu. The page `/NAME` has its view in
/// `assets/views/NAME.js` and its title in the message `page-NAME`; `/` is the page `overview`.
pub const PAGES: &[&str] = &[
    "/",
    "/categories",
    "/enti",
    "/services",
    "/variations",
    "/compare",
    "/hours",
    "/devices",
    "/live",
];

const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// Returns the routes of the pages and of their files.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let pages = PAGES
        .iter()
        .fold(Router::new(), |router, path| router.route(path, get(page)));
    pages.route("/assets/{*path}", get(asset))
}

async fn page(uri: Uri, headers: HeaderMap) -> Response {
    let language = language::chosen(uri.query(), &headers);
    let mut response = answer(&headers, frame::page(language));
    let added = response.headers_mut();
    added.insert(CONTENT_SECURITY_POLICY, POLICY);
    added.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    added.insert(
        CONTENT_LANGUAGE,
        HeaderValue::from_static(language.as_str()),
    );
    added.insert(VARY, HeaderValue::from_static("Accept-Language"));
    response
}

async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Response {
    match assets::find(&path) {
        Some(asset) => answer(&headers, asset),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Returns the file, or 304 if the browser has it already.
fn answer(headers: &HeaderMap, asset: Asset) -> Response {
    let tag = asset.tag();
    let known = headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|tags| tags.to_str().ok())
        .any(|tags| {
            tags.split(',')
                .any(|known| known.trim().trim_start_matches("W/") == tag)
        });
    let common = [
        (ETAG, tag),
        // Revalidated at each request, so a new version is seen at once; otherwise it costs a 304.
        (CACHE_CONTROL, "no-cache".to_owned()),
        (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    if known {
        (StatusCode::NOT_MODIFIED, common).into_response()
    } else {
        (common, [(CONTENT_TYPE, asset.media_type)], asset.bytes).into_response()
    }
}
