//! Generates the event stream.

use affluenza_event::{Kind, UnixMillis};
use affluenza_register::{Portal, PortalKind, Register};
use jiff::civil::date;
use serde::Serialize;

use crate::apportion::times;
use crate::error::SimulationError;
use crate::figures::TargetFigures;
use crate::plan::{self, PlanCell};
use crate::random::Seed;
use crate::record::{EventWriter, RecordKey, SimulatedEvent};
use crate::schedule::Schedule;
use crate::slice::{EventDraft, SliceGenerator};
use crate::{COUNT_MAX, SCALE_MAX};

/// Ratio of abandoned and failed service uses to completed ones.
const ATTEMPTS_SHARE: f64 = 0.02;

/// Visits per year that an offered service attracts even without uses.
const VISITS_PER_SERVICE: f64 = 20.0;

/// Options of a stream.
#[derive(Debug, Clone)]
pub struct Options {
    /// Seed of the random numbers. A seed always gives the same bytes.
    pub seed: u64,
    /// Factor for all counts, which are then rounded; 1 for the printed figures.
    pub scale: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 1,
            scale: 1.0,
        }
    }
}

/// Event counts of a whole stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Completed service uses, as in the figures.
    pub service_uses: u64,
    /// Abandoned or failed service uses, in addition to the figures: 2%.
    pub attempts: u64,
    /// Accesses by people.
    pub accesses: u64,
    /// Accesses by bots, in addition to the figures: 3%.
    pub bot_accesses: u64,
}

impl Counts {
    /// Number of all events.
    pub fn total(&self) -> u64 {
        self.service_uses + self.attempts + self.accesses + self.bot_accesses
    }
}

/// Completed uses that a stream has in a month. The field names are the columns of a CSV file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PlannedUses<'s> {
    /// Month of the year, from 1, in the time zone of the figures.
    pub month: usize,
    /// Code of the public body.
    pub ente: &'s str,
    /// Code of the category.
    pub category: &'s str,
    /// Kind of the uses.
    pub kind: Kind,
    /// Code of the service.
    pub service: &'s str,
    /// Number of completed uses, at least 1.
    pub service_uses: u64,
}

/// A seeded stream of events in time order.
pub struct Simulation {
    counts: Counts,
    slices: SliceGenerator,
    writer: EventWriter,
    cells: Vec<PlanCell>,
    portals: Vec<Portal>,
    /// Codes of the register by index.
    services: Vec<String>,
    categories: Vec<String>,
    /// Index of the slice's next event.
    next: usize,
}

impl Simulation {
    /// Creates a stream with the given figures for the enti and services of `register`.
    pub fn new(
        figures: &TargetFigures,
        register: &Register,
        options: &Options,
    ) -> Result<Self, SimulationError> {
        let scale = options.scale;
        if !(scale > 0.0 && scale <= SCALE_MAX) {
            return Err(SimulationError::BadScale(scale));
        }
        let (seed, year) = (options.seed, figures.year());
        let seed = Seed { seed, year };
        if figures.service_uses() as f64 * scale > COUNT_MAX as f64 {
            return Err(SimulationError::BadScale(scale));
        }
        let cells = plan::cells(figures, register, scale)?;
        let visited = visited(register, year, &cells, figures.has_accesses())?;
        let schedule = Schedule::new(&cells, figures.access.as_ref(), scale, seed)?;
        let service_uses = cells.iter().map(|cell| cell.uses).sum();
        let counts = Counts {
            service_uses,
            attempts: times(service_uses, ATTEMPTS_SHARE),
            accesses: schedule.accesses(),
            bot_accesses: schedule.bot_accesses(),
        };
        let portals = cells
            .iter()
            .map(|cell| visited.partition_point(|it| it.ente < cell.key.ente))
            .collect();
        let mut weights: Vec<f64> = visited.iter().map(VisitedEnte::reads_services).collect();
        weights.extend(visited.iter().filter_map(VisitedEnte::reads_civic));
        // Areas of services are first, so that the places of enti are those of their areas.
        let civic = visited.iter().filter_map(|it| it.civic.clone());
        let civic: Vec<Portal> = civic.collect();
        // Streams of different scales in one log have different ids.
        let ids = format!("ids {:016x}", scale.to_bits());
        Ok(Self {
            slices: SliceGenerator::new(schedule, portals, weights, counts, seed),
            writer: EventWriter::new(seed.random(&ids)),
            portals: visited
                .into_iter()
                .map(|it| it.portal)
                .chain(civic)
                .collect(),
            services: register
                .services()
                .map(|service| service.code().to_owned())
                .collect(),
            categories: register
                .categories()
                .map(|category| category.code().to_owned())
                .collect(),
            next: 0,
            counts,
            cells,
        })
    }

    /// Event counts of the whole stream.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Number of events in the whole stream.
    pub fn total(&self) -> u64 {
        self.counts.total()
    }

    /// Completed uses of the whole stream by month, ente, category, kind and service, as the plan
    /// has them before the first event.
    pub fn planned(&self) -> impl Iterator<Item = PlannedUses<'_>> {
        self.cells.iter().enumerate().flat_map(move |(at, cell)| {
            let portal = self.slices.portals[at];
            let months = (1..).zip(self.slices.schedule.uses_by_month(at));
            let used = months.filter(|(_, uses)| *uses > 0);
            used.map(move |(month, service_uses)| PlannedUses {
                month,
                ente: self.portals[portal].ente(),
                category: &self.categories[cell.category],
                kind: cell.key.kind,
                service: &self.services[cell.key.service],
                service_uses,
            })
        })
    }

    /// Writes the next event as CloudEvents JSON into `record`, and clears `record` first. Returns
    /// the time of the event and the key of its Kafka record; `None` at the end.
    pub fn next_into(&mut self, record: &mut Vec<u8>) -> Option<(UnixMillis, RecordKey)> {
        while self.next >= self.slices.events.len() {
            self.writer.enter(&self.slices.next()?);
            self.next = 0;
        }
        let EventDraft {
            at_ms,
            visit,
            cell,
            outcome,
        } = self.slices.events[self.next];
        self.next += 1;
        let visit = &self.slices.visits[visit];
        let cell = cell.map(|cell| &self.cells[cell as usize]);
        let event = SimulatedEvent {
            at_ms,
            portal: &self.portals[visit.portal],
            visit,
            service: cell.map(|cell| self.services[cell.key.service].as_str()),
            kind: cell.filter(|_| outcome.is_some()).map(|cell| cell.key.kind),
            outcome,
        };
        Some(self.writer.write(&event, record))
    }
}

/// An ente with uses or offers, and its portals.
struct VisitedEnte {
    /// Index in the register.
    ente: usize,
    /// Portal with the services: the first one that is no civic network.
    portal: Portal,
    /// The first civic network, if it is another portal.
    civic: Option<Portal>,
    /// Relative number of visits.
    visits: f64,
}

/// Share of the visits without a use that go to the civic network of an ente that has one.
const CIVIC_SHARE: f64 = 0.6;

impl VisitedEnte {
    /// Relative number of visits without a use in the area of services.
    fn reads_services(&self) -> f64 {
        match self.civic {
            Some(_) => self.visits * (1.0 - CIVIC_SHARE),
            None => self.visits,
        }
    }

    /// Relative number of visits to the civic network; `None` without one.
    fn reads_civic(&self) -> Option<f64> {
        self.civic.as_ref().map(|_| self.visits * CIVIC_SHARE)
    }
}

/// Returns the enti that have uses or offers, sorted by index.
fn visited(
    register: &Register,
    year: i16,
    cells: &[PlanCell],
    has_accesses: bool,
) -> Result<Vec<VisitedEnte>, SimulationError> {
    let mut visits = vec![0.0; register.enti().len()];
    for cell in cells {
        visits[cell.key.ente] += cell.uses as f64;
    }
    if has_accesses {
        for deployment in register.deployments_on(date(year, 12, 31)) {
            if !register.portals_of(deployment.ente).is_empty() {
                visits[deployment.ente.index()] += VISITS_PER_SERVICE;
            }
        }
    }
    let mut visited = Vec::new();
    for ente in register.enti().filter(|ente| visits[ente.index()] > 0.0) {
        let portals = register.portals_of(ente);
        let is_civic = |portal: &&Portal| portal.kind() == Some(PortalKind::Civic);
        let civic = portals.iter().find(is_civic);
        let portal = portals.iter().find(|portal| !is_civic(portal)).or(civic);
        let portal = portal.ok_or_else(|| SimulationError::NoPortal(ente.code().to_owned()))?;
        visited.push(VisitedEnte {
            ente: ente.index(),
            portal: portal.clone(),
            civic: civic.filter(|civic| civic.code() != portal.code()).cloned(),
            visits: visits[ente.index()],
        });
    }
    if has_accesses && visited.is_empty() {
        return Err(SimulationError::NoVisits(year));
    }
    Ok(visited)
}
