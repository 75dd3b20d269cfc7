//! Source figures of the public tables of a year or a month: see the crate `edition`.

use std::cmp::Ordering;

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::figures::{BandUse, HourUse, MonthUse, WeekHourUse, YearFigures};

/// Completed service uses of people, without bots.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct UseRow {
    /// Public body.
    pub ente: String,
    /// Category of the service.
    pub category: String,
    /// `plain`, `payment` or `booking`.
    pub kind: String,
    /// Code of the service.
    pub service: String,
    /// Completed service uses.
    pub service_uses: u64,
}

/// Figures of a year, or of some of its months, in the detail needed to protect the public tables
/// together. Without bots.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenFigures {
    /// Completed service uses.
    pub uses: Vec<UseRow>,
    /// Usage by ente, month and device.
    pub months: Vec<MonthUse>,
    /// Usage by hour of the day.
    pub hours: Vec<HourUse>,
    /// Usage by hour band.
    pub bands: Vec<BandUse>,
    /// Usage by weekday and hour.
    pub week: Vec<WeekHourUse>,
}

impl OpenFigures {
    /// Returns the figures of a closed year or month as they were sealed.
    pub fn of_closed(people: &YearFigures) -> Self {
        let detail = &people.detail;
        let uses = detail.services.iter().filter(|row| row.service_uses > 0);
        let uses = uses.map(|row| UseRow {
            ente: row.ente.clone(),
            category: row.category.clone(),
            kind: row.kind.clone(),
            service: row.service.clone(),
            service_uses: row.service_uses,
        });
        let months = detail.months.iter().filter(|row| row.is_of_people());
        Self {
            uses: uses.collect(),
            months: months.cloned().collect(),
            hours: people.hours.clone(),
            bands: people.bands.clone(),
            week: detail.week.clone(),
        }
    }

    /// Adds the figures of other months.
    pub fn add(&mut self, other: Self) {
        self.months.extend(other.months);
        add_rows(&mut self.uses, other.uses, order_of_uses, |sum, row| {
            sum.service_uses += row.service_uses;
        });
        add_rows(&mut self.hours, other.hours, order_of_hours, |sum, row| {
            sum.users_hours += row.users_hours;
            sum.accesses += row.accesses;
        });
        add_rows(&mut self.bands, other.bands, order_of_bands, |sum, row| {
            sum.users_hours += row.users_hours;
            sum.accesses += row.accesses;
        });
        add_rows(&mut self.week, other.week, order_of_week, |sum, row| {
            sum.accesses += row.accesses;
            sum.service_uses += row.service_uses;
        });
    }

    /// Returns true if nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.uses.is_empty() && self.months.is_empty()
    }
}

/// Adds rows to those of the same labels.
fn add_rows<R>(
    rows: &mut Vec<R>,
    others: Vec<R>,
    order: fn(&R, &R) -> Ordering,
    add: fn(&mut R, &R),
) {
    rows.extend(others);
    rows.sort_by(order);
    rows.dedup_by(|row, sum| {
        let is_same = order(row, sum).is_eq();
        if is_same {
            add(sum, row);
        }
        is_same
    });
}

fn order_of_uses(a: &UseRow, b: &UseRow) -> Ordering {
    let of_ente = a
        .ente
        .cmp(&b.ente)
        .then_with(|| a.category.cmp(&b.category));
    let of_kind = of_ente.then_with(|| a.kind.cmp(&b.kind));
    of_kind.then_with(|| a.service.cmp(&b.service))
}

fn order_of_hours(a: &HourUse, b: &HourUse) -> Ordering {
    a.local_hour.cmp(&b.local_hour)
}

fn order_of_bands(a: &BandUse, b: &BandUse) -> Ordering {
    a.band.cmp(&b.band)
}

fn order_of_week(a: &WeekHourUse, b: &WeekHourUse) -> Ordering {
    (a.weekday, &a.band, a.local_hour).cmp(&(b.weekday, &b.band, b.local_hour))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_added_by_their_labels() {
        let month = |month, service_uses| OpenFigures {
            uses: vec![UseRow {
                ente: "c_a".into(),
                category: "tributi".into(),
                kind: "plain".into(),
                service: "imu".into(),
                service_uses,
            }],
            months: vec![MonthUse {
                ente: "c_a".into(),
                month,
                device: "desktop".into(),
                portal_kind: "civic".into(),
                accesses: 5,
                service_uses,
            }],
            hours: vec![HourUse {
                local_hour: month,
                users_hours: 4,
                accesses: 5,
            }],
            bands: vec![BandUse {
                band: "office".into(),
                users_hours: 4,
                accesses: 5,
            }],
            week: vec![WeekHourUse {
                weekday: 1,
                band: "office".into(),
                local_hour: 9,
                accesses: 5,
                service_uses,
            }],
        };
        let mut both = month(1, 7);
        both.add(month(2, 30));
        assert_eq!((both.uses.len(), both.uses[0].service_uses), (1, 37));
        assert_eq!((both.months.len(), both.hours.len()), (2, 2));
        assert_eq!((both.bands.len(), both.bands[0].users_hours), (1, 8));
        let week = &both.week[0];
        assert_eq!(
            (both.week.len(), week.accesses, week.service_uses),
            (1, 10, 37)
        );
    }
}
