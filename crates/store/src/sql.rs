//! SQL texts: statements with placeholders and server parameters, and string literals.
//!
//! A constant statement of more than one line stands in a file of the folder `sql`. Statements
//! composed at run time stand in Rust: `usage.rs`, `hours.rs`, `hour_rows.rs` and `detail.rs`. A
//! statement has two kinds of names in braces:
//!
//! - a placeholder such as `{shadow}`, for a table or a condition that this program writes;
//! - a server parameter such as `{stream:String}`, whose value ClickHouse reads apart from the text.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Display;

use clickhouse::Client;
use clickhouse::query::Query;
use serde::Serialize;
use serde_json::Value;

use crate::LogRange;

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

/// Condition on the facts of [`Statement::bind_range`].
pub(crate) const IN_RANGE: &str = "stream = {stream:String} AND kafka_partition = {kafka_partition:UInt32} AND kafka_offset >= {first_offset:UInt64} AND kafka_offset < {next_offset:UInt64}";

/// A statement, and the values of its placeholders and server parameters.
///
/// The client sends a statement with server parameters as a form. ClickHouse accepts up to 128 KiB
/// in each field of a form: in the text, and in each value. So a statement with server parameters
/// lists at most 5,000 numbers, which take up to 110 kB. Statements with longer lists have no
/// server parameters.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    template: String,
    texts: Vec<(&'static str, String)>,
    values: Vec<(Cow<'static, str>, Value)>,
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
    pub(crate) fn bind(
        mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<Value>,
    ) -> Self {
        self.values.push((name.into(), value.into()));
        self
    }

    /// Sets a server parameter for each field of a row.
    #[must_use]
    pub(crate) fn bind_fields(mut self, row: &impl Serialize) -> Self {
        if let Ok(Value::Object(fields)) = serde_json::to_value(row) {
            let fields = fields.into_iter();
            self.values
                .extend(fields.map(|(name, value)| (name.into(), value)));
        }
        self
    }

    /// Sets a server parameter for each field of the rows, as the array of its values.
    #[must_use]
    pub(crate) fn bind_columns(mut self, rows: &[impl Serialize]) -> Self {
        let mut columns: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for row in rows {
            if let Ok(Value::Object(fields)) = serde_json::to_value(row) {
                for (name, value) in fields {
                    columns.entry(name).or_default().push(value);
                }
            }
        }
        let columns = columns.into_iter();
        self.values
            .extend(columns.map(|(name, column)| (name.into(), column.into())));
        self
    }

    /// Sets the parameters `stream`, `kafka_partition`, `first_offset` and `next_offset`.
    #[must_use]
    pub(crate) fn bind_range(self, range: &LogRange<'_>) -> Self {
        self.bind("stream", range.stream)
            .bind("kafka_partition", range.kafka_partition)
            .bind("first_offset", range.offsets.start)
            .bind("next_offset", range.offsets.end)
    }

    /// Surrounds a condition with the rest of its statement.
    #[must_use]
    pub(crate) fn within(mut self, before: &str, after: &str) -> Self {
        self.template = format!("{before}{}{after}", self.template);
        self
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
            template: text,
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

/// Joins conditions of which one suffices. Without conditions, none is true.
pub(crate) fn any_of(conditions: impl Iterator<Item = String>) -> String {
    let any = conditions.collect::<Vec<_>>().join(" OR ");
    if any.is_empty() { "0".to_owned() } else { any }
}

/// Returns the condition on facts before the ends of their partitions (stream, partition, offset).
pub(crate) fn before_ends(ends: &[(String, u32, u64)]) -> String {
    any_of(ends.iter().map(|(stream, partition, next)| {
        let stream = quoted(stream);
        format!("(stream = {stream} AND kafka_partition = {partition} AND kafka_offset < {next})")
    }))
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
    use std::path::{Path, PathBuf};

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

    /// Returns the files of a folder and of its subfolders, with their contents.
    fn files(folder: &Path) -> Vec<(PathBuf, String)> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                found.extend(files(&path));
            } else {
                let content = std::fs::read_to_string(&path).unwrap();
                found.push((path, content));
            }
        }
        found
    }

    /// Returns true if the source sets the placeholder or the server parameter.
    fn sets(source: &str, name: &str) -> bool {
        let of_range = ["stream", "kafka_partition", "first_offset", "next_offset"];
        let binds_rows = source.contains(".bind_fields(") || source.contains(".bind_columns(");
        source.contains(&format!("\"{name}\""))
            || source.contains("settled.bind(") && name.starts_with("settled_")
            || source.contains(".bind_range(") && of_range.contains(&name)
            || binds_rows && source.contains(&format!(" {name}: "))
    }

    #[test]
    fn every_file_is_used_and_all_of_its_names_are_set() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let sources = files(&here.join("src"));
        let of_tables = [
            "table",
            "local",
            "on_cluster",
            "replicated",
            "path",
            "no_window",
        ];
        for (path, sql) in files(&here.join("sql")) {
            let file = path.file_stem().unwrap().to_str().unwrap();
            let (by_name, by_path) = (format!("statement!(\"{file}\")"), format!("sql/{file}.sql"));
            let users: Vec<&str> = sources
                .iter()
                .map(|(_, source)| source.as_str())
                .filter(|source| source.contains(&by_name) || source.contains(&by_path))
                .collect();
            assert!(!users.is_empty(), "{file}.sql is not used");
            for piece in sql.split('{').skip(1) {
                let (name, _) = piece.split_once('}').unwrap();
                let name = name.split(':').next().unwrap();
                let is_set = users.iter().any(|source| sets(source, name));
                let is_of_table = sql.starts_with("CREATE TABLE") && of_tables.contains(&name);
                assert!(is_set || is_of_table, "{file}.sql: {name} is not set");
            }
        }
    }
}
