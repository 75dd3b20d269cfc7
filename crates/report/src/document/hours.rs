//! Users and visits by band and by hour of the day.

use super::{Block, Cell, Chart, ChartKind, Charted, Column, Head, Section, SectionWriter, Series};
use crate::count::{Count, CountCells as _};
use crate::tables::BandRow;

impl SectionWriter<'_> {
    /// Writes users by band of the day; no blocks in a public edition that may not show users.
    pub(super) fn bands(self) -> Section {
        if self.public.is_some_and(|(edition, _)| !edition.has_users) {
            return self.section("bands", Vec::new());
        }
        let hours = &self.report.hours;
        let heads = [
            Head::Words("band"),
            Head::Words("from-to"),
            Head::Figures("users-per-hour"),
            Head::Figures("hours-in-year"),
            Head::Figures("users-hours"),
            Head::Figures("visits"),
        ];
        let means = self.means(hours.bands.iter().map(|row| row.users_per_hour_mean));
        let rows = hours.bands.iter().zip(means);
        let rows = rows.map(|(row, mean)| {
            vec![
                Cell::Text(self.say(&format!("band-{}", row.band))),
                Cell::Text(ranges(row)),
                mean,
                Cell::Count(row.hours_existing),
                Cell::Count(row.users_hours),
                self.visits_cell(Count::Shown(row.accesses)),
            ]
        });
        let table = self.table("bands", &heads, rows.collect());
        let off = hours.off_hours_share_percent.map(|share| {
            let share = self.language.share(Some(share));
            Block::Text(self.say_with("bands.off", &[("share", share.into())]))
        });
        let blocks = std::iter::once(table.into()).chain(off);
        self.section("bands", blocks.collect())
    }

    /// Writes users and visits by hour of the day; visits only in the public edition.
    pub(super) fn hours(self) -> Section {
        let hours = &self.report.hours.hours_of_day;
        let mut heads = vec![Head::Words("hour")];
        if self.public.is_none() {
            heads.extend([Head::Figures("users"), Head::Figures("users-days")]);
        }
        heads.push(Head::Figures("visits"));
        let means = self.means(hours.iter().map(|row| row.users_per_hour_mean));
        let rows = hours.iter().zip(means).map(|(row, mean)| {
            let mut cells = vec![Cell::Text(format!("{:02}", row.local_hour))];
            if self.public.is_none() {
                cells.extend([mean, Cell::Count(row.users_hours)]);
            }
            let visits = self.visits_at(row.local_hour, row.accesses);
            cells.push(self.visits_cell(visits));
            cells
        });
        let mut table = self.table("hours", &heads, rows.collect());
        table.charted = match self.public {
            None => Charted::Everywhere,
            Some(_) => Charted::OnPaper,
        };
        let values = hours.iter().map(|row| match self.public {
            None => row.users_per_hour_mean.into(),
            Some(_) => self.visits_at(row.local_hour, row.accesses).value(),
        });
        let labels = hours.iter().map(|row| format!("{:02}", row.local_hour));
        let chart = Chart::new(
            "hours-chart",
            table.caption.clone(),
            ChartKind::Columns,
            labels.collect(),
            vec![Series {
                name: table.columns[1].head.clone(),
                values: values.collect(),
            }],
        );
        let blocks = [chart.into(), table.into()].into_iter();
        self.section("hours", blocks.chain(self.weekdays()).collect())
    }

    /// Writes visits by weekday and hour, for paper as a heat map; no blocks without weekdays.
    fn weekdays(self) -> Vec<Block> {
        let weekdays = &self.report.hours.weekdays;
        if weekdays.is_empty() || !self.has_visits() {
            return Vec::new();
        }
        let rows = weekdays.iter().map(|row| {
            let name = Cell::Text(self.say(&format!("weekday-{}", row.weekday)));
            let visits = (0..24).zip(row.accesses).map(|(hour, own)| {
                let visits = self.visits_on(row.weekday, hour, own);
                visits.sparse()
            });
            std::iter::once(name).chain(visits).collect()
        });
        let mut table = self.table("weekdays", &[Head::Words("weekday")], rows.collect());
        let hours = (0..24).map(|hour| format!("{hour:02}"));
        table
            .columns
            .extend(hours.map(|hour| Column::number(format!("hour-{hour}"), hour)));
        table.matrix = true;
        table.charted = Charted::OnPaper;
        let caption = table.caption.clone();
        let chart = Chart::heat("weekdays-chart", caption, &table, 1..25);
        vec![chart.into(), table.into()]
    }
}

fn ranges(row: &BandRow) -> String {
    let ranges = row.local_hours.iter();
    let ranges = ranges.map(|range| format!("{:02}-{:02}", range.from, range.to));
    ranges.collect::<Vec<_>>().join(" ")
}
