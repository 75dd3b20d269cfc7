//! Warnings about accepted events: fields and codes that are not known.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use affluenza_event::{BYTE_ORDER_MARK, FieldFault, nearest, unknown_fields, unpack};
use affluenza_register::Register;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Most warnings in one answer.
const WARNINGS_MAX: usize = 20;

const ENTE: &str = "/data/ente";
const PORTAL: &str = "/data/portal";
const SERVICE: &str = "/data/service";

/// Part of an accepted event that may be a mistake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Warning {
    /// Index of the first such event in the batch, from 0.
    #[schema(format = Int64)]
    pub index: usize,
    /// Number of events of the batch with this warning.
    #[schema(format = Int64)]
    pub events: usize,
    /// JSON Pointer to the field.
    pub pointer: String,
    /// Kind of the value found.
    pub found: String,
    /// Values that are known.
    pub allowed: String,
    /// Known value or name that resembles the one found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}

impl Warning {
    fn of(index: usize, fault: FieldFault) -> Self {
        Self {
            index,
            events: 1,
            pointer: fault.pointer.into_owned(),
            found: fault.found.into_owned(),
            allowed: fault.allowed.into_owned(),
            suggestion: fault.suggestion,
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: found {}", self.pointer, self.found)?;
        if let Some(suggestion) = &self.suggestion {
            write!(f, "; did you mean {suggestion:?}?")?;
        }
        match self.events {
            1 => Ok(()),
            events => write!(f, " ({events} events)"),
        }
    }
}

/// Warnings of a request. Equal ones are listed once.
#[derive(Debug, Default)]
pub struct Warnings {
    list: Vec<Warning>,
    /// Index of the last event with each warning.
    last: Vec<usize>,
    /// Place in the list, by pointer and unknown code.
    places: HashMap<(Cow<'static, str>, String), usize>,
}

impl Warnings {
    /// Notes the unknown fields of the event `raw` and, with a register, its unknown codes.
    pub fn note(&mut self, index: usize, raw: &[u8], register: Option<&Register>) {
        let raw = raw.strip_prefix(BYTE_ORDER_MARK).unwrap_or(raw);
        // Few events pack their data.
        let unpacked = match Codes::of(raw) {
            Some(_) => None,
            None => unpack(raw).and_then(Result::ok),
        };
        let event = unpacked.as_deref().unwrap_or(raw);
        for fault in unknown_fields(event) {
            let key = (fault.pointer.clone(), String::new());
            self.add(index, key, || fault);
        }
        if let (Some(codes), Some(register)) = (Codes::of(event), register) {
            self.note_codes(index, &codes, register);
        }
    }

    fn note_codes(&mut self, index: usize, codes: &Codes, register: &Register) {
        let ente = register.ente(&codes.ente);
        if ente.is_none() && !codes.ente.is_empty() {
            self.add(index, (ENTE.into(), codes.ente.clone()), || {
                let names = register.enti();
                let names = names.flat_map(|ente| [ente.code(), ente.name()]);
                let suggestion = nearest(&codes.ente, names);
                unknown_code(ENTE, "the code or name of an ente", suggestion)
            });
        }
        // An ente without portals in the register may use any.
        if let Some(ente) = ente
            && !register.portals_of(ente).is_empty()
            && register.portal(ente, &codes.portal).is_none()
        {
            self.add(index, (PORTAL.into(), codes.portal.clone()), || {
                let portals = register.portals_of(ente).iter();
                let suggestion = nearest(&codes.portal, portals.map(|portal| portal.code()));
                unknown_code(PORTAL, "the code of a portal of the ente", suggestion)
            });
        }
        if let Some(code) = &codes.service
            && register.service(code).is_none()
        {
            self.add(index, (SERVICE.into(), code.clone()), || {
                let services = register.services().map(|service| service.code());
                unknown_code(SERVICE, "the code of a service", nearest(code, services))
            });
        }
    }

    /// Returns the warnings, in the order of the events.
    pub fn into_list(self) -> Vec<Warning> {
        self.list
    }

    fn add(
        &mut self,
        index: usize,
        key: (Cow<'static, str>, String),
        fault: impl FnOnce() -> FieldFault,
    ) {
        match self.places.get(&key) {
            // An event with several such fields counts once.
            Some(place) if self.last[*place] != index => {
                self.list[*place].events += 1;
                self.last[*place] = index;
            }
            Some(_) => {}
            None if self.list.len() < WARNINGS_MAX => {
                self.places.insert(key, self.list.len());
                self.last.push(index);
                self.list.push(Warning::of(index, fault()));
            }
            None => {}
        }
    }
}

/// Codes of an event.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Codes {
    ente: String,
    portal: String,
    service: Option<String>,
}

impl Codes {
    fn of(event: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Outline {
            data: Codes,
        }
        let outline: Outline = serde_json::from_slice(event).ok()?;
        Some(outline.data)
    }
}

fn unknown_code(
    pointer: &'static str,
    allowed: &'static str,
    suggestion: Option<&str>,
) -> FieldFault {
    FieldFault {
        suggestion: suggestion.map(str::to_owned),
        ..FieldFault::new(pointer, "a code that the register does not have", allowed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGISTER: &str = include_str!("../../../deploy/register.toml");

    #[test]
    fn unknown_fields_and_codes_are_listed_once_with_the_nearest_known() {
        let register = Register::parse(REGISTER).unwrap();
        let event = |data: &str| {
            format!(
                r#"{{"specversion":"1.0","type":"it.affluenza.service-use.v1","source":"s","id":"1","time":"2026-03-20T10:00:00Z","traceparent":"x","data":{data}}}"#
            )
        };
        let odd = event(
            r#"{"ente":"Firense","portal":"servizi_online","service":"visure-anagrafiche","kind":"plain","Visitor":"x","anna@example.it":1,"mario.rossi":2,"client":{"userAgent":"x"}}"#,
        );
        let good = event(
            r#"{"ente":"firenze","portal":"servizi-online","service":"visure-anagrafiche","kind":"plain"}"#,
        );
        let portal = event(
            r#"{"ente":"c_d612","portal":"servizi_online","service":"visure-anagrafice","kind":"plain"}"#,
        );
        let mut warnings = Warnings::default();
        for (index, event) in [&good, &odd, &odd, &portal].into_iter().enumerate() {
            warnings.note(index, event.as_bytes(), Some(&register));
        }
        let found = warnings.into_list();
        let found: Vec<_> = found
            .iter()
            .map(|it| (it.index, it.events, &*it.pointer, it.suggestion.as_deref()))
            .collect();
        assert_eq!(
            found,
            [
                (1, 2, "/data/Visitor", Some("visitor")),
                (1, 2, "/data/*", None),
                (1, 2, "/data/client/userAgent", Some("user_agent")),
                (1, 2, "/data/ente", Some("Firenze")),
                (3, 1, "/data/portal", Some("servizi-online")),
                (3, 1, "/data/service", Some("visure-anagrafiche")),
            ]
        );
    }

    #[test]
    fn marks_and_packed_data_hide_nothing() {
        let register = Register::parse(REGISTER).unwrap();
        let attributes = r#""specversion":"1.0","type":"it.affluenza.access.v1","source":"s","id":"1","time":"2026-03-20T10:00:00Z""#;
        let data = r#"{"ente":"c_d612","portal":"servizi_online"}"#;
        let packed = "eyJlbnRlIjoiY19kNjEyIiwicG9ydGFsIjoic2Vydml6aV9vbmxpbmUifQ==";
        for event in [
            format!("{{{attributes},\"data\":{data}}}"),
            format!("\u{feff}{{{attributes},\"data\":{data}}}"),
            format!("{{{attributes},\"data_base64\":\"{packed}\"}}"),
            format!("\u{feff}{{{attributes},\"data_base64\":\"{packed}\"}}"),
        ] {
            let mut warnings = Warnings::default();
            warnings.note(0, event.as_bytes(), Some(&register));
            let found = warnings.into_list();
            assert_eq!(found.len(), 1, "{event}");
            assert_eq!(found[0].suggestion.as_deref(), Some("servizi-online"));
        }
    }

    #[test]
    fn values_of_any_kind_have_no_unknown_fields() {
        let event = br#"{"specversion":"1.0","type":"it.affluenza.access.v1","source":"s","id":"1","time":"2026-03-20T10:00:00Z","producer":{"mario":1},"sequence":[1],"data":{"ente":"c_d612","portal":"p"}}"#;
        let mut warnings = Warnings::default();
        warnings.note(0, event, None);
        assert_eq!(warnings.into_list(), []);
    }

    #[test]
    fn an_answer_lists_a_bounded_number() {
        let register = Register::parse(REGISTER).unwrap();
        let mut warnings = Warnings::default();
        for number in 0..100 {
            let codes = Codes {
                ente: format!("nowhere-{number}"),
                ..Codes::default()
            };
            warnings.note_codes(number, &codes, &register);
        }
        assert_eq!(warnings.into_list().len(), WARNINGS_MAX);
    }
}
