//! Faults of log lines.

use thiserror::Error;

use crate::FieldRole;

/// Faults of a line. They never quote the line, which may contain personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum LineFault {
    /// Longer than [`crate::LINE_BYTES_MAX`].
    #[error("longer than {max} bytes", max = crate::LINE_BYTES_MAX)]
    TooLong,
    /// The first lines of the input have no known form.
    #[error("in no known form of access log")]
    UnknownForm,
    /// Not a JSON object, in a log of such objects.
    #[error("not a JSON object")]
    NotJson,
    /// A field of the form is missing.
    #[error("no {0} where the form has it")]
    Missing(FieldRole),
    /// A field has a value that its role does not allow.
    #[error("the {role} is not valid{example}", role = .0, example = example(*.0))]
    Bad(FieldRole),
    /// No closing quote before the end of the line.
    #[error("the {0} has no closing quote")]
    Unclosed(FieldRole),
    /// Text after the last field of the form.
    #[error("unknown text after the {0}")]
    TextAfter(FieldRole),
}

fn example(role: FieldRole) -> &'static str {
    match role {
        FieldRole::Time => ", such as 17/May/2015:10:05:03 +0000 between 1971 and 2104",
        FieldRole::Status => ", such as 200",
        FieldRole::Bytes => ", neither a number nor \"-\"",
        _ => "",
    }
}
