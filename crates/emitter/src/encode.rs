//! Encodes what a portal knows as an event.

use std::borrow::Cow;

use affluenza_event::wire::{Client, Data, Dropped, Envelope, Report};
use affluenza_event::{
    ACCESS_V1, CLIENT_REPORT_V1, Quarantine, Refusal, SERVICE_USE_V1, UnixMillis,
};
use affluenza_privacy::{Day, Pseudonyms, Token, truncate, without_address};
use jiff::tz::TimeZone;

use crate::Usage;

/// Limit of a stored user agent, in bytes. Its start identifies devices and bots.
const USER_AGENT_BYTES_MAX: usize = 1024;

/// Encoder of events.
pub(crate) struct Encoder {
    pub(crate) source: String,
    pub(crate) producer: String,
    pub(crate) zone: TimeZone,
    pub(crate) pseudonyms: Pseudonyms,
}

/// Encoded event.
pub(crate) struct Encoded {
    pub(crate) id: String,
    pub(crate) json: Vec<u8>,
}

impl Encoder {
    /// Encodes `usage` with the number `sequence`. Fails if the event violates the contract.
    pub(crate) fn encode(&self, usage: &Usage, sequence: u64) -> Result<Encoded, Refusal> {
        let now = jiff::Timestamp::now();
        let time = usage.time.unwrap_or(now).to_string();
        let id = uuid::Uuid::now_v7().to_string();
        let client = client(usage);
        let (session, visitor) = self.tokens(usage, now)?;
        let data: Data<'_> = Data {
            ente: usage.ente.as_str().into(),
            portal: usage.portal.as_str().into(),
            service: usage.service.as_deref().map(Cow::Borrowed),
            kind: usage.kind,
            resource: usage.resource,
            outcome: usage.outcome,
            channel: usage.channel,
            login: usage.login,
            session: session.as_ref().map(|token| token.as_str().into()),
            visitor: visitor.as_ref().map(|token| token.as_str().into()),
            client: (!is_unknown(&client)).then_some(client),
        };
        let event_type = match usage.kind {
            Some(_) => SERVICE_USE_V1,
            None => ACCESS_V1,
        };
        let mut event = Envelope::new(event_type, self.source.as_str(), id.as_str(), time, data);
        self.number(&mut event, sequence);
        let json = to_json(&event)?;
        affluenza_event::parse(&json, UnixMillis(now.as_millisecond()))?;
        Ok(Encoded { id, json })
    }

    /// Encodes a report on dropped events.
    pub(crate) fn report(&self, last_sequence: u64, dropped: Vec<Dropped<'_>>) -> Option<Vec<u8>> {
        let data = Report {
            producer: self.producer.as_str().into(),
            last_sequence,
            dropped,
        };
        let id = uuid::Uuid::now_v7().to_string();
        let time = jiff::Timestamp::now().to_string();
        let event = Envelope::new(CLIENT_REPORT_V1, self.source.as_str(), id, time, data);
        to_json(&event).ok()
    }

    fn number<'a, D>(&'a self, event: &mut Envelope<'a, D>, sequence: u64) {
        event.producer = Some(Cow::Borrowed(&self.producer));
        event.sequence = Some(Cow::Owned(sequence.to_string()));
    }

    fn day(&self, now: jiff::Timestamp) -> Day {
        let date = self.zone.to_datetime(now).date();
        Day(i32::from(date.year()) * 366 + i32::from(date.day_of_year()))
    }

    /// Overwrites the secret of a day that is over at `now`.
    pub(crate) fn forget_past(&self, now: jiff::Timestamp) {
        self.pseudonyms.forget_before(self.day(now));
    }

    fn tokens(
        &self,
        usage: &Usage,
        now: jiff::Timestamp,
    ) -> Result<(Option<Token>, Option<Token>), Refusal> {
        let day = self.day(now);
        let token = |parts: &[&[u8]]| {
            self.pseudonyms
                .token(day, &usage.ente, parts)
                .map_err(|error| shape(format!("no random bytes for a token: {error}")))
        };
        let session = match &usage.session {
            Some(session) => Some(token(&[b"session", session.as_bytes()])?),
            None => None,
        };
        let agent = usage.user_agent.as_deref().unwrap_or_default();
        let visitor = match (&usage.visitor, usage.address) {
            (Some(visitor), _) => Some(token(&[b"visitor", visitor.as_bytes()])?),
            (None, Some(address)) => {
                let address = address.to_string();
                Some(token(&[b"client", address.as_bytes(), agent.as_bytes()])?)
            }
            (None, None) => None,
        };
        Ok((session, visitor))
    }
}

fn client(usage: &Usage) -> Client<'_> {
    let truncated = usage.address.map(|address| truncate(address).to_string());
    let agent = usage.user_agent.as_deref().map(|agent| {
        let agent = Cow::Borrowed(head(agent));
        match (usage.address, &truncated) {
            (Some(address), Some(truncated)) => {
                without_address(agent, &address.to_string(), truncated)
            }
            _ => agent,
        }
    });
    Client {
        user_agent: agent,
        ip: truncated.map(Cow::Owned),
        mobile: usage.mobile,
        platform: usage.platform.as_deref().map(Cow::Borrowed),
        form_factors: usage.form_factors.as_deref().map(Cow::Borrowed),
        touch_points: usage.touch_points,
        ..Client::default()
    }
}

fn is_unknown(client: &Client<'_>) -> bool {
    client.user_agent.is_none()
        && client.ip.is_none()
        && client.mobile.is_none()
        && client.platform.is_none()
        && client.form_factors.is_none()
        && client.touch_points.is_none()
}

fn head(text: &str) -> &str {
    let mut end = text.len().min(USER_AGENT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn to_json(event: &impl serde::Serialize) -> Result<Vec<u8>, Refusal> {
    serde_json::to_vec(event).map_err(|error| shape(error.to_string()))
}

fn shape(what: String) -> Refusal {
    Quarantine::UnknownShape(what).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_of_a_day_goes_with_the_day() {
        let encoder = Encoder {
            source: "https://portal.example.it".into(),
            producer: "p".into(),
            zone: TimeZone::get("Europe/Rome").unwrap(),
            pseudonyms: Pseudonyms::default(),
        };
        let evening: jiff::Timestamp = "2026-03-28T22:59:59Z".parse().unwrap();
        let usage = Usage {
            visitor: Some("v".into()),
            ..Usage::access("c_d612", "p")
        };
        encoder.tokens(&usage, evening).unwrap();
        encoder.forget_past(evening);
        assert!(encoder.pseudonyms.has_salt());
        // No event arrives at midnight.
        encoder.forget_past("2026-03-28T23:00:00Z".parse().unwrap());
        assert!(!encoder.pseudonyms.has_salt());
    }
}
