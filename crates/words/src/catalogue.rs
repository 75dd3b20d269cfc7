//! Messages of the catalogues.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use intl_memoizer::concurrent::IntlLangMemoizer;
use serde_json::{Map, Value};

use crate::Language;
use crate::number::group;
use crate::pattern::Patterns;

/// Argument of a message: name and value. Numbers are formatted with grouped thousands.
pub type WordArg<'w> = (&'static str, FluentValue<'w>);

/// Arguments of a message.
pub type WordArgs<'w> = [WordArg<'w>];

/// A catalogue as the build script found it.
pub(crate) struct CatalogueSource {
    pub code: &'static str,
    pub text: &'static str,
    /// Formatter of numbers in messages.
    pub format: fn(&FluentValue<'_>, &IntlLangMemoizer) -> Option<String>,
}

/// A catalogue that was read, and its separators.
struct Catalogue {
    bundle: FluentBundle<FluentResource>,
    thousands: String,
    decimals: String,
}

static CATALOGUES: LazyLock<Vec<Catalogue>> =
    LazyLock::new(|| Language::sources().iter().map(Catalogue::read).collect());

/// Messages in the form for web pages, by id. Most programs need none.
static PATTERNS: LazyLock<Vec<BTreeMap<String, Value>>> = LazyLock::new(|| {
    let sources = Language::sources().iter();
    sources
        .map(|source| Patterns::read(source.text).by_id)
        .collect()
});

impl Catalogue {
    fn read(source: &CatalogueSource) -> Self {
        let resource = FluentResource::try_new(source.text.to_owned());
        // The build fails on lines that are not Fluent.
        let resource = resource.unwrap_or_else(|(readable, _)| readable);
        let locale = source.code.parse().unwrap_or_default();
        let mut bundle = FluentBundle::new_concurrent(vec![locale]);
        bundle.set_use_isolating(false);
        bundle.set_formatter(Some(source.format));
        bundle.add_resource_overriding(resource);
        let mut catalogue = Self {
            bundle,
            thousands: String::new(),
            decimals: String::new(),
        };
        catalogue.thousands = catalogue
            .message("language-thousands", &[])
            .unwrap_or_default();
        catalogue.decimals = catalogue
            .message("language-decimals", &[])
            .unwrap_or_default();
        catalogue
    }

    fn message(&self, id: &str, words: &WordArgs<'_>) -> Option<String> {
        let pattern = match id.split_once('.') {
            None => self.bundle.get_message(id)?.value()?,
            Some((id, attribute)) => self
                .bundle
                .get_message(id)?
                .get_attribute(attribute)?
                .value(),
        };
        let values: FluentArgs<'_> = words.iter().cloned().collect();
        let mut errors = Vec::new();
        let text = self
            .bundle
            .format_pattern(pattern, Some(&values), &mut errors);
        debug_assert!(errors.is_empty(), "{id}: {errors:?}");
        Some(text.into_owned())
    }
}

/// Groups the digits of a number in a message of the language at this place.
pub(crate) fn grouped<const PLACE: usize, M>(value: &FluentValue<'_>, _: &M) -> Option<String> {
    match value {
        FluentValue::Number(number) => {
            let thousands = &CATALOGUES[PLACE].thousands;
            Some(group(&format!("{:.0}", number.value), thousands))
        }
        _ => None,
    }
}

impl Language {
    /// Returns a message, such as `totals`, or an attribute of it, such as `totals.caption`.
    pub fn say(self, id: &str, words: &WordArgs<'_>) -> String {
        let message = self.message(id, words);
        debug_assert!(message.is_some(), "no message {id} in {self}");
        message.unwrap_or_else(|| id.to_owned())
    }

    /// Returns a message or an attribute, if it exists.
    pub fn message(self, id: &str, words: &WordArgs<'_>) -> Option<String> {
        CATALOGUES[self.place()].message(id, words)
    }

    /// Returns the messages whose ids begin with one of these, for web pages; [`Patterns`] has
    /// their form.
    pub fn patterns(self, beginnings: &[&str]) -> Map<String, Value> {
        let all = PATTERNS[self.place()].iter();
        let wanted = all.filter(|(id, _)| beginnings.iter().any(|start| id.starts_with(start)));
        let wanted = wanted.map(|(id, pattern)| (id.clone(), pattern.clone()));
        wanted.collect()
    }

    /// Returns the separator of thousands.
    pub(crate) fn thousands(self) -> &'static str {
        &CATALOGUES[self.place()].thousands
    }

    /// Returns the separator of decimals.
    pub(crate) fn decimals(self) -> &'static str {
        &CATALOGUES[self.place()].decimals
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn uses(language: Language, uses: u64) -> String {
        language.say("uses-counted", &[("uses", uses.into())])
    }

    #[test]
    fn one_and_many_differ_and_numbers_are_grouped() {
        assert_eq!(uses(Language::IT, 1), "1 utilizzo");
        assert_eq!(uses(Language::IT, 1_859), "1.859 utilizzi");
        assert_eq!(uses(Language::EN, 1), "1 use");
        assert_eq!(uses(Language::EN, 1_859), "1,859 uses");
        for language in Language::ALL {
            let expected = language.count(1_859_000);
            assert!(uses(language, 1_859_000).contains(&expected), "{language}");
        }
        for (visits, text) in [(1_u64, "1 accesso"), (2, "2 accessi")] {
            let said = Language::IT.say("visits-counted", &[("visits", visits.into())]);
            assert_eq!(said, text);
        }
    }

    #[test]
    fn pages_get_the_messages_of_their_beginnings() {
        let found = Language::EN.patterns(&["language-thousands", "band-night"]);
        let expected = json!({ "band-night": "Night", "language-thousands": "," });
        assert_eq!(Value::from(found), expected);
    }
}
