//! Sheets of paper: their content, and the position of the next block.

use std::sync::Arc;

use krilla::geom::Rect;
use krilla::tagging::{BBox, TagKind};

use super::font::{Fonts, StyledLine};
use crate::face::{Logo, ReportColours};

/// Sides of an A4 sheet, in points.
const LONG: f32 = 841.89;
const SHORT: f32 = 595.28;
/// Sides of a slide, in points. Slides are laid out in the sizes of letters for paper, on a sheet that
/// is smaller by the scale.
const SLIDE: (f32, f32) = (960.0, 540.0);
const SLIDE_SCALE: f32 = 1.8;

/// Shape of a sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SheetShape {
    /// A4.
    Upright,
    /// A4, turned.
    Wide,
    /// Slide of 16:9.
    Slide,
}

impl SheetShape {
    /// Returns width and height in units of the layout.
    pub fn size(self) -> (f32, f32) {
        match self {
            Self::Upright => (SHORT, LONG),
            Self::Wide => (LONG, SHORT),
            Self::Slide => (SLIDE.0 / SLIDE_SCALE, SLIDE.1 / SLIDE_SCALE),
        }
    }

    /// Returns the points for a unit of the layout.
    pub fn scale(self) -> f32 {
        match self {
            Self::Slide => SLIDE_SCALE,
            _ => 1.0,
        }
    }

    /// Returns the height of the foot above the lower edge.
    pub fn foot(self) -> f32 {
        match self {
            Self::Slide => 16.0,
            _ => 30.0,
        }
    }

    /// Returns the margins at the side, at the top and at the bottom.
    fn margins(self) -> [f32; 3] {
        match self {
            Self::Slide => [30.0, 26.0, 34.0],
            _ => [45.0, 51.0, 57.0],
        }
    }
}

pub(super) const INK: [u8; 3] = [31, 41, 51];
pub(super) const SOFT: [u8; 3] = [82, 96, 109];
pub(super) const RULE: [u8; 3] = [197, 204, 211];
pub(super) const FAINT: [u8; 3] = [228, 232, 236];

/// A drawn element. Coordinates are in points from the top left corner of the sheet.
#[derive(Debug, Clone)]
pub(super) enum Mark {
    /// A line of text, from the left end of its baseline.
    Text { x: f32, y: f32, line: StyledLine },
    /// A line of text that goes upwards from the beginning of its baseline.
    Upright { x: f32, y: f32, line: StyledLine },
    /// A filled rectangle.
    Box {
        x: f32,
        y: f32,
        width: f32,
        height: f32,
        colour: [u8; 3],
    },
    /// A stroke through points.
    Stroke {
        points: Vec<(f32, f32)>,
        width: f32,
        colour: [u8; 3],
    },
    /// A circle: filled, or an outline of this width.
    Circle {
        x: f32,
        y: f32,
        radius: f32,
        line: Option<f32>,
        colour: [u8; 3],
    },
    /// A filled shape.
    Shape {
        points: Vec<(f32, f32)>,
        colour: [u8; 3],
    },
    /// A logo: left, top, width and height.
    Logo { place: [f32; 4], logo: Arc<Logo> },
}

/// Number of a piece of content in the structure.
pub(super) type Leaf = usize;

/// Marks that are drawn together, with their role for screen readers.
#[derive(Debug)]
pub(super) struct Piece {
    pub role: PieceRole,
    pub marks: Vec<Mark>,
}

/// Role of a piece.
#[derive(Debug)]
pub(super) enum PieceRole {
    /// Decoration that is not read: rules, repeated headings.
    Decoration,
    /// Foot of a page.
    Footer,
    /// Part of the structure.
    Content(Leaf),
    /// Part of the structure, abbreviated; with the full text.
    Short(Leaf, String),
}

/// A link to a section.
#[derive(Debug)]
pub(super) struct Link {
    pub leaf: Leaf,
    /// Left, top, right and bottom edge, in points.
    pub place: [f32; 4],
    /// Id of the section.
    pub section: String,
    pub text: String,
}

/// One side of a sheet.
#[derive(Debug)]
pub(super) struct Sheet {
    pub shape: SheetShape,
    pub pieces: Vec<Piece>,
    pub links: Vec<Link>,
}

impl Sheet {
    fn new(shape: SheetShape) -> Self {
        Self {
            shape,
            pieces: Vec::new(),
            links: Vec::new(),
        }
    }
}

/// An element of the document's structure, such as a heading, a table or a cell.
#[derive(Debug)]
pub(super) enum Twig {
    Branch(Branch),
    Leaf(Leaf),
}

/// A branch of the structure.
#[derive(Debug)]
pub(super) struct Branch {
    pub tag: TagKind,
    pub twigs: Vec<Twig>,
}

impl Branch {
    pub fn new(tag: impl Into<TagKind>) -> Self {
        Self {
            tag: tag.into(),
            twigs: Vec::new(),
        }
    }

    /// Creates a branch with pieces of content.
    pub fn of(tag: impl Into<TagKind>, leaves: impl IntoIterator<Item = Leaf>) -> Self {
        Self {
            tag: tag.into(),
            twigs: leaves.into_iter().map(Twig::Leaf).collect(),
        }
    }

    pub fn push(&mut self, branch: Self) {
        self.twigs.push(Twig::Branch(branch));
    }
}

/// Sheets that are filled from top to bottom.
pub(super) struct Paper<'f> {
    pub fonts: &'f Fonts,
    pub colours: ReportColours,
    /// True for the smaller headings and gaps of a short report.
    pub is_compact: bool,
    pub sheets: Vec<Sheet>,
    /// Vertical position of the next block.
    pub y: f32,
    pub leaves: usize,
}

impl<'f> Paper<'f> {
    pub fn new(fonts: &'f Fonts, colours: ReportColours, shape: SheetShape) -> Self {
        Self {
            fonts,
            colours,
            is_compact: false,
            sheets: vec![Sheet::new(shape)],
            y: shape.margins()[1],
            leaves: 0,
        }
    }

    /// Returns the colour of headings and main figures.
    pub fn accent(&self) -> [u8; 3] {
        self.colours.accent.0
    }

    pub fn sheet(&mut self) -> &mut Sheet {
        self.sheets.last_mut().expect("there is one from the start")
    }

    /// Returns the shape of the current sheet.
    pub fn shape(&self) -> SheetShape {
        self.sheets
            .last()
            .expect("there is one from the start")
            .shape
    }

    /// Returns the left margin.
    pub fn left(&self) -> f32 {
        self.shape().margins()[0]
    }

    /// Returns the width between the margins.
    pub fn width(&self) -> f32 {
        self.shape().size().0 - 2.0 * self.left()
    }

    /// Returns the height left on the sheet.
    pub fn room(&self) -> f32 {
        let [_, _, bottom] = self.shape().margins();
        self.shape().size().1 - bottom - self.y
    }

    /// Returns the height of an empty sheet like the current one.
    pub fn full_room(&self) -> f32 {
        let [_, top, bottom] = self.shape().margins();
        self.shape().size().1 - bottom - top
    }

    fn is_at_top(&self) -> bool {
        self.y <= self.shape().margins()[1]
    }

    pub fn turn(&mut self, shape: SheetShape) {
        self.sheets.push(Sheet::new(shape));
        self.y = shape.margins()[1];
    }

    /// Starts a new sheet if the current one has less room than this. A block higher than a sheet
    /// needs an empty sheet only.
    pub fn need(&mut self, height: f32) {
        if self.room() < height.min(self.full_room()) {
            self.turn(self.shape());
        }
    }

    /// Adds space between two blocks, unless the second is at the top of a sheet.
    pub fn gap(&mut self, height: f32) {
        if !self.is_at_top() {
            self.y += height;
        }
    }

    pub fn leaf(&mut self) -> Leaf {
        self.leaves += 1;
        self.leaves - 1
    }

    pub fn draw(&mut self, role: PieceRole, marks: Vec<Mark>) {
        self.sheet().pieces.push(Piece { role, marks });
    }

    /// Draws a piece of content.
    pub fn content(&mut self, marks: Vec<Mark>) -> Leaf {
        let leaf = self.leaf();
        self.draw(PieceRole::Content(leaf), marks);
        leaf
    }

    /// Returns the place of a figure on the current sheet, in points.
    pub fn bounds(&self, place: [f32; 4]) -> Option<BBox> {
        let scale = self.shape().scale();
        let [x, y, width, height] = place.map(|length| length * scale);
        let sheet = self.sheets.len() - 1;
        Rect::from_xywh(x, y, width, height).map(|place| BBox::new(sheet, place))
    }

    /// Adds a link to a section over a place of the current sheet.
    pub fn link(&mut self, section: &str, place: [f32; 4], text: &str) -> Leaf {
        let leaf = self.leaf();
        let scale = self.shape().scale();
        let place = place.map(|length| length * scale);
        self.sheet().links.push(Link {
            leaf,
            place,
            section: section.to_owned(),
            text: text.to_owned(),
        });
        leaf
    }

    pub fn decorate(&mut self, mark: Mark) {
        self.draw(PieceRole::Decoration, vec![mark]);
    }

    /// Draws lines one below another, over as many sheets as needed. Returns a piece of content for
    /// each sheet.
    pub fn lines(&mut self, x: f32, lines: Vec<StyledLine>) -> Vec<Leaf> {
        let mut leaves = Vec::new();
        let mut marks = Vec::new();
        for line in lines {
            let height = line.style.line_height();
            if self.room() < height {
                if !marks.is_empty() {
                    leaves.push(self.content(std::mem::take(&mut marks)));
                }
                self.need(height);
            }
            let y = self.y + line.style.baseline();
            marks.push(Mark::Text { x, y, line });
            self.y += height;
        }
        leaves.push(self.content(marks));
        leaves
    }
}
