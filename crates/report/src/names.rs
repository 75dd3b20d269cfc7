//! Codes as stored, and the names the register has for them.

use affluenza_register::{Ente, Register};
use serde::Serialize;

/// Category of uses of a service or an ente that the register does not know.
pub(crate) const UNREGISTERED: &str = "unregistered";

/// A category of services.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CategoryName {
    /// Code in the register, `unregistered`, or a code that the register does not know.
    pub category: String,
    /// Italian name; the code where there is none.
    pub category_name_it: String,
    /// English name; the code where there is none.
    pub category_name_en: String,
    /// Whether the register knows it.
    pub registered: bool,
}

impl CategoryName {
    /// The category stored as `code`.
    pub(crate) fn of(register: &Register, code: &str) -> Self {
        let (name_it, name_en, registered) = match register.category(code) {
            Some(known) => (known.name_it(), known.name_en(), true),
            None if code == UNREGISTERED => ("Non registrati", "Unregistered", false),
            None => (code, code, false),
        };
        Self {
            category: category_code(register, code).to_owned(),
            category_name_it: name_it.to_owned(),
            category_name_en: name_en.to_owned(),
            registered,
        }
    }

    /// Those of the register in its order, though nothing happened in them; then, of the codes
    /// `found`, `unregistered` and those unknown.
    pub(crate) fn all<'c>(
        register: &Register,
        found: impl IntoIterator<Item = &'c str>,
    ) -> Vec<Self> {
        let mut extra: Vec<&str> = found
            .into_iter()
            .filter(|code| register.category(code).is_none())
            .collect();
        extra.sort_unstable_by_key(|code| (*code != UNREGISTERED, *code));
        extra.dedup();
        register
            .categories()
            .map(|category| category.code())
            .chain(extra)
            .map(|code| Self::of(register, code))
            .collect()
    }
}

/// The registered code of a category, however it was written; `code` itself when unknown.
pub(crate) fn category_code<'a>(register: &'a Register, code: &'a str) -> &'a str {
    register
        .category(code)
        .map_or(code, |category| category.code())
}

/// The registered code of an ente, however it was written; `code` itself when unknown.
pub(crate) fn ente_code<'a>(register: &'a Register, code: &'a str) -> &'a str {
    register.ente(code).map_or(code, Ente::code)
}
