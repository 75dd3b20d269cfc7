//! The report as text for a terminal: calm tables, no colours, nothing beyond the width asked for
//! unless it is too small for any table.

mod cross;
mod grid;
mod language;
mod measure;
mod notes;
mod number;
mod sections;
mod split;
mod words;

use crate::tables::CategoryName;
use crate::{Report, SealNote};
use affluenza_store::figures::Counted;
use measure::{harmless, width, wrap};
use words::Words;

pub use language::{Language, UnknownLanguage};

/// Tables are not made narrower than this.
const ROOM_MIN: usize = 60;

/// What every part of the text needs to know.
#[derive(Clone, Copy)]
struct Style {
    language: Language,
    words: &'static Words,
    /// Columns of the terminal.
    room: usize,
}

/// All of the text: a heading, the tables, the notes, two blank lines apart.
pub(crate) fn page(report: &Report, language: Language, width: usize) -> String {
    let style = Style {
        language,
        words: language.words(),
        room: width.max(ROOM_MIN),
    };
    let mut parts = vec![heading(report, style)];
    if report.is_empty() {
        parts.push(notes::section(report, style));
        parts.push(cross::offered(report, style));
    } else {
        parts.push(sections::totals(report, style));
        parts.push(sections::categories(report, style));
        parts.push(cross::usage(report, style));
        parts.push(sections::services(report, style));
        parts.push(sections::devices(report, style));
        parts.push(sections::places(report, style));
        parts.push(sections::bands(report, style));
        parts.push(sections::hours(report, style));
        parts.push(cross::offered(report, style));
        parts.push(notes::section(report, style));
    }
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n")
}

fn heading(report: &Report, style: Style) -> String {
    let words = style.words;
    let title = format!("{} · {}", words.title, report.year);
    let mut below = Vec::new();
    if let Some(year) = report.compared_year {
        below.push(format!("{} {year}", words.compared_with));
    }
    let counted = match report.counted {
        Counted::People => words.people_only,
        Counted::All => words.people_and_bots,
    };
    below.push(counted.to_owned());
    below.push(format!("{} {}", words.local_time, report.hours.time_zone));
    let rule = "═".repeat(width(&title));
    let seal = report
        .seal
        .as_ref()
        .map_or_else(String::new, |seal| sealed(seal, style));
    format!("{title}\n{rule}\n{}\n{seal}", below.join(" · "))
}

/// Which seal the figures are from, and why there is more than one.
fn sealed(seal: &SealNote, style: Style) -> String {
    let words = style.words;
    let day = seal.sealed_at.split('T').next().unwrap_or_default();
    let day = day
        .parse()
        .map_or_else(|_| day.to_owned(), |day| style.language.date(day));
    let mut text = format!(
        "{} {day} · {} {}\n",
        words.closed_on, words.seal, seal.number
    );
    if !seal.cause.is_empty() {
        let cause = format!("{}: {}", words.restated, harmless(&seal.cause));
        text.push_str(&format!("{}\n", wrap(&cause, style.room, "  ")));
    }
    text.push_str(&format!("SHA-256 {}\n", seal.hash));
    text
}

/// A title above its body.
fn titled(title: &str, body: &str) -> String {
    format!("{title}\n\n{body}")
}

impl Language {
    /// The category's name in this language.
    fn category(self, name: &CategoryName) -> String {
        harmless(match self {
            Self::Italian => &name.category_name_it,
            Self::English => &name.category_name_en,
        })
    }

    /// `31 dicembre 2017`
    fn date(self, date: jiff::civil::Date) -> String {
        let month = usize::try_from(date.month()).unwrap_or(1).saturating_sub(1);
        let month = self.words().months.get(month).copied().unwrap_or("");
        format!("{} {month} {}", date.day(), date.year())
    }
}
