//! The service centre that publishes a report.

use std::collections::BTreeMap;
use std::path::PathBuf;

use affluenza_words::Language;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::prose;
use super::{Block, Document, Section, is_section};
use crate::face::{Accreditation, CentreFace, ReportColours};
use crate::period::ReportPeriod;
use crate::text::harmless;

/// Texts by code of the language.
type Texts = BTreeMap<String, String>;

/// Name of a report's publisher if no centre is configured.
const NAMELESS: &str = "Affluenza";

/// Settings of the centre that publishes reports.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Centre {
    /// Name on the cover, and author of the file. Empty: the publisher of the open data.
    pub name: String,
    /// SVG or PNG file of the logo, on the cover and on the web pages. Empty: none.
    pub logo: PathBuf,
    /// Colour of headings, main figures and charts, such as `#00529b`. Its contrast with white is at
    /// least 4.5:1. Empty: blue.
    pub colour: String,
    /// Colour of the compared year in charts. Its contrast with white is at least 3:1. Empty: grey.
    pub compared_colour: String,
    /// Logos on the last page.
    pub accreditations: Vec<Accreditation>,
    /// Postal address on the last page.
    pub address: String,
    /// Address for questions on the last page. Empty: the contact of the open data.
    pub contact: String,
    /// Licence of the figures on the last page.
    pub licence: String,
    /// Introduction on the first page by code of the language, in Markdown: paragraphs, lists, strong
    /// text and links.
    pub introduction: Texts,
    /// Words on the last page by code of the language, in Markdown.
    pub closing: Texts,
    /// Edition of each year, by the year: `2017`.
    pub years: BTreeMap<String, Edition>,
}

/// Settings of the report of a year.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Edition {
    /// Day on which the edition is published, on the cover.
    pub published_on: Option<Date>,
    /// Day of the next edition, on the cover.
    pub next_edition: Option<Date>,
    /// Comments by id of their section, then by code of the language, in Markdown. They are about all
    /// enti.
    pub comments: BTreeMap<String, Texts>,
}

impl Centre {
    /// Returns the mistakes in the settings: colours, and unknown years, sections and languages. Files
    /// are read by [`crate::face::CentreFace::load`].
    pub fn problems(&self) -> Vec<String> {
        let mut problems = ReportColours::problems(&self.colour, &self.compared_colour);
        let unnamed = self
            .accreditations
            .iter()
            .position(|logo| logo.name.trim().is_empty());
        problems.extend(unnamed.map(|place| {
            format!("report.accreditations[{place}].name: give a name, which screen readers speak")
        }));
        let mut texts = vec![
            ("introduction".to_owned(), &self.introduction),
            ("closing".to_owned(), &self.closing),
        ];
        for (year, edition) in &self.years {
            let period = year.parse::<ReportPeriod>();
            if !period.is_ok_and(|period| period.is_year() && period.to_string() == *year) {
                problems.push(format!("report.years.{year}: give a year such as 2017"));
            }
            for (id, comment) in &edition.comments {
                let key = format!("years.{year}.comments.{id}");
                if !is_section(id) {
                    problems.push(format!(
                        "report.{key}: no section has this id; HTML and JSON name all"
                    ));
                }
                texts.push((key, comment));
            }
        }
        for (key, texts) in texts {
            for (code, text) in texts {
                let unknown = code.parse::<Language>().err();
                let mistakes = [
                    unknown.map(|error| error.to_string()),
                    prose::parse(text).err(),
                ];
                let mistakes = mistakes.into_iter().flatten();
                problems.extend(mistakes.map(|mistake| format!("report.{key}: {mistake}")));
            }
        }
        problems
    }

    /// Returns the edition of a whole year.
    fn edition(&self, period: ReportPeriod) -> Option<&Edition> {
        let own = self.years.get(&period.year().to_string());
        own.filter(|_| period.is_year())
    }

    /// Returns the name for the cover.
    pub fn mark(&self) -> String {
        match self.name.trim() {
            "" => NAMELESS.to_owned(),
            name => harmless(name),
        }
    }
}

/// Returns a text in a language, if there is one. The settings were checked.
fn prose_of(texts: &Texts, language: Language) -> Option<Block> {
    let paragraphs = prose::parse(texts.get(language.as_str())?).unwrap_or_default();
    (!paragraphs.is_empty()).then_some(Block::Prose(paragraphs))
}

impl Document {
    /// Adds name, logos, colours, dates, introduction, comments and address of a centre.
    #[must_use]
    pub fn of_centre(mut self, face: &CentreFace) -> Self {
        self.centre = face.clone();
        let centre = &face.centre;
        let language = self.language;
        if let Some(summary) = self.sections.first_mut() {
            summary
                .blocks
                .extend(prose_of(&centre.introduction, language));
        }
        let none = Edition::default();
        let edition = centre.edition(self.period).unwrap_or(&none);
        if !self.is_of_ente {
            for section in &mut self.sections {
                if let Some(comment) = edition.comments.get(&*section.id) {
                    section.blocks.splice(0..0, prose_of(comment, language));
                }
            }
        }
        let days = [
            ("edition-published", edition.published_on),
            ("edition-next", edition.next_edition),
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
        if let Some(last) = self.brief.last_mut()
            && !notes.is_empty()
        {
            last.blocks.push(Block::Text(notes.join(" ")));
        }
        let mut blocks: Vec<Block> = prose_of(&centre.closing, language).into_iter().collect();
        blocks.push(Block::Notes(notes));
        blocks.push(Block::Logos(face.accreditations.clone()));
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
        let comments = ["categories", "figures-sla"];
        let edition = Edition {
            published_on: Some("2018-03-01".parse().unwrap()),
            next_edition: Some("2019-03-01".parse().unwrap()),
            comments: comments
                .map(|id| (id.to_owned(), text("Un\ncommento.\n\nAltro.")))
                .into(),
        };
        let centre = Centre {
            closing: text("Grazie."),
            years: BTreeMap::from([("2017".to_owned(), edition)]),
            ..Centre::default()
        };
        assert_eq!(centre.problems(), Vec::<String>::new());
        let face = CentreFace {
            centre,
            ..CentreFace::default()
        };
        let document = Document::new(&crate::tests::report(), Language::IT).of_centre(&face);
        let days = "pubblicato il 1º marzo 2018 · prossima edizione: 1º marzo 2019";
        assert_eq!(document.edition.last().unwrap(), days);
        let mut sections = document.sections.iter();
        let categories = sections.find(|section| section.id == "categories").unwrap();
        let comment = prose::parse("Un commento.\n\nAltro.").unwrap();
        assert_eq!(categories.blocks[0], Block::Prose(comment));
        let last = document.sections.last().unwrap();
        assert_eq!(
            (&*last.id, &last.blocks[..]),
            (
                "contact",
                &[Block::Prose(prose::parse("Grazie.").unwrap())][..]
            )
        );
        let english = Document::new(&crate::tests::report(), Language::EN).of_centre(&face);
        assert!(
            english
                .sections
                .iter()
                .all(|section| section.id != "contact")
        );
    }

    #[test]
    fn comments_are_of_one_year_and_of_all_enti() {
        let comment = BTreeMap::from([("it".to_owned(), "Un commento.".to_owned())]);
        let edition = Edition {
            published_on: Some("2018-03-01".parse().unwrap()),
            comments: BTreeMap::from([("categories".to_owned(), comment)]),
            ..Edition::default()
        };
        let of_year = |year: &str| CentreFace {
            centre: Centre {
                years: BTreeMap::from([(year.to_owned(), edition.clone())]),
                ..Centre::default()
            },
            ..CentreFace::default()
        };
        let document = Document::new(&crate::tests::report(), Language::IT);
        let printed = |document: &Document, year: &str| {
            let text = document.clone().of_centre(&of_year(year)).to_text(100);
            ["Un commento.", "pubblicato il"].map(|words| text.contains(words))
        };
        assert_eq!(printed(&document, "2017"), [true, true]);
        assert_eq!(printed(&document, "2016"), [false, false]);
        let of_ente = Document {
            is_of_ente: true,
            ..document.clone()
        };
        assert_eq!(printed(&of_ente, "2017"), [false, true]);
        let quarter = Document {
            period: "2017-Q1".parse().unwrap(),
            ..document
        };
        assert_eq!(printed(&quarter, "2017"), [false, false]);
    }

    #[test]
    fn unknown_years_sections_and_languages_are_problems() {
        let text = BTreeMap::from([("xx".to_owned(), "# A".to_owned())]);
        let comments = ["categories", "column-year"].map(|id| (id.to_owned(), text.clone()));
        let edition = Edition {
            comments: comments.into(),
            ..Edition::default()
        };
        let centre = Centre {
            closing: text.clone(),
            years: BTreeMap::from([("2017-Q1".to_owned(), edition)]),
            ..Centre::default()
        };
        let problems = centre.problems();
        for (problem, start) in problems.iter().zip([
            "report.years.2017-Q1: give a year",
            "report.years.2017-Q1.comments.column-year: no section",
            "report.closing: unknown language",
            "report.closing: headings",
            "report.years.2017-Q1.comments.categories: unknown language",
            "report.years.2017-Q1.comments.categories: headings",
            "report.years.2017-Q1.comments.column-year: unknown language",
            "report.years.2017-Q1.comments.column-year: headings",
        ]) {
            assert!(problem.starts_with(start), "{problem}");
        }
        assert_eq!(problems.len(), 8);
        let document = Document::new(&crate::tests::report(), Language::IT);
        assert!(
            document
                .sections
                .iter()
                .all(|section| is_section(&section.id))
        );
    }
}
