use crate::{Count, CountTable, Public, TableDimension};
use affluenza_store::usage::Dimension;

use crate::edition::period::month_label;
use crate::edition::{PublicYear, band_of};

/// Dimensions of uses, in the order of the stored labels.
pub(crate) const USES: [Dimension; 6] = [
    Dimension::Ente,
    Dimension::Category,
    Dimension::Kind,
    Dimension::Service,
    Dimension::Month,
    Dimension::Hour,
];
/// Dimensions of accesses, in the order of the stored labels.
pub(crate) const ACCESSES: [Dimension; 5] = [
    Dimension::PortalKind,
    Dimension::Device,
    Dimension::Month,
    Dimension::Weekday,
    Dimension::Hour,
];

/// A quantity with public figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublicMeasure {
    /// Completed service uses.
    Uses,
    /// Accesses to pages and areas.
    Accesses,
    /// Distinct visitors of each hour, summed over the hours.
    UsersOfHours,
}

/// A label in one dimension.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    /// Dimension of the label.
    pub dimension: Dimension,
    /// Code, number or month, as the API writes it.
    pub text: String,
}

/// A public figure with its labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicCell {
    /// Labels in the requested order.
    pub labels: Vec<Label>,
    /// Count of these labels, over all labels of the other dimensions.
    pub count: Count,
}

impl Label {
    /// Creates a label.
    pub fn new(dimension: Dimension, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { dimension, text }
    }
}

impl PublicMeasure {
    /// Returns the published tables, each by its dimensions. Every margin is published, too. An
    /// hour also has its band.
    pub const fn tables(self) -> &'static [&'static [Dimension]] {
        use Dimension::{Category, Device, Ente, Hour, Kind, Month, PortalKind, Service, Weekday};
        match self {
            Self::Uses => &[
                &[Ente, Category, Kind],
                &[Category, Service],
                &[Ente, Month],
                &[Hour],
            ],
            Self::Accesses => &[&[PortalKind, Device, Month], &[Weekday, Hour]],
            Self::UsersOfHours => &[&[Hour]],
        }
    }

    /// True if one published table has all of these dimensions. Hours and bands are never in one
    /// table.
    pub fn has_table(self, by: &[Dimension]) -> bool {
        let has_both = by.contains(&Dimension::Hour) && by.contains(&Dimension::Band);
        !has_both
            && self.tables().iter().any(|table| {
                let mut stored = by.iter().filter_map(|dimension| stored_as(*dimension));
                stored.all(|dimension| table.contains(&dimension))
            })
    }

    /// Creates the linked tables of a year, without counts.
    pub(crate) fn linked<const N: usize>(self, dimensions: [Dimension; N]) -> CountTable<N> {
        Self::with_tables(dimensions, self.tables().iter().map(|table| table.to_vec()))
    }

    /// Creates the tables of one month, without counts: those of a year that have months, without
    /// the label of the month.
    pub(crate) fn linked_of_month<const N: usize>(
        self,
        dimensions: [Dimension; N],
    ) -> CountTable<N> {
        let by_month = self.tables().iter();
        let by_month = by_month.filter(|table| table.contains(&Dimension::Month));
        let of_month = by_month.map(|table| {
            let others = table.iter().copied();
            others.filter(|of| *of != Dimension::Month).collect()
        });
        Self::with_tables(dimensions, of_month)
    }

    fn with_tables<const N: usize>(
        dimensions: [Dimension; N],
        tables: impl Iterator<Item = Vec<Dimension>>,
    ) -> CountTable<N> {
        let axes = dimensions.map(|dimension| match dimension {
            Dimension::Hour => TableDimension::nested(dimension.name(), band_of),
            other => TableDimension::flat(other.name()),
        });
        let names: Vec<Vec<&str>> = tables
            .map(|table| table.iter().map(|dimension| dimension.name()).collect())
            .collect();
        let names: Vec<&[&str]> = names.iter().map(Vec::as_slice).collect();
        CountTable::linked(axes, &names)
    }
}

/// Returns the local hour of a label of [`hour_label`](crate::edition::hour_label).
fn hour_of(label: &str) -> Option<u8> {
    label.split_once(' ')?.1.parse().ok()
}

/// Returns the dimension whose stored label holds a dimension. Tables are of one year, so the year
/// is not stored.
fn stored_as(dimension: Dimension) -> Option<Dimension> {
    match dimension {
        Dimension::Year => None,
        Dimension::Band => Some(Dimension::Hour),
        other => Some(other),
    }
}

impl PublicYear {
    /// Returns the cells by these dimensions, hidden ones included, in the order of the stored
    /// labels. Without dimensions, this is the total. Other cells that are zero are left out.
    pub fn cells(&self, measure: PublicMeasure, by: &[Dimension]) -> Vec<PublicCell> {
        match measure {
            PublicMeasure::Uses => self.cells_of(&self.uses, USES, by),
            PublicMeasure::Accesses => self.cells_of(&self.accesses, ACCESSES, by),
            PublicMeasure::UsersOfHours => self.cells_of_users(by),
        }
    }

    /// Returns the cells of one month by these dimensions, like [`cells`](Self::cells). The tables
    /// are of this month, or of its year.
    pub fn cells_of_month(
        &self,
        measure: PublicMeasure,
        by: &[Dimension],
        month: u8,
    ) -> Vec<PublicCell> {
        let wanted = Label::new(Dimension::Month, month_label(self.period.year, month));
        let mut all = by.to_vec();
        if !all.contains(&Dimension::Month) {
            all.push(Dimension::Month);
        }
        let mut cells = self.cells(measure, &all);
        cells.retain(|cell| cell.labels.contains(&wanted));
        for cell in &mut cells {
            cell.labels.truncate(by.len());
        }
        cells
    }

    /// Returns the dimension whose stored label holds a dimension. The tables of a month are stored
    /// without its label.
    fn stored_as(&self, dimension: Dimension) -> Option<Dimension> {
        stored_as(dimension).filter(|of| *of != Dimension::Month || self.period.month.is_none())
    }

    fn cells_of<const N: usize>(
        &self,
        public: &Public<N>,
        dimensions: [Dimension; N],
        by: &[Dimension],
    ) -> Vec<PublicCell> {
        let is_by =
            dimensions.map(|stored| by.iter().any(|one| self.stored_as(*one) == Some(stored)));
        if is_by == [false; N] {
            let labels = by.iter().filter_map(|one| self.label(*one, None)).collect();
            let count = public.cell([None; N]);
            return vec![PublicCell { labels, count }];
        }
        let mut cells = Vec::new();
        for (stored, count) in public.cells() {
            let labels = by.iter().map(|one| {
                let mut labels = dimensions.iter().zip(stored);
                let label = labels.find(|(of, _)| self.stored_as(*one) == Some(**of));
                self.label(*one, label.and_then(|(_, label)| label))
            });
            if stored.map(|label| label.is_some()) == is_by
                && let Some(labels) = labels.collect()
            {
                cells.push(PublicCell { labels, count });
            }
        }
        cells
    }

    /// Returns the label of a dimension, given the stored one.
    fn label(&self, dimension: Dimension, stored: Option<&str>) -> Option<Label> {
        let text = match dimension {
            Dimension::Year => self.period.year.to_string(),
            Dimension::Month if stored.is_none() => {
                month_label(self.period.year, self.period.month?)
            }
            Dimension::Hour => hour_of(stored?)?.to_string(),
            Dimension::Band => stored.filter(|text| hour_of(text).is_none())?.to_owned(),
            _ => stored?.to_owned(),
        };
        Some(Label::new(dimension, text))
    }

    /// Users of every hour or band, or all of them. They are hidden all together.
    fn cells_of_users(&self, by: &[Dimension]) -> Vec<PublicCell> {
        let users = self.users.as_ref();
        let [dimension] = by else {
            let count = users.map_or(Count::Hidden, |users| {
                Count::Shown(users.by_hour.values().sum())
            });
            let labels = Vec::new();
            return vec![PublicCell { labels, count }];
        };
        dimension
            .values()
            .iter()
            .map(|text| PublicCell {
                count: users.map_or(Count::Hidden, |users| {
                    Count::Shown(users.of(*dimension, text))
                }),
                labels: vec![Label::new(*dimension, *text)],
            })
            .collect()
    }
}
