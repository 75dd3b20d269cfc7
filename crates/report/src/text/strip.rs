//! A chart as a strip of small bars above its figures.

use super::grid::{GAP, Grid, GridColumn};
use super::measure::width;
use super::split;
use crate::document::Chart;
use affluenza_words::Language;

/// Bars by height.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Formats all labels side by side, in as many rows as needed.
pub(super) fn strip(chart: &Chart, language: Language, room: usize) -> String {
    let Some(series) = chart.series.first() else {
        return String::new();
    };
    let greatest = chart.greatest();
    let cells = language.means(series.values.iter().map(|value| value.shown()));
    let texts = cells.iter().chain(&chart.labels);
    let widest = texts.map(|cell| width(cell)).max().unwrap_or(0).max(2);
    let hour = language.say("column-hour", &[]);
    let names = width(&hour).max(width(&series.name));

    let groups = split::groups(&vec![widest; cells.len()], GAP, room.saturating_sub(names));
    let tables: Vec<String> = groups
        .into_iter()
        .map(|group| {
            let mut columns = vec![GridColumn::text(&hour)];
            columns.extend(group.clone().map(|place| {
                let bar = bar(series.values[place].shown(), greatest);
                let head = format!("{bar:>widest$}\n{}", chart.labels[place]);
                GridColumn::number(&head, &head)
            }));
            let mut row = vec![series.name.clone()];
            row.extend_from_slice(&cells[group]);
            let mut grid = Grid::new(columns);
            grid.rows = vec![row];
            grid.render(room)
        })
        .collect();
    tables.join("\n")
}

/// Returns a bar in proportion to the greatest value; empty without a value.
fn bar(value: Option<f64>, greatest: f64) -> String {
    match value {
        Some(value) if value > 0.0 && greatest > 0.0 => {
            let height = (value / greatest * BARS.len() as f64).ceil() as usize;
            BARS[height.clamp(1, BARS.len()) - 1].to_string().repeat(2)
        }
        _ => String::new(),
    }
}
