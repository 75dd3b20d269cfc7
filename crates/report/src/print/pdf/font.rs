//! The typeface, and lines of text set in it.
//!
//! The typeface has Latin letters only. No letter depends on its neighbours, so text becomes glyphs
//! one by one, without kerning.

use krilla::text::{Font, GlyphId, KrillaGlyph};
use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};

use crate::print::typeface::FILES;

/// Extent of letters above and below the baseline, as parts of the font size.
const ASCENT: f32 = 0.95;
const DESCENT: f32 = 0.25;
/// Height of capitals and digits, as part of the font size.
const CAPITALS: f32 = 0.692;

/// Weight of letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    Semibold,
}

/// Appearance of text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Style {
    pub weight: Weight,
    /// Font size in points, like every length.
    pub size: f32,
    /// Distance of lines, as a multiple of the size.
    pub leading: f32,
    pub colour: [u8; 3],
}

impl Style {
    /// Returns the distance of lines, in points.
    pub fn line_height(&self) -> f32 {
        self.size * self.leading
    }

    /// Returns the distance from the top of a line to its baseline.
    pub fn baseline(&self) -> f32 {
        (self.line_height() - self.size * (ASCENT + DESCENT)) / 2.0 + self.size * ASCENT
    }

    pub fn capitals(&self) -> f32 {
        self.size * CAPITALS
    }
}

/// A line of text in one style.
#[derive(Debug, Clone)]
pub(super) struct StyledLine {
    /// Text, with a trailing space if it continues in the next line.
    pub text: String,
    pub glyphs: Vec<KrillaGlyph>,
    pub style: Style,
    /// Width without the trailing space.
    pub width: f32,
}

/// A part of a text, in one style.
struct WordPart {
    text: String,
    style: Style,
    /// True if a line can be broken after it.
    is_last: bool,
}

/// A weight of the typeface.
struct Face {
    font: Font,
    reader: FontRef<'static>,
}

/// The typeface in both weights.
pub(super) struct Fonts([Face; 2]);

impl Fonts {
    pub fn new() -> Self {
        Self(FILES.map(|file| Face {
            font: Font::new(file.into(), 0).expect("the font is part of the program"),
            reader: FontRef::new(file).expect("the font is part of the program"),
        }))
    }

    fn face(&self, weight: Weight) -> &Face {
        match weight {
            Weight::Regular => &self.0[0],
            Weight::Semibold => &self.0[1],
        }
    }

    pub fn font(&self, weight: Weight) -> Font {
        self.face(weight).font.clone()
    }

    /// Sets the text in one line, however long it is. A letter missing in the typeface becomes a
    /// question mark.
    pub fn line(&self, text: &str, style: Style) -> StyledLine {
        let face = self.face(style.weight);
        let letters = face.reader.charmap();
        let widths = face
            .reader
            .glyph_metrics(Size::unscaled(), LocationRef::default());
        let em = face.font.units_per_em();
        let mut line = StyledLine {
            text: String::with_capacity(text.len()),
            glyphs: Vec::with_capacity(text.len()),
            style,
            width: 0.0,
        };
        for letter in text.chars() {
            let letter = match letter {
                '\u{202f}' => '\u{a0}',
                letter if letter.is_whitespace() && letter != '\u{a0}' => ' ',
                letter if letters.map(letter).is_some() => letter,
                _ => '?',
            };
            let Some(glyph) = letters.map(letter) else {
                continue;
            };
            let advance = widths.advance_width(glyph).unwrap_or(0.0) / em;
            let start = line.text.len();
            line.text.push(letter);
            let range = start..line.text.len();
            let glyph = GlyphId::new(glyph.to_u32());
            let glyph = KrillaGlyph::new(glyph, advance, 0.0, 0.0, 0.0, range, None);
            line.glyphs.push(glyph);
            line.width += advance * style.size;
        }
        line
    }

    pub fn width(&self, text: &str, style: Style) -> f32 {
        self.line(text, style).width
    }

    /// Returns the width of the widest word, below which text cannot be wrapped well.
    pub fn widest_word(&self, text: &str, style: Style) -> f32 {
        let words = text.split([' ', '\n']);
        words
            .map(|word| self.width(word, style))
            .fold(0.0, f32::max)
    }

    /// Wraps the text to lines of at most this width. Lines are broken between words if possible,
    /// and at line breaks of the text.
    pub fn wrap(&self, text: &str, style: Style, room: f32) -> Vec<StyledLine> {
        let mut lines = Vec::new();
        for paragraph in text.split('\n') {
            let mut line = String::new();
            for word in paragraph.split(' ').filter(|word| !word.is_empty()) {
                let longer = match line.is_empty() {
                    true => word.to_owned(),
                    false => format!("{line} {word}"),
                };
                if self.width(&longer, style) <= room {
                    line = longer;
                    continue;
                }
                if !line.is_empty() {
                    lines.push(line);
                }
                line = self.broken(word, style, room, &mut lines);
            }
            lines.push(line);
        }
        let last = lines.len() - 1;
        lines
            .iter()
            .enumerate()
            .map(|(place, text)| {
                let width = self.width(text, style);
                match place == last {
                    true => self.line(text, style),
                    false => StyledLine {
                        width,
                        ..self.line(&format!("{text} "), style)
                    },
                }
            })
            .collect()
    }

    /// Wraps a text in several styles. A line is a list of parts from left to right, whose widths
    /// include the spaces after them.
    pub fn wrap_runs(&self, runs: &[(String, Style)], room: f32) -> Vec<Vec<StyledLine>> {
        let mut lines: Vec<Vec<(String, Style)>> = vec![Vec::new()];
        let mut used = 0.0;
        // A word may consist of several parts: a line can be broken after its last one.
        let mut word: Vec<(String, Style)> = Vec::new();
        for WordPart {
            text,
            style,
            is_last,
        } in self.parts(runs, room)
        {
            word.push((text, style));
            if !is_last {
                continue;
            }
            let widths = word.iter().map(|(text, style)| self.width(text, *style));
            let width: f32 = widths.sum();
            let ends = word.last().is_some_and(|(text, _)| text.ends_with(' '));
            let visible = width - if ends { self.width(" ", style) } else { 0.0 };
            if used + visible > room && used > 0.0 {
                lines.push(Vec::new());
                used = 0.0;
            }
            used += width;
            for (piece, style) in word.drain(..) {
                let line = lines.last_mut().expect("there is one");
                match line.last_mut() {
                    Some((text, of_text)) if *of_text == style => text.push_str(&piece),
                    _ => line.push((piece, style)),
                }
            }
        }
        lines
            .iter()
            .map(|line| {
                let parts = line.iter().map(|(text, style)| self.line(text, *style));
                parts.collect()
            })
            .collect()
    }

    /// Splits texts at spaces, and where a word is too long for a line, such as an address.
    fn parts(&self, runs: &[(String, Style)], room: f32) -> Vec<WordPart> {
        let mut parts = Vec::new();
        for (text, style) in runs {
            for piece in text.split_inclusive(' ') {
                let word = piece.trim_end_matches(' ');
                let mut full = Vec::new();
                let rest = self.broken(word, *style, room, &mut full) + &piece[word.len()..];
                parts.extend(full.into_iter().map(|text| WordPart {
                    text,
                    style: *style,
                    is_last: true,
                }));
                parts.push(WordPart {
                    is_last: rest.ends_with(' '),
                    text: rest,
                    style: *style,
                });
            }
        }
        if let Some(end) = parts.last_mut() {
            end.is_last = true;
        }
        parts
    }

    /// Breaks a word that is too long for a line. Pushes the full lines, and returns the rest.
    fn broken(&self, word: &str, style: Style, room: f32, lines: &mut Vec<String>) -> String {
        let mut line = String::new();
        for letter in word.chars() {
            line.push(letter);
            if self.width(&line, style) > room && line.chars().count() > 1 {
                line.pop();
                lines.push(std::mem::take(&mut line));
                line.push(letter);
            }
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_longer_than_a_line_is_broken() {
        let fonts = Fonts::new();
        let plain = Style {
            weight: Weight::Regular,
            size: 10.0,
            leading: 1.4,
            colour: [0; 3],
        };
        let link = Style {
            colour: [0, 0, 200],
            ..plain
        };
        let address = "https://dati.example.it/".to_owned() + &"affluenza".repeat(12);
        let text = [
            ("See ".to_owned(), plain),
            (address, link),
            (", and more".to_owned(), plain),
        ];
        let lines = fonts.wrap_runs(&text, 150.0);
        let mut read = String::new();
        for line in &lines {
            let width: f32 = line.iter().map(|part| part.width).sum();
            assert!(width <= 150.0 + fonts.width(" ", plain), "{width}");
            read.extend(line.iter().map(|part| part.text.as_str()));
        }
        assert_eq!(read, text.map(|(text, _)| text).concat());
        assert!(lines.len() > 3, "{}", lines.len());
    }
}
