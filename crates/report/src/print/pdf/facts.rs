//! Lays out findings and main figures.

use affluenza_words::Language;
use krilla::tagging::{ListNumbering, Tag};

use super::blocks::{self, body, style};
use super::font::{Style, StyledLine, Weight};
use super::paper::{Branch, INK, Mark, Paper, RULE, SOFT};
use crate::document::{FindingLine, MainFigure};

/// Width of the figures of findings, in points.
const FIGURE_WIDTH: f32 = 92.0;
/// Space above and below a finding.
const FINDING_GAP: f32 = 5.0;

/// A finding whose texts are broken into lines.
pub(super) struct TypesetFinding<'b> {
    figure: Vec<StyledLine>,
    sentence: Vec<StyledLine>,
    reference: Vec<StyledLine>,
    finding: &'b FindingLine,
}

impl<'b> TypesetFinding<'b> {
    pub fn new(
        paper: &Paper<'_>,
        finding: &'b FindingLine,
        language: Language,
        width: f32,
    ) -> Self {
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

    pub fn height(&self) -> f32 {
        let [figure, sentence, reference] =
            [&self.figure, &self.sentence, &self.reference].map(|lines| blocks::height(lines));
        figure.max(sentence + reference) + 2.0 * FINDING_GAP
    }
}

pub(super) fn findings(paper: &mut Paper<'_>, findings: Vec<TypesetFinding<'_>>) -> Branch {
    let mut list = Branch::new(Tag::L(ListNumbering::None));
    let width = paper.width();
    for finding in findings {
        let height = finding.height();
        paper.need(height);
        let top = paper.y;
        paper.decorate(Mark::Stroke {
            points: vec![(paper.left(), top), (paper.left() + width, top)],
            width: 0.6,
            colour: RULE,
        });
        let mut item = Branch::new(Tag::LI);
        paper.y = top + FINDING_GAP - 3.0;
        let figure = paper.lines(paper.left(), finding.figure);
        item.push(Branch::of(Tag::Lbl, figure));
        paper.y = top + FINDING_GAP;
        let x = paper.left() + FIGURE_WIDTH;
        let sentence = paper.lines(x, finding.sentence);
        let mut text = Branch::new(Tag::LBody);
        text.push(Branch::of(Tag::P, sentence));
        if let Some(section) = &finding.finding.section {
            let from = paper.y;
            let mut leaves = paper.lines(x, finding.reference);
            let place = [x, from, paper.left() + width, paper.y];
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
/// Space between columns of main figures.
const FACTS_GAP: f32 = 18.0;

/// Returns the number of columns of main figures: four are in one row.
pub(super) fn across(facts: &[MainFigure]) -> usize {
    if facts.len() == 4 { 4 } else { 3 }
}

pub(super) fn height(facts: &[MainFigure]) -> f32 {
    facts.len().div_ceil(across(facts)) as f32 * FACT_HEIGHT
}

pub(super) fn facts(paper: &mut Paper<'_>, facts: &[MainFigure], language: Language) -> Branch {
    let across = across(facts);
    let width = (paper.width() + FACTS_GAP) / across as f32 - FACTS_GAP;
    let mut list = Branch::new(Tag::L(ListNumbering::None));
    for row in facts.chunks(across) {
        paper.need(FACT_HEIGHT);
        let top = paper.y;
        let mut bottom = top;
        for (place, fact) in row.iter().enumerate() {
            let x = paper.left() + place as f32 * (width + FACTS_GAP);
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
