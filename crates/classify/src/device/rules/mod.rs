//! The tables of all rules, in the order of evaluation.
//!
//! A rule describes a family of devices or a convention, never a single string. The sources are
//! lists of models published by makers, documentation of crawlers and libraries, and the labelled
//! corpus in `tests/fixtures`.

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

/// No user agent, and no hint that decides.
pub(super) const NO_AGENT: RuleId = RuleId::new("other.no-user-agent");
/// No rule knows the string. Browsers of people are known, so it counts as a bot.
pub(super) const UNRESOLVED: RuleId = RuleId::new("bot.unresolved");
/// The configuration names the bot.
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

/// All rules, in the order of evaluation.
pub(super) static RULES: LazyLock<Box<[Rule]>> = LazyLock::new(|| {
    LAYERS
        .iter()
        .flat_map(|(_, rules)| rules.iter().copied())
        .collect()
});

/// Returns the layer of a rule.
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

/// Returns the names of all rules, including those of client hints.
pub(super) fn ids() -> impl Iterator<Item = RuleId> {
    let of_tables = RULES.iter().map(|rule| RuleId::new(rule.id));
    of_tables
        .chain([NO_AGENT, UNRESOLVED, CONFIGURED])
        .chain(hints::RULES)
}
