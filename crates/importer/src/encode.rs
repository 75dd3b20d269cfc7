//! Converts a log line to an event.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::net::IpAddr;

use affluenza_event::wire::{Client, Data, Envelope};
use affluenza_event::{ACCESS_V1, Channel, without_address};
use xxhash_rust::xxh3::xxh3_128;

use crate::clients::ClientChoice;
use crate::form::{FieldRole, LogRecord, is_absent};
use crate::ordinals::Ordinals;
use crate::request::HttpRequest;
use crate::summary::Made;
use crate::text::lossy;
use crate::time::LogClock;
use crate::visitor::{SaltSource, Visitors};
use crate::{ImportError, Target};

/// Maximum length of the stored user agent, in bytes. Its beginning identifies devices and bots.
const USER_AGENT_BYTES_MAX: usize = 1024;

/// Converts lines to events, one at a time.
pub(crate) struct Encoder {
    target: Target,
    clients: ClientChoice,
    pub(crate) clock: LogClock,
    visitors: Visitors,
    ordinals: Ordinals,
    /// Hash input of the event id; the first `imprint_start` bytes never change.
    imprint: Vec<u8>,
    imprint_start: usize,
    request: Vec<u8>,
    /// Id of the last event, which is also the key of its record.
    pub(crate) id: String,
    /// JSON of the last event.
    pub(crate) json: Vec<u8>,
}

impl Encoder {
    pub(crate) fn new(
        target: Target,
        clients: ClientChoice,
        salts: impl SaltSource + Send + 'static,
    ) -> Self {
        // Codes never contain 0xFF, so ("ab", "c") and ("a", "bc") differ.
        let imprint = [target.ente.as_bytes(), target.portal.as_bytes(), b""].join(&0xFF);
        Self {
            visitors: Visitors::new(&target.ente, salts),
            clock: LogClock::new(target.zone.clone()),
            target,
            clients,
            request: Vec::new(),
            ordinals: Ordinals::default(),
            imprint_start: imprint.len(),
            imprint,
            id: String::new(),
            json: Vec::new(),
        }
    }

    /// Forgets the lines before the last file of a log that is followed.
    pub(crate) fn forget_old_lines(&mut self) {
        self.ordinals.forget_old();
    }

    /// Forgets the salts of visitors that expired.
    pub(crate) fn expire_salts(&mut self) -> Result<(), ImportError> {
        self.visitors.expire().map_err(ImportError::Salt)
    }

    /// Counts a line for the ordinals of equal lines, without an event.
    pub(crate) fn number(&mut self, record: &LogRecord<'_>) {
        let client = self.clients.client(record);
        self.identify(record, client.and_then(address));
    }

    /// Writes the event of a line into `id` and `json`.
    pub(crate) fn encode(&mut self, record: &LogRecord<'_>) -> Result<Made, ImportError> {
        let time = record.time.expect("a form without a time is refused");
        let client = self.clients.client(record);
        let address = client.and_then(address);
        let ordinal = self.identify(record, address);
        let request = HttpRequest::parse(&self.request, record.status);
        let (resource, outcome) = (request.resource(), request.outcome());
        let agent = record.get(FieldRole::Agent);
        // A log that names no client has no visitors.
        let visitor = match client {
            Some(client) => {
                let day = self.clock.day(time.instant);
                let token = self.visitors.token(day, client, agent.unwrap_or_default());
                Some(token.map_err(ImportError::Salt)?)
            }
            None => None,
        };
        // A field that is empty in every line of a log says nothing about a request.
        let agent = agent.filter(|agent| record.is_agent_recorded || !is_absent(agent));
        let is_lacking = record.is_agent_recorded && record.may_lack_agent;
        let lacking: Option<&[u8]> = is_lacking.then_some(b"");
        let agent = agent.or(lacking).map(|agent| record.unescaped(agent));
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
                user_agent: agent.as_deref().map(|agent| {
                    user_agent(agent, client.unwrap_or_default(), address_text.as_deref())
                }),
                ip: address_text.as_deref().map(Cow::Borrowed),
                ..Client::default()
            }),
            ..Data::default()
        };
        let envelope = Envelope::new(
            ACCESS_V1,
            self.target.source.as_str(),
            self.id.as_str(),
            time.as_rfc3339(),
            data,
        );
        self.json.clear();
        serde_json::to_writer(&mut self.json, &envelope).map_err(ImportError::Event)?;
        Ok(Made {
            resource,
            outcome,
            instant: time.instant,
            is_repeat: ordinal > 0,
            has_address: address.is_some(),
        })
    }

    /// Writes the id of a line into `id`, and its request into `request`. Returns the ordinal of the
    /// line among equal ones.
    ///
    /// The id depends only on the content of the line, so a second import gives the same ids. It
    /// must not reveal the person: a reader of the event could try all 256 addresses of the
    /// network, or likely host names, until the hash matches. So the id includes the truncated
    /// address, and excludes the host name, the user name, forwarded addresses and all text that no
    /// role names. The ordinal separates lines that look equal then.
    fn identify(&mut self, record: &LogRecord<'_>, address: Option<IpAddr>) -> u32 {
        self.imprint.truncate(self.imprint_start);
        match address {
            Some(IpAddr::V4(v4)) => self.imprint.extend(v4.octets()),
            Some(IpAddr::V6(v6)) => self.imprint.extend(v6.octets()),
            None => {}
        }
        // Addresses end in 0 bytes and the next part begins with a bracket, so the two cannot be
        // confused. The parts are those of a combined line, so a log has the same ids in both forms.
        write_request(record, &mut self.request);
        let (size, referer) = (record.get(FieldRole::Bytes), record.get(FieldRole::Referer));
        let imprint = &mut self.imprint;
        imprint.push(b'[');
        match record.get(FieldRole::Time) {
            Some(time) => imprint.extend_from_slice(time),
            None => {
                imprint.extend_from_slice(record.get(FieldRole::Date).unwrap_or_default());
                imprint.extend_from_slice(record.get(FieldRole::Clock).unwrap_or_default());
            }
        }
        for part in [&b"] \""[..], &self.request, b"\" "] {
            imprint.extend_from_slice(part);
        }
        imprint.extend_from_slice(record.get(FieldRole::Status).unwrap_or_default());
        imprint.push(b' ');
        imprint.extend_from_slice(size.unwrap_or(b"-"));
        if let Some(agent) = record.get(FieldRole::Agent) {
            for part in [&b" \""[..], referer.unwrap_or(b"-"), b"\" \"", agent, b"\""] {
                imprint.extend_from_slice(part);
            }
        }
        let hash = xxh3_128(imprint);
        let ordinal = self.ordinals.next(hash as u64);
        self.id.clear();
        write!(self.id, "{hash:032x}-{ordinal}").expect("a string takes what is written to it");
        ordinal
    }
}

/// Writes the request of a line as the common format has it, such as `GET /a?b HTTP/1.1`. A request
/// that is only a target has the method of another field, or GET.
fn write_request(record: &LogRecord<'_>, request: &mut Vec<u8>) {
    request.clear();
    if let Some(whole) = record.get(FieldRole::Request) {
        if whole.starts_with(b"/") && !whole.contains(&b' ') {
            request.extend_from_slice(record.get(FieldRole::Method).unwrap_or(b"GET"));
            request.push(b' ');
        }
        return request.extend_from_slice(whole);
    }
    request.extend_from_slice(record.get(FieldRole::Method).unwrap_or_default());
    request.push(b' ');
    request.extend_from_slice(record.get(FieldRole::Target).unwrap_or_default());
    if let Some(query) = record
        .get(FieldRole::Query)
        .filter(|query| !query.is_empty())
    {
        if !query.starts_with(b"?") {
            request.push(b'?');
        }
        request.extend_from_slice(query);
    }
}

/// Returns the truncated address of a client; `None` for a host name.
fn address(client: &[u8]) -> Option<IpAddr> {
    affluenza_event::truncated(std::str::from_utf8(client).ok()?)
}

/// Returns the user agent for an event. It is empty if the log has the field and the request had
/// none.
fn user_agent<'a>(agent: &'a [u8], host: &[u8], address: Option<&str>) -> Cow<'a, str> {
    if agent == b"-" {
        return Cow::Borrowed("");
    }
    let text = lossy(agent, USER_AGENT_BYTES_MAX);
    let host = std::str::from_utf8(host).unwrap_or_default();
    match address {
        Some(address) => without_address(text, host, address),
        None => text,
    }
}
