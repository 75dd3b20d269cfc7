//! Faults of the catalogues. The build script and the tests share this module.

use std::collections::{BTreeMap, BTreeSet};

use fluent_syntax::ast::{
    Attribute, Entry, Expression, InlineExpression, Message, Pattern, PatternElement,
};
use fluent_syntax::parser::parse;

/// Attribute that a message may have in one language and lack in another.
const OPTIONAL: &str = ".short";

/// The catalogue of a language, as its file has it.
pub struct CatalogueFile {
    /// Code of the language: the name of the file.
    pub code: String,
    /// Messages in Fluent syntax.
    pub text: String,
}

/// Contents of a message or of an attribute.
#[derive(Default)]
struct Needs {
    arguments: BTreeSet<String>,
    messages: BTreeSet<String>,
}

/// Returns every fault: unreadable lines, codes that are none, messages that a language lacks or
/// has twice, and arguments that differ between languages.
pub fn faults(files: &[CatalogueFile]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut catalogues: Vec<BTreeMap<String, BTreeSet<String>>> = Vec::new();
    for file in files {
        let is_code = (2..=3).contains(&file.code.len());
        if !is_code || !file.code.bytes().all(|letter| letter.is_ascii_lowercase()) {
            faults.push(format!(
                "{}.ftl: not a code of two or three letters",
                file.code
            ));
        }
        let needs = needs(file, &mut faults);
        catalogues.push(resolved(&needs, file, &mut faults));
    }
    let ids: BTreeSet<&String> = catalogues.iter().flat_map(BTreeMap::keys).collect();
    for id in ids {
        let mut expected: Option<&BTreeSet<String>> = None;
        for (file, catalogue) in files.iter().zip(&catalogues) {
            match (catalogue.get(id), expected) {
                (None, _) if id.ends_with(OPTIONAL) => {}
                (None, _) => faults.push(format!("{}.ftl: {id} is missing", file.code)),
                (Some(found), Some(expected)) if found != expected => faults.push(format!(
                    "{}.ftl: {id} has the arguments {found:?}, in another language {expected:?}",
                    file.code
                )),
                (Some(found), _) => expected = Some(found),
            }
        }
    }
    faults
}

/// Returns the contents of every message and attribute of a catalogue.
fn needs(file: &CatalogueFile, faults: &mut Vec<String>) -> BTreeMap<String, Needs> {
    let resource = parse(file.text.as_str()).unwrap_or_else(|(resource, errors)| {
        let lines = errors.iter().map(|error| {
            let before = file.text.bytes().take(error.pos.start);
            let line = 1 + before.filter(|byte| *byte == b'\n').count();
            format!("{}.ftl: line {line}: {error}", file.code)
        });
        faults.extend(lines);
        resource
    });
    let mut needs = BTreeMap::new();
    for entry in &resource.body {
        let Entry::Message(message) = entry else {
            continue;
        };
        for (id, pattern) in patterns(message) {
            let mut found = Needs::default();
            if !collect(pattern, &mut found) {
                faults.push(format!(
                    "{}.ftl: {id} has more than texts, arguments, messages and selections",
                    file.code
                ));
            }
            if needs.insert(id.clone(), found).is_some() {
                faults.push(format!("{}.ftl: {id} is there twice", file.code));
            }
        }
    }
    needs
}

/// Returns the texts of a message by id. The id of an attribute is `message.attribute`.
fn patterns<'m>(message: &'m Message<&str>) -> Vec<(String, &'m Pattern<&'m str>)> {
    let name = message.id.name;
    let value = message.value.iter().map(|value| (name.to_owned(), value));
    let attributes = message.attributes.iter();
    let attributes =
        attributes.map(|Attribute { id, value }| (format!("{name}.{}", id.name), value));
    value.chain(attributes).collect()
}

/// Collects the contents of a text. Returns false for an expression that pages cannot show.
fn collect(pattern: &Pattern<&str>, needs: &mut Needs) -> bool {
    let expressions = pattern.elements.iter().filter_map(|element| match element {
        PatternElement::TextElement { .. } => None,
        PatternElement::Placeable { expression } => Some(expression),
    });
    let known = expressions.map(|expression| match expression {
        Expression::Inline(inline) => collect_inline(inline, needs),
        Expression::Select { selector, variants } => {
            let is_argument = matches!(selector, InlineExpression::VariableReference { .. });
            let selected = collect_inline(selector, needs) && is_argument;
            let variants = variants
                .iter()
                .map(|variant| collect(&variant.value, needs));
            variants.fold(selected, |all, known| all && known)
        }
    });
    known.fold(true, |all, known| all && known)
}

fn collect_inline(expression: &InlineExpression<&str>, needs: &mut Needs) -> bool {
    match expression {
        InlineExpression::StringLiteral { .. } => true,
        InlineExpression::VariableReference { id } => {
            needs.arguments.insert(id.name.to_owned());
            true
        }
        InlineExpression::MessageReference {
            id,
            attribute: None,
        } => {
            needs.messages.insert(id.name.to_owned());
            true
        }
        _ => false,
    }
}

/// Returns the arguments of every text, those of the messages in it included. A message within a
/// message has no further messages.
fn resolved(
    needs: &BTreeMap<String, Needs>,
    file: &CatalogueFile,
    faults: &mut Vec<String>,
) -> BTreeMap<String, BTreeSet<String>> {
    let mut resolved = BTreeMap::new();
    for (id, own) in needs {
        let mut arguments = own.arguments.clone();
        for name in &own.messages {
            match needs.get(name) {
                Some(inner) if inner.messages.is_empty() => {
                    arguments.extend(inner.arguments.iter().cloned());
                }
                _ => faults.push(format!("{}.ftl: {id} cannot contain {name}", file.code)),
            }
        }
        resolved.insert(id.clone(), arguments);
    }
    resolved
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
            ("a = { b }\n", "a = A\n", "it.ftl: a cannot contain b"),
            (
                "a = { $n }\n",
                "a = { $m }\n",
                "en.ftl: a has the arguments {\"m\"}, in another language {\"n\"}",
            ),
            (
                "a = { NUMBER($n) }\n",
                "a = A\n",
                "it.ftl: a has more than texts, arguments, messages and selections",
            ),
        ] {
            assert_eq!(faults_of(italian, english), [fault]);
        }
        let unreadable = faults_of("a = A\n", "a = A\n§\n");
        assert!(
            unreadable[0].starts_with("en.ftl: line 2: "),
            "{unreadable:?}"
        );
    }
}
