//! Converts a log line to an event.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::net::IpAddr;

use affluenza_event::wire::{Client, Data, Envelope};
use affluenza_event::{ACCESS_V1, Channel, without_address};
use xxhash_rust::xxh3::xxh3_128;

use crate::line::{self, Line};
use crate::ordinals::Ordinals;
use crate::request::HttpRequest;
use crate::summary::Made;
use crate::text::{lossy, unescape};
use crate::visitor::{SaltSource, Visitors};
use crate::{ImportError, Target};

/// Maximum length of the stored user agent, in bytes. Its beginning identifies devices and bots.
const USER_AGENT_BYTES_MAX: usize = 1024;

/// Converts lines to events, one at a time.
pub(crate) struct Encoder {
    target: Target,
    visitors: Visitors,
    ordinals: Ordinals,
    /// Hash input of the event id; the first `imprint_start` bytes never change.
    imprint: Vec<u8>,
    imprint_start: usize,
    /// Id of the last event, which is also the key of its record.
    pub(crate) id: String,
    /// JSON of the last event.
    pub(crate) json: Vec<u8>,
}

impl Encoder {
    pub(crate) fn new(target: Target, salts: impl SaltSource + Send + 'static) -> Self {
        // Codes never contain 0xFF, so ("ab", "c") and ("a", "bc") differ.
        let imprint = [target.ente.as_bytes(), target.portal.as_bytes(), b""].join(&0xFF);
        Self {
            visitors: Visitors::new(&target.ente, salts),
            target,
            ordinals: Ordinals::default(),
            imprint_start: imprint.len(),
            imprint,
            id: String::new(),
            json: Vec::new(),
        }
    }

    /// Writes the event of `line` into `id` and `json`.
    pub(crate) fn encode(&mut self, line: &Line<'_>) -> Result<Made, ImportError> {
        let address = line::address(line.host);
        let ordinal = self.identify(line, address);
        let request = HttpRequest::parse(line.request, line.status);
        let (resource, outcome) = (request.resource(), request.outcome());
        let visitor = match line.host {
            // The log names no client, so there is no visitor.
            b"-" => None,
            host => Some(
                self.visitors
                    .token(line.time.day(), host, line.agent)
                    .map_err(ImportError::Salt)?,
            ),
        };
        let agent = unescape(line.agent);
        let address_text = address.map(|address| address.to_string());
        let data = Data {
            ente: Cow::Borrowed(&self.target.ente),
            portal: Cow::Borrowed(&self.target.portal),
            service: request
                .path
                .as_deref()
                .and_then(|path| self.target.service(path))
                .map(Cow::Borrowed),
            resource: Some(resource),
            outcome: Some(outcome),
            channel: Some(Channel::Import),
            visitor: visitor.as_ref().map(|token| Cow::Borrowed(token.as_str())),
            client: Some(Client {
                user_agent: user_agent(&agent, line.host, address_text.as_deref()),
                ip: address_text.as_deref().map(Cow::Borrowed),
                ..Client::default()
            }),
            ..Data::default()
        };
        let envelope = Envelope::new(
            ACCESS_V1,
            self.target.source.as_str(),
            self.id.as_str(),
            line.time.as_rfc3339(),
            data,
        );
        self.json.clear();
        serde_json::to_writer(&mut self.json, &envelope).map_err(ImportError::Event)?;
        Ok(Made {
            resource,
            outcome,
            instant: line.time.instant,
            is_repeat: ordinal > 0,
            has_address: address.is_some(),
        })
    }

    /// Writes the id of `line` into `id`. Returns the ordinal of the line among equal ones.
    ///
    /// The id depends only on the content of the line, so a second import gives the same ids. It
    /// must not reveal the person: a reader of the event could try all 256 addresses of the
    /// network, or likely host names, until the hash matches. So the id includes the truncated
    /// address, and excludes the host name, the user name and all text after the user agent. The
    /// ordinal separates lines that look equal then.
    fn identify(&mut self, line: &Line<'_>, address: Option<IpAddr>) -> u32 {
        self.imprint.truncate(self.imprint_start);
        match address {
            Some(IpAddr::V4(v4)) => self.imprint.extend(v4.octets()),
            Some(IpAddr::V6(v6)) => self.imprint.extend(v6.octets()),
            None => {}
        }
        // Addresses end in 0 bytes and `said` begins with a bracket, so the two parts cannot be
        // confused.
        self.imprint.extend_from_slice(line.said);
        let hash = xxh3_128(&self.imprint);
        let ordinal = self.ordinals.next(hash as u64);
        self.id.clear();
        write!(self.id, "{hash:032x}-{ordinal}").expect("a string takes what is written to it");
        ordinal
    }
}

fn user_agent<'a>(agent: &'a [u8], host: &[u8], address: Option<&str>) -> Option<Cow<'a, str>> {
    match agent {
        b"" => return None,
        // The log has the field, and the client sent no user agent.
        b"-" => return Some(Cow::Borrowed("")),
        _ => {}
    }
    let text = lossy(agent, USER_AGENT_BYTES_MAX);
    let host = std::str::from_utf8(host).unwrap_or_default();
    Some(match address {
        Some(address) => without_address(text, host, address),
        None => text,
    })
}
