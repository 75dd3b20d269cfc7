//! Script with which pages count their visits.

use std::io::Write as _;

use axum::http::header::{
    ACCEPT_ENCODING, ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE,
    ETAG, IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

const SCRIPT: &str = include_str!("page.js");
/// Browsers may use an old script for an hour.
const CACHE: &str = "public, max-age=3600";

/// Script, compressed once at the start.
#[derive(Clone)]
pub struct Script {
    compressed: Bytes,
    etag: HeaderValue,
}

impl Script {
    /// Compresses the script.
    pub fn new() -> std::io::Result<Self> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(SCRIPT.as_bytes())?;
        let compressed = encoder.finish()?;
        // The ETag is the gzip trailer: checksum and length of the script.
        let sum = compressed
            .iter()
            .rev()
            .take(8)
            .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        let etag =
            HeaderValue::from_str(&format!("\"{sum:016x}\"")).map_err(std::io::Error::other)?;
        Ok(Self {
            compressed: compressed.into(),
            etag,
        })
    }

    /// Answers a request for the script.
    pub fn answer(&self, headers: &HeaderMap) -> Response {
        let is_known = self
            .etag
            .to_str()
            .is_ok_and(|etag| has_value(headers, IF_NONE_MATCH, etag));
        let mut response = if is_known {
            StatusCode::NOT_MODIFIED.into_response()
        } else if has_value(headers, ACCEPT_ENCODING, "gzip") {
            let gzip = [(CONTENT_ENCODING, "gzip")];
            (gzip, self.compressed.clone()).into_response()
        } else {
            Bytes::from_static(SCRIPT.as_bytes()).into_response()
        };
        let fixed = [
            (CONTENT_TYPE, "text/javascript; charset=utf-8"),
            (CACHE_CONTROL, CACHE),
            (VARY, "Accept-Encoding"),
            // Pages of every origin load the script, also those with cross-origin isolation, with
            // a checksum (`integrity`) or as a module.
            (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
            (
                HeaderName::from_static("cross-origin-resource-policy"),
                "cross-origin",
            ),
        ];
        for (name, value) in fixed {
            response
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
        response.headers_mut().insert(ETAG, self.etag.clone());
        response
    }
}

fn has_value(headers: &HeaderMap, name: HeaderName, part: &str) -> bool {
    let mut values = headers.get_all(name).iter();
    values.any(|value| value.to_str().is_ok_and(|text| text.contains(part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_small_and_keeps_nothing_on_the_device() {
        let script = Script::new().unwrap();
        assert!(
            script.compressed.len() < 2048,
            "{}",
            script.compressed.len()
        );
        for word in [
            "cookie",
            "localStorage",
            "sessionStorage",
            "indexedDB",
            "caches",
        ] {
            assert!(!SCRIPT.contains(word), "{word}");
        }
    }

    #[test]
    fn it_is_sent_once_an_hour_at_most() {
        let script = Script::new().unwrap();
        let first = script.answer(&HeaderMap::new());
        assert_eq!(first.status(), StatusCode::OK);
        let again: HeaderMap = [(IF_NONE_MATCH, first.headers()[ETAG].clone())]
            .into_iter()
            .collect();
        assert_eq!(script.answer(&again).status(), StatusCode::NOT_MODIFIED);
    }
}
