//! The frame of the pages, filled in for each language.

use std::fmt::Write as _;

use affluenza_words::Language;

use crate::dashboard::assets::ASSETS;
use crate::dashboard::embed::ALL;
use crate::dashboard::forms::PublicFigures;
use crate::dashboard::{PAGES, Site, picture};

const FRAME: &str = include_str!("../../assets/frame.html");

/// Beginnings of the messages that the scripts use.
const MESSAGES: [&str; 4] = ["language-", "page-", "term-", "web-"];

/// Parts of the frame that depend on the page.
const OF_PAGE: [&str; 3] = ["head", "first", "public"];

/// The frame of every language, without the parts that depend on the page.
pub(crate) struct Frames(Vec<FilledFrame>);

struct FilledFrame {
    language: Language,
    markup: String,
}

/// A page: what its head says, and what it shows before the scripts have loaded.
pub(crate) struct PageText {
    pub language: Language,
    /// Address of the page on this site, without parameters.
    pub path: String,
    /// Parameters of its addresses, each followed by `&`.
    pub query: String,
    /// Period of the request, as the API names it.
    pub period: Option<String>,
    /// Address of the pages.
    pub base: String,
    pub title: String,
    pub description: String,
    /// Picture for previews of links; `None` without public figures.
    pub picture: Option<LinkPicture>,
    /// Markup of the content.
    pub first: String,
}

/// Picture for previews of links.
pub(crate) struct LinkPicture {
    /// Address on this site.
    address: String,
    /// Text that stands for it.
    text: String,
}

impl LinkPicture {
    pub fn of(figures: &PublicFigures) -> Self {
        let PublicFigures {
            code,
            period,
            language,
            ..
        } = figures;
        Self {
            address: format!("/embed/{code}/picture.png?period={period}&lang={language}"),
            text: figures.whole(),
        }
    }
}

impl Frames {
    pub fn new(site: &Site) -> Self {
        let frames = Language::ALL.map(|language| FilledFrame {
            language,
            markup: filled(FRAME, |name| part(language, site, name)),
        });
        Self(frames.into())
    }

    /// Returns the HTML of a page. The scripts replace the content.
    ///
    /// `public` is JSON without markup.
    pub fn page(&self, page: &PageText, public: &str) -> String {
        let mut frames = self.0.iter();
        let found = frames.find(|frame| frame.language == page.language);
        let markup = found.map_or("", |frame| &frame.markup);
        filled(markup, |name| match name {
            "head" => page.head(),
            "public" => public.to_owned(),
            _ => page.first.clone(),
        })
    }
}

impl PageText {
    /// Adds public figures.
    pub fn with_figures(self, figures: &PublicFigures) -> Self {
        let first = figures.section(&self.title);
        Self {
            description: figures.whole(),
            first,
            ..self.with_preview(figures)
        }
    }

    /// Adds the preview of public figures for links. The addresses have the period if the request has.
    pub fn with_preview(self, figures: &PublicFigures) -> Self {
        let mut query = String::new();
        if self.period == Some(figures.period.to_string()) {
            _ = write!(query, "year={}&", figures.period.year);
            if let Some(month) = figures.period.month {
                _ = write!(query, "month={month}&");
            }
        }
        if figures.code != ALL && !self.path.starts_with("/enti/") {
            _ = write!(query, "ente={}&", figures.code);
        }
        Self {
            query,
            title: format!("{} · {}", self.title, figures.period()),
            picture: Some(LinkPicture::of(figures)),
            ..self
        }
    }

    /// Returns title, description, addresses in all languages, and the preview of links.
    fn head(&self) -> String {
        let base = &self.base;
        let [title, description] = [&self.title, &self.description].map(|text| escaped(text));
        let own = escaped(&format!("{base}{}?{}lang=", self.path, self.query));
        let mut head = format!(
            "<title>{title} · Affluenza</title>\n<meta name=\"description\" content=\"{description}\">\n"
        );
        if base.is_empty() {
            return head;
        }
        _ = writeln!(
            head,
            "<link rel=\"canonical\" href=\"{own}{}\">",
            self.language
        );
        for language in Language::ALL {
            _ = writeln!(
                head,
                "<link rel=\"alternate\" hreflang=\"{language}\" href=\"{own}{language}\">"
            );
        }
        let locale = self.language.say("language-locale", &[]).replace('-', "_");
        let mut properties = vec![
            ("type", "website".to_owned()),
            ("title", title),
            ("description", description),
            ("url", format!("{own}{}", self.language)),
            ("locale", locale),
        ];
        if let Some(LinkPicture { address, text }) = &self.picture {
            properties.extend([
                ("image", escaped(&format!("{base}{address}"))),
                ("image:type", "image/png".to_owned()),
                ("image:width", picture::WIDTH.to_string()),
                ("image:height", picture::HEIGHT.to_string()),
                ("image:alt", escaped(text)),
            ]);
            // Shows the picture in its whole width in networks that read this name only.
            head.push_str("<meta name=\"twitter:card\" content=\"summary_large_image\">\n");
        }
        for (property, content) in properties {
            _ = writeln!(
                head,
                "<meta property=\"og:{property}\" content=\"{content}\">"
            );
        }
        head
    }
}

/// Replaces each `{{ name }}` that `part` knows the markup of. Parts of the page are kept.
fn filled(frame: &str, part: impl Fn(&str) -> String) -> String {
    let mut markup = String::new();
    let mut rest = frame;
    while let Some((before, after)) = rest.split_once("{{ ") {
        let (name, after) = after.split_once(" }}").unwrap_or((after, ""));
        markup.push_str(before);
        markup.push_str(&part(name));
        rest = after;
    }
    markup + rest
}

/// Returns the markup for a name: a part of the frame, otherwise a message.
fn part(language: Language, site: &Site, name: &str) -> String {
    if let Some(path) = name.strip_prefix("asset ") {
        return ASSETS.address(path);
    }
    match name {
        name if OF_PAGE.contains(&name) => format!("{{{{ {name} }}}}"),
        "language" => language.as_str().to_owned(),
        "other-languages" => other_languages(language),
        "menu" => menu(language),
        "words" => words(language),
        "links" => links(language, site),
        "publisher" => publisher(language, site),
        "logo" => logo(site),
        message => escaped(&language.say(message, &[])),
    }
}

/// Returns the links of the footer.
fn links(language: Language, site: &Site) -> String {
    let config = &site.config;
    let links = [
        (
            "web-open-data",
            if site.has_open_data { "/open-data" } else { "" },
        ),
        ("web-interface", "/docs"),
        ("web-accessibility", &config.accessibility),
        ("web-privacy", &config.privacy),
        ("web-legal-notes", &config.legal_notes),
    ];
    let links = links.into_iter().filter(|(_, href)| !href.is_empty());
    let links = links.map(|(id, href)| {
        let text = escaped(&language.say(id, &[]));
        format!("<li><a href=\"{}\">{text}</a></li>\n", escaped(href))
    });
    links.collect()
}

/// Returns the publisher, its address for questions and the licence, as far as they are known.
fn publisher(language: Language, site: &Site) -> String {
    let facts = [
        ("contact-centre", &site.publisher),
        ("contact-questions", &site.contact),
        ("contact-licence", &site.licence),
    ];
    let facts = facts.into_iter().filter(|(_, text)| !text.is_empty());
    let facts =
        facts.map(|(id, text)| escaped(&language.say(id, &[("text", text.as_str().into())])));
    Vec::from_iter(facts).join(" · ")
}

/// Returns the logo of the publisher, if it has one.
fn logo(site: &Site) -> String {
    let logo = site.logo.as_ref().map(|logo| {
        let name = escaped(&logo.name);
        format!("<img class=\"logo\" src=\"/pages/logo\" alt=\"{name}\">\n")
    });
    logo.unwrap_or_default()
}

/// Returns a link to the page in each other language.
fn other_languages(language: Language) -> String {
    let others = Language::ALL.into_iter().filter(|other| *other != language);
    let links = others.map(|other| {
        let name = escaped(&other.name());
        format!(
            "<a id=\"lang-{other}\" class=\"quiet\" href=\"?lang={other}\" \
             hreflang=\"{other}\" lang=\"{other}\">{name}</a>\n"
        )
    });
    links.collect()
}

/// Returns an entry for each page. The scripts read the views from it.
fn menu(language: Language) -> String {
    let entries = PAGES.iter().map(|path| {
        let view = view(path);
        let own = language.message(&format!("page-{view}.menu"), &[]);
        let label = own.unwrap_or_else(|| language.say(&format!("page-{view}"), &[]));
        let label = escaped(&label);
        format!("<li><a href=\"{path}\" data-nav data-view=\"{view}\">{label}</a></li>\n")
    });
    entries.collect()
}

pub(crate) fn view(path: &str) -> &str {
    match path.trim_start_matches('/') {
        "" => "overview",
        name => name,
    }
}

/// Returns the messages of the scripts as JSON that is harmless in a script element.
fn words(language: Language) -> String {
    let patterns = serde_json::Value::from(language.patterns(&MESSAGES));
    patterns.to_string().replace('<', "\\u003c")
}

pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}

/// Returns a page for tests.
#[cfg(test)]
pub(crate) fn example(language: Language) -> String {
    let page = PageText {
        language,
        path: "/enti/c_a".to_owned(),
        query: "year=2017&".to_owned(),
        period: None,
        base: "https://uso.example.it".to_owned(),
        title: "\"Città\" {{ <Alfa>".to_owned(),
        description: "1.859".to_owned(),
        picture: Some(LinkPicture {
            address: "/embed/c_a/picture.png?period=2017&lang=it".to_owned(),
            text: "Città \"Alfa\": 1.859".to_owned(),
        }),
        first: "<h1>1.859</h1>".to_owned(),
    };
    Frames::new(&Site::default()).page(&page, "{}")
}

#[cfg(test)]
mod tests {
    use super::example as html;
    use super::*;

    #[test]
    fn a_page_has_its_addresses_and_a_preview_and_no_markup_of_data() {
        let html = html(Language::IT);
        for part in [
            "<title>&quot;Città&quot; {{ &lt;Alfa> · Affluenza</title>",
            "<link rel=\"canonical\" href=\"https://uso.example.it/enti/c_a?year=2017&amp;lang=it\">",
            "<link rel=\"alternate\" hreflang=\"en\" href=\"https://uso.example.it/enti/c_a?year=2017&amp;lang=en\">",
            "<meta property=\"og:image\" content=\"https://uso.example.it/embed/c_a/picture.png?period=2017&amp;lang=it\">",
            "<meta property=\"og:image:width\" content=\"1200\">",
            "<meta property=\"og:image:alt\" content=\"Città &quot;Alfa&quot;: 1.859\">",
            "<main id=\"content\" tabindex=\"-1\"><h1>1.859</h1>",
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
    }

    #[test]
    fn the_footer_links_to_what_is_configured() {
        let mut site = Site::default();
        assert!(!links(Language::IT, &site).contains("accessibilità"));
        site.config.accessibility = "https://form.example.it/1".to_owned();
        site.licence = "CC BY 4.0".to_owned();
        assert!(links(Language::IT, &site).contains(
            "<li><a href=\"https://form.example.it/1\">Dichiarazione di accessibilità</a></li>"
        ));
        assert_eq!(publisher(Language::IT, &site), "Licenza: CC BY 4.0");
    }

    #[test]
    fn every_language_has_its_frame_with_links_to_the_others() {
        for language in Language::ALL {
            let html = html(language);
            assert!(html.contains(&format!("<html lang=\"{language}\">")));
            assert!(html.contains("</html>"), "{html}");
            for other in Language::ALL {
                let link = format!("href=\"?lang={other}\"");
                assert_eq!(html.contains(&link), other != language, "{other}");
            }
        }
        assert!(html(Language::IT).contains(">Vai al contenuto</a>"));
        assert!(html(Language::EN).contains(">Italiano</a>"));
    }

    #[test]
    fn every_page_has_its_view_and_its_title() {
        for path in PAGES {
            let view = view(path);
            let script = &ASSETS.find("app.js").expect("it is there").bytes;
            let module = format!("modules[\"views/{view}.js\"] =");
            let script = std::str::from_utf8(script).expect("text");
            assert!(script.contains(&module), "{view}");
            for language in Language::ALL {
                let title = language.message(&format!("page-{view}"), &[]);
                assert!(title.is_some(), "page-{view} in {language}");
            }
        }
        let entry =
            "<li><a href=\"/variations\" data-nav data-view=\"variations\">Variazioni</a></li>";
        assert!(html(Language::IT).contains(entry));
    }

    #[test]
    fn the_words_are_json_and_end_no_script() {
        let words: serde_json::Value = serde_json::from_str(&words(Language::IT)).expect("JSON");
        assert_eq!(words["language-locale"], "it-IT");
        assert_eq!(words["page-variations"], "Variazioni principali");
        assert_eq!(words["web-incomplete"][0]["by"], "days");
        assert!(!super::words(Language::IT).contains('<'));
    }
}
