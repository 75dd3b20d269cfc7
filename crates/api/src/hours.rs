//! When people come: by hour of the day and by band, divided by the hours that really existed.

use affluenza_classify::hours::{Band, LocalDate, Zone};
use affluenza_disclosure::Cell;
use affluenza_store::usage::HourRow;

use crate::answer::Value;
use crate::offers::Grid;
use crate::period::Period;
use crate::public;

type Figure = fn(&HourRow) -> u64;
const FIGURES: [(&str, Figure); 3] = [
    ("users_hours", |row| row.users_hours),
    ("accesses", |row| row.accesses),
    ("service_uses", |row| row.service_uses),
];

/// The figures of a period by hour, each as a cell that may be hidden.
pub(crate) struct Hours {
    rows: Vec<HourRow>,
    cells: [Vec<Cell>; 3],
}

impl Hours {
    /// With `small_count`, counts below it are hidden.
    pub fn new(rows: Vec<HourRow>, small_count: Option<u64>) -> Self {
        let cells = FIGURES.map(|(_, figure)| match small_count {
            Some(small) => public::cells_of_hours(&rows, figure, small),
            None => rows.iter().map(|row| Cell::Shown(figure(row))).collect(),
        });
        Self { rows, cells }
    }

    fn sum(&self, figure: usize, is_wanted: impl Fn(&HourRow) -> bool) -> Cell {
        let pairs = self.rows.iter().zip(&self.cells[figure]);
        public::sum_of(
            pairs
                .filter(|(row, _)| is_wanted(row))
                .map(|(_, cell)| *cell),
        )
    }

    fn figures(&self, is_wanted: impl Fn(&HourRow) -> bool, existing: f64) -> Vec<Value> {
        let [users, accesses, uses] = [0, 1, 2].map(|figure| self.sum(figure, &is_wanted));
        let mean = users
            .shown()
            .map_or(Value::Suppressed, |users| Value::mean(users, existing));
        vec![
            Value::Ratio(existing),
            public::shown(users),
            mean,
            public::shown(accesses),
            public::shown(uses),
        ]
    }

    fn totals(&self) -> Vec<(&'static str, Value)> {
        let total = |at: usize| (FIGURES[at].0, public::shown(self.sum(at, |_| true)));
        [0, 1, 2].map(total).into()
    }

    /// All 24 hours of the day.
    pub fn by_hour(&self, zone: &Zone, period: Period) -> Grid {
        let existing = zone.existing_hours(period.first(), after(period));
        let columns = vec![
            "hour",
            "hours_existing",
            "users_hours",
            "users_per_hour_mean",
            "accesses",
            "service_uses",
        ];
        let row = |hour: u8| {
            let mut row = vec![Value::Text(hour.to_string())];
            row.extend(self.figures(|row| row.local_hour == hour, existing.hours_at(hour)));
            row
        };
        (columns, (0..24).map(row).collect(), self.totals())
    }

    /// The bands.
    pub fn by_band(&self, zone: &Zone, period: Period) -> Grid {
        let columns = vec![
            "band",
            "from_hour",
            "to_hour",
            "hours_existing",
            "users_hours",
            "users_per_hour_mean",
            "accesses",
            "service_uses",
        ];
        let row = |band: Band| {
            let of_band = |hour: &u8| zone.bands().of(*hour) == band;
            let first = (0..24).find(of_band).unwrap_or(0);
            let last = (0..24).rev().find(of_band).unwrap_or(0);
            let existing = zone.hours_in(period.first(), after(period), band) as f64;
            let mut row = vec![
                Value::Text(band.as_str().to_owned()),
                Value::Count(u64::from(first)),
                Value::Count(u64::from(last) + 1),
            ];
            row.extend(self.figures(|row| row.band == band.as_str(), existing));
            row
        };
        (
            columns,
            Band::ALL.into_iter().map(row).collect(),
            self.totals(),
        )
    }
}

fn after(period: Period) -> LocalDate {
    period.last().plus_days(1)
}
