//! What a classification says.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::family::{BrowserFamily, OsFamily};
use super::rule::Layer;
use super::rules;

/// A name that is none of the known ones.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} {name:?}")]
pub struct UnknownName {
    /// What was looked for: `device`, `bot class` and the like.
    pub what: &'static str,
    /// The name as given.
    pub name: String,
}

/// Gives an enum of unit variants its stored numbers and its names.
macro_rules! stored_enum {
    ($type:ident, $what:literal, { $($variant:ident => $name:literal),+ $(,)? }) => {
        impl $type {
            /// Every value, by stored number.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name used in JSON, SQL and metrics.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The value stored as `number`, if there is one.
            #[must_use]
            pub fn from_u8(number: u8) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| *value as u8 == number)
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::device::UnknownName;

            fn from_str(name: &str) -> Result<Self, Self::Err> {
                let found = Self::ALL.iter().copied().find(|value| value.as_str() == name);
                found.ok_or_else(|| $crate::device::UnknownName { what: $what, name: name.to_owned() })
            }
        }
    };
}
pub(crate) use stored_enum;

/// A class of device. The discriminants are the stored form.
///
/// 0 is never used: an event without a user agent is [`Device::Other`] by the rule
/// `other.no-user-agent` (unless client hints tell more), so the five classes always
/// add up to all events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Device {
    /// A personal computer, Chromebooks included.
    Desktop = 1,
    /// A smartphone, a phablet or a feature phone.
    Smartphone = 2,
    /// A tablet or an e-reader.
    Tablet = 3,
    /// No person: crawler, monitor, link preview, HTTP library.
    Bot = 4,
    /// Television, console, car, watch, headset, speaker, camera; or no user agent.
    Other = 5,
}

stored_enum!(Device, "device", {
    Desktop => "desktop",
    Smartphone => "smartphone",
    Tablet => "tablet",
    Bot => "bot",
    Other => "other",
});

/// What a bot is for. The discriminants are the stored form; 0 stands for "no bot".
///
/// The reason is the rule of the verdict, the version of the list
/// [`RULES_VERSION`](super::RULES_VERSION).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum BotClass {
    /// Search engines, archives, SEO and feed readers: whoever walks the web.
    Crawler = 1,
    /// Availability, speed and quality probes.
    Monitor = 2,
    /// Fetches one page to show a card, an image or a translation of it.
    Preview = 3,
    /// HTTP libraries, command-line tools and remote-controlled browsers.
    Library = 4,
    /// Collects for, or acts on behalf of, a language model.
    Ai = 5,
    /// Security scanners, and what is no browser and says no more.
    Other = 6,
}

stored_enum!(BotClass, "bot class", {
    Crawler => "crawler",
    Monitor => "monitor",
    Preview => "preview",
    Library => "library",
    Ai => "ai",
    Other => "other",
});

/// The name of a rule, such as `tablet.ipad`. Names are stored, so they are never
/// given a second meaning.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct RuleId(&'static str);

impl RuleId {
    pub(super) const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// The layer the rule is in.
    #[must_use]
    pub fn layer(self) -> Layer {
        rules::layer_of(self)
    }

    /// The names of all rules of this version, in the order they are asked.
    pub fn all() -> impl Iterator<Item = Self> {
        rules::ids()
    }
}

impl FromStr for RuleId {
    type Err = UnknownName;

    /// The rule with this name in this version.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::all().find(|rule| rule.0 == name);
        found.ok_or_else(|| UnknownName {
            what: "rule",
            name: name.to_owned(),
        })
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RuleId({})", self.0)
    }
}

/// What is known of the device behind a user agent. The string is not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct DeviceVerdict {
    /// The class of device.
    pub device: Device,
    /// What the bot is for; `None` exactly if the device is no bot.
    pub bot: Option<BotClass>,
    /// The rule that decided the device.
    pub rule: RuleId,
    /// The family of the browser; `other` for bots.
    pub browser: BrowserFamily,
    /// The family of the operating system; `other` for bots.
    pub os: OsFamily,
}

impl DeviceVerdict {
    /// Whether this counts as a person.
    #[must_use]
    pub fn is_human(&self) -> bool {
        self.device != Device::Bot
    }
}
