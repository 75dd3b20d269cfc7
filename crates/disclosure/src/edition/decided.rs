use std::collections::BTreeSet;

use crate::{Count, CountTable, Labels, Public, Secret, Threshold, Unprotected};
use affluenza_store::open::OpenFigures;
use serde::{Deserialize, Serialize};

use crate::edition::cells::{ACCESSES, USES};
use crate::edition::{
    ClosedPeriod, Dimension, Offered, PublicYear, Users, accesses_of_month, table_of_accesses,
    table_of_uses, uses_of_month,
};

/// Suppression decided when a year or a month was closed. It is sealed with the figures, and never shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// Counts below this are hidden.
    pub small_count: u64,
    /// Hidden cells of uses, by ente, category, kind, service, month and hour or band.
    pub uses: Vec<Labels<6>>,
    /// Hidden cells of accesses, by kind of portal, device, month, weekday and hour or band.
    pub accesses: Vec<Labels<5>>,
    /// True if users by hour are shown.
    pub has_users: bool,
}

/// Counts of a year before suppression.
#[derive(Clone, Copy)]
pub struct OpenYear<'y> {
    /// Calendar year.
    pub year: i16,
    /// Figures in the detail that protection needs.
    pub figures: &'y OpenFigures,
    /// Services on offer.
    pub offered: &'y [Offered],
    /// All public editions of its months that were closed before the year.
    pub months: &'y [PublicYear],
}

/// Counts of a month before suppression.
#[derive(Clone, Copy)]
pub struct OpenMonth<'m> {
    /// Month that is closed.
    pub period: ClosedPeriod,
    /// Figures of the month.
    pub figures: &'m OpenFigures,
    /// All public editions of the months of its year, those of one month with the oldest first.
    pub editions: &'m [PublicYear],
}

/// Result of closing a year or a month, also when it is closed once more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// A new public edition.
    Edition(Decided),
    /// Too few counts have changed since the previous edition, which stays.
    Unchanged,
}

impl Decided {
    pub(crate) fn threshold(&self) -> Threshold {
        Threshold {
            k: self.small_count,
        }
    }
}

impl Outcome {
    /// Decides the public cells of a year. `secret` is the same for all editions of a year;
    /// `earlier` holds the previous public editions, the oldest first.
    ///
    /// # Errors
    /// The figures contradict each other, or no protection was found: nothing may be shown.
    pub fn decide(
        year: OpenYear<'_>,
        threshold: Threshold,
        secret: &Secret,
        earlier: &[PublicYear],
    ) -> Result<Self, Unprotected> {
        let figures = year.figures;
        let uses = OpenTable::new(table_of_uses(year.year, figures, year.offered))?;
        let accesses = OpenTable::new(table_of_accesses(year.year, figures))?;
        if is_unchanged(earlier.last(), &uses, &accesses, threshold) {
            return Ok(Self::Unchanged);
        }
        let of_uses = earlier.iter().map(PublicYear::uses);
        let mut given = uses.changed_since(of_uses, threshold);
        let of_accesses = earlier.iter().map(PublicYear::accesses);
        let mut given_accesses = accesses.changed_since(of_accesses, threshold);
        // The first edition of a year has the cells of its months.
        if earlier.is_empty() {
            for month in year.months {
                let label = &*month.period().to_string();
                let cells = MonthCells {
                    public: &month.uses,
                    label,
                    dimensions: USES,
                };
                uses.add_month(&mut given, cells, threshold);
                let cells = MonthCells {
                    public: &month.accesses,
                    label,
                    dimensions: ACCESSES,
                };
                accesses.add_month(&mut given_accesses, cells, threshold);
            }
        }
        let uses = uses.suppress(threshold, secret, given);
        let accesses = accesses.suppress(threshold, secret, given_accesses);
        let (uses, accesses) = match (uses, accesses) {
            // The months stay public, and the year has no edition.
            (Err(Unprotected::NoneFound), _) | (_, Err(Unprotected::NoneFound))
                if !year.months.is_empty() =>
            {
                return Ok(Self::Unchanged);
            }
            (uses, accesses) => (uses?, accesses?),
        };
        let users = Users::new(figures);
        let before = earlier.iter().filter_map(PublicYear::users);
        let mut moves = before.flat_map(|then| then.moved(&users));
        let has_users = !users.counts().any(|count| threshold.is_small(count))
            && !moves.any(|change| threshold.is_small(change))
            && !has_hidden_hours(&uses)
            && !has_hidden_hours(&accesses);
        Ok(Self::Edition(Decided {
            small_count: threshold.k,
            uses: hidden(&uses),
            accesses: hidden(&accesses),
            has_users,
        }))
    }

    /// Decides the public cells of a month. `secret` is that of its year.
    ///
    /// An ente, or a kind of portal with a class of device, that is hidden in one month of a year is hidden in its other
    /// months, too. Two hidden months of the same enti protect each other when the total of the year
    /// is shown.
    ///
    /// # Errors
    /// No protection was found: nothing may be shown.
    pub fn decide_month(
        month: OpenMonth<'_>,
        threshold: Threshold,
        secret: &Secret,
    ) -> Result<Self, Unprotected> {
        let all = month.editions.iter();
        let earlier = all.filter(|edition| edition.period() == month.period);
        let uses = OpenTable::new(uses_of_month(month.figures))?;
        let accesses = OpenTable::new(accesses_of_month(month.figures))?;
        if is_unchanged(earlier.clone().next_back(), &uses, &accesses, threshold) {
            return Ok(Self::Unchanged);
        }
        let mut given = uses.changed_since(earlier.clone().map(PublicYear::uses), threshold);
        let of_accesses = earlier.map(PublicYear::accesses);
        let mut given_accesses = accesses.changed_since(of_accesses, threshold);
        for edition in month.editions {
            given.hidden.extend(hidden_parts(&edition.uses));
            given_accesses
                .hidden
                .extend(hidden_parts(&edition.accesses));
        }
        Ok(Self::Edition(Decided {
            small_count: threshold.k,
            uses: hidden(&uses.suppress(threshold, secret, given)?),
            accesses: hidden(&accesses.suppress(threshold, secret, given_accesses)?),
            has_users: false,
        }))
    }
}

/// Tables of one system, and their counts.
struct OpenTable<const N: usize> {
    table: CountTable<N>,
    all: Public<N>,
}

/// An edition of one month.
struct MonthCells<'m, const N: usize> {
    public: &'m Public<N>,
    /// The month, such as `2017-03`.
    label: &'m str,
    dimensions: [Dimension; N],
}

/// Cells whose treatment earlier editions decide.
struct GivenCells<const N: usize> {
    hidden: Vec<Labels<N>>,
    /// Cells that are published already.
    known: Vec<Labels<N>>,
}

impl<const N: usize> OpenTable<N> {
    fn new(table: CountTable<N>) -> Result<Self, Unprotected> {
        let all = table.with_hidden(Threshold { k: 0 }, &[])?;
        Ok(Self { table, all })
    }

    fn suppress(
        &self,
        threshold: Threshold,
        secret: &Secret,
        given: GivenCells<N>,
    ) -> Result<Public<N>, Unprotected> {
        let GivenCells { hidden, mut known } = given;
        let kept: BTreeSet<&Labels<N>> = hidden.iter().collect();
        known.retain(|labels| !kept.contains(labels));
        self.table
            .suppress_with_known(threshold, secret, &hidden, &known)
    }

    /// Returns the cells that earlier editions hid, and those that changed by a small count since.
    fn changed_since<'e>(
        &self,
        earlier: impl Iterator<Item = &'e Public<N>>,
        threshold: Threshold,
    ) -> GivenCells<N> {
        GivenCells {
            hidden: cells_to_keep_hidden(earlier, &self.all, threshold),
            known: Vec::new(),
        }
    }

    /// Adds the cells of an edition of one month: hidden ones, those that changed by a small count
    /// since, and those that are still as they were published.
    fn add_month(&self, given: &mut GivenCells<N>, month: MonthCells<'_, N>, threshold: Threshold) {
        for (mut labels, count) in month.public.cells() {
            for (dimension, of_month) in month.dimensions.iter().zip(&mut labels) {
                if *dimension == Dimension::Month {
                    *of_month = Some(month.label);
                }
            }
            let now = self.all.cell(labels).shown().unwrap_or(0);
            match count {
                Count::Shown(then) if then == now && !threshold.is_small(now) => {
                    given.known.push(owned(labels));
                }
                Count::Shown(then) if !threshold.is_small(then.abs_diff(now)) => {}
                _ => given.hidden.push(owned(labels)),
            }
        }
    }
}

/// True if all uses, or all accesses, have changed by a small count since the last edition.
fn is_unchanged(
    last: Option<&PublicYear>,
    uses: &OpenTable<6>,
    accesses: &OpenTable<5>,
    threshold: Threshold,
) -> bool {
    last.is_some_and(|last| {
        let uses = change(last.uses.cell([None; 6]), uses.all.cell([None; 6]));
        let accesses = change(last.accesses.cell([None; 5]), accesses.all.cell([None; 5]));
        threshold.is_small(uses) || threshold.is_small(accesses)
    })
}

/// Returns the hidden cells of a month without its total.
fn hidden_parts<const N: usize>(public: &Public<N>) -> impl Iterator<Item = Labels<N>> {
    let hidden = hidden(public).into_iter();
    hidden.filter(|labels| labels.iter().any(Option::is_some))
}

/// Change of a count that is shown before and after.
fn change(then: Count, now: Count) -> u64 {
    match (then, now) {
        (Count::Shown(then), Count::Shown(now)) => then.abs_diff(now),
        _ => 0,
    }
}

/// True if a cell of an hour or band is hidden. An hour has at most as many users as accesses and
/// uses together, often as many as either. So shown users would reveal hidden accesses or uses.
fn has_hidden_hours<const N: usize>(public: &Public<N>) -> bool {
    let mut cells = public.cells();
    cells.any(|(labels, cell)| cell.is_hidden() && labels[..N - 1].iter().all(Option::is_none))
}

/// Returns the cells that earlier editions hid, and those that changed by a small count since.
fn cells_to_keep_hidden<'e, const N: usize>(
    earlier: impl Iterator<Item = &'e Public<N>>,
    now: &Public<N>,
    threshold: Threshold,
) -> Vec<Labels<N>> {
    let mut cells = Vec::new();
    for then in earlier {
        let of_then = then.cells().map(|(labels, _)| labels);
        for labels in of_then.chain(now.cells().map(|(labels, _)| labels)) {
            let count = now.cell(labels).shown().unwrap_or(0);
            let is_kept = match then.cell(labels) {
                Count::Hidden => true,
                Count::Shown(then) => threshold.is_small(then.abs_diff(count)),
            };
            if is_kept {
                cells.push(owned(labels));
            }
        }
    }
    cells.sort_unstable();
    cells.dedup();
    cells
}

fn hidden<const N: usize>(public: &Public<N>) -> Vec<Labels<N>> {
    let cells = public.cells().filter(|(_, cell)| cell.is_hidden());
    cells.map(|(labels, _)| owned(labels)).collect()
}

fn owned<const N: usize>(labels: [Option<&str>; N]) -> Labels<N> {
    labels.map(|label| label.map(str::to_owned))
}
