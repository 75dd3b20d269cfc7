//! Serializes events.

use std::fmt::Write;

use affluenza_classify::hours::LocalHour;
use affluenza_event::wire::{Client, Data, Envelope};
use affluenza_event::{ACCESS_V1, Kind, Outcome, SERVICE_USE_V1, UnixMillis};
use affluenza_register::Portal;
use rand::Rng;
use uuid::Builder;

use crate::random::Random;
use crate::visits::EnteVisit;

/// An event to serialize.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SimulatedEvent<'e> {
    /// Milliseconds since the start of the hour.
    pub at_ms: u32,
    pub portal: &'e Portal,
    pub visit: &'e EnteVisit,
    pub service: Option<&'e str>,
    /// Kind of a service use; `None` for an access.
    pub kind: Option<Kind>,
    /// Outcome of a service use; `None` for an access.
    pub outcome: Option<Outcome>,
}

/// Key of an event's Kafka record: its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RecordKey([u8; 36]);

impl RecordKey {
    /// Key as ASCII bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Key as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("made of ASCII")
    }
}

/// Identifies and serializes events. All buffers are reused.
pub(crate) struct EventWriter {
    ids: Random,
    hour_ms: i64,
    /// Text such as `2017-03-26T10:`.
    date_and_hour: String,
    /// Text such as `+02:00`.
    offset: String,
    time: String,
    session: String,
    visitor: String,
}

impl EventWriter {
    pub(crate) fn new(ids: Random) -> Self {
        Self {
            ids,
            hour_ms: 0,
            date_and_hour: String::new(),
            offset: String::new(),
            time: String::new(),
            session: String::new(),
            visitor: String::new(),
        }
    }

    /// Sets the hour of the following events.
    pub(crate) fn enter(&mut self, local: &LocalHour) {
        self.hour_ms = local.hour_start_utc * 1000;
        self.date_and_hour = format!("{}T{:02}:", local.date, local.hour);
        let sign = if local.offset < 0 { '-' } else { '+' };
        let minutes = local.offset.unsigned_abs() / 60;
        self.offset = format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60);
    }

    /// Writes `event` into `record`, and clears `record` first.
    pub(crate) fn write(
        &mut self,
        event: &SimulatedEvent<'_>,
        record: &mut Vec<u8>,
    ) -> (UnixMillis, RecordKey) {
        let time = UnixMillis(self.hour_ms + i64::from(event.at_ms));
        self.write_time(event.at_ms);
        let mut random_bytes = [0; 10];
        self.ids.fill_bytes(&mut random_bytes);
        let id = Builder::from_unix_timestamp_millis(time.0 as u64, &random_bytes).into_uuid();
        let mut key = RecordKey([0; 36]);
        let id: &str = id.hyphenated().encode_lower(&mut key.0);
        let visit = event.visit;
        let tokens = visit.tokens.map(|tokens| {
            write_token(&mut self.session, 's', tokens.session);
            write_token(&mut self.visitor, 'v', tokens.visitor);
            (self.session.as_str(), self.visitor.as_str())
        });
        let data = Data {
            ente: event.portal.ente().into(),
            portal: event.portal.code().into(),
            service: event.service.map(Into::into),
            kind: event.kind,
            resource: None,
            outcome: event.outcome,
            channel: Some(visit.channel),
            login: Some(visit.login),
            session: tokens.map(|(session, _)| session.into()),
            visitor: tokens.map(|(_, visitor)| visitor.into()),
            client: Some(Client {
                user_agent: Some(visit.user_agent.into()),
                country: visit.country.map(Into::into),
                ..Client::default()
            }),
        };
        let event_type = match event.outcome {
            Some(_) => SERVICE_USE_V1,
            None => ACCESS_V1,
        };
        let source = event.portal.source();
        let envelope = Envelope::new(event_type, source, id, self.time.as_str(), data);
        record.clear();
        serde_json::to_writer(&mut *record, &envelope)
            .expect("an event has only text keys and a Vec takes every byte");
        (time, key)
    }

    fn write_time(&mut self, at_ms: u32) {
        let (minute, second, ms) = (at_ms / 60_000, at_ms / 1000 % 60, at_ms % 1000);
        let Self {
            time,
            date_and_hour,
            offset,
            ..
        } = self;
        time.clear();
        write!(
            time,
            "{date_and_hour}{minute:02}:{second:02}.{ms:03}{offset}"
        )
        .expect("a String takes every text");
    }
}

/// Writes 17 characters, because a run of 16 letters and digits could look like a fiscal code.
fn write_token(out: &mut String, kind: char, bits: u64) {
    out.clear();
    write!(out, "{kind}{bits:016x}").expect("a String takes every text");
}

#[cfg(test)]
mod tests {
    use affluenza_event::{Channel, Login};

    use super::*;
    use crate::busyness::hours_of;
    use crate::random::Seed;
    use crate::visits::VisitTokens;

    #[test]
    fn a_record_parses_to_what_was_written() {
        let register = include_str!("../../../deploy/register.toml");
        let register = affluenza_register::Register::parse(register).unwrap();
        let portal = register.portals().next().unwrap();
        let visit = EnteVisit {
            portal: 0,
            user_agent: "a\"b",
            tokens: Some(VisitTokens {
                session: 1,
                visitor: u64::MAX,
            }),
            login: Login::Spid2,
            channel: Channel::App,
            country: Some("IT"),
            accesses: 1,
        };
        let event = SimulatedEvent {
            at_ms: 3_599_999,
            portal,
            visit: &visit,
            service: Some("s"),
            kind: Some(Kind::Booking),
            outcome: Some(Outcome::Failed),
        };
        let (seed, year) = (1, 2017);
        let seed = Seed { seed, year };
        let mut writer = EventWriter::new(seed.random("ids"));
        let mut record = Vec::new();
        let hour = hours_of(2017)[5000];
        writer.enter(&hour);
        let (time, key) = writer.write(&event, &mut record);
        let parsed = affluenza_event::parse(&record, time).unwrap();
        assert_eq!(parsed.time, time);
        assert_eq!(time.0, hour.hour_start_utc * 1000 + 3_599_999);
        assert_eq!(parsed.outcome, Outcome::Failed);
        assert_eq!(parsed.client.user_agent.as_deref(), Some("a\"b"));

        let text = String::from_utf8(record.clone()).unwrap();
        assert!(
            text.contains(&format!("\"id\":\"{}\"", key.as_str())),
            "{text}"
        );
        let id = uuid::Uuid::parse_str(key.as_str()).unwrap();
        assert_eq!(id.get_version(), Some(uuid::Version::SortRand));
        let millis = id.as_u128() >> 80;
        assert_eq!(i128::try_from(millis).unwrap(), i128::from(time.0));
        assert_ne!(writer.write(&event, &mut record).1, key);
    }
}
