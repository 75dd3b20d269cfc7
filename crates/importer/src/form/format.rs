//! Format strings of nginx and Apache, as texts and fields.

use std::borrow::Cow;

use super::role::FieldRole;
use super::text::Names;
use crate::FormatError;

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
    fn text(&mut self, text: char) {
        match self.0.last_mut() {
            Some(FormatPiece::Text(before)) => before.push(text),
            _ => self.0.push(FormatPiece::Text(text.into())),
        }
    }

    /// Adds a field. A second field of a role is not read.
    fn field(&mut self, role: FieldRole) {
        let mut earlier = self.0.iter();
        let is_first =
            !earlier.any(|piece| matches!(piece, FormatPiece::Field(other) if *other == role));
        let role = if is_first { role } else { FieldRole::Skipped };
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

/// Removes the directive around a format string that was copied with it: `log_format main '…' '…';`
/// or `LogFormat "…" combined`.
pub(super) fn without_directive(format: &str) -> Cow<'_, str> {
    let format = format.trim();
    if let Some(nginx) = format.strip_prefix("log_format ") {
        let parts = nginx.split('\'').skip(1).step_by(2);
        return Cow::Owned(parts.collect());
    }
    let apache = ["LogFormat ", "CustomLog "]
        .iter()
        .find_map(|directive| format.strip_prefix(directive));
    match apache.and_then(|rest| Some((rest.find('"')?, rest.rfind('"')?, rest))) {
        Some((first, last, rest)) if first < last => Cow::Borrowed(&rest[first + 1..last]),
        _ => Cow::Borrowed(format),
    }
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
