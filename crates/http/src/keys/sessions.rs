use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::keys::ended::EndedSessions;
use crate::keys::secret::decode_digest;
use crate::keys::{Key, KeyError, KeyRefusal, KeyRing, Role, file};

/// Begins and checks sessions: texts that stand for a reader's key until a time.
///
/// A session is made with a secret that the key file does not hold, so a copy of that file is not
/// enough to make one.
pub struct Sessions {
    secret: [u8; 32],
    longest: SignedDuration,
    ended: EndedSessions,
}

/// Key and end of a session. No two sessions of a key end in the same microsecond.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SessionEnd<'s> {
    /// Id of the key.
    pub id: &'s str,
    /// End, in microseconds since 1970.
    pub until: i64,
}

impl Sessions {
    /// Reads the secret from a file, or creates the file. If it cannot be created, sessions end with
    /// the process. No session is accepted that ends later than `longest` from now. The file with the
    /// extension `ended` has the sessions whose readers signed out.
    ///
    /// # Errors
    /// A file exists and is damaged, or cannot be read.
    pub fn open(path: &Path, longest: SignedDuration) -> Result<Self, KeyError> {
        let secret = match read(path)? {
            Some(secret) => secret,
            None => create(path).or_else(|error| {
                tracing::warn!(%error, "sessions of the pages end when this server does");
                random()
            })?,
        };
        Ok(Self {
            secret,
            longest,
            ended: EndedSessions::open(path.with_extension("ended"))?,
        })
    }

    /// Duration of a new session.
    pub fn longest(&self) -> SignedDuration {
        self.longest
    }

    /// Returns a session of the presented key.
    ///
    /// # Errors
    /// The key is not accepted, or is not a reader's.
    pub fn begin(&self, ring: &KeyRing, presented: &str) -> Result<String, KeyRefusal> {
        let key = ring.check(presented)?;
        if key.role != Role::Reader {
            return Err(KeyRefusal::NoReader);
        }
        let until = (Timestamp::now() + self.longest).as_microsecond();
        let mark = hex::encode(self.mark(&key, until));
        Ok(format!("{}.{until}.{mark}", key.id))
    }

    /// Ends a session: no copy of it is accepted any longer.
    ///
    /// # Errors
    /// The text is no session, or has ended already.
    pub fn end(&self, ring: &KeyRing, session: &str) -> Result<(), KeyRefusal> {
        let (session, _) = self.accepted(ring, session)?;
        self.ended.end(&session, Timestamp::now().as_microsecond());
        Ok(())
    }

    /// Returns the key of a session.
    ///
    /// # Errors
    /// The session or its key has ended, the session was not made with this secret, or the text has not
    /// the form of a session.
    pub fn check(&self, ring: &KeyRing, session: &str) -> Result<Arc<Key>, KeyRefusal> {
        self.accepted(ring, session).map(|(_, key)| key)
    }

    fn accepted<'s>(
        &self,
        ring: &KeyRing,
        session: &'s str,
    ) -> Result<(SessionEnd<'s>, Arc<Key>), KeyRefusal> {
        let mut parts = session.splitn(3, '.');
        let (Some(id), Some(until), Some(mark)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(KeyRefusal::Malformed);
        };
        let until: i64 = until.parse().map_err(|_| KeyRefusal::Malformed)?;
        let mark = decode_digest(mark).ok_or(KeyRefusal::Malformed)?;
        let key = ring.stored(id).map_err(|_| KeyRefusal::SessionEnded)?;
        if !bool::from(self.mark(&key, until).ct_eq(&mark)) {
            return Err(KeyRefusal::SessionEnded);
        }
        let now = Timestamp::now();
        let seconds = now.as_second() + 1..=(now + self.longest).as_second();
        let session = SessionEnd { id, until };
        if !seconds.contains(&(until / 1_000_000)) || self.ended.has(&session) {
            return Err(KeyRefusal::SessionEnded);
        }
        if key.role != Role::Reader {
            return Err(KeyRefusal::NoReader);
        }
        key.usable()?;
        Ok((session, key))
    }

    /// Returns a keyed hash of a key and the end of its session, in the form of HMAC.
    fn mark(&self, key: &Key, until: i64) -> [u8; 32] {
        let inner = Sha256::new()
            .chain_update(self.secret)
            .chain_update([0x36])
            .chain_update(until.to_be_bytes())
            .chain_update(&key.id)
            .chain_update(&key.hash)
            .finalize();
        let outer = Sha256::new().chain_update(self.secret).chain_update([0x5c]);
        outer.chain_update(inner).finalize().into()
    }
}

fn read(path: &Path) -> Result<Option<[u8; 32]>, KeyError> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        text => text.map_err(KeyError::io(path))?,
    };
    match decode_digest(text.trim()) {
        Some(secret) => Ok(Some(secret)),
        None => Err(KeyError::Damaged {
            path: path.to_owned(),
            cause: "the file of the sessions is not 64 hexadecimal digits".to_owned(),
        }),
    }
}

/// Creates the file, unless another process has just done so. Only its owner can read it.
fn create(path: &Path) -> Result<[u8; 32], KeyError> {
    let _lock = file::lock(path)?;
    if let Some(secret) = read(path)? {
        return Ok(secret);
    }
    let secret = random()?;
    file::write_draft(path, &hex::encode(secret))?;
    file::replace(path)?;
    Ok(secret)
}

fn random() -> Result<[u8; 32], KeyError> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(KeyError::Random)?;
    Ok(secret)
}
