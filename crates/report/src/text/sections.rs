//! The tables that fit a terminal as they are.

use super::grid::{Column, GAP, Grid};
use super::measure::{harmless, width};
use super::split;
use super::{Language, Style, titled};
use crate::Report;
use crate::tables::{BandRow, CategoryRow, Kinds};

/// Heights of the little bars above the hours of the day.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

pub(super) fn totals(report: &Report, style: Style) -> String {
    let Style {
        language, words, ..
    } = style;
    let totals = &report.totals;
    let year = report.year.to_string();
    let mut columns = vec![
        Column::text(words.kind),
        Column::number(&year, &year),
        Column::number(words.share, words.share),
    ];
    columns.extend(compared_columns(report, style));
    let all = totals.kinds.service_uses;
    let row = |name: &str, count: u64| {
        let share = crate::ratio::share_percent(count, all);
        let mut row = vec![
            name.to_owned(),
            language.count(count),
            language.share(share),
        ];
        if report.compared_year.is_some() {
            row.extend([String::new(), String::new()]);
        }
        row
    };
    let mut grid = Grid::new(columns);
    grid.rows = vec![
        row(words.plain.0, totals.kinds.plain),
        row(words.payments.0, totals.kinds.payments),
        row(words.bookings.0, totals.kinds.bookings),
    ];
    if totals.kinds.unknown_kind > 0 {
        grid.rows
            .push(row(words.unknown_kind, totals.kinds.unknown_kind));
    }
    let mut sum = row(words.total, all);
    if report.compared_year.is_some() {
        sum.truncate(3);
        sum.push(compared(language, totals.compared_service_uses));
        sum.push(language.change(totals.growth_percent));
    }
    grid.sums = vec![sum];
    titled(words.totals, &grid.render(style.room))
}

pub(super) fn categories(report: &Report, style: Style) -> String {
    let Style {
        language, words, ..
    } = style;
    let mut columns = vec![Column::text(words.category)];
    let kinds = [
        words.plain,
        words.payments,
        words.bookings,
        (words.total, words.total),
    ];
    columns.extend(kinds.map(|(head, short)| Column::number(head, short)));
    columns.push(Column::number(words.share, words.share));
    columns.extend(compared_columns(report, style));

    let totals = &report.totals;
    let cells = |name, kinds: &Kinds, share, before, change| {
        let Kinds {
            plain,
            payments,
            bookings,
            service_uses,
            ..
        } = *kinds;
        let counts = [plain, payments, bookings, service_uses];
        let mut row = vec![name];
        row.extend(counts.map(|count| language.count(count)));
        row.push(language.share(share));
        if report.compared_year.is_some() {
            row.push(compared(language, before));
            row.push(language.change(change));
        }
        row
    };
    let row = |row: &CategoryRow| {
        let name = language.category(&row.name);
        let before = row.compared_service_uses;
        cells(
            name,
            &row.kinds,
            row.share_percent,
            before,
            row.change_percent,
        )
    };
    let mut grid = Grid::new(columns);
    grid.rows = report.categories.iter().map(row).collect();
    let all = totals.kinds.service_uses;
    grid.sums = vec![cells(
        words.total.to_owned(),
        &totals.kinds,
        crate::ratio::share_percent(all, all),
        totals.compared_service_uses,
        totals.growth_percent,
    )];
    titled(words.categories, &grid.render(style.room))
}

/// The compared year and the change on it; nothing when there is no such year.
fn compared_columns(report: &Report, style: Style) -> impl Iterator<Item = Column> {
    let (change, short) = style.words.change;
    let columns = report.compared_year.map(|year| {
        let year = year.to_string();
        [Column::number(&year, &year), Column::number(change, short)]
    });
    columns.into_iter().flatten()
}

fn compared(language: Language, count: Option<u64>) -> String {
    count.map_or(language.not_available().to_owned(), |count| {
        language.count(count)
    })
}

pub(super) fn services(report: &Report, style: Style) -> String {
    let Style {
        language, words, ..
    } = style;
    if report.top_services.is_empty() {
        return String::new();
    }
    let mut grid = Grid::new(vec![
        Column::number("", ""),
        Column::text(words.service),
        Column::number(words.uses, words.uses),
        Column::number(words.share, words.share),
        Column::number(words.enti, words.enti),
    ]);
    grid.flexible = 1;
    grid.rows = report
        .top_services
        .iter()
        .map(|row| {
            let name = match language {
                Language::Italian => &row.service_name_it,
                Language::English => &row.service_name_en,
            };
            vec![
                row.rank.to_string(),
                harmless(name),
                language.count(row.service_uses),
                language.share(row.share_percent),
                language.count(row.enti),
            ]
        })
        .collect();
    titled(words.services, &grid.render(style.room))
}

pub(super) fn devices(report: &Report, style: Style) -> String {
    let Style {
        language, words, ..
    } = style;
    let devices = &report.devices;
    let mut grid = Grid::new(vec![
        Column::text(words.device),
        Column::number(words.accesses, words.accesses),
        Column::number(words.share, words.share),
    ]);
    let row = |name: &str, accesses, share| {
        vec![
            name.to_owned(),
            language.count(accesses),
            language.share(share),
        ]
    };
    grid.rows = devices
        .classes
        .iter()
        .map(|class| {
            let name = match class.device {
                "desktop" => words.desktop,
                "smartphone" => words.smartphone,
                "tablet" => words.tablet,
                _ => words.other,
            };
            row(name, class.accesses, class.share_percent)
        })
        .collect();
    let all = crate::ratio::share_percent(devices.accesses, devices.accesses);
    let mobile = devices.smartphone_and_tablet;
    grid.sums = vec![
        row(words.people, devices.accesses, all),
        row(
            words.smartphone_and_tablet,
            mobile.accesses,
            mobile.share_percent,
        ),
    ];
    let bots = format!(
        "\n{} {}\n",
        words.bots,
        language.count(devices.bot_accesses)
    );
    titled(words.devices, &(grid.render(style.room) + &bots))
}

/// Italy and abroad; nothing when no country is known.
pub(super) fn places(report: &Report, style: Style) -> String {
    let Style {
        language, words, ..
    } = style;
    let places = &report.places;
    if places.italy_share_percent.is_none() {
        return String::new();
    }
    let mut grid = Grid::new(vec![
        Column::text(words.place),
        Column::number(words.accesses, words.accesses),
        Column::number(words.share, words.share),
    ]);
    let rows = [
        (
            words.italy,
            places.italy_accesses,
            places.italy_share_percent,
        ),
        (
            words.abroad,
            places.abroad_accesses,
            places.abroad_share_percent,
        ),
    ];
    let row = |(name, accesses, share): (&str, u64, Option<f64>)| {
        vec![
            name.to_owned(),
            language.count(accesses),
            language.share(share),
        ]
    };
    grid.rows = rows.map(row).to_vec();
    let unknown = format!(
        "\n{} {}\n",
        words.unknown_place,
        language.count(places.unknown_accesses)
    );
    titled(words.places, &(grid.render(style.room) + &unknown))
}

pub(super) fn bands(report: &Report, style: Style) -> String {
    let Style {
        language, words, ..
    } = style;
    let hours = &report.hours;
    let mut grid = Grid::new(vec![
        Column::text(words.band),
        Column::text(words.local_hours),
        Column::number(words.users_per_hour.0, words.users_per_hour.1),
        Column::number(words.hours_existing.0, words.hours_existing.1),
        Column::number(words.users_hours.0, words.users_hours.1),
        Column::number(words.accesses, words.accesses),
    ]);
    let means = language.means(hours.bands.iter().map(|row| row.users_per_hour_mean));
    let row = |(row, mean): (&BandRow, String)| {
        let name = match row.band {
            "night" => words.night,
            "office" => words.office,
            _ => words.evening,
        };
        let ranges: Vec<String> = row
            .local_hours
            .iter()
            .map(|range| format!("{:02}-{:02}", range.from, range.to))
            .collect();
        vec![
            name.to_owned(),
            ranges.join(" "),
            mean,
            language.count(row.hours_existing),
            language.count(row.users_hours),
            language.count(row.accesses),
        ]
    };
    grid.rows = hours.bands.iter().zip(means).map(row).collect();
    let off = language.share(hours.off_hours_share_percent);
    let off = format!("\n{} {off}\n", words.off_hours);
    titled(words.bands, &(grid.render(style.room) + &off))
}

/// All 24 hours beside one another, or in as many rows as it takes.
pub(super) fn hours(report: &Report, style: Style) -> String {
    let Style {
        language, words, ..
    } = style;
    let hours = &report.hours.hours_of_day;
    let means = hours.iter().map(|row| row.users_per_hour_mean);
    let greatest = means.clone().flatten().fold(0.0, f64::max);
    let cells = language.means(means);
    let widest = cells
        .iter()
        .map(|cell| width(cell))
        .max()
        .unwrap_or(0)
        .max(2);
    let name_room = width(words.hour).max(width(words.users));

    let room = style.room.saturating_sub(name_room);
    let groups = split::groups(&vec![widest; hours.len()], GAP, room);
    let tables: Vec<String> = groups
        .into_iter()
        .map(|group| {
            let mut columns = vec![Column::text(words.hour)];
            columns.extend(hours[group.clone()].iter().map(|row| {
                let bar = bar(row.users_per_hour_mean, greatest);
                let head = format!("{bar:>widest$}\n{:02}", row.local_hour);
                Column::number(&head, &head)
            }));
            let mut row = vec![words.users.to_owned()];
            row.extend_from_slice(&cells[group]);
            let mut grid = Grid::new(columns);
            grid.rows = vec![row];
            grid.render(style.room)
        })
        .collect();
    titled(words.hours, &tables.join("\n"))
}

/// A bar as high as `mean` is beside the greatest; nothing for none.
fn bar(mean: Option<f64>, greatest: f64) -> String {
    match mean {
        Some(mean) if mean > 0.0 && greatest > 0.0 => {
            let height = (mean / greatest * BARS.len() as f64).ceil() as usize;
            BARS[height.clamp(1, BARS.len()) - 1].to_string().repeat(2)
        }
        _ => String::new(),
    }
}
