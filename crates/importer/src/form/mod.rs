//! Forms of lines: descriptions in `forms/forms.toml` or of the operator, and their reader.

mod catalogue;
mod columns;
mod format;
mod json;
mod prefix;
mod role;
mod text;

pub use self::role::FieldRole;

pub(crate) use self::catalogue::FormCatalogue;
pub(crate) use self::columns::{ColumnsForm, offset_of};
pub(crate) use self::prefix::Prefix;
pub(crate) use self::role::LogRecord;
pub(crate) use self::text::Misfit;

use self::json::JsonForm;
use self::text::TextForm;
use crate::time::LogClock;

/// Beginning of the user agents of browsers, in quotes.
const BROWSER: &[u8] = b"\"Mozilla/";

/// True for the text of an absent user agent.
pub(crate) fn is_absent(agent: &[u8]) -> bool {
    matches!(agent, b"" | b"-")
}

/// Errors of a format string.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// A field is missing that every event needs.
    #[error("the format has no {0}: an import needs time, request and status")]
    Lacks(FieldRole),
    /// Two fields stand side by side.
    #[error("the format has no text after the {0}, so its end cannot be found")]
    NoTextBetween(FieldRole),
    /// A directive of Apache is not complete.
    #[error("the format has a % without a directive: %{0}")]
    Directive(String),
}

/// A form of lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogForm {
    /// Name for the operator.
    name: String,
    /// Name of the form without its optional fields.
    short_name: Option<String>,
    /// Name of the form in which the field next to the client is the client.
    swapped_name: Option<String>,
    shape: FormShape,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum FormShape {
    Text(TextForm),
    Columns(ColumnsForm),
    Json(JsonForm),
}

impl LogForm {
    /// Compiles a format string as nginx or Apache writes it.
    pub(crate) fn of_server(format: &str) -> Result<Self, FormatError> {
        let roles = &FormCatalogue::built_in().roles;
        Ok(Self {
            name: "the given format".into(),
            short_name: None,
            swapped_name: None,
            shape: FormShape::Text(TextForm::of_server(format, &roles.nginx, &roles.apache)?),
        })
    }

    /// Reads the fields of a line.
    pub(crate) fn read<'a>(
        &self,
        line: &'a [u8],
        clock: &LogClock,
    ) -> Result<LogRecord<'a>, Misfit> {
        match &self.shape {
            FormShape::Text(form) => form.read(line, clock),
            FormShape::Columns(form) => form.read(line, clock),
            FormShape::Json(form) => form.read(line, clock),
        }
    }

    /// Name for the operator, of lines with or without optional fields.
    pub(crate) fn name_with(&self, has_optional: bool) -> &str {
        match &self.short_name {
            Some(short) if !has_optional => short,
            _ => &self.name,
        }
    }

    /// Role of the field next to the client, if that may be the client instead.
    pub(crate) fn rival(&self) -> Option<FieldRole> {
        self.swapped_name.as_ref()?;
        [FieldRole::Host, FieldRole::Ident]
            .into_iter()
            .find(|role| self.number_of(*role).is_some())
    }

    /// Makes the field next to the client the client.
    pub(crate) fn swap_client(&mut self) {
        if let (Some(rival), FormShape::Text(form)) = (self.rival(), &mut self.shape) {
            form.swap(FieldRole::Client, rival);
            self.name = self.swapped_name.clone().unwrap_or_default();
            self.short_name = None;
        }
    }

    /// Number of the field that holds `role`, from 1. JSON has none.
    pub(crate) fn number_of(&self, role: FieldRole) -> Option<usize> {
        let roles = match &self.shape {
            FormShape::Text(form) => form.roles(),
            FormShape::Columns(form) => form.roles().to_vec(),
            FormShape::Json(_) => return None,
        };
        Some(roles.iter().position(|other| *other == role)? + 1)
    }

    /// True if a line may lack the field of a user agent that its request did not have.
    pub(crate) fn may_lack_agent(&self) -> bool {
        matches!(self.shape, FormShape::Json(_))
    }

    /// True if a line shows that the log records user agents. HAProxy's field for them is empty in every
    /// line by default. A hyphen stands for a request without a user agent.
    pub(crate) fn shows_agent(&self, record: &LogRecord<'_>) -> bool {
        let agent = record.get(FieldRole::Agent);
        agent.is_some_and(|agent| self.may_lack_agent() || !agent.is_empty())
    }

    /// True if lines are recognised by their values, and another quoted text than the user agent looks
    /// like one.
    pub(crate) fn has_agent_elsewhere(&self, line: &[u8], record: &LogRecord<'_>) -> bool {
        let is_recognised = matches!(&self.shape, FormShape::Text(form) if form.is_recognised());
        let agent = record.get(FieldRole::Agent).unwrap_or_default();
        is_recognised
            && !agent.starts_with(&BROWSER[1..])
            && memchr::memmem::find(line, BROWSER).is_some()
    }

    /// True if every line has the user agent that its request had.
    pub(crate) fn always_has_agent(&self) -> bool {
        matches!(&self.shape, FormShape::Json(form) if form.always_has_agent)
    }

    /// Sets the offset of the times of a form with a header.
    pub(crate) fn set_offset(&mut self, offset: Option<[u8; 5]>) {
        if let FormShape::Columns(form) = &mut self.shape {
            form.offset = offset;
        }
    }

    /// True if a header names the fields.
    pub(crate) fn has_header(&self) -> bool {
        matches!(self.shape, FormShape::Columns(_))
    }
}
