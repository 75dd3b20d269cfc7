//! SQL texts: statements with placeholders and server parameters, and string literals.
//!
//! A statement of more than one line stands in a file of the folder `sql`. It has two kinds of
//! names in braces:
//!
//! - a placeholder such as `{shadow}`, for a table or a condition that this program writes;
//! - a server parameter such as `{stream:String}`, whose value ClickHouse reads apart from the text.

use std::borrow::Cow;
use std::fmt::Display;
use std::ops::Range;

use clickhouse::Client;
use clickhouse::query::Query;
use serde_json::Value;

/// Returns the statement in a file of the folder `sql`, which is named without its extension.
macro_rules! statement {
    ($name:literal) => {
        $crate::sql::Statement::from(include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/sql/",
            $name,
            ".sql"
        )))
    };
}
pub(crate) use statement;

/// A statement, and the values of its placeholders and server parameters.
///
/// The client sends a statement with server parameters as a form. ClickHouse accepts up to 128 KiB
/// in each field of a form, so statements with long lists have no server parameters.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    template: Cow<'static, str>,
    texts: Vec<(&'static str, String)>,
    values: Vec<(&'static str, Value)>,
}

impl Statement {
    /// Sets the text of a placeholder.
    #[must_use]
    pub(crate) fn put(mut self, name: &'static str, text: impl Display) -> Self {
        self.texts.push((name, text.to_string()));
        self
    }

    /// Sets the value of a server parameter.
    #[must_use]
    pub(crate) fn bind(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.values.push((name, value.into()));
        self
    }

    /// Sets the parameters `stream`, `kafka_partition`, `first_offset` and `next_offset`.
    #[must_use]
    pub(crate) fn bind_range(
        self,
        stream: &str,
        kafka_partition: u32,
        offsets: &Range<u64>,
    ) -> Self {
        self.bind("stream", stream)
            .bind("kafka_partition", kafka_partition)
            .bind("first_offset", offsets.start)
            .bind("next_offset", offsets.end)
    }

    /// Returns the text for the server.
    pub(crate) fn text(&self) -> String {
        filled(&self.template, &self.texts)
    }

    /// Returns the query that runs the statement.
    pub(crate) fn query(&self, client: &Client) -> Query {
        let query = client.query_raw(&self.text());
        let values = self.values.iter();
        values.fold(query, |query, (name, value)| query.param(name, value))
    }
}

impl From<String> for Statement {
    fn from(text: String) -> Self {
        Self {
            template: text.into(),
            texts: Vec::new(),
            values: Vec::new(),
        }
    }
}

impl From<&String> for Statement {
    fn from(text: &String) -> Self {
        text.clone().into()
    }
}

impl From<&str> for Statement {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

/// Returns `text` as an SQL string literal.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// Joins the texts of an SQL list.
pub(crate) fn joined(texts: impl Iterator<Item = String>) -> String {
    texts.collect::<Vec<_>>().join(", ")
}

/// Fills in the parameters of a statement, which stand in it as `{name}`. Values are not searched
/// for parameters. Other text in braces stays.
pub(crate) fn filled(template: &str, parameters: &[(&str, impl AsRef<str>)]) -> String {
    let mut pieces = template.trim().split('{');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let parameter = piece.split_once('}').and_then(|(name, rest)| {
            let found = parameters.iter().find(|(known, _)| *known == name)?;
            Some((found.1.as_ref(), rest))
        });
        let (value, rest) = parameter.unwrap_or(("{", piece));
        text.push_str(value);
        text.push_str(rest);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted() {
        assert_eq!(quoted(r"a'b\c"), r"'a\'b\\c'");
    }

    #[test]
    fn values_are_not_searched_for_parameters() {
        let parameters = [("a", "{b}"), ("b", "1")];
        assert_eq!(
            filled("SELECT {a}, '{shard}', {b}{b}\n", &parameters),
            "SELECT {b}, '{shard}', 11"
        );
    }
}
