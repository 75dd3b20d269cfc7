//! A rule: conditions on the marks and tokens of a user agent, and the verdict if they hold.

use std::ops::{BitOr, BitOrAssign};

use super::class::{BotClass, Device, RuleId};

/// The result of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    Bot(BotClass),
    Is(Device),
}

/// A rule. It holds if its conditions hold and, if it has tokens, one of them occurs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    pub(super) id: RuleId,
    pub(super) says: Says,
    pub(super) has_tokens: bool,
    pub(super) conditions: Conditions,
    /// True for a convention rather than the name of a device. Weak client hints may override it.
    pub(super) by_convention: bool,
}

/// Conditions on the marks of a user agent:
///
/// - all marks of `all` are set;
/// - one of the marks `either` is set, or `either` is empty;
/// - no mark of `unless` is set.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Conditions {
    pub(super) all: Marks,
    pub(super) either: Marks,
    pub(super) unless: Marks,
}

impl Conditions {
    /// True if the conditions hold for a user agent with these marks.
    #[inline]
    pub(super) fn are_met_by(self, marks: Marks) -> bool {
        marks.has_all(self.all)
            && (self.either == Marks::NONE || marks.has_any(self.either))
            && !marks.has_any(self.unless)
    }
}

/// A family of browsers or systems, for user agents that meet the conditions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Family<F> {
    pub(super) family: F,
    pub(super) conditions: Conditions,
}

/// Returns the first family whose conditions hold.
pub(super) fn first_family<F: Copy>(families: &[Family<F>], marks: Marks) -> Option<F> {
    let mut entries = families.iter();
    let found = entries.find(|entry| entry.conditions.are_met_by(marks))?;
    Some(found.family)
}

/// A set of properties of a user agent that rules check in addition to their own tokens. The files
/// of rules name the properties.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Marks(u64);

impl Marks {
    pub(super) const NONE: Self = Self(0);

    /// Maximum number of different marks.
    pub(super) const COUNT_MAX: usize = 64;

    /// The mark with this number, less than [`Marks::COUNT_MAX`].
    pub(super) const fn numbered(number: usize) -> Self {
        Self(1 << number)
    }

    pub(super) const fn has_any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) const fn has_all(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Marks {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Marks {
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}
