//! The time zones of the register's portals, made once.

use std::collections::HashMap;
use std::sync::Arc;

use affluenza_classify::hours::{UnknownZone, Zone};
use affluenza_register::Register;

/// Every zone that an ente or a portal is in.
pub struct Zones {
    named: HashMap<String, Arc<Zone>>,
    usual: Arc<Zone>,
}

impl Zones {
    /// The zones of this register.
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

    /// The zone of that name, or the usual one.
    pub fn named(&self, name: Option<&str>) -> Arc<Zone> {
        name.and_then(|name| self.named.get(name))
            .map_or_else(|| self.usual(), Arc::clone)
    }

    /// The zone of whoever the register does not know.
    pub fn usual(&self) -> Arc<Zone> {
        Arc::clone(&self.usual)
    }
}
