use std::collections::{BTreeMap, BTreeSet};

use affluenza_disclosure::edition::Outcome;
use affluenza_kafka::Config as BusConfig;
use affluenza_pipeline::audit::{Audit, AuditPeriod, Finding, audit};
use affluenza_report::{Seal, SealedYear};
use affluenza_store::figures::{Counted, DayRange, Figures, YearFigures};
use affluenza_store::seals::{Placed, SealRow};
use affluenza_store::{Facts, Store};
use anyhow::{Context, Result, bail};
use jiff::{Timestamp, Unit};
use serde::Serialize;

use super::chain::{Chain, Witness};
use super::decide::{decide, has_edition, secret_of};
use super::register_files::RegisterFiles;
use super::rows::Rows;
use crate::args::{CloseYear, VerifyYear, YearChanges};
use crate::output;
use crate::platform::Needs;
use crate::settings::Settings;

/// Limit of attempts to read figures without new events of their year in between.
const READINGS_MAX: usize = 10;

/// Limit of attempts to add a seal while other `close-year` commands add theirs.
const RACES_MAX: usize = 100;

/// Order to close a year.
pub struct CloseOrder<'o> {
    pub year: i16,
    /// Reason for closing the year again; `None` for the first closing.
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
    /// The year is already closed, and no restatement was ordered.
    Before(Seal, SealedYear),
    /// The figures are identical to those of the newest seal.
    Unmoved(Seal),
}

pub fn close(settings: &Settings, args: &CloseYear) -> Result<()> {
    let year = args.year;
    let (register, register_text) = RegisterFiles::configured(settings).sealable()?;
    super::zones::check_over(year, &register)?;
    let order = CloseOrder {
        year,
        restate: args.restate.as_deref(),
        register: (register.version(), &register_text),
        small_count: settings.serve.small_count,
        unread_seconds_max: settings.consume.stuck_seconds,
    };
    let closed = super::with_platform(settings, Needs::BOTH, async |platform, _| {
        let store = Store::new(&platform.store);
        let witness = Witness::new(settings, store.admin());
        close_year(&store, &platform.bus, &witness, &order).await
    })?;
    output::print(&match closed {
        Closing::Before(seal, sealed) => bail!(
            "{year} was closed at {} (seal {}): `affluenza year-changes {year}` lists the figures that moved, `close-year {year} --restate REASON` closes it again",
            sealed.sealed_at,
            seal.number
        ),
        Closing::Unmoved(seal) => format!("{year}: nothing has moved since seal {}", seal.number),
        Closing::Sealed(seal, sealed) => said(&seal, &sealed, order.register.0),
    })
}

/// Formats a line about a closed year.
pub fn said(seal: &Seal, sealed: &SealedYear, register: &str) -> String {
    let stays = match sealed.public {
        Outcome::Unchanged => {
            "; too little has moved for a second public edition, which would disclose single uses: the earlier one stays, and is shown unless serve.small_count was raised since"
        }
        _ => "",
    };
    format!(
        "{} closed: {} service uses, register {register}, seal {}, SHA-256 {}{stays}",
        sealed.year,
        sealed.service_uses(),
        seal.number,
        seal.hash
    )
}

/// Closes a year. The caller ensures that the year is over. A repeated order changes nothing.
pub async fn close_year(
    store: &Store,
    bus: &BusConfig,
    witness: &Witness,
    order: &CloseOrder<'_>,
) -> Result<Closing> {
    let year = order.year;
    store.admin().check_schema().await?;
    needs_facts(store.facts(), year).await?;
    if let Some(done) = closed_before(&Chain::read(store.registers(), witness).await?, order)? {
        return Ok(done);
    }
    let mut period = super::audit::parse_period(&year.to_string())?;
    period.unread_seconds_max = order.unread_seconds_max;
    check_balance(&audit(store, bus, &period).await?, &period, year)?;
    let (figures, ends) = settled_figures(store, year).await?;
    if figures.all.is_empty() {
        bail!("{year} has no events to close");
    }
    let now = Timestamp::now();
    let mut sealed = SealedYear {
        year,
        sealed_at: now.round(Unit::Second)?.to_string(),
        cause: order.restate.unwrap_or_default().to_owned(),
        rules: store.usage().rules_of_year(year).await?,
        ends,
        figures,
        figures_before: Figures::default(),
        register: order.register.1.to_owned(),
        sources: super::figures::in_force(store.registers(), year).await?,
        losses: super::accept::losses_of_year(store.ledger(), year).await?,
        secret: String::new(),
        public: Outcome::Unchanged,
    };
    // A concurrent command may add the next seal of the chain, or close this year or the year
    // before.
    for _ in 0..RACES_MAX {
        let chain = Chain::read(store.registers(), witness).await?;
        if let Some(done) = closed_before(&chain, order)? {
            return Ok(done);
        }
        let newest = chain.newest(year)?;
        if let Some((seal, newest)) = &newest
            && newest.figures == sealed.figures
            && newest.sources == sealed.sources
            && newest.register == sealed.register
            && has_edition(newest, order.small_count)
        {
            return Ok(Closing::Unmoved((*seal).clone()));
        }
        sealed.secret = secret_of(newest.as_ref().map(|(_, sealed)| sealed))?;
        sealed.public = decide(&sealed, order.small_count, &chain.editions(year)?)?;
        sealed.figures_before = match chain.newest(year - 1)? {
            Some((_, sealed)) => sealed.figures,
            None => store.usage().base_figures(year - 1).await?,
        };
        let seal = sealed.seal(chain.seals().last());
        if store
            .registers()
            .add_seal(&row(&seal, &sealed, now))
            .await?
            == Placed::Here
        {
            witness.note(&seal)?;
            return Ok(Closing::Sealed(seal, sealed));
        }
    }
    bail!("{RACES_MAX} other years were closed meanwhile, and {year} was not: try again")
}

/// Returns the outcome of an order for a closed year without a restatement. Fails for a restatement
/// of an open year.
fn closed_before(chain: &Chain, order: &CloseOrder<'_>) -> Result<Option<Closing>> {
    let year = order.year;
    match (chain.newest(year)?, order.restate) {
        (Some((seal, sealed)), None) => Ok(Some(Closing::Before(seal.clone(), sealed))),
        (None, Some(_)) => bail!("{year} is not closed yet: close it without --restate"),
        _ => Ok(None),
    }
}

/// Fails if a finding may concern the year. Other findings are only mentioned.
fn check_balance(audit: &Audit, period: &AuditPeriod, year: i16) -> Result<()> {
    let (of_year, others): (Vec<&Finding>, Vec<&Finding>) = audit
        .findings
        .iter()
        .partition(|finding| finding.can_concern(&period.days));
    if !of_year.is_empty() {
        bail!(
            "{} finding(s): the accounts of {year} do not balance, and nothing was closed; `affluenza audit --period {year}` names them and their remedies",
            of_year.len()
        );
    }
    if !others.is_empty() {
        output::say(&format!(
            "{} finding(s) that do not concern {year}: `affluenza audit` names them",
            others.len()
        ));
    }
    Ok(())
}

/// Fails if facts of the year may have expired, because aggregates must be compared with facts.
async fn needs_facts(facts: &Facts, year: i16) -> Result<()> {
    let first = facts.boundary().await?.month;
    if first > u32::from(year.unsigned_abs()) * 100 + 1 {
        bail!(
            "facts are complete only from {}-{:02} on, and this needs those of the whole of {year}: make the report from the seal or the aggregates",
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

/// Returns the figures of a year and the log offsets that they cover. Retries if an event of the
/// year arrived in between.
async fn settled_figures(store: &Store, year: i16) -> Result<(Figures, Vec<(String, u32, u64)>)> {
    for _ in 0..READINGS_MAX {
        let accounts = store.ledger().partition_accounts().await?;
        let ends: Vec<_> = accounts
            .into_iter()
            .map(|account| (account.stream, account.kafka_partition, account.next_offset))
            .collect();
        let before = store.usage().year_figures_before(year, &ends).await?;
        let figures = store.usage().figures(year).await?;
        if FigureParts::of(&before) == FigureParts::of(&figures.people) {
            return Ok((figures, ends));
        }
    }
    bail!(
        "events of {year} keep coming in, and nothing was closed: try again when they have been read"
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
    output::print(&match (args.year, &args.expect) {
        (Some(year), Some(hash)) => expected(&chain, year, hash)?,
        _ => listed(&chain, args.year)?,
    })
}

/// Compares a hash that the operator holds with the seals of a year.
fn expected(chain: &Chain, year: i16, hash: &str) -> Result<String> {
    let hash = hash.trim().to_ascii_lowercase();
    let Some((newest, _)) = chain.newest(year)? else {
        bail!("{year} is not closed, so no seal has the hash {hash}");
    };
    match chain
        .seals()
        .iter()
        .find(|seal| seal.year == newest.year && seal.hash == hash)
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

/// Lists the seals of a year, or of all years.
fn listed(chain: &Chain, year: Option<i16>) -> Result<String> {
    let mut text = String::new();
    for seal in chain.seals() {
        let sealed = seal.open()?;
        if year.is_some_and(|year| year != sealed.year) {
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
    match (text.is_empty(), year) {
        (true, Some(year)) => {
            bail!("{year} is not closed: `affluenza close-year {year}` closes it")
        }
        (true, None) => Ok("no year is closed".to_owned()),
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
            needs_facts(store.facts(), year).await?;
            let same_events = store
                .usage()
                .year_figures_before(year, &sealed.ends)
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
    rows.flush()?;
    output::say(&format!(
        "{moved} figure(s) of {year} have moved since seal {number}"
    ));
    Ok(())
}
