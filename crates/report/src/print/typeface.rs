//! The typeface of all printed forms, and the part of it that a page carries.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use skrifa::{FontRef, GlyphId, MetadataProvider};
use subsetter::GlyphRemapper;
use write_fonts::FontBuilder;
use write_fonts::tables::cmap::Cmap;
use write_fonts::types::Tag;

use crate::print::PrintError;

/// Titillium Web, recommended by the design guidelines for Italian public sites.
pub(super) const FILES: [&[u8]; 2] = [
    include_bytes!("../../fonts/TitilliumWeb-Regular.ttf"),
    include_bytes!("../../fonts/TitilliumWeb-SemiBold.ttf"),
];
/// Weights of the files in CSS.
const WEIGHTS: [u16; 2] = [400, 600];
/// Metrics of lines, which PDF does not need and browsers do.
const METRICS: Tag = Tag::new(b"OS/2");

/// Returns CSS rules with both weights of the typeface, as far as the page uses their letters.
pub(super) fn rules(page: &str) -> Result<String, PrintError> {
    // The style writes some texts in capitals.
    let letters = page.chars();
    let letters = letters.flat_map(|letter| letter.to_uppercase().chain([letter]));
    let letters: BTreeSet<char> = letters.collect();
    let mut rules = String::new();
    for (file, weight) in FILES.into_iter().zip(WEIGHTS) {
        let part = part(file, &letters).map_err(|cause| PrintError::Typeface(cause.to_string()))?;
        let data = BASE64_STANDARD.encode(part);
        rules += &format!(
            "@font-face {{ font-family: \"Titillium Web\"; font-weight: {weight}; src: url(data:font/ttf;base64,{data}) format(\"truetype\"); }}\n"
        );
    }
    Ok(rules)
}

/// Returns a font with these letters only. Letters that the typeface lacks are left out.
fn part(
    file: &'static [u8],
    letters: &BTreeSet<char>,
) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let whole = FontRef::new(file)?;
    let glyphs = whole.charmap();
    let mut numbers = GlyphRemapper::new();
    let mut numbered = Vec::new();
    for letter in letters {
        if let Some(glyph) = glyphs.map(*letter) {
            let number = numbers.remap(u16::try_from(glyph.to_u32())?);
            numbered.push((*letter, GlyphId::new(number.into())));
        }
    }
    let outlines = subsetter::subset(file, 0, &numbers)?;
    let mut font = FontBuilder::new();
    font.add_table(&Cmap::from_mappings(numbered)?)?;
    if let Some(metrics) = whole.table_data(METRICS) {
        font.add_raw(METRICS, metrics.as_bytes());
    }
    font.copy_missing_tables(FontRef::new(&outlines)?);
    Ok(font.build())
}

#[cfg(test)]
mod tests {
    use skrifa::instance::{LocationRef, Size};

    use super::*;

    /// Returns the fonts of the rules.
    fn fonts(rules: &str) -> Vec<Vec<u8>> {
        let parts = rules.split("base64,").skip(1);
        let data = parts.map(|part| part.split(')').next().unwrap());
        data.map(|data| BASE64_STANDARD.decode(data).unwrap())
            .collect()
    }

    #[test]
    fn a_page_carries_its_letters_as_wide_as_in_the_typeface() {
        let page = "<p>Più di 1.859 utilizzi – «Città» −49%</p>";
        let found = fonts(&rules(page).unwrap());
        assert_eq!(found.len(), FILES.len());
        for (part, file) in found.iter().zip(FILES) {
            let [part, whole] = [FontRef::new(part).unwrap(), FontRef::new(file).unwrap()];
            for letter in page.chars().chain("PIÙCITTÀ".chars()) {
                let widths = [&part, &whole].map(|font| {
                    let glyph = font.charmap().map(letter);
                    let glyph = glyph.unwrap_or_else(|| panic!("{letter:?} is missing"));
                    let metrics = font.glyph_metrics(Size::unscaled(), LocationRef::default());
                    [
                        metrics.advance_width(glyph),
                        metrics.bounds(glyph).map(|b| b.y_max),
                    ]
                });
                assert_eq!(widths[0], widths[1], "{letter:?}");
            }
            assert_eq!(part.charmap().map('W'), None, "a letter of no use");
        }
    }

    #[test]
    fn the_letters_of_any_page_take_less_than_half_of_the_typeface() {
        let latin: String = (' '..='ÿ').collect();
        let whole: usize = FILES.iter().map(|file| file.len()).sum();
        let part: usize = fonts(&rules(&latin).unwrap()).iter().map(Vec::len).sum();
        assert!(2 * part < whole, "{part} of {whole} bytes");
        assert_eq!(rules(&latin).unwrap(), rules(&latin).unwrap());
        rules("no letter of the typeface: 😀 字").unwrap();
    }
}
