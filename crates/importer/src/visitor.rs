//! Visitor tokens: pseudonyms that cannot be linked across days or enti.

use std::collections::HashMap;
use std::io;

use affluenza_event::VisitorToken;
use jiff::civil::Date;
use rand::TryRng;
use rand::rngs::SysRng;
use sha2::{Digest, Sha256};

/// Secret input of a visitor token.
pub type Salt = [u8; 32];

/// Source of salts. An import asks once for each day of the log, and again after
/// [`SaltsHeld::Expired`].
pub trait SaltSource {
    /// Returns the salt of a day.
    fn salt(&mut self, day: Date) -> io::Result<Salt>;

    /// Deletes the salts that are not needed any more. An import calls this at each new day, and
    /// whenever a followed log has no more lines.
    fn expire(&mut self) -> io::Result<SaltsHeld> {
        Ok(SaltsHeld::Valid)
    }
}

/// State of the salts that an import holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaltsHeld {
    /// The import may use them.
    Valid,
    /// The import must forget them, and ask for those that it needs.
    Expired,
}

/// Salts from the operating system's random generator. They exist in memory only, for one import.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemSalts;

impl SystemSalts {
    /// Returns a new salt.
    pub(crate) fn random(self) -> io::Result<Salt> {
        let mut salt = Salt::default();
        SysRng.try_fill_bytes(&mut salt).map_err(io::Error::other)?;
        Ok(salt)
    }
}

impl SaltSource for SystemSalts {
    fn salt(&mut self, _day: Date) -> io::Result<Salt> {
        self.random()
    }
}

/// Token generator of one import.
pub(crate) struct Visitors {
    ente: String,
    source: Box<dyn SaltSource + Send>,
    /// Hash state after salt and ente, by day of the portal.
    days: HashMap<Date, Sha256>,
}

impl Visitors {
    pub(crate) fn new(ente: &str, source: impl SaltSource + Send + 'static) -> Self {
        Self {
            ente: ente.to_owned(),
            source: Box::new(source),
            days: HashMap::new(),
        }
    }

    /// Forgets the salts that expired.
    pub(crate) fn expire(&mut self) -> io::Result<()> {
        if self.source.expire()? == SaltsHeld::Expired {
            self.days.clear();
        }
        Ok(())
    }

    /// Returns the token of the visitor from `host` with `agent` on `day`.
    pub(crate) fn token(
        &mut self,
        day: Date,
        host: &[u8],
        agent: &[u8],
    ) -> io::Result<VisitorToken> {
        let mut hash = match self.days.get(&day) {
            Some(hash) => hash.clone(),
            None => {
                self.expire()?;
                let hash = Sha256::new()
                    .chain_update(self.source.salt(day)?)
                    .chain_update(&self.ente)
                    .chain_update([0xFF]);
                self.days.insert(day, hash.clone());
                hash
            }
        };
        hash.update(host);
        // A space ends the host in the log, so no host contains one.
        hash.update(b" ");
        hash.update(agent);
        Ok(VisitorToken::new(hash.finalize().into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counted(u8);

    impl SaltSource for Counted {
        fn salt(&mut self, _day: Date) -> io::Result<Salt> {
            self.0 += 1;
            Ok([self.0; 32])
        }
    }

    fn token(visitors: &mut Visitors, day: i8, host: &str) -> String {
        let day = jiff::civil::date(2026, 5, day);
        let token = visitors.token(day, host.as_bytes(), b"agent").unwrap();
        token.as_str().to_owned()
    }

    #[test]
    fn a_visitor_is_the_same_within_a_day_and_another_on_the_next() {
        let mut visitors = Visitors::new("e", Counted(0));
        let monday = token(&mut visitors, 1, "203.0.113.7");
        let tuesday = token(&mut visitors, 2, "203.0.113.7");
        assert_eq!(monday, token(&mut visitors, 1, "203.0.113.7"));
        assert_ne!(monday, tuesday);
        assert_ne!(monday, token(&mut visitors, 1, "203.0.113.8"));
        // Another import draws other salts.
        let mut again = Visitors::new("e", Counted(9));
        assert_ne!(monday, token(&mut again, 1, "203.0.113.7"));
        // Even the same salt does not link two enti.
        let mut elsewhere = Visitors::new("f", Counted(0));
        assert_ne!(monday, token(&mut elsewhere, 1, "203.0.113.7"));
    }

    #[test]
    fn the_system_gives_a_new_salt_each_time() {
        let salt = || SystemSalts.salt(jiff::civil::date(2026, 5, 14)).unwrap();
        assert_ne!(salt(), salt());
    }
}
