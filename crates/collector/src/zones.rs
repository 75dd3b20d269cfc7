//! Time zones of the register's enti and portals, parsed once.

use std::collections::HashMap;
use std::sync::Arc;

use affluenza_classify::hours::{UnknownZone, Zone};
use affluenza_register::Register;

/// Time zones by name.
pub struct Zones {
    named: HashMap<String, Arc<Zone>>,
    usual: Arc<Zone>,
}

impl Zones {
    /// Parses the time zones of a register.
    pub fn of(register: &Register) -> Result<Self, UnknownZone> {
        let names = register
            .portals()
            .map(|portal| portal.zone().iana_name())
            .chain(register.enti().map(|ente| ente.zone().iana_name()));
        let mut named = HashMap::new();
        for name in names.flatten() {
            if !named.contains_key(name) {
                named.insert(name.to_owned(), Arc::new(Zone::named(name)?));
            }
        }
        Ok(Self {
            named,
            usual: Arc::default(),
        })
    }

    /// Returns the zone with that name, or the default.
    pub fn named(&self, name: Option<&str>) -> Arc<Zone> {
        name.and_then(|name| self.named.get(name))
            .map_or_else(|| self.usual(), Arc::clone)
    }

    /// Returns the zone for enti that are not in the register.
    pub fn usual(&self) -> Arc<Zone> {
        Arc::clone(&self.usual)
    }
}
