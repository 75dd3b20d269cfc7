use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantNames};

use crate::keys::{KeyError, KeyRefusal};

/// Maximum length of a key's name, in bytes.
const NAME_BYTES_MAX: usize = 100;

/// Role of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[derive(Display, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "lowercase")]
#[strum(parse_err_ty = String, parse_err_fn = unknown_role)]
pub enum Role {
    /// Reads the figures of the enti in its scope.
    Reader,
    /// Sends events.
    Writer,
    /// Reads the figures of every ente.
    Admin,
}

fn unknown_role(_: &str) -> String {
    format!("use one of {}", Role::VARIANTS.join(", "))
}

/// Set of codes that a key gives access to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Every code.
    #[default]
    All,
    /// Only the listed codes.
    #[serde(untagged)]
    Only(BTreeSet<String>),
}

impl Scope {
    /// Creates a scope of the listed codes.
    pub fn of<T: Into<String>>(codes: impl IntoIterator<Item = T>) -> Self {
        Self::Only(codes.into_iter().map(Into::into).collect())
    }

    /// Returns true if the scope includes `code`.
    pub fn covers(&self, code: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(codes) => codes.contains(code),
        }
    }

    /// Returns the listed codes; `None` for [`Scope::All`].
    pub fn codes(&self) -> Option<&BTreeSet<String>> {
        match self {
            Self::All => None,
            Self::Only(codes) => Some(codes),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Only(codes) => f.write_str(
                &codes
                    .iter()
                    .map(String::as_str)
                    .collect::<Vec<_>>()
                    .join(","),
            ),
        }
    }
}

/// A stored key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Eight hexadecimal digits. They are also part of the secret text.
    pub id: String,
    /// Name for the operator, 1 to 100 bytes.
    pub name: String,
    /// Role that decides which operations the key permits.
    pub role: Role,
    /// Enti that the key gives access to.
    #[serde(default)]
    pub enti: Scope,
    /// Portals that a writer may send events for.
    #[serde(default)]
    pub portals: Scope,
    /// Values of `source` that a writer may send.
    #[serde(default)]
    pub sources: Scope,
    /// Time of creation.
    pub created: Timestamp,
    /// Time from which the key is refused. `None` means that the key does not expire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// Time of the revocation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Timestamp>,
    /// SHA-256 of the secret, as 64 hexadecimal digits.
    pub hash: String,
}

impl Key {
    /// Fails if the key has ended.
    pub(crate) fn usable(&self) -> Result<(), KeyRefusal> {
        if self.revoked.is_some() {
            return Err(KeyRefusal::Revoked);
        }
        if self.expires.is_some_and(|at| at <= Timestamp::now()) {
            return Err(KeyRefusal::Expired);
        }
        Ok(())
    }
}

/// Attributes of a new key.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// Name for the operator, 1 to 100 bytes.
    pub name: String,
    /// Role that decides which operations the key permits.
    pub role: Role,
    /// Enti that the key gives access to.
    pub enti: Scope,
    /// Portals that a writer may send events for.
    pub portals: Scope,
    /// Values of `source` that a writer may send.
    pub sources: Scope,
    /// Time from which the key is refused. `None` means that the key does not expire.
    pub expires: Option<Timestamp>,
}

impl NewKey {
    /// Creates a key of unlimited scope that never expires.
    pub fn new(name: impl Into<String>, role: Role) -> Self {
        Self {
            name: name.into(),
            role,
            enti: Scope::All,
            portals: Scope::All,
            sources: Scope::All,
            expires: None,
        }
    }

    pub(crate) fn check(&self, now: Timestamp) -> Result<(), KeyError> {
        match self.defect(now) {
            None => Ok(()),
            Some(text) => Err(KeyError::Invalid(text.to_owned())),
        }
    }

    fn defect(&self, now: Timestamp) -> Option<&'static str> {
        let name = self.name.trim();
        if name.is_empty()
            || self.name.len() > NAME_BYTES_MAX
            || self.name.chars().any(char::is_control)
        {
            return Some("a key needs a name of 1 to 100 bytes, on one line");
        }
        if self.role != Role::Writer && (self.portals != Scope::All || self.sources != Scope::All) {
            return Some("portals and sources narrow a writer only: leave them out");
        }
        if self.role == Role::Admin && self.enti != Scope::All {
            return Some("an admin reaches every ente: leave enti out, or make a reader");
        }
        let mut lists = [&self.enti, &self.portals, &self.sources]
            .into_iter()
            .filter_map(Scope::codes);
        if lists.any(|codes| codes.is_empty()) {
            return Some("an empty list gives access to nothing: name at least one");
        }
        if self.expires.is_some_and(|at| at <= now) {
            return Some("the key would have expired already: give a later date");
        }
        None
    }
}
