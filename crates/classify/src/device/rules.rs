//! The files of device rules: built in, and replaced by an operator.

use std::sync::{LazyLock, OnceLock};

use xxhash_rust::xxh3::Xxh3;

use super::class::RuleId;
use super::family::{BrowserFamily, OsFamily};
use super::matcher::Matcher;
use super::parse::RuleReader;
use super::rule::{Family, Marks, Rule};

/// Version of the code that evaluates the rules, including `woothee`. Part of the rules version.
/// Change it with every change of the code that changes a verdict.
const ENGINE: &str = "3, woothee 0.13";

/// The built-in files, in the order of evaluation.
const FILES: [BuiltIn; 10] = [
    BuiltIn::new("shapes.rules", include_str!("../../rules/shapes.rules")),
    BuiltIn::new("marks.rules", include_str!("../../rules/marks.rules")),
    BuiltIn::new("families.rules", include_str!("../../rules/families.rules")),
    BuiltIn::new("bots.rules", include_str!("../../rules/bots.rules")),
    BuiltIn::new(
        "other-devices.rules",
        include_str!("../../rules/other-devices.rules"),
    ),
    BuiltIn::new("tablets.rules", include_str!("../../rules/tablets.rules")),
    BuiltIn::new("phones.rules", include_str!("../../rules/phones.rules")),
    BuiltIn::new(
        "conventions.rules",
        include_str!("../../rules/conventions.rules"),
    ),
    BuiltIn::new("desktops.rules", include_str!("../../rules/desktops.rules")),
    BuiltIn::new("fallback.rules", include_str!("../../rules/fallback.rules")),
];

struct BuiltIn {
    name: &'static str,
    text: &'static str,
}

impl BuiltIn {
    const fn new(name: &'static str, text: &'static str) -> Self {
        Self { name, text }
    }
}

/// A file of rules that replaces the built-in file of the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFile {
    /// Name without a folder, such as `bots.rules`.
    pub name: String,
    /// Content of the file.
    pub text: String,
}

/// The reason why files are not rules.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleFileError {
    /// A line is wrong.
    #[error("{file}:{line}: {problem}")]
    Line {
        /// Name of the file.
        file: String,
        /// Number of the line, from 1.
        line: usize,
        /// Description of the problem.
        problem: String,
    },
    /// No built-in file has the name.
    #[error("{0}: no file of rules has this name; use one of {known}", known = names().join(", "))]
    UnknownFile(String),
    /// The tokens do not fit the automaton.
    #[error("the tokens need too much memory: {0}")]
    TooLarge(String),
    /// The process has already classified with other rules.
    #[error("the rules are already in use")]
    InUse,
}

fn names() -> Vec<&'static str> {
    FILES.iter().map(|file| file.name).collect()
}

/// All rules, in the order of evaluation.
#[derive(Debug)]
pub struct DeviceRules {
    pub(super) rules: Vec<Rule>,
    pub(super) browsers: Vec<Family<BrowserFamily>>,
    pub(super) systems: Vec<Family<OsFamily>>,
    pub(super) matcher: Matcher,
    /// The mark of a Mac, which some client hints turn into an iPad.
    pub(super) macintosh: Marks,
    version: String,
}

static BUILT_IN: LazyLock<DeviceRules> =
    LazyLock::new(|| DeviceRules::read(&[]).expect("a test reads the built-in rules"));
static IN_USE: OnceLock<DeviceRules> = OnceLock::new();

impl DeviceRules {
    /// Reads the built-in rules, with these files instead of the built-in ones of the same name.
    /// Their text stays in memory until the process ends.
    ///
    /// ```
    /// use affluenza_classify::device::{DeviceRules, RuleFile};
    ///
    /// let file = RuleFile {
    ///     name: "bots.rules".into(),
    ///     text: "[bot bot.own crawler]\nwords Focus".into(),
    /// };
    /// let error = DeviceRules::read(&[file]).unwrap_err();
    /// assert!(error.to_string().starts_with("bots.rules:2: \"words\" is neither"));
    /// ```
    ///
    /// # Errors
    /// The first wrong line, or a name that is not that of a built-in file.
    pub fn read(replaced: &[RuleFile]) -> Result<Self, RuleFileError> {
        let unknown = replaced.iter().find(|file| !names().contains(&&*file.name));
        if let Some(file) = unknown {
            return Err(RuleFileError::UnknownFile(file.name.clone()));
        }
        let mut reader = RuleReader::new();
        let mut hash = Xxh3::new();
        hash.update(ENGINE.as_bytes());
        for BuiltIn { name, text } in FILES {
            let own = replaced.iter().find(|file| file.name == name);
            let text = own.map_or(text, |file| file.text.clone().leak());
            read_file(&mut reader, name, text, &mut hash)?;
        }
        let macintosh = reader.mark("macintosh").unwrap_or_default();
        Ok(Self {
            rules: reader.rules,
            browsers: reader.browsers,
            systems: reader.systems,
            matcher: Matcher::new(reader.tokens)
                .map_err(|error| RuleFileError::TooLarge(error.to_string()))?,
            macintosh,
            version: format!("{:08x}", hash.digest() >> 32),
        })
    }

    /// Returns the rules of this process: those of [`DeviceRules::use_everywhere`], or the built-in
    /// ones.
    #[inline]
    pub fn in_use() -> &'static Self {
        IN_USE.get().unwrap_or_else(|| &BUILT_IN)
    }

    /// Makes these rules those of the process. Call it once, before the first classification.
    ///
    /// # Errors
    /// [`RuleFileError::InUse`] at the second call.
    pub fn use_everywhere(self) -> Result<(), RuleFileError> {
        IN_USE.set(self).map_err(|_| RuleFileError::InUse)
    }

    /// Version of the rules, stored with every batch: eight digits of a hash of the rules without
    /// comments.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Returns the names of all rules, including those that are not in the files.
    pub fn ids(&self) -> impl Iterator<Item = RuleId> {
        let in_files = self.rules.iter().map(|rule| rule.id);
        in_files.chain(RuleId::built_in())
    }
}

fn read_file(
    reader: &mut RuleReader,
    file: &str,
    text: &'static str,
    hash: &mut Xxh3,
) -> Result<(), RuleFileError> {
    let (mut last, mut read) = (0, Ok(()));
    for (number, line) in (1..).zip(text.lines().map(str::trim)) {
        last = number;
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        hash.update(line.as_bytes());
        hash.update(b"\n");
        read = reader.read(line);
        if read.is_err() {
            break;
        }
    }
    read.and_then(|()| reader.end_section())
        .map_err(|problem| RuleFileError::Line {
            file: file.to_owned(),
            line: last,
            problem,
        })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use xxhash_rust::xxh3::xxh3_64;

    use super::*;
    use crate::device::{Hints, classify};

    fn problem(name: &str, text: &str) -> String {
        let file = RuleFile {
            name: name.into(),
            text: text.into(),
        };
        DeviceRules::read(&[file]).unwrap_err().to_string()
    }

    #[test]
    fn a_wrong_line_is_named_with_its_problem() {
        for (text, problem_there) in [
            ("head curl", "1: the line stands before the first header"),
            ("# Bots.\n[bot bot.x", "2: the header has no `]`"),
            ("[bots bot.x]", "1: [bots bot.x] is no header"),
            ("[bot bot.x human]", "1: unknown bot class \"human\""),
            ("[device tablet.x phone]", "1: unknown device \"phone\""),
            (
                "[bot X ai]",
                "1: \"X\" is no name of a rule such as tablet.ipad",
            ),
            (
                "[bot bot.unresolved ai]",
                "1: there are two rules \"bot.unresolved\"",
            ),
            ("[mark android]", "1: there are two marks \"android\""),
            ("[bot bot.x ai]\nunless linx", "2: unknown mark \"linx\""),
            (
                "[bot bot.x ai]\nhead+cassed Xx",
                "2: unknown shape \"cassed\"",
            ),
            (
                "[bot bot.x ai]\nhead x",
                "2: \"x\": use two ASCII characters or more",
            ),
            ("[bot bot.x ai]\nhead \"x ", "2: the quote has no end"),
            (
                "[bot bot.x ai]\n",
                "1: bot.x has neither tokens nor `all` nor `either`",
            ),
            (
                "[browser edge]\nhead Edge",
                "2: \"head\" is no condition: use all, either or unless",
            ),
            ("[shape quest]", "1: there are two shapes \"quest\""),
            (
                "[shape x]\nbehind x",
                "2: \"behind\" is none of before, after, not-after",
            ),
        ] {
            assert_eq!(
                problem("bots.rules", text),
                format!("bots.rules:{problem_there}")
            );
        }
        assert!(problem("bots.rules", "[shape x]\nafter (").starts_with("bots.rules:2: regex"));
        assert!(problem("bot.rules", "").starts_with("bot.rules: no file of rules"));
    }

    #[test]
    fn a_replaced_file_decides_and_changes_the_version() {
        let built_in = DeviceRules::read(&[]).unwrap();
        let mut file = RuleFile {
            name: "shapes.rules".into(),
            text: format!("# Another comment.\n{}", FILES[0].text),
        };
        assert_eq!(
            DeviceRules::read(std::slice::from_ref(&file))
                .unwrap()
                .version(),
            built_in.version()
        );
        file = RuleFile {
            name: "bots.rules".into(),
            text: "[bot bot.probe monitor]\nhead FocusProbe".into(),
        };
        let own = DeviceRules::read(&[file]).unwrap();
        assert_ne!(own.version(), built_in.version());
        let verdict = own.classify("FocusProbe/1", &Hints::NONE);
        assert_eq!(verdict.rule.as_str(), "bot.probe");
        let verdict = own.classify("GPTBot/1.0", &Hints::NONE);
        assert_eq!(verdict.rule, RuleId::UNRESOLVED);
    }

    #[test]
    fn built_in_rules_are_small_and_named_by_group() {
        let rules = DeviceRules::in_use();
        assert!(rules.matcher.memory_usage() < 8 << 20);
        for id in rules.ids() {
            let group = id.as_str().split('.').next().unwrap_or_default();
            let groups = [
                "bot", "other", "tablet", "phone", "desktop", "hint", "unknown", "no-agent",
            ];
            assert!(groups.contains(&group), "{id}");
        }
    }

    #[test]
    fn the_whole_string_is_looked_at_once_for_all() {
        let rules = DeviceRules::in_use();
        let agent = b"Mozilla/5.0 (Linux; Android 13; SM-X700) curl/8 Mobile";
        let (found, marks) = rules.matcher.look(agent);
        let names: Vec<_> = (0..rules.rules.len())
            .filter(|place| found.has(*place))
            .map(|place| rules.rules[place].id.as_str())
            .collect();
        assert_eq!(names, ["bot.http-library", "tablet.samsung"]);
        assert!(marks != Marks::NONE && !marks.has_any(rules.macintosh));
        let (_, marks) = rules.matcher.look(b"Mozilla/5.0 (Macintosh");
        assert!(marks.has_all(rules.macintosh) && rules.macintosh != Marks::NONE);
    }

    #[test]
    fn a_version_always_gives_the_same_verdicts() {
        let corpora = [
            include_str!("../../tests/fixtures/user_agents.tsv"),
            include_str!("../../tests/fixtures/families.tsv"),
        ];
        let mut verdicts = String::new();
        for agent in corpora.iter().flat_map(|text| text.split(['\t', '\n'])) {
            let verdict = classify(agent, &Hints::NONE);
            let bot = verdict.bot.map_or("", <&str>::from);
            let (device, rule) = (verdict.device, verdict.rule);
            let (browser, os) = (verdict.browser, verdict.os);
            writeln!(verdicts, "{device} {bot} {rule} {browser} {os}").unwrap();
        }
        let version = DeviceRules::in_use().version();
        let now = format!("{version} {:016x}", xxh3_64(verdicts.as_bytes()));
        let known = include_str!("../../tests/fixtures/rules_versions.txt");
        assert_eq!(
            known.lines().last(),
            Some(&*now),
            "the rules changed: add the line {now:?} to tests/fixtures/rules_versions.txt. If only \
             the second figure changed, the code changed a verdict: change ENGINE first"
        );
    }
}
