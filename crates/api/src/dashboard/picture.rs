//! Pictures for previews of links. Networks show no SVG there.

use std::time::Duration;

use affluenza_http::Problem;
use bytes::Bytes;
use quick_cache::sync::Cache;
use skrifa::instance::{LocationRef, Size};
use skrifa::outline::{DrawSettings, OutlinePen};
use skrifa::{FontRef, MetadataProvider};
use tiny_skia::{Color, FillRule, Paint, PathBuilder, Pixmap, Rect, Transform};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// Size in pixels, as networks recommend it.
pub(crate) const WIDTH: u16 = 1200;
pub(crate) const HEIGHT: u16 = 630;
/// Distance of texts from both sides, and width of the bar at the left side, in pixels.
const MARGIN: f32 = 84.0;
const BAR: f32 = 24.0;
/// Distance of lines, as a multiple of the font size.
const LEADING: f32 = 1.15;
/// Largest number of pictures that are kept. One has about 25,000 bytes.
const CACHED_MAX: usize = 400;
/// Time to wait for the pictures of others.
const PATIENCE: Duration = Duration::from_secs(15);

/// Titillium Web, as in the report. No letter depends on its neighbours.
const REGULAR: &[u8] = include_bytes!("../../../report/fonts/TitilliumWeb-Regular.ttf");
const SEMIBOLD: &[u8] = include_bytes!("../../../report/fonts/TitilliumWeb-SemiBold.ttf");

/// Texts of a picture.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct PictureText {
    pub name: String,
    pub total: String,
    /// Unit and period of the total.
    pub unit: String,
    /// Publisher; may be empty.
    pub source: String,
}

/// Style and place of a text.
struct TextStyle {
    font: &'static [u8],
    /// Font size in pixels.
    size: f32,
    colour: [u8; 3],
    /// Baseline of the first line, in pixels from the top.
    baseline: f32,
    lines_max: usize,
}

const NAME: TextStyle = TextStyle {
    font: SEMIBOLD,
    size: 64.0,
    colour: [23, 50, 77],
    baseline: 116.0,
    lines_max: 3,
};
const TOTAL: TextStyle = TextStyle {
    font: SEMIBOLD,
    size: 150.0,
    colour: [0, 89, 179],
    baseline: 428.0,
    lines_max: 1,
};
const UNIT: TextStyle = TextStyle {
    font: REGULAR,
    size: 44.0,
    colour: [69, 91, 113],
    baseline: 496.0,
    lines_max: 1,
};
const SOURCE: TextStyle = TextStyle {
    font: REGULAR,
    size: 32.0,
    colour: [69, 91, 113],
    baseline: 580.0,
    lines_max: 1,
};

/// Recent pictures. One is drawn at a time, outside of the threads that answer requests.
pub(crate) struct Pictures {
    drawn: Cache<PictureText, Bytes>,
    place: Semaphore,
}

impl Pictures {
    pub fn new() -> Self {
        Self {
            drawn: Cache::new(CACHED_MAX),
            place: Semaphore::new(1),
        }
    }

    /// Returns the picture of these texts as PNG.
    pub async fn png(&self, text: &PictureText) -> Result<Bytes, Problem> {
        let drawing = async {
            let Ok(Ok(_place)) = timeout(PATIENCE, self.place.acquire()).await else {
                let detail = "too many pictures at once";
                return Err(Problem::unavailable(detail, PATIENCE));
            };
            let text = text.clone();
            let png = spawn_blocking(move || text.png()).await;
            png.ok().flatten().ok_or_else(Problem::internal)
        };
        self.drawn.get_or_insert_async(text, drawing).await
    }
}

impl PictureText {
    /// Draws the picture. `None` if the fonts of the program are damaged.
    fn png(&self) -> Option<Bytes> {
        let mut pixmap = Pixmap::new(WIDTH.into(), HEIGHT.into())?;
        pixmap.fill(Color::WHITE);
        let bar = Rect::from_xywh(0.0, 0.0, BAR, HEIGHT.into())?;
        let blue = paint([0, 102, 204]);
        pixmap.fill_rect(bar, &blue, Transform::identity(), None);
        for (text, style) in [
            (&self.name, NAME),
            (&self.total, TOTAL),
            (&self.unit, UNIT),
            (&self.source, SOURCE),
        ] {
            let face = FontRef::new(style.font).ok()?;
            for (line, text) in style.wrap(&face, text).iter().enumerate() {
                let y = style.baseline + line as f32 * style.size * LEADING;
                if let Some(path) = style.outline(&face, text) {
                    let place = Transform::from_translate(MARGIN, y);
                    let paint = paint(style.colour);
                    pixmap.fill_path(&path, &paint, FillRule::Winding, place, None);
                }
            }
        }
        pixmap.encode_png().ok().map(Bytes::from)
    }
}

impl TextStyle {
    /// Breaks a text between words. A line that is too long ends with `…`.
    fn wrap(&self, face: &FontRef<'_>, text: &str) -> Vec<String> {
        let room = f32::from(WIDTH) - 2.0 * MARGIN;
        let mut lines = vec![String::new()];
        for word in text.split_whitespace() {
            let has_next = lines.len() < self.lines_max;
            let Some(line) = lines.last_mut() else { break };
            let longer = format!("{line} {word}");
            let longer = longer.trim_start();
            if has_next && !line.is_empty() && self.width(face, longer) > room {
                lines.push(word.to_owned());
            } else {
                *line = longer.to_owned();
            }
        }
        for line in &mut lines {
            if self.width(face, line) > room {
                while self.width(face, &format!("{line}…")) > room {
                    line.pop();
                }
                line.truncate(line.trim_end().len());
                line.push('…');
            }
        }
        lines
    }

    fn width(&self, face: &FontRef<'_>, text: &str) -> f32 {
        let metrics = face.glyph_metrics(Size::new(self.size), LocationRef::default());
        let widths = text.chars().map(|letter| {
            let glyph = face.charmap().map(known(face, letter)).unwrap_or_default();
            metrics.advance_width(glyph).unwrap_or(0.0)
        });
        widths.sum()
    }

    /// Returns the letters of a line that begins at the origin; `None` if nothing is to be drawn.
    fn outline(&self, face: &FontRef<'_>, text: &str) -> Option<tiny_skia::Path> {
        let size = Size::new(self.size);
        let metrics = face.glyph_metrics(size, LocationRef::default());
        let outlines = face.outline_glyphs();
        let mut pen = LinePen {
            path: PathBuilder::new(),
            x: 0.0,
        };
        for letter in text.chars() {
            let glyph = face.charmap().map(known(face, letter)).unwrap_or_default();
            if let Some(outline) = outlines.get(glyph) {
                let settings = DrawSettings::unhinted(size, LocationRef::default());
                outline.draw(settings, &mut pen).ok()?;
            }
            pen.x += metrics.advance_width(glyph).unwrap_or(0.0);
        }
        pen.path.finish()
    }
}

/// Returns a letter, or a question mark in place of one that the typeface does not have.
fn known(face: &FontRef<'_>, letter: char) -> char {
    match letter {
        '\u{202f}' => '\u{a0}',
        letter if face.charmap().map(letter).is_some() => letter,
        _ => '?',
    }
}

fn paint([red, green, blue]: [u8; 3]) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color_rgba8(red, green, blue, 255);
    paint
}

/// Outlines of a line so far. Fonts count upwards, pictures downwards.
struct LinePen {
    path: PathBuilder,
    /// Beginning of the next letter.
    x: f32,
}

impl OutlinePen for LinePen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.path.move_to(self.x + x, -y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.path.line_to(self.x + x, -y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.path.quad_to(self.x + x1, -y1, self.x + x, -y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let at = self.x;
        self.path.cubic_to(at + x1, -y1, at + x2, -y2, at + x, -y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(name: &str) -> PictureText {
        PictureText {
            name: name.to_owned(),
            total: "12.345".to_owned(),
            unit: "utilizzi dei servizi digitali nel 2017".to_owned(),
            source: "Fonte: Centro & Città.".to_owned(),
        }
    }

    fn lines(name: &str) -> Vec<String> {
        NAME.wrap(&FontRef::new(NAME.font).unwrap(), name)
    }

    #[test]
    fn long_names_have_three_lines_and_nothing_is_wider_than_the_picture() {
        assert_eq!(lines("Città di Forlì"), ["Città di Forlì"]);
        let union = "Unione dei Comuni di \"Alfa\", Beta, Gamma & Delta";
        assert_eq!(lines(union).join(" "), union);
        let long = lines(&"Consorzio intercomunale ".repeat(9));
        assert_eq!(long.len(), 3);
        assert!(long[2].ends_with('…'), "{long:?}");
        let word = lines(&"a".repeat(200));
        assert!(word.len() == 1 && word[0].ends_with("a…"), "{word:?}");
    }

    #[test]
    fn the_typeface_has_the_letters_of_names_in_italy() {
        let face = FontRef::new(NAME.font).unwrap();
        for letter in "ÀÈÉÌÒÙàèéìòùâêîôûäöüßčšžćđïñ’'&\"«»–—…".chars()
        {
            assert_eq!(known(&face, letter), letter);
        }
        assert_eq!(known(&face, '市'), '?');
    }

    #[tokio::test]
    async fn a_picture_has_its_size_and_is_drawn_once() {
        let pictures = Pictures::new();
        let first = pictures.png(&text("Alfa")).await.unwrap();
        // The header of a PNG has the size.
        assert_eq!(&first[..8], b"\x89PNG\r\n\x1a\n");
        let side = |at: usize| u32::from_be_bytes(first[at..at + 4].try_into().unwrap());
        assert_eq!([side(16), side(20)], [1200, 630]);
        assert!(first.len() < 80_000, "{} bytes", first.len());
        let again = pictures.png(&text("Alfa")).await.unwrap();
        assert_eq!(first.as_ptr(), again.as_ptr(), "it was kept");
        assert_ne!(pictures.png(&text("Beta")).await.unwrap(), first);
    }
}
