use std::collections::BTreeMap;
use std::io::{self, BufWriter};

use affluenza_edition::{Closed, ClosedYear, ClosedYears};
use affluenza_pipeline::audit::audit;
use affluenza_report::{Seal, SealNote, SealedYear};
use affluenza_store::Store;
use affluenza_store::figures::{Counted, Figures, YearFigures};
use affluenza_store::open::OpenFigures;
use affluenza_store::seals::SealRow;
use anyhow::{Context, Result, bail};
use jiff::{Timestamp, Unit};
use serde::Serialize;

use super::report::ZONE;
use super::rows::Rows;
use crate::args::{CloseYear, VerifyYear, YearChanges};
use crate::output;
use crate::platform::{Needs, Platform};
use crate::settings::Settings;

/// How often figures are read until no event of their year came in between.
const READINGS_MAX: usize = 10;

/// The chain of seals, all of it verified.
pub struct Chain(Vec<Seal>);

impl Chain {
    /// Reads the chain; one that was tampered with is an error.
    pub async fn read(store: &Store) -> Result<Self> {
        let seals: Vec<Seal> = store.seals().await?.into_iter().map(seal).collect();
        let broken = affluenza_report::verify(&seals);
        if let Some(first) = broken.first() {
            bail!(
                "{first}; {} broken seal(s) in all: restore the table sealed_years from a backup",
                broken.len()
            );
        }
        Ok(Self(seals))
    }

    /// The newest seal of a year, and what it holds.
    pub fn newest(&self, year: i16) -> Result<Option<(&Seal, SealedYear)>> {
        let of_year = |seal: &&Seal| seal.year == year.unsigned_abs();
        let newest = self.0.iter().rev().find(of_year);
        newest.map(|seal| Ok((seal, seal.open()?))).transpose()
    }

    /// Every seal of a year with what it holds, the first one first.
    pub fn closings(&self, year: i16) -> Result<Vec<(SealNote, SealedYear)>> {
        let of_year = self
            .0
            .iter()
            .filter(|seal| seal.year == year.unsigned_abs());
        let opened = of_year.map(|seal| {
            let sealed = seal.open()?;
            Ok((SealNote::of(seal, &sealed), sealed))
        });
        opened.collect()
    }
}

/// The closed years as they are published, or why they cannot be.
pub async fn closed_years(store: &Store) -> Closed {
    let read = async || -> Result<ClosedYears> {
        let chain = Chain::read(store).await?;
        let mut years = BTreeMap::new();
        for seal in &chain.0 {
            // The newest seal of a year is the last one.
            let sealed = seal.open()?;
            let closed = ClosedYear {
                seal: seal.number,
                closed_at: sealed.sealed_at,
                figures: OpenFigures::of_closed(&sealed.figures.people),
            };
            years.insert(sealed.year, closed);
        }
        let seals = chain.0.len() as u64;
        Ok(ClosedYears { years, seals })
    };
    read().await.map_err(|error| format!("{error:#}"))
}

fn seal(row: SealRow) -> Seal {
    Seal {
        number: row.number,
        year: row.year,
        content: row.content,
        previous: row.previous,
        hash: row.hash,
    }
}

pub fn close(settings: &Settings, args: &CloseYear) -> Result<()> {
    let (year, now) = (args.year, Timestamp::now());
    if now.in_tz(ZONE)?.year() <= year {
        bail!(
            "{year} is not over in {ZONE}: close it from 1 January {}",
            year.saturating_add(1)
        );
    }
    let (register, register_text) = super::register_and_text(settings)?;
    super::with_runtime(async |_stop| {
        let platform = Platform::open(settings, Needs::BOTH).await?;
        let store = Store::new(&platform.store);
        let closed = async {
            store.check_schema().await?;
            needs_facts(&store, year).await?;
            let chain = Chain::read(&store).await?;
            let newest = chain.newest(year)?;
            match (&newest, &args.restate) {
                (Some((seal, sealed)), None) => bail!(
                    "{year} was closed at {} (seal {}): `affluenza year-changes {year}` lists what has moved, `close-year {year} --restate REASON` closes it anew",
                    sealed.sealed_at,
                    seal.number
                ),
                (None, Some(_)) => bail!("{year} is not closed yet: close it without --restate"),
                _ => {}
            }
            let period = super::audit::parse_period(&year.to_string())?;
            let findings = audit(&store, &platform.bus, &period).await?.findings.len();
            if findings > 0 {
                bail!(
                    "{findings} finding(s): the accounts of {year} do not balance, and nothing was closed; `affluenza audit --period {year}` names them"
                );
            }
            let (figures, ends) = settled_figures(&store, year).await?;
            if figures.all.is_empty() {
                bail!("there is nothing of {year} to close");
            }
            let sources = super::figures::in_force(&store).await?;
            if let Some((seal, sealed)) = &newest
                && sealed.figures == figures
                && sealed.sources == sources
                && sealed.register == register_text
            {
                return Ok(format!("{year}: nothing has moved since seal {}", seal.number));
            }
            let before = match chain.newest(year - 1)? {
                Some((_, sealed)) => sealed.figures,
                None => store.base_figures(year - 1).await?,
            };
            let sealed = SealedYear {
                year,
                sealed_at: now.round(Unit::Second)?.to_string(),
                cause: args.restate.clone().unwrap_or_default(),
                rules: store.rules_of_year(year).await?,
                ends,
                figures,
                figures_before: before,
                register: register_text,
                sources,
            };
            let seal = sealed.seal(chain.0.last());
            store.add_seal(&row(&seal, &sealed, now)).await?;
            // Two that close at once would both be number N: neither chain would hold.
            Chain::read(&store).await?;
            let uses = sealed.service_uses();
            Ok(format!(
                "{year} closed: {uses} service uses, register {}, seal {}, SHA-256 {}",
                register.version(),
                seal.number,
                seal.hash
            ))
        }
        .await;
        platform.close().await?;
        output::print(&closed?)
    })
}

/// Fails when facts of a year may have expired: what they say must be compared with what the
/// aggregates say.
async fn needs_facts(store: &Store, year: i16) -> Result<()> {
    let first = store.boundary().await?.month;
    if first > u32::from(year.unsigned_abs()) * 100 + 1 {
        bail!(
            "facts are sure to be there from {}-{:02} on only, and this needs those of the whole of {year}; its report is made of the seal, or of the aggregates",
            first / 100,
            first % 100
        );
    }
    Ok(())
}

fn row(seal: &Seal, sealed: &SealedYear, now: Timestamp) -> SealRow {
    SealRow {
        number: seal.number,
        year: seal.year,
        cause: sealed.cause.clone(),
        sealed_at: u32::try_from(now.as_second()).unwrap_or(0),
        content: seal.content.clone(),
        previous: seal.previous.clone(),
        hash: seal.hash.clone(),
    }
}

/// Figures of a year, and up to where the log was read for them: no event of the year came in
/// between.
async fn settled_figures(store: &Store, year: i16) -> Result<(Figures, Vec<(String, u32, u64)>)> {
    for _ in 0..READINGS_MAX {
        let accounts = store.partition_accounts().await?;
        let ends: Vec<_> = accounts
            .into_iter()
            .map(|account| (account.stream, account.kafka_partition, account.next_offset))
            .collect();
        let before = store.year_figures_before(year, &ends).await?;
        let figures = store.figures(year).await?;
        if Parts::of(&before) == Parts::of(&figures.people) {
            return Ok((figures, ends));
        }
    }
    bail!(
        "events of {year} keep coming in, and nothing was closed: try again when they have been read"
    );
}

pub fn verify(settings: &Settings, args: &VerifyYear) -> Result<()> {
    super::with_runtime(async |_stop| {
        let platform = Platform::open(settings, Needs::CLICKHOUSE).await?;
        let store = Store::new(&platform.store);
        let verified = async {
            store.check_schema().await?;
            let chain = Chain::read(&store).await?;
            let mut text = String::new();
            for seal in &chain.0 {
                let sealed = seal.open()?;
                if args.year.is_some_and(|year| year != sealed.year) {
                    continue;
                }
                let uses = sealed.service_uses();
                text.push_str(&format!(
                    "seal {}: {} closed at {}, {uses} service uses, SHA-256 {}",
                    seal.number, sealed.year, sealed.sealed_at, seal.hash
                ));
                if !sealed.cause.is_empty() {
                    text.push_str(&format!(", restated: {}", sealed.cause));
                }
                text.push('\n');
            }
            match (text.is_empty(), args.year) {
                (true, Some(year)) => {
                    bail!("{year} is not closed: `affluenza close-year {year}` closes it")
                }
                (true, None) => Ok("no year is closed".to_owned()),
                (false, _) => Ok(format!("{text}{} seal(s), all hold", chain.0.len())),
            }
        }
        .await;
        platform.close().await?;
        output::print(&verified?)
    })
}

/// What a figure is of. Names that do not matter to a figure are empty.
#[derive(Debug, Default, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Part<'f> {
    /// `service-uses` by ente, category and kind, `service-uses-of` a service in a category, or
    /// `accesses` by device.
    figure: &'static str,
    ente: &'f str,
    category: &'f str,
    kind: &'f str,
    service: &'f str,
    device: &'f str,
}

/// The figures that facts can give again, by what they are of.
#[derive(PartialEq, Eq)]
struct Parts<'f>(BTreeMap<Part<'f>, u64>);

impl<'f> Parts<'f> {
    fn of(figures: &'f YearFigures) -> Self {
        let usage = figures.usage.iter().map(|cell| {
            let part = Part {
                figure: "service-uses",
                ente: &cell.ente,
                category: &cell.category,
                kind: &cell.kind,
                ..Part::default()
            };
            (part, cell.service_uses)
        });
        let services = figures.services.iter().map(|used| {
            let part = Part {
                figure: "service-uses-of",
                category: &used.category,
                service: &used.service,
                ..Part::default()
            };
            (part, used.service_uses)
        });
        let devices = figures.devices.iter().map(|used| {
            let part = Part {
                figure: "accesses",
                device: &used.device,
                ..Part::default()
            };
            (part, used.accesses)
        });
        let parts = usage.chain(services).chain(devices);
        Self(parts.filter(|(_, count)| *count > 0).collect())
    }

    fn get(&self, part: &Part<'_>) -> u64 {
        self.0.get(part).copied().unwrap_or(0)
    }
}

/// A figure that is not what it was.
#[derive(Serialize)]
struct Moved<'f> {
    figure: &'static str,
    ente: &'f str,
    category: &'f str,
    kind: &'f str,
    service: &'f str,
    device: &'f str,
    /// When the year was closed.
    then: u64,
    now: u64,
    /// How much of the difference is because the same events are classified otherwise.
    by_classification: i64,
    /// How much is because of events that were read later, or are no longer there.
    by_events: i64,
}

pub fn changes(settings: &Settings, args: &YearChanges) -> Result<()> {
    let year = args.year;
    super::with_runtime(async |_stop| {
        let platform = Platform::open(settings, Needs::CLICKHOUSE).await?;
        let store = Store::new(&platform.store);
        let figures = async {
            store.check_schema().await?;
            let chain = Chain::read(&store).await?;
            let (seal, sealed) = chain.newest(year)?.with_context(|| {
                format!("{year} is not closed: `affluenza close-year {year}` closes it")
            })?;
            needs_facts(&store, year).await?;
            let same_events = store.year_figures_before(year, &sealed.ends).await?;
            let now = store.year_figures(year, Counted::People).await?;
            Ok::<_, anyhow::Error>((seal.number, sealed.figures.people, same_events, now))
        }
        .await;
        platform.close().await?;
        let (number, then, same_events, now) = figures?;
        let (then, same_events, now) = (Parts::of(&then), Parts::of(&same_events), Parts::of(&now));
        let mut rows = Rows::new(args.format, BufWriter::new(io::stdout().lock()));
        let mut parts: Vec<&Part<'_>> = then.0.keys().chain(now.0.keys()).collect();
        parts.extend(same_events.0.keys());
        parts.sort_unstable();
        parts.dedup();
        let mut moved = 0_u64;
        for part in parts {
            let [then, same_events, now] = [&then, &same_events, &now].map(|parts| parts.get(part));
            if then == same_events && same_events == now {
                continue;
            }
            moved += 1;
            rows.write(&Moved {
                figure: part.figure,
                ente: part.ente,
                category: part.category,
                kind: part.kind,
                service: part.service,
                device: part.device,
                then,
                now,
                by_classification: same_events.cast_signed() - then.cast_signed(),
                by_events: now.cast_signed() - same_events.cast_signed(),
            })?;
        }
        rows.flush().context("standard output")?;
        output::say(&format!(
            "{moved} figure(s) of {year} have moved since seal {number}"
        ));
        Ok(())
    })
}
