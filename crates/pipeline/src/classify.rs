//! Classifies an event as a fact, by register, device, hour and place.

use affluenza_classify::device::{
    CacheLimits, CachedClassifier, ConfiguredBots, DeviceRules, Hints,
};
use affluenza_classify::geo::Geo;
use affluenza_classify::hours::{Zone, days_since_1970};
use affluenza_event::{Activity, ClientAttributes, Event, Outcome, Resource};
use affluenza_kafka::Offset;
use affluenza_register::{Ente, Portal, PortalKind, Register, Service};
use affluenza_store::retention::Boundary;
use affluenza_store::{Fact, FactBlock, VisitAttributes};
use jiff::civil::Date;
use xxhash_rust::xxh3::xxh3_64;

/// Category of a service use that is not in the register. The use is kept and reported; a rebuild
/// assigns its category once the service is registered.
pub(crate) const UNREGISTERED: &str = "unregistered";
/// Stored resource of a page that was answered with an error.
const ERROR: i8 = 3;

/// Classifies events as facts. The same event under the same [`Classifier::rules`] always gives the
/// same fact.
pub struct Classifier {
    register: Register,
    devices: CachedClassifier,
    /// Time zone of an ente that is not in the register.
    default_zone: Zone,
    geo: Geo,
    rules: String,
    /// Start of the retention period. Events of earlier local days are not stored.
    boundary: Boundary,
}

/// More than any difference of a local time to UTC.
const DAY_MS: i64 = 86_400_000;

impl Classifier {
    /// Creates a classifier. `geo` may be without a database; `own_bots` are bots that the device
    /// rules do not know.
    pub fn new(register: Register, geo: Geo, own_bots: ConfiguredBots) -> Self {
        let devices = DeviceRules::in_use().version();
        let mut rules = format!("{devices}+{}", register.version());
        if let Some((_, built)) = geo.edition() {
            let checksum = geo.checksum() >> 32;
            rules.push_str(&format!("+geo{built}.{checksum:08x}"));
        }
        if !own_bots.is_empty() {
            let names: Vec<&[u8]> = own_bots.names().collect();
            let digest = xxh3_64(&names.join(&b'\n'));
            rules.push_str(&format!("+bots{:08x}", digest >> 32));
        }
        Self {
            devices: CachedClassifier::new(CacheLimits::default()).with_bots(own_bots),
            default_zone: Zone::default(),
            register,
            geo,
            rules,
            boundary: Boundary::default(),
        }
    }

    /// Returns the version of device rules, register, geography and configured bots together.
    pub fn rules(&self) -> &str {
        &self.rules
    }

    /// Returns true if facts of the event's local day are kept. The ledger counts by local day, too.
    pub(crate) fn is_within_retention(&self, event: &Event<'_>) -> bool {
        let begins = self.boundary.event_ms();
        if event.time.0 >= begins.saturating_add(DAY_MS) {
            return true;
        }
        if event.time.0 < begins.saturating_sub(DAY_MS) {
            return false;
        }
        let codes = [&*event.ente, &*event.portal, &*event.service];
        let entries = RegisterEntries::find(&self.register, codes);
        let local = entries
            .zone()
            .unwrap_or(&self.default_zone)
            .local(event.time.0);
        u16::try_from(days_since_1970(local.date)).unwrap_or(0) >= self.boundary.day
    }

    /// Sets the start of the retention period.
    pub(crate) fn keep_from(&mut self, boundary: Boundary) {
        self.boundary = boundary;
    }

    /// Returns the hits and misses of the user agent cache.
    pub(crate) const fn cached(&self) -> (u64, u64) {
        self.devices.hits_and_misses()
    }

    /// Classifies `event` and adds it to `facts`.
    pub fn push(&mut self, event: &Event<'_>, offset: Offset, facts: &mut FactBlock) {
        self.classify(event, offset, |fact| facts.push(fact));
    }

    /// Classifies `event` and passes its fact to `show`, as the fact borrows from both.
    pub fn classify<R>(
        &mut self,
        event: &Event<'_>,
        offset: Offset,
        show: impl FnOnce(&Fact<'_>) -> R,
    ) -> R {
        let agent = event.client.user_agent.as_deref();
        let mut verdict = self
            .devices
            .classify(agent.unwrap_or_default(), &hints(&event.client));
        if agent.is_some() {
            verdict = verdict.of_recorded();
        }
        let entries =
            RegisterEntries::find(&self.register, [&event.ente, &event.portal, &event.service]);
        let local = entries
            .zone()
            .unwrap_or(&self.default_zone)
            .local(event.time.0);
        let [ente, portal, service] = entries.codes();
        let place = event.client.ip.map(|ip| self.geo.place(ip));
        let (country, region) = match &place {
            Some(place) if place.country.is_known() => (
                place.country.as_str(),
                place.region.code().unwrap_or_default(),
            ),
            _ => (&*event.client.country, &*event.client.region),
        };
        let (activity, kind, resource) = match event.activity {
            Activity::Access(Resource::Page) if event.outcome == Outcome::Failed => (1, 0, ERROR),
            Activity::Access(resource) => (1, 0, resource as i8),
            Activity::ServiceUse(kind) => (2, kind as i8, 0),
        };
        show(&Fact {
            time_ms: event.time.0,
            hour_start: u32::try_from(local.hour_start_utc).unwrap_or(0),
            local_date: u16::try_from(days_since_1970(local.date)).unwrap_or(0),
            local_hour: local.hour,
            band: local.band as i8,
            ente,
            portal,
            service,
            category: entries.category_on(local.date),
            activity,
            kind,
            resource,
            outcome: event.outcome as i8,
            attributes: VisitAttributes {
                portal_kind: entries.portal_kind().map_or(0, |kind| kind as i8),
                device: verdict.device as i8,
                device_rule: verdict.rule.as_str(),
                login: event.login as i8,
                channel: event.channel as i8,
                country,
                region,
            },
            session: event.session,
            visitor: event.visitor,
            identity: event.identity.0,
            kafka_offset: offset.0.unsigned_abs(),
        })
    }
}

/// Codes of an event or of a fact, and the entries of the register that they name.
pub(crate) struct RegisterEntries<'r> {
    sent: [&'r str; 3],
    ente: Option<&'r Ente>,
    portal: Option<&'r Portal>,
    service: Option<&'r Service>,
}

impl<'r> RegisterEntries<'r> {
    /// Finds the entries of the codes of ente, portal and service.
    pub(crate) fn find(register: &'r Register, sent: [&'r str; 3]) -> Self {
        let [ente, portal, service] = sent;
        let ente = register.ente(ente);
        Self {
            sent,
            ente,
            portal: ente.and_then(|ente| register.portal(ente, portal)),
            service: match service {
                "" => None,
                code => register.service(code),
            },
        }
    }

    /// Returns the register's codes of ente, portal and service, or those sent where it has none.
    pub(crate) fn codes(&self) -> [&'r str; 3] {
        let [ente, portal, service] = self.sent;
        [
            self.ente.map_or(ente, Ente::code),
            self.portal.map_or(portal, Portal::code),
            self.service.map_or(service, Service::code),
        ]
    }

    /// Returns the category of the service on `day`; empty for an access outside any service.
    pub(crate) fn category_on(&self, day: Date) -> &'r str {
        match (self.ente, self.service) {
            _ if self.sent[2].is_empty() => "",
            (Some(_), Some(service)) => service.category_on(day).code(),
            _ => UNREGISTERED,
        }
    }

    /// Returns the kind of the portal, if known.
    pub(crate) fn portal_kind(&self) -> Option<PortalKind> {
        self.portal.and_then(Portal::kind)
    }

    fn zone(&self) -> Option<&'r Zone> {
        let of_portal = self.portal.map(Portal::zone);
        of_portal.or_else(|| self.ente.map(Ente::zone))
    }
}

fn hints(client: &ClientAttributes<'_>) -> Hints {
    let mut hints = Hints::NONE;
    if !client.form_factors.is_empty() {
        hints = hints.form_factors(&client.form_factors);
    }
    if !client.platform.is_empty() {
        hints = hints.platform(&client.platform);
    }
    if let Some(mobile) = client.mobile {
        hints = hints.mobile(if mobile { "?1" } else { "?0" });
    }
    if let Some(points) = client.touch_points {
        hints = hints.touch_points(u32::from(points));
    }
    hints
}

#[cfg(test)]
mod tests {
    use super::*;
    use affluenza_classify::device::Device;
    use affluenza_classify::hours::Band;
    use affluenza_event::{Channel, Kind, Login, UnixMillis};
    use affluenza_store::usage::Dimension;
    use strum::VariantArray;

    fn assert_codes<T>(dimension: Dimension, code: impl Fn(T) -> i8)
    where
        T: VariantArray + Copy + Into<&'static str>,
    {
        for value in T::VARIANTS {
            let name: &str = (*value).into();
            assert_eq!(dimension.code(name), Some(code(*value)), "{name}");
        }
    }

    /// Returns resource and device of an access with these fields.
    fn access(fields: &str) -> (i8, Device) {
        let register = Register::parse(include_str!("../../../deploy/register.toml")).unwrap();
        let mut classifier = Classifier::new(register, Geo::none(), ConfiguredBots::default());
        let record = format!(
            r#"{{"specversion":"1.0","type":"it.affluenza.access.v1","source":"https://test","id":"1","time":"2017-03-05T10:00:00+01:00","data":{{"ente":"c_d612","portal":"www"{fields}}}}}"#
        );
        let event = affluenza_event::parse(record.as_bytes(), UnixMillis(i64::MAX)).unwrap();
        classifier.classify(&event, Offset(0), |fact| {
            let device = fact.attributes.device.unsigned_abs();
            (fact.resource, Device::from_repr(device).unwrap())
        })
    }

    #[test]
    fn error_answers_and_clients_without_user_agent_are_apart() {
        let page = Resource::Page as i8;
        for (fields, resource, device) in [
            ("", page, Device::Unknown),
            (r#","client":{}"#, page, Device::Unknown),
            (r#","client":{"user_agent":null}"#, page, Device::Unknown),
            (r#","client":{"user_agent":""}"#, page, Device::NoAgent),
            (r#","client":{"user_agent":"-"}"#, page, Device::NoAgent),
            (r#","client":{"user_agent":"curl/8.1"}"#, page, Device::Bot),
            (r#","outcome":"failed""#, ERROR, Device::Unknown),
            (r#","outcome":"abandoned""#, page, Device::Unknown),
            (
                r#","outcome":"failed","resource":"asset""#,
                Resource::Asset as i8,
                Device::Unknown,
            ),
        ] {
            assert_eq!(access(fields), (resource, device), "{fields}");
        }
    }

    #[test]
    fn facts_have_the_codes_of_the_schema() {
        assert_codes(Dimension::Device, |device: Device| device as i8);
        assert_codes(Dimension::Band, |band: Band| band as i8);
        assert_codes(Dimension::Kind, |kind: Kind| kind as i8);
        assert_codes(Dimension::Login, |login: Login| login as i8);
        assert_codes(Dimension::Channel, |channel: Channel| channel as i8);
        assert_codes(Dimension::PortalKind, |kind: PortalKind| kind as i8);
        let outcomes = Outcome::VARIANTS.iter().map(|it| ((*it).into(), *it as i8));
        assert_column("outcome", outcomes.collect());
        let resources = Resource::VARIANTS
            .iter()
            .map(|it| ((*it).into(), *it as i8));
        assert_column(
            "resource",
            resources.chain([("none", 0), ("error", ERROR)]).collect(),
        );
        assert_column("activity", vec![("access", 1), ("service-use", 2)]);
    }

    /// Compares the values of a column that is no dimension.
    fn assert_column(column: &str, values: Vec<(&str, i8)>) {
        let schema = include_str!("../../../schemas/clickhouse/0001_usage_events.sql");
        let begins = format!("    {column} Enum8(");
        let line = schema.lines().find_map(|line| line.strip_prefix(&begins));
        let (listed, _) = line.and_then(|line| line.split_once(')')).expect("a list");
        let mut listed: Vec<&str> = listed.split(", ").collect();
        let mut expected: Vec<String> = values
            .iter()
            .map(|(name, code)| format!("'{name}' = {code}"))
            .collect();
        listed.sort_unstable();
        expected.sort_unstable();
        assert_eq!(listed, expected, "{column}");
    }
}
