//! Lays out headings, paragraphs, remarks, main figures and charts.

use std::num::NonZeroU16;
use std::sync::Arc;

use crate::document::{Block, Chart, Charted, FindingLine, MainFigure, Paragraph, Section};
use affluenza_words::Language;
use krilla::geom::Rect;
use krilla::tagging::{BBox, ListNumbering, Tag, TagKind};

use super::font::{Fonts, Style, StyledLine, Weight};
use super::paper::{
    Branch, INK, Leaf, MARGIN_SIDE, Mark, Paper, Piece, PieceRole, RULE, SOFT, Twig,
};
use super::pen::Pen;
use super::table::TypesetTable;
use crate::face::Logo;
use crate::print::{Plot, PrintError, chart};

/// Number of columns of main figures.
const FACTS_ACROSS: usize = 3;
const FACTS_GAP: f32 = 18.0;
/// Indent of remarks, in points.
const INDENT: f32 = 12.0;

pub(super) fn style(size: f32, weight: Weight, colour: [u8; 3]) -> Style {
    Style {
        weight,
        size,
        leading: 1.35,
        colour,
    }
}

fn body() -> Style {
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

/// Returns the blocks that paper shows.
fn printed(section: &Section) -> impl Iterator<Item = &Block> {
    section
        .blocks
        .iter()
        .filter(|block| !matches!(block, Block::Table(table) if table.charted != Charted::Never))
}

/// Places a section on paper. Returns its part of the structure, its sheet and its vertical
/// position.
pub(super) fn section(
    paper: &mut Paper<'_>,
    section: &Section,
    language: Language,
) -> Result<(Branch, usize, f32), PrintError> {
    let is_wide =
        printed(section).any(|block| matches!(block, Block::Table(table) if table.matrix));
    if is_wide != paper.sheet().wide {
        paper.turn(is_wide);
    }
    let width = paper.width();
    let blocks: Vec<Laid<'_>> = printed(section)
        .map(|block| lay(paper, block, language, width))
        .collect();
    let mut title = section.heading(language);
    if let Some(statement) = &section.statement {
        title = format!("{title}: {statement}");
    }
    let of_title = heading_style(paper);
    let lines = paper.fonts.wrap(&title, of_title, width);
    let title_height = lines.len() as f32 * of_title.line_height() + 6.0;
    let room = paper.full_room();
    let start: f32 = starts(&blocks, room - title_height);
    paper.gap(if paper.is_compact { 13.0 } else { 24.0 });
    paper.need(title_height + start);
    let begins = (paper.sheets.len() - 1, paper.y);
    let mut branch = Branch::new(Tag::Section);
    let leaves = paper.lines(MARGIN_SIDE, lines);
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
fn starts(blocks: &[Laid<'_>], room: f32) -> f32 {
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
        Laid::Facts(facts) => facts.len().div_ceil(FACTS_ACROSS) as f32 * FACT_HEIGHT,
        Laid::Table(grid) => grid.start_height(room),
        Laid::Charts(charts) => charts_height(charts),
    };
    match first {
        Laid::Lines(_) | Laid::Prose(_) => own + starts(&blocks[1..], room - own),
        _ => own,
    }
}

fn place_block(
    paper: &mut Paper<'_>,
    block: Laid<'_>,
    language: Language,
) -> Result<Branch, PrintError> {
    Ok(match block {
        Laid::Lines(lines) => Branch::of(Tag::P, paper.lines(MARGIN_SIDE, lines)),
        Laid::Prose(paragraphs) => self::prose(paper, paragraphs),
        Laid::Logos(logos) => self::logos(paper, logos),
        Laid::Notes(notes) => self::notes(paper, notes),
        Laid::Findings(findings) => self::findings(paper, findings),
        Laid::Facts(facts) => self::facts(paper, facts, language),
        Laid::Table(grid) => grid.place(paper),
        Laid::Charts(charts) => self::figures(paper, charts, language)?,
    })
}

fn notes(paper: &mut Paper<'_>, notes: Vec<Vec<StyledLine>>) -> Branch {
    let mut list = Branch::new(Tag::L(ListNumbering::Disc));
    for lines in notes {
        paper.need(lines.len().min(2) as f32 * body().line_height());
        let bullet = Mark::Text {
            x: MARGIN_SIDE,
            y: paper.y + body().baseline(),
            line: paper.fonts.line("•", body()),
        };
        let label = paper.content(vec![bullet]);
        let text = paper.lines(MARGIN_SIDE + INDENT, lines);
        let mut item = Branch::new(Tag::LI);
        item.push(Branch::of(Tag::Lbl, [label]));
        item.push(Branch::of(Tag::LBody, text));
        list.push(item);
        paper.y += 2.0;
    }
    list
}

/// A paragraph of the centre, broken into lines.
struct TypesetParagraph<'b> {
    mark: &'b str,
    lines: Vec<Vec<StyledLine>>,
}

impl<'b> TypesetParagraph<'b> {
    fn new(fonts: &Fonts, paragraph: &'b Paragraph, width: f32) -> Self {
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
            part.push(Branch::of(Tag::P, paragraph.draw(paper, MARGIN_SIDE)));
        } else {
            let mark = Mark::Text {
                x: MARGIN_SIDE,
                y: paper.y + body().baseline(),
                line: paper.fonts.line(paragraph.mark, body()),
            };
            let mut item = Branch::new(Tag::LI);
            item.push(Branch::of(Tag::Lbl, [paper.content(vec![mark])]));
            let text = paragraph.draw(paper, MARGIN_SIDE + INDENT);
            item.push(Branch::of(Tag::LBody, text));
            let numbering = ListNumbering::Disc;
            list.get_or_insert_with(|| Branch::new(Tag::L(numbering)))
                .push(item);
        }
        paper.y += 4.0;
    }
    part.twigs.extend(list.map(Twig::Branch));
    part
}

/// Largest width and height of a logo in a row, and the space between them.
const LOGO_WIDTH: f32 = 110.0;
const LOGO_HEIGHT: f32 = 40.0;
const LOGO_GAP: f32 = 18.0;

fn logos(paper: &mut Paper<'_>, logos: &[Arc<Logo>]) -> Branch {
    let right = MARGIN_SIDE + paper.width();
    let mut part = Branch::new(Tag::Div);
    paper.need(LOGO_HEIGHT);
    let mut x = MARGIN_SIDE;
    for logo in logos {
        let [width, height] = logo.size_in([LOGO_WIDTH, LOGO_HEIGHT]);
        if x + width > right {
            paper.y += LOGO_HEIGHT + LOGO_GAP;
            paper.need(LOGO_HEIGHT);
            x = MARGIN_SIDE;
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
    let sheet = paper.sheets.len() - 1;
    let mark = Mark::Logo {
        place,
        logo: Arc::clone(logo),
    };
    let leaf = paper.content(vec![mark]);
    let place = Rect::from_xywh(x, paper.y, width, height);
    let tag = Tag::Figure(Some(logo.name.clone()));
    Branch::of(
        tag.with_bbox(place.map(|place| BBox::new(sheet, place))),
        [leaf],
    )
}

/// Width of the figures of findings, in points.
const FIGURE_WIDTH: f32 = 92.0;
/// Space above and below a finding.
const FINDING_GAP: f32 = 5.0;

/// A finding whose texts are broken into lines.
struct TypesetFinding<'b> {
    figure: Vec<StyledLine>,
    sentence: Vec<StyledLine>,
    reference: Vec<StyledLine>,
    finding: &'b FindingLine,
}

impl<'b> TypesetFinding<'b> {
    fn new(paper: &Paper<'_>, finding: &'b FindingLine, language: Language, width: f32) -> Self {
        let (fonts, accent) = (paper.fonts, paper.accent());
        let text_width = width - FIGURE_WIDTH;
        let figure = style(16.0, Weight::Semibold, accent);
        let reference = style(8.5, Weight::Regular, accent);
        let shown = finding.figure.show(language);
        Self {
            figure: fonts.wrap(&shown, figure, FIGURE_WIDTH - 8.0),
            sentence: fonts.wrap(&finding.sentence, body(), text_width),
            reference: match finding.section {
                Some(_) => fonts.wrap(&finding.reference, reference, text_width),
                None => Vec::new(),
            },
            finding,
        }
    }

    fn height(&self) -> f32 {
        let [figure, sentence, reference] =
            [&self.figure, &self.sentence, &self.reference].map(|lines| {
                lines
                    .iter()
                    .map(|line| line.style.line_height())
                    .sum::<f32>()
            });
        figure.max(sentence + reference) + 2.0 * FINDING_GAP
    }
}

fn findings(paper: &mut Paper<'_>, findings: Vec<TypesetFinding<'_>>) -> Branch {
    let mut list = Branch::new(Tag::L(ListNumbering::None));
    let width = paper.width();
    for finding in findings {
        let height = finding.height();
        paper.need(height);
        let top = paper.y;
        paper.decorate(Mark::Stroke {
            points: vec![(MARGIN_SIDE, top), (MARGIN_SIDE + width, top)],
            width: 0.6,
            colour: RULE,
        });
        let mut item = Branch::new(Tag::LI);
        paper.y = top + FINDING_GAP - 3.0;
        let figure = paper.lines(MARGIN_SIDE, finding.figure);
        item.push(Branch::of(Tag::Lbl, figure));
        paper.y = top + FINDING_GAP;
        let x = MARGIN_SIDE + FIGURE_WIDTH;
        let sentence = paper.lines(x, finding.sentence);
        let mut text = Branch::new(Tag::LBody);
        text.push(Branch::of(Tag::P, sentence));
        if let Some(section) = &finding.finding.section {
            let from = paper.y;
            let mut leaves = paper.lines(x, finding.reference);
            let place = [x, from, MARGIN_SIDE + width, paper.y];
            leaves.push(paper.link(section, place, &finding.finding.reference));
            let mut reference = Branch::new(Tag::P);
            reference.push(Branch::of(Tag::Link, leaves));
            text.push(reference);
        }
        item.push(text);
        list.push(item);
        paper.y = top + height;
    }
    list
}

/// Height of a main figure and of the space below it, in points.
const FACT_HEIGHT: f32 = 62.0;

fn facts(paper: &mut Paper<'_>, facts: &[MainFigure], language: Language) -> Branch {
    let across = FACTS_ACROSS as f32;
    let width = (paper.width() - FACTS_GAP * (across - 1.0)) / across;
    let mut list = Branch::new(Tag::L(ListNumbering::None));
    for row in facts.chunks(FACTS_ACROSS) {
        paper.need(FACT_HEIGHT);
        let top = paper.y;
        let mut bottom = top;
        for (place, fact) in row.iter().enumerate() {
            let x = MARGIN_SIDE + place as f32 * (width + FACTS_GAP);
            paper.y = top;
            list.push(self::fact(paper, fact, language, x, width));
            bottom = bottom.max(paper.y);
        }
        paper.y = bottom + 10.0;
    }
    list
}

/// Draws the value above its label. The structure has the label first.
fn fact(
    paper: &mut Paper<'_>,
    fact: &MainFigure,
    language: Language,
    x: f32,
    width: f32,
) -> Branch {
    paper.decorate(Mark::Box {
        x,
        y: paper.y,
        width,
        height: 1.5,
        colour: paper.accent(),
    });
    paper.y += 4.0;
    let large = Style {
        leading: 1.2,
        ..style(19.0, Weight::Semibold, paper.accent())
    };
    let small = Style {
        leading: 1.25,
        ..style(9.0, Weight::Regular, INK)
    };
    let value = paper.fonts.wrap(&fact.value.show(language), large, width);
    let value = paper.lines(x, value);
    let label = paper.fonts.wrap(&fact.label, small, width);
    let label = paper.lines(x, label);
    let mut body = Branch::new(Tag::LBody);
    body.push(Branch::of(Tag::P, value));
    if !fact.detail.is_empty() {
        let soft = Style {
            colour: SOFT,
            ..small
        };
        let detail = paper.fonts.wrap(&fact.detail, soft, width);
        body.push(Branch::of(Tag::P, paper.lines(x, detail)));
    }
    let mut item = Branch::new(Tag::LI);
    item.push(Branch::of(Tag::Lbl, label));
    item.push(body);
    item
}

/// Points of paper per unit of a chart, so that a chart is as wide as an upright sheet.
const CHART_SCALE: f32 = 0.66;

/// Space below the caption of a chart, and below a row of charts.
const CAPTION_GAP: f32 = 2.0;
const CHARTS_GAP: f32 = 8.0;

fn caption_style() -> Style {
    style(9.0, Weight::Regular, SOFT)
}

fn chart_height(chart: &Chart, across: u32) -> f32 {
    chart::size(chart, across).1 as f32 * CHART_SCALE
}

/// Returns the height of the first row of charts with captions of one line.
fn charts_height(charts: &[Chart]) -> f32 {
    let across = chart::across(charts.len());
    let row = charts.iter().take(across as usize);
    let highest = row.map(|chart| chart_height(chart, across));
    highest.fold(0.0, f32::max) + caption_style().line_height() + CAPTION_GAP
}

/// Draws charts side by side, in as many rows as needed.
fn figures(
    paper: &mut Paper<'_>,
    charts: &[Chart],
    language: Language,
) -> Result<Branch, PrintError> {
    let across = chart::across(charts.len());
    let mut part = Branch::new(Tag::Div);
    for (place, row) in charts.chunks(across as usize).enumerate() {
        if place > 0 {
            paper.y += CHARTS_GAP;
        }
        let width = chart::size(&row[0], across).0 as f32 * CHART_SCALE;
        let captions: Vec<Vec<StyledLine>> = row
            .iter()
            .map(|chart| paper.fonts.wrap(&chart.title, caption_style(), width))
            .collect();
        let lines = captions.iter().map(Vec::len).max();
        let above = lines.unwrap_or(0) as f32 * caption_style().line_height() + CAPTION_GAP;
        let charts = row.iter().map(|chart| chart_height(chart, across));
        let height = above + charts.fold(0.0, f32::max);
        paper.need(height);
        let (top, mut x) = (paper.y, MARGIN_SIDE);
        for (chart, caption) in row.iter().zip(captions) {
            paper.y = top;
            let caption = paper.lines(x, caption);
            let plot = Plot {
                chart,
                language,
                colours: paper.colours,
                across,
            };
            part.push(figure(paper, plot, caption, (x, top + above))?);
            x += width + chart::GAP as f32 * CHART_SCALE;
        }
        paper.y = top + height;
    }
    Ok(part)
}

/// Draws a chart at a point of the sheet. A screen reader treats it as one picture.
fn figure(
    paper: &mut Paper<'_>,
    plot: Plot<'_>,
    caption: Vec<Leaf>,
    from: (f32, f32),
) -> Result<Branch, PrintError> {
    let mut marks = Vec::new();
    let size = chart::size(plot.chart, plot.across);
    let pen = Pen {
        fonts: paper.fonts,
        size,
        scale: CHART_SCALE,
        from,
        marks: &mut marks,
    };
    chart::draw(plot, pen)?;
    let [width, height] = [size.0, size.1].map(|units| units as f32 * CHART_SCALE);
    let place = Rect::from_xywh(from.0, from.1, width, height);
    let sheet = paper.sheets.len() - 1;
    let leaf = paper.content(marks);
    let alt = format!("{}. {}", plot.chart.title, plot.chart.description);
    let tag = Tag::Figure(Some(alt)).with_bbox(place.map(|place| BBox::new(sheet, place)));
    let mut branch = Branch::new(tag);
    branch.push(Branch::of(Tag::Caption, caption));
    branch.twigs.push(Twig::Leaf(leaf));
    Ok(branch)
}

/// Draws the foot of every sheet: the subject of the report, the sheet number and the number of
/// sheets.
pub(super) fn feet(paper: &mut Paper<'_>, text: &str) {
    let style = style(8.0, Weight::Regular, SOFT);
    let all = paper.sheets.len();
    for place in 0..all {
        let (width, height) = paper.sheets[place].size();
        let y = height - 30.0;
        let number = paper.fonts.line(&format!("{} / {all}", place + 1), style);
        let x = width - MARGIN_SIDE - number.width;
        let mut marks = vec![Mark::Text { x, y, line: number }];
        if place > 0 {
            let line = paper.fonts.line(text, style);
            let x = MARGIN_SIDE;
            marks.push(Mark::Text { x, y, line });
        }
        let role = PieceRole::Footer;
        paper.sheets[place].pieces.push(Piece { role, marks });
    }
}
