//! Texts of the centre in Markdown: paragraphs and lists with emphasis and links.

use pulldown_cmark::{Event, LinkType, Options, Parser, Tag, TagEnd};

use crate::text::harmless;

/// A paragraph or an item of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paragraph {
    /// Bullet or number of the item of a list; empty for a paragraph.
    pub mark: String,
    /// Text.
    pub runs: Vec<TextRun>,
}

/// A part of a paragraph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextRun {
    /// Text without line breaks.
    pub text: String,
    /// True for emphasis.
    pub is_strong: bool,
    /// Address of a link.
    pub link: Option<String>,
}

impl Paragraph {
    /// Returns the text without emphasis. An address follows the text that it is linked from.
    pub fn plain(&self) -> String {
        let mark = match &*self.mark {
            "" => String::new(),
            mark => format!("{mark} "),
        };
        let texts = self.runs.iter().map(TextRun::plain);
        mark + &texts.collect::<String>()
    }
}

impl TextRun {
    /// Returns the text with its address, for forms without links.
    pub fn plain(&self) -> String {
        match &self.link {
            Some(link) if link.trim_start_matches("mailto:") != self.text => {
                format!("{} ({link})", self.text)
            }
            _ => self.text.clone(),
        }
    }
}

/// Parses a text.
///
/// # Errors
/// The text has a part that not every form of a report can show.
pub(super) fn parse(markdown: &str) -> Result<Vec<Paragraph>, String> {
    let mut reader = ProseReader::default();
    for event in Parser::new_ext(markdown, Options::empty()) {
        reader.take(event)?;
    }
    reader.end_paragraph();
    Ok(reader.paragraphs)
}

/// State between two events of the parser.
#[derive(Default)]
struct ProseReader {
    paragraphs: Vec<Paragraph>,
    current: Paragraph,
    /// Number of the next item in a list; `None` for bullets.
    list: Option<Option<u64>>,
    strong: u32,
    link: Option<String>,
}

impl ProseReader {
    fn take(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::Start(tag) => self.start(tag)?,
            Event::End(TagEnd::Strong | TagEnd::Emphasis) => self.strong -= 1,
            Event::End(TagEnd::Link) => self.link = None,
            Event::End(TagEnd::List(_)) => self.list = None,
            Event::End(TagEnd::Paragraph | TagEnd::Item) => self.end_paragraph(),
            Event::End(_) => {}
            Event::Text(text) | Event::Code(text) => self.push(&text),
            Event::SoftBreak | Event::HardBreak => self.push(" "),
            _ => return Err("HTML and rules cannot be printed: use Markdown text only".to_owned()),
        }
        Ok(())
    }

    fn start(&mut self, tag: Tag<'_>) -> Result<(), String> {
        match tag {
            Tag::Paragraph => {}
            Tag::Strong | Tag::Emphasis => self.strong += 1,
            Tag::Link {
                link_type,
                dest_url,
                ..
            } => {
                let address = match link_type {
                    LinkType::Email => format!("mailto:{dest_url}"),
                    _ => dest_url.into_string(),
                };
                let schemes = ["https://", "http://", "mailto:"];
                if !schemes.iter().any(|scheme| address.starts_with(scheme)) {
                    return Err(format!("the link {address:?} is not https://… or mailto:…"));
                }
                self.link = Some(harmless(&address));
            }
            Tag::List(first) if self.list.is_none() => self.list = Some(first),
            Tag::Item => {
                self.current.mark = match &mut self.list {
                    Some(Some(number)) => {
                        *number += 1;
                        format!("{}.", *number - 1)
                    }
                    _ => "•".to_owned(),
                };
            }
            Tag::List(_) => return Err("a list in a list cannot be printed".to_owned()),
            Tag::Heading { .. } => {
                return Err(
                    "headings cannot be printed, since the section has one: use **strong** text"
                        .to_owned(),
                );
            }
            Tag::Image { .. } => {
                return Err("images cannot be printed: report.logo names the logo".to_owned());
            }
            _ => {
                return Err(
                    "quotations, code and HTML cannot be printed: use paragraphs and lists"
                        .to_owned(),
                );
            }
        }
        Ok(())
    }

    fn push(&mut self, text: &str) {
        let run = TextRun {
            text: harmless(text),
            is_strong: self.strong > 0,
            link: self.link.clone(),
        };
        match self.current.runs.last_mut() {
            Some(last) if (last.is_strong, &last.link) == (run.is_strong, &run.link) => {
                last.text.push_str(&run.text);
            }
            _ => self.current.runs.push(run),
        }
    }

    fn end_paragraph(&mut self) {
        let paragraph = std::mem::take(&mut self.current);
        if !paragraph.runs.is_empty() {
            self.paragraphs.push(paragraph);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_lists_emphasis_and_links_are_read() {
        let text =
            "Uno **due**\ntre.\n\n- a [b](https://a.example)\n- c\n\n3. d\n\n<dati@a.example>";
        let parsed = parse(text).unwrap();
        let plain: Vec<String> = parsed.iter().map(Paragraph::plain).collect();
        assert_eq!(
            plain,
            [
                "Uno due tre.",
                "• a b (https://a.example)",
                "• c",
                "3. d",
                "dati@a.example"
            ]
        );
        assert!(parsed[0].runs[1].is_strong && !parsed[0].runs[2].is_strong);
        assert_eq!(parsed[1].runs[1].link.as_deref(), Some("https://a.example"));
        assert_eq!(parse("  \n").unwrap(), []);
        assert_eq!(parse("a\u{202e}b").unwrap()[0].plain(), "a\u{fffd}b");
    }

    #[test]
    fn parts_that_no_form_can_show_are_refused() {
        for (text, said) in [
            ("# A", "headings"),
            ("![a](b.png)", "images"),
            ("<b>a</b>", "HTML"),
            ("<div>\n</div>", "HTML"),
            ("> a", "quotations"),
            ("```\na\n```", "code"),
            ("---", "rules"),
            ("- a\n  - b", "a list in a list"),
            ("[a](javascript:b)", "is not https://"),
            ("[a](b.html)", "is not https://"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
