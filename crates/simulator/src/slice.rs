//! A stretch of an hour: who comes, what they do, in the order of time.
//!
//! A slice holds so few events that memory stays small whatever the scale; each visit lies
//! within one.

use affluenza_event::Outcome;

use crate::agents::{Agents, Device};
use crate::people::{BOT_COUNTRIES, Moment, People, Visit};
use crate::random::{Random, Weighted};
use crate::schedule::Band;
use crate::urn::Urn;

/// Of uses after the first of an ente in a slice, how many in a thousand belong to a visit
/// that has used something already.
const SAME_VISIT_PERMILLE: u64 = 300;

/// Of attempts without success, how many in a thousand were abandoned rather than failed.
const ABANDONED_PERMILLE: u64 = 700;

/// Longest pause between two events of a visit, in milliseconds.
const PAUSE_MS_MAX: u64 = 60_000;

/// Length of an hour, in milliseconds.
const HOUR_MS: u64 = 3_600_000;

/// What is to happen in a slice.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub now: Moment,
    /// The slice is the `part`th of `parts` of its hour.
    pub part: u64,
    pub parts: u64,
    pub users: u64,
    pub uses: u64,
    pub bots: u64,
    /// Whether there are figures of users: without them every use finds a visit.
    pub counted: bool,
}

/// One event, still without its words.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Happening {
    /// Milliseconds since the start of the hour.
    pub at_ms: u32,
    /// Keeps the order of those at the same time.
    order: u32,
    /// Place among the visits of the slice.
    pub visit: u32,
    pub what: What,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum What {
    /// An access; to a service's pages where a cell of the plan is named.
    Access { cell: Option<u32> },
    /// A use of the service of a cell of the plan.
    Use { cell: u32, outcome: Outcome },
    /// An access by a bot.
    Crawl,
}

/// A use that has found its visit.
#[derive(Debug, Clone, Copy)]
struct Seated {
    visit: u32,
    cell: u32,
    /// An attempt that came before it.
    before: Option<Outcome>,
}

/// Draws the content of slices. Buffers are kept from one to the next.
pub(crate) struct Slicer {
    pub agents: Agents,
    people: People,
    random: Random,
    random_bots: Random,
    /// Ente of each cell.
    enti: Vec<u32>,
    /// How enti share visits without a use, and crawlers.
    visited: Weighted,
    uses_left: u64,
    attempts_left: u64,
    desktop_permille: u64,
    /// Of each ente in this slice.
    seats: Vec<Seat>,
    /// How many enti wait for their first visit.
    waiting: u64,
    seated: Vec<Seated>,
    drawn: Vec<u32>,
    pub visits: Vec<Visit>,
    pub happenings: Vec<Happening>,
}

/// Where an ente's uses find a visit.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
enum Seat {
    /// It has no uses.
    #[default]
    None,
    /// It has uses and no visit yet.
    Wanted,
    /// Its last visit.
    Taken(u32),
}

/// What a [`Slicer`] needs to know of the whole stream.
pub(crate) struct Cast {
    /// Ente of each cell.
    pub enti: Vec<u32>,
    /// How often each ente is visited.
    pub visits: Vec<f64>,
    pub uses: u64,
    pub attempts: u64,
    pub desktop_percent: f64,
}

impl Slicer {
    pub(crate) fn new(cast: Cast, stream: &dyn Fn(&str) -> Random) -> Self {
        Self {
            agents: Agents::new(),
            people: People::new(cast.visits.len(), stream("people")),
            random: stream("uses"),
            random_bots: stream("bots"),
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

    /// Fills `visits` and `happenings`, the latter in the order of time.
    pub(crate) fn fill(&mut self, load: Load, uses: &mut Urn, mut band: Option<&mut Band>) {
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

    /// Draws the uses of the slice, and asks for a seat for each of their enti.
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

    /// Finds a visit for a use: a new one, or one that its ente has already.
    fn seat(&mut self, cell: u32, free: &mut u64, now: Moment, band: Option<&mut Band>) {
        let ente = self.enti[cell as usize];
        let same = match self.seats[ente as usize] {
            Seat::Taken(last) => {
                // What the enti still waiting need stays free for them.
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
            // Without a free seat the person came in an hour before: uses but no access now.
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

    /// A visit at random, if it is of `ente`: where there are far more uses than users, they
    /// do not all fall to the last.
    fn any_visit(&mut self, ente: u32) -> Option<u32> {
        let visit = self.random.below(self.visits.len() as u64);
        let found = self.visits.get(visit as usize)?;
        (found.ente == ente).then_some(visit as u32)
    }

    /// Whether an attempt without success came before a use: as many in all as there should
    /// be, each use with the same chance.
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

    /// A new visit; its device and accesses come from the band, if it has any left.
    fn come(&mut self, now: Moment, ente: u32, band: Option<&mut Band>, to_use: bool) {
        let drawn = band.and_then(|band| band.visits.draw(&mut self.random));
        let (desktop, accesses) = drawn
            .map(Band::visit)
            .unwrap_or_else(|| (self.random.permille(self.desktop_permille), 0));
        let device = if desktop {
            Device::Desktop
        } else {
            Device::Mobile
        };
        let what = (accesses, to_use);
        let visit = self.people.visit(now, (ente, device), what, &self.agents);
        self.visits.push(visit);
    }

    /// Gives every event of every visit its time.
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
            // Who has much to do comes early enough to do it.
            let events = uses.len() as u64 * 2 + u64::from(accesses);
            let length = (end - start).min(HOUR_MS);
            let stay = (events * PAUSE_MS_MAX / 2).min(length / 2);
            let mut now = start + self.random.below((length - stay).max(1));
            let mut add = |slicer: &mut Self, what: What| {
                let order = slicer.happenings.len() as u32;
                // An hour has fewer milliseconds than 2^32.
                let at_ms = now.min(end - 1) as u32;
                slicer.happenings.push(Happening {
                    at_ms,
                    order,
                    visit,
                    what,
                });
                now += 1500 + slicer.random.below(PAUSE_MS_MAX - 1500);
            };
            let wanted = self.seated.get(first).filter(|_| first < seated);
            let wanted = wanted.map(|it| it.cell);
            let mut accesses_left = accesses;
            if accesses_left > 0 {
                accesses_left -= 1;
                add(self, What::Access { cell: None });
            }
            for place in uses {
                let Seated { cell, before, .. } = self.seated[place];
                if let Some(outcome) = before {
                    add(self, What::Use { cell, outcome });
                }
                let outcome = Outcome::Completed;
                add(self, What::Use { cell, outcome });
                if accesses_left > 0 {
                    accesses_left -= 1;
                    add(self, What::Access { cell: Some(cell) });
                }
            }
            for _ in 0..accesses_left {
                add(self, What::Access { cell: wanted });
            }
        }
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
            self.visits.push(Visit::bot(ente, agent, country));
            self.happenings.push(Happening {
                at_ms,
                order: self.happenings.len() as u32,
                visit,
                what: What::Crawl,
            });
        }
    }
}
