//! The class of device behind a user agent, and the rule that says so.
//!
//! `woothee` reads the string first. Then the rules of [`Layer`] are asked in order,
//! and the first that holds decides; where none does, `woothee`'s answer stands, and
//! a string that nobody knows is a bot. Client hints come last and refine what an
//! ordinary browser is on; they never make a person of a bot.

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

/// The version of the rules, stored beside every verdict.
///
/// Any change of rules, tokens or of `woothee` itself must change it; the test
/// `rules_version` compares it with a hash of all of them and of the verdicts on the
/// labelled corpus. Year, month, and a number within the month.
pub const RULES_VERSION: &str = "2026.11.2";

/// How many bytes of a user agent are looked at; the rest of a longer one is not.
pub const AGENT_BYTES_MAX: usize = 1_024;
