//! The service centre that publishes a report.

use std::collections::BTreeMap;

use affluenza_words::Language;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Block, Document, Section, TABLE_PREFIX};
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
    /// Day on which the edition is published, on the cover.
    pub published_on: Option<Date>,
    /// Day of the next edition, on the cover.
    pub next_edition: Option<Date>,
    /// Introduction on the first page by code of the language. A blank line divides paragraphs.
    pub introduction: BTreeMap<String, String>,
    /// Words on the last page by code of the language.
    pub closing: BTreeMap<String, String>,
    /// Comments by id of their section, then by code of the language.
    pub comments: BTreeMap<String, BTreeMap<String, String>>,
}

impl Centre {
    /// Returns the mistakes in the settings: comments on sections that no report has.
    pub fn problems(&self) -> Vec<String> {
        let sections = self.comments.keys().filter(|id| {
            let is_table = id.starts_with(TABLE_PREFIX);
            !is_table && Language::IT.message(id, &[]).is_none()
        });
        sections
            .map(|id| {
                format!("report.comments.{id}: no section has this id; HTML and JSON name all")
            })
            .collect()
    }

    /// Returns the name for the cover.
    pub fn mark(&self) -> String {
        match self.name.trim() {
            "" => NAMELESS.to_owned(),
            name => harmless(name),
        }
    }
}

/// Returns the paragraphs of a text in a language.
fn paragraphs(
    texts: &BTreeMap<String, String>,
    language: Language,
) -> impl Iterator<Item = Block> + '_ {
    let text = texts.get(language.as_str()).into_iter();
    let paragraphs = text.flat_map(|text| text.split("\n\n"));
    let paragraphs = paragraphs.map(|text| harmless(&text.replace('\n', " ")).trim().to_owned());
    paragraphs.filter(|text| !text.is_empty()).map(Block::Text)
}

impl Document {
    /// Adds name, dates, introduction, comments and address of a centre.
    #[must_use]
    pub fn of_centre(mut self, centre: &Centre) -> Self {
        self.centre = centre.clone();
        let language = self.language;
        if let Some(summary) = self.sections.first_mut() {
            summary
                .blocks
                .extend(paragraphs(&centre.introduction, language));
        }
        for section in &mut self.sections {
            if let Some(comment) = centre.comments.get(&*section.id) {
                section.blocks.splice(0..0, paragraphs(comment, language));
            }
        }
        let days = [
            ("edition-published", centre.published_on),
            ("edition-next", centre.next_edition),
        ];
        let days = days.into_iter().filter_map(|(id, day)| {
            let words = [("on", language.date(day?).into())];
            Some(language.say(id, &words))
        });
        let days: Vec<String> = days.collect();
        if !days.is_empty() {
            self.edition.push(days.join(" · "));
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
        let mut blocks: Vec<Block> = paragraphs(&centre.closing, language).collect();
        blocks.push(Block::Notes(notes));
        blocks.retain(|block| !block.is_empty());
        if !blocks.is_empty() {
            self.sections.push(Section {
                id: "contact".into(),
                title: self.language.say("contact", &[]),
                statement: None,
                annex: None,
                blocks,
            });
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_comments_and_closing_have_their_places() {
        let text = |italian: &str| BTreeMap::from([("it".to_owned(), italian.to_owned())]);
        let comments = ["categories", "figures-sla", "kategories"];
        let centre = Centre {
            published_on: Some("2018-03-01".parse().unwrap()),
            next_edition: Some("2019-03-01".parse().unwrap()),
            closing: text("Grazie."),
            comments: comments
                .map(|id| (id.to_owned(), text("Un\ncommento.\n\nAltro.")))
                .into(),
            ..Centre::default()
        };
        let problems = centre.problems();
        assert_eq!(problems.len(), 1);
        assert!(problems[0].starts_with("report.comments.kategories:"));
        let document = Document::new(&crate::tests::report(), Language::IT).of_centre(&centre);
        let days = "pubblicato il 1º marzo 2018 · prossima edizione: 1º marzo 2019";
        assert_eq!(document.edition.last().unwrap(), days);
        let mut sections = document.sections.iter();
        let categories = sections.find(|section| section.id == "categories").unwrap();
        let paragraphs = ["Un commento.", "Altro."].map(|text| Block::Text(text.to_owned()));
        assert_eq!(categories.blocks[..2], paragraphs);
        let last = document.sections.last().unwrap();
        assert_eq!(
            (&*last.id, &last.blocks[..]),
            ("contact", &[Block::Text("Grazie.".to_owned())][..])
        );
        let english = Document::new(&crate::tests::report(), Language::EN).of_centre(&centre);
        assert!(
            english
                .sections
                .iter()
                .all(|section| section.id != "contact")
        );
    }
}
