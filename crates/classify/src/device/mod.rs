//! Device class of a user agent, with the rule that decided it.
//!
//! `woothee` parses the string first. The rules are then evaluated in the order of their files
//! (`rules/README.md`), and the first rule that holds decides. The last file uses the result of
//! `woothee`. A string that no rule knows is a bot. Client hints come last and refine the device of ordinary browsers;
//! they never turn a bot into a person.

mod agent;
mod cache;
mod class;
mod classifier;
mod family;
mod hints;
mod matcher;
mod own;
mod parse;
mod rule;
mod rules;
mod token;

pub use cache::{CacheLimits, CachedClassifier};
pub use class::{BotClass, Device, DeviceVerdict, RuleId};
pub use classifier::classify;
pub use family::{BrowserFamily, OsFamily};
pub use hints::{ClientPlatform, FormFactors, Hints};
pub use own::ConfiguredBots;
pub use rules::{DeviceRules, RuleFile, RuleFileError};

/// Maximum length of a user agent in bytes; the rest of a longer one is ignored.
pub const AGENT_BYTES_MAX: usize = 1_024;
