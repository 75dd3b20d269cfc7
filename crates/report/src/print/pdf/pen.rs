//! Draws charts into the PDF: a backend of the library that also draws them as SVG.

use std::convert::Infallible;

use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    FontTransform,
};

use super::font::{Fonts, Style, StyledLine, Weight};
use super::paper::Mark;

/// Divisor that the SVG backend of the library applies to font sizes.
const SIZE_RATIO: f64 = 1.24;

/// A drawing area for a chart, and its marks.
pub(super) struct Pen<'p> {
    pub fonts: &'p Fonts,
    /// Size in units of the chart.
    pub size: (u32, u32),
    /// Points of paper per unit of the chart.
    pub scale: f32,
    /// Upper left corner on paper.
    pub from: (f32, f32),
    pub marks: &'p mut Vec<Mark>,
}

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

fn colour(colour: BackendColor) -> Option<[u8; 3]> {
    let (red, green, blue) = colour.rgb;
    (colour.alpha > 0.0).then_some([red, green, blue])
}

impl Pen<'_> {
    fn at(&self, (x, y): BackendCoord) -> (f32, f32) {
        (
            self.from.0 + x as f32 * self.scale,
            self.from.1 + y as f32 * self.scale,
        )
    }

    fn set<T: BackendTextStyle>(&self, text: &str, style: &T, colour: [u8; 3]) -> StyledLine {
        let style = Style {
            weight: Weight::Regular,
            size: (style.size() / SIZE_RATIO) as f32 * self.scale,
            leading: 1.0,
            colour,
        };
        self.fonts.line(text, style)
    }

    fn stroke<S: BackendStyle>(&mut self, points: Vec<(f32, f32)>, style: &S) {
        if let Some(colour) = colour(style.color()) {
            self.marks.push(Mark::Stroke {
                points,
                width: style.stroke_width() as f32 * self.scale,
                colour,
            });
        }
    }
}

impl DrawingBackend for Pen<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, point: BackendCoord, color: BackendColor) -> Drawn {
        self.draw_rect(point, (point.0 + 1, point.1 + 1), &color, true)
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Drawn {
        let points = vec![self.at(from), self.at(to)];
        self.stroke(points, style);
        Ok(())
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        upper_left: BackendCoord,
        bottom_right: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        let ((left, top), (right, bottom)) = (self.at(upper_left), self.at(bottom_right));
        if !fill {
            let corners = [(left, top), (right, top), (right, bottom), (left, bottom)];
            self.stroke([&corners[..], &corners[..1]].concat(), style);
        } else if let Some(colour) = colour(style.color()) {
            self.marks.push(Mark::Box {
                x: left.min(right),
                y: top.min(bottom),
                width: (right - left).abs(),
                height: (bottom - top).abs(),
                colour,
            });
        }
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        let points = path.into_iter().map(|point| self.at(point)).collect();
        self.stroke(points, style);
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        center: BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Drawn {
        let ((x, y), radius) = (self.at(center), radius as f32 * self.scale);
        let line = (!fill).then(|| style.stroke_width() as f32 * self.scale);
        if let Some(colour) = colour(style.color()) {
            self.marks.push(Mark::Circle {
                x,
                y,
                radius,
                line,
                colour,
            });
        }
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        vert: I,
        style: &S,
    ) -> Drawn {
        let points = vert.into_iter().map(|point| self.at(point)).collect();
        if let Some(colour) = colour(style.color()) {
            self.marks.push(Mark::Shape { points, colour });
        }
        Ok(())
    }

    fn draw_text<T: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &T,
        pos: BackendCoord,
    ) -> Drawn {
        let Some(colour) = colour(style.color()) else {
            return Ok(());
        };
        let line = self.set(text, style, colour);
        let (x, y) = self.at(pos);
        if let FontTransform::Rotate270 = style.transform() {
            let x = x + line.style.capitals() / 2.0;
            self.marks.push(Mark::Upright { x, y, line });
            return Ok(());
        }
        let x = match style.anchor().h_pos {
            HPos::Left => x,
            HPos::Center => x - line.width / 2.0,
            HPos::Right => x - line.width,
        };
        let height = line.style.capitals();
        let y = match style.anchor().v_pos {
            VPos::Top => y + height,
            VPos::Center => y + height / 2.0,
            VPos::Bottom => y,
        };
        self.marks.push(Mark::Text { x, y, line });
        Ok(())
    }

    fn estimate_text_size<T: BackendTextStyle>(
        &self,
        text: &str,
        style: &T,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        let line = self.set(text, style, [0; 3]);
        let [width, height] =
            [line.width, line.style.size].map(|length| (length / self.scale).ceil() as u32);
        Ok((width, height))
    }
}
