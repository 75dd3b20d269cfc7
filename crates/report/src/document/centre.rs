//! The service centre that publishes a report.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Block, Document, Section};
use crate::text::harmless;

/// Name of a report's publisher if no centre is configured.
const NAMELESS: &str = "Affluenza";

/// Settings of the centre that publishes reports.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Centre {
    /// Name on the cover, and author of the file. Empty: the publisher of the open data.
    pub name: String,
    /// Postal address on the last page.
    pub address: String,
    /// Address for questions on the last page. Empty: the contact of the open data.
    pub contact: String,
    /// Licence of the figures on the last page.
    pub licence: String,
    /// Introduction on the first page by code of the language. A blank line divides paragraphs.
    pub introduction: BTreeMap<String, String>,
}

impl Centre {
    /// Returns the name for the cover.
    pub fn mark(&self) -> String {
        match self.name.trim() {
            "" => NAMELESS.to_owned(),
            name => harmless(name),
        }
    }
}

impl Document {
    /// Adds the name, the introduction and the address of a centre.
    #[must_use]
    pub fn of_centre(mut self, centre: &Centre) -> Self {
        self.centre = centre.clone();
        let introduction = centre.introduction.get(self.language.as_str());
        let paragraphs = introduction.into_iter().flat_map(|text| text.split("\n\n"));
        let paragraphs =
            paragraphs.map(|text| harmless(&text.replace('\n', " ")).trim().to_owned());
        let paragraphs = paragraphs.filter(|text| !text.is_empty()).map(Block::Text);
        if let Some(summary) = self.sections.first_mut() {
            summary.blocks.extend(paragraphs);
        }
        let own = [
            ("contact-centre", &centre.name),
            ("contact-address", &centre.address),
            ("contact-questions", &centre.contact),
            ("contact-licence", &centre.licence),
        ];
        let known = own.into_iter().filter(|(_, text)| !text.trim().is_empty());
        let notes: Vec<String> = known
            .map(|(id, text)| {
                let words = [("text", harmless(text.trim()).into())];
                self.language.say(id, &words)
            })
            .collect();
        if !notes.is_empty() {
            self.sections.push(Section {
                id: "contact".into(),
                title: self.language.say("contact", &[]),
                statement: None,
                annex: None,
                blocks: vec![Block::Notes(notes)],
            });
        }
        self
    }
}
