//! Generates `deploy/guides/data-inventory.md` from the comments of the schema, so that the
//! data-protection officer reads the actual content of the tables.

use std::fmt::Write as _;

use crate::dimension::ATTRIBUTES;
use crate::migrate::{Migration, SchemaObject, migrations};
use crate::shape::column_lines;

/// Columns with information about persons, besides the attributes of a visit. All other columns are
/// keys, counts, or about the program.
const ABOUT_PERSONS: [(&str, &str, &str); 5] = [
    ("usage_events", "time", "moment of a visit"),
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
        "sketch of pseudonyms: counts them, but does not contain them",
    ),
];

const HEAD: &str = "# Inventory of stored data

This page lists every column of every table that Affluenza stores in ClickHouse. It is generated from the comments of the schema
(`affluenza migrate --show`), and a test compares both. Views and dictionaries store nothing and are not listed. A rebuild fills
a second database with the same tables, and drops it at its end.

The column *about persons* describes information about visitors. No column contains a name, an address or a user agent. Comments say
*no personal data* in this sense. The pseudonym of a single visit may still be personal data in the sense of the law.
";

struct DocumentedColumn {
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
fn column(text: &str) -> DocumentedColumn {
    let (name, rest) = text.trim().split_once(' ').expect("a name and a type");
    let kind = rest.split(" COMMENT ").next().expect("there is a first");
    let kind = kind.split(" DEFAULT ").next().expect("there is a first");
    // The values of an enumeration are explained in its comment or in the schema.
    let kind = if kind.starts_with("Enum8") {
        "Enum8"
    } else {
        kind
    };
    DocumentedColumn {
        name: name.trim_matches('`').to_owned(),
        kind: kind.to_owned(),
        comment: comment(rest),
    }
}

/// Returns name, columns and comment of the table that a migration creates.
fn table(migration: &Migration) -> Option<(&str, Vec<DocumentedColumn>, String)> {
    let SchemaObject::Table(_) = migration.object else {
        return None;
    };
    let columns = column_lines(migration.sql).map(column).collect();
    let (_, after) = migration.sql.split_once("\n)\n")?;
    Some((migration.object_name(), columns, comment(after)))
}

fn inventory() -> String {
    let mut text = HEAD.to_owned();
    for (name, columns, about) in migrations().iter().filter_map(table) {
        let _ = write!(
            text,
            "\n## `{name}`\n\n{about}{}\n\n| column | type | content | about persons |\n|---|---|---|---|\n",
            if about.ends_with('.') { "" } else { "." }
        );
        for column in columns {
            let about = about_persons(name, &column.name);
            let _ = writeln!(
                text,
                "| `{}` | `{}` | {} | {about} |",
                column.name, column.kind, column.comment
            );
        }
    }
    text
}

/// Returns the information about persons in a column, if any.
fn about_persons(table: &str, column: &str) -> &'static str {
    let mut attributes = ATTRIBUTES.iter();
    let attribute = attributes.find(|one| one.name == column);
    if table == "usage_events" && attribute.is_some_and(|one| one.attribute.is_about_person) {
        return "attribute of a visit";
    }
    let mut listed = ABOUT_PERSONS.iter();
    let listed = listed.find(|(of, name, _)| *of == table && *name == column);
    listed.map_or("", |(_, _, about)| about)
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
