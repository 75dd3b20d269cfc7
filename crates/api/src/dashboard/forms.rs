//! Forms of public figures in other sites: a badge, a table and a page for a frame.

use std::fmt::Write as _;
use std::sync::Arc;

use affluenza_disclosure::Count;
use affluenza_disclosure::edition::ClosedPeriod;
use affluenza_words::{Language, WordArg};

use super::assets::ASSETS;
use super::frame::escaped;
use super::picture::PictureText;
use crate::question::Measure;

/// Greatest number of characters of a name on a badge.
const NAME_CHARACTERS_MAX: usize = 38;

/// Public figures of a closed year or month: service uses by category, or accesses by device. A month
/// has no categories.
pub(crate) struct PublicFigures {
    pub language: Language,
    pub measure: Measure,
    /// Code of the ente in addresses, or of all enti.
    pub code: String,
    /// Name of the ente, or of all enti.
    pub name: String,
    pub period: ClosedPeriod,
    pub rows: Arc<[PublicRow]>,
    pub total: Count,
    /// Name of the publisher; may be empty.
    pub publisher: String,
    /// Address of the page with more figures.
    pub link: String,
}

pub(crate) struct PublicRow {
    pub name: String,
    pub count: Count,
}

impl PublicFigures {
    /// Returns name, total and unit.
    pub fn whole(&self) -> String {
        format!("{}: {} {}", self.name, self.total(), self.unit())
    }

    /// Writes the content of a page: title, total and table.
    pub fn section(&self, title: &str) -> String {
        let [title, total, unit] = [title, &self.total(), &self.unit()].map(escaped);
        format!(
            "<h1>{title}<small>{}</small></h1><div class=\"grid\"><dl class=\"card figures\"><div><dt>{unit}</dt>\
             <dd><div class=\"great\">{total}</div></dd></div></dl><section class=\"card\">{}</section></div>",
            escaped(&self.period()),
            self.rows()
        )
    }

    /// Returns the total, or the mark of a hidden one.
    fn total(&self) -> String {
        self.count(self.total)
    }

    fn count(&self, count: Count) -> String {
        let hidden = || self.language.say("web-secret", &[]);
        count
            .shown()
            .map_or_else(hidden, |count| self.language.count(count))
    }

    fn month(&self, month: u8) -> String {
        self.language.month(month.cast_signed())
    }

    /// Returns the year, or the month with its year.
    pub fn period(&self) -> String {
        let ClosedPeriod { year, month } = self.period;
        match month {
            Some(month) => format!("{} {year}", self.month(month)),
            None => year.to_string(),
        }
    }

    fn say(&self, id: &str) -> String {
        let month = self.period.month.map(|month| self.month(month));
        let words: [WordArg<'_>; 4] = [
            ("name", self.name.as_str().into()),
            ("year", self.period.year.to_string().into()),
            ("month", month.unwrap_or_else(|| "none".to_owned()).into()),
            ("publisher", self.publisher.as_str().into()),
        ];
        self.language.say(id, &words)
    }

    /// Returns the unit: uses or accesses, and the period.
    fn unit(&self) -> String {
        match self.measure {
            Measure::Accesses => self.say("embed-accesses"),
            _ => self.say("embed-uses"),
        }
    }

    /// Returns who publishes the figures; empty without a publisher.
    fn source(&self) -> String {
        match self.publisher.is_empty() {
            true => String::new(),
            false => self.say("embed-source"),
        }
    }

    /// Returns the texts of the picture for previews of links.
    pub fn picture(&self) -> PictureText {
        PictureText {
            name: self.name.clone(),
            total: self.total(),
            unit: self.unit(),
            source: self.source(),
        }
    }

    /// Draws a badge. It has attributes and no styles, so that every policy allows it.
    pub fn badge(&self) -> String {
        let mut name: String = self.name.chars().take(NAME_CHARACTERS_MAX).collect();
        if name != self.name {
            name.push('…');
        }
        let [whole, name, total, unit, source] =
            [self.whole(), name, self.total(), self.unit(), self.source()]
                .map(|text| escaped(&text));
        format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" width="320" height="120" viewBox="0 0 320 120" role="img" aria-labelledby="t d" lang="{language}" font-family="'Titillium Web', system-ui, 'Segoe UI', Roboto, sans-serif">
<title id="t">{whole}</title>
<desc id="d">{source}</desc>
<rect x=".5" y=".5" width="319" height="119" rx="6" fill="#fff" stroke="#7d8fa1"/>
<rect width="6" height="120" rx="3" fill="#0066cc"/>
<text x="20" y="30" font-size="15" font-weight="600" fill="#17324d">{name}</text>
<text x="20" y="70" font-size="34" font-weight="600" fill="#0059b3">{total}</text>
<text x="20" y="92" font-size="13" fill="#455b71">{unit}</text>
<text x="20" y="110" font-size="11" fill="#455b71">{source}</text>
</svg>
"##,
            language = self.language,
        )
    }

    /// Writes the table with a link to all figures, without scripts and styles.
    pub fn table(&self) -> String {
        let [more, link, source] =
            [&self.say("embed-more"), &self.link, &self.source()].map(|text| escaped(text));
        let language = self.language;
        self.rows()
            + &format!(
                "<p lang=\"{language}\"><a href=\"{link}\" target=\"_top\">{more}</a> {source}</p>\n"
            )
    }

    /// Writes the table, with a note if a count is hidden.
    fn rows(&self) -> String {
        let id = match (self.measure, self.period.month) {
            (Measure::Accesses, _) => "web-device",
            (_, None) => "web-category",
            (_, Some(_)) => "web-month",
        };
        let [caption, first, unit, total, sum] = [
            format!("{}: {}", self.name, self.unit()),
            self.say(id),
            self.say(&format!("embed-column-{}", self.measure.name())),
            self.say("web-total"),
            self.total(),
        ]
        .map(|text| escaped(&text));
        let language = self.language;
        let mut html = format!(
            "<table lang=\"{language}\"><caption>{caption}</caption>\n<thead><tr><th scope=\"col\">{first}</th>\
             <th scope=\"col\" class=\"number\">{unit}</th></tr></thead>\n<tbody>\n"
        );
        let mut has_hidden = self.total.shown().is_none();
        for row in self.rows.iter() {
            has_hidden |= row.count.shown().is_none();
            let (name, count) = (escaped(&row.name), escaped(&self.count(row.count)));
            _ = writeln!(
                html,
                "<tr><th scope=\"row\">{name}</th><td class=\"number\">{count}</td></tr>"
            );
        }
        html.push_str("</tbody>\n");
        // A month has one row, which is its total.
        if self.rows.len() != 1 {
            _ = writeln!(
                html,
                "<tfoot><tr><th scope=\"row\">{total}</th><td class=\"number\">{sum}</td></tr></tfoot>"
            );
        }
        html.push_str("</table>\n");
        if has_hidden {
            let note = escaped(&self.say("embed-hidden"));
            _ = writeln!(html, "<p lang=\"{language}\">{note}</p>");
        }
        html
    }

    /// Writes a page for a frame.
    pub fn page(&self) -> String {
        let title = escaped(&format!("{}: {}", self.name, self.unit()));
        format!(
            "<!doctype html><html lang=\"{}\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\"><meta name=\"color-scheme\" content=\"light dark\">\
             <title>{title}</title><link rel=\"stylesheet\" href=\"{}\"></head>\
             <body><main>{}</main></body></html>\n",
            self.language,
            ASSETS.address("app.css"),
            self.table()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(name: &str, total: Count) -> PublicFigures {
        let row = |name: &str, count| PublicRow {
            name: name.to_owned(),
            count,
        };
        PublicFigures {
            language: Language::IT,
            measure: Measure::ServiceUses,
            code: "c_a".to_owned(),
            name: name.to_owned(),
            period: ClosedPeriod::from(2017),
            rows: Arc::new([
                row("Tributi", Count::Shown(1859)),
                row("Casa <b>", Count::Hidden),
            ]),
            total,
            publisher: "Centro".to_owned(),
            link: "https://uso.example.it/enti/c_a?year=2017&lang=it".to_owned(),
        }
    }

    #[test]
    fn a_badge_names_itself_and_cuts_long_names_only_in_its_picture() {
        let name = "Unione dei Comuni di \"Alfa\", Beta, Gamma e Delta";
        let badge = figures(name, Count::Shown(12_345)).badge();
        let title = "<title id=\"t\">Unione dei Comuni di &quot;Alfa&quot;, Beta, Gamma e Delta: \
                     12.345 utilizzi dei servizi digitali nel 2017</title>";
        assert!(badge.contains(title), "{badge}");
        assert!(badge.contains("Beta, Gam…</text>"), "{badge}");
        assert!(badge.contains("<desc id=\"d\">Fonte: Centro.</desc>"));
        assert!(!badge.contains("style"), "no policy forbids it");
    }

    #[test]
    fn a_table_has_its_total_its_link_and_no_hidden_count() {
        let table = figures("Alfa", Count::Hidden).table();
        for part in [
            "<caption>Alfa: utilizzi dei servizi digitali nel 2017</caption>",
            "<th scope=\"row\">Tributi</th><td class=\"number\">1.859</td>",
            "<th scope=\"row\">Casa &lt;b></th><td class=\"number\">riservato</td>",
            "<th scope=\"row\">Totale</th><td class=\"number\">riservato</td>",
            "<p lang=\"it\">Riservato: ",
            "<a href=\"https://uso.example.it/enti/c_a?year=2017&amp;lang=it\" target=\"_top\">",
        ] {
            assert!(table.contains(part), "{part}: {table}");
        }
        let shown = PublicFigures {
            rows: Arc::default(),
            ..figures("Alfa", Count::Shown(3))
        };
        assert!(!shown.table().contains("Riservato"));
    }

    #[test]
    fn a_month_is_named_and_its_only_row_is_no_total() {
        let month = PublicFigures {
            period: ClosedPeriod::month(2017, 3),
            rows: Arc::new([PublicRow {
                name: "marzo 2017".to_owned(),
                count: Count::Shown(7),
            }]),
            ..figures("Alfa", Count::Shown(7))
        };
        assert!(
            month
                .badge()
                .contains(">utilizzi dei servizi digitali in marzo 2017</text>")
        );
        let table = month.table();
        assert!(table.contains("<th scope=\"col\">Mese</th>"), "{table}");
        assert!(!table.contains("tfoot"), "{table}");
    }
}
