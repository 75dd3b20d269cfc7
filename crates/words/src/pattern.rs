//! Messages as data: for the checks of the build, and for the web pages, which fill in the
//! arguments themselves. The build script and the library share this module.

use std::collections::BTreeMap;

use fluent_syntax::ast::{
    Entry, Expression, InlineExpression, Message, Pattern, PatternElement, Variant, VariantKey,
};
use fluent_syntax::parser::parse;
use fluent_syntax::unicode::unescape_unicode_to_string;
use serde_json::{Map, Value, json};

/// Messages by id, as Fluent has them.
type Messages<'t> = BTreeMap<String, &'t Pattern<&'t str>>;

/// The messages of a catalogue, and its unreadable lines.
///
/// A message is a text or a list of parts. A part is a text, an argument `{"value": NAME}`, or a
/// selection `{"by": NAME, "forms": {…}, "rest": FORM}`. The value of the argument names the form,
/// or else its plural category does, or else `rest`.
#[derive(Default)]
pub struct Patterns {
    /// Messages by id. The id of an attribute is `message.attribute`.
    pub by_id: BTreeMap<String, Value>,
    /// Lines that cannot be read, and messages that pages could not show.
    pub faults: Vec<String>,
}

impl Patterns {
    /// Reads a catalogue in Fluent syntax.
    pub fn read(text: &str) -> Self {
        let mut patterns = Self::default();
        let resource = parse(text).unwrap_or_else(|(resource, errors)| {
            let faults = errors.iter().map(|error| {
                let before = text.bytes().take(error.pos.start);
                let line = 1 + before.filter(|byte| *byte == b'\n').count();
                format!("line {line}: {error}")
            });
            patterns.faults.extend(faults);
            resource
        });
        let mut messages = Messages::new();
        for entry in &resource.body {
            if let Entry::Message(message) = entry {
                for (id, pattern) in texts(message) {
                    if messages.insert(id.clone(), pattern).is_some() {
                        patterns.faults.push(format!("{id} is there twice"));
                    }
                }
            }
        }
        for (id, pattern) in &messages {
            match parts(pattern, &messages) {
                Some(parts) => {
                    patterns.by_id.insert(id.clone(), joined(parts));
                }
                None => patterns.faults.push(format!(
                    "{id} has more than texts, arguments, selections and plain messages"
                )),
            }
        }
        patterns
    }
}

/// Returns the texts of a message with their ids.
fn texts<'m>(message: &'m Message<&str>) -> Messages<'m> {
    let name = message.id.name;
    let value = message.value.iter().map(|value| (name.to_owned(), value));
    let attributes = message.attributes.iter();
    let attributes = attributes.map(|own| (format!("{name}.{}", own.id.name), &own.value));
    value.chain(attributes).collect()
}

/// Returns the parts of a text; `None` if it has others than pages can show.
fn parts(pattern: &Pattern<&str>, messages: &Messages<'_>) -> Option<Vec<Value>> {
    let elements = pattern.elements.iter();
    let parts = elements.map(|element| match element {
        PatternElement::TextElement { value } => Some(vec![json!(value)]),
        PatternElement::Placeable { expression } => match expression {
            Expression::Inline(inline) => inline_parts(inline, messages),
            Expression::Select {
                selector: InlineExpression::VariableReference { id },
                variants,
            } => Some(vec![selection(id.name, variants, messages)?]),
            Expression::Select { .. } => None,
        },
    });
    let parts: Option<Vec<Vec<Value>>> = parts.collect();
    Some(parts?.concat())
}

fn inline_parts(
    expression: &InlineExpression<&str>,
    messages: &Messages<'_>,
) -> Option<Vec<Value>> {
    match expression {
        InlineExpression::StringLiteral { value } => {
            Some(vec![json!(unescape_unicode_to_string(value))])
        }
        InlineExpression::VariableReference { id } => Some(vec![json!({ "value": id.name })]),
        // A message within a message has no further messages, so that there is no circle.
        InlineExpression::MessageReference {
            id,
            attribute: None,
        } => parts(messages.get(id.name)?, &Messages::new()),
        _ => None,
    }
}

fn selection(by: &str, variants: &[Variant<&str>], messages: &Messages<'_>) -> Option<Value> {
    let mut forms = Map::new();
    let mut rest = "";
    for variant in variants {
        let (VariantKey::Identifier { name } | VariantKey::NumberLiteral { value: name }) =
            variant.key;
        if variant.default {
            rest = name;
        }
        forms.insert(name.to_owned(), joined(parts(&variant.value, messages)?));
    }
    Some(json!({ "by": by, "forms": forms, "rest": rest }))
}

/// Returns the parts as one text if all are texts.
fn joined(parts: Vec<Value>) -> Value {
    let texts: Option<Vec<&str>> = parts.iter().map(Value::as_str).collect();
    match texts {
        Some(texts) => texts.concat().into(),
        None => parts.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_keeps_its_forms_and_other_messages_are_filled_in() {
        let found = Patterns::read(
            "uses = { $uses ->\n    [one] { $uses } uso\n   *[other] { $uses } usi\n }\n\
             all = In { $place }: { uses }.\n    .short = { \"\" }Tut.\n",
        );
        let uses = json!({
            "by": "uses",
            "forms": {
                "one": [{ "value": "uses" }, " uso"],
                "other": [{ "value": "uses" }, " usi"],
            },
            "rest": "other",
        });
        let place = json!({ "value": "place" });
        assert_eq!(found.by_id["uses"], json!([uses]));
        assert_eq!(found.by_id["all"], json!(["In ", place, ": ", uses, "."]));
        assert_eq!(found.by_id["all.short"], "Tut.");
        assert_eq!(found.faults, Vec::<String>::new());
    }

    #[test]
    fn what_pages_could_not_show_is_a_fault() {
        for (text, fault) in [
            ("a = A\na = B\n", "a is there twice"),
            ("a = A\n§\n", "line 2: "),
            ("a = { b }\n", "a has more than "),
            ("a = { a }\n", "a has more than "),
            ("a = { NUMBER($n) }\n", "a has more than "),
        ] {
            let faults = Patterns::read(text).faults;
            assert!(
                faults.len() == 1 && faults[0].starts_with(fault),
                "{faults:?}"
            );
        }
    }
}
