//! Messages of the report, from the Fluent catalogues in `words/`.

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};

use super::Language;
use super::number::group;

/// Arguments of a message, by name. Numbers are formatted with grouped thousands.
pub(crate) type WordArgs<'w> = [(&'static str, FluentValue<'w>)];

static CATALOGUES: LazyLock<Vec<FluentBundle<FluentResource>>> =
    LazyLock::new(|| Language::ALL.into_iter().map(catalogue).collect());

fn catalogue(language: Language) -> FluentBundle<FluentResource> {
    let resource = FluentResource::try_new(language.words().to_owned());
    // A test reports the lines that are not Fluent.
    let resource = resource.unwrap_or_else(|(readable, _)| readable);
    let locale = language.as_str().parse().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![locale]);
    bundle.set_use_isolating(false);
    bundle.set_formatter(Some(match language.separators().0 {
        '.' => grouped::<'.', _>,
        _ => grouped::<',', _>,
    }));
    bundle.add_resource_overriding(resource);
    bundle
}

fn grouped<const THOUSANDS: char, M>(value: &FluentValue<'_>, _: &M) -> Option<String> {
    match value {
        FluentValue::Number(number) => Some(group(&format!("{:.0}", number.value), THOUSANDS)),
        _ => None,
    }
}

impl Language {
    /// Returns a message, such as `totals`, or an attribute of it, such as `totals.caption`.
    pub(crate) fn say(self, id: &str, words: &WordArgs<'_>) -> String {
        let message = self.message(id, words);
        debug_assert!(message.is_some(), "no message {id} in {self}");
        message.unwrap_or_else(|| id.to_owned())
    }

    /// Returns a message or an attribute, if it exists.
    pub(crate) fn message(self, id: &str, words: &WordArgs<'_>) -> Option<String> {
        let bundle = CATALOGUES.get(self as usize)?;
        let pattern = match id.split_once('.') {
            None => bundle.get_message(id)?.value()?,
            Some((id, attribute)) => bundle.get_message(id)?.get_attribute(attribute)?.value(),
        };
        let values: FluentArgs<'_> = words.iter().cloned().collect();
        let mut errors = Vec::new();
        let text = bundle.format_pattern(pattern, Some(&values), &mut errors);
        debug_assert!(errors.is_empty(), "{id} in {self}: {errors:?}");
        Some(text.into_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    use affluenza_store::figures::Detail;

    use super::*;
    use crate::tables::BreakdownTables;

    /// Beginnings of ids that are completed at run time.
    const COMPLETED: [&str; 8] = [
        "band-", "check-", "device-", "doubt-", "kind-", "month-", "status-", "term-",
    ];

    /// Returns the messages of the tables by dimension, whose ids are completed at run time.
    fn of_breakdowns() -> BTreeSet<String> {
        let tables = BreakdownTables::build(&Detail::default()).0;
        let ids = tables.iter().flat_map(|table| {
            let name = table.dimension.name();
            let values = table.dimension.values();
            let values = values
                .into_iter()
                .map(move |value| format!("{name}-{value}"));
            let of_table = [table.name.to_owned(), format!("{}.caption", table.name)];
            of_table
                .into_iter()
                .chain([format!("column-{name}")])
                .chain(values)
        });
        ids.collect()
    }

    /// Returns the arguments of every message and attribute, those of other messages included.
    fn arguments(language: Language) -> BTreeMap<String, BTreeSet<String>> {
        let mut texts: BTreeMap<String, String> = BTreeMap::new();
        let (mut message, mut id) = (String::new(), String::new());
        for line in language
            .words()
            .lines()
            .filter(|line| !line.starts_with('#'))
        {
            let text = match line.split_once(" =") {
                Some((name, text)) if name.starts_with(|c: char| c.is_ascii_lowercase()) => {
                    message = name.to_owned();
                    id = message.clone();
                    text
                }
                Some((name, text)) if name.trim().starts_with('.') => {
                    id = format!("{message}{}", name.trim());
                    text
                }
                _ => line,
            };
            texts.entry(id.clone()).or_default().push_str(text);
        }
        // A short heading is optional in each language.
        texts.retain(|id, text| !text.trim().is_empty() && !id.ends_with(".short"));
        let resolved = |text: &String| {
            let parts = text.split(['{', '}']).map(str::trim);
            let with_others = parts.map(|part| texts.get(part).map_or(part, String::as_str));
            let all = with_others.collect::<Vec<_>>().join(" ");
            let names = all
                .split_whitespace()
                .filter_map(|word| word.strip_prefix('$'));
            names.map(str::to_owned).collect()
        };
        let each = texts.iter();
        each.map(|(id, text)| (id.clone(), resolved(text)))
            .collect()
    }

    fn sources(folder: &Path) -> String {
        let entries = std::fs::read_dir(folder).unwrap();
        let texts = entries.map(|entry| {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => sources(&path),
                false if path.extension().is_some_and(|it| it == "rs") => {
                    std::fs::read_to_string(path).unwrap()
                }
                false => String::new(),
            }
        });
        texts.collect()
    }

    #[test]
    fn catalogues_are_fluent_and_have_the_same_messages_and_arguments() {
        let italian = arguments(Language::Italian);
        assert!(italian["note-services-not-offered"].contains("services"));
        for language in Language::ALL {
            let read = FluentResource::try_new(language.words().to_owned());
            assert!(read.is_ok(), "{:?}", read.err().map(|(_, errors)| errors));
            let own = arguments(language);
            for (id, expected) in &italian {
                let found = own.get(id);
                assert_eq!(found, Some(expected), "{id} in {language}");
            }
            assert_eq!(own.len(), italian.len(), "{language}");
        }
    }

    #[test]
    fn every_message_in_code_exists_and_every_message_is_used() {
        let code = sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")));
        let code: String = code.split_whitespace().collect();
        let messages = arguments(Language::Italian);
        let calls = [
            ("say(\"", "", ""),
            ("say_with(\"", "", ""),
            ("self.section(\"", "", ""),
            ("self.fact(\"", "", ""),
            ("self.table(\"", "", ".caption"),
            ("Words(\"", "column-", ""),
            ("Figures(\"", "column-", ""),
            ("(\"note-", "note-", ""),
        ];
        for (call, before, after) in calls {
            for rest in code.split(call).skip(1) {
                let id = rest.split('"').next().unwrap_or_default();
                let id = format!("{before}{id}{after}");
                assert!(messages.contains_key(&id), "{call}{id}");
            }
        }
        let of_breakdowns = of_breakdowns();
        for id in &of_breakdowns {
            assert!(messages.contains_key(id), "{id}");
        }
        for id in messages.keys().filter(|id| !of_breakdowns.contains(*id)) {
            let name = id.split('.').next().unwrap_or(id);
            let name = name.strip_prefix("column-").unwrap_or(name);
            let is_completed = COMPLETED.iter().any(|start| id.starts_with(start));
            let is_used = [
                format!("\"{name}\""),
                format!("\"{name}."),
                format!("{{ {name} }}"),
            ]
            .iter()
            .any(|used| code.contains(used) || Language::Italian.words().contains(used));
            assert!(is_completed || is_used, "{id} is not used");
        }
    }

    #[test]
    fn one_and_many_differ_and_numbers_are_grouped() {
        let say =
            |language: Language, uses: u64| language.say("uses-counted", &[("uses", uses.into())]);
        assert_eq!(say(Language::Italian, 1), "1 utilizzo");
        assert_eq!(say(Language::Italian, 1_859), "1.859 utilizzi");
        assert_eq!(say(Language::English, 1), "1 use");
        assert_eq!(say(Language::English, 1_859), "1,859 uses");
        for language in Language::ALL {
            let expected = language.count(1_859_000);
            assert!(say(language, 1_859_000).contains(&expected), "{language}");
        }
        let visits = |visits: u64| {
            let words = [("visits", visits.into())];
            Language::Italian.say("visits-counted", &words)
        };
        assert_eq!([visits(1), visits(2)], ["1 accesso", "2 accessi"]);
    }
}
