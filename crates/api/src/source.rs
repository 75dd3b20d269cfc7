//! Sources of figures: the store as far as a key reaches, or the public editions of closed periods.
//! Everything after them is the same for both, and every count may be hidden.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use affluenza_disclosure::Count;
use affluenza_disclosure::edition::{
    ClosedPeriod, Editions, Label, NoEdition, PublicCell, PublicMeasure, PublicYear,
};
use affluenza_http::Problem;
use affluenza_store::usage::{
    CodeSender, Dimension, HourUsage, KnownCodes, ROWS_MAX, UNREGISTERED, UsageQuery, UsageRow,
};
use affluenza_store::{StoreError, Usage};
use axum::http::StatusCode;

use crate::answer::Warning;
use crate::asked::Asked;
use crate::codes::{CodeFilter, UsedCodes};
use crate::open::needs_key;
use crate::period::Period;
use crate::question::{Measure, Question, Resource};

/// Kinds of service uses. They add up to all service uses.
pub(crate) const KINDS: [&str; 3] = ["plain", "payment", "booking"];

/// Reason why there are no figures.
#[derive(Debug)]
pub(crate) enum NoFigures {
    /// The question cannot be answered.
    Question(Problem),
    /// The database failed.
    Store(StoreError),
}

impl From<StoreError> for NoFigures {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Problem> for NoFigures {
    fn from(problem: Problem) -> Self {
        Self::Question(problem)
    }
}

impl From<NoEdition> for NoFigures {
    fn from(cause: NoEdition) -> Self {
        Self::Question(match cause {
            NoEdition::Open(period) => {
                needs_key(&format!("{period} is not closed, and needs a key"))
            }
            NoEdition::Broken(cause) => {
                tracing::error!(error = cause, "closed years cannot be published");
                let detail = "closed periods are not shown until they have been verified";
                Problem::unavailable(detail, Duration::from_secs(60))
            }
            other => not_published(other.to_string()),
        })
    }
}

fn not_published(detail: String) -> Problem {
    let title = "There is no public edition of this";
    Problem::new(StatusCode::NOT_FOUND, "not-published", title, detail)
}

/// Source of the figures of an answer.
#[derive(Clone, Copy)]
pub(crate) enum FigureSource<'a> {
    /// Figures of the store, of the enti in a key's scope; `None` means all.
    Live {
        usage: &'a Usage,
        scope: Option<&'a [String]>,
        /// Codes of the register. All others are summed.
        known: &'a Arc<KnownCodes>,
        /// Codes of events that the register does not know.
        used: &'a UsedCodes,
    },
    /// Public editions of closed periods. Periods are whole years, or whole months.
    Public(&'a Editions),
}

/// Tables that an answer is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TablesUsed {
    /// Those of the store.
    Store,
    /// Public tables of whole years.
    Years,
    /// Public tables of months.
    Months,
}

impl TablesUsed {
    /// Every kind of tables.
    pub const ALL: [Self; 3] = [Self::Store, Self::Years, Self::Months];

    /// Returns the tables of a public answer.
    pub fn public(asked: &Asked<'_>) -> Self {
        match asked.has_months() {
            true => Self::Months,
            false => Self::Years,
        }
    }
}

/// Additional dimension that rows are split by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Split {
    No,
    Kinds,
    Enti,
}

/// Counts of a row, or of all rows together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct RowCounts {
    pub count: Count,
    /// Counts by kind, in the order of [`KINDS`].
    pub kinds: [Count; 3],
    /// Number of enti of the register with a count.
    pub enti: u64,
    /// Number of codes that the register does not know.
    pub codes: u64,
}

/// Counts of a period.
#[derive(Debug, Default)]
pub(crate) struct PeriodCounts {
    pub rows: BTreeMap<Vec<Label>, RowCounts>,
    pub total: RowCounts,
}

/// Figures of some hours.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct HourCounts {
    /// Distinct visitors of each hour, summed over the hours.
    pub users: Count,
    pub accesses: Count,
    pub service_uses: Count,
}

/// Figures by hour of the day and by band.
#[derive(Debug, Default)]
pub(crate) struct DayCounts {
    pub hours: BTreeMap<String, HourCounts>,
    pub bands: BTreeMap<String, HourCounts>,
    pub all: HourCounts,
}

impl<'a> FigureSource<'a> {
    /// True if counts may be hidden.
    pub fn is_public(self) -> bool {
        matches!(self, Self::Public(_))
    }

    /// Enti that the source is limited to.
    pub fn scope(self) -> Option<&'a [String]> {
        match self {
            Self::Live { scope, .. } => scope,
            Self::Public(_) => None,
        }
    }

    /// Returns the tables of an answer.
    pub fn tables(self, asked: &Asked<'_>) -> TablesUsed {
        match self {
            Self::Live { .. } => TablesUsed::Store,
            Self::Public(_) => TablesUsed::public(asked),
        }
    }

    /// Returns the counts of a period by some dimensions.
    pub async fn counts(
        self,
        question: &Question,
        period: Period,
        by: &[Dimension],
        split: Split,
    ) -> Result<PeriodCounts, NoFigures> {
        match self {
            Self::Public(editions) => {
                let tables = PublicTables::of(editions, period)?;
                Ok(public_counts(question, &tables, by, split))
            }
            Self::Live {
                usage,
                scope,
                known,
                ..
            } => {
                let mut group = by.to_vec();
                group.extend(split.dimension());
                let query = UsageQuery {
                    group: group.clone(),
                    selection: question.selection(period, scope, known),
                    users: question.measure == Measure::Users,
                };
                let rows = usage.counts(&query).await?;
                if rows.len() > ROWS_MAX {
                    return Err(NoFigures::Question(too_many_rows()));
                }
                let mut counts = gathered(rows, &group, question.measure, split);
                if question.measure == Measure::Users {
                    // Users are not additive: a visitor in two groups is one user of the total.
                    let ungrouped = UsageQuery {
                        group: Vec::new(),
                        ..query
                    };
                    let total = usage.counts(&ungrouped).await?;
                    let users = total.first().map_or(0, |row| row.users);
                    counts.total.count = Count::Shown(users);
                }
                Ok(counts)
            }
        }
    }

    /// Returns a warning that names the portals which sent the most events with codes of this
    /// dimension that the register does not know.
    pub async fn unregistered(
        self,
        asked: &Asked<'_>,
        dimension: Dimension,
        codes: u64,
    ) -> Result<Option<Warning>, NoFigures> {
        let Self::Live {
            usage,
            scope,
            known,
            ..
        } = self
        else {
            return Ok(None);
        };
        let of_senders = Question {
            group: vec![Dimension::Ente, Dimension::Portal],
            measure: Measure::Events,
            filters: asked.question.filters.clone(),
            people: asked.question.people,
            ..Question::new(Resource::Usage)
        }
        .of_unregistered(dimension);
        let selection = of_senders.selection(asked.period, scope, known);
        let senders = usage.senders(&selection).await?;
        let named = senders.iter().map(|row| {
            let CodeSender {
                ente,
                portal,
                events,
            } = row;
            format!("{ente}/{portal} ({events} events)")
        });
        let (named, name) = (Vec::from_iter(named).join(", "), dimension.name());
        Ok(Some(Warning {
            code: "unregistered-codes",
            text: format!(
                "{codes} codes are not in the register, and the row `unregistered` sums those of {name}; ente and portal with the most such events: {named}; all of them: {}",
                asked.with(&of_senders)
            ),
        }))
    }

    /// Returns those of some codes that have figures at any time. A code that is no longer used has
    /// zero in later years.
    pub async fn used(
        self,
        asked: &Asked<'_>,
        dimension: Dimension,
        codes: &[&String],
    ) -> Result<BTreeSet<String>, NoFigures> {
        match self {
            Self::Public(editions) => {
                let Some(measure) = asked.question.measure.published() else {
                    return Ok(BTreeSet::new());
                };
                let years = editions.years().unwrap_or_default().into_iter();
                let months = editions.months().unwrap_or_default();
                let closed = years.map(ClosedPeriod::from).chain(months);
                let closed = closed.filter_map(|period| editions.of(period).ok());
                let cells = closed.flat_map(|edition| edition.public.cells(measure, &[dimension]));
                let labels = cells.flat_map(|cell| cell.labels);
                Ok(labels.map(|label| label.text).collect())
            }
            Self::Live {
                usage,
                scope,
                known,
                used,
            } => {
                let filter = CodeFilter {
                    dimension,
                    codes,
                    scope,
                };
                Ok(used.used(usage, known, filter).await?)
            }
        }
    }

    /// Returns the figures of a period by hour and by band.
    pub async fn hours(self, question: &Question, period: Period) -> Result<DayCounts, NoFigures> {
        match self {
            Self::Public(editions) => public_hours(&PublicTables::of(editions, period)?),
            Self::Live {
                usage,
                scope,
                known,
                ..
            } => {
                let selection = question.selection(period, scope, known);
                let mut day = DayCounts::default();
                for row in usage.hours(&selection).await? {
                    day.hours
                        .entry(row.local_hour.to_string())
                        .or_default()
                        .add(&row);
                    day.bands.entry(row.band.clone()).or_default().add(&row);
                    day.all.add(&row);
                }
                Ok(day)
            }
        }
    }
}

impl Split {
    fn dimension(self) -> Option<Dimension> {
        match self {
            Self::No => None,
            Self::Kinds => Some(Dimension::Kind),
            Self::Enti => Some(Dimension::Ente),
        }
    }

    /// Returns the split of a question's rows. The number of enti is not published, and kinds are
    /// not published of months.
    pub fn of(question: &Question, tables: TablesUsed) -> Self {
        let is_of_uses = question.measure == Measure::ServiceUses;
        match question.resource {
            _ if tables == TablesUsed::Months => Self::No,
            Resource::Categories | Resource::Enti if is_of_uses => Self::Kinds,
            Resource::Matrix if question.by_kind && is_of_uses => Self::Kinds,
            Resource::TopServices
                if tables == TablesUsed::Store && question.measure != Measure::Users =>
            {
                Self::Enti
            }
            _ => Self::No,
        }
    }
}

impl RowCounts {
    /// Adds a count to its kind.
    fn add_kind(&mut self, kind: &str, count: Count) {
        if let Some(at) = KINDS.iter().position(|known| *known == kind) {
            self.kinds[at] += count;
        }
    }
}

impl HourCounts {
    fn add(&mut self, row: &HourUsage) {
        self.users += Count::Shown(row.users_hours);
        self.accesses += Count::Shown(row.accesses);
        self.service_uses += Count::Shown(row.service_uses);
    }

    fn of(&mut self, measure: PublicMeasure) -> &mut Count {
        match measure {
            PublicMeasure::Uses => &mut self.service_uses,
            PublicMeasure::Accesses => &mut self.accesses,
            PublicMeasure::UsersOfHours => &mut self.users,
        }
    }
}

fn too_many_rows() -> Problem {
    let names = Dimension::names();
    Problem::parameter(
        "group",
        format!(
            "the answer would have more than {ROWS_MAX} rows: group by less, or narrow it with a filter or a shorter period"
        ),
        &names,
    )
}

fn measured(row: &UsageRow, measure: Measure) -> u64 {
    match measure {
        Measure::ServiceUses => row.service_uses,
        Measure::Accesses => row.accesses,
        Measure::Events => row.events,
        Measure::Users => row.users,
    }
}

/// Adds up the rows of the store. The last label of a split row is that of the split.
fn gathered(
    rows: Vec<UsageRow>,
    group: &[Dimension],
    measure: Measure,
    split: Split,
) -> PeriodCounts {
    let mut counts = PeriodCounts::default();
    for row in rows {
        let number = measured(&row, measure);
        if number == 0 {
            continue;
        }
        let labels = group.iter().zip(row.keys);
        let labels = labels.map(|(dimension, text)| Label::new(*dimension, text));
        let mut labels: Vec<Label> = labels.collect();
        let part = split.dimension().and_then(|_| labels.pop());
        for sum in [&mut counts.total, counts.rows.entry(labels).or_default()] {
            sum.count += Count::Shown(number);
            sum.codes += row.codes;
            match (split, &part) {
                (Split::Kinds, Some(kind)) => sum.add_kind(&kind.text, Count::Shown(number)),
                // The store has one row for each ente.
                (Split::Enti, Some(ente)) if ente.text != UNREGISTERED => sum.enti += 1,
                _ => {}
            }
        }
    }
    counts
}

/// Public tables of a period.
enum PublicTables {
    Year(Arc<PublicYear>),
    /// Months, each with the tables that have it.
    Months(Vec<(u8, Arc<PublicYear>)>),
}

impl PublicTables {
    fn of(editions: &Editions, period: Period) -> Result<Self, NoEdition> {
        let mut months = Vec::new();
        for closed in period.closed().unwrap_or_default() {
            let public = editions.of(closed)?.public;
            match closed.month {
                Some(month) => months.push((month, public)),
                None => return Ok(Self::Year(public)),
            }
        }
        Ok(Self::Months(months))
    }

    /// Returns the cells by these dimensions. Those of several months are added up by the caller.
    fn cells(&self, measure: PublicMeasure, by: &[Dimension]) -> Vec<PublicCell> {
        match self {
            Self::Year(year) => year.cells(measure, by),
            Self::Months(months) => {
                let months = months.iter();
                let cells =
                    months.flat_map(|(month, public)| public.cells_of_month(measure, by, *month));
                cells.collect()
            }
        }
    }
}

/// Reads the published cells. A total is a cell, too: a sum of rows would be hidden with any row.
fn public_counts(
    question: &Question,
    tables: &PublicTables,
    by: &[Dimension],
    split: Split,
) -> PeriodCounts {
    let mut counts = PeriodCounts::default();
    for (labels, count) in public_cells(question, tables, by) {
        counts.rows.entry(labels).or_default().count = count;
    }
    for count in public_cells(question, tables, &[]).into_values() {
        counts.total.count += count;
    }
    if split == Split::Kinds {
        let with_kind = [by, &[Dimension::Kind]].concat();
        for (mut labels, count) in public_cells(question, tables, &with_kind) {
            let kind = labels.pop().map(|label| label.text).unwrap_or_default();
            counts
                .rows
                .entry(labels)
                .or_default()
                .add_kind(&kind, count);
        }
        for (labels, count) in public_cells(question, tables, &[Dimension::Kind]) {
            for kind in &labels {
                counts.total.add_kind(&kind.text, count);
            }
        }
    }
    counts
}

/// Returns the cells by some dimensions, summed over the values of the filters. One published table
/// has both.
fn public_cells(
    question: &Question,
    tables: &PublicTables,
    by: &[Dimension],
) -> BTreeMap<Vec<Label>, Count> {
    let mut cells = BTreeMap::new();
    let Some(measure) = question.measure.published() else {
        return cells;
    };
    let mut all = by.to_vec();
    let filters = question.filters.keys();
    all.extend(filters.filter(|dimension| !by.contains(dimension)));
    for mut cell in tables.cells(measure, &all) {
        let is_wanted = cell.labels.iter().all(|label| {
            let values = question.filters.get(&label.dimension);
            values.is_none_or(|values| values.contains(&label.text))
        });
        if is_wanted {
            cell.labels.truncate(by.len());
            *cells.entry(cell.labels).or_default() += cell.count;
        }
    }
    cells
}

fn public_hours(tables: &PublicTables) -> Result<DayCounts, NoFigures> {
    let mut day = DayCounts::default();
    for measure in [
        PublicMeasure::Uses,
        PublicMeasure::Accesses,
        PublicMeasure::UsersOfHours,
    ] {
        for (dimension, counts) in [
            (Dimension::Hour, &mut day.hours),
            (Dimension::Band, &mut day.bands),
        ] {
            for cell in tables.cells(measure, &[dimension]) {
                for label in cell.labels {
                    *counts.entry(label.text).or_default().of(measure) += cell.count;
                }
            }
        }
        for cell in tables.cells(measure, &[]) {
            *day.all.of(measure) += cell.count;
        }
    }
    Ok(day)
}
