//! Generates `deploy/guides/data-inventory.md` from the comments of the schema, so that the
//! data-protection officer reads the actual content of the tables.

use std::fmt::Write as _;

use crate::migrate::{JOURNAL, migrations};

/// Columns with information about persons. All other columns are keys, counts, or about the
/// program.
const ABOUT_PERSONS: [(&str, &str, &str); 9] = [
    ("usage_events", "time", "moment of a visit"),
    ("usage_events", "login", "attribute of a visit"),
    ("usage_events", "device", "attribute of a visit"),
    ("usage_events", "country", "attribute of a visit"),
    ("usage_events", "region", "attribute of a visit"),
    ("usage_events", "session", "pseudonym, of a session"),
    (
        "usage_events",
        "visitor",
        "pseudonym, of one day and one ente",
    ),
    ("usage_events", "identity", "pseudonym, of an event"),
    (
        "usage_hourly",
        "visitors",
        "sketch of pseudonyms: counts them and gives none back",
    ),
];

const HEAD: &str = "# Inventory of stored data

Every column of every table that Affluenza keeps in ClickHouse, made of the comments in `schemas/clickhouse`. A test fails when this
file and the schema differ; views and dictionaries store nothing and are left out. A rebuild copies tables for as long as
it runs, under names of its own.

*About persons* says what a column tells of whoever visited. Nothing here is a name, an address or a user agent;
*no personal data* in a comment means that. A pseudonym of a single visit may still be personal data in the sense of the law.
";

struct Column {
    name: String,
    kind: String,
    comment: String,
}

/// Returns the quoted text after `COMMENT`.
fn comment(text: &str) -> String {
    let (_, after) = text
        .split_once("COMMENT '")
        .unwrap_or_else(|| panic!("no comment: {text}"));
    let (quoted, _) = after.split_once('\'').expect("the quote ends");
    quoted.to_owned()
}

/// Parses `name Type COMMENT '…' CODEC(…)`.
fn column(text: &str) -> Column {
    let (name, rest) = text.trim().split_once(' ').expect("a name and a type");
    let kind = rest.split(" COMMENT ").next().expect("there is a first");
    let kind = kind.split(" DEFAULT ").next().expect("there is a first");
    // The values of an enumeration are explained in its comment or in the schema.
    let kind = if kind.starts_with("Enum8") {
        "Enum8"
    } else {
        kind
    };
    Column {
        name: name.trim_matches('`').to_owned(),
        kind: kind.to_owned(),
        comment: comment(rest),
    }
}

/// Returns name, columns and comment of the table that a statement creates.
fn table(sql: &str) -> Option<(String, Vec<Column>, String)> {
    let after = sql.trim().strip_prefix("CREATE TABLE IF NOT EXISTS ")?;
    let (name, after) = after.split_once(char::is_whitespace)?;
    let (columns, after) = after
        .split_once("\n)")
        .expect("the columns end on a line of their own");
    let columns = columns.trim_start_matches(['(', '\n', ' ']).lines();
    let columns = columns
        .map(|line| column(line.trim().trim_end_matches(',')))
        .collect();
    Some((name.to_owned(), columns, comment(after)))
}

/// Returns the table and the columns that a statement adds.
fn added(sql: &str) -> Option<(String, Vec<Column>)> {
    let after = sql.trim().strip_prefix("ALTER TABLE ")?;
    let (name, after) = after.split_once(char::is_whitespace)?;
    let mut parts = after.split("ADD COLUMN IF NOT EXISTS ");
    parts.next();
    Some((name.to_owned(), parts.map(column).collect()))
}

/// Returns table, column and comment of a statement that changes the comment of a column.
fn commented(sql: &str) -> Option<(&str, &str, &str)> {
    let after = sql.trim().strip_prefix("ALTER TABLE ")?;
    let (name, after) = after.split_once(" COMMENT COLUMN ")?;
    let (column, quoted) = after.split_once(' ')?;
    Some((name, column, quoted.trim_matches('\'')))
}

fn inventory() -> String {
    let mut tables: Vec<(String, Vec<Column>, String)> = Vec::new();
    for sql in migrations()
        .iter()
        .map(|migration| migration.sql)
        .chain([JOURNAL])
    {
        if let Some(table) = table(sql) {
            tables.push(table);
        } else if let Some((name, column, comment)) = commented(sql) {
            let columns = tables.iter_mut().filter(|(table, ..)| *table == name);
            let mut columns = columns.flat_map(|(_, columns, _)| columns);
            let altered = columns.find(|one| one.name == column);
            comment.clone_into(&mut altered.expect("the column is there").comment);
        } else if let Some((name, columns)) = added(sql) {
            let altered = tables.iter_mut().find(|(table, ..)| *table == name);
            altered
                .expect("a table is altered after it was made")
                .1
                .extend(columns);
        }
    }
    let mut text = HEAD.to_owned();
    for (name, columns, about) in &tables {
        let _ = write!(
            text,
            "\n## `{name}`\n\n{about}{}\n\n| column | type | what | about persons |\n|---|---|---|---|\n",
            if about.ends_with('.') { "" } else { "." }
        );
        for column in columns {
            let about = ABOUT_PERSONS
                .iter()
                .find(|(table, of, _)| table == name && *of == column.name)
                .map_or("", |(_, _, about)| *about);
            let _ = writeln!(
                text,
                "| `{}` | `{}` | {} | {about} |",
                column.name, column.kind, column.comment
            );
        }
    }
    text
}

#[test]
fn the_inventory_is_that_of_the_schema() {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../deploy/guides/data-inventory.md"
    );
    let made = inventory();
    for (table, column, about) in ABOUT_PERSONS {
        assert!(
            made.contains(about),
            "{table}.{column} is not in the schema"
        );
    }
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(file, &made).unwrap();
    }
    let written = std::fs::read_to_string(file).unwrap();
    assert_eq!(written, made, "run the tests once with UPDATE_SCHEMAS=1");
}
