//! The result of a classification: device, bot class and rule.

use std::fmt;

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, FromRepr, IntoStaticStr, VariantArray};

use super::family::{BrowserFamily, OsFamily};
use super::hints;

/// A device class. The discriminants are the stored form.
///
/// People are all classes except [`Device::Bot`] and [`Device::NoAgent`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[derive(Display, EnumString, FromRepr, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "lowercase")]
#[repr(u8)]
pub enum Device {
    /// No user agent was recorded, as in an event without `client`, and no client hint decides.
    Unknown = 0,
    /// A personal computer, including Chromebooks.
    Desktop = 1,
    /// A smartphone, a phablet or a feature phone.
    Smartphone = 2,
    /// A tablet or an e-reader.
    Tablet = 3,
    /// A program rather than a person: crawler, monitor, link preview, HTTP library.
    Bot = 4,
    /// Television, console, car, watch, headset, speaker or camera.
    Other = 5,
    /// The client sent no user agent, and no client hint decides. Browsers always send one.
    #[serde(rename = "no-agent")]
    #[strum(serialize = "no-agent")]
    NoAgent = 6,
}

/// The purpose of a bot. The discriminants are the stored form; 0 stands for "no bot".
///
/// [`DeviceVerdict::rule`] holds the rule that chose the class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[derive(EnumString, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
#[repr(u8)]
pub enum BotClass {
    /// Search engines, archives, SEO tools and feed readers.
    Crawler = 1,
    /// Probes of availability, speed and quality.
    Monitor = 2,
    /// Fetches one page to show a card, an image or a translation.
    Preview = 3,
    /// HTTP libraries, command-line tools and remote-controlled browsers.
    Library = 4,
    /// Collects for, or acts on behalf of, a language model.
    Ai = 5,
    /// Security scanners, and user agents that are not a browser and fit no other class.
    Other = 6,
}

/// The name of a rule, such as `tablet.ipad`. Names are stored, so a name never changes its
/// meaning.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct RuleId(&'static str);

impl RuleId {
    /// No user agent was recorded, and no hint decides.
    pub(super) const NOT_RECORDED: Self = Self("unknown.not-recorded");
    /// The recorded user agent is empty, and no hint decides.
    pub(super) const EMPTY: Self = Self("no-agent.empty");
    /// No rule knows the string. Browsers of people are known, so it counts as a bot.
    pub(super) const UNRESOLVED: Self = Self("bot.unresolved");
    /// The configuration names the bot.
    pub(super) const CONFIGURED: Self = Self("bot.configured");

    /// Returns the names of the rules that are in no file.
    pub(super) fn built_in() -> impl Iterator<Item = Self> {
        let of_code = [
            Self::NOT_RECORDED,
            Self::EMPTY,
            Self::UNRESOLVED,
            Self::CONFIGURED,
        ];
        of_code.into_iter().chain(hints::RULES)
    }

    pub(super) const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The stored name, such as `tablet.ipad`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
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

/// The classification of a user agent. Does not contain the user agent itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct DeviceVerdict {
    /// The device class.
    pub device: Device,
    /// The purpose of the bot; `None` if and only if the device is not a bot.
    pub bot: Option<BotClass>,
    /// The rule that decided the device class.
    pub rule: RuleId,
    /// The browser family; `other` for bots.
    pub browser: BrowserFamily,
    /// The family of the operating system; `other` for bots.
    pub os: OsFamily,
}

impl DeviceVerdict {
    /// Returns the verdict for a user agent that was recorded: if it is empty, the client sent none.
    #[must_use]
    pub fn of_recorded(self) -> Self {
        match self.device {
            Device::Unknown => Self {
                device: Device::NoAgent,
                rule: RuleId::EMPTY,
                ..self
            },
            _ => self,
        }
    }

    /// Returns the verdict on a bot.
    pub(super) const fn bot(class: BotClass, rule: RuleId) -> Self {
        Self {
            device: Device::Bot,
            bot: Some(class),
            rule,
            browser: BrowserFamily::Other,
            os: OsFamily::Other,
        }
    }
}
