//! The typeface, and lines of text set in it.
//!
//! It has Latin letters only: no letter depends on its neighbours, so that text becomes glyphs
//! one by one. Pairs are not kerned.

use krilla::text::{Font, GlyphId, KrillaGlyph};
use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};

/// Titillium Web, which the guidelines for sites of Italian public bodies ask for.
const FILES: [&[u8]; 2] = [
    include_bytes!("../../fonts/TitilliumWeb-Regular.ttf"),
    include_bytes!("../../fonts/TitilliumWeb-SemiBold.ttf"),
];
/// How far letters go up and down from the line they stand on, as parts of the size.
const ASCENT: f32 = 0.95;
const DESCENT: f32 = 0.25;
/// Height of capitals and digits.
const CAPITALS: f32 = 0.692;

/// How heavy letters are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    Semibold,
}

/// How text looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Style {
    pub weight: Weight,
    /// In points, like every length.
    pub size: f32,
    /// From one line to the next, as a multiple of the size.
    pub leading: f32,
    pub colour: [u8; 3],
}

impl Style {
    /// From one line to the next.
    pub fn line_height(&self) -> f32 {
        self.size * self.leading
    }

    /// From the top of a line to where its letters stand.
    pub fn baseline(&self) -> f32 {
        (self.line_height() - self.size * (ASCENT + DESCENT)) / 2.0 + self.size * ASCENT
    }

    pub fn capitals(&self) -> f32 {
        self.size * CAPITALS
    }
}

/// A line of text in one style.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// With a space at its end where the text goes on in the next line.
    pub text: String,
    pub glyphs: Vec<KrillaGlyph>,
    pub style: Style,
    /// Without that space.
    pub width: f32,
}

/// A weight of the typeface.
struct Face {
    font: Font,
    reader: FontRef<'static>,
}

/// The typeface.
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

    /// The text in one line, however long it is. A letter that the typeface does not have is a
    /// question mark.
    pub fn line(&self, text: &str, style: Style) -> Line {
        let face = self.face(style.weight);
        let letters = face.reader.charmap();
        let widths = face
            .reader
            .glyph_metrics(Size::unscaled(), LocationRef::default());
        let em = face.font.units_per_em();
        let mut line = Line {
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

    /// Width of the widest word, below which text cannot be wrapped well.
    pub fn widest_word(&self, text: &str, style: Style) -> f32 {
        let words = text.split([' ', '\n']);
        words
            .map(|word| self.width(word, style))
            .fold(0.0, f32::max)
    }

    /// The text in lines of at most this width, broken between words where possible, and where
    /// it has a line break.
    pub fn wrap(&self, text: &str, style: Style, room: f32) -> Vec<Line> {
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
        let set = |(place, text): (usize, &String)| {
            let width = self.width(text, style);
            match place == last {
                true => self.line(text, style),
                false => Line {
                    width,
                    ..self.line(&format!("{text} "), style)
                },
            }
        };
        lines.iter().enumerate().map(set).collect()
    }

    /// The end of a word, after lines that are full of its beginning.
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
