//! Answers as HTTP responses: format, compression, ETag and headers.

use std::fs::File;
use std::hash::{Hash, Hasher};
use std::io::{self, Read as _, Write as _};
use std::sync::LazyLock;

use affluenza_http::Problem;
use axum::http::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_TYPE,
    ETAG, IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use xxhash_rust::xxh3::Xxh3;

use crate::answer::{Flavour, UnformattedAnswer};
use crate::basis::Basis;
use crate::compose::Viewer;
use crate::question::Question;
use crate::workbook::XLSX;

/// Smaller answers are not compressed, in bytes.
const COMPRESSED_BYTES_MIN: usize = 1024;
/// Format of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum AnswerFormat {
    Json,
    Csv(Flavour),
    /// A workbook, with Italian headings or the names of the columns.
    Workbook {
        is_italian: bool,
    },
}

pub(crate) const FORMATS: [&str; 4] = ["json", "csv", "csv-excel-italy", "xlsx"];

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct CacheKey {
    pub question: Question,
    pub viewer: Viewer,
    pub format: AnswerFormat,
    pub basis: Basis,
}

#[derive(Debug)]
pub(crate) struct Rendered {
    pub body: Bytes,
    pub gzip: Option<Bytes>,
}

pub(crate) fn render(
    answer: &UnformattedAnswer,
    format: AnswerFormat,
) -> Result<Rendered, Problem> {
    let body = match format {
        AnswerFormat::Json => answer.to_json(),
        AnswerFormat::Csv(flavour) => answer.to_csv(flavour),
        AnswerFormat::Workbook { is_italian } => {
            let book = answer.to_xlsx(is_italian);
            book.map_err(|error| {
                tracing::error!(%error, "an answer fits no workbook");
                Problem::internal()
            })?
        }
    };
    // A workbook is compressed already.
    let is_text = !matches!(format, AnswerFormat::Workbook { .. });
    Ok(Rendered {
        gzip: is_text.then(|| gzip(&body, Compression::fast())).flatten(),
        body: body.into(),
    })
}

/// Compresses a body, unless it is short.
pub(crate) fn gzip(body: &[u8], level: Compression) -> Option<Bytes> {
    if body.len() < COMPRESSED_BYTES_MIN {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::new(), level);
    encoder.write_all(body).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

/// A choice in a header of negotiation (RFC 9110, section 12.4).
struct HeaderChoice {
    /// Name, in lower case.
    name: String,
    /// 0 means that it is not acceptable.
    quality: f32,
}

/// Returns the choices of a header in their order.
fn choices(headers: &HeaderMap, name: HeaderName) -> Vec<HeaderChoice> {
    let header = headers.get(name).and_then(|value| value.to_str().ok());
    let choices = header.unwrap_or_default().split(',').map(|choice| {
        let choice = choice.to_ascii_lowercase();
        let mut parts = choice.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_owned();
        let quality = parts.find_map(|part| part.strip_prefix("q=")?.trim().parse().ok());
        HeaderChoice {
            name,
            quality: quality.unwrap_or(1.0),
        }
    });
    choices.filter(|choice| !choice.name.is_empty()).collect()
}

/// True if the client accepts gzip.
pub(crate) fn takes_gzip(headers: &HeaderMap) -> bool {
    let choices = choices(headers, ACCEPT_ENCODING);
    let found = ["gzip", "*"]
        .iter()
        .find_map(|name| choices.iter().find(|choice| choice.name == *name));
    found.is_some_and(|choice| choice.quality > 0.0)
}

/// Returns the format that the header `Accept` prefers; `None` if it allows none.
fn accepted(headers: &HeaderMap, workbook: AnswerFormat) -> Option<AnswerFormat> {
    let choices = choices(headers, ACCEPT);
    if choices.is_empty() {
        return Some(AnswerFormat::Json);
    }
    let mut best = None;
    let mut best_quality = 0.0;
    let mut best_place = usize::MAX;
    for (media_type, group, format) in [
        ("application/json", "application/*", AnswerFormat::Json),
        ("text/csv", "text/*", AnswerFormat::Csv(Flavour::Tidy)),
        (XLSX, "application/*", workbook),
    ] {
        // The most exact range counts.
        let place = [media_type, group, "*/*"]
            .iter()
            .find_map(|range| choices.iter().position(|choice| choice.name == *range));
        let Some(place) = place else { continue };
        let quality = choices[place].quality;
        if quality > best_quality || quality == best_quality && place < best_place {
            (best_quality, best_place) = (quality, place);
            best = Some(format).filter(|_| quality > 0.0);
        }
    }
    best
}

pub(crate) fn format(
    pairs: &[(String, String)],
    headers: &HeaderMap,
) -> Result<AnswerFormat, Problem> {
    let asked = pairs.iter().find(|(name, _)| name == "format");
    // Headings are Italian unless the address has another language.
    let other = |(name, value): &(String, String)| name == "lang" && value != "it";
    let workbook = AnswerFormat::Workbook {
        is_italian: !pairs.iter().any(other),
    };
    if let Some((_, value)) = asked {
        return match value.as_str() {
            "json" => Ok(AnswerFormat::Json),
            "csv" => Ok(AnswerFormat::Csv(Flavour::Tidy)),
            "csv-excel-italy" => Ok(AnswerFormat::Csv(Flavour::ExcelItaly)),
            "xlsx" => Ok(workbook),
            _ => Err(Problem::parameter(
                "format",
                "there is no such format",
                &FORMATS,
            )),
        };
    }
    accepted(headers, workbook).ok_or_else(|| {
        Problem::new(
            StatusCode::NOT_ACCEPTABLE,
            "not-acceptable",
            "There is no such format",
            "answers are application/json, text/csv or a workbook",
        )
        .with("parameter", "Accept")
        .with("allowed", ["application/json", "text/csv", XLSX])
    })
}

/// Hash of this program. Another build may write other columns and notes.
static PROGRAM: LazyLock<u64> = LazyLock::new(|| program().unwrap_or_default());

fn program() -> io::Result<u64> {
    let mut file = File::open(std::env::current_exe()?)?;
    let (mut hasher, mut part) = (Xxh3::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut part)? {
            0 => return Ok(hasher.digest()),
            bytes => hasher.update(&part[..bytes]),
        }
    }
}

/// Returns the same tag for the same question, client scope and figures, in every process of this
/// program.
pub(crate) fn etag(cached: &CacheKey) -> String {
    let mut hasher = Xxh3::new();
    (*PROGRAM, cached).hash(&mut hasher);
    format!("W/\"{:016x}\"", hasher.finish())
}

pub(crate) fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let strong = etag.trim_start_matches("W/");
    let values = headers.get_all(IF_NONE_MATCH).iter();
    let mut tags = values.flat_map(|value| value.to_str().unwrap_or_default().split(','));
    tags.any(|tag| {
        let tag = tag.trim();
        tag == "*" || tag.trim_start_matches("W/") == strong
    })
}

pub(crate) fn written(rendered: &Rendered, cached: &CacheKey, headers: &HeaderMap) -> Response {
    let (body, is_gzip) = match &rendered.gzip {
        Some(gzip) if takes_gzip(headers) => (gzip.clone(), true),
        _ => (rendered.body.clone(), false),
    };
    let mut response = body.into_response();
    let added = response.headers_mut();
    let (kind, ending) = match cached.format {
        AnswerFormat::Json => ("application/json", None),
        AnswerFormat::Csv(_) => ("text/csv; charset=utf-8; header=present", Some("csv")),
        AnswerFormat::Workbook { .. } => (XLSX, Some("xlsx")),
    };
    added.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    if is_gzip {
        added.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    if let Some(ending) = ending {
        let name = cached.question.resource.path();
        let name = format!("attachment; filename=\"{name}.{ending}\"");
        if let Ok(value) = HeaderValue::try_from(name) {
            added.insert(CONTENT_DISPOSITION, value);
        }
    }
    response
}

pub(crate) fn common_headers(headers: &mut HeaderMap, etag: &str, viewer: &Viewer) {
    if let Ok(etag) = HeaderValue::try_from(etag) {
        headers.insert(ETAG, etag);
    }
    let caching = if *viewer == Viewer::Public {
        "public, no-cache"
    } else {
        "private, no-cache"
    };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    let vary = HeaderValue::from_static("Accept, Accept-Encoding, Authorization, X-API-Key");
    headers.insert(VARY, vary);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_the_one_that_a_client_prefers() {
        let workbook = AnswerFormat::Workbook { is_italian: true };
        let csv = Some(AnswerFormat::Csv(Flavour::Tidy));
        let json = Some(AnswerFormat::Json);
        for (accept, expected) in [
            ("", json),
            ("*/*", json),
            ("text/html, */*;q=0.8", json),
            ("TEXT/CSV", csv),
            ("text/csv, application/json", csv),
            ("text/csv;q=0.2, application/json;q=0.8", json),
            ("application/json;q=0, text/csv", csv),
            ("application/json; q=0, */*", csv),
            (XLSX, Some(workbook)),
            ("image/png", None),
            ("application/json;q=0", None),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_str(accept).unwrap())]);
            assert_eq!(super::accepted(&headers, workbook), expected, "{accept}");
        }
    }

    #[test]
    fn gzip_is_sent_to_clients_that_take_it() {
        for (accept, expected) in [
            ("gzip, br", true),
            ("GZIP;q=0.5", true),
            ("*", true),
            ("gzip;q=0.0, *", false),
            ("br", false),
            ("", false),
        ] {
            let value = HeaderValue::from_str(accept).unwrap();
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, value)]);
            assert_eq!(takes_gzip(&headers), expected, "{accept}");
        }
    }
}
