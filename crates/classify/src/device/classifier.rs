//! Combines the layers of rules into one verdict.

use woothee::parser::Parser;

use super::agent;
use super::class::{BotClass, Device, DeviceVerdict, RuleId};
use super::family::{self, BrowserFamily, OsFamily};
use super::hints::{self, BeforeHints, Hints};
use super::matcher;
use super::rule::{Marks, Says};
use super::rules::{NO_AGENT, RULES, UNRESOLVED};

/// Classifies a user agent and its client hints.
///
/// Accepts text or bytes, reads the first [`AGENT_BYTES_MAX`](super::AGENT_BYTES_MAX) bytes, and
/// never fails. Takes about 2 µs; [`CachedClassifier`](super::CachedClassifier) is faster.
///
/// ```
/// use affluenza_classify::device::{classify, BotClass, Device, Hints};
///
/// let verdict = classify("curl/8.5.0", &Hints::NONE);
/// assert_eq!((verdict.device, verdict.bot), (Device::Bot, Some(BotClass::Library)));
/// assert_eq!(verdict.rule.as_str(), "bot.http-library");
/// ```
#[must_use]
pub fn classify(user_agent: impl AsRef<[u8]>, hints: &Hints) -> DeviceVerdict {
    let text = agent::readable(agent::cut(user_agent.as_ref()));
    let by_agent = if text.is_empty() {
        no_agent()
    } else {
        by_rules(&text)
    };
    by_agent.refined(*hints)
}

/// The verdict on the user agent alone, before client hints.
struct ByAgent {
    says: Says,
    rule: RuleId,
    marks: Marks,
    by_convention: bool,
    no_agent: bool,
}

const fn no_agent() -> ByAgent {
    ByAgent {
        says: Says::Is(Device::Other),
        rule: NO_AGENT,
        marks: Marks::NONE,
        by_convention: true,
        no_agent: true,
    }
}

fn by_rules(text: &str) -> ByAgent {
    let base = woothee_marks(text);
    let (found, marks) = matcher::look(text.as_bytes());
    let marks = marks | base;
    let decided = RULES
        .iter()
        .enumerate()
        .find(|(place, rule)| rule.holds(found.has(*place), marks));
    let (says, rule, by_convention) = match decided {
        Some((_, rule)) => (rule.says, RuleId::new(rule.id), rule.by_convention),
        None => (Says::Bot(BotClass::Other), UNRESOLVED, false),
    };
    ByAgent {
        says,
        rule,
        marks,
        by_convention,
        no_agent: false,
    }
}

fn woothee_marks(text: &str) -> Marks {
    let category = Parser::new().parse(text).map_or("", |found| found.category);
    match category {
        "pc" => Marks::WOOTHEE_PC,
        "smartphone" => Marks::WOOTHEE_SMARTPHONE,
        "mobilephone" => Marks::WOOTHEE_MOBILEPHONE,
        "crawler" => Marks::WOOTHEE_CRAWLER,
        "appliance" => Marks::WOOTHEE_APPLIANCE,
        "misc" => Marks::WOOTHEE_MISC,
        _ => Marks::NONE,
    }
}

impl ByAgent {
    fn refined(self, hints: Hints) -> DeviceVerdict {
        let device = match self.says {
            Says::Is(device) => device,
            Says::Bot(class) => {
                return DeviceVerdict {
                    device: Device::Bot,
                    bot: Some(class),
                    rule: self.rule,
                    browser: BrowserFamily::Other,
                    os: OsFamily::Other,
                };
            }
        };
        let before = BeforeHints {
            device,
            by_convention: self.by_convention,
            is_macintosh: self.marks.has_any(Marks::MACINTOSH),
            no_agent: self.no_agent,
        };
        let (browser, os) = family::families(self.marks);
        let (device, rule, os) = match hints::refine(hints, before) {
            Some((device, rule)) => (device, rule, hints::system(hints, rule).unwrap_or(os)),
            None => (device, self.rule, os),
        };
        DeviceVerdict {
            device,
            bot: None,
            rule,
            browser,
            os,
        }
    }
}
