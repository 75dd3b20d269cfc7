//! One event, from what was sent to what may be kept.
//!
//! **Nothing that was sent is passed on as it is.** The fields that the contract knows are written
//! anew, and only after addresses, visitors and sessions have been replaced; what else was in the
//! event stays behind. What is written must then pass the same parser that the consumer uses, so
//! what is accepted here is accepted there.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use affluenza_classify::geo::{Geo, Place};
use affluenza_classify::hours::Zone;
use affluenza_event::wire::{Client, Data, Envelope, LoginMeans, Report};
use affluenza_event::{
    BYTE_ORDER_MARK, CLIENT_REPORT_V1, EVENT_BYTES_MAX, FORM_FACTORS, PLATFORMS, Quarantine,
    Reject, SERVICE_USE_V2, UnixMillis, mask, personal_data, unpack,
};
use affluenza_keys::Key;
use affluenza_privacy::{Token, truncate};
use affluenza_register::Register;
use serde::Serialize;

use crate::outcome::{Reason, Refused};
use crate::salts::{Salts, Tokens};
use crate::zones::Zones;

/// Longest user agent kept, in bytes: what tells devices and bots apart stands at its start.
const USER_AGENT_BYTES_MAX: usize = 1024;
/// Longest identifier of a visitor or a session that is hashed, in bytes.
const IDENTIFIER_BYTES_MAX: usize = 512;
/// What is needed to make an event fit to be kept.
pub struct Treatment {
    pub register: Register,
    pub geo: Arc<Geo>,
    pub salts: Arc<Salts>,
    pub zones: Zones,
}

/// Who sends.
#[derive(Clone, Copy)]
pub struct Sender<'s> {
    /// The key; none for a page, whose ente and portal come from the configuration.
    pub key: Option<&'s Key>,
    /// The address of the visitor, where it is the visitor who sends.
    pub visitor_address: Option<IpAddr>,
}

/// The events of a request that may be kept.
#[derive(Default)]
pub struct Treated {
    bytes: Vec<u8>,
    events: Vec<Slot>,
    /// The trace that they belong to, if it is sent.
    pub trace: Option<Arc<str>>,
}

struct Slot {
    key: std::ops::Range<usize>,
    json: std::ops::Range<usize>,
}

impl Treated {
    /// Room for as many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes),
            events: Vec::new(),
            trace: None,
        }
    }

    /// How many they are.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// The key of each event's record, and the event.
    pub fn records(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.events.iter().map(|slot| {
            (
                &self.bytes[slot.key.clone()],
                &self.bytes[slot.json.clone()],
            )
        })
    }

    /// Writes an event, unless the parser of the consumer refuses it.
    pub fn push(
        &mut self,
        event: &Envelope<'_, impl Serialize>,
        now: UnixMillis,
    ) -> Result<(), Refused> {
        let key = self.bytes.len()..self.bytes.len() + event.id.len();
        self.bytes.extend_from_slice(event.id.as_bytes());
        serde_json::to_writer(&mut self.bytes, event)
            .map_err(|_| Refused::new(Reason::NotJson, "the event cannot be written"))?;
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

impl Treatment {
    /// Takes in the event `raw`, which came from `sender` at `now`.
    ///
    /// The record's key is the event's id alone: the tokens change with every restart and every
    /// day, and a repeated event must meet the first one in the same partition.
    pub fn take(
        &self,
        raw: &[u8],
        sender: Sender<'_>,
        now: UnixMillis,
        into: &mut Treated,
    ) -> Result<(), Refused> {
        if raw.len() > EVENT_BYTES_MAX {
            return Err(
                affluenza_event::Refusal::from(Reject::TooLarge { bytes: raw.len() }).into(),
            );
        }
        let raw = raw.strip_prefix(BYTE_ORDER_MARK).unwrap_or(raw);
        let mut event: Envelope<'_, Data<'_>> = match serde_json::from_slice(raw) {
            Ok(event) => event,
            Err(_) => match unpack(raw) {
                Some(unpacked) => return self.take_other(&unpacked?, sender, now, into),
                None => return self.take_other(raw, sender, now, into),
            },
        };
        self.take_parsed(&mut event, sender, now, into)
    }

    /// Takes in what is no event of version 1 as it stands: one that was packed in base64, one of
    /// version 2, or a client report.
    fn take_other(
        &self,
        raw: &[u8],
        sender: Sender<'_>,
        now: UnixMillis,
        into: &mut Treated,
    ) -> Result<(), Refused> {
        if let Ok(mut event) = serde_json::from_slice::<Envelope<'_, Data<'_>>>(raw) {
            return self.take_parsed(&mut event, sender, now, into);
        }
        let second: Result<Envelope<'_, Data<'_, LoginMeans>>, _> = serde_json::from_slice(raw);
        if let Ok(event) = second
            && event.event_type == SERVICE_USE_V2
        {
            return self.take_parsed(&mut event.into_version_1()?, sender, now, into);
        }
        let report: Envelope<'_, Report<'_>> = match serde_json::from_slice(raw) {
            Ok(report) => report,
            Err(_) => return Err(why_not(raw, now)),
        };
        if report.event_type != CLIENT_REPORT_V1 {
            return Err(why_not(raw, now));
        }
        check_identity(&report)?;
        if let Some(key) = sender.key {
            let mut enti = report.data.dropped.iter().map(|dropped| &*dropped.ente);
            // An event was dropped, too, for an ente that it should not have named.
            let is_own = |ente: &str| ente == "unknown" || self.covers(key, ente);
            if !enti.all(is_own) || !key.sources.covers(&report.source) {
                return Err(Refused::new(
                    Reason::ForeignEnte,
                    "the key may not report for this ente or source",
                ));
            }
        }
        into.push(&report, now)
    }

    fn covers(&self, key: &Key, ente: &str) -> bool {
        let known = self.register.ente(ente).map(|ente| ente.code());
        key.enti.covers(ente) || known.is_some_and(|code| key.enti.covers(code))
    }

    /// The same, for an event that has been taken apart already.
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
            return Err(Refused::new(
                Reason::ForeignEnte,
                "the key may not write for this ente: use the key of this ente's portal",
            ));
        }
        if !key.portals.covers(&data.portal) {
            return Err(Refused::new(
                Reason::ForeignPortal,
                "the key may not write for this portal: use the portal's own key",
            ));
        }
        if !key.sources.covers(&event.source) {
            return Err(Refused::new(
                Reason::ForeignSource,
                "the key may not write with this source",
            ));
        }
        Ok(())
    }

    /// The ente's code and the zone in which its day ends.
    fn whose<'d>(&'d self, ente: &'d str, portal: &str) -> (&'d str, Arc<Zone>) {
        let Some(ente) = self.register.ente(ente) else {
            return (ente, self.zones.usual());
        };
        let portal = self.register.portal(ente, portal);
        let zone = portal.map_or(ente.zone(), |portal| portal.zone());
        (ente.code(), self.zones.named(zone.iana_name()))
    }

    /// Fills in where the address is, if the sender has not. Its host part is gone before it is
    /// looked up.
    fn locate(&self, client: &mut Client<'_>, address: IpAddr) {
        if client.country.is_some() {
            return;
        }
        let Place { country, region } = self.geo.place(truncate(address));
        client.country = country.code().map(|code| code.to_owned().into());
        client.region = region.code().map(|code| code.to_owned().into());
    }
}

/// Why a text is no event: the parser of the consumer knows.
fn why_not(raw: &[u8], now: UnixMillis) -> Refused {
    match affluenza_event::parse(raw, now) {
        Err(refusal) => refusal.into(),
        Ok(_) => Refused::new(Reason::NotJson, "the event cannot be read"),
    }
}

/// `source` is a URI reference, `id` a name: neither has room for a sentence, or for the name of
/// a person as people write it.
fn check_identity<D>(event: &Envelope<'_, D>) -> Result<(), Refused> {
    for (field, text) in [("source", &event.source), ("id", &event.id)] {
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Refused::new(
                Reason::NotCloudevent,
                format!(
                    "{field} has a blank or a letter beyond ASCII: write a URI reference as source and a UUID as id"
                ),
            ));
        }
        let plain = percent_encoding::percent_decode_str(text).decode_utf8_lossy();
        if may_be_personal(&plain) && mask(plain.as_bytes()) != plain.as_bytes() {
            return Err(personal(
                field,
                "an address, an e-mail address or a fiscal code",
            ));
        }
    }
    Ok(())
}

fn personal(field: &'static str, what: &'static str) -> Refused {
    affluenza_event::Refusal::from(Quarantine::PersonalData { field, what }).into()
}

/// Takes the address away. What is none is refused by the parser, so it is left for that.
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
                "client.ip is not an IP address",
            )),
        },
    }
}

fn identifier<'t>(field: &'static str, text: &'t str) -> Result<&'t [u8], Refused> {
    if let Some(what) = personal_data(text) {
        return Err(personal(field, what));
    }
    if text.is_empty() || text.len() > IDENTIFIER_BYTES_MAX {
        return Err(Refused::new(
            Reason::UnknownShape,
            format!(
                "{field} has {} bytes, 1 to {IDENTIFIER_BYTES_MAX} are accepted",
                text.len()
            ),
        ));
    }
    Ok(text.as_bytes())
}

/// The portal's own identifier of the visitor or, without one, the address and the user agent:
/// both are the same person's for a day at most.
fn visitor_token(
    data: &Data<'_>,
    client: &Client<'_>,
    address: Option<IpAddr>,
    tokens: &Tokens,
) -> Result<Option<Token>, Refused> {
    let agent = client.user_agent.as_deref().unwrap_or_default().as_bytes();
    let token = match (data.visitor.as_deref(), address) {
        (Some(visitor), _) => tokens.visitor(&[identifier("visitor", visitor)?]),
        (None, Some(IpAddr::V4(v4))) => tokens.visitor(&[&v4.octets(), agent]),
        (None, Some(IpAddr::V6(v6))) => tokens.visitor(&[&v6.octets(), agent]),
        (None, None) => return Ok(None),
    };
    token.map(Some).map_err(no_secret)
}

fn session_token(data: &Data<'_>, tokens: &Tokens) -> Result<Option<Token>, Refused> {
    match data.session.as_deref() {
        None => Ok(None),
        Some(session) => tokens
            .session(identifier("session", session)?)
            .map(Some)
            .map_err(no_secret),
    }
}

/// Without random bytes nothing can be hashed so that it stays secret.
fn no_secret(error: std::io::Error) -> Refused {
    tracing::error!(%error, "the system gives no random bytes: visitors cannot be hashed");
    Refused::new(
        Reason::UnknownShape,
        "visitors cannot be hashed now: send the event again later",
    )
}

/// Leaves of the free texts only what classifies.
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

/// Whether [`mask`] might find something. It copies, so it is for the few texts that need it.
fn may_be_personal(text: &str) -> bool {
    // Full IPv6 addresses have colons.
    personal_data(text).is_some()
        || text.bytes().filter(|byte| *byte == b':').count() > 1
        || text.contains('\\')
}

/// Cuts a user agent, and masks what is personal in it.
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
    // What hides behind percent signs is as personal; such agents are rare and look odd anyway.
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
