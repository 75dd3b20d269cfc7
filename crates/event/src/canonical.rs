//! Fast parser for events in canonical form: JSON without white space and escapes, with the fields
//! in the order of [`crate::wire`]. The programs of this project write that form.
//!
//! The parser is over three times as fast as serde. It is an optimisation only: serde and
//! [`crate::parse`] read every other record, and give the same result for the records read here.
//!
//! Every text is scanned once, in steps of sixteen bytes. The scan finds its end and its [`Shape`].

use std::borrow::Cow;

use wide::u8x16;

use crate::parse::{
    IDENTITY_BYTES_MAX, activity, address, is_code, is_country, is_region, is_token, time,
    token_hash,
};
use crate::shape::{SHAPE_BYTES_MAX, SIXTEEN, Shape, bits, equal, sixteen, within};
use crate::wire::{AnyLogin, is_sequence};
use crate::{
    Channel, ClientAttributes, Event, Identity, Kind, Login, Origin, Outcome, Resource, UnixMillis,
    privacy, upcast,
};

/// Parses a record in canonical form. `None` means that the record is not canonical or not valid;
/// the general parser decides.
#[inline]
pub(crate) fn read(bytes: &[u8], written: UnixMillis) -> Option<Event<'_>> {
    let mut rest = Rest {
        text: std::str::from_utf8(bytes).ok()?,
        odd: u8x16::splat(0),
    };
    rest.key("{\"specversion\":\"1.0\",\"type\":\"")?;
    let event_type = rest.text()?;
    rest.key(",\"source\":\"")?;
    let source = rest.identifier()?;
    rest.key(",\"id\":\"")?;
    let identity = Identity::of(source, rest.identifier()?);
    rest.key(",\"time\":\"")?;
    let time = time(rest.text()?, written).ok()?;
    let producer = rest.after(",\"producer\":\"", Rest::token)?;
    let sequence = rest.after(",\"sequence\":\"", Rest::number)?;
    rest.key(",\"data\":{\"ente\":\"")?;
    let ente = rest.code()?;
    rest.key(",\"portal\":\"")?;
    let portal = rest.code()?;
    let service = rest.after(",\"service\":\"", Rest::code)?;
    let kind = rest.after(",\"kind\":\"", |rest| rest.text()?.parse::<Kind>().ok())?;
    let resource = rest.after(",\"resource\":\"", |rest| {
        rest.text()?.parse::<Resource>().ok()
    })?;
    let (activity, version) = activity(event_type, kind, resource, service.is_some()).ok()?;
    let outcome = rest.after(",\"outcome\":\"", |rest| {
        rest.text()?.parse::<Outcome>().ok()
    })?;
    let channel = rest.after(",\"channel\":\"", |rest| {
        rest.text()?.parse::<Channel>().ok()
    })?;
    // The login of version 2 is an object, which the general parser reads.
    let login = rest.after(",\"login\":\"", |rest| rest.text()?.parse::<Login>().ok())?;
    let session = rest.after(",\"session\":\"", Rest::token)?;
    let visitor = rest.after(",\"visitor\":\"", Rest::token)?;
    let client = rest.after(",\"client\":{\"user_agent\":\"", Rest::client)?;
    let [user_agent, ip, country, region] = client.unwrap_or_default();
    (rest.text == "}}" && !rest.odd.any()).then_some(())?;
    Some(Event {
        identity,
        time,
        ente: Cow::Borrowed(ente),
        portal: Cow::Borrowed(portal),
        service: Cow::Borrowed(service.unwrap_or_default()),
        activity,
        outcome: upcast::outcome(version, outcome).ok()?,
        channel: channel.unwrap_or(Channel::Web),
        login: upcast::login(version, login.map(AnyLogin::Name)).ok()?,
        session: session.map_or(0, token_hash),
        visitor: visitor.map_or(0, token_hash),
        client: ClientAttributes {
            user_agent: Cow::Borrowed(user_agent),
            ip: address(ip).ok()?,
            country: Cow::Borrowed(country),
            region: Cow::Borrowed(region),
            ..ClientAttributes::default()
        },
        origin: producer.zip(sequence).map(|(producer, sequence)| Origin {
            producer: Cow::Borrowed(producer),
            sequence,
        }),
    })
}

/// Unread rest of the record.
struct Rest<'a> {
    text: &'a str,
    /// Non-zero after a control character or a backslash. A JSON text without escapes has neither.
    odd: u8x16,
}

// Inlining turns the comparison with each key into a few machine words.
impl<'a> Rest<'a> {
    /// Consumes `expected`.
    #[inline(always)]
    fn key(&mut self, expected: &str) -> Option<()> {
        self.text = self.text.strip_prefix(expected)?;
        Some(())
    }

    /// Consumes `key` and applies `read` to the rest. Returns `Some(None)` if another key comes
    /// first.
    #[inline(always)]
    fn after<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.key(key) {
            Some(()) => read(self).map(Some),
            None => Some(None),
        }
    }

    /// Loads the sixteen bytes that begin at `at`.
    #[inline(always)]
    fn sixteen(&mut self, at: usize) -> Option<u8x16> {
        let bytes = sixteen(self.text.as_bytes().get(at..)?);
        self.odd |= within(bytes, 0, 0x1F) | equal(bytes, b'\\');
        Some(bytes)
    }

    /// Consumes the next `length` bytes and the quote after them.
    #[inline(always)]
    fn take(&mut self, length: usize) -> Option<&'a str> {
        let (text, after) = self.text.split_at_checked(length)?;
        self.text = after.get(1..)?;
        Some(text)
    }

    /// Reads a text of any length.
    #[inline(always)]
    fn text(&mut self) -> Option<&'a str> {
        let mut at = 0;
        loop {
            let quotes = bits(equal(self.sixteen(at)?, b'"'));
            if quotes != 0 {
                return self.take(at + quotes.trailing_zeros() as usize);
            }
            at += SIXTEEN;
        }
    }

    /// Reads a text and its shape. Returns `None` and consumes nothing if the text is too long for
    /// a shape.
    #[inline(always)]
    fn shaped(&mut self) -> Option<(&'a str, Shape)> {
        let mut shape = Shape::default();
        for at in (0..SHAPE_BYTES_MAX).step_by(SIXTEEN) {
            let bytes = self.sixteen(at)?;
            shape.add(bytes, at);
            let quotes = bits(equal(bytes, b'"'));
            if quotes != 0 {
                let length = at + quotes.trailing_zeros() as usize;
                shape.cut(length);
                return Some((self.take(length)?, shape));
            }
        }
        let has_ended = self.text.as_bytes().get(SHAPE_BYTES_MAX) == Some(&b'"');
        has_ended.then(|| self.take(SHAPE_BYTES_MAX).map(|text| (text, shape)))?
    }

    /// Reads a `source` or an `id`.
    #[inline(always)]
    fn identifier(&mut self) -> Option<&'a str> {
        let Some((text, shape)) = self.shaped() else {
            return self.long_identifier();
        };
        let is_right = !text.is_empty() && privacy::personal_data_in(text, Some(shape)).is_none();
        is_right.then_some(text)
    }

    #[cold]
    fn long_identifier(&mut self) -> Option<&'a str> {
        let text = self.text()?;
        let is_right = text.len() <= IDENTITY_BYTES_MAX && privacy::personal_data(text).is_none();
        is_right.then_some(text)
    }

    #[inline(always)]
    fn code(&mut self) -> Option<&'a str> {
        let (text, shape) = self.shaped()?;
        is_code(text, shape).then_some(text)
    }

    #[inline(always)]
    fn token(&mut self) -> Option<&'a str> {
        let (text, shape) = self.shaped()?;
        is_token(text, shape).then_some(text)
    }

    #[inline(always)]
    fn number(&mut self) -> Option<u64> {
        let text = self.text()?;
        text.parse().ok().filter(|_| is_sequence(text))
    }

    /// Reads user agent, address, country and region, starting at the content of the user agent.
    /// Client hints are rare, so the general parser reads them.
    #[inline(always)]
    fn client(&mut self) -> Option<[&'a str; 4]> {
        let user_agent = self.text()?;
        let ip = self.after(",\"ip\":\"", Self::text)?.unwrap_or_default();
        let country = self
            .after(",\"country\":\"", Self::text)?
            .unwrap_or_default();
        let region = self
            .after(",\"region\":\"", Self::text)?
            .unwrap_or_default();
        self.key("}")?;
        let are_places = is_country(country) && is_region(region);
        are_places.then_some([user_agent, ip, country, region])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::read_any;
    use crate::wire::{Client, Data, Envelope};
    use crate::{ACCESS_V1, Message, SERVICE_USE_V1, SERVICE_USE_V2};
    use proptest::prelude::*;
    use strum::VariantArray as _;

    const WRITTEN: UnixMillis = UnixMillis(1_490_515_200_000);

    /// Parses the record with the general parser.
    fn by_serde(bytes: &[u8]) -> Option<Event<'_>> {
        match read_any(bytes, std::iter::empty, WRITTEN).message {
            Ok(Message::Usage(event)) => Some(event),
            Ok(Message::Report(_)) | Err(_) => None,
        }
    }

    /// Generates the usual text of a field, and sometimes an unusual one.
    fn text(usual: &'static str) -> impl Strategy<Value = String> {
        prop_oneof![
            30 => usual,
            1 => "[ -~àù€]{0,20}",
            1 => "[a-zA-Z0-9._@-]{0,70}",
            1 => prop::sample::select(vec![
                "RSSMRA85T10A562S", "x-rssmra85t10a562s", "a.b@example.it", "93.45.1.17", "93.45.1.0",
            ]).prop_map(str::to_owned),
        ]
    }

    fn texts() -> impl Strategy<Value = Vec<String>> {
        let usual = [
            "[a-z]{1,6}",
            "[a-z-]{1,20}",
            "[a-z-]{1,40}",
            "[a-z0-9]{17,30}",
            "[a-z0-9_-]{17,64}",
            "https://[a-z.]{1,120}",
            "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{12}",
            "[a-zA-Z0-9./() ;é-]{0,150}",
            "93\\.45\\.1\\.0",
            "[A-Z]{2}",
            "IT-[0-9]{2}",
            "[a-z0-9]{1,12}",
            "[0-9]{1,20}",
        ];
        usual.into_iter().map(text).collect::<Vec<_>>()
    }

    prop_compose! {
        fn events()(
            texts in texts(),
            time in prop::sample::select(vec![
                "2017-03-26T10:00:00+02:00", "2016-12-31T23:59:59.123Z", "2017-03-26 10:00:00Z", "2027-03-26T10:00:00Z", "x",
            ]),
            event_type in prop::sample::select(vec![ACCESS_V1, SERVICE_USE_V1, SERVICE_USE_V1, SERVICE_USE_V2, "t"]),
            some in any::<u16>(),
            value in 0usize..2,
        ) -> String {
            let some = |bit: u32| some >> bit & 1 == 1;
            let text = |at: usize| Cow::Owned(texts[at].clone());
            let option = |bit: u32, at: usize| some(bit).then(|| text(at));
            let is_access = event_type == ACCESS_V1;
            let data = Data {
                ente: text(0),
                portal: text(1),
                service: if is_access { option(0, 2) } else { Some(text(2)) },
                kind: (!is_access || some(1) && some(2) && some(3)).then(|| Kind::VARIANTS[value]),
                resource: some(1).then(|| Resource::VARIANTS[value]),
                outcome: some(2).then(|| Outcome::VARIANTS[value]),
                channel: some(3).then(|| Channel::VARIANTS[value]),
                login: some(4).then(|| Login::VARIANTS[value]),
                session: option(5, 3),
                visitor: option(6, 4),
                client: some(7).then(|| Client {
                    user_agent: option(8, 7),
                    ip: option(9, 8),
                    country: option(10, 9),
                    region: option(11, 10),
                    mobile: (some(12) && some(13)).then_some(true),
                    ..Client::default()
                }),
            };
            let mut event = Envelope::new(event_type, text(5), text(6), time, data);
            event.producer = option(14, 11);
            event.sequence = option(15, 12);
            serde_json::to_string(&event).unwrap()
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// The canonical parser agrees with serde and the general checks.
        #[test]
        fn it_agrees_with_serde(event in events()) {
            let found = read(event.as_bytes(), WRITTEN);
            let expected = by_serde(event.as_bytes());
            if found.is_some() {
                prop_assert_eq!(found, expected);
            } else if let Some(expected) = expected {
                // Valid, but not canonical.
                let has_producer = event.contains(r#""producer""#) || event.contains(r#""sequence""#);
                let is_foreign_producer = has_producer && expected.origin.is_none();
                let is_odd = event.contains('\\') || event.contains("mobile");
                let is_silent = event.contains(r#""client":{"#) && !event.contains("user_agent");
                prop_assert!(is_foreign_producer || is_odd || is_silent, "{}", event);
            }
        }

        #[test]
        fn it_agrees_with_serde_on_damaged_events(
            event in events(),
            at in any::<prop::sample::Index>(),
            with in prop::sample::select(b"\"{}:,\\ \t\0ax@.0A\xff\xc3".to_vec()),
            how in 0..3,
        ) {
            let mut bytes = event.into_bytes();
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = with,
                1 => bytes.insert(at, with),
                _ => bytes.truncate(at),
            }
            if let Some(found) = read(&bytes, WRITTEN) {
                prop_assert_eq!(Some(found), by_serde(&bytes));
            }
        }
    }

    #[test]
    fn events_of_our_programs_are_canonical() {
        let data: Data<'_> = Data {
            ente: "c_d612".into(),
            portal: "www".into(),
            service: Some("s".into()),
            kind: Some(Kind::Plain),
            client: Some(Client {
                user_agent: Some("Mozilla/5.0 (X11)".into()),
                country: Some("IT".into()),
                ..Client::default()
            }),
            ..Data::default()
        };
        let event = Envelope::new(SERVICE_USE_V1, "s", "1", "2017-03-26T10:00:00+02:00", data);
        assert!(read(&serde_json::to_vec(&event).unwrap(), WRITTEN).is_some());
    }

    #[test]
    fn texts_of_every_length_end_where_they_end() {
        for length in 0..100 {
            let text = "x".repeat(length);
            let rest = || Rest {
                text: format!("{text}\"y").leak(),
                odd: u8x16::splat(0),
            };
            assert_eq!(rest().text(), Some(&*text));
            let shaped = rest().shaped();
            let expected = Shape::of(text.as_bytes());
            assert_eq!(shaped, expected.map(|shape| (&*text, shape)));
        }
    }
}
