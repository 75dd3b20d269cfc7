//! Generates the events of a slice: assigns its uses to visits, and its visits to times.

use affluenza_classify::hours::LocalHour;
use affluenza_event::Outcome;
use rand::RngExt;

use crate::random::{Random, Seed, Weighted};
use crate::schedule::{HourSlice, Schedule};
use crate::simulation::Counts;
use crate::visits::{EnteVisit, Purpose, Visits};

/// Probability that a further use of an ente in a slice has its own visit.
const OWN_VISIT: f64 = 0.7;

/// Probability that an unsuccessful use was abandoned; otherwise it failed.
const ABANDONED: f64 = 0.7;

/// Limits of the pause between two events of a visit, in milliseconds.
const PAUSE_MS_MIN: u64 = 1_500;
const PAUSE_MS_MAX: u64 = 60_000;

/// An event that is not serialized yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EventDraft {
    /// Milliseconds since the start of the hour.
    pub at_ms: u32,
    /// Index of the visit in the slice.
    pub visit: usize,
    /// Cell of the plan whose service is used or read about.
    pub cell: Option<u32>,
    /// Outcome of a use; `None` for an access.
    pub outcome: Option<Outcome>,
}

/// A use with its visit.
#[derive(Debug, Clone, Copy)]
struct PlannedUse {
    visit: usize,
    cell: u32,
    /// Outcome of an unsuccessful attempt before the use, if any.
    before: Option<Outcome>,
}

/// Generator of slices. Its buffers are reused.
pub(crate) struct SliceGenerator {
    pub schedule: Schedule,
    random: Random,
    generator: Visits,
    /// Portal of the services of each cell of the plan, in ascending order.
    pub portals: Vec<usize>,
    /// Distribution of visits without a use, and of crawlers, over portals; `None` without any.
    visited: Option<Weighted<usize>>,
    uses_left: u64,
    attempts_left: u64,
    /// Cells of the uses of the slice.
    cells: Vec<u32>,
    uses: Vec<PlannedUse>,
    pub visits: Vec<EnteVisit>,
    pub events: Vec<EventDraft>,
}

impl SliceGenerator {
    /// Creates the generator of a stream with the given counts. `portals` has the portal of each
    /// cell of the plan, `visits` the relative number of visits of each portal.
    pub(crate) fn new(
        schedule: Schedule,
        portals: Vec<usize>,
        visits: Vec<f64>,
        counts: Counts,
        seed: Seed,
    ) -> Self {
        Self {
            schedule,
            random: seed.random("uses"),
            generator: Visits::new(visits.len(), seed),
            portals,
            visited: Weighted::new(visits.into_iter().enumerate()),
            uses_left: counts.service_uses,
            attempts_left: counts.attempts,
            cells: Vec::new(),
            uses: Vec::new(),
            visits: Vec::new(),
            events: Vec::new(),
        }
    }

    /// Generates the visits and events of the next slice, the events sorted by time. Returns its
    /// hour; `None` after the last slice.
    pub(crate) fn next(&mut self) -> Option<LocalHour> {
        self.visits.clear();
        self.events.clear();
        self.uses.clear();
        let slice = self.schedule.next_slice(&mut self.cells)?;
        self.visit_for_uses(&slice);
        // The other users only read pages.
        while (self.visits.len() as u64) < slice.users.unwrap_or(0) {
            let Some(portal) = self.draw_portal() else {
                break;
            };
            self.arrive(&slice, portal, Purpose::ReadPages);
        }
        self.uses.sort_by_key(|planned| planned.visit);
        self.set_times(&slice);
        self.crawl(&slice);
        self.events.sort_by_key(|event| event.at_ms);
        Some(slice.local)
    }

    fn draw_portal(&mut self) -> Option<usize> {
        let visited = self.visited.as_ref()?;
        Some(visited.draw(&mut self.random))
    }

    /// Assigns each use to a visit. The first use of an ente has its own visit. A further use has one
    /// by chance, which is less if the users of the slice are few.
    fn visit_for_uses(&mut self, slice: &HourSlice) {
        let cells = std::mem::take(&mut self.cells);
        let enti = cells
            .chunk_by(|a, b| self.portals[*a as usize] == self.portals[*b as usize])
            .count();
        let further = (cells.len() - enti) as f64;
        let spare = slice.users.map(|users| users.saturating_sub(enti as u64));
        let chance = spare.map_or(OWN_VISIT, |spare| {
            OWN_VISIT.min(spare as f64 / further.max(1.0))
        });
        let mut spare = spare.unwrap_or(u64::MAX);
        let mut last_portal = None;
        let mut first_visit = 0;
        for cell in &cells {
            let portal = self.portals[*cell as usize];
            let is_first = last_portal != Some(portal);
            if is_first {
                last_portal = Some(portal);
                first_visit = self.visits.len();
            }
            let has_own = is_first || (spare > 0 && self.random.random_bool(chance));
            let visit = if has_own {
                spare -= u64::from(!is_first);
                self.arrive(slice, portal, Purpose::UseService);
                self.visits.len() - 1
            } else {
                self.random.random_range(first_visit..self.visits.len())
            };
            let before = self.draw_attempt();
            self.uses.push(PlannedUse {
                visit,
                cell: *cell,
                before,
            });
        }
        self.cells = cells;
    }

    /// Draws the unsuccessful attempt before a use, if any. The total is exact, and each use has
    /// the same chance.
    fn draw_attempt(&mut self) -> Option<Outcome> {
        let is_hit = self.random.random_range(0..self.uses_left) < self.attempts_left;
        self.uses_left -= 1;
        is_hit.then(|| {
            self.attempts_left -= 1;
            if self.random.random_bool(ABANDONED) {
                Outcome::Abandoned
            } else {
                Outcome::Failed
            }
        })
    }

    /// Adds a visit. It has an access if the figures have a user for it. Otherwise the person came
    /// in an earlier hour and has only uses now.
    fn arrive(&mut self, slice: &HourSlice, portal: usize, purpose: Purpose) {
        let is_counted = (self.visits.len() as u64) < slice.users.unwrap_or(0);
        let hour = slice.local.hour;
        let class = match is_counted {
            true => self.schedule.draw_visit(hour, &mut self.random),
            false => self.schedule.without_access(&mut self.random),
        };
        let visit = self.generator.person(slice.local, portal, class, purpose);
        self.visits.push(visit);
    }

    /// Assigns a time to every event of every visit.
    fn set_times(&mut self, slice: &HourSlice) {
        let uses = std::mem::take(&mut self.uses);
        let mut rest = &uses[..];
        for visit in 0..self.visits.len() {
            let own = rest.partition_point(|planned| planned.visit == visit);
            let (own, others) = rest.split_at(own);
            rest = others;
            self.set_times_of(visit, own, slice);
        }
        self.uses = uses;
    }

    /// Adds the events of a visit: an access, its uses, each followed by an access to the pages of
    /// the service, and the other accesses.
    fn set_times_of(&mut self, visit: usize, uses: &[PlannedUse], slice: &HourSlice) {
        let mut accesses = self.visits[visit].accesses;
        // A visit with many events starts early enough to fit them in.
        let events = uses.len() as u64 * 2 + u64::from(accesses);
        let length = slice.end_ms - slice.start_ms;
        let stay = (events * PAUSE_MS_MAX / 2).min(length / 2);
        let mut now = slice.start_ms + self.random.random_range(0..(length - stay).max(1));
        let service = uses.first().map(|planned| planned.cell);
        if accesses > 0 {
            accesses -= 1;
            self.add(visit, None, None, &mut now, slice);
        }
        for PlannedUse { cell, before, .. } in uses {
            if before.is_some() {
                self.add(visit, Some(*cell), *before, &mut now, slice);
            }
            let outcome = Some(Outcome::Completed);
            self.add(visit, Some(*cell), outcome, &mut now, slice);
            if accesses > 0 {
                accesses -= 1;
                self.add(visit, Some(*cell), None, &mut now, slice);
            }
        }
        for _ in 0..accesses {
            self.add(visit, service, None, &mut now, slice);
        }
    }

    /// Adds an event at `now`, within the slice, and moves `now` to the next event of the visit.
    fn add(
        &mut self,
        visit: usize,
        cell: Option<u32>,
        outcome: Option<Outcome>,
        now: &mut u64,
        slice: &HourSlice,
    ) {
        self.events.push(EventDraft {
            // An hour has fewer than 2^32 milliseconds.
            at_ms: (*now).min(slice.end_ms - 1) as u32,
            visit,
            cell,
            outcome,
        });
        *now += self.random.random_range(PAUSE_MS_MIN..PAUSE_MS_MAX);
    }

    fn crawl(&mut self, slice: &HourSlice) {
        for _ in 0..slice.bots {
            let Some(portal) = self.draw_portal() else {
                break;
            };
            let mut at_ms = self.random.random_range(slice.start_ms..slice.end_ms);
            self.visits.push(self.generator.crawler(portal));
            self.add(self.visits.len() - 1, None, None, &mut at_ms, slice);
        }
    }
}
