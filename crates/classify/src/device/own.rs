//! Bots of one installation: its own probes, link checkers and scripts.

use super::class::{BotClass, DeviceVerdict, RuleId};

/// Parts of user agents that mark a bot, in addition to the rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfiguredBots(Vec<Box<[u8]>>);

impl ConfiguredBots {
    /// Creates the set of bots whose user agent contains one of `names`, case-insensitively. Skips
    /// empty names, which would match every user agent.
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

    /// True if no bots are configured.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names in lower case, sorted and without duplicates, so that equal sets have equal lists.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(|name| &**name)
    }

    /// Returns the verdict `bot.configured` if the user agent contains one of the names.
    pub(super) fn verdict(&self, agent: &[u8]) -> Option<DeviceVerdict> {
        self.names()
            .any(|name| {
                agent
                    .windows(name.len())
                    .any(|part| part.eq_ignore_ascii_case(name))
            })
            .then_some(DeviceVerdict::bot(BotClass::Other, RuleId::CONFIGURED))
    }
}
