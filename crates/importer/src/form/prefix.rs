//! Prefixes that log collectors put before a line.

use std::borrow::Cow;

use regex::bytes::Regex;

use super::json::TextMember;

/// A prefix of every line.
#[derive(Debug, Clone)]
pub(crate) struct Prefix {
    /// Name for the operator.
    pub(crate) name: String,
    kind: PrefixKind,
}

#[derive(Debug, Clone)]
enum PrefixKind {
    /// Matches the prefix at the start of a line.
    Pattern(Regex),
    /// Names the member of a JSON object that holds the line.
    Member(TextMember),
}

impl Prefix {
    pub(crate) fn of_pattern(name: String, pattern: &str) -> Result<Self, regex::Error> {
        let pattern = Regex::new(&format!("^(?:{pattern})"))?;
        Ok(Self {
            name,
            kind: PrefixKind::Pattern(pattern),
        })
    }

    pub(crate) fn of_member(name: String, member: &str) -> Self {
        Self {
            name,
            kind: PrefixKind::Member(TextMember::new(member)),
        }
    }

    /// Returns the line without its prefix; `None` if it has another one or none.
    pub(crate) fn strip<'a>(&self, line: &'a [u8]) -> Option<Cow<'a, [u8]>> {
        match &self.kind {
            PrefixKind::Pattern(pattern) => {
                let found = pattern.find(line)?;
                Some(Cow::Borrowed(&line[found.end()..]))
            }
            PrefixKind::Member(member) => {
                let line = member.of(line)?;
                let end = line.trim_ascii_end().len();
                Some(match line {
                    Cow::Borrowed(line) => Cow::Borrowed(&line[..end]),
                    Cow::Owned(mut line) => {
                        line.truncate(end);
                        Cow::Owned(line)
                    }
                })
            }
        }
    }
}
