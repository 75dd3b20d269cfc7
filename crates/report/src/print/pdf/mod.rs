//! The report as a PDF: A4 or slides, tagged, to the standards PDF/UA-1 and PDF/A-2a, without a browser.
//!
//! First all content is placed on sheets ([`paper`]), then the sheets are written ([`write`]). So
//! the contents on the first sheet can refer to later sheets.

mod blocks;
mod facts;
mod figure;
mod font;
mod logo;
mod paper;
mod pen;
mod slides;
mod table;
mod write;

use crate::document::Document;
use krilla::tagging::{Tag, TagKind};

use self::blocks::{heading, heading_style, style};
use self::font::{Fonts, Style, Weight};
use self::paper::{Branch, INK, Mark, Paper, Piece, PieceRole, RULE, SOFT, SheetShape};
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
    PdfLayout::of_pages(document, &fonts)?.write(document)
}

/// Returns the slide edition as a PDF of 16:9, a slide for each chapter. The same document gives the
/// same bytes.
pub fn slides(document: &Document) -> Result<Vec<u8>, PrintError> {
    let document = &document.slides();
    let fonts = Fonts::new();
    PdfLayout::of_slides(document, &fonts)?.write(document)
}

/// A document on sheets.
struct PdfLayout<'f> {
    paper: Paper<'f>,
    structure: Vec<Branch>,
    positions: Vec<SectionPosition>,
}

impl<'f> PdfLayout<'f> {
    fn of_pages(document: &Document, fonts: &'f Fonts) -> Result<Self, PrintError> {
        let colours = document.centre.colours;
        let mut paper = Paper::new(fonts, colours, SheetShape::Upright);
        paper.is_compact = document.is_of_ente;
        let mut structure = cover(&mut paper, document);
        let (mut positions, mut sections) = (Vec::new(), Vec::new());
        let mut contents_from = None;
        for (place, section) in document.sections.iter().enumerate() {
            if place == 1 && !document.is_of_ente && document.sections.len() > SECTIONS_MAX {
                contents_from = Some(reserve(&mut paper, document));
            }
            let (branch, sheet, y) = blocks::section(&mut paper, section, document.language)?;
            sections.push(branch);
            positions.push(SectionPosition {
                id: section.id.clone(),
                title: section.heading(document.language),
                sheet,
                y,
            });
        }
        let mut sections = sections.into_iter();
        structure.extend(sections.next());
        if let Some((sheet, y)) = contents_from {
            structure.push(contents(&mut paper, document, &positions, sheet, y));
        }
        structure.extend(sections);
        Ok(Self {
            paper,
            structure,
            positions,
        })
    }

    fn of_slides(document: &Document, fonts: &'f Fonts) -> Result<Self, PrintError> {
        let mut paper = Paper::new(fonts, document.centre.colours, SheetShape::Slide);
        let mut structure = cover(&mut paper, document);
        let mut positions = Vec::new();
        for section in &document.sections {
            for slide in slides::fitted(&paper, section, document.language) {
                paper.turn(SheetShape::Slide);
                let (branch, sheet, y) = blocks::section(&mut paper, &slide, document.language)?;
                structure.push(branch);
                positions.push(SectionPosition {
                    id: slide.id,
                    title: slide.title,
                    sheet,
                    y,
                });
            }
        }
        Ok(Self {
            paper,
            structure,
            positions,
        })
    }

    /// Draws the feet of the sheets, and writes the file.
    fn write(mut self, document: &Document) -> Result<Vec<u8>, PrintError> {
        let foot = format!("{} · {}", document.title, document.subject);
        feet(&mut self.paper, &foot);
        let written = write::write(document, &self.paper, self.structure, &self.positions);
        written.map_err(|error| PrintError::Pdf(error.to_string()))
    }
}

/// Returns the number of pages of the printed document.
#[cfg(test)]
pub(crate) fn pages(document: &Document) -> usize {
    let (document, fonts) = (&*document.printed(), Fonts::new());
    let layout = PdfLayout::of_pages(document, &fonts).expect("it is laid out");
    layout.paper.sheets.len()
}

/// Sizes on the first sheet, in units of the layout.
struct CoverSizes {
    /// Space below the bar.
    bar_gap: f32,
    /// Part of the greatest size of the logo.
    logo: f32,
    title: f32,
    /// Space above the lines about the edition, and their size.
    edition_gap: f32,
    edition: f32,
}

impl CoverSizes {
    fn of(paper: &Paper<'_>) -> Self {
        let [bar_gap, logo, title, edition_gap, edition] = match paper.shape() {
            SheetShape::Slide => [30.0, 0.65, 26.0, 8.0, 9.0],
            _ if paper.is_compact => [12.0, 0.65, 22.0, 2.0, 8.5],
            _ => [20.0, 1.0, 28.0, 8.0, 9.5],
        };
        Self {
            bar_gap,
            logo,
            title,
            edition_gap,
            edition,
        }
    }
}

/// Draws the first sheet down to the contents.
fn cover(paper: &mut Paper<'_>, document: &Document) -> Vec<Branch> {
    let width = paper.width();
    let sizes = CoverSizes::of(paper);
    paper.decorate(Mark::Box {
        x: paper.left(),
        y: paper.y,
        width,
        height: 5.0,
        colour: paper.accent(),
    });
    paper.y += sizes.bar_gap;
    let mut structure = Vec::new();
    if let Some(logo) = &document.centre.logo {
        let size = logo.size_in(COVER_LOGO.map(|length| length * sizes.logo));
        structure.push(blocks::logo(paper, logo, [paper.left(), size[0], size[1]]));
        paper.y += size[1] + 16.0 * sizes.logo;
    }
    let name = document.centre.mark();
    let mark = style(10.0, Weight::Semibold, paper.accent());
    structure.push(cover_text(paper, Tag::P.into(), &name, mark));
    let title = Style {
        leading: 1.2,
        ..style(sizes.title, Weight::Semibold, INK)
    };
    let tag = heading(1, &document.title);
    structure.push(cover_text(paper, tag, &document.title, title));
    let subject = style(15.0, Weight::Regular, INK);
    structure.push(cover_text(paper, Tag::P.into(), &document.subject, subject));
    paper.y += sizes.edition_gap;
    let soft = style(sizes.edition, Weight::Regular, SOFT);
    for line in &document.edition {
        structure.push(cover_text(paper, Tag::P.into(), line, soft));
    }
    structure
}

fn cover_text(paper: &mut Paper<'_>, tag: TagKind, text: &str, style: Style) -> Branch {
    let lines = paper.fonts.wrap(text, style, paper.width());
    Branch::of(tag, paper.lines(paper.left(), lines))
}

fn contents_style() -> Style {
    style(10.0, Weight::Regular, INK)
}

/// Starts a sheet with room for the contents. Returns the sheet and their vertical position.
fn reserve(paper: &mut Paper<'_>, document: &Document) -> (usize, f32) {
    paper.turn(SheetShape::Upright);
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
        paper.lines(paper.left(), lines),
    ));
    paper.y += 4.0;
    let mut list = Branch::new(Tag::TOC);
    for place in places {
        let y = paper.y + line_style.baseline();
        let right = paper.left() + width;
        let text = paper.fonts.line(&format!("{} ", place.title), line_style);
        let number = (place.sheet + 1).to_string();
        let number = paper.fonts.line(&number, line_style);
        let dots = (paper.left() + text.width + 4.0, right - number.width - 6.0);
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
                x: paper.left(),
                y,
                line: text,
            },
            Mark::Text { x, y, line: number },
        ]);
        let bottom = paper.y + line_style.line_height();
        let leaf = paper.link(
            &place.id,
            [paper.left(), paper.y, right, bottom],
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

/// Draws the foot of every sheet: the subject of the report, the sheet number and the number of
/// sheets.
fn feet(paper: &mut Paper<'_>, text: &str) {
    let left = paper.left();
    let style = style(8.0, Weight::Regular, SOFT);
    let all = paper.sheets.len();
    for place in 0..all {
        let (width, height) = paper.sheets[place].shape.size();
        let y = height - paper.sheets[place].shape.foot();
        let number = paper.fonts.line(&format!("{} / {all}", place + 1), style);
        let x = width - left - number.width;
        let mut marks = vec![Mark::Text { x, y, line: number }];
        if place > 0 {
            let line = paper.fonts.line(text, style);
            let x = left;
            marks.push(Mark::Text { x, y, line });
        }
        let role = PieceRole::Footer;
        paper.sheets[place].pieces.push(Piece { role, marks });
    }
}
