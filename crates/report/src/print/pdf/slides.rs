//! Shortens sections to what fits a slide.

use affluenza_words::Language;

use super::blocks::{self, TypesetParagraph, body};
use super::facts::{self, TypesetFinding};
use super::figure;
use super::paper::Paper;
use super::table::TypesetTable;
use crate::document::{Block, Chart, ChartKind, Paragraph, Section};

/// Space below the title, and between the blocks of a slide.
const TITLE_GAP: f32 = 6.0;
const BLOCK_GAP: f32 = 10.0;

/// Number of items of a block that a slide shows, and that the report shows.
struct FittedItems {
    part: usize,
    all: usize,
}

/// Returns the slides of a section: one, or some for its comment before one for the rest if both do not
/// fit one.
pub(super) fn fitted(paper: &Paper<'_>, section: &Section, language: Language) -> Vec<Section> {
    let whole = fitted_slide(paper, section, language);
    let blocks = section.blocks.iter().cloned();
    let (comments, figures): (Vec<Block>, Vec<Block>) =
        blocks.partition(|block| matches!(block, Block::Prose(_)));
    if comments.is_empty() || whole.as_ref().is_some_and(|slide| slide.is_whole) {
        return whole.map(|slide| slide.section).into_iter().collect();
    }
    let room = room(paper, section, language);
    let parts = comments.iter().flat_map(|block| match block {
        Block::Prose(paragraphs) => comment_parts(paper, paragraphs, room),
        _ => Vec::new(),
    });
    let mut slides: Vec<Section> = parts
        .map(|paragraphs| Section {
            blocks: vec![Block::Prose(paragraphs)],
            ..section.clone()
        })
        .collect();
    let rest = Section {
        blocks: figures,
        ..section.clone()
    };
    if !rest.blocks.is_empty() {
        slides.extend(fitted_slide(paper, &rest, language).map(|slide| slide.section));
    }
    slides
}

/// Divides paragraphs among slides.
fn comment_parts(paper: &Paper<'_>, paragraphs: &[Paragraph], room: f32) -> Vec<Vec<Paragraph>> {
    let mut parts: Vec<Vec<Paragraph>> = Vec::new();
    let mut used = f32::INFINITY;
    for paragraph in paragraphs {
        let height = TypesetParagraph::new(paper.fonts, paragraph, paper.width()).height();
        if used + height > room {
            parts.push(Vec::new());
            used = 0.0;
        }
        used += height;
        parts
            .last_mut()
            .expect("the first has no room")
            .push(paragraph.clone());
    }
    parts
}

/// A section with as many items as fit a slide.
struct FittedSlide {
    section: Section,
    /// True if nothing is left out, and the charts fit.
    is_whole: bool,
}

/// Returns the room below the title.
fn room(paper: &Paper<'_>, section: &Section, language: Language) -> f32 {
    let (_, title) = blocks::title(paper, section, language);
    paper.full_room() - blocks::height(&title) - TITLE_GAP
}

/// Returns the section with as many items as fit a slide, and a line that names their number if there
/// are more. Returns `None` for a table whose columns do not fit in letters of full size.
fn fitted_slide(paper: &Paper<'_>, section: &Section, language: Language) -> Option<FittedSlide> {
    let mut slide = section.clone();
    let has_figures = section.blocks.iter().any(is_shortened);
    let mut room = room(paper, section, language);
    for block in &slide.blocks {
        room -= match block {
            Block::Text(text) => text_height(paper, text),
            Block::Prose(paragraphs) => prose_height(paper, paragraphs) + BLOCK_GAP,
            Block::Notes(notes) if has_figures => blocks::notes_height(paper, notes) + BLOCK_GAP,
            _ => 0.0,
        };
    }
    let (mut rest, mut is_whole) = (None, true);
    for block in &mut slide.blocks {
        if has_figures && !is_shortened(block) {
            continue;
        }
        let mut whole = block.clone();
        let FittedItems { part, all } = shorten(paper, &mut whole, language, room)?;
        is_whole &= part == all && is_within(paper, &whole, room);
        if part == all {
            *block = whole;
            continue;
        }
        let longest = rest_line(section, language, &FittedItems { part: all, all });
        room -= text_height(paper, &longest);
        rest = Some(shorten(paper, block, language, room)?);
        block.describe(language);
    }
    let rest = rest.map(|shown| Block::Text(rest_line(section, language, &shown)));
    slide.blocks.extend(rest);
    Some(FittedSlide {
        section: slide,
        is_whole,
    })
}

/// True for a block that is shortened to the room that the others leave.
fn is_shortened(block: &Block) -> bool {
    !matches!(
        block,
        Block::Text(_) | Block::Prose(_) | Block::Notes(_) | Block::Logos(_)
    )
}

/// True if charts of a fixed height have room.
fn is_within(paper: &Paper<'_>, block: &Block, room: f32) -> bool {
    match block {
        Block::Chart(chart) => chart_height(paper, chart) <= room,
        Block::Charts(charts) => figure::row_height(paper, charts) <= room,
        _ => true,
    }
}

fn prose_height(paper: &Paper<'_>, paragraphs: &[Paragraph]) -> f32 {
    let paragraphs = paragraphs.iter();
    paragraphs
        .map(|paragraph| TypesetParagraph::new(paper.fonts, paragraph, paper.width()).height())
        .sum()
}

/// Returns the height of a text with the space to the next block.
fn text_height(paper: &Paper<'_>, text: &str) -> f32 {
    blocks::height(&paper.fonts.wrap(text, body(), paper.width())) + BLOCK_GAP
}

fn rest_line(section: &Section, language: Language, shown: &FittedItems) -> String {
    let words = [
        ("shown", shown.part.into()),
        ("all", shown.all.into()),
        ("title", section.title.as_str().into()),
    ];
    language.say("slide-rest", &words)
}

/// Leaves out the last items of a block that do not fit.
fn shorten(
    paper: &Paper<'_>,
    block: &mut Block,
    language: Language,
    room: f32,
) -> Option<FittedItems> {
    let width = paper.width();
    Some(match block {
        Block::Table(table) => {
            let typeset = TypesetTable::new(paper.fonts, table, language, width);
            if !typeset.is_full_size() {
                return None;
            }
            let part = typeset.rows_within(room);
            truncated(&mut table.rows, part)
        }
        Block::Chart(chart) => shorten_chart(paper, chart, room),
        Block::Charts(charts) => {
            let row = figure::row_height(paper, charts) + figure::CHARTS_GAP;
            let across = crate::print::across(charts.len()) as usize;
            let rows = ((room + figure::CHARTS_GAP) / row) as usize;
            truncated(charts, rows.max(1) * across)
        }
        Block::Findings(findings) => {
            let heights = findings
                .iter()
                .map(|finding| TypesetFinding::new(paper, finding, language, width).height());
            let part = within(heights, room);
            truncated(findings, part)
        }
        Block::Facts(list) => {
            let rows = (room / facts::height(&list[..1])) as usize;
            let part = rows.max(1) * facts::across(list);
            truncated(list, part)
        }
        Block::Notes(notes) => {
            let heights = notes.iter().map(std::slice::from_ref);
            let heights = heights.map(|note| blocks::notes_height(paper, note));
            let part = within(heights, room);
            truncated(notes, part)
        }
        Block::Text(_) | Block::Prose(_) | Block::Logos(_) => FittedItems { part: 1, all: 1 },
    })
}

fn chart_height(paper: &Paper<'_>, chart: &Chart) -> f32 {
    figure::row_height(paper, std::slice::from_ref(chart))
}

/// Leaves out what does not fit: the compared year, then the smallest bars or rows of a heat map.
fn shorten_chart(paper: &Paper<'_>, chart: &mut Chart, room: f32) -> FittedItems {
    let is_heat = chart.kind == ChartKind::Heat;
    let all = match is_heat {
        true => chart.series.len(),
        false => chart.labels.len(),
    };
    if chart.kind == ChartKind::Bars && chart_height(paper, chart) > room {
        chart.series.truncate(1);
    }
    if matches!(chart.kind, ChartKind::Bars | ChartKind::Heat) && chart_height(paper, chart) > room
    {
        chart.sort_by_size();
    }
    let mut part = all;
    while part > 1 && chart_height(paper, chart) > room {
        part -= 1;
        if is_heat {
            chart.series.truncate(part);
        } else {
            chart.labels.truncate(part);
            for series in &mut chart.series {
                series.values.truncate(part);
            }
        }
    }
    FittedItems { part, all }
}

fn truncated<T>(list: &mut Vec<T>, part: usize) -> FittedItems {
    let all = list.len();
    list.truncate(part.max(1));
    FittedItems {
        part: list.len(),
        all,
    }
}

/// Returns the number of the first items whose heights fit.
pub(super) fn within(heights: impl Iterator<Item = f32>, room: f32) -> usize {
    let mut used = 0.0;
    heights
        .take_while(|height| {
            used += height;
            used <= room
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::super::{Fonts, PdfLayout};
    use super::*;
    use crate::document::{Document, FindingLine, TextRun};

    /// Returns the report of the fixture with imported figures and a comment of this many paragraphs.
    fn commented(id: &str, paragraphs: usize) -> Document {
        let mut document = Document::new(&crate::tests::report_with_sources(), Language::IT);
        let section = document.sections.iter_mut().find(|one| one.id == id);
        let text = "Il commento del centro, che dice in due righe che cosa è accaduto nell’anno e perché. ";
        let paragraph = Paragraph {
            mark: String::new(),
            runs: vec![TextRun {
                text: text.repeat(2),
                is_strong: false,
                link: None,
            }],
        };
        let comment = Block::Prose(vec![paragraph; paragraphs]);
        section.unwrap().blocks.insert(0, comment);
        document
    }

    #[test]
    fn comments_notes_and_sources_are_on_the_slides() {
        for (id, paragraphs, slides) in [
            ("figures-help-desk", 1, 1),
            ("categories", 1, 2),
            ("categories", 20, 5),
        ] {
            let document = commented(id, paragraphs);
            let ids = ids(&document);
            let own = ids.iter().filter(|one| *one == id).count();
            assert_eq!(own, slides, "{id} with {paragraphs} paragraphs: {ids:?}");
        }
        let slides = commented("figures-availability", 1).slides();
        let section = slides
            .sections
            .iter()
            .find(|one| one.id == "figures-availability");
        let blocks = &section.unwrap().blocks[..];
        let [
            Block::Prose(_),
            Block::Table(_),
            Block::Notes(_),
            Block::Text(source),
        ] = blocks
        else {
            panic!("{blocks:?}")
        };
        assert!(source.contains("Licenza"), "{source}");
    }

    /// Returns the id of the section of each slide after the first.
    fn ids(document: &Document) -> Vec<String> {
        let (document, fonts) = (document.slides(), Fonts::new());
        let layout = PdfLayout::of_slides(&document, &fonts).unwrap();
        let ids = layout.positions.iter();
        let ids: Vec<String> = ids.map(|position| position.id.to_string()).collect();
        assert_eq!(layout.paper.sheets.len(), 1 + ids.len(), "{ids:?}");
        ids
    }

    #[test]
    fn a_chapter_has_a_slide_and_an_annex_has_none() {
        let document = Document::new(&crate::tests::report(), Language::EN);
        let ids = ids(&document);
        assert!(ids.iter().any(|id| id == "categories"), "{ids:?}");
        assert_eq!(ids.last().unwrap(), "contact");
        let annexes = document.sections.iter().filter(|one| one.annex.is_some());
        for annex in annexes {
            assert!(!ids.contains(&annex.id.to_string()), "{}", annex.id);
        }
    }

    #[test]
    fn what_does_not_fit_a_slide_is_counted() {
        let mut document = Document::new(&crate::tests::report(), Language::EN);
        let section = &mut document.sections[0];
        let line = FindingLine {
            figure: crate::document::Cell::Count(5),
            sentence: "Twenty words of a sentence that goes on and on. ".repeat(4),
            section: None,
            reference: String::new(),
        };
        section.blocks = vec![Block::Findings(vec![line; 5])];
        let fonts = Fonts::new();
        let paper = Paper::new(
            &fonts,
            document.centre.colours,
            super::super::SheetShape::Slide,
        );
        let slides = fitted(&paper, &document.sections[0], Language::EN);
        let [Block::Findings(findings), Block::Text(rest)] = &slides[0].blocks[..] else {
            panic!("{:?}", slides[0].blocks)
        };
        assert!((2..5).contains(&findings.len()));
        assert!(
            rest.starts_with(&format!("{} of 5 shown", findings.len())),
            "{rest}"
        );
    }
}
