//! Styles of cells and numbers.

use maud::{Markup, html as xml};

use crate::face::Colour;
use crate::print::book::{BookCell, BookValue, CellRole, NumberForm};

/// Styles of cells and numbers, by the order of their first use.
#[derive(Default)]
pub(super) struct Styles {
    pub cells: Vec<CellStyle>,
    pub numbers: Vec<NumberForm>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct CellStyle {
    role: CellRole,
    right: bool,
    is_wrapped: bool,
    number: Option<usize>,
}

impl Styles {
    /// Returns the number of the style of a cell.
    pub fn of(&mut self, cell: &BookCell) -> usize {
        let number = match &cell.value {
            BookValue::Number(_, form) | BookValue::Sum(_, _, form) => {
                Some(place_of(&mut self.numbers, form.clone()))
            }
            _ => None,
        };
        let style = CellStyle {
            role: cell.role,
            right: cell.right,
            is_wrapped: !cell.right || cell.role == CellRole::Head,
            number,
        };
        place_of(&mut self.cells, style)
    }
}

/// Returns the place of an element, which is added if it is new.
fn place_of<T: PartialEq>(list: &mut Vec<T>, element: T) -> usize {
    let found = list.iter().position(|known| *known == element);
    found.unwrap_or_else(|| {
        list.push(element);
        list.len() - 1
    })
}

pub(super) fn cell_style(place: usize, style: CellStyle, accent: Colour) -> Markup {
    let number = style.number.map(|number| format!("nu{number}"));
    let (bottom, top) = match style.role {
        CellRole::Head => (Some(format!("1.5pt solid {accent}")), None),
        CellRole::Total => (None, Some("0.75pt solid #c5ccd3")),
        _ => (None, None),
    };
    let weight = matches!(
        style.role,
        CellRole::Title | CellRole::Head | CellRole::Total
    );
    let colour = match style.role {
        CellRole::Title => Some(accent.to_string()),
        CellRole::Caption => Some("#52606d".to_owned()),
        _ => None,
    };
    xml! {
        style:style style:name={ "ce" (place) } style:family="table-cell" style:data-style-name=[number] {
            style:table-cell-properties fo:wrap-option=[style.is_wrapped.then_some("wrap")] style:vertical-align=(if style.role == CellRole::Head { "bottom" } else { "top" }) style:text-align-source="fix" fo:border-bottom=[bottom] fo:border-top=[top] {}
            style:paragraph-properties fo:text-align=(if style.right { "end" } else { "start" }) {}
            style:text-properties fo:font-weight=[weight.then_some("bold")] fo:font-size=[(style.role == CellRole::Title).then_some("16pt")] fo:color=[colour] {}
        }
    }
}

/// Returns the style of a number, and of the numbers that it shows otherwise. A number with a style
/// by condition is shown without its own sign, so each sign is a text.
pub(super) fn number_styles(place: usize, form: &NumberForm) -> Markup {
    let name = format!("nu{place}");
    if !form.has_plus && !form.has_dash_for_zero {
        return number_style(&name, form, "", &xml! {});
    }
    let [positive, negative] = ["P", "N"].map(|end| format!("{name}{end}"));
    let maps = xml! {
        style:map style:condition="value()>0" style:apply-style-name=(positive) {}
        style:map style:condition="value()<0" style:apply-style-name=(negative) {}
    };
    xml! {
        (number_style(&positive, form, if form.has_plus { "+" } else { "" }, &xml! {}))
        (number_style(&negative, form, "-", &xml! {}))
        @if form.has_dash_for_zero {
            number:number-style style:name=(name) { number:text { "–" } (maps) }
        } @else {
            (number_style(&name, form, "", &maps))
        }
    }
}

fn number_style(name: &str, form: &NumberForm, sign: &str, maps: &Markup) -> Markup {
    let unit = if form.is_percent { "%" } else { &form.unit };
    let parts = xml! {
        @if !sign.is_empty() { number:text { (sign) } }
        number:number number:decimal-places=(form.decimals) number:min-decimal-places=(form.decimals) number:min-integer-digits="1" number:grouping=[form.is_grouped.then_some("true")] {}
        @if !unit.is_empty() { number:text { (unit) } }
        (maps)
    };
    xml! {
        @if form.is_percent {
            number:percentage-style style:name=(name) { (parts) }
        } @else {
            number:number-style style:name=(name) { (parts) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negative_numbers_have_their_sign() {
        for (has_plus, has_dash_for_zero) in [(true, false), (false, true), (true, true)] {
            let form = NumberForm {
                decimals: 1,
                is_grouped: true,
                is_percent: true,
                has_plus,
                has_dash_for_zero,
                unit: String::new(),
            };
            let styles = number_styles(7, &form).into_string();
            let negative =
                "<number:percentage-style style:name=\"nu7N\"><number:text>-</number:text>";
            assert!(styles.contains(negative), "{styles}");
            let map = "style:condition=\"value()&lt;0\" style:apply-style-name=\"nu7N\"";
            assert!(styles.contains(map), "{styles}");
        }
    }
}
