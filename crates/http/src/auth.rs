use std::sync::Arc;

use crate::keys::{Key, KeyRing};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

use crate::Problem;

/// Alternative header for the key.
pub(crate) const API_KEY: &str = "x-api-key";

/// Returns the key in the headers: `Authorization: Bearer KEY`, or `X-API-Key: KEY`. A key in the
/// URL is not accepted, as URLs end up in logs and histories.
pub fn presented_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let bearer = match headers.get(AUTHORIZATION) {
        None => None,
        Some(value) => {
            let value = value.to_str().unwrap_or_default();
            match value.split_once(' ') {
                Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => Some(key.trim()),
                _ => {
                    return Err(Problem::unauthorized(
                        "the header is `Authorization: Bearer KEY`",
                    ));
                }
            }
        }
    };
    let plain = headers
        .get(API_KEY)
        .and_then(|value| value.to_str().ok())
        .map(str::trim)
        .filter(|key| !key.is_empty());
    Ok(bearer.or(plain))
}

/// Returns the key of a request; `None` without a key.
///
/// # Errors
/// 401 with the reason if the key is not accepted.
pub fn authenticate(ring: &KeyRing, headers: &HeaderMap) -> Result<Option<Arc<Key>>, Problem> {
    let Some(presented) = presented_key(headers)? else {
        return Ok(None);
    };
    ring.check(presented)
        .map(Some)
        .map_err(|refused| Problem::unauthorized(refused.to_string()))
}
