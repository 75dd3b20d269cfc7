//! Generates visits, each with visitor, device, login and country.

use affluenza_event::{Channel, Login};

use crate::agents::{Agents, PersonDevice};
use crate::random::Random;

/// Visits per thousand whose visitor also came in an earlier hour of the day.
const RETURNING_PERMILLE: u64 = 40;

/// Maximum number of visitors per ente and device that may return.
const RECENT_MAX: usize = 16;

/// Countries of people with their weights; `None` if unknown.
const COUNTRIES: [(Option<&str>, u64); 11] = [
    (Some("IT"), 970),
    (None, 8),
    (Some("DE"), 4),
    (Some("US"), 4),
    (Some("FR"), 3),
    (Some("GB"), 3),
    (Some("CH"), 3),
    (Some("ES"), 2),
    (Some("RO"), 1),
    (Some("AL"), 1),
    (Some("NL"), 1),
];

/// Countries of crawlers with their weights.
pub(crate) const BOT_COUNTRIES: [(Option<&str>, u64); 5] = [
    (Some("US"), 70),
    (Some("FR"), 10),
    (Some("DE"), 8),
    (Some("SG"), 7),
    (Some("CN"), 5),
];

/// Logins of people who use a service, with their weights.
const LOGINS: [(Login, u64); 7] = [
    (Login::None, 460),
    (Login::Password, 220),
    (Login::Spid2, 200),
    (Login::Cns, 80),
    (Login::Spid1, 20),
    (Login::Cie, 15),
    (Login::Spid3, 5),
];

/// Logins of people who only look around, with their weights.
const LOGINS_LOOKING: [(Login, u64); 4] = [
    (Login::None, 920),
    (Login::Password, 40),
    (Login::Spid2, 30),
    (Login::Cns, 10),
];

/// Stay of one person at one ente. A visitor has at most one visit per hour.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EnteVisit {
    /// Index of the ente among those with a portal.
    pub ente: u32,
    pub agent: u16,
    /// Random bits of the session token.
    pub session: u64,
    /// Random bits of the visitor token.
    pub visitor: u64,
    pub login: Login,
    pub channel: Channel,
    pub country: Option<&'static str>,
    pub accesses: u8,
}

impl EnteVisit {
    /// Creates a crawler's single request, without tokens and login.
    pub(crate) fn bot(ente: u32, agent: u16, country: Option<&'static str>) -> Self {
        Self {
            ente,
            agent,
            session: 0,
            visitor: 0,
            login: Login::None,
            channel: Channel::Web,
            country,
            accesses: 1,
        }
    }
}

/// A visitor who may return.
#[derive(Debug, Clone, Copy)]
struct RecentVisitor {
    visitor: u64,
    agent: u16,
    country: Option<&'static str>,
}

/// Recent visitors of an ente and device.
#[derive(Debug, Clone, Default)]
struct Recents {
    seen: Moment,
    /// Visitors of earlier hours of the day, who may return.
    earlier: Vec<RecentVisitor>,
    /// Visitors of this hour. They may not return, because a visitor counts once per hour.
    now: Vec<RecentVisitor>,
}

impl Recents {
    /// Moves to the hour `now`. Visitor tokens are valid for one day. The autumn clock change
    /// repeats an hour; both count as one, so visitors of the first do not return in the second.
    fn enter(&mut self, now: Moment, random: &mut Random) {
        if self.seen == now {
            return;
        }
        if self.seen.day != now.day {
            self.earlier.clear();
            self.now.clear();
        }
        self.seen = now;
        while let Some(visitor) = self.now.pop() {
            keep(&mut self.earlier, visitor, random);
        }
    }
}

/// Adds a visitor, or replaces a random one if the list is full.
fn keep(visitors: &mut Vec<RecentVisitor>, visitor: RecentVisitor, random: &mut Random) {
    if visitors.len() < RECENT_MAX {
        visitors.push(visitor);
    } else {
        visitors[random.below(RECENT_MAX as u64) as usize] = visitor;
    }
}

/// Hour of a visit.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Moment {
    /// Day of the year, from 0.
    pub day: u16,
    /// Local hour, 0 to 23.
    pub hour: u8,
}

/// Arrival of a person at the portal of an ente.
pub(crate) struct Arrival {
    pub ente: u32,
    pub device: PersonDevice,
    pub accesses: u8,
    /// True if the person uses a service.
    pub to_use: bool,
}

/// Generator of visits.
pub(crate) struct People {
    random: Random,
    /// Recent visitors by ente and device.
    recent: Vec<Recents>,
}

impl People {
    pub(crate) fn new(enti: usize, random: Random) -> Self {
        Self {
            random,
            recent: vec![Recents::default(); enti * 2],
        }
    }

    /// Creates the visit of a person who arrives.
    pub(crate) fn visit(&mut self, now: Moment, arrival: Arrival, agents: &Agents) -> EnteVisit {
        let Arrival {
            ente,
            device,
            accesses,
            to_use,
        } = arrival;
        let visitor = self.visitor(now, ente, device, agents);
        let random = &mut self.random;
        let logins: &[_] = if to_use { &LOGINS } else { &LOGINS_LOOKING };
        let channel = match device {
            // Clerks work at desktops, and only on behalf of a person who needs a service.
            PersonDevice::Desktop if to_use && random.permille(20) => Channel::Desk,
            PersonDevice::Mobile if random.permille(80) => Channel::App,
            PersonDevice::Desktop | PersonDevice::Mobile => Channel::Web,
        };
        EnteVisit {
            ente,
            agent: visitor.agent,
            session: random.bits(),
            visitor: visitor.visitor,
            login: random.choose(logins).unwrap_or(Login::None),
            channel,
            country: visitor.country,
            accesses,
        }
    }

    /// Returns a new visitor, or one of an earlier hour of the day.
    fn visitor(
        &mut self,
        now: Moment,
        ente: u32,
        device: PersonDevice,
        agents: &Agents,
    ) -> RecentVisitor {
        let random = &mut self.random;
        let recent = &mut self.recent[ente as usize * 2 + device as usize];
        recent.enter(now, random);
        let visitor = if random.permille(RETURNING_PERMILLE) && !recent.earlier.is_empty() {
            let place = random.below(recent.earlier.len() as u64) as usize;
            recent.earlier.swap_remove(place)
        } else {
            RecentVisitor {
                visitor: random.bits(),
                agent: agents.person(device, random),
                country: random.choose(&COUNTRIES).flatten(),
            }
        };
        keep(&mut recent.now, visitor, random);
        visitor
    }
}
