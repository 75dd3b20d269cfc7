//! Draws logos: the pixels of a PNG, the shapes of an SVG.

use krilla::Data;
use krilla::color::rgb;
use krilla::geom::{Path, PathBuilder, Size, Transform};
use krilla::image::Image;
use krilla::num::NormalizedF32;
use krilla::paint::{
    Fill, FillRule, LineCap, LineJoin, LinearGradient, Paint, RadialGradient, SpreadMethod, Stop,
    Stroke, StrokeDash,
};
use krilla::surface::Surface;
use usvg::tiny_skia_path::PathSegment;

use crate::face::{Logo, LogoForm};

/// Draws a logo into a place: left, top, width and height.
pub(super) fn draw(surface: &mut Surface<'_>, logo: &Logo, [x, y, width, height]: [f32; 4]) {
    surface.push_transform(&Transform::from_translate(x, y));
    match logo.form() {
        LogoForm::Png { .. } => {
            let image = Image::from_png(Data::from(logo.bytes().to_vec()), false);
            // The file was decoded when it was read.
            if let (Ok(image), Some(size)) = (image, Size::from_wh(width, height)) {
                surface.draw_image(image, size);
            }
        }
        LogoForm::Svg(tree) => {
            let size = tree.size();
            let scale = Transform::from_scale(width / size.width(), height / size.height());
            surface.push_transform(&scale);
            group(surface, tree.root());
            surface.pop();
        }
    }
    surface.pop();
}

fn transform(of: usvg::Transform) -> Transform {
    Transform::from_row(of.sx, of.ky, of.kx, of.sy, of.tx, of.ty)
}

fn share(of: usvg::NormalizedF32) -> NormalizedF32 {
    NormalizedF32::new(of.get()).unwrap_or(NormalizedF32::ONE)
}

fn group(surface: &mut Surface<'_>, of: &usvg::Group) {
    let mut pushed = 1;
    surface.push_transform(&transform(of.transform()));
    let mut clip = of.clip_path();
    while let Some(shape) = clip {
        let mut builder = PathBuilder::new();
        outline(&mut builder, shape.root(), shape.transform());
        if let Some(path) = builder.finish() {
            surface.push_clip_path(&path, &FillRule::NonZero);
            pushed += 1;
        }
        clip = shape.clip_path();
    }
    if of.opacity().get() < 1.0 {
        surface.push_opacity(share(of.opacity()));
        pushed += 1;
    }
    for node in of.children() {
        match node {
            usvg::Node::Group(inner) => group(surface, inner),
            usvg::Node::Path(path) if path.is_visible() => shape(surface, path),
            // Files with texts and images are refused.
            _ => {}
        }
    }
    for _ in 0..pushed {
        surface.pop();
    }
}

/// Adds all shapes of a group to one path.
fn outline(to: &mut PathBuilder, of: &usvg::Group, within: usvg::Transform) {
    let within = within.pre_concat(of.transform());
    for node in of.children() {
        match node {
            usvg::Node::Group(inner) => outline(to, inner, within),
            usvg::Node::Path(path) => {
                if let Some(path) = path.data().clone().transform(within) {
                    segments(to, &path);
                }
            }
            _ => {}
        }
    }
}

fn segments(to: &mut PathBuilder, path: &usvg::tiny_skia_path::Path) {
    for segment in path.segments() {
        match segment {
            PathSegment::MoveTo(at) => to.move_to(at.x, at.y),
            PathSegment::LineTo(at) => to.line_to(at.x, at.y),
            PathSegment::QuadTo(a, at) => to.quad_to(a.x, a.y, at.x, at.y),
            PathSegment::CubicTo(a, b, at) => to.cubic_to(a.x, a.y, b.x, b.y, at.x, at.y),
            PathSegment::Close => to.close(),
        }
    }
}

fn shape(surface: &mut Surface<'_>, of: &usvg::Path) {
    let mut builder = PathBuilder::new();
    segments(&mut builder, of.data());
    let Some(path) = builder.finish() else {
        return;
    };
    let fill = of.fill().and_then(|fill| {
        Some(Fill {
            paint: paint(fill.paint())?,
            opacity: share(fill.opacity()),
            rule: match fill.rule() {
                usvg::FillRule::NonZero => FillRule::NonZero,
                usvg::FillRule::EvenOdd => FillRule::EvenOdd,
            },
        })
    });
    let stroke = of.stroke().and_then(stroke);
    let both = match of.paint_order() {
        usvg::PaintOrder::FillAndStroke => [(fill, None), (None, stroke)],
        usvg::PaintOrder::StrokeAndFill => [(None, stroke), (fill, None)],
    };
    for (fill, stroke) in both {
        if fill.is_some() || stroke.is_some() {
            draw_path(surface, &path, fill, stroke);
        }
    }
}

fn draw_path(surface: &mut Surface<'_>, path: &Path, fill: Option<Fill>, stroke: Option<Stroke>) {
    surface.set_fill(fill);
    surface.set_stroke(stroke);
    surface.draw_path(path);
}

fn stroke(of: &usvg::Stroke) -> Option<Stroke> {
    Some(Stroke {
        paint: paint(of.paint())?,
        width: of.width().get(),
        miter_limit: of.miterlimit().get(),
        line_cap: match of.linecap() {
            usvg::LineCap::Butt => LineCap::Butt,
            usvg::LineCap::Round => LineCap::Round,
            usvg::LineCap::Square => LineCap::Square,
        },
        line_join: match of.linejoin() {
            usvg::LineJoin::Miter | usvg::LineJoin::MiterClip => LineJoin::Miter,
            usvg::LineJoin::Round => LineJoin::Round,
            usvg::LineJoin::Bevel => LineJoin::Bevel,
        },
        opacity: share(of.opacity()),
        dash: of.dasharray().map(|array| StrokeDash {
            array: array.to_vec(),
            offset: of.dashoffset(),
        }),
    })
}

fn paint(of: &usvg::Paint) -> Option<Paint> {
    Some(match of {
        usvg::Paint::Color(colour) => self::colour(*colour).into(),
        usvg::Paint::LinearGradient(gradient) => LinearGradient {
            x1: gradient.x1(),
            y1: gradient.y1(),
            x2: gradient.x2(),
            y2: gradient.y2(),
            transform: transform(gradient.transform()),
            spread_method: spread(gradient.spread_method()),
            stops: stops(gradient.stops()),
            anti_alias: false,
        }
        .into(),
        usvg::Paint::RadialGradient(gradient) => RadialGradient {
            fx: gradient.fx(),
            fy: gradient.fy(),
            fr: gradient.fr().get(),
            cx: gradient.cx(),
            cy: gradient.cy(),
            cr: gradient.r().get(),
            transform: transform(gradient.transform()),
            spread_method: spread(gradient.spread_method()),
            stops: stops(gradient.stops()),
            anti_alias: false,
        }
        .into(),
        // Files with patterns are refused.
        usvg::Paint::Pattern(_) => return None,
    })
}

fn colour(of: usvg::Color) -> rgb::Color {
    rgb::Color::new(of.red, of.green, of.blue)
}

fn spread(of: usvg::SpreadMethod) -> SpreadMethod {
    match of {
        usvg::SpreadMethod::Pad => SpreadMethod::Pad,
        usvg::SpreadMethod::Reflect => SpreadMethod::Reflect,
        usvg::SpreadMethod::Repeat => SpreadMethod::Repeat,
    }
}

fn stops(of: &[usvg::Stop]) -> Vec<Stop> {
    let stops = of.iter().map(|stop| Stop {
        offset: share(stop.offset()),
        color: colour(stop.color()).into(),
        opacity: share(stop.opacity()),
    });
    stops.collect()
}
