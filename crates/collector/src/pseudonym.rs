//! Daily pseudonyms of visitors.

use std::fmt;
use std::io;
use std::sync::{Mutex, PoisonError};

use affluenza_event::VisitorToken;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Day number from any epoch. Use the local date of the portal, so that a visitor counts once a
/// day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i32);

const SALT_BYTES: usize = 32;

struct Today {
    day: Day,
    salt: Zeroizing<[u8; SALT_BYTES]>,
}

/// Generates pseudonyms of visitors, with a new random salt each day.
///
/// The salt exists only in memory. The first token of the next day or [`Pseudonyms::forget`]
/// overwrites it. After that, no token can be traced to an identifier or linked to a token of
/// another day. The hash also includes the ente, so tokens of different enti cannot be linked. A
/// restarted process draws a new salt, so a visitor then counts twice on that day.
#[derive(Default)]
pub struct Pseudonyms {
    today: Mutex<Option<Today>>,
}

impl Pseudonyms {
    /// Returns the token of a visitor at `ente` on `day`. `identifier` has one or more parts, such
    /// as an address and a user agent. An earlier day than the newest one uses the newest salt,
    /// because its own salt is gone.
    ///
    /// # Errors
    /// If the operating system returns no random bytes.
    pub fn token(&self, day: Day, ente: &str, identifier: &[&[u8]]) -> io::Result<VisitorToken> {
        let mut hash = self.begin(day)?;
        for part in std::iter::once(&ente.as_bytes()).chain(identifier) {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Ok(VisitorToken::new(hash.finalize().into()))
    }

    fn begin(&self, day: Day) -> io::Result<Sha256> {
        let mut today = self.today.lock().unwrap_or_else(PoisonError::into_inner);
        if today.as_ref().is_none_or(|today| today.day < day) {
            let mut salt = Zeroizing::new([0; SALT_BYTES]);
            getrandom::fill(&mut salt[..]).map_err(io::Error::other)?;
            // Dropping the old salt overwrites it.
            *today = Some(Today { day, salt });
        }
        let salt = &today.as_ref().expect("it was set above").salt;
        Ok(Sha256::new().chain_update(&salt[..]))
    }

    /// Returns true while a salt is in memory.
    #[cfg(test)]
    pub fn has_salt(&self) -> bool {
        let held = self.today.lock().unwrap_or_else(PoisonError::into_inner);
        held.is_some()
    }

    /// Overwrites the salt. Later tokens cannot be linked to earlier ones.
    pub fn forget(&self) {
        *self.today.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pseudonyms").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visitor_is_the_same_within_a_day_and_an_ente() {
        let one = Pseudonyms::default();
        let token = |day, ente, who: &[&[u8]]| one.token(Day(day), ente, who).unwrap();
        let monday = token(1, "e", &[b"203.0.113.7", b"agent"]);
        assert_eq!(monday, token(1, "e", &[b"203.0.113.7", b"agent"]));
        assert_ne!(monday, token(1, "f", &[b"203.0.113.7", b"agent"]));
        assert_ne!(monday, token(1, "e", &[b"203.0.113.8", b"agent"]));
        // The length prefix keeps the parts separate.
        assert_ne!(monday, token(1, "e", &[b"203.0.113.7a", b"gent"]));
        let tuesday = token(2, "e", &[b"203.0.113.7", b"agent"]);
        assert_ne!(monday, tuesday);
        // An earlier day does not bring the old salt back.
        assert_eq!(tuesday, token(1, "e", &[b"203.0.113.7", b"agent"]));
        one.forget();
        assert_ne!(tuesday, token(2, "e", &[b"203.0.113.7", b"agent"]));
    }

    #[test]
    fn a_forgotten_salt_does_not_come_back() {
        let one = Pseudonyms::default();
        let monday = one.token(Day(1), "e", &[b"a"]).unwrap();
        assert!(one.has_salt());
        one.forget();
        assert!(!one.has_salt());
        assert_ne!(monday, one.token(Day(1), "e", &[b"a"]).unwrap());
    }

    #[test]
    fn two_processes_share_nothing() {
        let token = |one: &Pseudonyms| one.token(Day(1), "e", &[b"a"]).unwrap();
        assert_ne!(token(&Pseudonyms::default()), token(&Pseudonyms::default()));
    }

    #[test]
    fn a_token_is_accepted_as_a_visitor() {
        let token = Pseudonyms::default().token(Day(1), "e", &[b"a"]).unwrap();
        assert_eq!(token.as_str().len(), 32);
        assert!(token.as_str().bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
}
