//! Device class of a user agent, with the rule that decided it.
//!
//! `woothee` parses the string first. The rules are then evaluated in the order of [`Layer`], and
//! the first rule that holds decides. The fallback layer uses the result of `woothee`. A string
//! that no rule knows is a bot. Client hints come last and refine the device of ordinary browsers;
//! they never turn a bot into a person.

mod agent;
mod cache;
mod class;
mod classifier;
mod family;
mod hints;
mod matcher;
mod own;
mod rule;
mod rules;
mod token;
#[cfg(test)]
mod version;

pub use cache::{CacheLimits, CachedClassifier};
pub use class::{BotClass, Device, DeviceVerdict, RuleId, UnknownName};
pub use classifier::classify;
pub use family::{BrowserFamily, OsFamily};
pub use hints::{FormFactors, Hints, Platform};
pub use own::OwnBots;
pub use rule::Layer;

pub(crate) use class::stored_enum;

/// Version of the rules, stored with every verdict: year, month, and a number within the month.
///
/// Every change of rules, tokens or `woothee` needs a new version. The test `rules_version`
/// compares the version with a hash of the tables and of the verdicts on the labelled corpus.
pub const RULES_VERSION: &str = "2026.11.2";

/// Maximum length of a user agent in bytes; the rest of a longer one is ignored.
pub const AGENT_BYTES_MAX: usize = 1_024;
