//! Counts a stream from its JSON, like a consumer.

use std::collections::{BTreeMap, HashMap, HashSet};

use affluenza_event::{Activity, Kind, Outcome, UnixMillis};
use affluenza_register::Register;
use affluenza_simulator::Simulation;
use jiff::civil::Date;
use jiff::tz::TimeZone;

pub const REGISTER: &str = include_str!("../../../../deploy/register.toml");

pub fn register() -> Register {
    Register::parse(REGISTER).expect("the example register is well-formed")
}

pub fn rome() -> TimeZone {
    TimeZone::get("Europe/Rome").expect("it is bundled")
}

/// A row of a CSV file, by column.
pub type Row = HashMap<String, String>;

pub fn rows(text: &str) -> Vec<Row> {
    csv::Reader::from_reader(text.as_bytes())
        .deserialize()
        .collect::<Result<_, _>>()
        .expect("the printed table is well-formed")
}

/// Labels of the user agents in the corpus.
pub fn labels() -> HashMap<&'static str, &'static str> {
    [
        include_str!("../../agents/people.tsv"),
        include_str!("../../agents/bots.tsv"),
    ]
    .into_iter()
    .flat_map(|file| file.lines().skip(1))
    .map(|line| {
        let mut fields = line.split('\t');
        let agent = fields.next().expect("a line has fields");
        (agent, fields.next().expect("a line has a class"))
    })
    .collect()
}

/// Counts of a stream. Codes are those of the register.
#[derive(Debug, Default)]
pub struct Recount<'r> {
    pub events: u64,
    /// Completed uses by ente, category and kind.
    pub uses: BTreeMap<(&'r str, &'r str, Kind), u64>,
    /// Completed uses by service.
    pub services: BTreeMap<&'r str, u64>,
    /// Completed uses of services that the ente does not offer on that day, by ente and
    /// category.
    pub not_deployed: BTreeMap<(&'r str, &'r str), u64>,
    pub attempts: u64,
    pub bot_accesses: u64,
    /// Accesses by people, by local hour and label of the user agent.
    pub accesses: BTreeMap<(i8, &'static str), u64>,
    /// Distinct visitors of each hour, by local hour and label of the user agent.
    pub users: BTreeMap<(i8, &'static str), u64>,
    /// Visitors seen in more than one hour.
    pub returned: u64,
    /// Uses in a session with an access in the same hour.
    pub uses_with_access: u64,
    pub in_italy: u64,
    pub session_events_max: u64,
}

impl Recount<'_> {
    pub fn total_uses(&self) -> u64 {
        self.uses.values().sum()
    }

    pub fn uses_where(&self, keep: impl Fn(&str, &str, Kind) -> bool) -> u64 {
        self.uses
            .iter()
            .filter(|((ente, category, kind), _)| keep(ente, category, *kind))
            .map(|(_, count)| count)
            .sum()
    }

    /// Users in hours of the clock, by the label of their user agent.
    pub fn users_where(&self, keep: impl Fn(i8, &str) -> bool) -> u64 {
        let users = self
            .users
            .iter()
            .filter(|((hour, label), _)| keep(*hour, label));
        users.map(|(_, count)| count).sum()
    }

    pub fn total_accesses(&self) -> u64 {
        self.accesses.values().sum()
    }

    pub fn total_users(&self) -> u64 {
        self.users.values().sum()
    }
}

/// Facts about a session within its hour.
struct Session {
    ente: usize,
    visitor: u64,
    agent: String,
    label: &'static str,
    accesses: u64,
    uses: u64,
}

/// State of the current hour.
#[derive(Default)]
struct Hour {
    start: i64,
    of_clock: i8,
    day: Option<Date>,
    sessions: HashMap<u64, Session>,
    users: HashMap<u64, &'static str>,
}

/// Counts a stream and checks the invariants of each event.
pub fn recount(mut simulation: Simulation, register: &Register) -> Recount<'_> {
    let zone = rome();
    let labels = labels();
    let mut counts = Recount::default();
    let mut identities = HashSet::new();
    let mut hour = Hour::default();
    let mut seen_today: HashMap<u64, (i64, usize)> = HashMap::new();
    let mut last = UnixMillis(i64::MIN);
    let mut json = Vec::new();
    let total = simulation.total();
    while let Some((time, key)) = simulation.next_into(&mut json) {
        let event = affluenza_event::parse(&json, time).expect("every event is valid");
        assert_eq!(event.time, time);
        assert!(time >= last, "events are in the order of time");
        last = time;
        counts.events += 1;
        assert!(identities.insert(event.identity), "ids are unique");

        if time.0.div_euclid(3_600_000) != hour.start || counts.events == 1 {
            close(&mut counts, &mut hour);
            hour.start = time.0.div_euclid(3_600_000);
            let instant = jiff::Timestamp::from_millisecond(time.0).expect("a time in a year");
            let local = zone.to_datetime(instant);
            if hour.day != Some(local.date()) {
                hour.day = Some(local.date());
                seen_today.clear();
            }
            hour.of_clock = local.hour();
        }
        let day = hour.day.expect("set with the hour");
        let ente = register.ente(&event.ente).expect("it is registered");
        assert!(register.portal(ente, &event.portal).is_some());
        counts.in_italy += u64::from(event.client.country == "IT");

        let agent = event.client.user_agent.as_deref().unwrap_or_default();
        if event.session == 0 {
            assert_eq!(labels[agent], "bot");
            assert!(matches!(event.activity, Activity::Access(_)));
            assert_eq!(event.visitor, 0);
            assert_eq!(key.as_bytes().len(), 36);
            counts.bot_accesses += 1;
            continue;
        }
        assert_ne!(event.visitor, 0);
        let session = hour
            .sessions
            .entry(event.session)
            .or_insert_with(|| Session {
                ente: ente.index(),
                visitor: event.visitor,
                agent: agent.to_owned(),
                label: labels[agent],
                accesses: 0,
                uses: 0,
            });
        // A session has one visitor, one user agent and one ente.
        assert_eq!(session.ente, ente.index());
        assert_eq!(session.visitor, event.visitor);
        assert_eq!(session.agent, agent);
        assert_ne!(session.label, "bot");
        // A visitor token belongs to one ente and one day.
        let seen = seen_today
            .entry(event.visitor)
            .or_insert((hour.start, ente.index()));
        assert_eq!(seen.1, ente.index());
        if seen.0 != hour.start {
            counts.returned += 1;
            seen.0 = hour.start;
        }
        match event.activity {
            Activity::Access(_) => {
                session.accesses += 1;
                let cell = (hour.of_clock, session.label);
                *counts.accesses.entry(cell).or_default() += 1;
                hour.users.insert(event.visitor, session.label);
            }
            Activity::ServiceUse(_) if event.outcome != Outcome::Completed => counts.attempts += 1,
            Activity::ServiceUse(kind) => {
                session.uses += 1;
                let service = register.service(&event.service).expect("it is registered");
                let is_offered = register.deployed(ente, service, day);
                let (ente, category) = (ente.code(), service.category_on(day).code());
                *counts.uses.entry((ente, category, kind)).or_default() += 1;
                *counts.services.entry(service.code()).or_default() += 1;
                if !is_offered {
                    *counts.not_deployed.entry((ente, category)).or_default() += 1;
                }
            }
        }
    }
    close(&mut counts, &mut hour);
    assert_eq!(counts.events, total, "the total is known beforehand");
    counts
}

fn close(counts: &mut Recount<'_>, hour: &mut Hour) {
    for (_, session) in hour.sessions.drain() {
        if session.accesses > 0 {
            counts.uses_with_access += session.uses;
        }
        counts.session_events_max = counts
            .session_events_max
            .max(session.accesses + session.uses);
    }
    for (_, label) in hour.users.drain() {
        *counts.users.entry((hour.of_clock, label)).or_default() += 1;
    }
}
