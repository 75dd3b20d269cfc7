//! Reads the files of rules. `rules/README.md` describes their form.

use std::collections::HashMap;
use std::sync::Arc;

use regex::bytes::{Regex, RegexBuilder};

use super::class::RuleId;
use super::family::{BrowserFamily, OsFamily};
use super::matcher::{FoundRules, OwnedToken, Owner};
use super::rule::{Conditions, Family, Marks, Rule, Says};
use super::token::{RuleToken, Side, TokenShape};

/// Categories of `woothee`. Each sets a mark, such as `woothee-pc`.
const WOOTHEE_MARKS: [&str; 6] = [
    "woothee-pc",
    "woothee-smartphone",
    "woothee-mobilephone",
    "woothee-crawler",
    "woothee-appliance",
    "woothee-misc",
];

/// Returns the mark of a category of `woothee`, such as `pc`.
pub(super) fn woothee_mark(category: &str) -> Marks {
    let number = WOOTHEE_MARKS
        .iter()
        .position(|mark| mark.strip_prefix("woothee-") == Some(category));
    number.map_or(Marks::NONE, Marks::numbered)
}

/// The content of the files read so far.
#[derive(Debug)]
pub(super) struct RuleReader {
    pub(super) rules: Vec<Rule>,
    pub(super) browsers: Vec<Family<BrowserFamily>>,
    pub(super) systems: Vec<Family<OsFamily>>,
    pub(super) tokens: Vec<OwnedToken>,
    marks: Vec<&'static str>,
    shapes: HashMap<&'static str, Arc<TokenShape>>,
    section: RuleSection,
}

/// The kind of the section that the next line belongs to. Its entry is the last one of its list.
#[derive(Debug, Clone, Copy)]
enum RuleSection {
    None,
    Mark(Marks),
    Shape(&'static str),
    Rule,
    Browser,
    System,
}

impl RuleReader {
    pub(super) fn new() -> Self {
        Self {
            rules: Vec::new(),
            browsers: Vec::new(),
            systems: Vec::new(),
            tokens: Vec::new(),
            marks: WOOTHEE_MARKS.to_vec(),
            shapes: HashMap::new(),
            section: RuleSection::None,
        }
    }

    /// Reads a line that is neither empty nor a comment. The error describes the problem.
    pub(super) fn read(&mut self, line: &'static str) -> Result<(), String> {
        if let Some(header) = line.strip_prefix('[') {
            self.end_section()?;
            let header = header.strip_suffix(']').ok_or("the header has no `]`")?;
            let words: Vec<&'static str> = header.split_whitespace().collect();
            return self.begin_section(&words);
        }
        let (keyword, value) = line.split_once(' ').unwrap_or((line, ""));
        let value = value.trim();
        match (self.section, keyword) {
            (RuleSection::None, _) => Err("the line stands before the first header".to_owned()),
            (RuleSection::Shape(name), _) => self.read_shape(name, keyword, value),
            (RuleSection::Mark(mark), _) => self.read_token(keyword, value, Owner::Mark(mark)),
            (_, "all" | "either" | "unless") => self.read_condition(keyword, value),
            (RuleSection::Rule, "convention") => {
                self.rule()?.by_convention = true;
                Ok(())
            }
            (RuleSection::Rule, _) => {
                self.rule()?.has_tokens = true;
                let place = self.rules.len() - 1;
                let owner = match self.rule()?.says {
                    Says::Bot(_) => Owner::Bot(place),
                    Says::Is(_) => Owner::Rule(place),
                };
                self.read_token(keyword, value, owner)
            }
            (RuleSection::Browser | RuleSection::System, _) => Err(format!(
                "{keyword:?} is no condition: use all, either or unless"
            )),
        }
    }

    fn begin_section(&mut self, words: &[&'static str]) -> Result<(), String> {
        let conditions = Conditions::default();
        self.section = match *words {
            ["mark", name] => RuleSection::Mark(self.new_mark(name)?),
            ["shape", name] => {
                if self.shapes.insert(name, Arc::default()).is_some() {
                    return Err(format!("there are two shapes {name:?}"));
                }
                RuleSection::Shape(name)
            }
            ["device", id, device] => self.new_rule(id, Says::Is(named("device", device)?))?,
            ["bot", id, class] => self.new_rule(id, Says::Bot(named("bot class", class)?))?,
            ["browser", family] => {
                let family = named("browser family", family)?;
                self.browsers.push(Family { family, conditions });
                RuleSection::Browser
            }
            ["system", family] => {
                let family = named("system family", family)?;
                self.systems.push(Family { family, conditions });
                RuleSection::System
            }
            _ => return Err(format!("[{}] is no header", words.join(" "))),
        };
        Ok(())
    }

    /// Checks the section before the next header or the end of the file.
    pub(super) fn end_section(&mut self) -> Result<(), String> {
        if let (RuleSection::Rule, Some(rule)) = (self.section, self.rules.last()) {
            let Conditions { all, either, .. } = rule.conditions;
            if !rule.has_tokens && all == Marks::NONE && either == Marks::NONE {
                return Err(format!(
                    "{} has neither tokens nor `all` nor `either`",
                    rule.id
                ));
            }
        }
        self.section = RuleSection::None;
        Ok(())
    }

    fn new_mark(&mut self, name: &'static str) -> Result<Marks, String> {
        if self.marks.contains(&name) {
            return Err(format!("there are two marks {name:?}"));
        }
        if self.marks.len() == Marks::COUNT_MAX {
            return Err(format!("more than {} marks", Marks::COUNT_MAX));
        }
        self.marks.push(name);
        Ok(Marks::numbered(self.marks.len() - 1))
    }

    fn new_rule(&mut self, name: &'static str, says: Says) -> Result<RuleSection, String> {
        if !is_rule_name(name) {
            return Err(format!("{name:?} is no name of a rule such as tablet.ipad"));
        }
        let id = RuleId::new(name);
        if RuleId::built_in().any(|known| known == id)
            || self.rules.iter().any(|rule| rule.id == id)
        {
            return Err(format!("there are two rules {name:?}"));
        }
        if self.rules.len() == FoundRules::RULES_MAX {
            return Err(format!("more than {} rules", FoundRules::RULES_MAX));
        }
        self.rules.push(Rule {
            id,
            says,
            has_tokens: false,
            conditions: Conditions::default(),
            by_convention: false,
        });
        Ok(RuleSection::Rule)
    }

    fn rule(&mut self) -> Result<&mut Rule, String> {
        self.rules.last_mut().ok_or_else(|| "no rule".to_owned())
    }

    fn read_condition(&mut self, keyword: &str, names: &str) -> Result<(), String> {
        let mut marks = Marks::NONE;
        for name in names.split_whitespace() {
            marks |= self
                .mark(name)
                .ok_or_else(|| format!("unknown mark {name:?}"))?;
        }
        let conditions = match self.section {
            RuleSection::Browser => self.browsers.last_mut().map(|entry| &mut entry.conditions),
            RuleSection::System => self.systems.last_mut().map(|entry| &mut entry.conditions),
            _ => self.rules.last_mut().map(|rule| &mut rule.conditions),
        };
        let conditions = conditions.ok_or("no section")?;
        match keyword {
            "all" => conditions.all |= marks,
            "either" => conditions.either |= marks,
            _ => conditions.unless |= marks,
        }
        Ok(())
    }

    /// Returns the mark with this name.
    pub(super) fn mark(&self, name: &str) -> Option<Marks> {
        let number = self.marks.iter().position(|known| *known == name)?;
        Some(Marks::numbered(number))
    }

    fn read_shape(&mut self, name: &str, keyword: &str, pattern: &str) -> Result<(), String> {
        let shape = self
            .shapes
            .get_mut(name)
            .and_then(Arc::get_mut)
            .ok_or("no shape")?;
        match keyword {
            "before" => shape.before = Some(regex(&format!("(?:{pattern})$"))?),
            "after" => shape.after = Some(regex(&format!("^(?:{pattern})"))?),
            "not-after" => shape.not_after = Some(regex(&format!("^(?:{pattern})"))?),
            _ => return Err(format!("{keyword:?} is none of before, after, not-after")),
        }
        Ok(())
    }

    fn read_token(
        &mut self,
        keyword: &str,
        text: &'static str,
        owner: Owner,
    ) -> Result<(), String> {
        let text = match text.strip_prefix('"') {
            Some(rest) => rest.strip_suffix('"').ok_or("the quote has no end")?,
            None => text,
        };
        if !text.is_ascii() || (text.len() < 2 && text != "@") {
            return Err(format!("{text:?}: use two ASCII characters or more"));
        }
        let mut words = keyword.split('+');
        let kind = words.next().unwrap_or_default();
        let mut token = RuleToken::of_kind(kind, text).ok_or_else(|| {
            format!("{kind:?} is neither a condition nor one of word, head, tail, part, start")
        })?;
        for word in words {
            match word {
                "cased" => token.cased = true,
                "digit" => token.after = Side::Digit,
                shape => {
                    let shape = self.shapes.get(shape);
                    let shape = shape.ok_or_else(|| format!("unknown shape {word:?}"))?;
                    token.shape = Some(Arc::clone(shape));
                }
            }
        }
        self.tokens.push(OwnedToken { token, owner });
        Ok(())
    }
}

/// Reads the name of a device, class or family.
fn named<T: std::str::FromStr>(what: &str, name: &str) -> Result<T, String> {
    let found = name.parse();
    found.map_err(|_| format!("unknown {what} {name:?}"))
}

/// Compiles a pattern on bytes, in which `.` matches every byte.
fn regex(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern)
        .unicode(false)
        .dot_matches_new_line(true)
        .build()
        .map_err(|error| error.to_string())
}
/// True for a name of two parts, such as `tablet.ipad`.
fn is_rule_name(name: &str) -> bool {
    let mut parts = name.split('.');
    name.split('.').count() == 2
        && parts.all(|part| {
            let mut bytes = part.bytes();
            !part.is_empty() && bytes.all(|b| b.is_ascii_lowercase() || b == b'-')
        })
}
