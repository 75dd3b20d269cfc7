//! Classifies a request as a page or an asset.
//!
//! A **page** is a GET or a POST whose path does not have the name of an asset. Its response is a
//! complete body, a 304 (the browser has the page in its cache) or an error. Every other request is
//! an **asset**; no request is omitted:
//!
//! - HEAD, OPTIONS, PUT and similar methods: programs send them, and no page is shown.
//! - Redirects: the page itself follows, so counting both would count one visit twice.
//! - 1xx, 204, 205: the response has no content. 206: a part of a document whose first request was
//!   counted; PDF readers send dozens of these.
//! - Images, scripts, style sheets, fonts, audio, video, data, feeds, `robots.txt` and similar
//!   files: browsers and programs fetch them automatically. Documents and archives (`.pdf`, `.doc`,
//!   `.zip`, other `.txt`) are pages, because a person chose to read them.

use std::borrow::Cow;

use affluenza_event::{Outcome, Resource};

use crate::text::{percent_decoded, unescape};

/// Extensions of assets, by kind.
const ASSET_EXTENSIONS: [&[&str]; 5] = [
    // Images.
    &[
        "apng", "avif", "bmp", "cur", "gif", "ico", "jpeg", "jpg", "png", "svg", "svgz", "tif",
        "tiff", "webp",
    ],
    // Scripts, style sheets and related files.
    &[
        "css",
        "js",
        "map",
        "mjs",
        "swf",
        "wasm",
        "webmanifest",
        "xsl",
        "xslt",
    ],
    // Fonts.
    &["eot", "otf", "ttf", "woff", "woff2"],
    // Audio and video.
    &[
        "aac", "avi", "flac", "m3u8", "m4a", "m4v", "mov", "mp3", "mp4", "mpeg", "mpg", "oga",
        "ogg", "ogv", "vtt", "wav", "weba", "webm",
    ],
    // Data and feeds.
    &["atom", "geojson", "json", "jsonld", "rss", "xml"],
];

/// Files that only programs request.
const ASSET_FILES: [&str; 6] = [
    "ads.txt",
    "app-ads.txt",
    "humans.txt",
    "llms.txt",
    "robots.txt",
    "security.txt",
];

/// A request and the status of its response.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct HttpRequest<'a> {
    method: &'a [u8],
    /// Decoded path without the query; `None` if the target has no path.
    pub(crate) path: Option<Cow<'a, [u8]>>,
    status: u16,
}

impl<'a> HttpRequest<'a> {
    /// Parses a request as logged, such as `GET /index.html HTTP/1.1`. Invalid text gives a request
    /// without a path.
    pub(crate) fn parse(request: &'a [u8], status: u16) -> Self {
        let (method, target) = split_at_byte(request, b' ');
        Self {
            method,
            path: path(without_protocol(target)),
            status,
        }
    }

    pub(crate) fn resource(&self) -> Resource {
        let shows_something = matches!(self.method, b"GET" | b"POST")
            && matches!(self.status, 200..=203 | 207..=299 | 304 | 400..=999);
        match &self.path {
            Some(path) if shows_something && !is_asset(path) => Resource::Page,
            _ => Resource::Asset,
        }
    }

    /// Redirects and informational responses count as completed. 000 and 499 are nginx codes for a
    /// client that closed the connection.
    pub(crate) fn outcome(&self) -> Outcome {
        match self.status {
            100..=399 => Outcome::Completed,
            _ => Outcome::Failed,
        }
    }
}

/// Splits `bytes` at the first `byte`.
fn split_at_byte(bytes: &[u8], byte: u8) -> (&[u8], &[u8]) {
    match bytes.iter().position(|&other| other == byte) {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (bytes, b""),
    }
}

/// Removes the protocol from the end of a target, which may contain spaces.
fn without_protocol(target: &[u8]) -> &[u8] {
    match target.iter().rposition(|&byte| byte == b' ') {
        Some(at) if target[at + 1..].starts_with(b"HTTP/") => &target[..at],
        _ => target,
    }
}

fn path(target: &[u8]) -> Option<Cow<'_, [u8]>> {
    let target = ["http://", "https://"]
        .iter()
        .find_map(|scheme| target.strip_prefix(scheme.as_bytes()))
        .map_or(target, |after| {
            let slash = after.iter().position(|&byte| byte == b'/');
            slash.map_or(b"/", |at| &after[at..])
        });
    if target.first() != Some(&b'/') {
        return None;
    }
    let end = target.iter().position(|byte| matches!(byte, b'?' | b'#'));
    let path = &target[..end.unwrap_or(target.len())];
    Some(percent_decoded(unescape(path)))
}

fn is_asset(path: &[u8]) -> bool {
    let file = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
    // Java portals write the session into the path: "/logo.png;jsessionid=0A1B".
    let (file, _parameters) = split_at_byte(file, b';');
    if ASSET_FILES.iter().any(|listed| is_word(file, listed)) {
        return true;
    }
    let Some(dot) = file.iter().rposition(|&byte| byte == b'.') else {
        return false;
    };
    // Badly copied links have text after the extension: ".ttf) format(".
    let extension = &file[dot + 1..];
    let end = extension
        .iter()
        .position(|byte| !byte.is_ascii_alphanumeric());
    let extension = &extension[..end.unwrap_or(extension.len())];
    let mut listed = ASSET_EXTENSIONS.iter().copied().flatten();
    listed.any(|listed| is_word(extension, listed))
}

fn is_word(text: &[u8], word: &str) -> bool {
    text.eq_ignore_ascii_case(word.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(request: &str, status: u16) -> &'static str {
        HttpRequest::parse(request.as_bytes(), status)
            .resource()
            .into()
    }

    fn get(path: &str) -> &'static str {
        resource(&format!("GET {path} HTTP/1.1"), 200)
    }

    #[test]
    fn pages_are_requests_that_people_chose() {
        let paths = "/ /servizi/pagamenti /index.html?img=logo.png /delibere/atto.pdf /moduli.zip \
                     /note.txt /v1.2/ /.css/ /style.css/edit /area.do;jsessionid=1.png \
                     http://www.example.it/notizie https://www.example.it \
                     /caff%C3%A8#logo.png /trailing.";
        for path in paths.split_whitespace().chain(["/a b c"]) {
            assert_eq!(get(path), "page", "{path}");
        }
    }

    #[test]
    fn assets_are_requests_that_programs_make() {
        let paths = "/logo.png /LOGO.PNG /app.js?v=3 /app%2Ejs /logo.png;jsessionid=0A1B \
                     /font.ttf)%20format(%22truetype%22 /robots.txt /favicon.ico \
                     /.well-known/security.txt /feed.xml /data.json \
                     http://www.example.it/logo.svg * www.example.it:443";
        for path in paths.split_whitespace().chain([""]) {
            assert_eq!(get(path), "asset", "{path}");
        }
    }

    #[test]
    fn status_and_method_decide_what_is_a_page() {
        for status in [200, 304, 404, 410, 499, 500, 503] {
            assert_eq!(resource("GET / HTTP/1.1", status), "page", "{status}");
        }
        for status in [0, 101, 204, 205, 206, 301, 302, 303, 307, 308] {
            assert_eq!(resource("GET / HTTP/1.1", status), "asset", "{status}");
        }
        assert_eq!(resource("POST /modulo HTTP/1.1", 200), "page");
        assert_eq!(resource("GET /", 200), "page");
        for request in [
            "HEAD / HTTP/1.1",
            "OPTIONS * HTTP/1.0",
            "PUT /a HTTP/1.1",
            "get / HTTP/1.1",
            "-",
            "",
            r"\x16\x03\x01",
        ] {
            assert_eq!(resource(request, 200), "asset", "{request}");
        }
    }

    #[test]
    fn errors_are_failures() {
        let outcome = |status| HttpRequest::parse(b"GET / HTTP/1.1", status).outcome();
        for status in [101, 200, 206, 301, 304] {
            assert_eq!(outcome(status), Outcome::Completed, "{status}");
        }
        for status in [0, 400, 404, 499, 500, 599] {
            assert_eq!(outcome(status), Outcome::Failed, "{status}");
        }
    }
}
