//! Serializes events.

use affluenza_event::wire::{Client, Data, Envelope};
use affluenza_event::{ACCESS_V1, Channel, Kind, Login, Outcome, SERVICE_USE_V1, UnixMillis};

use crate::calendar::{Hour, YearCalendar};

/// An event to serialize.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SimulatedEvent<'e> {
    /// Milliseconds since the start of the hour.
    pub at_ms: u32,
    pub portal: &'e EmittingPortal,
    pub service: Option<&'e str>,
    /// Kind and outcome of a service use; `None` for an access.
    pub used: Option<(Kind, Outcome)>,
    /// Random bits of the session and visitor tokens; bots have none.
    pub tokens: Option<(u64, u64)>,
    pub login: Login,
    pub channel: Channel,
    pub user_agent: &'static str,
    pub country: Option<&'static str>,
}

/// Portal that emits the events of an ente.
#[derive(Debug, Clone)]
pub(crate) struct EmittingPortal {
    pub ente: String,
    pub code: String,
    pub source: String,
}

/// Key of an event's Kafka record: its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RecordKey {
    bytes: [u8; Self::BYTES_MAX],
    length: u8,
}

impl RecordKey {
    const BYTES_MAX: usize = 36;

    fn new(text: &str) -> Self {
        let mut bytes = [0; Self::BYTES_MAX];
        let length = text.len().min(Self::BYTES_MAX);
        bytes[..length].copy_from_slice(&text.as_bytes()[..length]);
        Self {
            bytes,
            length: length as u8,
        }
    }

    /// Key as ASCII bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// Key as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).expect("made of ASCII")
    }
}

/// Numbers and serializes events. All buffers are reused.
pub(crate) struct EventWriter {
    /// Mixed with the number of an event to form its id.
    id_key: u64,
    number: u64,
    hour_ms: i64,
    /// Text such as `2017-03-26T10:`; `offset` is a text such as `+02:00`.
    date_and_hour: String,
    offset: String,
    id: String,
    time: String,
    session: String,
    visitor: String,
}

impl EventWriter {
    pub(crate) fn new(id_key: u64) -> Self {
        Self {
            id_key,
            number: 0,
            hour_ms: 0,
            date_and_hour: String::new(),
            offset: String::new(),
            id: String::new(),
            time: String::new(),
            session: String::new(),
            visitor: String::new(),
        }
    }

    /// Sets the hour of the following events.
    pub(crate) fn enter(&mut self, hour: &Hour, calendar: &YearCalendar) {
        self.hour_ms = hour.start_ms;
        self.date_and_hour = format!("{}T{:02}:", calendar.date(hour.day), hour.hour);
        let sign = if hour.offset_minutes < 0 { '-' } else { '+' };
        let minutes = hour.offset_minutes.unsigned_abs();
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
        self.write_id(time);
        let tokens = event.tokens.map(|(session, visitor)| {
            write_token(&mut self.session, 's', session);
            write_token(&mut self.visitor, 'v', visitor);
            (self.session.as_str(), self.visitor.as_str())
        });
        let data = Data {
            ente: event.portal.ente.as_str().into(),
            portal: event.portal.code.as_str().into(),
            service: event.service.map(Into::into),
            kind: event.used.map(|(kind, _)| kind),
            resource: None,
            outcome: event.used.map(|(_, outcome)| outcome),
            channel: Some(event.channel),
            login: Some(event.login),
            session: tokens.map(|(session, _)| session.into()),
            visitor: tokens.map(|(_, visitor)| visitor.into()),
            client: Some(Client {
                user_agent: Some(event.user_agent.into()),
                country: event.country.map(Into::into),
                ..Client::default()
            }),
        };
        let event_type = match event.used {
            Some(_) => SERVICE_USE_V1,
            None => ACCESS_V1,
        };
        let source = event.portal.source.as_str();
        let envelope = Envelope::new(
            event_type,
            source,
            self.id.as_str(),
            self.time.as_str(),
            data,
        );
        record.clear();
        serde_json::to_writer(&mut *record, &envelope)
            .expect("an event has only text keys and a Vec takes every byte");
        (time, RecordKey::new(envelope.key()))
    }

    fn write_time(&mut self, at_ms: u32) {
        let (minute, second, ms) = (at_ms / 60_000 % 60, at_ms / 1000 % 60, at_ms % 1000);
        let out = &mut self.time;
        out.clear();
        out.push_str(&self.date_and_hour);
        out.extend([digit(minute / 10), digit(minute), ':']);
        out.extend([digit(second / 10), digit(second), '.']);
        out.extend([digit(ms / 100), digit(ms / 10), digit(ms)]);
        out.push_str(&self.offset);
    }

    /// Writes a UUIDv7: the time of the event, then bits that look random. They come from the
    /// number of the event through a bijection, so that ids are unique.
    fn write_id(&mut self, time: UnixMillis) {
        let bits = mix(self.number ^ self.id_key);
        self.number += 1;
        let more = mix(bits);
        let high = ((time.0 as u64) << 16) | 0x7000 | (bits >> 52);
        let low = (0b10 << 62) | ((bits & ((1 << 52) - 1)) << 10) | (more & 0x3FF);
        self.id.clear();
        for (place, shift) in (0..64).step_by(4).rev().enumerate() {
            if matches!(place, 8 | 12) {
                self.id.push('-');
            }
            self.id.push(hex(high >> shift));
        }
        for (place, shift) in (0..64).step_by(4).rev().enumerate() {
            if matches!(place, 0 | 4) {
                self.id.push('-');
            }
            self.id.push(hex(low >> shift));
        }
    }
}

/// 17 characters, because a run of 16 letters and digits could look like a fiscal code.
fn write_token(out: &mut String, kind: char, bits: u64) {
    out.clear();
    out.push(kind);
    out.extend((0..64).step_by(4).rev().map(|shift| hex(bits >> shift)));
}

/// Converts the last four bits to a hexadecimal digit.
fn hex(bits: u64) -> char {
    char::from(b"0123456789abcdef"[(bits & 0xF) as usize])
}

/// Finalizer of SplitMix64 (Steele, Lea and Flood, 2014), which is a bijection.
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

fn digit(number: u32) -> char {
    char::from(b'0' + (number % 10) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;

    #[test]
    fn a_record_parses_to_what_was_written() {
        let calendar = YearCalendar::new(2017, &TimeZone::get("Europe/Rome").unwrap()).unwrap();
        let portal = EmittingPortal {
            ente: "c_d612".to_owned(),
            code: "p".to_owned(),
            source: "https://p.example".to_owned(),
        };
        let event = SimulatedEvent {
            at_ms: 3_599_999,
            portal: &portal,
            service: Some("s"),
            used: Some((Kind::Booking, Outcome::Failed)),
            tokens: Some((1, u64::MAX)),
            login: Login::Spid2,
            channel: Channel::App,
            user_agent: "a\"b",
            country: Some("IT"),
        };
        let mut writer = EventWriter::new(7);
        let mut record = Vec::new();
        let hour = calendar.hours[5000];
        writer.enter(&hour, &calendar);
        let (time, key) = writer.write(&event, &mut record);
        let parsed = affluenza_event::parse(&record, time).unwrap();
        assert_eq!(parsed.time, time);
        assert_eq!(time.0, hour.start_ms + 3_599_999);
        assert_eq!(parsed.outcome, Outcome::Failed);
        assert_eq!(parsed.client.user_agent, "a\"b");

        let text = String::from_utf8(record.clone()).unwrap();
        let id = text.split("\"id\":\"").nth(1).unwrap()[..36].to_owned();
        assert_eq!(key.as_str(), id);
        assert_eq!(&id[14..15], "7");
        assert!("89ab".contains(&id[19..20]), "{id}");
        let millis = i64::from_str_radix(&id[..13].replace('-', ""), 16).unwrap();
        assert_eq!(millis, time.0);

        let (_, next) = writer.write(
            &SimulatedEvent {
                tokens: None,
                ..event
            },
            &mut record,
        );
        assert_eq!(next.as_str().len(), 36);
        assert_ne!(next.as_str(), id);
    }
}
