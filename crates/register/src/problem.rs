//! Problems of a register, each with its remedy.

use std::sync::Arc;

use jiff::civil::Date;
use thiserror::Error;

/// All problems of a register.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}", listed(.0))]
pub struct RegisterErrors(Vec<RegisterProblem>);

impl RegisterErrors {
    pub(crate) fn new(problems: Vec<RegisterProblem>) -> Self {
        Self(problems)
    }

    /// Problems in the order of the files and lines. Never empty.
    pub fn problems(&self) -> &[RegisterProblem] {
        &self.0
    }
}

fn listed(problems: &[RegisterProblem]) -> String {
    problems
        .iter()
        .map(RegisterProblem::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

/// One problem and its position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterProblem {
    /// Name of the file under `[files]`; empty for the first file.
    pub file: Arc<str>,
    /// Line of the file, from 1; `None` for the file as a whole.
    pub line: Option<usize>,
    /// Table: `ente`, `category`, `service`, `portal` or `deployments`; empty for a file as a
    /// whole.
    pub table: &'static str,
    /// Code of the entry; `ente.service` for a deployment; empty without a code.
    pub code: String,
    /// Fault of the entry.
    pub fault: Fault,
}

impl std::fmt::Display for RegisterProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&*self.file, self.line) {
            ("", None) => {}
            ("", Some(line)) => write!(f, "line {line}: ")?,
            (file, None) => write!(f, "{file}: ")?,
            (file, Some(line)) => write!(f, "{file}, line {line}: ")?,
        }
        match (self.table, self.code.as_str()) {
            ("", _) => {}
            (table, "") => write!(f, "{table}: ")?,
            (table, code) => write!(f, "{table} {code:?}: ")?,
        }
        self.fault.fmt(f)
    }
}

impl Fault {
    /// True for a fault with which a register can be read.
    pub(crate) fn is_harmless(&self) -> bool {
        matches!(
            self,
            Self::ControlCharacter { .. }
                | Self::ListSeparator { .. }
                | Self::SuccessorNotValid { .. }
        )
    }
}

/// Fault of an entry. The message names the remedy.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fault {
    /// Not TOML, or a field that is missing, unknown or of the wrong type.
    #[error("{0}")]
    Shape(String),
    /// A code with characters that events must not carry.
    #[error("the code must be 1 to 64 letters, digits, '-', '_' or '.'")]
    BadCode,
    /// A required text is empty.
    #[error("{field} is empty: fill it in or leave the field out")]
    Empty {
        /// Name of the field.
        field: &'static str,
    },
    /// A text with a line break or another control character.
    #[error(
        "{field} has a line break or another control character: write it on one line; in a CSV file, close the quotes (\")"
    )]
    ControlCharacter {
        /// Name of the field.
        field: &'static str,
    },
    /// A list in a CSV file with another separator.
    #[error("{field} is {found:?}: put '|' between the names of a list")]
    ListSeparator {
        /// Name of the field.
        field: &'static str,
        /// Value as written.
        found: String,
    },
    /// A date with a time of day, or not a date.
    #[error("{field} is {found}: write a date without a time, such as 2017-12-31")]
    BadDate {
        /// Name of the field.
        field: &'static str,
        /// Value as written.
        found: String,
    },
    /// `valid_to` is not after `valid_from`.
    #[error(
        "valid_to {to} is not after valid_from {from}: swap them; valid_to is the first day on which the entry is no longer valid"
    )]
    Reversed {
        /// Value of `valid_from`.
        from: Date,
        /// Value of `valid_to`.
        to: Date,
    },
    /// A code, name or alias that two entries claim.
    #[error(
        "{name:?} already names {other:?}: codes and aliases are unique regardless of case and punctuation: rename or remove one"
    )]
    Duplicate {
        /// The code, name or alias.
        name: String,
        /// The entry that claimed it first.
        other: String,
    },
    /// An alias without a letter or digit.
    #[error("alias {0:?} has neither a letter nor a digit: remove it")]
    BlankAlias(String),
    /// A reference to an entry that does not exist.
    #[error("{field} {code:?} does not exist: add a [[{table}]] with this code, or correct it")]
    Dangling {
        /// Field that holds the reference.
        field: &'static str,
        /// Code that the reference names.
        code: String,
        /// Table that should contain the code.
        table: &'static str,
    },
    /// An ente that succeeds itself, directly or in a ring.
    #[error("its successors form a cycle: one of them must have no successor")]
    SuccessorRing,
    /// An ente with a successor but without an end date.
    #[error("it has a successor but no valid_to: add the day of the change")]
    SuccessorWithoutEnd,
    /// A successor that does not exist when the ente ends.
    #[error("its successor {code:?} is not valid on {day}, when it ends: correct the dates of one")]
    SuccessorNotValid {
        /// Code of the successor.
        code: String,
        /// First day without the ente.
        day: Date,
    },
    /// A municipality with members.
    #[error("a comune has no members: only a unione or citta-metropolitana has them")]
    MembersOfComune,
    /// A member that is no municipality.
    #[error("its member {0:?} is no comune: list the municipalities themselves")]
    MemberKind(String),
    /// A member that is listed twice.
    #[error("its member {0:?} is listed twice: its residents count once; remove one")]
    RepeatedMember(String),
    /// An ente with members and an own number of inhabitants.
    #[error("its residents are those of its members: remove population, or members")]
    PopulationOfMembers,
    /// A time zone that is not in the IANA database.
    #[error("{0:?} is no IANA time zone: write one such as Europe/Rome")]
    UnknownZone(String),
    /// A category history with gaps or overlaps.
    #[error(
        "the categories must follow each other without gap or overlap, the first without valid_from, the last without valid_to, each from the day on which the previous one ends"
    )]
    CategoryHistory,
    /// Two overlapping deployments of one service at one ente.
    #[error("two periods overlap {}: let the first end where the second begins, or remove one", .on.map_or_else(|| "from the beginning".to_owned(), |day| format!("on {day}")))]
    Overlap {
        /// First day in both periods; `None` without a first day.
        on: Option<Date>,
    },
    /// A deployment outside the validity of its ente or service.
    #[error(
        "there is no day on which the deployment, its ente and its service are all valid: correct the dates or remove it"
    )]
    NeverValid,
    /// A file under `[files]` that cannot be read.
    #[error(
        "{name:?} cannot be read: {reason}: names under [files] are relative to the folder of this file"
    )]
    UnreadableFile {
        /// Name as written.
        name: String,
        /// Cause, as the operating system names it.
        reason: String,
    },
    /// A file that is named twice under `[files]`.
    #[error("{0:?} is named twice under [files]: remove one")]
    RepeatedFile(String),
    /// A file under `[files]` that names further files.
    #[error("only the first file of the register may have [files]: move the names there")]
    NestedFiles,
    /// A CSV file without a required column.
    #[error(
        "column {column:?} is missing: the first line must name it; possible columns are {known}"
    )]
    MissingColumn {
        /// Name of the column.
        column: &'static str,
        /// Names of all columns of the table.
        known: String,
    },
    /// A column of a CSV file that the table does not have, or has twice.
    #[error("column {column:?} is unknown or appears twice: possible columns are {known}")]
    UnknownColumn {
        /// Name as written.
        column: String,
        /// Names of all columns of the table.
        known: String,
    },
    /// A line of a CSV file with more or fewer fields than the first line.
    #[error(
        "it has {found} fields, but the first line has {expected}: put quotes around a text that contains the separator"
    )]
    FieldCount {
        /// Fields of the line.
        found: usize,
        /// Fields of the first line.
        expected: usize,
    },
    /// A number with other characters than digits.
    #[error("{field} is {found:?}: write a whole number, such as 4850")]
    BadNumber {
        /// Name of the field.
        field: &'static str,
        /// Value as written.
        found: String,
    },
}
