//! Visits of people and crawlers, each with visitor, device, login and country.

use affluenza_classify::hours::LocalHour;
use affluenza_event::{Channel, Login};
use rand::RngExt;

use crate::agents::{Agents, PersonDevice};
use crate::random::{Random, Seed, Weighted};

/// Visits per thousand whose visitor also came in an earlier hour of the day.
const RETURNING_PERMILLE: u32 = 40;
/// Maximum number of visitors per ente and device that may return.
const RECENT_MAX: usize = 16;
/// Visits per thousand by phone through an app.
const APP_PERMILLE: u32 = 80;
/// Visits per thousand by desktop, with a use, of a clerk on behalf of a person.
const DESK_PERMILLE: u32 = 20;

/// Countries of people with their weights; `None` if unknown.
#[rustfmt::skip]
const COUNTRIES: [(Option<&str>, u32); 11] = [
    (Some("IT"), 970), (None, 8), (Some("DE"), 4), (Some("US"), 4), (Some("FR"), 3), (Some("GB"), 3),
    (Some("CH"), 3), (Some("ES"), 2), (Some("RO"), 1), (Some("AL"), 1), (Some("NL"), 1),
];

/// Countries of crawlers with their weights.
#[rustfmt::skip]
const BOT_COUNTRIES: [(Option<&str>, u32); 5] = [
    (Some("US"), 70), (Some("FR"), 10), (Some("DE"), 8), (Some("SG"), 7), (Some("CN"), 5),
];

/// Logins of people who use a service, with their weights.
#[rustfmt::skip]
const LOGINS: [(Login, u32); 7] = [
    (Login::None, 460), (Login::Password, 220), (Login::Spid2, 200), (Login::Cns, 80),
    (Login::Spid1, 20), (Login::Cie, 15), (Login::Spid3, 5),
];

/// Logins of people who only read pages, with their weights.
#[rustfmt::skip]
const LOGINS_READING: [(Login, u32); 4] = [
    (Login::None, 920), (Login::Password, 40), (Login::Spid2, 30), (Login::Cns, 10),
];

/// Stay of one person at one ente within one hour, or a single request of a crawler.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EnteVisit {
    /// Index of the portal.
    pub portal: usize,
    pub user_agent: &'static str,
    /// Tokens of a person; crawlers have none.
    pub tokens: Option<VisitTokens>,
    pub login: Login,
    pub channel: Channel,
    pub country: Option<&'static str>,
    pub accesses: u8,
}

/// Random bits of the tokens of a visit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct VisitTokens {
    pub session: u64,
    pub visitor: u64,
}

/// Reason of a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    UseService,
    ReadPages,
}

/// Device and accesses of a visit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct VisitClass {
    pub device: PersonDevice,
    pub accesses: u8,
}

/// A visitor who may return.
#[derive(Debug, Clone, Copy)]
struct RecentVisitor {
    came: LocalHour,
    visitor: u64,
    user_agent: &'static str,
    country: Option<&'static str>,
}

/// Generator of visits.
pub(crate) struct Visits {
    agents: Agents,
    random: Random,
    random_bots: Random,
    countries: Weighted<Option<&'static str>>,
    bot_countries: Weighted<Option<&'static str>>,
    logins: Weighted<Login>,
    logins_reading: Weighted<Login>,
    /// Recent visitors by portal and device.
    recent: Vec<Vec<RecentVisitor>>,
}

impl Visits {
    pub(crate) fn new(portals: usize, seed: Seed) -> Self {
        Self {
            agents: Agents::new(),
            random: seed.random("visits"),
            random_bots: seed.random("bots"),
            countries: Weighted::list(&COUNTRIES),
            bot_countries: Weighted::list(&BOT_COUNTRIES),
            logins: Weighted::list(&LOGINS),
            logins_reading: Weighted::list(&LOGINS_READING),
            recent: vec![Vec::new(); portals * 2],
        }
    }

    /// Creates the visit of a person.
    pub(crate) fn person(
        &mut self,
        now: LocalHour,
        portal: usize,
        class: VisitClass,
        purpose: Purpose,
    ) -> EnteVisit {
        let visitor = self.visitor(now, portal, class.device);
        let random = &mut self.random;
        let channel = match (class.device, purpose) {
            (PersonDevice::Desktop, Purpose::UseService)
                if random.random_ratio(DESK_PERMILLE, 1000) =>
            {
                Channel::Desk
            }
            (PersonDevice::Mobile, _) if random.random_ratio(APP_PERMILLE, 1000) => Channel::App,
            _ => Channel::Web,
        };
        let login = match purpose {
            Purpose::UseService => self.logins.draw(random),
            Purpose::ReadPages => self.logins_reading.draw(random),
        };
        EnteVisit {
            portal,
            user_agent: visitor.user_agent,
            tokens: Some(VisitTokens {
                session: random.random(),
                visitor: visitor.visitor,
            }),
            login,
            channel,
            country: visitor.country,
            accesses: class.accesses,
        }
    }

    /// Creates the request of a crawler.
    pub(crate) fn crawler(&mut self, portal: usize) -> EnteVisit {
        EnteVisit {
            portal,
            user_agent: self.agents.bot(&mut self.random_bots),
            tokens: None,
            login: Login::None,
            channel: Channel::Web,
            country: self.bot_countries.draw(&mut self.random_bots),
            accesses: 1,
        }
    }

    /// Returns a new visitor, or one of an earlier hour of the day. Visitor tokens are valid for
    /// one day, and a visitor counts once an hour. The autumn clock change repeats an hour; both
    /// count as one, so visitors of the first do not return in the second.
    fn visitor(&mut self, now: LocalHour, portal: usize, device: PersonDevice) -> RecentVisitor {
        let random = &mut self.random;
        let recent = &mut self.recent[portal * 2 + device as usize];
        if recent.first().is_some_and(|it| it.came.date != now.date) {
            recent.clear();
        }
        // The oldest visitors are first.
        let may_return = recent.first().is_some_and(|it| it.came.hour < now.hour);
        let mut visitor = if may_return && random.random_ratio(RETURNING_PERMILLE, 1000) {
            recent.remove(0)
        } else {
            RecentVisitor {
                came: now,
                visitor: random.random(),
                user_agent: self.agents.person(device, random),
                country: self.countries.draw(random),
            }
        };
        visitor.came = now;
        if recent.len() < RECENT_MAX {
            recent.push(visitor);
        }
        visitor
    }
}
