use crate::{Count, Labels, Public, Secret, Threshold, Unprotected};
use affluenza_store::open::OpenFigures;
use serde::{Deserialize, Serialize};

use crate::edition::{Offered, PublicYear, Users, table_of_accesses, table_of_uses};

/// Suppression decided when a year was closed. It is sealed with the figures, and never shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// Counts below this are hidden.
    pub small_count: u64,
    /// Hidden cells of uses, by ente, category, kind, service, month and hour or band.
    pub uses: Vec<Labels<6>>,
    /// Hidden cells of accesses, by device, month, weekday and hour or band.
    pub accesses: Vec<Labels<4>>,
    /// True if users by hour are shown.
    pub has_users: bool,
}

/// Counts of a year before suppression.
#[derive(Debug, Clone, Copy)]
pub struct OpenYear<'y> {
    /// Calendar year.
    pub year: i16,
    /// Figures in the detail that protection needs.
    pub figures: &'y OpenFigures,
    /// Services on offer.
    pub offered: &'y [Offered],
}

/// Result of closing a year, also when it is closed once more.
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
        let uses = table_of_uses(year.year, figures, year.offered);
        let accesses = table_of_accesses(year.year, figures);
        let (all_uses, all_accesses) = (
            uses.with_hidden(Threshold { k: 0 }, &[])?,
            accesses.with_hidden(Threshold { k: 0 }, &[])?,
        );
        if let Some(last) = earlier.last() {
            let uses = change(last.uses.cell([None; 6]), all_uses.cell([None; 6]));
            let accesses = change(last.accesses.cell([None; 4]), all_accesses.cell([None; 4]));
            if threshold.is_small(uses) || threshold.is_small(accesses) {
                return Ok(Self::Unchanged);
            }
        }
        let of_uses = earlier.iter().map(PublicYear::uses);
        let also = cells_to_keep_hidden(of_uses, &all_uses, threshold);
        let uses = uses.suppress(threshold, secret, &also)?;
        let of_accesses = earlier.iter().map(PublicYear::accesses);
        let also = cells_to_keep_hidden(of_accesses, &all_accesses, threshold);
        let accesses = accesses.suppress(threshold, secret, &also)?;
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
