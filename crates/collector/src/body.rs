//! Splits the body of a request into events, each as JSON bytes.

use std::borrow::Cow;
use std::io::Read as _;

use affluenza_event::{BYTE_ORDER_MARK, is_json};
use affluenza_http::Problem;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::value::RawValue;

/// Prefix of the headers that carry CloudEvents attributes in binary mode.
pub const ATTRIBUTE: &str = "ce-";

/// Format of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyForm {
    /// One event or an array of events, by the first character.
    Json,
    /// One event.
    One,
    /// An array of events.
    Batch,
    /// One event per line.
    Lines,
    /// Data of one event, with its attributes in headers.
    Binary,
}

impl BodyForm {
    /// Returns the format that the headers declare.
    ///
    /// # Errors
    /// 415 for an unknown format.
    pub fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let text = headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let mut parts = text.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default().to_ascii_lowercase();
        let charset = parts.find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim()
                .eq_ignore_ascii_case("charset")
                .then(|| value.trim().trim_matches('"').to_ascii_lowercase())
        });
        if charset.is_some_and(|charset| !["utf-8", "utf8", "us-ascii"].contains(&&*charset)) {
            return Err(unsupported("write the events in UTF-8"));
        }
        let is_binary = headers.contains_key("ce-specversion");
        match &*media {
            // Without a content type, the data is JSON, as in structured mode.
            "" if is_binary => Ok(Self::Binary),
            "application/cloudevents+json" => Ok(Self::One),
            "application/cloudevents-batch+json" => Ok(Self::Batch),
            "application/x-ndjson" | "application/ndjson" => Ok(Self::Lines),
            json if is_binary && is_json(json) => Ok(Self::Binary),
            "application/json" => Ok(Self::Json),
            _ => Err(unsupported(
                "use application/cloudevents+json, application/cloudevents-batch+json, application/json or application/x-ndjson as Content-Type",
            )),
        }
    }
}

fn unsupported(detail: &str) -> Problem {
    Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported-media-type",
        "The content type is not supported",
        detail,
    )
}

/// Returns a 400: the body as a whole cannot be read.
pub fn malformed(detail: impl Into<String>) -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "malformed-body",
        "The body cannot be read",
        detail,
    )
}

/// Decompresses a body.
///
/// # Errors
/// 413 if the body inflates to more than `bytes_max`, 415 for an unknown encoding, 400 if it is
/// truncated.
pub fn inflate(headers: &HeaderMap, body: Bytes, bytes_max: usize) -> Result<Bytes, Problem> {
    let encoding = headers
        .get(CONTENT_ENCODING)
        .map(HeaderValue::as_bytes)
        .unwrap_or_default()
        .to_ascii_lowercase();
    match &*encoding {
        b"" | b"identity" => Ok(body),
        b"gzip" | b"x-gzip" => {
            let mut plain = Vec::with_capacity((body.len() * 4).min(bytes_max));
            let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX);
            MultiGzDecoder::new(&*body)
                .take(limit.saturating_add(1))
                .read_to_end(&mut plain)
                .map_err(|_| {
                    malformed("Content-Encoding is gzip, but the body is not gzip or is truncated")
                })?;
            if plain.len() > bytes_max {
                return Err(Problem::too_large(bytes_max));
            }
            Ok(plain.into())
        }
        _ => Err(unsupported(
            "use gzip as Content-Encoding, or leave the body as it is",
        )),
    }
}

/// Splits `body` into events, in order. Their JSON is not checked yet.
///
/// # Errors
/// 400 if the body as a whole cannot be split or is empty, 413 if it has more than `events_max`.
pub fn split<'b>(
    form: BodyForm,
    headers: &HeaderMap,
    body: &'b [u8],
    events_max: usize,
) -> Result<Vec<Cow<'b, [u8]>>, Problem> {
    let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    let Some(first) = first else {
        return Err(malformed("the body is empty: send at least one event"));
    };
    let events: Vec<Cow<'b, [u8]>> = match form {
        BodyForm::Json if *first == b'[' => array(body)?,
        BodyForm::Batch => array(body)?,
        BodyForm::Json | BodyForm::One => vec![body.into()],
        BodyForm::Lines => body
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.trim_ascii().is_empty())
            .map(Cow::Borrowed)
            .collect(),
        BodyForm::Binary => vec![structured(headers, body)?.into()],
    };
    if events.is_empty() {
        return Err(malformed("the batch is empty: send at least one event"));
    }
    if events.len() > events_max {
        return Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-many-events",
            "The batch is too large",
            format!(
                "{} events in one request, at most {events_max} are accepted: send several requests",
                events.len()
            ),
        )
        .with("events_max", events_max));
    }
    Ok(events)
}

fn array(body: &[u8]) -> Result<Vec<Cow<'_, [u8]>>, Problem> {
    let items: Vec<&RawValue> = serde_json::from_slice(body).map_err(|error| {
        malformed(format!(
            "the body is not a JSON array: see line {} column {}",
            error.line(),
            error.column()
        ))
    })?;
    Ok(items
        .into_iter()
        .map(|item| Cow::Borrowed(item.get().as_bytes()))
        .collect())
}

/// Reads the value of an attribute from its header (CloudEvents HTTP binding 1.0.2, section
/// 3.1.3.2): first unquotes a quoted string (RFC 9110, section 5.6.4), then decodes percent-encoding.
fn attribute(value: &HeaderValue) -> Option<String> {
    let text = value.to_str().ok()?;
    let quoted = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    let text = match quoted {
        None => Cow::Borrowed(text),
        Some(quoted) => {
            let mut plain = String::with_capacity(quoted.len());
            let mut letters = quoted.chars();
            while let Some(letter) = letters.next() {
                plain.extend(match letter {
                    '\\' => letters.next(),
                    other => Some(other),
                });
            }
            Cow::Owned(plain)
        }
    };
    let text = percent_decode_str(&text).decode_utf8().ok()?;
    Some(text.into_owned())
}

/// Converts an event from binary to structured mode.
fn structured(headers: &HeaderMap, data: &[u8]) -> Result<Vec<u8>, Problem> {
    #[derive(Serialize)]
    struct Whole<'a> {
        #[serde(flatten)]
        attributes: serde_json::Map<String, serde_json::Value>,
        data: &'a RawValue,
    }
    let data: &RawValue = serde_json::from_slice(data)
        .map_err(|_| malformed("the data of an event in binary mode is JSON"))?;
    let mut attributes = serde_json::Map::new();
    for (name, value) in headers {
        let Some(name) = name.as_str().strip_prefix(ATTRIBUTE) else {
            continue;
        };
        let text = attribute(value)
            .ok_or_else(|| malformed("a ce- header is not percent-encoded UTF-8"))?;
        if name != "data" && attributes.insert(name.to_owned(), text.into()).is_some() {
            return Err(malformed("a ce- header is given twice"));
        }
    }
    serde_json::to_vec(&Whole { attributes, data })
        .map_err(|_| malformed("the event cannot be assembled from its headers"))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    axum::http::HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    fn parts(kind: &'static str, body: &[u8]) -> Result<Vec<String>, u16> {
        let headers = headers(&[("content-type", kind)]);
        let form = BodyForm::of(&headers).map_err(|problem| problem.status())?;
        split(form, &headers, body, 3)
            .map(|events| {
                let text = |event: &Cow<'_, [u8]>| String::from_utf8_lossy(event).into_owned();
                events.iter().map(text).collect()
            })
            .map_err(|problem| problem.status())
    }

    #[test]
    fn each_form_is_taken_apart() {
        let json = "application/json; charset=UTF-8";
        assert_eq!(parts(json, b"{\"a\":1}").unwrap(), ["{\"a\":1}"]);
        assert_eq!(
            parts(json, b" [{\"a\": 1},2]").unwrap(),
            ["{\"a\": 1}", "2"]
        );
        let batch = "application/cloudevents-batch+json";
        assert_eq!(parts(batch, b"[1]").unwrap(), ["1"]);
        assert_eq!(parts(batch, b"{}"), Err(400));
        let lines = "application/x-ndjson";
        assert_eq!(parts(lines, b"1\r\n\n oops\n").unwrap(), ["1\r", " oops"]);
        assert_eq!(parts(lines, b"1\n2\n3\n4"), Err(413));
        assert_eq!(parts(lines, b" \n"), Err(400));
        assert_eq!(parts(batch, b"[]"), Err(400));
        assert_eq!(parts("text/plain", b"{}"), Err(415));
        assert_eq!(
            parts("application/json; charset=utf8", b"{}").unwrap(),
            ["{}"]
        );
        assert_eq!(parts(lines, b"\xef\xbb\xbf1\n2").unwrap(), ["1", "2"]);
        assert_eq!(parts("application/json; charset=latin1", b"{}"), Err(415));
    }

    #[test]
    fn binary_mode_becomes_structured() {
        let headers = headers(&[
            ("content-type", "application/json"),
            ("ce-specversion", "1.0"),
            ("ce-source", "https://e.example/%C3%A0"),
        ]);
        assert_eq!(BodyForm::of(&headers).unwrap(), BodyForm::Binary);
        for kind in [
            "application/vnd.example+json",
            "APPLICATION/JSON; charset=utf8",
        ] {
            let mut other = headers.clone();
            other.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            assert_eq!(BodyForm::of(&other).unwrap(), BodyForm::Binary, "{kind}");
        }
        let mut none = headers.clone();
        none.remove(CONTENT_TYPE);
        assert_eq!(BodyForm::of(&none).unwrap(), BodyForm::Binary);
        let whole = split(BodyForm::Binary, &headers, b"{\"ente\":\"x\"}", 3).unwrap();
        let whole: serde_json::Value = serde_json::from_slice(&whole[0]).unwrap();
        assert_eq!(whole["source"], "https://e.example/à");
        for (header, value) in [
            (r#""1.0""#, "1.0"),
            (r#""a \"b\" \\ %22""#, r#"a "b" \ ""#),
            (r#"a"b"#, r#"a"b"#),
            (r#"""#, r#"""#),
        ] {
            let header = HeaderValue::from_static(header);
            assert_eq!(attribute(&header).as_deref(), Some(value));
        }
        assert_eq!(whole["data"]["ente"], "x");
    }

    #[test]
    fn a_bomb_does_not_inflate() {
        let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        bomb.write_all(&vec![b' '; 1 << 20]).unwrap();
        let bomb = Bytes::from(bomb.finish().unwrap());
        let gzip = headers(&[("content-encoding", "gzip")]);
        let problem = inflate(&gzip, bomb.clone(), 1 << 16).unwrap_err();
        assert_eq!(problem.status(), 413);
        assert_eq!(
            inflate(&gzip, bomb.clone(), 1 << 20).unwrap().len(),
            1 << 20
        );
        let cut = bomb.slice(..bomb.len() / 2);
        assert_eq!(inflate(&gzip, cut, 1 << 20).unwrap_err().status(), 400);
        let brotli = headers(&[("content-encoding", "br")]);
        assert_eq!(inflate(&brotli, bomb, 9).unwrap_err().status(), 415);
    }
}
