//! Generates the event stream.

use affluenza_event::UnixMillis;
use affluenza_register::Register;
use jiff::civil::date;
use jiff::tz::TimeZone;

use crate::error::SimulationError;
use crate::figures::TargetFigures;
use crate::people::Moment;
use crate::plan::{self, PlanCell, times};
use crate::random::Random;
use crate::record::{EmittingPortal, EventWriter, RecordKey, SimulatedEvent};
use crate::schedule::{Counts, Schedule};
use crate::slice::{Cast, Happening, HappeningKind, Load, Slicer};
use crate::urn::Urn;
use crate::{ATTEMPTS_SHARE, COUNT_MAX, SCALE_MAX};

/// Approximate number of events in a slice.
const SLICE_EVENTS: u64 = 8192;

/// Visits per year that an offered service attracts even without uses.
const VISITS_PER_SERVICE: f64 = 20.0;

/// Options of a stream.
#[derive(Debug, Clone)]
pub struct Options {
    /// Seed of the random numbers. A seed always gives the same bytes.
    pub seed: u64,
    /// Factor for all counts, which are then rounded; 1 for the printed figures.
    pub scale: f64,
    /// Time zone of local hours and of the event times.
    pub zone: TimeZone,
    /// True to add abandoned or failed service uses: 2% on top of the figures, which count
    /// completed uses.
    pub attempts: bool,
    /// True to add accesses by bots: 3% on top of the figures, which count people.
    pub bots: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 1,
            scale: 1.0,
            zone: TimeZone::get("Europe/Rome").expect("the bundled IANA database has Europe/Rome"),
            attempts: true,
            bots: true,
        }
    }
}

/// A serialized event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimulatedRecord {
    /// Time of the event, and timestamp of its Kafka record.
    pub time: UnixMillis,
    /// Key of the Kafka record.
    pub key: RecordKey,
    /// Event as CloudEvents JSON.
    pub json: Vec<u8>,
}

/// A seeded stream of events in time order, as an iterator of [`SimulatedRecord`]s.
/// [`Simulation::next_into`] gives the same events without allocations.
pub struct Simulation {
    counts: Counts,
    schedule: Schedule,
    slicer: Slicer,
    writer: EventWriter,
    cells: Vec<PlanCell>,
    /// Portals by the index of their ente among those with a portal.
    portals: Vec<EmittingPortal>,
    services: Vec<String>,
    urn: Urn,
    /// Segment whose uses are in the urn.
    segment: Option<usize>,
    place: SlicePosition,
    /// Index of the slice's next event.
    next: usize,
}

/// Position of the next slice.
#[derive(Debug, Clone, Copy, Default)]
struct SlicePosition {
    hour: usize,
    part: u64,
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
        let year = figures.year();
        let mut cells = plan::cells(figures, register)?;
        let total: u64 = cells.iter().map(|cell| cell.uses).sum();
        if total as f64 * scale > COUNT_MAX as f64 {
            return Err(SimulationError::BadScale(scale));
        }
        plan::scale(&mut cells, scale);
        let (portals, visits) = portals(register, year, &mut cells, figures.has_accesses())?;
        let schedule = Schedule::new(year, &cells, figures.access.as_ref(), options)?;
        let service_uses = times(total, scale);
        let counts = Counts {
            service_uses,
            attempts: if options.attempts {
                times(service_uses, ATTEMPTS_SHARE)
            } else {
                0
            },
            accesses: schedule.accesses(),
            bot_accesses: schedule.bots.iter().sum(),
        };
        let cast = Cast {
            enti: cells.iter().map(|cell| cell.ente as u32).collect(),
            visits,
            uses: counts.service_uses,
            attempts: counts.attempts,
            desktop_percent: schedule.desktop_percent,
        };
        let ids = format!("ids {:016x}", scale.to_bits());
        Ok(Self {
            slicer: Slicer::new(cast, options.seed, year),
            writer: EventWriter::new(Random::new(options.seed, year, &ids).bits()),
            services: register
                .services()
                .map(|service| service.code().to_owned())
                .collect(),
            urn: Urn::new(&[]),
            segment: None,
            place: SlicePosition::default(),
            next: 0,
            counts,
            schedule,
            cells,
            portals,
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

    /// Writes the next event into `record`, and clears `record` first; `None` at the end.
    pub fn next_into(&mut self, record: &mut Vec<u8>) -> Option<(UnixMillis, RecordKey)> {
        while self.next >= self.slicer.happenings.len() {
            self.fill()?;
        }
        let happening = self.slicer.happenings[self.next];
        self.next += 1;
        Some(self.write(&happening, record))
    }

    fn write(&mut self, happening: &Happening, record: &mut Vec<u8>) -> (UnixMillis, RecordKey) {
        let visit = &self.slicer.visits[happening.visit as usize];
        let (cell, outcome) = match happening.what {
            HappeningKind::Access { cell } => (cell, None),
            HappeningKind::Use { cell, outcome } => (Some(cell), Some(outcome)),
            HappeningKind::Crawl => (None, None),
        };
        let cell = cell.map(|cell| &self.cells[cell as usize]);
        let event = SimulatedEvent {
            at_ms: happening.at_ms,
            portal: &self.portals[visit.ente as usize],
            service: cell.map(|cell| self.services[cell.service].as_str()),
            used: cell.map(|cell| cell.kind).zip(outcome),
            tokens: match happening.what {
                HappeningKind::Crawl => None,
                _ => Some((visit.session, visit.visitor)),
            },
            login: visit.login,
            channel: visit.channel,
            user_agent: self.slicer.agents.text(visit.agent),
            country: visit.country,
        };
        self.writer.write(&event, record)
    }

    /// Generates the next slice, which may be empty; `None` after the last.
    fn fill(&mut self) -> Option<()> {
        let SlicePosition { hour, part } = self.place;
        let now = *self.schedule.hour(hour)?;
        if part == 0 {
            self.writer.enter(&now, &self.schedule.calendar);
            self.open_segment(hour);
        }
        let (users, uses) = (self.schedule.users[hour], self.schedule.uses[hour]);
        let bots = self.schedule.bots[hour];
        let parts = ((users + uses + bots) * 2).div_ceil(SLICE_EVENTS);
        // A slice covers at least a millisecond.
        let parts = parts.clamp(1, 3_600_000);
        let load = Load {
            now: Moment {
                day: now.day,
                hour: now.hour,
            },
            part,
            parts,
            users: of_part(users, part, parts),
            uses: of_part(uses, part, parts),
            bots: of_part(bots, part, parts),
            counted: !self.schedule.bands.is_empty(),
        };
        let band = self.schedule.band_mut(now.hour);
        self.slicer.fill(load, &mut self.urn, band);
        self.next = 0;
        self.place = if part + 1 < parts {
            SlicePosition {
                hour,
                part: part + 1,
            }
        } else {
            SlicePosition {
                hour: hour + 1,
                part: 0,
            }
        };
        Some(())
    }

    /// Loads the uses of the segment into the urn if `hour` is its first.
    fn open_segment(&mut self, hour: usize) {
        let segments = &self.schedule.segments;
        let of = segments.partition_point(|segment| segment.hours.end <= hour);
        if self.segment != Some(of)
            && let Some(segment) = segments.get(of)
        {
            self.segment = Some(of);
            self.urn = Urn::new(&segment.uses);
        }
    }
}

impl Iterator for Simulation {
    type Item = SimulatedRecord;

    fn next(&mut self) -> Option<SimulatedRecord> {
        let mut json = Vec::with_capacity(768);
        let (time, key) = self.next_into(&mut json)?;
        Some(SimulatedRecord { time, key, json })
    }
}

/// Returns the portals of enti with uses or offers, and the number of visits of each. Changes the
/// ente index of each cell to an index of this list.
fn portals(
    register: &Register,
    year: i16,
    cells: &mut [PlanCell],
    with_visits: bool,
) -> Result<(Vec<EmittingPortal>, Vec<f64>), SimulationError> {
    let mut visits = vec![0.0; register.enti().len()];
    for cell in cells.iter() {
        visits[cell.ente] += cell.uses as f64;
    }
    if with_visits {
        for deployment in register.deployments_on(date(year, 12, 31)) {
            let ente = deployment.ente;
            if !register.portals_of(ente).is_empty() {
                visits[ente.index()] += VISITS_PER_SERVICE;
            }
        }
    }
    let mut portals = Vec::new();
    let mut places = vec![0; visits.len()];
    for ente in register.enti().filter(|ente| visits[ente.index()] > 0.0) {
        let portal = register
            .portals_of(ente)
            .first()
            .ok_or_else(|| SimulationError::NoPortal(ente.code().to_owned()))?;
        places[ente.index()] = portals.len();
        portals.push(EmittingPortal {
            ente: ente.code().to_owned(),
            code: portal.code().to_owned(),
            source: portal.source().to_owned(),
        });
    }
    for cell in cells {
        cell.ente = places[cell.ente];
    }
    visits.retain(|visits| *visits > 0.0);
    if with_visits && visits.is_empty() {
        return Err(SimulationError::NoVisits(year));
    }
    Ok((portals, visits))
}

/// Returns the share of a part in `count`. The shares of all parts add up to it.
fn of_part(count: u64, part: u64, parts: u64) -> u64 {
    let (count, part, parts) = (u128::from(count), u128::from(part), u128::from(parts));
    (count * (part + 1) / parts - count * part / parts) as u64
}
