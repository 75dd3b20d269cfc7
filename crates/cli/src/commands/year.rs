use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use affluenza_disclosure::edition::{ClosedPeriod, Outcome};
use affluenza_kafka::Config as BusConfig;
use affluenza_pipeline::audit::{Audit, AuditPeriod, Finding, audit};
use affluenza_report::{Seal, SealedYear};
use affluenza_store::figures::{Counted, DayRange, Figures, YearFigures};
use affluenza_store::open::OpenFigures;
use affluenza_store::seals::{Placed, SealRow};
use affluenza_store::{Facts, Store};
use anyhow::{Context, Result, bail};
use jiff::{Timestamp, Unit};
use serde::Serialize;

use super::chain::{Chain, Witness};
use super::decide::{decide, has_edition, secret_of};
use super::register_files::RegisterFiles;
use super::rows::Rows;
use crate::args::{CloseOptions, VerifyYear, YearChanges};
use crate::output;
use crate::platform::Needs;
use crate::settings::Settings;

/// Limit of attempts to read figures without new events of their period in between.
const READINGS_MAX: usize = 10;

/// Limit of attempts to add a seal while other `close-year` commands add theirs.
const RACES_MAX: usize = 100;

/// Order to close a year or a month.
pub struct CloseOrder<'o> {
    pub period: ClosedPeriod,
    /// Reason for closing the period again; `None` for the first closing.
    pub restate: Option<&'o str>,
    /// Version of the register, and its text.
    pub register: (&'o str, &'o str),
    /// Counts below this value are suppressed in public.
    pub small_count: u64,
    /// Age, in seconds, from which an unread record is a finding of the audit.
    pub unread_seconds_max: u64,
}

/// Outcome of an order.
pub enum Closing {
    /// A seal was added to the chain.
    Sealed(Seal, SealedYear),
    /// The period is already closed, and no restatement was ordered.
    Before(Seal, SealedYear),
    /// The figures are identical to those of the newest seal.
    Unmoved(Seal),
}

pub fn close(settings: &Settings, period: ClosedPeriod, options: &CloseOptions) -> Result<()> {
    let (register, register_text) = RegisterFiles::configured(settings).sealable()?;
    super::zones::check_over(period, &register)?;
    let order = CloseOrder {
        period,
        restate: options.restate.as_deref(),
        register: (register.version(), &register_text),
        small_count: settings.serve.small_count,
        unread_seconds_max: settings.consume.stuck_seconds,
    };
    let closed = super::with_platform(settings, Needs::BOTH, async |platform, _| {
        let store = Store::new(&platform.store);
        let witness = Witness::new(settings, store.admin());
        close_year(&store, &platform.bus, &witness, &order).await
    })?;
    let (text, seal) = match closed {
        Closing::Before(seal, sealed) => bail!(
            "{period} was closed at {} (seal {}): {} --restate REASON` closes it again",
            sealed.sealed_at,
            seal.number,
            match period.month {
                Some(_) => format!("`affluenza close-month {period}"),
                None => format!(
                    "`affluenza year-changes {period}` lists the figures that moved, `close-year {period}"
                ),
            }
        ),
        Closing::Unmoved(seal) => (
            format!("{period}: nothing has moved since seal {}", seal.number),
            seal,
        ),
        Closing::Sealed(seal, sealed) => (said(&seal, &sealed, order.register.0), seal),
    };
    output::print_as(options.format, &text, &ListedSeal::of(&seal)?)
}

/// A seal as `--format json` shows it.
#[derive(Serialize)]
struct ListedSeal {
    seal: u32,
    /// Year or month, such as `2017-03`.
    period: String,
    sealed_at: String,
    service_uses: u64,
    sha256: String,
    /// Reason of a restatement; empty for the first seal of a period.
    restated: String,
}

impl ListedSeal {
    fn of(seal: &Seal) -> Result<Self> {
        let sealed = seal.open_people()?;
        Ok(Self {
            seal: seal.number,
            period: sealed.period().to_string(),
            sealed_at: sealed.sealed_at.clone(),
            service_uses: sealed.service_uses(),
            sha256: seal.hash.clone(),
            restated: sealed.cause,
        })
    }
}

/// Formats a line about a closed year or month.
pub fn said(seal: &Seal, sealed: &SealedYear, register: &str) -> String {
    let stays = match sealed.public {
        Outcome::Unchanged => {
            "; no new public edition, because it would disclose single uses: what was published before stays, unless serve.small_count was raised since"
        }
        _ => "",
    };
    format!(
        "{} closed: {} service uses, register {register}, seal {}, SHA-256 {}{stays}",
        sealed.period(),
        sealed.service_uses(),
        seal.number,
        seal.hash
    )
}

/// Closes a year or a month. The caller ensures that it is over. A repeated order changes nothing.
pub async fn close_year(
    store: &Store,
    bus: &BusConfig,
    witness: &Witness,
    order: &CloseOrder<'_>,
) -> Result<Closing> {
    let period = order.period;
    let year = period.year;
    store.admin().check_schema().await?;
    if let Some(done) = closed_before(&Chain::read(store.registers(), witness).await?, order)? {
        return Ok(done);
    }
    needs_facts(store.facts(), period).await?;
    let mut audited = super::audit::parse_period(&period.to_string())?;
    audited.unread_seconds_max = order.unread_seconds_max;
    check_balance(&audit(store, bus, &audited).await?, &audited, period)?;
    let (figures, ends) = settled_figures(store, period).await?;
    if figures.all.is_empty() {
        bail!("{period} has no events to close");
    }
    let now = Timestamp::now();
    let mut sealed = SealedYear {
        year,
        month: period.month,
        sealed_at: now.round(Unit::Second)?.to_string(),
        cause: order.restate.unwrap_or_default().to_owned(),
        rules: store.usage().rules_of_days(days_of(period)).await?,
        ends,
        figures,
        published: None,
        figures_before: Figures::default(),
        register: order.register.1.to_owned(),
        sources: match period.month {
            Some(_) => Vec::new(),
            None => super::figures::in_force(store.registers(), year).await?,
        },
        losses: super::accept::losses_of(store.ledger(), period).await?,
        secret: String::new(),
        public: Outcome::Unchanged,
    };
    // A concurrent command may add the next seal of the chain, or close this period, one of its
    // months or the year before.
    for _ in 0..RACES_MAX {
        let chain = Chain::read(store.registers(), witness).await?;
        if let Some(done) = closed_before(&chain, order)? {
            return Ok(done);
        }
        let newest = chain.newest(period)?;
        if let Some((seal, newest)) = &newest
            && newest.figures == sealed.figures
            && newest.sources == sealed.sources
            && newest.register == sealed.register
            && newest.published.is_none()
            && has_edition(newest, order.small_count)
        {
            return Ok(Closing::Unmoved((*seal).clone()));
        }
        if period.month.is_none() {
            sealed.figures_before = match chain.newest(year - 1)? {
                Some((_, sealed)) => sealed.figures,
                None => store.usage().base_figures(year - 1).await?,
            };
            sealed.published = match chain.published(period)? {
                Some(_) => None,
                None => figures_with_months(store, &chain, year).await?,
            };
        }
        sealed.secret = secret_of(&chain, year)?;
        sealed.public = decide(&sealed, order.small_count, &chain)?;
        let seal = sealed.seal(chain.seals().last());
        if store
            .registers()
            .add_seal(&row(&seal, &sealed, now)?)
            .await?
            == Placed::Here
        {
            witness.note(&seal)?;
            return Ok(Closing::Sealed(seal, sealed));
        }
    }
    bail!("{RACES_MAX} other periods were closed meanwhile, and {period} was not: try again")
}

/// Returns the outcome of an order for a closed period without a restatement. Fails for a restatement
/// of an open period, and for a month of a closed year.
fn closed_before(chain: &Chain, order: &CloseOrder<'_>) -> Result<Option<Closing>> {
    let period = order.period;
    if period.month.is_some()
        && let Some((seal, _)) = chain.newest(period.year)?
    {
        bail!(
            "{} is closed, and its months with it (seal {}): late events go into `affluenza close-year {} --restate REASON`",
            period.year,
            seal.number,
            period.year
        );
    }
    match (chain.newest(period)?, order.restate) {
        (Some((seal, sealed)), None) => Ok(Some(Closing::Before(seal.clone(), sealed))),
        (None, Some(_)) => bail!("{period} is not closed yet: close it without --restate"),
        _ => Ok(None),
    }
}

/// Returns the figures for the first public edition of a year with closed months: theirs as they
/// were published, and the present ones of the other months. `None` if no month is closed.
///
/// The public year is the sum of its public months. Otherwise, the difference would be the late
/// events, which may be those of a few people.
pub async fn figures_with_months(
    store: &Store,
    chain: &Chain,
    year: i16,
) -> Result<Option<OpenFigures>> {
    let mut figures: Option<OpenFigures> = None;
    let mut open: Vec<RangeInclusive<u8>> = Vec::new();
    for month in ClosedPeriod::from(year).months() {
        match chain.published(ClosedPeriod::month(year, month))? {
            Some(sealed) => figures.get_or_insert_default().add(sealed.open_figures()),
            None => match open.last_mut() {
                Some(run) if *run.end() + 1 == month => *run = *run.start()..=month,
                _ => open.push(month..=month),
            },
        }
    }
    let Some(mut figures) = figures else {
        return Ok(None);
    };
    for months in open {
        let days = DayRange::of_months(year, months);
        let present = store.usage().figures_of_days(days, Counted::People).await?;
        figures.add(OpenFigures::of_closed(&present));
    }
    Ok(Some(figures))
}

/// Returns the days of a period.
pub fn days_of(period: ClosedPeriod) -> DayRange {
    match period.month {
        Some(month) => DayRange::of_months(period.year, month..=month),
        None => DayRange::of_year(period.year),
    }
}

/// Fails if a finding may concern the period. Other findings are only mentioned.
fn check_balance(audit: &Audit, audited: &AuditPeriod, period: ClosedPeriod) -> Result<()> {
    let (of_period, others): (Vec<&Finding>, Vec<&Finding>) = audit
        .findings
        .iter()
        .partition(|finding| finding.can_concern(&audited.days));
    if !of_period.is_empty() {
        bail!(
            "{} finding(s): the accounts of {period} do not balance, and nothing was closed; `affluenza audit --period {period}` names them and their remedies",
            of_period.len()
        );
    }
    if !others.is_empty() {
        output::say(&format!(
            "{} finding(s) that do not concern {period}: `affluenza audit` names them",
            others.len()
        ));
    }
    Ok(())
}

/// Fails if facts of the period may have expired, because aggregates must be compared with facts.
async fn needs_facts(facts: &Facts, period: ClosedPeriod) -> Result<()> {
    let first = facts.boundary().await?.month;
    let needed = period.months().next().unwrap_or(1);
    if first > u32::from(period.year.unsigned_abs()) * 100 + u32::from(needed) {
        bail!(
            "facts are complete only from {}-{:02} on, and this needs those of the whole of {period}: make the report from the seal or the aggregates",
            first / 100,
            first % 100
        );
    }
    Ok(())
}

fn row(seal: &Seal, sealed: &SealedYear, now: Timestamp) -> Result<SealRow> {
    Ok(SealRow {
        number: seal.number,
        year: seal.year,
        month: seal.month,
        cause: sealed.cause.clone(),
        sealed_at: u32::try_from(now.as_second()).unwrap_or(0),
        content: seal.content.text()?,
        previous: seal.previous.clone(),
        hash: seal.hash.clone(),
    })
}

/// Returns the figures of a period and the log offsets that they cover. Retries if an event of the
/// period arrived in between.
async fn settled_figures(
    store: &Store,
    period: ClosedPeriod,
) -> Result<(Figures, Vec<(String, u32, u64)>)> {
    let days = days_of(period);
    for _ in 0..READINGS_MAX {
        let accounts = store.ledger().partition_accounts().await?;
        let ends: Vec<_> = accounts
            .into_iter()
            .map(|account| (account.stream, account.kafka_partition, account.next_offset))
            .collect();
        let before = store.usage().figures_before(days, &ends).await?;
        let figures = store.usage().figures(days).await?;
        if FigureParts::of(&before) == FigureParts::of(&figures.people) {
            return Ok((figures, ends));
        }
    }
    bail!(
        "events of {period} keep coming in, and nothing was closed: try again when they have been read"
    );
}

pub fn verify(settings: &Settings, args: &VerifyYear) -> Result<()> {
    let chain = super::with_platform(settings, Needs::CLICKHOUSE, async |platform, _| {
        let store = Store::new(&platform.store);
        let witness = Witness::new(settings, store.admin());
        store.admin().check_schema().await?;
        if let Some(reason) = &args.accept_lost {
            Chain::accept_lost(store.registers(), &witness, reason).await?;
        }
        Chain::read(store.registers(), &witness).await
    })?;
    let text = match (args.year, &args.expect) {
        (Some(year), Some(hash)) => expected(&chain, year, hash)?,
        _ => listed(&chain, args.year)?,
    };
    let seals = chain.seals().iter();
    let seals = seals.filter(|seal| args.year.is_none_or(|period| period == seal.period()));
    let seals = seals.map(ListedSeal::of).collect::<Result<Vec<_>>>()?;
    output::print_as(args.format, &text, &seals)
}

/// Compares a hash that the operator holds with the seals of a year or a month.
fn expected(chain: &Chain, year: ClosedPeriod, hash: &str) -> Result<String> {
    let hash = hash.trim().to_ascii_lowercase();
    let Some((newest, _)) = chain.newest(year)? else {
        bail!("{year} is not closed, so no seal has the hash {hash}");
    };
    match chain
        .seals()
        .iter()
        .find(|seal| seal.period() == year && seal.hash == hash)
    {
        Some(seal) if seal.number == newest.number => {
            Ok(format!("{year}: seal {} has this hash", seal.number))
        }
        Some(seal) => Ok(format!(
            "{year}: seal {} has this hash, and seal {} restates it with the hash {}",
            seal.number, newest.number, newest.hash
        )),
        None => bail!(
            "{year}: no seal has the hash {hash}; its newest, seal {}, has {}",
            newest.number,
            newest.hash
        ),
    }
}

/// Lists the seals of a year or a month, or all seals.
fn listed(chain: &Chain, year: Option<ClosedPeriod>) -> Result<String> {
    let mut text = String::new();
    for seal in chain.seals() {
        let sealed = seal.open_people()?;
        if year.is_some_and(|year| year != sealed.period()) {
            continue;
        }
        let uses = sealed.service_uses();
        text.push_str(&format!(
            "seal {}: {} closed at {}, {uses} service uses, SHA-256 {}",
            seal.number,
            sealed.period(),
            sealed.sealed_at,
            seal.hash
        ));
        if !sealed.cause.is_empty() {
            text.push_str(&format!(", restated: {}", sealed.cause));
        }
        text.push('\n');
    }
    match (text.is_empty(), year) {
        (
            true,
            Some(ClosedPeriod {
                year,
                month: Some(_),
            }),
        ) if chain.newest(year)?.is_some() => bail!(
            "{year} is closed, and its months with it: `affluenza verify-year {year}` lists its seals"
        ),
        (true, Some(year)) => {
            let command = if year.month.is_some() {
                "close-month"
            } else {
                "close-year"
            };
            bail!("{year} is not closed: `affluenza {command} {year}` closes it")
        }
        (true, None) => Ok("no year is closed, and no month".to_owned()),
        (false, _) => Ok(format!(
            "{text}{} seal(s), all verified",
            chain.seals().len()
        )),
    }
}

/// Subject of a figure. Names that do not apply are empty.
#[derive(Debug, Default, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct FigurePart<'f> {
    /// `service-uses` by ente, category and kind; `service-uses-of` by service and category;
    /// `accesses` by device.
    figure: &'static str,
    ente: &'f str,
    category: &'f str,
    kind: &'f str,
    service: &'f str,
    device: &'f str,
}

/// Figures that can be derived from facts, by subject.
#[derive(PartialEq, Eq)]
struct FigureParts<'f>(BTreeMap<FigurePart<'f>, u64>);

impl<'f> FigureParts<'f> {
    fn of(figures: &'f YearFigures) -> Self {
        let usage = figures.usage.iter().map(|cell| {
            let part = FigurePart {
                figure: "service-uses",
                ente: &cell.ente,
                category: &cell.category,
                kind: &cell.kind,
                ..FigurePart::default()
            };
            (part, cell.service_uses)
        });
        let services = figures.services.iter().map(|used| {
            let part = FigurePart {
                figure: "service-uses-of",
                category: &used.category,
                service: &used.service,
                ..FigurePart::default()
            };
            (part, used.service_uses)
        });
        let devices = figures.devices.iter().map(|used| {
            let part = FigurePart {
                figure: "accesses",
                device: &used.device,
                ..FigurePart::default()
            };
            (part, used.accesses)
        });
        let parts = usage.chain(services).chain(devices);
        Self(parts.filter(|(_, count)| *count > 0).collect())
    }

    fn get(&self, part: &FigurePart<'_>) -> u64 {
        self.0.get(part).copied().unwrap_or(0)
    }
}

/// Figure that has changed.
#[derive(Serialize)]
struct ChangedFigure<'f> {
    figure: &'static str,
    ente: &'f str,
    category: &'f str,
    kind: &'f str,
    service: &'f str,
    device: &'f str,
    /// Value when the year was closed.
    then: u64,
    now: u64,
    /// Part of the difference caused by another classification of the same events.
    by_classification: i64,
    /// Part of the difference caused by events that were read later or removed.
    by_events: i64,
}

pub fn changes(settings: &Settings, args: &YearChanges) -> Result<()> {
    let year = args.year;
    let (number, figures) =
        super::with_platform(settings, Needs::CLICKHOUSE, async |platform, _| {
            let store = Store::new(&platform.store);
            store.admin().check_schema().await?;
            let chain =
                Chain::read(store.registers(), &Witness::new(settings, store.admin())).await?;
            let (seal, sealed) = chain.newest(year)?.with_context(|| {
                format!("{year} is not closed: `affluenza close-year {year}` closes it")
            })?;
            needs_facts(store.facts(), year.into()).await?;
            let same_events = store
                .usage()
                .figures_before(DayRange::of_year(year), &sealed.ends)
                .await?;
            let now = store
                .usage()
                .figures_of_days(DayRange::of_year(year), Counted::People)
                .await?;
            Ok((seal.number, [sealed.figures.people, same_events, now]))
        })?;
    let figures = figures.each_ref().map(FigureParts::of);
    let mut rows = Rows::to_stdout(args.format);
    let parts: BTreeSet<&FigurePart<'_>> = figures.iter().flat_map(|of| of.0.keys()).collect();
    let mut moved = 0_u64;
    for part in parts {
        let [then, same_events, now] = figures.each_ref().map(|parts| parts.get(part));
        if then == same_events && same_events == now {
            continue;
        }
        moved += 1;
        rows.write(&ChangedFigure {
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
    rows.finish()?;
    output::say(&format!(
        "{moved} figure(s) of {year} have moved since seal {number}"
    ));
    Ok(())
}
