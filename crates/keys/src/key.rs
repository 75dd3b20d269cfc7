use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::KeyError;

/// Longest name of a key, in bytes.
const NAME_BYTES_MAX: usize = 100;

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Asks for figures.
    Reader,
    /// Sends events.
    Writer,
    /// Asks for the figures of every ente, and for what concerns the service itself.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Reader, Self::Writer, Self::Admin];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Writer => "writer",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|role| role.name() == text)
            .ok_or_else(|| "use reader, writer or admin".to_owned())
    }
}

/// Codes that a key reaches: all, or those of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Whatever there is.
    #[default]
    All,
    /// These only.
    #[serde(untagged)]
    Only(BTreeSet<String>),
}

impl Scope {
    /// These codes only.
    pub fn of<T: Into<String>>(codes: impl IntoIterator<Item = T>) -> Self {
        Self::Only(codes.into_iter().map(Into::into).collect())
    }

    /// Whether `code` is among them.
    pub fn covers(&self, code: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(codes) => codes.contains(code),
        }
    }

    /// The list, unless it is all.
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

/// A key as it is kept: everything but the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Eight hexadecimal digits, a part of the secret too.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// Enti that it reaches.
    #[serde(default)]
    pub enti: Scope,
    /// For a writer: portals whose events it may send.
    #[serde(default)]
    pub portals: Scope,
    /// For a writer: values of `source` that it may send.
    #[serde(default)]
    pub sources: Scope,
    /// When it was made.
    pub created: Timestamp,
    /// From when on it is no longer accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// When it was withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Timestamp>,
    /// SHA-256 of the secret, 64 hexadecimal digits.
    pub hash: String,
}

impl Key {
    /// Whether it may send an event of this ente, portal and source.
    pub fn may_write(&self, ente: &str, portal: &str, source: &str) -> bool {
        self.role == Role::Writer
            && self.enti.covers(ente)
            && self.portals.covers(portal)
            && self.sources.covers(source)
    }

    /// Whether it may ask for figures of this ente.
    pub fn may_read(&self, ente: &str) -> bool {
        match self.role {
            Role::Admin => true,
            Role::Reader => self.enti.covers(ente),
            Role::Writer => false,
        }
    }
}

/// What a new key shall be.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// Enti that it reaches.
    pub enti: Scope,
    /// For a writer: portals whose events it may send.
    pub portals: Scope,
    /// For a writer: values of `source` that it may send.
    pub sources: Scope,
    /// From when on it is no longer accepted.
    pub expires: Option<Timestamp>,
}

impl NewKey {
    /// A key that reaches everything and never expires.
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
        let invalid = |text: &str| Err(KeyError::Invalid(text.to_owned()));
        let name = self.name.trim();
        if name.is_empty()
            || self.name.len() > NAME_BYTES_MAX
            || self.name.chars().any(char::is_control)
        {
            return invalid("a key needs a name of 1 to 100 bytes, on one line");
        }
        if self.role != Role::Writer && (self.portals != Scope::All || self.sources != Scope::All) {
            return invalid("portals and sources narrow a writer only: leave them out");
        }
        if self.role == Role::Admin && self.enti != Scope::All {
            return invalid("an admin reaches every ente: leave enti out, or make a reader");
        }
        let empty = |scope: &Scope| scope.codes().is_some_and(BTreeSet::is_empty);
        if empty(&self.enti) || empty(&self.portals) || empty(&self.sources) {
            return invalid("an empty list reaches nothing: name what the key shall reach");
        }
        if self.expires.is_some_and(|at| at <= now) {
            return invalid("the key would have expired already: give a later date");
        }
        Ok(())
    }
}
