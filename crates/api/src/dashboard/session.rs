//! Sessions of the pages: a cookie that stands for a key, so that a reload, another tab and a
//! display on a wall need no key.
//!
//! Other sites cannot use the cookie: it is `SameSite=Strict`. They cannot begin a session either:
//! signing in needs a header, which a browser sends to another site only if that site agrees.

use std::sync::Arc;

use affluenza_http::keys::{Key, KeyRefusal};
use affluenza_http::{Peer, Problem, presented_key};
use axum::extract::{Extension, State};
use axum::http::header::{CACHE_CONTROL, COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::Pages;

const NAME: &str = "affluenza-session";

/// Handles `POST /pages/session`: signs in with the key of the header.
pub(crate) async fn sign_in(
    State(pages): State<Pages>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let api = pages.api();
    api.admit(peer, &headers)?;
    let key = presented_key(&headers)?;
    let key = key.ok_or_else(|| Problem::unauthorized("send a key in the header `X-API-Key`"))?;
    let session = pages.sessions().begin(api.ring(), key);
    let session = session.map_err(|refused| match refused {
        KeyRefusal::NoReader => Problem::forbidden(refused.to_string()),
        _ => Problem::unauthorized(refused.to_string()),
    })?;
    let seconds = pages.sessions().longest().as_secs();
    Ok(answer(&pages, &session, seconds))
}

/// Handles `DELETE /pages/session`: signs out.
pub(crate) async fn sign_out(State(pages): State<Pages>) -> Response {
    answer(&pages, "", 0)
}

/// Sets the cookie for some seconds.
fn answer(pages: &Pages, session: &str, seconds: i64) -> Response {
    let site = pages.site();
    let is_secure = site.scheme == "https" || site.config.base_url.starts_with("https://");
    let secure = if is_secure { "; Secure" } else { "" };
    let cookie =
        format!("{NAME}={session}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.extend(HeaderValue::try_from(cookie).map(|cookie| (SET_COOKIE, cookie)));
    response
}

/// Returns the key of the session of a request; `None` without a session.
///
/// # Errors
/// The session has ended.
pub(crate) fn current(pages: &Pages, headers: &HeaderMap) -> Result<Option<Arc<Key>>, KeyRefusal> {
    let session = of(headers);
    let key = session.map(|session| pages.sessions().check(pages.api().ring(), session));
    key.transpose()
}

fn of(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(COOKIE).iter();
    let mut cookies = lines.flat_map(|line| line.to_str().unwrap_or_default().split(';'));
    let session = cookies.find_map(|cookie| cookie.trim().strip_prefix(NAME)?.strip_prefix('='));
    session.filter(|session| !session.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_found_among_other_cookies() {
        let mut headers = HeaderMap::new();
        assert_eq!(of(&headers), None);
        let cookies = "a=1; affluenza-session=s.1; affluenza-session-2=x";
        headers.insert(COOKIE, HeaderValue::from_static(cookies));
        assert_eq!(of(&headers), Some("s.1"));
        headers.insert(COOKIE, HeaderValue::from_static("affluenza-session="));
        assert_eq!(of(&headers), None);
    }
}
