//! Visits that pages report with the collector's script.
//!
//! A page has no secret, because everybody can read it. So ente, portal and channel come from the
//! configuration, only listed origins are accepted, and each address has a rate limit.

use std::borrow::Cow;
use std::fmt::Write as _;

use affluenza_event::wire::{Client, Data, Envelope};
use affluenza_event::{ACCESS_V1, Channel, Kind, Login, Outcome, SERVICE_USE_V1};
use axum::http::HeaderMap;
use axum::http::header::{HeaderName, USER_AGENT};
use jiff::Timestamp;
use serde::Deserialize;

use crate::config::Page;

/// Body that the script sends. The names are short because every visit sends them.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Visit<'a> {
    /// Name of the page's section in the configuration.
    #[serde(borrow)]
    pub page: Cow<'a, str>,
    /// UUIDv7 of the event.
    #[serde(borrow)]
    pub id: Cow<'a, str>,
    /// Time of the visit, as RFC 3339.
    #[serde(borrow)]
    pub time: Cow<'a, str>,
    /// Path of the page, with the parameters and the fragment that the page asks for. It selects
    /// the service and is then dropped.
    #[serde(borrow, default)]
    pub path: Cow<'a, str>,
    /// Code of the service, if the page states it.
    #[serde(borrow, default)]
    pub service: Cow<'a, str>,
    /// Kind of a service use; `None` for a visit.
    pub kind: Option<Kind>,
    /// Outcome of a service use.
    pub outcome: Option<Outcome>,
    /// Login method of the visitor.
    pub login: Option<Login>,
    /// `navigator.userAgentData.mobile`.
    pub mobile: Option<bool>,
    /// `navigator.userAgentData.platform`.
    #[serde(borrow, default)]
    pub platform: Cow<'a, str>,
    /// `formFactors` of the high-entropy values.
    #[serde(borrow, default)]
    pub form_factors: Vec<Cow<'a, str>>,
    /// `navigator.maxTouchPoints`.
    pub touch_points: Option<u8>,
}

/// Parameters of the picture that counts a visit without scripts. Others may keep it out of caches.
#[derive(Debug, Deserialize)]
pub struct Picture {
    /// Name of the page's section in the configuration.
    pub site: String,
    /// Path of the page.
    #[serde(default)]
    pub path: String,
    /// Code of the service, if the page states it.
    #[serde(default)]
    pub service: String,
}

impl Picture {
    /// Returns the visit that happens now.
    pub fn visit(&self, now: Timestamp) -> Visit<'_> {
        Visit {
            page: self.site.as_str().into(),
            id: uuid::Uuid::now_v7().to_string().into(),
            time: now.to_string().into(),
            path: self.path.as_str().into(),
            service: self.service.as_str().into(),
            ..Visit::default()
        }
    }
}

/// Makes the event of a visit to a page of `origin`.
pub fn event<'a>(
    visit: &'a Visit<'a>,
    page: &'a Page,
    origin: &'a str,
    headers: &'a HeaderMap,
) -> Envelope<'a, Data<'a>> {
    let event_type = match visit.kind {
        Some(_) => SERVICE_USE_V1,
        None => ACCESS_V1,
    };
    let service = if visit.service.is_empty() {
        service_of(page, &visit.path)
    } else {
        Some(&*visit.service)
    };
    let data = Data {
        ente: page.ente.as_str().into(),
        portal: page.portal.as_str().into(),
        service: service.map(Cow::Borrowed),
        kind: visit.kind,
        outcome: visit.outcome,
        channel: Some(Channel::Web),
        login: visit.login,
        client: Some(client(visit, headers)),
        ..Data::default()
    };
    Envelope::new(event_type, origin, &*visit.id, &*visit.time, data)
}

/// Returns the service with the longest pattern that fits the path.
fn service_of<'p>(page: &'p Page, path: &str) -> Option<&'p str> {
    page.services
        .iter()
        .filter(|(pattern, _)| fits(pattern, path))
        .max_by_key(|(pattern, _)| pattern.len())
        .map(|(_, service)| service.as_str())
}

/// True if a path begins as in a pattern, where `*` stands for any text. A parameter such as `id=17`
/// fits the whole parameter only.
fn fits(pattern: &str, path: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let mut end = first.len();
    path.starts_with(first)
        && is_whole(first, path, 0)
        && parts.all(|part| {
            let found = path[end..].match_indices(part).map(|(at, _)| end + at);
            let found = found.into_iter().find(|at| is_whole(part, path, *at));
            end = found.unwrap_or_default() + part.len();
            found.is_some()
        })
}

/// True unless a part of a pattern is a parameter, and is only a part of one at this place of a path.
fn is_whole(part: &str, path: &str, at: usize) -> bool {
    let (before, after) = (&path[..at], &path[at + part.len()..]);
    let begins = at == 0 || part.starts_with(['?', '&', '#']) || before.ends_with(['?', '&', '#']);
    let ends = after.is_empty() || part.ends_with(['=', '&']) || after.starts_with(['&', '#']);
    !part.contains('=') || (begins && ends)
}

fn header(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn client<'a>(visit: &'a Visit<'a>, headers: &'a HeaderMap) -> Client<'a> {
    let mut form_factors = String::new();
    for factor in &visit.form_factors {
        let comma = if form_factors.is_empty() { "" } else { ", " };
        write!(form_factors, "{comma}{factor}").expect("a string takes what is written to it");
    }
    let platform = match &*visit.platform {
        "" => header(headers, HeaderName::from_static("sec-ch-ua-platform")),
        platform => Some(platform),
    };
    let mobile = visit.mobile.or_else(|| {
        let mobile = header(headers, HeaderName::from_static("sec-ch-ua-mobile"))?;
        Some(mobile == "?1")
    });
    Client {
        user_agent: Some(header(headers, USER_AGENT).unwrap_or_default().into()),
        mobile,
        platform: platform.map(Cow::Borrowed),
        form_factors: match form_factors.as_str() {
            "" => {
                header(headers, HeaderName::from_static("sec-ch-ua-form-factors")).map(Into::into)
            }
            _ => Some(form_factors.into()),
        },
        touch_points: visit.touch_points,
        ..Client::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_pattern_selects_the_service() {
        let page = Page {
            services: [
                ("/", "altro"),
                ("/tributi", "tari"),
                ("/tributi/imu", "imu"),
                ("/index.php?*id=17", "nidi"),
                ("/app*#/mensa", "mensa"),
            ]
            .map(|(prefix, code)| (prefix.to_owned(), code.to_owned()))
            .into(),
            ..Page::default()
        };
        assert_eq!(service_of(&page, "/tributi/imu/2026"), Some("imu"));
        assert_eq!(service_of(&page, "/tributi/x"), Some("tari"));
        assert_eq!(service_of(&page, ""), None);
        let php = "/index.php?option=com_content&id=17";
        assert_eq!(service_of(&page, php), Some("nidi"));
        for other in ["?id=18", "?id=170", "?option=x&id=1755", "?id=5&Itemid=17"] {
            let path = format!("/index.php{other}");
            assert_eq!(service_of(&page, &path), Some("altro"), "{path}");
        }
        let php = "/index.php?id=17&Itemid=3#top";
        assert_eq!(service_of(&page, php), Some("nidi"));
        assert_eq!(service_of(&page, "/app/#/mensa/iscrizione"), Some("mensa"));
    }
}
