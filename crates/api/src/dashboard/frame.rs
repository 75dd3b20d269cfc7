//! The frame of the pages, filled in for each language.

use std::sync::LazyLock;

use affluenza_words::Language;

use crate::dashboard::PAGES;
use crate::dashboard::assets::Asset;

const FRAME: &str = include_str!("../../assets/frame.html");

/// Beginnings of the messages that the scripts use.
const MESSAGES: [&str; 3] = ["language-", "page-", "web-"];

/// The frame of a language, filled in.
struct FilledFrame {
    language: Language,
    markup: String,
}

static FRAMES: LazyLock<Vec<FilledFrame>> = LazyLock::new(|| {
    let frames = Language::ALL.map(|language| FilledFrame {
        language,
        markup: filled(language),
    });
    frames.into()
});

/// Returns the HTML of every page in this language. The scripts add the content.
pub(crate) fn page(language: Language) -> Asset {
    let mut frames = FRAMES.iter();
    let found = frames.find(|frame| frame.language == language);
    Asset::page(found.map_or("", |frame| &frame.markup))
}

/// Replaces each `{{ name }}` of the frame.
fn filled(language: Language) -> String {
    let mut markup = String::new();
    let mut rest = FRAME;
    while let Some((before, after)) = rest.split_once("{{ ") {
        let (name, after) = after.split_once(" }}").unwrap_or((after, ""));
        markup.push_str(before);
        markup.push_str(&part(language, name));
        rest = after;
    }
    markup + rest
}

/// Returns the markup for a name: a part of the frame, otherwise a message.
fn part(language: Language, name: &str) -> String {
    match name {
        "language" => language.as_str().to_owned(),
        "other-languages" => other_languages(language),
        "menu" => menu(language),
        "words" => words(language),
        message => escaped(&language.say(message, &[])),
    }
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

fn view(path: &str) -> &str {
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

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dashboard::assets;

    fn html(language: Language) -> &'static str {
        std::str::from_utf8(page(language).bytes).expect("text")
    }

    #[test]
    fn every_language_has_its_frame_with_links_to_the_others() {
        for language in Language::ALL {
            let html = html(language);
            assert!(html.contains(&format!("<html lang=\"{language}\">")));
            assert!(!html.contains("{{") && html.contains("</html>"), "{html}");
            for other in Language::ALL {
                let link = format!("href=\"?lang={other}\"");
                assert_eq!(html.contains(&link), other != language, "{other}");
            }
        }
        assert!(html(Language::IT).contains(">Vai al contenuto</a>"));
        assert!(html(Language::EN).contains(">Italiano</a>"));
        assert_ne!(page(Language::IT).tag(), page(Language::EN).tag());
    }

    #[test]
    fn every_page_has_its_view_and_its_title() {
        for path in PAGES {
            let view = view(path);
            assert!(
                assets::find(&format!("views/{view}.js")).is_some(),
                "{view}"
            );
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
