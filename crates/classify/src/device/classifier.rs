//! Evaluates the rules, and then the client hints.

use woothee::parser::Parser;

use super::agent;
use super::class::{BotClass, Device, DeviceVerdict, RuleId};
use super::family::{BrowserFamily, OsFamily};
use super::hints::{self, BeforeHints, Hints};
use super::parse::woothee_mark;
use super::rule::{Marks, Says, first_family};
use super::rules::DeviceRules;

/// Classifies a user agent and its client hints by the rules of this process.
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
    DeviceRules::in_use().classify(user_agent, hints)
}

/// The verdict on the user agent alone, before client hints.
struct ByAgent {
    says: Says,
    rule: RuleId,
    marks: Marks,
    by_convention: bool,
    no_agent: bool,
}

/// The verdict on an empty user agent: the device is unknown.
const NO_AGENT: ByAgent = ByAgent {
    says: Says::Is(Device::Unknown),
    rule: RuleId::NOT_RECORDED,
    marks: Marks::NONE,
    by_convention: true,
    no_agent: true,
};

impl DeviceRules {
    /// Classifies a user agent and its client hints by these rules, as [`classify`] does.
    #[must_use]
    pub fn classify(&self, user_agent: impl AsRef<[u8]>, hints: &Hints) -> DeviceVerdict {
        let text = agent::readable(agent::cut(user_agent.as_ref()));
        let by_agent = if text.is_empty() {
            NO_AGENT
        } else {
            self.by_agent(&text)
        };
        self.refined(&by_agent, *hints)
    }

    fn by_agent(&self, text: &str) -> ByAgent {
        let category = Parser::new().parse(text).map_or("", |found| found.category);
        let (found, marks) = self.matcher.look(text.as_bytes());
        let marks = marks | woothee_mark(category);
        let decided = self.rules.iter().enumerate().find(|(place, rule)| {
            (found.has(*place) || !rule.has_tokens) && rule.conditions.are_met_by(marks)
        });
        let (says, rule, by_convention) = match decided {
            Some((_, rule)) => (rule.says, rule.id, rule.by_convention),
            None => (Says::Bot(BotClass::Other), RuleId::UNRESOLVED, false),
        };
        ByAgent {
            says,
            rule,
            marks,
            by_convention,
            no_agent: false,
        }
    }

    fn refined(&self, by_agent: &ByAgent, hints: Hints) -> DeviceVerdict {
        let device = match by_agent.says {
            Says::Is(device) => device,
            Says::Bot(class) => return DeviceVerdict::bot(class, by_agent.rule),
        };
        let before = BeforeHints {
            device,
            by_convention: by_agent.by_convention,
            is_macintosh: by_agent.marks.has_any(self.macintosh),
            no_agent: by_agent.no_agent,
        };
        let os = first_family(&self.systems, by_agent.marks).unwrap_or(OsFamily::Other);
        let (device, rule, os) = match hints::refine(hints, before) {
            Some((device, rule)) => (device, rule, hints::system(hints, rule).unwrap_or(os)),
            None => (device, by_agent.rule, os),
        };
        let browser = first_family(&self.browsers, by_agent.marks);
        DeviceVerdict {
            device,
            bot: None,
            rule,
            browser: browser.unwrap_or(BrowserFamily::Other),
            os,
        }
    }
}
