//! Classifies an event as a fact, by register, device, hour and place.

use hashbrown::HashMap;

use affluenza_classify::device::{
    CacheLimits, CachedClassifier, ConfiguredBots, DeviceRules, Hints,
};
use affluenza_classify::geo::Geo;
use affluenza_classify::hours::{LocalDate, UnknownZone, Zone};
use affluenza_event::{Activity, ClientAttributes, Event};
use affluenza_kafka::Offset;
use affluenza_register::{Ente, Portal, Register, Service};
use affluenza_store::retention::Boundary;
use affluenza_store::{Fact, FactBlock, VisitAttributes};
use xxhash_rust::xxh3::xxh3_64;

/// Category of a service use that is not in the register. The use is kept and reported; a rebuild
/// assigns its category once the service is registered.
pub(crate) const UNREGISTERED: &str = "unregistered";
/// Time zone of a portal that is not in the register.
const DEFAULT_ZONE: &str = "Europe/Rome";

/// Classifies events as facts. The same event under the same [`Classifier::rules`] always gives the
/// same fact.
pub struct Classifier {
    register: Register,
    devices: CachedClassifier,
    zones: HashMap<String, Zone>,
    default_zone: Zone,
    geo: Geo,
    rules: String,
    /// Start of the retention period, in milliseconds since 1970. Earlier events are not stored.
    kept_from_ms: i64,
}

impl Classifier {
    /// Creates a classifier. `geo` may be without a database; `own_bots` are bots that the device
    /// rules do not know.
    pub fn new(
        register: Register,
        geo: Geo,
        own_bots: ConfiguredBots,
    ) -> Result<Self, UnknownZone> {
        let mut zones = HashMap::new();
        let names = register
            .portals()
            .map(|portal| portal.zone().iana_name())
            .chain(register.enti().map(|ente| ente.zone().iana_name()));
        for name in names.flatten() {
            if !zones.contains_key(name) {
                zones.insert(name.to_owned(), Zone::named(name)?);
            }
        }
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
        Ok(Self {
            devices: CachedClassifier::new(CacheLimits::default()).with_bots(own_bots),
            zones,
            default_zone: Zone::named(DEFAULT_ZONE)?,
            register,
            geo,
            rules,
            kept_from_ms: i64::MIN,
        })
    }

    /// Returns the version of device rules, register, geography and configured bots together.
    pub fn rules(&self) -> &str {
        &self.rules
    }

    /// Returns true if facts of the event's time are kept.
    pub(crate) fn is_within_retention(&self, event: &Event<'_>) -> bool {
        event.time.0 >= self.kept_from_ms
    }

    /// Sets the start of the retention period.
    pub(crate) fn keep_from(&mut self, boundary: Boundary) {
        self.kept_from_ms = boundary.event_ms();
    }

    /// Returns the hits and misses of the user agent cache.
    pub(crate) const fn cached(&self) -> (u64, u64) {
        self.devices.hits_and_misses()
    }

    /// Returns ente and portal of an event, if they are registered, and the time zone for its
    /// hours.
    fn whose(&self, event: &Event<'_>) -> (Option<&Ente>, Option<&Portal>, &Zone) {
        let ente = self.register.ente(&event.ente);
        let portal = ente.and_then(|ente| self.register.portal(ente, &event.portal));
        let zone = portal
            .map(Portal::zone)
            .or_else(|| ente.map(Ente::zone))
            .and_then(|zone| zone.iana_name())
            // Nearly all portals use the default zone: skip the look-up.
            .filter(|name| *name != DEFAULT_ZONE)
            .and_then(|name| self.zones.get(name))
            .unwrap_or(&self.default_zone);
        (ente, portal, zone)
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
        let verdict = self
            .devices
            .classify(event.client.user_agent.as_bytes(), &hints(&event.client));
        let (ente, portal, zone) = self.whose(event);
        let local = zone.local(event.time.0);
        let service = match &*event.service {
            "" => None,
            code => self.register.service(code),
        };
        let category = match (ente, service) {
            _ if event.service.is_empty() => "",
            (Some(_), Some(service)) => service.category_on(civil(local.date)).code(),
            _ => UNREGISTERED,
        };
        let place = event.client.ip.map(|ip| self.geo.place(ip));
        let (country, region) = match &place {
            Some(place) if place.country.is_known() => (
                place.country.as_str(),
                place.region.code().unwrap_or_default(),
            ),
            _ => (&*event.client.country, &*event.client.region),
        };
        let (activity, kind, resource) = match event.activity {
            Activity::Access(resource) => (1, 0, resource.code()),
            Activity::ServiceUse(kind) => (2, kind.code(), 0),
        };
        show(&Fact {
            time_ms: event.time.0,
            hour_start: u32::try_from(local.hour_start_utc).unwrap_or(0),
            local_date: u16::try_from(local.date.days()).unwrap_or(0),
            local_hour: local.hour,
            band: local.band as i8,
            ente: ente.map_or(&*event.ente, Ente::code),
            portal: portal.map_or(&*event.portal, Portal::code),
            service: service.map_or(&*event.service, Service::code),
            category,
            activity,
            kind,
            resource,
            outcome: event.outcome.code(),
            attributes: VisitAttributes {
                device: verdict.device as i8,
                device_rule: verdict.rule.as_str(),
                login: event.login.code(),
                channel: event.channel.code(),
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

fn civil(date: LocalDate) -> jiff::civil::Date {
    // A month is at most 12, a day at most 31: the casts cannot overflow.
    jiff::civil::date(date.year(), date.month() as i8, date.day() as i8)
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
    use affluenza_classify::device::Device;
    use affluenza_classify::hours::Band;
    use affluenza_event::Kind;
    use affluenza_store::usage::Dimension;

    #[test]
    fn facts_have_the_codes_of_the_schema() {
        for device in Device::ALL {
            let code = Dimension::Device.code(device.as_str());
            assert_eq!(code, Some(*device as i8), "{device}");
        }
        for band in Band::ALL {
            let code = Dimension::Band.code(band.as_str());
            assert_eq!(code, Some(band as i8), "{}", band.as_str());
        }
        for kind in Kind::ALL {
            let code = Dimension::Kind.code(kind.as_str());
            assert_eq!(code, Some(kind.code()), "{kind}");
        }
    }
}
