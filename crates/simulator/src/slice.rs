//! Generates a slice, which is a part of an hour: its visits and their events in time order.
//!
//! A slice has few events, so memory stays small at any scale. Each visit lies within one slice.

use affluenza_event::Outcome;

use crate::agents::{Agents, PersonDevice};
use crate::people::{Arrival, BOT_COUNTRIES, EnteVisit, Moment, People};
use crate::random::{Random, Weighted};
use crate::schedule::HourBand;
use crate::urn::Urn;

/// Uses per thousand, after the first use of an ente in a slice, that belong to a visit with an
/// earlier use.
const SAME_VISIT_PERMILLE: u64 = 300;

/// Abandoned uses per thousand unsuccessful ones; the others failed.
const ABANDONED_PERMILLE: u64 = 700;

/// Maximum pause between two events of a visit, in milliseconds.
const PAUSE_MS_MAX: u64 = 60_000;

/// Length of an hour, in milliseconds.
const HOUR_MS: u64 = 3_600_000;

/// Event counts of a slice.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub now: Moment,
    /// The slice is number `part`, from 0, of the `parts` of its hour.
    pub part: u64,
    pub parts: u64,
    pub users: u64,
    pub uses: u64,
    pub bots: u64,
    /// True if the figures count users. Otherwise every use may have a new visit.
    pub counted: bool,
}

/// An event that is not serialized yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Happening {
    /// Milliseconds since the start of the hour.
    pub at_ms: u32,
    /// Tie-breaker for events at the same time.
    order: u32,
    /// Index of the visit in the slice.
    pub visit: u32,
    pub what: HappeningKind,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum HappeningKind {
    /// An access, to the pages of the service if `cell` is set.
    Access { cell: Option<u32> },
    /// A use of the service of a cell of the plan.
    Use { cell: u32, outcome: Outcome },
    /// An access by a bot.
    Crawl,
}

/// A use with its visit.
#[derive(Debug, Clone, Copy)]
struct Seated {
    visit: u32,
    cell: u32,
    /// Outcome of an unsuccessful attempt before the use, if any.
    before: Option<Outcome>,
}

/// Generator of slices. Its buffers are reused.
pub(crate) struct Slicer {
    pub agents: Agents,
    people: People,
    random: Random,
    random_bots: Random,
    /// Ente of each cell.
    enti: Vec<u32>,
    /// Distribution of visits without a use, and of crawlers, over enti.
    visited: Weighted,
    uses_left: u64,
    attempts_left: u64,
    desktop_permille: u64,
    /// Seat of each ente in this slice.
    seats: Vec<Seat>,
    /// Number of enti that wait for their first visit.
    waiting: u64,
    seated: Vec<Seated>,
    drawn: Vec<u32>,
    pub visits: Vec<EnteVisit>,
    pub happenings: Vec<Happening>,
}

/// Assignment of an ente's uses to a visit.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
enum Seat {
    /// The ente has no uses.
    #[default]
    None,
    /// The ente has uses, but no visit yet.
    Wanted,
    /// Last visit of the ente.
    Taken(u32),
}

/// Facts about the whole stream that a [`Slicer`] needs.
pub(crate) struct Cast {
    /// Ente of each cell.
    pub enti: Vec<u32>,
    /// Relative number of visits of each ente.
    pub visits: Vec<f64>,
    pub uses: u64,
    pub attempts: u64,
    pub desktop_percent: f64,
}

impl Slicer {
    pub(crate) fn new(cast: Cast, seed: u64, year: i16) -> Self {
        Self {
            agents: Agents::new(),
            people: People::new(cast.visits.len(), Random::new(seed, year, "people")),
            random: Random::new(seed, year, "uses"),
            random_bots: Random::new(seed, year, "bots"),
            seats: vec![Seat::None; cast.visits.len()],
            waiting: 0,
            visited: Weighted::new(&cast.visits),
            enti: cast.enti,
            uses_left: cast.uses,
            attempts_left: cast.attempts,
            desktop_permille: (cast.desktop_percent * 10.0) as u64,
            seated: Vec::new(),
            drawn: Vec::new(),
            visits: Vec::new(),
            happenings: Vec::new(),
        }
    }

    /// Generates `visits` and `happenings`, the latter sorted by time.
    pub(crate) fn fill(&mut self, load: Load, uses: &mut Urn, mut band: Option<&mut HourBand>) {
        self.visits.clear();
        self.happenings.clear();
        self.seated.clear();
        self.draw(load.uses, uses);
        let mut free = if load.counted { load.users } else { u64::MAX };
        for place in 0..self.drawn.len() {
            self.seat(self.drawn[place], &mut free, load.now, band.as_deref_mut());
        }
        if load.counted {
            for _ in 0..free {
                let ente = self.visited.draw(&mut self.random) as u32;
                self.come(load.now, ente, band.as_deref_mut(), false);
            }
        }
        self.seated.sort_by_key(|use_| use_.visit);
        self.live_through(load);
        self.crawl(load);
        self.happenings
            .sort_unstable_by_key(|it| (it.at_ms, it.order));
    }

    /// Draws the uses of the slice, and marks their enti as waiting for a visit.
    fn draw(&mut self, count: u64, uses: &mut Urn) {
        self.seats.fill(Seat::None);
        self.waiting = 0;
        self.drawn.clear();
        for _ in 0..count {
            if let Some(cell) = uses.draw(&mut self.random) {
                self.drawn.push(cell as u32);
                let seat = &mut self.seats[self.enti[cell] as usize];
                if *seat == Seat::None {
                    *seat = Seat::Wanted;
                    self.waiting += 1;
                }
            }
        }
    }

    /// Assigns a use to a new visit or to an existing visit of its ente.
    fn seat(&mut self, cell: u32, free: &mut u64, now: Moment, band: Option<&mut HourBand>) {
        let ente = self.enti[cell as usize];
        let same = match self.seats[ente as usize] {
            Seat::Taken(last) => {
                // Visits are reserved for the enti that still wait.
                let full = *free <= self.waiting;
                if full {
                    Some(self.any_visit(ente).unwrap_or(last))
                } else {
                    Some(last).filter(|_| self.random.permille(SAME_VISIT_PERMILLE))
                }
            }
            Seat::None | Seat::Wanted => {
                self.waiting = self.waiting.saturating_sub(1);
                None
            }
        };
        let visit = same.unwrap_or_else(|| {
            let visit = self.visits.len() as u32;
            // Without a free visit, the person came in an earlier hour and has uses but no access
            // now.
            self.come(now, ente, band.filter(|_| *free > 0), true);
            *free = free.saturating_sub(1);
            self.seats[ente as usize] = Seat::Taken(visit);
            visit
        });
        let before = self.attempt();
        self.seated.push(Seated {
            visit,
            cell,
            before,
        });
    }

    /// Draws a random visit, and returns it if it belongs to `ente`. If there are far more uses
    /// than users, this avoids that all uses fall to the last visit.
    fn any_visit(&mut self, ente: u32) -> Option<u32> {
        let visit = self.random.below(self.visits.len() as u64);
        let found = self.visits.get(visit as usize)?;
        (found.ente == ente).then_some(visit as u32)
    }

    /// Draws the unsuccessful attempt before a use, if any. The total is exact, and each use has
    /// the same chance.
    fn attempt(&mut self) -> Option<Outcome> {
        let hit = self.random.below(self.uses_left) < self.attempts_left;
        self.uses_left = self.uses_left.saturating_sub(1);
        hit.then(|| {
            self.attempts_left -= 1;
            if self.random.permille(ABANDONED_PERMILLE) {
                Outcome::Abandoned
            } else {
                Outcome::Failed
            }
        })
    }

    /// Adds a visit. Its device and accesses come from the band, if any are left.
    fn come(&mut self, now: Moment, ente: u32, band: Option<&mut HourBand>, to_use: bool) {
        let drawn = band.and_then(|band| band.visits.draw(&mut self.random));
        let (desktop, accesses) = drawn
            .map(HourBand::visit)
            .unwrap_or_else(|| (self.random.permille(self.desktop_permille), 0));
        let device = if desktop {
            PersonDevice::Desktop
        } else {
            PersonDevice::Mobile
        };
        let arrival = Arrival {
            ente,
            device,
            accesses,
            to_use,
        };
        let visit = self.people.visit(now, arrival, &self.agents);
        self.visits.push(visit);
    }

    /// Assigns a time to every event of every visit.
    fn live_through(&mut self, load: Load) {
        let start = HOUR_MS * load.part / load.parts;
        let end = HOUR_MS * (load.part + 1) / load.parts;
        let mut seated = 0;
        for visit in 0..self.visits.len() as u32 {
            let first = seated;
            while self.seated.get(seated).is_some_and(|it| it.visit == visit) {
                seated += 1;
            }
            let uses = first..seated;
            let accesses = self.visits[visit as usize].accesses;
            // A visit with many events starts early enough to fit them in.
            let events = uses.len() as u64 * 2 + u64::from(accesses);
            let length = (end - start).min(HOUR_MS);
            let stay = (events * PAUSE_MS_MAX / 2).min(length / 2);
            let mut now = start + self.random.below((length - stay).max(1));
            let wanted = self.seated.get(first).filter(|_| first < seated);
            let wanted = wanted.map(|it| it.cell);
            let mut accesses_left = accesses;
            if accesses_left > 0 {
                accesses_left -= 1;
                let what = HappeningKind::Access { cell: None };
                self.happen(visit, what, &mut now, end);
            }
            for place in uses {
                let Seated { cell, before, .. } = self.seated[place];
                if let Some(outcome) = before {
                    let what = HappeningKind::Use { cell, outcome };
                    self.happen(visit, what, &mut now, end);
                }
                let outcome = Outcome::Completed;
                let what = HappeningKind::Use { cell, outcome };
                self.happen(visit, what, &mut now, end);
                if accesses_left > 0 {
                    accesses_left -= 1;
                    let what = HappeningKind::Access { cell: Some(cell) };
                    self.happen(visit, what, &mut now, end);
                }
            }
            for _ in 0..accesses_left {
                let what = HappeningKind::Access { cell: wanted };
                self.happen(visit, what, &mut now, end);
            }
        }
    }

    /// Adds an event at `now`, before `end`, and moves `now` to the next event of the visit.
    fn happen(&mut self, visit: u32, what: HappeningKind, now: &mut u64, end: u64) {
        self.happenings.push(Happening {
            // An hour has fewer than 2^32 milliseconds, so the cast is safe.
            at_ms: (*now).min(end - 1) as u32,
            order: self.happenings.len() as u32,
            visit,
            what,
        });
        *now += 1500 + self.random.below(PAUSE_MS_MAX - 1500);
    }

    fn crawl(&mut self, load: Load) {
        let start = HOUR_MS * load.part / load.parts;
        let end = HOUR_MS * (load.part + 1) / load.parts;
        for _ in 0..load.bots {
            let random = &mut self.random_bots;
            let ente = self.visited.draw(random) as u32;
            let agent = self.agents.bot(random);
            let country = random.choose(&BOT_COUNTRIES).flatten();
            let at_ms = (start + random.below(end - start)) as u32;
            let visit = self.visits.len() as u32;
            self.visits.push(EnteVisit::bot(ente, agent, country));
            self.happenings.push(Happening {
                at_ms,
                order: self.happenings.len() as u32,
                visit,
                what: HappeningKind::Crawl,
            });
        }
    }
}
