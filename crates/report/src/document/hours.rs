//! Users by band and by hour of the day.

use super::{Block, Cell, Chart, ChartKind, Column, Section, Series, Writer, section, table};
use crate::tables::BandRow;

impl Writer<'_> {
    /// Writes users by band of the day.
    pub(super) fn bands(self) -> Section {
        let hours = &self.report.hours;
        let columns = vec![
            Column::text(self.say("Fascia", "Band")),
            Column::text(self.say("Orario", "From-to")),
            Column::number(self.say("Utenti per ora", "Users per hour"))
                .or(self.say("Utenti/h", "Users/h")),
            Column::number(self.say("Ore nell’anno", "Hours in the year"))
                .or(self.say("Ore", "Hours")),
            Column::number(self.say("Utenti, somma delle ore", "Users, summed over hours"))
                .or(self.say("Somma", "Sum")),
            Column::number(self.say("Accessi", "Accesses")),
        ];
        let means = self.means(hours.bands.iter().map(|row| row.users_per_hour_mean));
        let row = |(row, mean): (&BandRow, Cell)| {
            let name = match row.band {
                "night" => self.say("Notte", "Night"),
                "office" => self.say("Ufficio", "Office"),
                _ => self.say("Sera", "Evening"),
            };
            let ranges: Vec<String> = row
                .local_hours
                .iter()
                .map(|range| format!("{:02}-{:02}", range.from, range.to))
                .collect();
            vec![
                Cell::Text(name),
                Cell::Text(ranges.join(" ")),
                mean,
                Cell::Count(row.hours_existing),
                Cell::Count(row.users_hours),
                Cell::Count(row.accesses),
            ]
        };
        let rows = hours.bands.iter().zip(means).map(row).collect();
        let caption = self.say(
            "Fasce orarie (media di utenti per ora)",
            "Bands of the day (mean users per hour)",
        );
        let off = self.language.share(hours.off_hours_share_percent);
        let off = self.say(
            &format!("Utenti fuori dall’orario di ufficio: {off}."),
            &format!("Users out of office hours: {off}."),
        );
        let table = table("bands", caption, columns, rows);
        let title = self.say("Fasce orarie", "Bands of the day");
        section("bands", title, vec![table.into(), Block::Text(off)])
    }

    /// Writes users by hour of the day.
    pub(super) fn hours(self) -> Section {
        let hours = &self.report.hours.hours_of_day;
        let caption = self.say(
            "Ore del giorno (media di utenti per ora)",
            "Hours of the day (mean users per hour)",
        );
        let columns = vec![
            Column::text(self.say("Ora", "Hour")),
            Column::number(self.say("Utenti", "Users")),
            Column::number(self.say("Utenti, somma dei giorni", "Users, summed over days")),
            Column::number(self.say("Accessi", "Accesses")),
        ];
        let means = self.means(hours.iter().map(|row| row.users_per_hour_mean));
        let label = |hour: u8| format!("{hour:02}");
        let rows = hours.iter().zip(means).map(|(row, mean)| {
            vec![
                Cell::Text(label(row.local_hour)),
                mean,
                Cell::Count(row.users_hours),
                Cell::Count(row.accesses),
            ]
        });
        let mut table = table("hours", caption.clone(), columns, rows.collect());
        table.charted = true;
        let chart = Chart {
            id: "hours-chart",
            title: caption,
            description: self.say(
                "Colonne degli utenti in ciascuna ora del giorno; le cifre sono nella tabella che segue.",
                "Columns of the users in each hour of the day; the figures are in the table that follows.",
            ),
            kind: ChartKind::Columns,
            labels: hours.iter().map(|row| label(row.local_hour)).collect(),
            series: vec![Series {
                name: self.say("Utenti", "Users"),
                values: hours.iter().map(|row| row.users_per_hour_mean).collect(),
            }],
            percent: false,
        };
        let title = self.say("Ore del giorno", "Hours of the day");
        section("hours", title, vec![chart.into(), table.into()])
    }
}
