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
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};

use super::Pages;

/// Names of the cookie without and with HTTPS. No other host can set one that begins with `__Host-`.
const NAMES: [&str; 2] = ["affluenza-session", "__Host-affluenza-session"];

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
    let headers = cookie(&pages, &headers, &session, seconds);
    Ok((StatusCode::NO_CONTENT, headers).into_response())
}

/// Handles `DELETE /pages/session`: signs out. No copy of the session is accepted any longer.
pub(crate) async fn sign_out(
    State(pages): State<Pages>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    pages.api().admit_address(peer, &headers)?;
    for session in presented(&pages, &headers) {
        // A session that is not accepted has ended already.
        _ = pages.sessions().end(pages.api().ring(), session);
    }
    Ok((StatusCode::NO_CONTENT, removed(&pages, &headers)).into_response())
}

/// Answers a request whose session has ended, and removes the cookie: the next request is public.
pub(crate) fn ended(pages: &Pages, headers: &HeaderMap, refused: KeyRefusal) -> Response {
    let problem = Problem::unauthorized(refused.to_string());
    (removed(pages, headers), problem).into_response()
}

/// Returns headers that remove the cookie.
fn removed(pages: &Pages, headers: &HeaderMap) -> [(HeaderName, String); 2] {
    cookie(pages, headers, "", 0)
}

/// Returns headers that set the cookie for some seconds.
fn cookie(
    pages: &Pages,
    headers: &HeaderMap,
    session: &str,
    seconds: i64,
) -> [(HeaderName, String); 2] {
    let is_secure = pages.site().is_secure(headers);
    let name = NAMES[usize::from(is_secure)];
    let secure = if is_secure { "; Secure" } else { "" };
    let cookie =
        format!("{name}={session}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    [(CACHE_CONTROL, "no-store".to_owned()), (SET_COOKIE, cookie)]
}

/// Returns the key of the session of a request; `None` without a session. Another application of the
/// host may have set a cookie of this name, which has not the form of a session.
///
/// # Errors
/// The session or its key has ended.
pub(crate) fn current(pages: &Pages, headers: &HeaderMap) -> Result<Option<Arc<Key>>, KeyRefusal> {
    let mut refused = None;
    for session in presented(pages, headers) {
        match pages.sessions().check(pages.api().ring(), session) {
            Ok(key) => return Ok(Some(key)),
            Err(KeyRefusal::Malformed) => {}
            Err(why) => refused = Some(why),
        }
    }
    refused.map_or(Ok(None), Err)
}

/// Returns the sessions of a request, which may have ended.
fn presented<'h>(pages: &Pages, headers: &'h HeaderMap) -> impl Iterator<Item = &'h str> {
    of(headers, NAMES[usize::from(pages.site().is_secure(headers))])
}

fn of<'h>(headers: &'h HeaderMap, name: &'static str) -> impl Iterator<Item = &'h str> {
    let lines = headers.get_all(COOKIE).iter();
    // Cookies of others may have any bytes.
    let cookies = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    cookies
        .filter_map(move |cookie| {
            let cookie = std::str::from_utf8(cookie).ok()?.trim();
            cookie.strip_prefix(name)?.strip_prefix('=')
        })
        .filter(|session| !session.is_empty())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_session_is_found_among_other_cookies() {
        let found = |cookies: &[u8], name| {
            let mut headers = HeaderMap::new();
            headers.insert(COOKIE, HeaderValue::from_bytes(cookies).unwrap());
            of(&headers, name).collect::<Vec<_>>().join(" ")
        };
        let cookies = b"a=1; affluenza-session=s.1; affluenza-session-2=x";
        assert_eq!(found(cookies, NAMES[0]), "s.1");
        assert_eq!(found(cookies, NAMES[1]), "");
        assert_eq!(found(b"affluenza-session=", NAMES[0]), "");
        let of_others = "nome=Niccol\u{f2}; affluenza-session=s.1; affluenza-session=s.2";
        assert_eq!(found(of_others.as_bytes(), NAMES[0]), "s.1 s.2");
        assert_eq!(
            found(b"nome=Niccol\xf2; affluenza-session=s.1", NAMES[0]),
            "s.1"
        );
    }
}
