//! Messages for programs that fill in the arguments themselves: the web pages.

use std::sync::LazyLock;

use fluent_bundle::FluentResource;
use fluent_syntax::ast::{
    Entry, Expression, InlineExpression, Message, Pattern, PatternElement, VariantKey,
};
use fluent_syntax::unicode::unescape_unicode_to_string;
use serde_json::{Map, Value, json};

use crate::Language;

static RESOURCES: LazyLock<Vec<FluentResource>> = LazyLock::new(|| {
    let sources = Language::sources().iter();
    let resources = sources.map(|source| FluentResource::try_new(source.text.to_owned()));
    resources
        .map(|read| read.unwrap_or_else(|(readable, _)| readable))
        .collect()
});

impl Language {
    /// Returns the messages whose ids begin with one of these, without their attributes.
    ///
    /// A message is a text or a list of parts. A part is a text, an argument `{"value": NAME}`, or
    /// a selection `{"by": NAME, "forms": {…}, "rest": FORM}` by the value of an argument, by its
    /// plural category, or else the form `rest`.
    pub fn patterns(self, beginnings: &[&str]) -> Map<String, Value> {
        let patterns = self.messages().filter_map(|message| {
            let name = message.id.name;
            let mut beginnings = beginnings.iter();
            let is_wanted = beginnings.any(|beginning| name.starts_with(beginning));
            let pattern = message.value.as_ref().filter(|_| is_wanted)?;
            Some((name.to_owned(), joined(self.parts(pattern))))
        });
        patterns.collect()
    }

    fn messages(self) -> impl Iterator<Item = &'static Message<&'static str>> {
        let entries = RESOURCES[self.place()].entries();
        entries.filter_map(|entry| match entry {
            Entry::Message(message) => Some(message),
            _ => None,
        })
    }

    fn parts(self, pattern: &Pattern<&str>) -> Vec<Value> {
        let elements = pattern.elements.iter();
        let parts = elements.flat_map(|element| match element {
            PatternElement::TextElement { value } => vec![json!(value)],
            PatternElement::Placeable { expression } => self.expression(expression),
        });
        parts.collect()
    }

    fn expression(self, expression: &Expression<&str>) -> Vec<Value> {
        match expression {
            Expression::Inline(inline) => self.inline(inline),
            Expression::Select { selector, variants } => {
                let InlineExpression::VariableReference { id } = selector else {
                    return Vec::new();
                };
                let mut forms = Map::new();
                let mut rest = "";
                for variant in variants {
                    let (VariantKey::Identifier { name }
                    | VariantKey::NumberLiteral { value: name }) = variant.key;
                    if variant.default {
                        rest = name;
                    }
                    forms.insert(name.to_owned(), joined(self.parts(&variant.value)));
                }
                vec![json!({ "by": id.name, "forms": forms, "rest": rest })]
            }
        }
    }

    /// Returns the parts of an expression. The build refuses those that have none here.
    fn inline(self, expression: &InlineExpression<&str>) -> Vec<Value> {
        match expression {
            InlineExpression::StringLiteral { value } => {
                vec![json!(unescape_unicode_to_string(value))]
            }
            InlineExpression::VariableReference { id } => vec![json!({ "value": id.name })],
            InlineExpression::MessageReference { id, .. } => {
                let mut messages = self.messages();
                let message = messages.find(|message| message.id.name == id.name);
                let pattern = message.and_then(|message| message.value.as_ref());
                pattern.map_or_else(Vec::new, |pattern| self.parts(pattern))
            }
            _ => Vec::new(),
        }
    }
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
        let found = Language::IT.patterns(&["uses-counted", "note-unknown-category"]);
        let forms = json!({
            "by": "uses",
            "forms": {
                "one": [{ "value": "uses" }, " utilizzo"],
                "other": [{ "value": "uses" }, " utilizzi"],
            },
            "rest": "other",
        });
        assert_eq!(found["uses-counted"], json!([forms]));
        let category = json!({ "value": "category" });
        let start = "Nella categoria ";
        let middle = ", assente dal registro: ";
        let expected = json!([start, category, middle, forms, "."]);
        assert_eq!(found["note-unknown-category"], expected);
    }

    #[test]
    fn a_message_without_arguments_is_a_text() {
        let found = Language::EN.patterns(&["language-thousands", "band-night"]);
        assert_eq!(
            Value::from(found),
            json!({ "band-night": "Night", "language-thousands": "," })
        );
    }
}
