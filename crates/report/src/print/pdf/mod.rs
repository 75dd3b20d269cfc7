//! The report as a PDF: A4, tagged, to the standard PDF/UA-1, without a browser.
//!
//! First all content is placed on sheets ([`paper`]), then the sheets are written ([`write`]). So
//! the contents on the first sheet can refer to later sheets.

mod blocks;
mod font;
mod logo;
mod paper;
mod pen;
mod table;
mod write;

use crate::document::Document;
use krilla::tagging::{Tag, TagKind};

use self::blocks::{heading, heading_style, style};
use self::font::{Fonts, Style, Weight};
use self::paper::{Branch, INK, MARGIN_SIDE, Mark, Paper, RULE, SOFT};
use self::write::SectionPosition;
use crate::print::PrintError;

/// Largest number of sections of a document without contents.
const SECTIONS_MAX: usize = 6;
/// Largest width and height of the logo on the first sheet, in points.
const COVER_LOGO: [f32; 2] = [180.0, 52.0];

/// Returns the whole file, with its fonts. The same document gives the same bytes.
pub fn pdf(document: &Document) -> Result<Vec<u8>, PrintError> {
    let document = &*document.printed();
    let fonts = Fonts::new();
    let mut paper = Paper::new(&fonts, document.centre.colours);
    paper.is_compact = document.is_of_ente;
    let mut structure = cover(&mut paper, document);
    let (mut places, mut sections) = (Vec::new(), Vec::new());
    let mut contents_from = None;
    for (place, section) in document.sections.iter().enumerate() {
        if place == 1 && !document.is_of_ente && document.sections.len() > SECTIONS_MAX {
            contents_from = Some(reserve(&mut paper, document));
        }
        let (branch, sheet, y) = blocks::section(&mut paper, section, document.language)?;
        sections.push(branch);
        places.push(SectionPosition {
            id: section.id.clone(),
            title: section.heading(document.language),
            sheet,
            y,
        });
    }
    let mut sections = sections.into_iter();
    structure.extend(sections.next());
    if let Some((sheet, y)) = contents_from {
        structure.push(contents(&mut paper, document, &places, sheet, y));
    }
    structure.extend(sections);
    blocks::feet(
        &mut paper,
        &format!("{} · {}", document.title, document.subject),
    );
    let written = write::write(document, &paper, structure, &places);
    written.map_err(|error| PrintError::Pdf(error.to_string()))
}

/// Draws the first sheet down to the contents.
fn cover(paper: &mut Paper<'_>, document: &Document) -> Vec<Branch> {
    let width = paper.width();
    paper.decorate(Mark::Box {
        x: MARGIN_SIDE,
        y: paper.y,
        width,
        height: 5.0,
        colour: paper.accent(),
    });
    paper.y += if paper.is_compact { 12.0 } else { 20.0 };
    let mut structure = Vec::new();
    if let Some(logo) = &document.centre.logo {
        let part = if paper.is_compact { 0.65 } else { 1.0 };
        let size = logo.size_in(COVER_LOGO.map(|length| length * part));
        structure.push(blocks::logo(paper, logo, [MARGIN_SIDE, size[0], size[1]]));
        paper.y += size[1] + 16.0 * part;
    }
    let name = document.centre.mark();
    let mark = style(10.0, Weight::Semibold, paper.accent());
    structure.push(cover_text(paper, Tag::P.into(), &name, mark));
    let title = Style {
        leading: 1.2,
        ..style(
            if paper.is_compact { 22.0 } else { 28.0 },
            Weight::Semibold,
            INK,
        )
    };
    let tag = heading(1, &document.title);
    structure.push(cover_text(paper, tag, &document.title, title));
    let subject = style(15.0, Weight::Regular, INK);
    structure.push(cover_text(paper, Tag::P.into(), &document.subject, subject));
    paper.y += if paper.is_compact { 2.0 } else { 8.0 };
    for line in &document.edition {
        let soft = style(
            if paper.is_compact { 8.5 } else { 9.5 },
            Weight::Regular,
            SOFT,
        );
        structure.push(cover_text(paper, Tag::P.into(), line, soft));
    }
    structure
}

fn cover_text(paper: &mut Paper<'_>, tag: TagKind, text: &str, style: Style) -> Branch {
    let lines = paper.fonts.wrap(text, style, paper.width());
    Branch::of(tag, paper.lines(MARGIN_SIDE, lines))
}

fn contents_style() -> Style {
    style(10.0, Weight::Regular, INK)
}

/// Starts a sheet with room for the contents. Returns the sheet and their vertical position.
fn reserve(paper: &mut Paper<'_>, document: &Document) -> (usize, f32) {
    paper.turn(false);
    let from = paper.y;
    let entries = document.sections.len() as f32 * contents_style().line_height();
    paper.y += heading_style(paper).line_height() + 4.0 + entries;
    (paper.sheets.len() - 1, from)
}

/// Draws the contents into their room.
fn contents(
    paper: &mut Paper<'_>,
    document: &Document,
    places: &[SectionPosition],
    sheet: usize,
    from: f32,
) -> Branch {
    let title = document.language.say("contents", &[]);
    let line_style = contents_style();
    let later = paper.sheets.split_off(sheet + 1);
    paper.y = from;
    let width = paper.width();
    let mut branch = Branch::new(Tag::Section);
    let style = heading_style(paper);
    let lines = paper.fonts.wrap(&title, style, width);
    branch.push(Branch::of(
        heading(2, &title),
        paper.lines(MARGIN_SIDE, lines),
    ));
    paper.y += 4.0;
    let mut list = Branch::new(Tag::TOC);
    for place in places {
        let y = paper.y + line_style.baseline();
        let right = MARGIN_SIDE + width;
        let text = paper.fonts.line(&format!("{} ", place.title), line_style);
        let number = (place.sheet + 1).to_string();
        let number = paper.fonts.line(&number, line_style);
        let dots = (MARGIN_SIDE + text.width + 4.0, right - number.width - 6.0);
        if dots.1 > dots.0 {
            paper.decorate(Mark::Stroke {
                points: vec![(dots.0, y), (dots.1, y)],
                width: 0.4,
                colour: RULE,
            });
        }
        let x = right - number.width;
        let name = paper.content(vec![
            Mark::Text {
                x: MARGIN_SIDE,
                y,
                line: text,
            },
            Mark::Text { x, y, line: number },
        ]);
        let bottom = paper.y + line_style.line_height();
        let leaf = paper.link(
            &place.id,
            [MARGIN_SIDE, paper.y, right, bottom],
            &place.title,
        );
        let mut item = Branch::new(Tag::TOCI);
        let mut reference = Branch::new(Tag::Reference);
        reference.push(Branch::of(Tag::Link, [name, leaf]));
        item.push(reference);
        list.push(item);
        paper.y += line_style.line_height();
    }
    branch.push(list);
    paper.sheets.extend(later);
    branch
}
