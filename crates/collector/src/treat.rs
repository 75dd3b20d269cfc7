//! Treats one event: from the text that was sent to a record that may be stored.
//!
//! **Nothing is passed on as it was sent.** Addresses, visitors and sessions are replaced first.
//! Then only the fields of the contract are written; all others are dropped. The result must pass
//! the consumer's parser, so the consumer accepts whatever the collector accepts.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use affluenza_classify::geo::{Geo, Place};
use affluenza_classify::hours::Zone;
use affluenza_event::wire::{Client, Data, Envelope, LoginMeans, Report};
use affluenza_event::{
    BYTE_ORDER_MARK, CLIENT_REPORT_V1, EVENT_BYTES_MAX, FORM_FACTORS, FieldFault, PLATFORMS,
    Refusal, SERVICE_USE_V2, UnixMillis, VisitorToken, mask, personal_data, read_object, truncate,
    unpack,
};
use affluenza_http::keys::Key;
use affluenza_register::Register;
use serde::Serialize;

use crate::outcome::{Reason, Refused};
use crate::salts::{Salts, Tokens};

/// Limit of a stored user agent, in bytes. Its start identifies devices and bots.
const USER_AGENT_BYTES_MAX: usize = 1024;
/// Limit of an identifier of a visitor or a session, in bytes.
const IDENTIFIER_BYTES_MAX: usize = 512;
/// Everything that treating an event needs.
pub struct Treatment {
    pub register: Register,
    pub geo: Arc<Geo>,
    pub salts: Arc<Salts>,
}

/// Sender of an event.
#[derive(Clone, Copy)]
pub struct Sender<'s> {
    /// Key of the sender; `None` for a page, whose ente and portal come from the configuration.
    pub key: Option<&'s Key>,
    /// Address of the visitor, if the visitor's browser sends the event.
    pub visitor_address: Option<IpAddr>,
}

/// Events of a request that may be stored.
#[derive(Default)]
pub struct Treated {
    bytes: Vec<u8>,
    events: Vec<Slot>,
    /// Trace of the request, if it is exported.
    pub trace: Option<Arc<str>>,
}

struct Slot {
    key: std::ops::Range<usize>,
    json: std::ops::Range<usize>,
}

impl Treated {
    /// Creates an empty list with room for `bytes`.
    pub fn with_capacity(bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes),
            events: Vec::new(),
            trace: None,
        }
    }

    /// Number of events.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Returns the record key and the JSON of each event.
    pub fn records(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.events.iter().map(|slot| {
            (
                &self.bytes[slot.key.clone()],
                &self.bytes[slot.json.clone()],
            )
        })
    }

    /// Appends an event, unless the consumer's parser refuses it.
    pub fn push(
        &mut self,
        event: &Envelope<'_, impl Serialize>,
        now: UnixMillis,
    ) -> Result<(), Refused> {
        let key = self.bytes.len()..self.bytes.len() + event.id.len();
        self.bytes.extend_from_slice(event.id.as_bytes());
        serde_json::to_writer(&mut self.bytes, event).map_err(|_| unreadable())?;
        let json = key.end..self.bytes.len();
        let reading = affluenza_event::read(&self.bytes[json.clone()], std::iter::empty, now);
        match reading.message {
            Ok(_) => {
                self.events.push(Slot { key, json });
                Ok(())
            }
            Err(refusal) => {
                self.bytes.truncate(key.start);
                Err(refusal.into())
            }
        }
    }
}

/// Judges events as the collector does, and stores nothing.
pub struct Trial(Treatment);

impl Trial {
    /// Creates a judge that knows the codes of `register`.
    pub fn new(register: Register) -> Self {
        Self(Treatment {
            register,
            geo: Arc::new(Geo::none()),
            salts: Arc::default(),
        })
    }

    /// Judges an event that a key for all enti sends at `now`.
    pub fn judge(&self, event: &[u8], now: UnixMillis) -> Result<(), Refused> {
        let sender = Sender {
            key: None,
            visitor_address: None,
        };
        self.0.take(event, sender, now, &mut Treated::default())
    }
}

impl Treatment {
    /// Treats the event `raw` of `sender`, received at `now`, and appends it to `into`.
    ///
    /// The record's key is the event's id alone. Tokens change with every restart and every day,
    /// but a repeated event must reach the same partition as the first one.
    pub fn take(
        &self,
        raw: &[u8],
        sender: Sender<'_>,
        now: UnixMillis,
        into: &mut Treated,
    ) -> Result<(), Refused> {
        if raw.len() > EVENT_BYTES_MAX {
            return Err(Refusal::too_large(raw.len()).into());
        }
        let raw = raw.strip_prefix(BYTE_ORDER_MARK).unwrap_or(raw);
        let mut event: Envelope<'_, Data<'_>> = match read_object(raw) {
            Ok(event) => event,
            Err(_) => match unpack(raw) {
                Some(unpacked) => return self.take_other(&unpacked?, sender, now, into),
                None => return self.take_other(raw, sender, now, into),
            },
        };
        self.take_parsed(&mut event, sender, now, into)
    }

    /// Treats input that is not a plain event of version 1: an event packed in base64, an event of
    /// version 2, or a client report.
    fn take_other(
        &self,
        raw: &[u8],
        sender: Sender<'_>,
        now: UnixMillis,
        into: &mut Treated,
    ) -> Result<(), Refused> {
        if let Ok(mut event) = read_object::<Envelope<'_, Data<'_>>>(raw) {
            return self.take_parsed(&mut event, sender, now, into);
        }
        let second: Result<Envelope<'_, Data<'_, LoginMeans>>, _> = read_object(raw);
        if let Ok(event) = second
            && event.event_type == SERVICE_USE_V2
        {
            return self.take_parsed(&mut event.into_version_1()?, sender, now, into);
        }
        let report: Envelope<'_, Report<'_>> = match read_object(raw) {
            Ok(report) => report,
            Err(_) => return Err(why_not(raw, now)),
        };
        if report.event_type != CLIENT_REPORT_V1 {
            return Err(why_not(raw, now));
        }
        check_identity(&report)?;
        if let Some(key) = sender.key {
            let mut enti = report.data.dropped.iter().map(|dropped| &*dropped.ente);
            // A portal also reports dropped events whose ente was invalid; these count as
            // `unknown`.
            let is_own = enti.all(|ente| ente == "unknown" || self.covers(key, ente));
            if !is_own || !key.sources.covers(&report.source) {
                return Err(foreign(
                    Reason::ForeignEnte,
                    "/data/dropped",
                    "an ente or a source of others",
                    "the enti and sources of the key",
                ));
            }
        }
        into.push(&report, now)
    }

    fn covers(&self, key: &Key, ente: &str) -> bool {
        let known = self.register.ente(ente).map(|ente| ente.code());
        key.enti.covers(ente) || known.is_some_and(|code| key.enti.covers(code))
    }

    /// Treats an event that is already parsed.
    pub fn take_parsed(
        &self,
        event: &mut Envelope<'_, Data<'_>>,
        sender: Sender<'_>,
        now: UnixMillis,
        into: &mut Treated,
    ) -> Result<(), Refused> {
        check_identity(event)?;
        self.check_sender(event, sender)?;
        let data = &mut event.data;
        let mut client = data.client.take().unwrap_or_default();
        let address = address(&mut client)?.or(sender.visitor_address);
        if let Some(address) = address {
            self.locate(&mut client, address);
        }
        let (ente, portal) = (data.ente.clone(), data.portal.clone());
        let (ente, zone) = self.whose(&ente, &portal);
        let tokens = self.salts.of(ente, &zone, now);
        let visitor = visitor_token(data, &client, address, &tokens)?;
        let session = session_token(data, &tokens)?;
        clean_client(&mut client);
        data.visitor = visitor
            .as_ref()
            .map(|token| token.as_str().to_owned().into());
        data.session = session
            .as_ref()
            .map(|token| token.as_str().to_owned().into());
        data.client = Some(client);
        into.push(event, now)
    }

    fn check_sender(
        &self,
        event: &Envelope<'_, Data<'_>>,
        sender: Sender<'_>,
    ) -> Result<(), Refused> {
        let Some(key) = sender.key else {
            return Ok(());
        };
        let data = &event.data;
        let (ente, _) = self.whose(&data.ente, &data.portal);
        if !key.enti.covers(ente) && !key.enti.covers(&data.ente) {
            return Err(foreign(
                Reason::ForeignEnte,
                "/data/ente",
                "an ente for which the key may not write",
                "an ente of the key: use the key of this ente's portal",
            ));
        }
        if !key.portals.covers(&data.portal) {
            return Err(foreign(
                Reason::ForeignPortal,
                "/data/portal",
                "a portal for which the key may not write",
                "a portal of the key: use the portal's own key",
            ));
        }
        if !key.sources.covers(&event.source) {
            return Err(foreign(
                Reason::ForeignSource,
                "/source",
                "a source with which the key may not write",
                "a source of the key",
            ));
        }
        Ok(())
    }

    /// Returns the code of the ente and the time zone in which its day ends.
    fn whose<'d>(&'d self, ente: &'d str, portal: &str) -> (&'d str, Zone) {
        let Some(ente) = self.register.ente(ente) else {
            return (ente, Zone::default());
        };
        let portal = self.register.portal(ente, portal);
        let zone = portal.map_or(ente.zone(), |portal| portal.zone());
        (ente.code(), zone.clone())
    }

    /// Adds country and region of the address, unless the sender gave a country. The address is
    /// truncated before the lookup.
    fn locate(&self, client: &mut Client<'_>, address: IpAddr) {
        if client.country.is_some() {
            return;
        }
        let Place { country, region } = self.geo.place(truncate(address));
        client.country = country.code().map(|code| code.to_owned().into());
        client.region = region.code().map(|code| code.to_owned().into());
    }
}

/// Returns the refusal of the consumer's parser for a text that is not an event.
fn why_not(raw: &[u8], now: UnixMillis) -> Refused {
    match affluenza_event::parse(raw, now) {
        Err(refusal) => refusal.into(),
        Ok(_) => unreadable(),
    }
}

fn unreadable() -> Refused {
    let fault = FieldFault::new("", "a form that cannot be read", "one event in JSON");
    Refused::new(Reason::NotJson, fault)
}

fn foreign(
    reason: Reason,
    pointer: &'static str,
    found: &'static str,
    allowed: &'static str,
) -> Refused {
    Refused::new(reason, FieldFault::new(pointer, found, allowed))
}

/// Checks that `source` and `id` are graphic ASCII without personal data. Without blanks, they
/// cannot hold sentences or the names of persons.
fn check_identity<D>(event: &Envelope<'_, D>) -> Result<(), Refused> {
    for (pointer, text, allowed) in [
        (
            "/source",
            &event.source,
            "a URI reference, such as https://servizi.example.it",
        ),
        (
            "/id",
            &event.id,
            "letters, digits and punctuation of ASCII, such as a UUID",
        ),
    ] {
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Refused::new(
                Reason::NotCloudevent,
                FieldFault::new(pointer, "a blank or a letter beyond ASCII", allowed),
            ));
        }
        let plain = percent_encoding::percent_decode_str(text).decode_utf8_lossy();
        if may_be_personal(&plain) && mask(plain.as_bytes()) != plain.as_bytes() {
            let what =
                personal_data(&plain).unwrap_or("an address, an e-mail address or a fiscal code");
            return Err(Refusal::personal_data(pointer, what).into());
        }
    }
    Ok(())
}

/// Removes the address from `client` and returns it. Fails if the text is not an IP address.
fn address(client: &mut Client<'_>) -> Result<Option<IpAddr>, Refused> {
    match client.ip.as_deref() {
        None | Some("") => {
            client.ip = None;
            Ok(None)
        }
        Some(text) => match text.parse() {
            Ok(address) => {
                client.ip = None;
                Ok(Some(address))
            }
            Err(_) => Err(Refused::new(
                Reason::UnknownShape,
                FieldFault::new("/data/client/ip", "another text", "an IP address"),
            )),
        },
    }
}

fn identifier<'t>(pointer: &'static str, text: &'t str) -> Result<&'t [u8], Refused> {
    if let Some(what) = personal_data(text) {
        return Err(Refusal::personal_data(pointer, what).into());
    }
    if text.is_empty() || text.len() > IDENTIFIER_BYTES_MAX {
        let found = format!("a text of {} bytes", text.len());
        let allowed = format!("1 to {IDENTIFIER_BYTES_MAX} bytes");
        return Err(Refused::new(
            Reason::UnknownShape,
            FieldFault::new(pointer, found, allowed),
        ));
    }
    Ok(text.as_bytes())
}

/// Makes the token of the visitor from the portal's own identifier or, without one, from address
/// and user agent. A token is valid for a day at most.
fn visitor_token(
    data: &Data<'_>,
    client: &Client<'_>,
    address: Option<IpAddr>,
    tokens: &Tokens,
) -> Result<Option<VisitorToken>, Refused> {
    let agent = client.user_agent.as_deref().unwrap_or_default().as_bytes();
    let token = match (data.visitor.as_deref(), address) {
        (Some(visitor), _) => tokens.visitor(&[identifier("/data/visitor", visitor)?]),
        (None, Some(IpAddr::V4(v4))) => tokens.visitor(&[&v4.octets(), agent]),
        (None, Some(IpAddr::V6(v6))) => tokens.visitor(&[&v6.octets(), agent]),
        (None, None) => return Ok(None),
    };
    token.map(Some).map_err(no_secret)
}

fn session_token(data: &Data<'_>, tokens: &Tokens) -> Result<Option<VisitorToken>, Refused> {
    match data.session.as_deref() {
        None => Ok(None),
        Some(session) => tokens
            .session(identifier("/data/session", session)?)
            .map(Some)
            .map_err(no_secret),
    }
}

/// Refuses the event: without random bytes, a hash would not be secret.
fn no_secret(error: std::io::Error) -> Refused {
    tracing::error!(%error, "the system gives no random bytes: visitors cannot be hashed");
    let fault = FieldFault::new(
        "/data/visitor",
        "a visitor who cannot be hashed now",
        "the same event later",
    );
    Refused::new(Reason::UnknownShape, fault)
}

/// Reduces free texts to the parts that classification uses.
fn clean_client(client: &mut Client<'_>) {
    if let Some(agent) = &mut client.user_agent {
        clean_agent(agent);
    }
    client.platform = client
        .platform
        .take()
        .and_then(|text| known(&PLATFORMS, &text))
        .map(Cow::Borrowed);
    client.form_factors = client.form_factors.take().map(|text| {
        let listed: Vec<&str> = text
            .split(',')
            .filter_map(|entry| known(&FORM_FACTORS, entry))
            .collect();
        listed.join(", ").into()
    });
}

fn known(values: &[&'static str], text: &str) -> Option<&'static str> {
    let bare = text.trim().trim_matches('"');
    values
        .iter()
        .find(|value| value.eq_ignore_ascii_case(bare))
        .copied()
}

/// True if [`mask`] might find something. Avoids the copy that masking makes.
fn may_be_personal(text: &str) -> bool {
    // Full IPv6 addresses have colons.
    personal_data(text).is_some()
        || text.bytes().filter(|byte| *byte == b':').count() > 1
        || text.contains('\\')
}

/// Truncates a user agent and masks personal data in it.
fn clean_agent(agent: &mut Cow<'_, str>) {
    if agent.len() > USER_AGENT_BYTES_MAX {
        let end = (0..=USER_AGENT_BYTES_MAX)
            .rev()
            .find(|at| agent.is_char_boundary(*at))
            .unwrap_or(0);
        match agent {
            Cow::Borrowed(text) => *text = &text[..end],
            Cow::Owned(text) => text.truncate(end),
        }
    }
    // Percent-encoding can hide personal data. In this rare case, keep the decoded text.
    if agent.contains('%')
        && let Cow::Owned(plain) = percent_encoding::percent_decode_str(agent).decode_utf8_lossy()
        && personal_data(&plain).is_some()
    {
        *agent = plain.into();
    }
    if may_be_personal(agent) {
        *agent = String::from_utf8_lossy(&mask(agent.as_bytes()))
            .into_owned()
            .into();
    }
}

#[cfg(test)]
mod tests;
