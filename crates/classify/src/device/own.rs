//! Bots that only one installation knows: its own probes, link checkers and scripts.

use super::class::{BotClass, Device, DeviceVerdict};
use super::family::{BrowserFamily, OsFamily};
use super::rules::CONFIGURED;

/// Parts of user agents that make a bot of whoever sends them, beside the rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnBots(Vec<Box<[u8]>>);

impl OwnBots {
    /// Bots whose user agent contains one of `names`, in any case. Empty names are left out: they
    /// would be in every user agent.
    pub fn new<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> Self {
        let mut names: Vec<Box<[u8]>> = names
            .into_iter()
            .map(|name| name.as_ref().to_ascii_lowercase())
            .filter(|name| !name.is_empty())
            .map(|name| name.into_bytes().into())
            .collect();
        names.sort_unstable();
        names.dedup();
        Self(names)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names, in lower case and in order: the same for the same bots.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(|name| &**name)
    }

    /// The verdict on a user agent that one of the names is in.
    pub(super) fn verdict(&self, agent: &[u8]) -> Option<DeviceVerdict> {
        let is_in = |name: &[u8]| {
            agent
                .windows(name.len())
                .any(|part| part.eq_ignore_ascii_case(name))
        };
        self.names().any(is_in).then_some(DeviceVerdict {
            device: Device::Bot,
            bot: Some(BotClass::Other),
            rule: CONFIGURED,
            browser: BrowserFamily::Other,
            os: OsFamily::Other,
        })
    }
}
