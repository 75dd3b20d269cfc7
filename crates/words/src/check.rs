//! Differences between the catalogues, for the build script.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::pattern::Patterns;

/// Attribute that a message may have in one language and lack in another.
const OPTIONAL: &str = ".short";

/// The catalogue of a language, as its file has it.
pub struct CatalogueFile {
    /// Code of the language: the name of the file.
    pub code: String,
    /// Messages in Fluent syntax.
    pub text: String,
}

/// Returns every fault: invalid codes, unreadable lines, messages that a language lacks, and
/// arguments that differ between languages.
pub fn faults(files: &[CatalogueFile]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut catalogues = Vec::new();
    for CatalogueFile { code, text } in files {
        if !(2..=3).contains(&code.len()) || !code.bytes().all(|byte| byte.is_ascii_lowercase()) {
            faults.push(format!("{code}.ftl: not a code of two or three letters"));
        }
        let patterns = Patterns::read(text);
        faults.extend(
            patterns
                .faults
                .iter()
                .map(|fault| format!("{code}.ftl: {fault}")),
        );
        for (id, pattern) in &patterns.by_id {
            let own = arguments(pattern);
            let expected = all.entry(id.clone()).or_insert_with(|| own.clone());
            if *expected != own {
                faults.push(format!(
                    "{code}.ftl: {id} has the arguments {own:?}, in another language {expected:?}"
                ));
            }
        }
        catalogues.push(patterns);
    }
    for (CatalogueFile { code, .. }, patterns) in files.iter().zip(&catalogues) {
        let missing = all.keys().filter(|id| !patterns.by_id.contains_key(*id));
        let missing = missing.filter(|id| !id.ends_with(OPTIONAL));
        faults.extend(missing.map(|id| format!("{code}.ftl: {id} is missing")));
    }
    faults
}

/// Returns the names of the arguments of a message.
fn arguments(pattern: &Value) -> BTreeSet<String> {
    match pattern {
        Value::Array(parts) => parts.iter().flat_map(arguments).collect(),
        Value::Object(part) => {
            let names = ["value", "by"].into_iter().filter_map(|key| part.get(key));
            let names = names.filter_map(Value::as_str).map(str::to_owned);
            let forms = part.get("forms").and_then(Value::as_object);
            let forms = forms.into_iter().flat_map(|forms| forms.values());
            names.chain(forms.flat_map(arguments)).collect()
        }
        _ => BTreeSet::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults_of(italian: &str, english: &str) -> Vec<String> {
        let files = [("it", italian), ("en", english)].map(|(code, text)| CatalogueFile {
            code: code.to_owned(),
            text: text.to_owned(),
        });
        faults(&files)
    }

    #[test]
    fn equal_catalogues_have_no_fault() {
        let italian = "uses = { $uses ->\n    [one] { $uses } uso\n   *[other] { $uses } usi\n }\n\
                       all = Tutti: { uses }\n    .short = Tut.\n";
        let english = "uses = { $uses } uses\nall = All: { $uses }\n";
        assert_eq!(faults_of(italian, english), Vec::<String>::new());
    }

    #[test]
    fn every_difference_is_a_fault() {
        for (italian, english, fault) in [
            ("a = A\n", "", "en.ftl: a is missing"),
            ("", "a = A\n", "it.ftl: a is missing"),
            ("a = A\n    .b = B\n", "a = A\n", "en.ftl: a.b is missing"),
            ("a = A\na = B\n", "a = A\n", "it.ftl: a is there twice"),
            (
                "a = { $n }\n",
                "a = { $m }\n",
                "en.ftl: a has the arguments {\"m\"}, in another language {\"n\"}",
            ),
        ] {
            assert_eq!(faults_of(italian, english), [fault]);
        }
    }
}
