//! Measures the width of texts, and shortens them.

use unicode_width::UnicodeWidthStr;

/// Mark for omitted text.
const ELLIPSIS: &str = "…";
/// Words that mean nothing without the next word.
const LITTLE: [&str; 15] = [
    "a", "al", "in", "e", "ed", "di", "del", "dello", "della", "dei", "degli", "delle", "and",
    "of", "the",
];

/// True if `word` means nothing without the next word.
fn is_little(word: &str) -> bool {
    LITTLE.contains(&word)
}

/// Returns the terminal columns of the widest line of `text`.
pub(super) fn width(text: &str) -> usize {
    text.lines().map(UnicodeWidthStr::width).max().unwrap_or(0)
}

/// Replaces characters that a terminal would interpret. Codes of unregistered enti and services
/// come from any sender of events.
pub(crate) fn harmless(text: &str) -> String {
    text.replace(is_obeyed, "\u{fffd}")
}

/// True for characters that a terminal acts on. Bidirectional marks are not control characters, but
/// reorder the text that follows.
fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Cuts `text` to at most `room` columns. It cuts after a whole word if that keeps a third of the
/// columns, and never after a little word.
pub(super) fn cut(text: &str, room: usize) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let room = room.saturating_sub(width(ELLIPSIS));
    let mut end = 0;
    for (start, c) in text.char_indices() {
        let next = start + c.len_utf8();
        if width(&text[..next]) > room {
            break;
        }
        end = next;
    }
    let hard = &text[..end];
    let whole = match text[end..].starts_with(' ') {
        true => hard,
        false => hard.rsplit_once(' ').map_or("", |(words, _)| words),
    };
    let mut kept = if width(whole) * 3 >= room {
        whole
    } else {
        hard
    };
    while let Some((words, last)) = kept.rsplit_once(' ') {
        match last.is_empty() || is_little(last) {
            true => kept = words,
            false => break,
        }
    }
    let kept = kept.trim_end_matches(|c: char| c.is_ascii_punctuation());
    format!("{kept}{ELLIPSIS}")
}

/// Cuts a word to at most `room` columns, with a final point.
pub(super) fn abbreviate(word: &str, room: usize) -> String {
    if width(word) <= room {
        return word.to_owned();
    }
    let kept = cut(word, room);
    format!("{}.", kept.trim_end_matches(ELLIPSIS))
}

/// Wraps a paragraph to lines of at most `room` columns. All lines but the first are indented by
/// `indent`.
pub(crate) fn wrap(text: &str, room: usize, indent: &str) -> String {
    let mut wrapped = String::new();
    let mut used = 0;
    for word in text.split(' ') {
        if used > 0 && used + 1 + width(word) > room {
            wrapped.push('\n');
            wrapped.push_str(indent);
            used = width(indent);
        } else if used > 0 {
            wrapped.push(' ');
            used += 1;
        }
        wrapped.push_str(word);
        used += width(word);
    }
    wrapped
}

/// Returns the first words of a name, one a line, up to a comma or a little word.
///
/// `Sicurezza del cittadino` gives `Sicurezza`; `Public safety and emergency response` gives `Public`
/// and `safety`.
pub(crate) fn first_words(name: &str) -> String {
    let mut words = Vec::new();
    for word in name.split_whitespace() {
        if !words.is_empty() && is_little(word) {
            break;
        }
        words.push(word.trim_end_matches(','));
        if word.ends_with(',') {
            break;
        }
    }
    words.join("\n")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_cut_after_a_word() {
        assert_eq!(cut("Casa e patrimonio", 17), "Casa e patrimonio");
        assert_eq!(
            cut("Anagrafe, stato civile e cittadinanza", 23),
            "Anagrafe, stato civile…"
        );
        assert_eq!(cut("Urbanistica, edilizia", 14), "Urbanistica…");
        assert_eq!(cut("Arte, cultura e turismo", 20), "Arte, cultura…");
        assert_eq!(cut("Palazzuolo", 6), "Palaz…");
        assert_eq!(abbreviate("Urbanistica", 8), "Urbanis.");
        assert_eq!(abbreviate("Casa", 8), "Casa");
    }

    #[test]
    fn what_a_terminal_obeys_is_shown_as_unknown() {
        assert_eq!(
            harmless("a\u{1b}[2Jb\u{202e}c\n"),
            "a\u{fffd}[2Jb\u{fffd}c\u{fffd}"
        );
        assert_eq!(harmless("Città · d’Elsa"), "Città · d’Elsa");
    }

    #[test]
    fn headings_are_the_first_words_of_a_name() {
        for (name, head) in [
            ("Ambiente e territorio", "Ambiente"),
            ("Sicurezza del cittadino e pronto intervento", "Sicurezza"),
            ("Public safety and emergency response", "Public\nsafety"),
            ("Arte, cultura e turismo", "Arte"),
            ("Tributi", "Tributi"),
        ] {
            assert_eq!(first_words(name), head);
        }
    }

    proptest! {
        #[test]
        fn a_cut_text_fits(text in "\\PC{0,40}", room in 1_usize..40) {
            prop_assert!(width(&cut(&text, room)) <= room);
            prop_assert!(width(&abbreviate(&text, room)) <= room);
        }

        #[test]
        fn wrapping_loses_no_word(text in "[a-zà ]{0,80}", room in 20_usize..40) {
            let wrapped = wrap(&text, room, "  ");
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            prop_assert_eq!(words(&wrapped), words(&text));
        }
    }
}
