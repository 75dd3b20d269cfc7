//! Stored codes, and their names in the register.

use affluenza_register::{Ente, Register, Service};
use serde::Serialize;

use affluenza_words::Language;

use crate::text::harmless;

/// Category of uses of a service or an ente that is not registered.
pub(crate) const UNREGISTERED: &str = "unregistered";

/// A category of services.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CategoryName {
    /// Code in the register, `unregistered`, or an unknown code.
    pub category: String,
    /// Italian name; the code if there is no name.
    pub category_name_it: String,
    /// English name; the code if there is no name.
    pub category_name_en: String,
    /// True if the category is in the register.
    pub registered: bool,
}

impl CategoryName {
    /// Returns the category stored as `code`.
    pub(crate) fn of(register: &Register, code: &str) -> Self {
        let known = register.category(code);
        let [name_it, name_en] = [Language::IT, Language::EN].map(|language| match known {
            Some(known) => language.choose(known.name_it(), known.name_en()).to_owned(),
            None if code == UNREGISTERED => language.say("unregistered", &[]),
            None => code.to_owned(),
        });
        Self {
            category: category_code(register, code).to_owned(),
            category_name_it: name_it,
            category_name_en: name_en,
            registered: known.is_some(),
        }
    }

    /// Returns the name in a language.
    pub(crate) fn shown(&self, language: Language) -> String {
        harmless(language.choose(&self.category_name_it, &self.category_name_en))
    }

    /// Returns all registered categories in their order, even without use. Then come the codes in
    /// `found` that are not registered: `unregistered` first, then the others in order.
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

/// Code and names of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServiceName {
    /// Code in the register, or a code that is not registered.
    pub service: String,
    /// Italian name; the code if there is no name.
    pub service_name_it: String,
    /// English name; the Italian one or the code if there is no English name.
    pub service_name_en: String,
}

impl ServiceName {
    /// Returns the service stored as `code`.
    pub(crate) fn of(register: &Register, code: &str) -> Self {
        let known = register.service(code);
        let name_it = known.map_or(code, Service::name_it);
        let name_en = known.and_then(Service::name_en).unwrap_or(name_it);
        Self {
            service: known.map_or(code, Service::code).to_owned(),
            service_name_it: name_it.to_owned(),
            service_name_en: name_en.to_owned(),
        }
    }

    /// Returns the name in a language.
    pub fn shown(&self, language: Language) -> String {
        harmless(language.choose(&self.service_name_it, &self.service_name_en))
    }
}

/// Returns the registered code of a category, given its code or a name; `code` itself if unknown.
pub(crate) fn category_code<'a>(register: &'a Register, code: &'a str) -> &'a str {
    register
        .category(code)
        .map_or(code, |category| category.code())
}

/// Returns the registered code of an ente, given its code or a name; `code` itself if unknown.
pub(crate) fn ente_code<'a>(register: &'a Register, code: &'a str) -> &'a str {
    register.ente(code).map_or(code, Ente::code)
}
