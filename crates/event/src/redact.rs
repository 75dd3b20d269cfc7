//! Redacts a refused record for storage: keeps its structure, and those values that the contract
//! knows and that have the expected form.
//!
//! A refused record may hold anything, so a search for personal data is not enough: a value is
//! masked unless it is known to be harmless. Lengths are kept, so that positions in the record stay
//! valid.

use std::borrow::Cow;

use base64::Engine as _;
use xxhash_rust::xxh3::xxh3_128;

use crate::binary::is_json;
use crate::packed::BASE64;
use crate::parse::{IDENTITY_BYTES_MAX, is_code, is_region, is_token};
use crate::privacy::{is_truncated, mask};
use crate::shape::Shape;

/// Values of `Sec-CH-UA-Platform` in the specification.
pub const PLATFORMS: [&str; 9] = [
    "Android",
    "Chrome OS",
    "Chromium OS",
    "Fuchsia",
    "iOS",
    "Linux",
    "macOS",
    "Windows",
    "Unknown",
];

/// Values of `Sec-CH-UA-Form-Factors`.
pub const FORM_FACTORS: [&str; 7] = [
    "Desktop",
    "Automotive",
    "Mobile",
    "Tablet",
    "XR",
    "EInk",
    "Watch",
];

/// Values of the enumerated fields.
const CHOICES: [&str; 26] = [
    "plain",
    "payment",
    "booking",
    "none",
    "page",
    "asset",
    "completed",
    "abandoned",
    "failed",
    "web",
    "app",
    "desk",
    "import",
    "password",
    "spid",
    "spid-1",
    "spid-2",
    "spid-3",
    "cie",
    "cns",
    "desktop",
    "smartphone",
    "tablet",
    "bot",
    "other",
    "unknown",
];

/// Longest token that is kept, in bytes. A longer token is hashed; a hash of a shorter one is
/// easily reversed.
const TOKEN_BYTES_PLAIN: usize = 8;
/// Known field names with characters other than letters and `_`.
const NAMES: [&str; 2] = ["data_base64", "content-type"];
/// Longest unknown field name that is kept, in bytes.
const NAME_BYTES_MAX: usize = 32;
/// Longest number that is kept, in digits. A longer one may be a telephone or document number.
const DIGITS_MAX: usize = 4;
/// Words outside quotes that are shorter than this are kept: remains of other syntax.
const WORD_BYTES_MIN: usize = 3;

/// Redacts a payload. Returns `None` if the payload is not text, because it cannot be searched
/// then.
///
/// ```
/// let record = br#"{"type":"it.affluenza.access.v1","nome":"Mario Rossi","data":{"ente":"c_d612"}}"#;
/// let kept = affluenza_event::redact(record).unwrap();
/// assert_eq!(
///     kept,
///     r#"{"type":"it.affluenza.access.v1","nome":"***********","data":{"ente":"c_d612"}}"#
/// );
/// ```
pub fn redact(payload: &[u8]) -> Option<String> {
    let text = text_of(payload)?;
    let mut kept = String::with_capacity(text.len());
    let mut field = Cow::Borrowed("");
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if first == '"' {
            let (inner, after) = quoted(&rest[1..]);
            let end = if after.len() + inner.len() + 1 < rest.len() {
                "\""
            } else {
                ""
            };
            let is_name = after.trim_start().starts_with(':');
            let shown = if is_name {
                field = unescaped(inner).unwrap_or_default();
                name_of(inner)
            } else {
                value_of(&field, inner)
            };
            kept.extend(["\"", &shown, end]);
            rest = after;
        } else if first.is_alphanumeric() {
            let length = rest.find(|c: char| !is_of_word(c)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(length);
            kept.push_str(&bare(&field, word));
            rest = after;
        } else {
            kept.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    Some(kept)
}

/// Redacts the name and value of a header in binary mode.
pub fn redact_header(name: &str, value: &[u8]) -> (String, String) {
    let attribute = name.strip_prefix("ce_");
    let shown = match attribute {
        Some(attribute) => format!("ce_{}", name_of(attribute)),
        None => name_of(name).into_owned(),
    };
    let field = attribute.map_or_else(|| name.to_ascii_lowercase(), str::to_owned);
    let value = match text_of(value) {
        Some(text) => plain_value(&field, text).into_owned(),
        None => stars(&String::from_utf8_lossy(value)),
    };
    (shown, value)
}

/// Redacts a record's key, which is usually a token or the id of the event.
pub fn redact_key(key: &[u8]) -> Vec<u8> {
    let text = text_of(key).unwrap_or_default();
    let shown = match plain_value("session", text) {
        token if !token.contains('*') => token,
        _ => plain_value("id", text),
    };
    shown.into_owned().into_bytes()
}

/// Decodes UTF-8 and ignores a character cut off at the end. A NUL suggests another encoding.
fn text_of(bytes: &[u8]) -> Option<&str> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    (!text.contains('\0')).then_some(text)
}

/// Splits a text at the closing quote.
fn quoted(text: &str) -> (&str, &str) {
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return (&text[..at], &text[at + 1..]),
            _ => {}
        }
    }
    (text, "")
}

fn is_of_word(c: char) -> bool {
    !c.is_whitespace() && !c.is_control() && !"{}[]\",:".contains(c)
}

fn stars(text: &str) -> String {
    "*".repeat(text.chars().count())
}

/// Decodes the escapes of a JSON string.
fn unescaped(inner: &str) -> Option<Cow<'_, str>> {
    if !inner.contains('\\') {
        return Some(inner.into());
    }
    serde_json::from_str(&format!("\"{inner}\""))
        .ok()
        .map(Cow::Owned)
}

/// Keeps a field name that looks like an identifier, and masks any other.
fn name_of(name: &str) -> Cow<'_, str> {
    let is_known = NAMES.iter().any(|known| known.eq_ignore_ascii_case(name));
    let mut bytes = name.bytes();
    let is_name = name.len() <= NAME_BYTES_MAX
        && bytes.all(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    if is_known || is_name {
        name.into()
    } else {
        stars(name).into()
    }
}

/// Redacts a word or number outside quotes. A long number becomes 0, so that the JSON stays valid.
fn bare<'t>(field: &str, word: &'t str) -> Cow<'t, str> {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let is_number = word.starts_with(|c: char| c.is_ascii_digit()) && word.parse::<f64>().is_ok();
    match field {
        _ if ["true", "false", "null"].contains(&word) => word.into(),
        "last_sequence" | "events" if digits == word.len() => word.into(),
        _ if is_number && digits <= DIGITS_MAX => word.into(),
        _ if is_number => "0".into(),
        _ if word.len() < WORD_BYTES_MIN => word.into(),
        _ => stars(word).into(),
    }
}

/// Redacts a quoted value of the field `field`.
fn value_of<'t>(field: &str, inner: &'t str) -> Cow<'t, str> {
    let Some(plain) = unescaped(inner) else {
        return stars(inner).into();
    };
    let shown = plain_value(field, &plain);
    if shown == plain {
        return inner.into();
    }
    let shown = serde_json::to_string(&shown).unwrap_or_default();
    let inside = shown
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    inside.unwrap_or_default().to_owned().into()
}

/// Keeps a value that has the form of its field in the contract, and masks any other.
fn plain_value<'t>(field: &str, text: &'t str) -> Cow<'t, str> {
    let is_kept = match field {
        "specversion" | "time" => is_time(text) && is_clean(text),
        "sequence" => text.bytes().all(|byte| byte.is_ascii_digit()),
        "type" | "ente" | "portal" | "service" | "producer" | "reason" => {
            Shape::of(text.as_bytes()).is_some_and(|shape| is_code(text, shape)) && is_clean(text)
        }
        "source" | "id" if is_identity(text) => return masked(text),
        "kind" | "resource" | "outcome" | "channel" | "login" | "means" => CHOICES
            .iter()
            .any(|choice| choice.eq_ignore_ascii_case(text)),
        "session" | "visitor" => return token_of(text),
        "user_agent" => return masked(text),
        "ip" => text.parse().is_ok_and(is_truncated),
        "country" | "region" => is_region(text),
        "platform" => PLATFORMS.contains(&text.trim_matches('"')),
        "form_factors" => {
            let mut listed = text.split(',').map(|one| one.trim().trim_matches('"'));
            listed.all(|one| FORM_FACTORS.contains(&one))
        }
        "datacontenttype" | "content-type" => is_json(text) && is_media_type(text),
        "data_base64" => return packed(text),
        "traceparent" => {
            text.len() <= 55 && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
        }
        _ => false,
    };
    if is_kept {
        text.into()
    } else {
        stars(text).into()
    }
}

fn is_clean(text: &str) -> bool {
    mask(text.as_bytes()) == text.as_bytes()
}

fn masked(text: &str) -> Cow<'_, str> {
    String::from_utf8_lossy(&mask(text.as_bytes()))
        .into_owned()
        .into()
}

fn is_time(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
        && text
            .chars()
            .all(|c| c.is_ascii_digit() || "TtZz:.+- ".contains(c))
}

fn is_identity(text: &str) -> bool {
    text.len() <= IDENTITY_BYTES_MAX && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn is_media_type(text: &str) -> bool {
    let mut bytes = text.bytes();
    text.len() <= IDENTITY_BYTES_MAX
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"/.+-=;\" ".contains(&byte))
        && is_clean(text)
}

/// Keeps a short token of a session or visitor and hashes a longer one. Equal tokens stay equal.
fn token_of(text: &str) -> Cow<'_, str> {
    let is_right = Shape::of(text.as_bytes()).is_some_and(|shape| is_token(text, shape));
    match text.len() {
        _ if !is_right => stars(text).into(),
        0..=TOKEN_BYTES_PLAIN => text.into(),
        _ => format!("{:032x}", xxh3_128(text.as_bytes())).into(),
    }
}

/// Redacts data encoded in base64.
fn packed(text: &str) -> Cow<'_, str> {
    let kept = BASE64.decode(text).ok().and_then(|plain| redact(&plain));
    match kept {
        Some(kept) => BASE64.encode(kept).into(),
        None => stars(text).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kept(text: &str) -> String {
        redact(text.as_bytes()).unwrap()
    }

    #[test]
    fn values_known_to_the_contract_stay() {
        let record = r#"{"specversion":"1.0", "type":"it.affluenza.service-use.v1", "source":"https://servizi.example.it/a\/b",
            "id":"0190e9a4-7b44-7c4e-9d54-0a6c1f6f3f5e","time":"2099-03-26T10:00:00+02:00","producer":"p1","sequence":"17",
            "data":{"ente":"c_d612","portal":"p","service":"s","kind":"Payment","session":"s2","login":{"means":"spid","level":2},
            "client":{"user_agent":"Mozilla/5.0 (X11; Linux)","ip":"93.45.171.0","country":"IT","region":"IT-52","mobile":true,
            "platform":"\"Windows\"","form_factors":"\"Desktop\", \"XR\"","touch_points":5}}}"#;
        assert_eq!(kept(record), record);
    }

    #[test]
    fn words_addresses_and_identifiers_go() {
        let secret = "Canarino";
        for (field, value) in [
            ("specversion", "Canarino"),
            ("time", "Canarino"),
            ("time", "93.45.171.217"),
            ("subject", "Canarino"),
            ("kind", "Canarino"),
            ("id", "Canarino Segreto"),
            ("source", "https://e.it/?q=Q2FuYXJpbm9AZXhhbXBsZS5pdA=="),
            ("ente", "Canarino Segreto"),
            ("session", "Canarino-Segreto"),
            ("visitor", "Canarino-Segreto"),
            ("platform", "Canarino"),
            ("ip", "93.45.171.217"),
            ("nome", "Canarino"),
            (
                "data_base64",
                &BASE64.encode(r#"{"nome":"Canarino","ente":"e"}"#),
            ),
        ] {
            let text = kept(&format!(
                r#"{{"{field}": "{value}", "Canarino Segreto": 5551234567"#
            ));
            assert!(!text.contains(secret), "{field}: {text}");
            assert!(
                !text.contains("Q2FuYXJpbm9") && !text.contains("171.217"),
                "{field}: {text}"
            );
            assert!(!text.contains("5551234567"), "{text}");
        }
        assert_eq!(
            kept("{\"id\":\"7\" Canarino 93.45.171.217"),
            "{\"id\":\"7\" ******** *************"
        );
        assert_eq!(kept("\u{1b}[2J no json"), "\u{1b}[2J no ****");
    }

    #[test]
    fn packed_data_are_treated_like_data() {
        let data = r#"{"ente":"c_d612","portal":"p","nome":"Canarino"}"#;
        let text = kept(&format!(r#"{{"data_base64":"{}"}}"#, BASE64.encode(data)));
        let packed = text.split('"').nth(3).unwrap();
        let plain = String::from_utf8(BASE64.decode(packed).unwrap()).unwrap();
        assert_eq!(plain, data.replace("Canarino", "********"));
    }

    #[test]
    fn binary_payloads_are_not_kept() {
        assert_eq!(redact(b"\x1f\x8b\x08\x00rest"), None);
        assert_eq!(
            redact(
                "a@b.it"
                    .encode_utf16()
                    .flat_map(u16::to_le_bytes)
                    .collect::<Vec<_>>()
                    .as_slice()
            ),
            None
        );
        // A truncated character does not mean another encoding.
        assert_eq!(redact(&"\"\u{e8}".as_bytes()[..2]).as_deref(), Some("\""));
    }

    #[test]
    fn headers_and_keys_are_treated_like_fields() {
        let header = |name: &str, value: &str| redact_header(name, value.as_bytes());
        assert_eq!(header("ce_id", "7"), ("ce_id".into(), "7".into()));
        assert_eq!(
            header("ce_nome", "Rossi"),
            ("ce_nome".into(), "*****".into())
        );
        assert_eq!(header("ce_mario-0042", "x").0, "ce_**********");
        assert_eq!(header("ce_a@b.it", "x"), ("ce_******".into(), "*".into()));
        let json = "application/json";
        assert_eq!(
            header("Content-Type", json),
            ("Content-Type".into(), json.into())
        );
        assert_eq!(redact_key(b"s2"), b"s2");
        assert_eq!(redact_key(b"a.b@example.it"), b"**************");
        assert_eq!(redact_key("Mario Rossi".as_bytes()), b"***********");
        assert_eq!(redact_key(&[0xff, 0xfe]), b"");
    }

    proptest! {
        #[test]
        fn any_text_is_redacted(text in any::<String>()) {
            let _ = redact(text.as_bytes());
        }

        #[test]
        fn json_stays_json(name in "[a-z_]{1,12}", value in any::<String>(), number in any::<f32>()) {
            let record = serde_json::json!({"data": {name: [value, number]}, "id": value}).to_string();
            let kept = redact(record.as_bytes()).unwrap_or_default();
            let has_nul = value.contains('\0');
            prop_assert!(has_nul || serde_json::from_str::<serde_json::Value>(&kept).is_ok(), "{kept}");
        }
    }
}
