//! Daily pseudonyms of visitors and sessions, with separate secrets for each ente.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, PoisonError, RwLock};

use crate::pseudonym::{Day, Pseudonyms};
use affluenza_classify::hours::{Zone, days_since_1970};
use affluenza_event::{UnixMillis, VisitorToken};

/// Pseudonyms of all enti. The secrets are in memory only: after a restart, a visitor gets another
/// token for the rest of the day.
#[derive(Default)]
pub struct Salts {
    enti: RwLock<HashMap<Box<str>, Arc<EntePseudonyms>>>,
}

struct EntePseudonyms {
    pseudonyms: Pseudonyms,
    zone: Zone,
    /// Local day of the newest token.
    day: std::sync::atomic::AtomicI32,
}

/// Makes the tokens of one ente on one day.
pub struct Tokens {
    held: Arc<EntePseudonyms>,
    ente: Box<str>,
    day: Day,
}

impl Salts {
    /// Returns the token maker of `ente` at `now`.
    pub fn of(&self, ente: &str, zone: &Zone, now: UnixMillis) -> Tokens {
        let held = self.held(ente, zone);
        let day = days_since_1970(held.zone.local(now.0).date);
        held.day
            .fetch_max(day, std::sync::atomic::Ordering::Relaxed);
        Tokens {
            held,
            ente: ente.into(),
            day: Day(day),
        }
    }

    fn held(&self, ente: &str, zone: &Zone) -> Arc<EntePseudonyms> {
        if let Some(held) = self
            .enti
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(ente)
        {
            return Arc::clone(held);
        }
        let mut enti = self.enti.write().unwrap_or_else(PoisonError::into_inner);
        let held = enti.entry(ente.into()).or_insert_with(|| {
            Arc::new(EntePseudonyms {
                pseudonyms: Pseudonyms::default(),
                zone: zone.clone(),
                day: i32::MIN.into(),
            })
        });
        Arc::clone(held)
    }

    /// Overwrites the secrets of days that are over at `now`, and removes their enti.
    pub fn forget_past(&self, now: UnixMillis) {
        let mut enti = self.enti.write().unwrap_or_else(PoisonError::into_inner);
        enti.retain(|_, held| {
            let today = days_since_1970(held.zone.local(now.0).date);
            let is_current = held.day.load(std::sync::atomic::Ordering::Relaxed) >= today;
            if !is_current {
                held.pseudonyms.forget();
            }
            is_current
        });
    }

    /// Number of enti whose secrets are in memory.
    pub fn len(&self) -> usize {
        self.enti
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }
}

impl Tokens {
    /// Returns the token of a visitor. `parts` is the portal's identifier, or address and user
    /// agent.
    pub fn visitor(&self, parts: &[&[u8]]) -> io::Result<VisitorToken> {
        self.held.pseudonyms.token(self.day, &self.ente, parts)
    }

    /// Returns the token of a session. It differs from that of a visitor with the same identifier.
    pub fn session(&self, session: &[u8]) -> io::Result<VisitorToken> {
        self.visitor(&[b"session", session, b""])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-03-29 23:59:59 in Rome, on the day on which summer time begins.
    const EVENING: UnixMillis = UnixMillis(1_774_821_599_000);

    #[test]
    fn the_secret_of_a_day_is_gone_when_the_day_is_over() {
        let (salts, zone) = (Salts::default(), Zone::default());
        let token = |now| salts.of("e", &zone, now).visitor(&[b"v"]).unwrap();
        let before = token(EVENING);
        salts.forget_past(EVENING);
        assert_eq!(token(EVENING), before, "23:59:59 is still the same day");
        let midnight = UnixMillis(EVENING.0 + 1_000);
        salts.forget_past(midnight);
        assert_eq!(salts.len(), 0);
        assert_ne!(token(midnight), before);
        assert_ne!(token(EVENING), before, "the past does not come back");
    }

    #[test]
    fn neither_enti_nor_visitors_and_sessions_can_be_linked() {
        let (salts, zone) = (Salts::default(), Zone::default());
        let one = salts.of("e", &zone, EVENING);
        let other = salts.of("f", &zone, EVENING);
        assert_ne!(
            one.visitor(&[b"x"]).unwrap(),
            other.visitor(&[b"x"]).unwrap()
        );
        assert_ne!(one.visitor(&[b"x"]).unwrap(), one.session(b"x").unwrap());
    }
}
