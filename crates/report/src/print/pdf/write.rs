//! Writes sheets and structure as the bytes of the file.

use std::borrow::Cow;

use crate::document::Document;
use krilla::annotation::{Annotation, LinkAnnotation, Target};
use krilla::color::rgb;
use krilla::configure::{Accessibility, Archival, ConfigurationBuilder};
use krilla::destination::{Destination, XyzDestination};
use krilla::error::KrillaError;
use krilla::geom::{Path, PathBuilder, Point, Rect, Transform};
use krilla::metadata::{DateTime, Metadata};
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::paint::{Fill, Stroke};
use krilla::surface::Surface;
use krilla::tagging::{
    Artifact, ArtifactType, ContentTag, Identifier, Node, SpanTag, TagGroup, TagTree,
};
use krilla::{Document as File, SerializeSettings};

use super::font::{Fonts, StyledLine};
use super::logo;
use super::paper::{Branch, Link, Mark, Paper, PieceRole, Sheet, Twig};

/// Distance of a circle's Bézier handles from the points on the circle, as a part of the radius.
const HANDLE: f32 = 0.552_284_8;

/// Position at which a section begins, in points.
pub(super) struct SectionPosition {
    pub id: Cow<'static, str>,
    pub title: String,
    pub sheet: usize,
    pub y: f32,
}

impl SectionPosition {
    fn destination(&self) -> XyzDestination {
        XyzDestination::new(self.sheet, Point::from_xy(0.0, (self.y - 12.0).max(0.0)))
    }
}

/// Writes the file. The library checks PDF/UA-1 and PDF/A-2a, and refuses the violations that it can
/// detect.
pub(super) fn write(
    document: &Document,
    paper: &Paper<'_>,
    structure: Vec<Branch>,
    places: &[SectionPosition],
) -> Result<Vec<u8>, KrillaError> {
    let standard = ConfigurationBuilder::new()
        .with_accessibility_validator(Accessibility::UA1)
        .with_archival_validator(Archival::A2_A);
    let settings = SerializeSettings {
        configuration: standard.finish().expect("the standards agree"),
        ..SerializeSettings::default()
    };
    let mut file = File::new_with(settings);
    let mut found: Vec<Option<Identifier>> = vec![None; paper.leaves];
    for sheet in &paper.sheets {
        sheet_into(&mut file, sheet, paper.fonts, places, &mut found);
    }
    let language = document.language.as_str();
    let mut tree = TagTree::new().with_lang(Some(language.to_owned()));
    for branch in structure {
        tree.push(group(branch, &found));
    }
    file.set_tag_tree(tree);
    let mut outline = Outline::new();
    for place in places {
        outline.push_child(OutlineNode::new(place.title.clone(), place.destination()));
    }
    file.set_outline(outline);
    file.set_metadata(metadata(document));
    file.finish()
}

fn metadata(document: &Document) -> Metadata {
    let day = crate::print::day(document);
    let [month, date] = [day.month(), day.day()].map(|part| u8::try_from(part).unwrap_or(1));
    let made = DateTime::new(u16::try_from(day.year()).unwrap_or(0))
        .month(month)
        .day(date);
    Metadata::new()
        .title(format!("{} · {}", document.title, document.subject))
        .language(document.language.as_str().to_owned())
        .authors(vec![document.centre.mark()])
        .creator("Affluenza".to_owned())
        .creation_date(made)
}

fn sheet_into(
    file: &mut File,
    sheet: &Sheet,
    fonts: &Fonts,
    places: &[SectionPosition],
    found: &mut [Option<Identifier>],
) {
    let (width, height) = sheet.shape.size();
    let scale = sheet.shape.scale();
    let settings =
        PageSettings::from_wh(width * scale, height * scale).expect("a sheet has a size");
    let mut page = file.start_page_with(settings);
    let mut surface = page.surface();
    surface.push_transform(&Transform::from_scale(scale, scale));
    for piece in &sheet.pieces {
        let (tag, leaf) = match &piece.role {
            PieceRole::Decoration => (artifact(ArtifactType::Layout), None),
            PieceRole::Footer => (artifact(ArtifactType::Footer), None),
            PieceRole::Content(leaf) => (ContentTag::Other, Some(*leaf)),
            PieceRole::Short(leaf, full) => (
                ContentTag::Span(SpanTag::empty().with_expanded(Some(full))),
                Some(*leaf),
            ),
        };
        let identifier = surface.start_tagged(tag);
        for mark in &piece.marks {
            draw(&mut surface, mark, fonts);
        }
        surface.end_tagged();
        if let Some(leaf) = leaf {
            found[leaf] = Some(identifier);
        }
    }
    surface.pop();
    surface.finish();
    for link in &sheet.links {
        let target = places.iter().find(|place| place.id == link.section);
        let target = target.expect("links lead to sections of the document");
        found[link.leaf] = Some(page.add_tagged_annotation(annotation(link, target)));
    }
    page.finish();
}

fn annotation(link: &Link, target: &SectionPosition) -> Annotation {
    let [left, top, right, bottom] = link.place;
    let place = Rect::from_ltrb(left, top, right, bottom).expect("what is linked has a size");
    let target = Destination::Xyz(target.destination());
    let link_to = LinkAnnotation::new(place, Target::Destination(target));
    Annotation::new_link(link_to, Some(link.text.clone()))
}

fn artifact(kind: ArtifactType) -> ContentTag<'static> {
    ContentTag::Artifact(Artifact::with_kind(kind))
}

fn group(branch: Branch, found: &[Option<Identifier>]) -> TagGroup {
    TagGroup::with_children(
        branch.tag,
        branch
            .twigs
            .into_iter()
            .filter_map(|twig| match twig {
                Twig::Branch(branch) => Some(Node::Group(group(branch, found))),
                Twig::Leaf(leaf) => found[leaf].map(Node::Leaf),
            })
            .collect(),
    )
}

fn fill([red, green, blue]: [u8; 3]) -> Option<Fill> {
    Some(Fill {
        paint: rgb::Color::new(red, green, blue).into(),
        ..Fill::default()
    })
}

fn stroke([red, green, blue]: [u8; 3], width: f32) -> Option<Stroke> {
    Some(Stroke {
        paint: rgb::Color::new(red, green, blue).into(),
        width,
        ..Stroke::default()
    })
}

fn draw(surface: &mut Surface<'_>, mark: &Mark, fonts: &Fonts) {
    let (path, filled, stroked) = match mark {
        Mark::Text { line, .. } | Mark::Upright { line, .. } if line.glyphs.is_empty() => return,
        Mark::Text { x, y, line } => return text(surface, (*x, *y), line, fonts),
        Mark::Upright { x, y, line } => {
            surface.push_transform(&Transform::from_row(0.0, -1.0, 1.0, 0.0, *x, *y));
            text(surface, (0.0, 0.0), line, fonts);
            surface.pop();
            return;
        }
        Mark::Box {
            x,
            y,
            width,
            height,
            colour,
        } => {
            let corners = [
                (*x, *y),
                (x + width, *y),
                (x + width, y + height),
                (*x, y + height),
            ];
            (shape(&corners, true), fill(*colour), None)
        }
        Mark::Stroke {
            points,
            width,
            colour,
        } => (shape(points, false), None, stroke(*colour, *width)),
        Mark::Shape { points, colour } => (shape(points, true), fill(*colour), None),
        Mark::Logo { place, logo } => return logo::draw(surface, logo, *place),
        Mark::Circle {
            x,
            y,
            radius,
            line,
            colour,
        } => match line {
            Some(width) => (circle(*x, *y, *radius), None, stroke(*colour, *width)),
            None => (circle(*x, *y, *radius), fill(*colour), None),
        },
    };
    // A path without extent is not visible.
    if let Some(path) = path {
        surface.set_fill(filled);
        surface.set_stroke(stroked);
        surface.draw_path(&path);
    }
}

fn text(surface: &mut Surface<'_>, (x, y): (f32, f32), line: &StyledLine, fonts: &Fonts) {
    surface.set_stroke(None);
    surface.set_fill(fill(line.style.colour));
    let font = fonts.font(line.style.weight);
    let size = line.style.size;
    let from = Point::from_xy(x, y);
    surface.draw_glyphs(from, &line.glyphs, font, &line.text, size, false);
}

fn shape(points: &[(f32, f32)], closed: bool) -> Option<Path> {
    let mut path = PathBuilder::new();
    for (place, (x, y)) in points.iter().enumerate() {
        match place {
            0 => path.move_to(*x, *y),
            _ => path.line_to(*x, *y),
        }
    }
    if closed {
        path.close();
    }
    path.finish()
}

fn circle(x: f32, y: f32, radius: f32) -> Option<Path> {
    let far = radius * HANDLE;
    let mut path = PathBuilder::new();
    path.move_to(x + radius, y);
    path.cubic_to(x + radius, y + far, x + far, y + radius, x, y + radius);
    path.cubic_to(x - far, y + radius, x - radius, y + far, x - radius, y);
    path.cubic_to(x - radius, y - far, x - far, y - radius, x, y - radius);
    path.cubic_to(x + far, y - radius, x + radius, y - far, x + radius, y);
    path.close();
    path.finish()
}
