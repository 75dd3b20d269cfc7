//! The tables: every rule, in the order it is asked.
//!
//! A rule names a family of devices or a convention, never one string. Facts come
//! from makers' lists of models, the documentation of crawlers and libraries, and
//! what the labelled corpus in `tests/fixtures` shows.

mod bot;
mod desktop;
mod marks;
mod other;
mod phone;
mod tablet;

use std::sync::LazyLock;

use super::class::RuleId;
use super::hints;
use super::rule::{Layer, Rule};

pub(super) use marks::MARKS;

/// No user agent, and no hint either.
pub(super) const NO_AGENT: RuleId = RuleId::new("other.no-user-agent");
/// A string that no rule knows: people's browsers are known.
pub(super) const UNRESOLVED: RuleId = RuleId::new("bot.unresolved");
/// A bot that the configuration names.
pub(super) const CONFIGURED: RuleId = RuleId::new("bot.configured");

const LAYERS: [(Layer, &[Rule]); 7] = [
    (Layer::Bot, bot::RULES),
    (Layer::Other, other::RULES),
    (Layer::Tablet, tablet::RULES),
    (Layer::Phone, phone::RULES),
    (Layer::Convention, phone::CONVENTIONS),
    (Layer::Desktop, desktop::RULES),
    (Layer::Fallback, desktop::FALLBACK),
];

/// Every rule, in the order it is asked.
pub(super) static RULES: LazyLock<Box<[Rule]>> = LazyLock::new(|| {
    LAYERS
        .iter()
        .flat_map(|(_, rules)| rules.iter().copied())
        .collect()
});

/// The layer of a rule.
pub(super) fn layer_of(id: RuleId) -> Layer {
    let in_tables = LAYERS
        .iter()
        .find(|(_, rules)| rules.iter().any(|rule| rule.id == id.as_str()));
    match in_tables {
        Some((layer, _)) => *layer,
        None if id == CONFIGURED => Layer::Bot,
        None if hints::RULES.contains(&id) => Layer::Hint,
        None => Layer::Fallback,
    }
}

/// The names of all rules, those of the hints included.
pub(super) fn ids() -> impl Iterator<Item = RuleId> {
    let of_tables = RULES.iter().map(|rule| RuleId::new(rule.id));
    of_tables
        .chain([NO_AGENT, UNRESOLVED, CONFIGURED])
        .chain(hints::RULES)
}
