//! Lays out headings, paragraphs, remarks and logos.

use std::num::NonZeroU16;
use std::sync::Arc;

use crate::document::{Block, Chart, Charted, MainFigure, Paragraph, Section};
use affluenza_words::Language;
use krilla::tagging::{ListNumbering, Tag, TagKind};

use super::facts::{self, TypesetFinding};
use super::figure;
use super::font::{Fonts, Style, StyledLine, Weight};
use super::paper::{Branch, INK, Leaf, Mark, Paper, SheetShape, Twig};
use super::table::TypesetTable;
use crate::face::Logo;
use crate::print::PrintError;

/// Indent of remarks, in points.
pub(super) const INDENT: f32 = 12.0;
/// Space below a remark, and below a paragraph of the centre.
const NOTE_GAP: f32 = 2.0;
const PARAGRAPH_GAP: f32 = 4.0;

pub(super) fn style(size: f32, weight: Weight, colour: [u8; 3]) -> Style {
    Style {
        weight,
        size,
        leading: 1.35,
        colour,
    }
}

pub(super) fn body() -> Style {
    style(10.0, Weight::Regular, INK)
}

pub(super) fn heading_style(paper: &Paper<'_>) -> Style {
    let size = if paper.is_compact { 12.5 } else { 15.0 };
    style(size, Weight::Semibold, paper.accent())
}

/// Returns a heading tag of this level.
pub(super) fn heading(level: u16, title: &str) -> TagKind {
    let level = NonZeroU16::new(level).unwrap_or(NonZeroU16::MIN);
    Tag::Hn(level, Some(title.to_owned())).into()
}

/// Returns the height of notes, with the space between them.
pub(super) fn notes_height(paper: &Paper<'_>, notes: &[String]) -> f32 {
    let notes = notes.iter();
    notes
        .map(|note| height(&paper.fonts.wrap(note, body(), paper.width() - INDENT)) + NOTE_GAP)
        .sum()
}

/// A block after layout, whose height is known.
enum Laid<'b> {
    Lines(Vec<StyledLine>),
    Prose(Vec<TypesetParagraph<'b>>),
    Logos(&'b [Arc<Logo>]),
    Notes(Vec<Vec<StyledLine>>),
    Findings(Vec<TypesetFinding<'b>>),
    Facts(&'b [MainFigure]),
    Table(TypesetTable<'b>),
    Charts(&'b [Chart]),
}

fn is_matrix(block: &Block) -> bool {
    matches!(block, Block::Table(table) if table.matrix)
}

/// Returns the blocks that paper shows.
fn printed(section: &Section) -> impl Iterator<Item = &Block> {
    section
        .blocks
        .iter()
        .filter(|block| !matches!(block, Block::Table(table) if table.charted != Charted::Never))
}

/// Returns the heading with its finding, and its lines.
pub(super) fn title(
    paper: &Paper<'_>,
    section: &Section,
    language: Language,
) -> (String, Vec<StyledLine>) {
    let mut title = section.heading(language);
    if let Some(statement) = &section.statement {
        title = format!("{title}: {statement}");
    }
    let lines = paper
        .fonts
        .wrap(&title, heading_style(paper), paper.width());
    (title, lines)
}

/// Returns the height of lines one below another.
pub(super) fn height(lines: &[StyledLine]) -> f32 {
    lines.iter().map(|line| line.style.line_height()).sum()
}

/// Places a section on paper. Returns its part of the structure, its sheet, and its vertical position
/// in points.
pub(super) fn section(
    paper: &mut Paper<'_>,
    section: &Section,
    language: Language,
) -> Result<(Branch, usize, f32), PrintError> {
    let shape = match paper.shape() {
        SheetShape::Slide => SheetShape::Slide,
        _ if printed(section).any(is_matrix) => SheetShape::Wide,
        _ => SheetShape::Upright,
    };
    if shape != paper.shape() {
        paper.turn(shape);
    }
    let width = paper.width();
    let blocks: Vec<Laid<'_>> = printed(section)
        .map(|block| lay(paper, block, language, width))
        .collect();
    let (title, lines) = title(paper, section, language);
    let title_height = height(&lines) + 6.0;
    let room = paper.full_room();
    let start = starts(paper, &blocks, room - title_height);
    paper.gap(if paper.is_compact { 13.0 } else { 24.0 });
    paper.need(title_height + start);
    let begins = (paper.sheets.len() - 1, paper.y * shape.scale());
    let mut branch = Branch::new(Tag::Section);
    let leaves = paper.lines(paper.left(), lines);
    branch.push(Branch::of(heading(2, &title), leaves));
    paper.y += if paper.is_compact { 3.0 } else { 6.0 };
    for (place, block) in blocks.into_iter().enumerate() {
        if place > 0 {
            paper.gap(if paper.is_compact { 6.0 } else { 10.0 });
        }
        branch.push(place_block(paper, block, language)?);
    }
    Ok((branch, begins.0, begins.1))
}

fn lay<'b>(paper: &Paper<'_>, block: &'b Block, language: Language, width: f32) -> Laid<'b> {
    let fonts = paper.fonts;
    match block {
        Block::Text(text) => Laid::Lines(fonts.wrap(text, body(), width)),
        Block::Prose(paragraphs) => {
            let paragraphs = paragraphs.iter();
            Laid::Prose(
                paragraphs
                    .map(|paragraph| TypesetParagraph::new(fonts, paragraph, width))
                    .collect(),
            )
        }
        Block::Logos(logos) => Laid::Logos(logos),
        Block::Notes(notes) => {
            let notes = notes.iter();
            let notes = notes.map(|note| fonts.wrap(note, body(), width - INDENT));
            Laid::Notes(notes.collect())
        }
        Block::Findings(findings) => {
            let findings = findings.iter();
            let findings =
                findings.map(|finding| TypesetFinding::new(paper, finding, language, width));
            Laid::Findings(findings.collect())
        }
        Block::Facts(facts) => Laid::Facts(facts),
        Block::Table(table) => Laid::Table(TypesetTable::new(fonts, table, language, width)),
        Block::Chart(chart) => Laid::Charts(std::slice::from_ref(chart)),
        Block::Charts(charts) => Laid::Charts(charts),
    }
}

/// Returns the height of the blocks that must stay with their heading: the first block, and the
/// second if the first is a text.
fn starts(paper: &Paper<'_>, blocks: &[Laid<'_>], room: f32) -> f32 {
    let Some(first) = blocks.first() else {
        return 0.0;
    };
    let own = match first {
        Laid::Lines(lines) => lines.len().min(3) as f32 * body().line_height(),
        Laid::Prose(paragraphs) => paragraphs[0].lines.len().min(3) as f32 * body().line_height(),
        Laid::Logos(_) => LOGO_HEIGHT,
        Laid::Notes(notes) => notes
            .first()
            .map_or(0.0, |lines| lines.len() as f32 * body().line_height()),
        Laid::Findings(findings) => findings.iter().map(TypesetFinding::height).sum(),
        Laid::Facts(facts) => facts::height(facts),
        Laid::Table(grid) => grid.start_height(room),
        Laid::Charts(charts) => figure::row_height(paper, charts),
    };
    match first {
        Laid::Lines(_) | Laid::Prose(_) => own + starts(paper, &blocks[1..], room - own),
        _ => own,
    }
}

fn place_block(
    paper: &mut Paper<'_>,
    block: Laid<'_>,
    language: Language,
) -> Result<Branch, PrintError> {
    Ok(match block {
        Laid::Lines(lines) => {
            // A short paragraph is kept together.
            paper.need(height(&lines[..lines.len().min(3)]));
            Branch::of(Tag::P, paper.lines(paper.left(), lines))
        }
        Laid::Prose(paragraphs) => self::prose(paper, paragraphs),
        Laid::Logos(logos) => self::logos(paper, logos),
        Laid::Notes(notes) => self::notes(paper, notes),
        Laid::Findings(findings) => facts::findings(paper, findings),
        Laid::Facts(facts) => facts::facts(paper, facts, language),
        Laid::Table(grid) => grid.place(paper),
        Laid::Charts(charts) => figure::figures(paper, charts, language)?,
    })
}

fn notes(paper: &mut Paper<'_>, notes: Vec<Vec<StyledLine>>) -> Branch {
    let mut list = Branch::new(Tag::L(ListNumbering::Disc));
    for lines in notes {
        paper.need(lines.len().min(2) as f32 * body().line_height());
        let bullet = Mark::Text {
            x: paper.left(),
            y: paper.y + body().baseline(),
            line: paper.fonts.line("•", body()),
        };
        let label = paper.content(vec![bullet]);
        let text = paper.lines(paper.left() + INDENT, lines);
        let mut item = Branch::new(Tag::LI);
        item.push(Branch::of(Tag::Lbl, [label]));
        item.push(Branch::of(Tag::LBody, text));
        list.push(item);
        paper.y += NOTE_GAP;
    }
    list
}

/// A paragraph of the centre, broken into lines.
pub(super) struct TypesetParagraph<'b> {
    mark: &'b str,
    lines: Vec<Vec<StyledLine>>,
}

impl<'b> TypesetParagraph<'b> {
    pub fn new(fonts: &Fonts, paragraph: &'b Paragraph, width: f32) -> Self {
        let indent = if paragraph.mark.is_empty() {
            0.0
        } else {
            INDENT
        };
        let runs = paragraph.runs.iter().map(|run| {
            let weight = match run.is_strong {
                true => Weight::Semibold,
                false => Weight::Regular,
            };
            (run.plain(), style(10.0, weight, INK))
        });
        Self {
            mark: &paragraph.mark,
            lines: fonts.wrap_runs(&Vec::from_iter(runs), width - indent),
        }
    }

    pub fn height(&self) -> f32 {
        self.lines.len() as f32 * body().line_height() + PARAGRAPH_GAP
    }

    /// Draws the lines. Returns a piece of content for each sheet.
    fn draw(self, paper: &mut Paper<'_>, x: f32) -> Vec<Leaf> {
        let (mut leaves, mut marks) = (Vec::new(), Vec::new());
        let height = body().line_height();
        for line in self.lines {
            if paper.room() < height {
                leaves.push(paper.content(std::mem::take(&mut marks)));
                paper.need(height);
            }
            let y = paper.y + body().baseline();
            let mut x = x;
            for line in line {
                let next = x + line.width;
                marks.push(Mark::Text { x, y, line });
                x = next;
            }
            paper.y += height;
        }
        leaves.push(paper.content(marks));
        leaves
    }
}

fn prose(paper: &mut Paper<'_>, paragraphs: Vec<TypesetParagraph<'_>>) -> Branch {
    let mut part = Branch::new(Tag::Div);
    let mut list: Option<Branch> = None;
    for paragraph in paragraphs {
        paper.need(paragraph.lines.len().min(2) as f32 * body().line_height());
        if paragraph.mark.is_empty() {
            part.twigs.extend(list.take().map(Twig::Branch));
            part.push(Branch::of(Tag::P, paragraph.draw(paper, paper.left())));
        } else {
            let mark = Mark::Text {
                x: paper.left(),
                y: paper.y + body().baseline(),
                line: paper.fonts.line(paragraph.mark, body()),
            };
            let mut item = Branch::new(Tag::LI);
            item.push(Branch::of(Tag::Lbl, [paper.content(vec![mark])]));
            let text = paragraph.draw(paper, paper.left() + INDENT);
            item.push(Branch::of(Tag::LBody, text));
            let numbering = ListNumbering::Disc;
            list.get_or_insert_with(|| Branch::new(Tag::L(numbering)))
                .push(item);
        }
        paper.y += PARAGRAPH_GAP;
    }
    part.twigs.extend(list.map(Twig::Branch));
    part
}

/// Largest width and height of a logo in a row, and the space between them.
const LOGO_WIDTH: f32 = 110.0;
const LOGO_HEIGHT: f32 = 40.0;
const LOGO_GAP: f32 = 18.0;

fn logos(paper: &mut Paper<'_>, logos: &[Arc<Logo>]) -> Branch {
    let right = paper.left() + paper.width();
    let mut part = Branch::new(Tag::Div);
    paper.need(LOGO_HEIGHT);
    let mut x = paper.left();
    for logo in logos {
        let [width, height] = logo.size_in([LOGO_WIDTH, LOGO_HEIGHT]);
        if x + width > right {
            paper.y += LOGO_HEIGHT + LOGO_GAP;
            paper.need(LOGO_HEIGHT);
            x = paper.left();
        }
        part.push(self::logo(paper, logo, [x, width, height]));
        x += width + LOGO_GAP;
    }
    paper.y += LOGO_HEIGHT;
    part
}

/// Draws a logo at the present height, from `x` on.
pub(super) fn logo(
    paper: &mut Paper<'_>,
    logo: &Arc<Logo>,
    [x, width, height]: [f32; 3],
) -> Branch {
    let place = [x, paper.y, width, height];
    let mark = Mark::Logo {
        place,
        logo: Arc::clone(logo),
    };
    let leaf = paper.content(vec![mark]);
    let tag = Tag::Figure(Some(logo.name.clone()));
    Branch::of(tag.with_bbox(paper.bounds(place)), [leaf])
}
