//! Ente, portal and services of an imported log.

use std::borrow::Cow;
use std::str::FromStr;

use affluenza_event::wire::{Data, Envelope};
use affluenza_event::{ACCESS_V1, Refusal, UnixMillis};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use thiserror::Error;

use crate::text::percent_decoded;

/// Ente, portal and source of the events of an import.
#[derive(Debug, Clone)]
pub struct Target {
    pub(crate) ente: String,
    pub(crate) portal: String,
    pub(crate) source: String,
    pub(crate) zone: TimeZone,
    services: Vec<ServicePrefix>,
}

/// Errors of a target that no event could carry.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TargetError {
    /// The consumer would refuse the target.
    #[error("{0}")]
    Refused(String),
    /// No time zone has the name.
    #[error("{0:?} is no time zone of the IANA database, such as Europe/Rome")]
    Zone(String),
    /// The name of a server has other characters than a code.
    #[error("{0:?} is no name of a server: use letters, digits, '-', '_' and '.'")]
    Server(String),
    /// The text does not have the form PREFIX=CODE.
    #[error("{0:?} is not PREFIX=CODE, such as /pagamenti=pagopa")]
    NotPrefixAndCode(String),
    /// Two services have the same prefix.
    #[error("two services are given for the path prefix {0:?}")]
    PrefixTwice(String),
}

impl Target {
    /// Creates the target for a `portal` (code) of an `ente` (IPA code), with the source
    /// `urn:affluenza:import:<ente>:<portal>`.
    pub fn new(ente: &str, portal: &str) -> Result<Self, TargetError> {
        let target = Self {
            ente: ente.to_owned(),
            portal: portal.to_owned(),
            source: format!("urn:affluenza:import:{ente}:{portal}"),
            zone: TimeZone::UTC,
            services: Vec::new(),
        };
        target.check(None)?;
        Ok(target)
    }

    /// Sets the time zone of the portal by its IANA name. It decides the day of a visitor, and the meaning of times
    /// without an offset.
    pub fn in_zone(mut self, name: &str) -> Result<Self, TargetError> {
        let zone = TimeZoneDatabase::bundled().get(name);
        self.zone = zone.map_err(|_| TargetError::Zone(name.to_owned()))?;
        Ok(self)
    }

    /// Names the server of the log, for a portal whose servers have separate logs. The source of the
    /// events ends in the name, so equal lines of two servers are two events.
    pub fn of_server(mut self, server: &str) -> Result<Self, TargetError> {
        if !server
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
            || server.is_empty()
        {
            return Err(TargetError::Server(server.to_owned()));
        }
        self.source = format!("{}:{server}", self.source);
        self.check(None)?;
        Ok(self)
    }

    /// Source of the events.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Adds a service for the paths with a prefix. The longest prefix wins.
    pub fn with_service(mut self, service: ServicePrefix) -> Result<Self, TargetError> {
        self.check(Some(&service.code))?;
        if self
            .services
            .iter()
            .any(|other| other.prefix == service.prefix)
        {
            let prefix = String::from_utf8_lossy(&service.prefix).into_owned();
            return Err(TargetError::PrefixTwice(prefix));
        }
        let length = service.prefix.len();
        let at = self
            .services
            .partition_point(|other| other.prefix.len() > length);
        self.services.insert(at, service);
        Ok(self)
    }

    /// Returns the code of the service for a decoded path.
    pub(crate) fn service(&self, path: &[u8]) -> Option<&str> {
        self.services
            .iter()
            .find(|service| service.holds(path))
            .map(|service| service.code.as_str())
    }

    /// Validates the target with the consumer's parser, so that the two never differ.
    fn check(&self, service: Option<&str>) -> Result<(), TargetError> {
        let data = Data {
            ente: Cow::Borrowed(&self.ente),
            portal: Cow::Borrowed(&self.portal),
            service: service.map(Cow::Borrowed),
            ..Data::default()
        };
        let time = "2017-01-01T00:00:00Z";
        let envelope = Envelope::new(ACCESS_V1, self.source.as_str(), "0", time, data);
        let json = serde_json::to_vec(&envelope)
            .map_err(|error| TargetError::Refused(error.to_string()))?;
        match affluenza_event::parse(&json, UnixMillis(1_483_228_800_000)) {
            Ok(_) => Ok(()),
            Err(refusal) => Err(TargetError::Refused(plain(&refusal))),
        }
    }
}

/// Message of a refusal for a person who typed an option, without the words about an event.
fn plain(refusal: &Refusal) -> String {
    let name = refusal.fault.pointer.trim_start_matches("/data/");
    format!("{name} is not {}", refusal.fault.allowed)
}

/// A path prefix and the code of its service, written `PREFIX=CODE`.
///
/// A prefix matches whole path words: `/pagamenti` matches `/pagamenti`, `/pagamenti/tari` and
/// `/pagamenti.php`, but not `/pagamenti-vecchi`. The match is case-sensitive and ignores
/// percent-encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServicePrefix {
    prefix: Vec<u8>,
    code: String,
}

impl ServicePrefix {
    fn holds(&self, path: &[u8]) -> bool {
        path.strip_prefix(&*self.prefix).is_some_and(|rest| {
            self.prefix.ends_with(b"/") || matches!(rest.first(), None | Some(b'/' | b'.' | b';'))
        })
    }
}

impl FromStr for ServicePrefix {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        match text.rsplit_once('=') {
            Some((prefix, code)) if prefix.starts_with('/') && !code.is_empty() => Ok(Self {
                prefix: percent_decoded(Cow::Borrowed(prefix.as_bytes())).into_owned(),
                code: code.to_owned(),
            }),
            _ => Err(TargetError::NotPrefixAndCode(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(services: &[&str]) -> Result<Target, TargetError> {
        services
            .iter()
            .try_fold(Target::new("c_d612", "www")?, |target, service| {
                target.with_service(service.parse()?)
            })
    }

    #[test]
    fn the_longest_prefix_wins_whatever_the_order() {
        for services in [
            ["/pagamenti=pay", "/pagamenti/tari=tari", "/=home"],
            ["/=home", "/pagamenti/tari=tari", "/pagamenti=pay"],
        ] {
            let target = target(&services).unwrap();
            for (path, code) in [
                ("/pagamenti/tari/2017", "tari"),
                ("/pagamenti/imu", "pay"),
                ("/pagamenti", "pay"),
                ("/pagamenti.php", "pay"),
                ("/pagamenti;jsessionid=1", "pay"),
                ("/pagamenti-vecchi", "home"),
                ("/", "home"),
            ] {
                assert_eq!(target.service(path.as_bytes()), Some(code), "{path}");
            }
        }
    }

    #[test]
    fn a_path_under_no_prefix_has_no_service() {
        let target = target(&["/caff%C3%A8=bar"]).unwrap();
        assert_eq!(target.service(b"/t%C3%A8"), None);
        assert_eq!(target.service("/caffè/espresso".as_bytes()), Some("bar"));
    }

    #[test]
    fn codes_that_the_consumer_refuses_are_refused_before_the_first_line() {
        for (result, cause) in [
            (
                Target::new("", "www"),
                "ente is not 1 to 64 letters, digits, '-', '_' or '.'",
            ),
            (
                Target::new("e", "a portal"),
                "portal is not 1 to 64 letters, digits, '-', '_' or '.'",
            ),
            (target(&["/a=x y"]), "service is not"),
            (target(&["a=x"]), "PREFIX=CODE"),
            (target(&["/a="]), "PREFIX=CODE"),
            (target(&["/a=x", "/a=y"]), "two services"),
        ] {
            let refused = result.unwrap_err().to_string();
            assert!(refused.contains(cause), "{refused}");
        }
    }
}
