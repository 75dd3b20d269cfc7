//! The slide edition: a slide for each chapter.

use super::sources::is_imported;
use super::{Block, Document, Section};

/// Sections that have no slide: the short report's pointer to further tables, and the contact, which the
/// last slide has.
const LEFT_OUT: [&str; 2] = ["brief-rest", "contact"];

impl Document {
    /// Returns the document of the slide edition. Each section has the content of one slide: a list, a
    /// chart, or a table where the chapter has no chart. The comment on a chapter is above its first list
    /// or chart, notes and source of imported figures are below. Annexes are left out.
    pub(crate) fn slides(&self) -> Self {
        let mut slides = self.printed().into_owned();
        let chapters = std::mem::take(&mut slides.sections);
        let is_shown =
            |section: &Section| section.annex.is_none() && !LEFT_OUT.contains(&&*section.id);
        for section in chapters.into_iter().filter(is_shown) {
            for blocks in contents(&section) {
                slides.sections.push(Section {
                    blocks,
                    ..section.clone()
                });
            }
        }
        slides.sections.push(self.last_slide());
        slides
    }

    /// Returns the slide with the contact of the centre.
    fn last_slide(&self) -> Section {
        let more = Block::Text(self.language.say("slide-last", &[]));
        let contact = self.sections.iter().find(|one| one.id == "contact");
        let mut last = contact.cloned().unwrap_or_else(|| Section {
            id: "contact".into(),
            title: self.language.say("contact", &[]),
            statement: None,
            annex: None,
            blocks: Vec::new(),
        });
        last.blocks.push(more);
        last
    }
}

/// True for a block that stands alone on a slide if nothing is drawn.
fn is_other(block: &&Block) -> bool {
    match block {
        Block::Table(table) => !table.matrix,
        Block::Notes(_) => true,
        _ => false,
    }
}

fn is_text(block: &&Block) -> bool {
    matches!(block, Block::Text(_))
}

fn is_comment(block: &Block) -> bool {
    matches!(block, Block::Prose(_))
}

/// Returns the blocks of each slide of a chapter.
fn contents(section: &Section) -> Vec<Vec<Block>> {
    let blocks = section.blocks.iter().cloned();
    let (comments, blocks): (Vec<Block>, Vec<Block>) = blocks.partition(is_comment);
    let mut slides = match is_imported(&section.id) {
        true => imported(&blocks),
        false => drawn(&blocks),
    };
    slides.retain(|blocks| !blocks.is_empty());
    let mut comments = comments.into_iter();
    if let (Some(Block::Prose(_)), Some(first)) = (section.blocks.first(), slides.first_mut()) {
        first.splice(0..0, comments.next());
    }
    // The introduction of the report is the last block of its section.
    slides.extend(comments.map(|comment| vec![comment]));
    slides
}

/// Returns the slide of imported figures, with all that explains them.
fn imported(blocks: &[Block]) -> Vec<Vec<Block>> {
    let figure = blocks.iter().find(is_figure);
    let explained = blocks.iter().filter(|block| !is_figure(block));
    vec![figure.into_iter().chain(explained).cloned().collect()]
}

fn is_figure(block: &&Block) -> bool {
    matches!(block, Block::Chart(_) | Block::Table(_))
}

/// Returns the blocks of each slide of a chapter of events.
fn drawn(blocks: &[Block]) -> Vec<Vec<Block>> {
    let drawn = blocks.iter().filter(|block| {
        matches!(
            block,
            Block::Findings(_) | Block::Facts(_) | Block::Chart(_) | Block::Charts(_)
        )
    });
    let mut slides: Vec<Vec<Block>> = drawn.map(|block| vec![block.clone()]).collect();
    if slides.is_empty() {
        let other = blocks.iter().find(is_other).cloned();
        slides.push(other.into_iter().collect());
    }
    match &slides[..] {
        // Texts explain figures, and tell why there are no others.
        [one] if matches!(one[..], [] | [Block::Facts(_)]) => {
            let shown = blocks.iter();
            let shown = shown.filter(|block| is_text(block) || one.contains(block));
            slides[0] = shown.cloned().collect();
        }
        [one] if !matches!(one[..], [Block::Chart(_) | Block::Charts(_)]) => {
            let text = blocks.first().filter(is_text).cloned();
            slides[0].splice(0..0, text);
        }
        _ => {}
    }
    for block in slides.iter_mut().flatten() {
        if let Block::Findings(findings) = block {
            // The tables of the findings are in the report.
            for finding in findings {
                finding.section = None;
                finding.reference.clear();
            }
        }
    }
    slides
}
