//! Reads usage events in any JSON form: any order of fields, white space, escapes, unknown fields.
//! One pass, without `unsafe`. It reads valid events only. serde finds what is wrong with the others,
//! and reads a few odd forms, such as an array for an object ([`crate::read`]).
//!
//! Every text is scanned once, in steps of sixteen bytes. The scan finds its end and its [`Shape`].

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use wide::u8x16;

use crate::parse::{
    IDENTITY_BYTES_MAX, activity, address, is_code, is_country, is_region, is_token, origin, time,
    token_hash,
};
use crate::shape::{SHAPE_BYTES_MAX, SIXTEEN, Shape, bits, equal, sixteen, within};
use crate::wire::AnyLogin;
use crate::{
    Channel, ClientAttributes, Event, Identity, Kind, Outcome, Resource, UnixMillis, privacy,
    upcast,
};

/// Reads a usage event in structured mode. Returns `None` for any other record, and for an invalid
/// event.
#[inline]
pub(crate) fn read(bytes: &[u8], written: UnixMillis) -> Option<Event<'_>> {
    let mut json = Json(std::str::from_utf8(bytes).ok()?);
    let mut found = Found::default();
    json.object(|json, key| found.envelope(json, key, written))?;
    json.space();
    json.0.is_empty().then_some(())?;
    found.event()
}

/// Fields of an event. A field is `Some` once it was read; an optional one may be `null`.
#[derive(Default)]
struct Found<'a> {
    specversion: Option<()>,
    event_type: Option<Cow<'a, str>>,
    source: Option<Cow<'a, str>>,
    id: Option<Cow<'a, str>>,
    time: Option<UnixMillis>,
    producer: Option<Option<Cow<'a, str>>>,
    sequence: Option<Option<Cow<'a, str>>>,
    data: Option<()>,
    ente: Option<Cow<'a, str>>,
    portal: Option<Cow<'a, str>>,
    service: Option<Option<Cow<'a, str>>>,
    kind: Option<Option<Kind>>,
    resource: Option<Option<Resource>>,
    outcome: Option<Option<Outcome>>,
    channel: Option<Option<Channel>>,
    login: Option<Option<AnyLogin>>,
    session: Option<Option<u64>>,
    visitor: Option<Option<u64>>,
    has_client: Option<Option<()>>,
    client: FoundClient<'a>,
}

#[derive(Default)]
struct FoundClient<'a> {
    user_agent: Option<Option<Cow<'a, str>>>,
    ip: Option<Option<Cow<'a, str>>>,
    country: Option<Option<Cow<'a, str>>>,
    region: Option<Option<Cow<'a, str>>>,
    mobile: Option<Option<bool>>,
    platform: Option<Option<Cow<'a, str>>>,
    form_factors: Option<Option<Cow<'a, str>>>,
    touch_points: Option<Option<u8>>,
}

/// Sets a field; `None` if it was set before.
#[inline(always)]
fn put<T>(field: &mut Option<T>, value: T) -> Option<()> {
    if field.is_some() {
        return None;
    }
    *field = Some(value);
    Some(())
}

impl<'a> Found<'a> {
    #[inline(always)]
    fn envelope(&mut self, json: &mut Json<'a>, key: &str, written: UnixMillis) -> Option<()> {
        match key {
            "specversion" => put(
                &mut self.specversion,
                json.text().filter(|it| it == "1.0").map(drop)?,
            ),
            "type" => put(&mut self.event_type, json.text()?),
            "source" => put(&mut self.source, json.identifier()?),
            "id" => put(&mut self.id, json.identifier()?),
            "time" => put(&mut self.time, time(&json.text()?, written).ok()?),
            "producer" => put(&mut self.producer, json.text_or_nothing()?),
            "sequence" => put(&mut self.sequence, json.text_or_nothing()?),
            "data" => {
                put(&mut self.data, ())?;
                json.object(|json, key| self.data(json, key))
            }
            _ => json.skip(),
        }
    }

    #[inline(always)]
    fn data(&mut self, json: &mut Json<'a>, key: &str) -> Option<()> {
        match key {
            "ente" => put(&mut self.ente, json.code()?),
            "portal" => put(&mut self.portal, json.code()?),
            "service" => put(&mut self.service, json.optional(Json::code)?),
            "kind" => put(&mut self.kind, json.optional(Json::name)?),
            "resource" => put(&mut self.resource, json.optional(Json::name)?),
            "outcome" => put(&mut self.outcome, json.optional(Json::name)?),
            "channel" => put(&mut self.channel, json.optional(Json::name)?),
            "login" => put(&mut self.login, json.optional(Json::login)?),
            "session" => put(&mut self.session, json.optional(Json::token)?),
            "visitor" => put(&mut self.visitor, json.optional(Json::token)?),
            "client" => {
                let client = &mut self.client;
                let is_read = json.optional(|json| json.object(|json, key| client.take(json, key)));
                put(&mut self.has_client, is_read?)
            }
            _ => json.skip(),
        }
    }

    #[inline(always)]
    fn event(self) -> Option<Event<'a>> {
        let Self {
            specversion,
            event_type,
            source,
            id,
            time,
            producer,
            sequence,
            data,
            ..
        } = self;
        specversion.and(data)?;
        let service = self.service.flatten();
        let (kind, resource) = (self.kind.flatten(), self.resource.flatten());
        let (activity, version) = activity(&event_type?, kind, resource, service.is_some()).ok()?;
        let client = self.client;
        Some(Event {
            identity: Identity::of(&source?, &id?),
            time: time?,
            ente: self.ente?,
            portal: self.portal?,
            service: service.unwrap_or_default(),
            activity,
            outcome: upcast::outcome(version, self.outcome.flatten()).ok()?,
            channel: self.channel.flatten().unwrap_or(Channel::Web),
            login: upcast::login(version, self.login.flatten()).ok()?,
            session: self.session.flatten().unwrap_or_default(),
            visitor: self.visitor.flatten().unwrap_or_default(),
            client: ClientAttributes {
                user_agent: client.user_agent.flatten(),
                ip: address(&client.ip.flatten().unwrap_or_default()).ok()?,
                country: client.country.flatten().unwrap_or_default(),
                region: client.region.flatten().unwrap_or_default(),
                mobile: client.mobile.flatten(),
                platform: client.platform.flatten().unwrap_or_default(),
                form_factors: client.form_factors.flatten().unwrap_or_default(),
                touch_points: client.touch_points.flatten(),
            },
            origin: origin(producer.flatten(), sequence.flatten().as_deref()),
        })
    }
}

impl<'a> FoundClient<'a> {
    #[inline(always)]
    fn take(&mut self, json: &mut Json<'a>, key: &str) -> Option<()> {
        match key {
            "user_agent" => put(&mut self.user_agent, json.optional(Json::text)?),
            "ip" => put(&mut self.ip, json.optional(Json::text)?),
            "country" => put(&mut self.country, json.optional(Json::country)?),
            "region" => put(&mut self.region, json.optional(Json::region)?),
            "mobile" => put(&mut self.mobile, json.by_serde()?),
            "platform" => put(&mut self.platform, json.optional(Json::text)?),
            "form_factors" => put(&mut self.form_factors, json.optional(Json::text)?),
            "touch_points" => put(&mut self.touch_points, json.by_serde()?),
            _ => json.skip(),
        }
    }
}

/// Unread rest of the record.
struct Json<'a>(&'a str);

// Inlining turns the comparison with each key into a few machine words.
impl<'a> Json<'a> {
    /// Consumes white space.
    #[inline(always)]
    fn space(&mut self) {
        if self.0.as_bytes().first().is_some_and(|byte| *byte <= b' ') {
            self.0 = self.0.trim_start_matches([' ', '\t', '\n', '\r']);
        }
    }

    /// Consumes white space and one byte, which it returns.
    #[inline(always)]
    fn byte(&mut self) -> Option<u8> {
        self.space();
        let (byte, rest) = self.0.split_at_checked(1)?;
        self.0 = rest;
        byte.bytes().next()
    }

    #[inline(always)]
    fn expect(&mut self, expected: u8) -> Option<()> {
        (self.byte()? == expected).then_some(())
    }

    /// Reads an object and applies `field` to each key, at its value.
    #[inline(always)]
    fn object(&mut self, mut field: impl FnMut(&mut Self, &str) -> Option<()>) -> Option<()> {
        self.expect(b'{')?;
        self.space();
        if self.0.as_bytes().first() == Some(&b'}') {
            return self.expect(b'}');
        }
        loop {
            self.space();
            let key = self.text()?;
            self.expect(b':')?;
            self.space();
            field(self, &key)?;
            match self.byte()? {
                b',' => {}
                b'}' => return Some(()),
                _ => return None,
            }
        }
    }

    /// Reads a value that may be `null`.
    #[inline(always)]
    fn optional<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        match self.0.strip_prefix("null") {
            Some(rest) => {
                self.0 = rest;
                Some(None)
            }
            None => read(self).map(Some),
        }
    }

    /// Reads a rare value.
    #[cold]
    fn by_serde<T: Deserialize<'a>>(&mut self) -> Option<T> {
        let mut values = serde_json::Deserializer::from_str(self.0).into_iter();
        let value = values.next()?.ok()?;
        self.0 = self.0.get(values.byte_offset()..)?;
        Some(value)
    }

    /// Skips the value of an unknown field.
    #[inline(always)]
    fn skip(&mut self) -> Option<()> {
        let before = self.0;
        if self.plain().is_some() {
            return Some(());
        }
        self.0 = before;
        self.by_serde::<IgnoredAny>().map(drop)
    }

    /// Reads a text without escapes: its content, and where it ends.
    #[inline(always)]
    fn plain(&mut self) -> Option<&'a str> {
        let text = self.0.strip_prefix('"')?;
        let mut at = 0;
        loop {
            let bytes = sixteen(text.as_bytes().get(at..)?);
            let end = bits(end(bytes));
            if end != 0 {
                return self.take(text, at + end.trailing_zeros() as usize);
            }
            at += SIXTEEN;
        }
    }

    /// Consumes the first `length` bytes of `text`, and the quote that must follow.
    #[inline(always)]
    fn take(&mut self, text: &'a str, length: usize) -> Option<&'a str> {
        let (text, after) = text.split_at_checked(length)?;
        self.0 = after.strip_prefix('"')?;
        Some(text)
    }

    /// Reads a text of any length.
    #[inline(always)]
    fn text(&mut self) -> Option<Cow<'a, str>> {
        match self.plain() {
            Some(text) => Some(Cow::Borrowed(text)),
            None => self.escaped(),
        }
    }

    /// Reads a text with escapes.
    #[cold]
    fn escaped(&mut self) -> Option<Cow<'a, str>> {
        self.by_serde().map(Cow::Owned)
    }

    /// Reads a text and its shape, if it is short enough for one.
    #[inline(always)]
    fn shaped(&mut self) -> Option<(Cow<'a, str>, Option<Shape>)> {
        let text = self.0.strip_prefix('"')?;
        let mut shape = Shape::default();
        for at in (0..SHAPE_BYTES_MAX).step_by(SIXTEEN) {
            let bytes = sixteen(text.as_bytes().get(at..)?);
            shape.add(bytes, at);
            let end = bits(end(bytes));
            if end != 0 {
                let length = at + end.trailing_zeros() as usize;
                let Some(text) = self.take(text, length) else {
                    break;
                };
                shape.cut(length);
                return Some((Cow::Borrowed(text), Some(shape)));
            }
        }
        self.unusual()
    }

    /// Reads a long text, or one with escapes.
    #[cold]
    fn unusual(&mut self) -> Option<(Cow<'a, str>, Option<Shape>)> {
        let text = self.text()?;
        let shape = Shape::of(text.as_bytes());
        Some((text, shape))
    }

    /// Reads a `source` or an `id`.
    #[inline(always)]
    fn identifier(&mut self) -> Option<Cow<'a, str>> {
        let (text, shape) = self.shaped()?;
        let is_right = (1..=IDENTITY_BYTES_MAX).contains(&text.len())
            && privacy::personal_data_in_identity(&text, shape).is_none();
        is_right.then_some(text)
    }

    #[inline(always)]
    fn code(&mut self) -> Option<Cow<'a, str>> {
        let (text, shape) = self.shaped()?;
        is_code(&text, shape?).then_some(text)
    }

    #[inline(always)]
    fn token(&mut self) -> Option<u64> {
        let (text, shape) = self.shaped()?;
        is_token(&text, shape?).then(|| token_hash(&text))
    }

    #[inline(always)]
    fn country(&mut self) -> Option<Cow<'a, str>> {
        self.text().filter(|text| is_country(text))
    }

    #[inline(always)]
    fn region(&mut self) -> Option<Cow<'a, str>> {
        self.text().filter(|text| is_region(text))
    }

    /// Reads the name of a variant.
    #[inline(always)]
    fn name<T: std::str::FromStr>(&mut self) -> Option<T> {
        self.text()?.parse().ok()
    }

    #[inline(always)]
    fn login(&mut self) -> Option<AnyLogin> {
        match self.0.starts_with('{') {
            true => self.by_serde(),
            false => self.name().map(AnyLogin::Name),
        }
    }

    /// Reads a text, and treats other scalar values as absent.
    #[inline(always)]
    fn text_or_nothing(&mut self) -> Option<Option<Cow<'a, str>>> {
        match self.0.as_bytes().first()? {
            b'"' => self.text().map(Some),
            b'{' | b'[' => None,
            _ => self.by_serde::<Value>().map(|_| None),
        }
    }
}

/// Marks the bytes at which a text without escapes ends: a quote, a backslash, a control character.
#[inline(always)]
fn end(bytes: u8x16) -> u8x16 {
    equal(bytes, b'"') | equal(bytes, b'\\') | within(bytes, 0, 0x1F)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::read_any;
    use crate::wire::{Client, Data, Envelope};
    use crate::{ACCESS_V1, Login, Message, SERVICE_USE_V1, SERVICE_USE_V2};
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

    /// Writes JSON values in forms that other programs choose: any order of fields, white space,
    /// escapes, fields that the contract does not know, and `null`.
    struct Writer {
        random: u64,
        text: String,
    }

    impl Writer {
        fn below(&mut self, limit: u64) -> u64 {
            self.random ^= self.random << 13;
            self.random ^= self.random >> 7;
            self.random ^= self.random << 17;
            self.random % limit
        }

        fn space(&mut self) {
            let space = ["", "", "", " ", "\n  ", "\r\n", "\t"][self.below(7) as usize];
            self.text += space;
        }

        fn string(&mut self, text: &str) {
            self.text.push('"');
            for unit in text.chars() {
                let escaped = match (unit, self.below(60)) {
                    ('"' | '\\', _) => format!("\\{unit}"),
                    ('/', 0..20) => "\\/".to_owned(),
                    ('\0'..' ', _) | (_, 0) => {
                        let units = unit.encode_utf16(&mut [0; 2]).to_vec();
                        units.iter().map(|it| format!("\\u{it:04x}")).collect()
                    }
                    _ => unit.to_string(),
                };
                self.text += &escaped;
            }
            self.text.push('"');
        }

        fn value(&mut self, value: &Value) {
            self.space();
            match value {
                Value::String(text) => self.string(text),
                Value::Object(fields) => {
                    let mut fields: Vec<(String, Value)> = fields.clone().into_iter().collect();
                    if self.below(4) == 0 {
                        let odd = [
                            r#""x\"y""#,
                            "-1.5e3",
                            "true",
                            "null",
                            "[]",
                            r#"[{"a":[1, "]"]}, {}]"#,
                        ][self.below(6) as usize];
                        let odd = serde_json::from_str(odd).expect("it is JSON");
                        fields.push(("traceparent".into(), odd));
                    }
                    if fields.iter().any(|(name, _)| name == "ente") && self.below(3) == 0 {
                        let name = ["service", "session", "client", "login", "channel"]
                            [self.below(5) as usize];
                        if fields.iter().all(|(other, _)| other != name) {
                            fields.push((name.into(), Value::Null));
                        }
                    }
                    for last in (1..fields.len()).rev() {
                        let other = self.below(last as u64 + 1) as usize;
                        fields.swap(last, other);
                    }
                    self.text.push('{');
                    for (at, (name, value)) in fields.iter().enumerate() {
                        if at > 0 {
                            self.text.push(',');
                        }
                        self.space();
                        self.string(name);
                        self.space();
                        self.text.push(':');
                        self.value(value);
                    }
                    self.space();
                    self.text.push('}');
                }
                other => self.text += &other.to_string(),
            }
            self.space();
        }
    }

    /// Writes the same event in another form.
    fn rewritten(event: &str, random: u64) -> String {
        let mut writer = Writer {
            random: random | 1,
            text: String::new(),
        };
        writer.value(&serde_json::from_str(event).expect("an event is JSON"));
        writer.text
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        /// Every event that serde and the general checks accept is read here, with the same result.
        #[test]
        fn it_agrees_with_serde(event in events(), random in any::<u64>()) {
            for text in [rewritten(&event, random), event] {
                prop_assert_eq!(read(text.as_bytes(), WRITTEN), by_serde(text.as_bytes()), "{}", text);
            }
        }

        #[test]
        fn it_agrees_with_serde_on_damaged_events(
            event in events(),
            random in any::<u64>(),
            at in any::<prop::sample::Index>(),
            with in prop::sample::select(b"\"{}[]:,\\ \t\0ax@.0A\xff\xc3".to_vec()),
            how in 0..4,
        ) {
            let mut bytes = rewritten(&event, random).into_bytes();
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = with,
                1 => bytes.insert(at, with),
                2 => drop(bytes.remove(at)),
                _ => bytes.truncate(at),
            }
            if let Some(found) = read(&bytes, WRITTEN) {
                prop_assert_eq!(Some(found), by_serde(&bytes));
            }
        }
    }

    #[test]
    fn only_one_value_of_a_field_is_read() {
        let event = r#"{"specversion":"1.0","type":"it.affluenza.access.v1","source":"s","id":"1",
            "time":"2017-03-26T10:00:00+02:00","data":{"ente":"e","portal":"p"}}"#;
        assert!(read(event.as_bytes(), WRITTEN).is_some());
        for twice in [
            "\"id\":\"1\",",
            "\"data\":{\"ente\":\"e\",\"portal\":\"p\"},",
        ] {
            let event = event.replacen('{', &format!("{{{twice}"), 1);
            assert!(read(event.as_bytes(), WRITTEN).is_none(), "{event}");
            assert!(by_serde(event.as_bytes()).is_none(), "{event}");
        }
        for twice in ["\"ente\":\"e\",", "\"service\":null,\"service\":null,"] {
            let event = event.replace(":{", &format!(":{{{twice}"));
            assert!(read(event.as_bytes(), WRITTEN).is_none(), "{event}");
            assert!(by_serde(event.as_bytes()).is_none(), "{event}");
        }
    }

    #[test]
    fn texts_of_every_length_end_where_they_end() {
        for length in 0..100 {
            let text = "x".repeat(length);
            let quoted = format!("\"{text}\"y");
            let mut json = Json(&quoted);
            assert_eq!(json.text().as_deref(), Some(&*text));
            assert_eq!(json.0, "y");
            let shape = Shape::of(text.as_bytes());
            assert_eq!(Json(&quoted).shaped(), Some((Cow::Borrowed(&*text), shape)));
        }
    }
}
