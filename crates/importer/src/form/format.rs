//! Format strings of nginx and Apache, as texts and fields.

use std::borrow::Cow;

use super::role::FieldRole;
use super::text::Names;
use crate::FormatError;

/// Formats that Tomcat has names for.
const COMMON: &str = r#"%h %l %u %t "%r" %s %b"#;
const COMBINED_END: &str = r#" "%{Referer}i" "%{User-Agent}i""#;

/// Part of a format string.
#[derive(Debug)]
pub(super) enum FormatPiece {
    Text(String),
    Field(FieldRole),
}

/// Pieces of a format string. Neighbouring texts are one piece.
#[derive(Debug, Default)]
pub(super) struct Pieces(pub(super) Vec<FormatPiece>);

impl Pieces {
    /// Adds a character. A blank stands for several, and an escaped line end for none.
    fn text(&mut self, text: char) {
        match self.0.last_mut() {
            _ if text == '\n' => {}
            Some(FormatPiece::Text(before)) if text == ' ' && before.ends_with(' ') => {}
            Some(FormatPiece::Text(before)) => before.push(text),
            _ => self.0.push(FormatPiece::Text(text.into())),
        }
    }

    /// Adds a field. A second field of a role is not read, unless it may have the forwarded addresses
    /// that the first lacks.
    fn field(&mut self, role: FieldRole) {
        let mut earlier = self.0.iter();
        let is_first =
            !earlier.any(|piece| matches!(piece, FormatPiece::Field(other) if *other == role));
        let is_read = is_first || role == FieldRole::Forwarded;
        let role = if is_read { role } else { FieldRole::Skipped };
        self.0.push(FormatPiece::Field(role));
    }

    /// Adds a part of a time. Apache writes one time with several directives.
    fn time(&mut self) {
        match self.0.as_slice() {
            [
                ..,
                FormatPiece::Field(FieldRole::Time),
                FormatPiece::Text(_),
            ] => {
                self.0.pop();
            }
            _ => self.field(FieldRole::Time),
        }
    }
}

/// Removes the directive around a format string that was copied with it: `log_format main '…' "…";`
/// or `LogFormat "…" combined`. Tomcat's names of formats and its quotes are resolved.
pub(super) fn without_directive(format: &str) -> Cow<'_, str> {
    let format = format.trim();
    match format {
        "common" => return Cow::Borrowed(COMMON),
        "combined" => return Cow::Owned(COMMON.to_owned() + COMBINED_END),
        _ if format.contains("&quot;") => return Cow::Owned(format.replace("&quot;", "\"")),
        _ => {}
    }
    let Some((name, rest)) = format.split_once([' ', '\t']) else {
        return Cow::Borrowed(format);
    };
    let parts = quoted_parts(rest);
    if name == "log_format" {
        return Cow::Owned(parts.concat());
    }
    let is_apache = ["LogFormat", "CustomLog"];
    if !is_apache
        .iter()
        .any(|directive| name.eq_ignore_ascii_case(directive))
    {
        return Cow::Borrowed(format);
    }
    // A path or a name may be quoted, too.
    match parts.into_iter().rfind(|part| part.contains('%')) {
        Some(part) => Cow::Owned(part.to_owned()),
        None => Cow::Borrowed(rest),
    }
}

/// Returns the texts in quotes up to a semicolon outside of them. Their escapes are kept.
fn quoted_parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(['\'', '"', ';']) {
        let Some(quote) = rest[start..].chars().next().filter(|first| *first != ';') else {
            break;
        };
        let inside = &rest[start + 1..];
        let mut is_escaped = false;
        let end = inside.find(|next: char| {
            let is_end = next == quote && !is_escaped;
            is_escaped = next == '\\' && !is_escaped;
            is_end
        });
        let Some(end) = end else {
            break;
        };
        parts.push(&inside[..end]);
        rest = &inside[end + 1..];
    }
    parts
}

/// True for a format string of nginx: variables begin with a dollar sign.
pub(super) fn has_variable(format: &str) -> bool {
    let mut after = format.split('$').skip(1);
    after.any(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase() || matches!(c, '{' | '_')))
}

/// Splits a format string of nginx: `$name` or `${name}`.
pub(super) fn nginx(format: &str, roles: &Names) -> Pieces {
    let mut pieces = Pieces::default();
    let mut rest = format;
    while let Some(first) = rest.chars().next() {
        rest = &rest[first.len_utf8()..];
        // A format in quotes of the configuration has escapes.
        let escaped = rest
            .chars()
            .next()
            .filter(|_| first == '\\')
            .and_then(escaped);
        if let Some(escaped) = escaped {
            rest = &rest[1..];
            pieces.text(escaped);
            continue;
        }
        if first != '$' {
            pieces.text(first);
            continue;
        }
        let bare = rest.strip_prefix('{').unwrap_or(rest);
        let end = bare.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let (name, after) = bare.split_at(end.unwrap_or(bare.len()));
        pieces.field(roles.get(name).copied().unwrap_or(FieldRole::Skipped));
        rest = match bare.len() == rest.len() {
            true => after,
            false => after.strip_prefix('}').unwrap_or(after),
        };
    }
    pieces
}

/// Returns the character that an escape of nginx stands for.
fn escaped(letter: char) -> Option<char> {
    match letter {
        't' => Some('\t'),
        '\'' | '"' | '\\' | '\n' => Some(letter),
        _ => None,
    }
}

/// Splits a format string of Apache: `%`, modifiers, an argument in braces, a letter.
pub(super) fn apache(format: &str, roles: &Names) -> Result<Pieces, FormatError> {
    let mut pieces = Pieces::default();
    let mut rest = format.chars();
    while let Some(first) = rest.next() {
        match first {
            // A format in quotes of the configuration has escapes.
            '\\' => match rest.next() {
                Some('t') => pieces.text('\t'),
                Some('n') | None => {}
                Some(escaped) => pieces.text(escaped),
            },
            '%' if rest.as_str().starts_with('%') => pieces.text(rest.next().unwrap_or('%')),
            '%' => {
                let (directive, after) = directive(rest.as_str()).ok_or_else(|| {
                    FormatError::Directive(rest.as_str().chars().take(20).collect())
                })?;
                rest = after.chars();
                match directive.as_str() {
                    "t" => {
                        pieces.text('[');
                        pieces.field(FieldRole::Time);
                        pieces.text(']');
                    }
                    part if part.starts_with('{') && part.ends_with("}t") => pieces.time(),
                    name => pieces.field(roles.get(name).copied().unwrap_or(FieldRole::Skipped)),
                }
            }
            other => pieces.text(other),
        }
    }
    Ok(pieces)
}

/// Splits a directive, without its percent sign and modifiers, from the text after it.
fn directive(text: &str) -> Option<(String, &str)> {
    let text =
        text.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '<' | '>' | '!' | ','));
    let letter = match text.strip_prefix('{') {
        Some(argument) => argument.find('}')? + 2,
        None => 0,
    };
    let letter_text = text.get(letter..)?;
    let length = if letter_text.starts_with('^') { 3 } else { 1 };
    let (_, after) = (letter_text.get(..length)?, letter_text.get(length..)?);
    // Names of headers ignore case, and letters of directives do not.
    let name = text[..letter].to_ascii_lowercase() + &letter_text[..length];
    Some((name, after))
}
