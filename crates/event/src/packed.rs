//! `data_base64`: event data in base64 (CloudEvents JSON format 1.0.2, section 3.1.1).

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::Refusal;
use crate::binary::is_json;
use crate::objects::read_object;
use crate::parse::shape;
use crate::wire::Envelope;

/// Base64 with or without padding.
pub(crate) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Converts an event with `data_base64` to one with `data`. Returns `None` for any other text.
///
/// ```
/// let packed = br#"{"specversion":"1.0","type":"it.affluenza.access.v1","source":"s","id":"1",
///     "time":"2017-03-26T10:00:00Z","data_base64":"eyJlbnRlIjoiZSIsInBvcnRhbCI6InAifQ=="}"#;
/// let event = affluenza_event::unpack(packed).unwrap().unwrap();
/// assert!(event.ends_with(br#""data":{"ente":"e","portal":"p"}}"#));
/// ```
pub fn unpack(payload: &[u8]) -> Option<Result<Vec<u8>, Refusal>> {
    #[derive(Deserialize)]
    struct Packed<'a> {
        #[serde(borrow)]
        data_base64: Option<Cow<'a, str>>,
        #[serde(borrow)]
        datacontenttype: Option<Cow<'a, str>>,
    }
    let packed: Packed<'_> = serde_json::from_slice(payload).ok()?;
    let text = packed.data_base64?;
    let envelope: Envelope<'_, Option<IgnoredAny>> = read_object(payload).ok()?;
    let content_type = packed.datacontenttype.as_deref();
    Some(structured(envelope, &text, content_type))
}

fn structured(
    envelope: Envelope<'_, Option<IgnoredAny>>,
    text: &str,
    content_type: Option<&str>,
) -> Result<Vec<u8>, Refusal> {
    if envelope.data.is_some() {
        return Err(shape("/data_base64", "data as well", "one of the two"));
    }
    if !content_type.is_none_or(is_json) {
        let pointer = "/datacontenttype";
        return Err(shape(
            pointer,
            "another type",
            "application/json, or nothing",
        ));
    }
    let data = BASE64
        .decode(text.as_bytes())
        .map_err(|_| shape("/data_base64", "another text", "base64"))?;
    let data: &RawValue = serde_json::from_slice(&data).map_err(|error| {
        let mut refusal = Refusal::not_json(&error);
        refusal.fault.pointer = "/data_base64".into();
        refusal
    })?;
    serde_json::to_vec(&envelope.with(data)).map_err(|error| Refusal::not_json(&error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ACCESS_V1, Message, Mode, UnixMillis};

    const NOW: UnixMillis = UnixMillis(1_490_515_200_000);

    fn packed(more: &str, data: &[u8]) -> String {
        let data = BASE64.encode(data);
        format!(
            r#"{{"specversion":"1.0","type":"{ACCESS_V1}","source":"s","id":"1","time":"2017-03-26T10:00:00+02:00",{more}"data_base64":"{data}"}}"#
        )
    }

    fn code_of(record: &str) -> &'static str {
        let reading = crate::read(record.as_bytes(), std::iter::empty, NOW);
        reading.message.unwrap_err().code()
    }

    #[test]
    fn an_event_is_the_same_as_with_data() {
        let data = br#"{"ente":"c_d612","portal":"p","client":{"user_agent":"\u00e8"}}"#;
        let plain = packed("", b"").replace(
            r#""data_base64":"""#,
            &format!(r#""data":{}"#, std::str::from_utf8(data).unwrap()),
        );
        let plain = crate::parse(plain.as_bytes(), NOW).unwrap();
        for more in [
            "",
            r#""datacontenttype":"application/json; charset=utf-8","#,
            r#""datacontenttype":"application/vnd.example+json","#,
            r#""datacontenttype":"text/json","#,
        ] {
            let record = packed(more, data).replace('/', "\\/");
            let reading = crate::read(record.as_bytes(), std::iter::empty, NOW);
            assert_eq!(reading.mode, Mode::Structured);
            assert_eq!(reading.message.unwrap(), Message::Usage(plain.clone()));
        }
    }

    #[test]
    fn each_fault_has_its_reason() {
        let data = br#"{"ente":"e","portal":"p"}"#;
        let other = r#""datacontenttype":"text/plain","#;
        assert_eq!(code_of(&packed(other, data)), "unknown-shape");
        assert_eq!(code_of(&packed(r#""data":7,"#, data)), "unknown-shape");
        assert_eq!(code_of(&packed("", b"{")), "not-json");
        assert_eq!(code_of(&packed("", b"{}")), "unknown-shape");
        let broken = packed("", data).replace("data_base64\":\"", "data_base64\":\"!");
        assert_eq!(code_of(&broken), "unknown-shape");
        let personal = br#"{"ente":"e","portal":"p","visitor":"a.b@example.it"}"#;
        assert_eq!(code_of(&packed("", personal)), "personal-data");
    }
}
