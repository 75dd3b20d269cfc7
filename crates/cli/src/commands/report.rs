use std::error::Error;
use std::fmt;
use std::fs;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use affluenza_disclosure::edition::{NoEdition, Outcome, PublicYear};
use affluenza_register::{Ente, Register};
use affluenza_report::document::{Document, PublicEdition};
use affluenza_report::face::CentreFace;
use affluenza_report::print::Separators;
use affluenza_report::sources::FigureSet;
use affluenza_report::tables::EnteUses;
use affluenza_report::{
    AcceptedLoss, FiguresByEnte, Report, ReportPeriod, ReportRequest, SealNote, SealedYear,
};
use affluenza_store::Store;
use affluenza_store::figures::{Counted, YearFigures};
use anyhow::{Context, Result, anyhow, bail};
use jiff::civil::Date;

use super::chain::{Chain, Witness};
use super::names::ente_then;
use crate::args::{self, Classified, Counting, ReportFormat};
use crate::output;
use crate::platform::Needs;
use crate::settings::Settings;

/// Time zone of publication dates.
pub const ZONE: &str = "Europe/Rome";

pub fn run(settings: &Settings, args: &args::ReportArgs) -> Result<()> {
    if args.public {
        check_public(args)?;
    }
    if args.seal.is_some() && !args.year.is_year() {
        bail!(
            "--seal: only editions of whole years are printed again: give the year of {}",
            args.year
        );
    }
    if args.compare == Some(args.year.year()) {
        bail!(
            "--compare {0}: {0} is the year of the report",
            args.year.year()
        );
    }
    // Refuses wrong files before the figures are read.
    ReportFormat::of(args)?;
    let centre = settings.face()?;
    let register = super::register(settings)?;
    let material = super::with_platform(settings, Needs::CLICKHOUSE, async |platform, _| {
        let store = Store::new(&platform.store);
        let witness = Witness::new(settings, store.admin());
        Material::read(&store, &register, &witness, args).await
    })?;
    let printer = Printer {
        public: match args.public {
            true => Some(material.published(settings.serve.small_count)?),
            false => None,
        },
        uses: EnteUses::default(),
        material: &material,
        centre: &centre,
        args,
    };
    let printer = printer.with_uses();
    match args.every_ente {
        true => printer.every_ente()?,
        false => {
            let format = ReportFormat::of(args)?;
            let ente = args
                .ente
                .as_deref()
                .map(|name| ente_then(&material.register, &register, name))
                .transpose()?;
            let bytes = printer.bytes(ente, &material.figures(), format)?;
            hand_out(&bytes, args, format)?;
        }
    }
    let has_data = args.public || material.has_data();
    match has_data {
        true => Ok(()),
        false => Err(NoFigures(args.year).into()),
    }
}

/// A report that was written, and has no figures.
#[derive(Debug)]
pub struct NoFigures(ReportPeriod);

impl fmt::Display for NoFigures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} has no data, and the report says so", self.0)
    }
}

impl Error for NoFigures {}

/// Builds the report of a year, compared with another year.
pub async fn tables(
    store: &Store,
    register: &Register,
    witness: &Witness,
    args: &args::ReportArgs,
) -> Result<Report> {
    let material = Material::read(store, register, witness, args).await?;
    let ente = args.ente.as_deref();
    let ente = ente.map(|name| ente_then(&material.register, register, name));
    material.report_of(ente.transpose()?, &material.figures(), &material.uses())
}

/// Data for the reports of a year: that of all enti, and that of each ente.
struct Material {
    period: ReportPeriod,
    /// True if the year is closed, and the figures are the present ones.
    of_closed_year: bool,
    counted: Counted,
    /// Register of the closed year, or the present one for an open year.
    register: Register,
    /// All closings of the year, oldest first; empty if present figures are requested.
    closings: Vec<(SealNote, SealedYear)>,
    /// Present figures and figures of other sources, for a year that is not closed.
    present: Option<(YearFigures, Vec<FigureSet>)>,
    /// Accepted losses that may concern the year, if it is not closed.
    losses: Vec<AcceptedLoss>,
    /// Figures of the compared year, unless the closed year contains them.
    before: Option<(i16, YearFigures)>,
    /// Public editions of the year and of the compared year, if closed.
    public: [Option<PublicYear>; 2],
}

impl Material {
    async fn read(
        store: &Store,
        register: &Register,
        witness: &Witness,
        args: &args::ReportArgs,
    ) -> Result<Self> {
        store.admin().check_schema().await?;
        let year = args.year.year();
        let counted = match args.count {
            Counting::People => Counted::People,
            Counting::All => Counted::All,
        };
        let compared = args.compare.unwrap_or(year - 1);
        let period = counted_days(store, register, args.year).await?;
        let same_days = period.in_year(compared);
        if period.has_begun() && same_days.last() >= super::zones::today(register)? {
            bail!(
                "--compare {compared}: {same_days} is not over, and a report compares equal periods"
            );
        }
        let mut chain = Chain::read(store.registers(), witness).await?;
        if let Some(hash) = &args.seal {
            let earlier = chain.until(hash, year, args.public)?;
            earlier.remark.iter().for_each(|remark| output::say(remark));
            chain = earlier.chain;
        }
        let public = match args.public {
            true => [
                Some(chain.newest_edition(year)?),
                chain.newest_edition(compared).ok(),
            ],
            false => [None, None],
        };
        let mut closings = chain.closings(year, counted)?;
        // Only whole years are closed.
        let is_sealed = period.is_year() && matches!(args.classified, Classified::Then);
        let of_closed_year = !is_sealed && !closings.is_empty();
        closings.retain(|_| is_sealed);
        let chain = is_sealed.then_some(chain);
        let (closings, closings_compared) = match closings {
            // A closed year contains the figures of the year before as of its closing.
            of_year if !of_year.is_empty() && compared == year - 1 => (of_year, None),
            of_year => match &chain {
                // A closed year contains the figures of all its days.
                Some(chain) if period.counted_until().is_none() => {
                    (of_year, Some(chain.closings(compared, counted)?))
                }
                _ => (of_year, Some(Vec::new())),
            },
        };
        let before = match closings_compared.map(|mut closings| closings.pop()) {
            None => None,
            Some(Some((_, sealed))) => Some((compared, sealed.figures.of(counted).clone())),
            Some(None) => Some((
                compared,
                store
                    .usage()
                    .compared_figures(same_days.days(), counted)
                    .await?,
            )),
        };
        let mut closings = closings;
        if args.public {
            let mut newest = closings.iter();
            let decided =
                newest.rposition(|(_, sealed)| matches!(sealed.public, Outcome::Edition(_)));
            closings.truncate(decided.map_or(0, |at| at + 1));
        }
        let (register, present) = match closings.last() {
            Some((note, sealed)) => {
                let then = sealed.register();
                let number = note.number;
                let then =
                    then.map_err(|errors| anyhow!("the register of seal {number}: {errors}"));
                (then?, None)
            }
            None => {
                let days = period.days();
                let mut figures = store.usage().figures_of_days(days, counted).await?;
                figures.months_in_doubt = months_in_doubt(store, period).await?;
                let sources = match period.is_year() {
                    true => super::figures::in_force(store.registers(), year).await?,
                    false => Vec::new(),
                };
                (register.clone(), Some((figures, sources)))
            }
        };
        Ok(Self {
            losses: super::accept::losses_of(store.ledger(), year).await?,
            period,
            of_closed_year,
            counted,
            register,
            closings,
            present,
            before,
            public,
        })
    }

    /// Returns the figures of all enti.
    fn figures(&self) -> MaterialFigures<&YearFigures> {
        let closings = self.closings.iter().map(|(_, sealed)| sealed);
        let before = self.before.as_ref();
        let sealed_before = || {
            let newest = closings.clone().next_back()?;
            Some((newest.year - 1, newest.figures_before.of(self.counted)))
        };
        MaterialFigures {
            present: self.present.as_ref().map(|(figures, _)| figures),
            before: before
                .map(|(compared, figures)| (*compared, figures))
                .or_else(sealed_before),
            closings: closings
                .clone()
                .map(|sealed| sealed.figures.of(self.counted))
                .collect(),
        }
    }

    /// True if any ente has figures of the period.
    fn has_data(&self) -> bool {
        let figures = self.figures();
        let own = figures.present.or(figures.closings.last().copied());
        own.is_some_and(|figures| !figures.is_empty())
    }

    /// Returns the published figures, if no count below `small_count` is shown.
    fn published(&self, small_count: u64) -> Result<PublicEdition<'_>> {
        let [year, before] = &self.public;
        let year = year
            .as_ref()
            .ok_or(NoEdition::Open(self.period.year().into()))?;
        if year.small_count() < small_count {
            bail!(
                "{} was closed with counts below {} hidden, and serve.small_count is {small_count}: close it once more with --restate",
                self.period,
                year.small_count()
            );
        }
        let before = before
            .as_ref()
            .filter(|before| before.small_count() >= small_count);
        Ok(PublicEdition {
            small_count: year.small_count(),
            uses: year.uses(),
            uses_before: before.map(PublicYear::uses),
            accesses: year.accesses(),
            // The public edition of a year with closed months lacks late users, whom the seal has.
            has_users: year.users().is_some()
                && self
                    .closings
                    .last()
                    .is_none_or(|(_, sealed)| sealed.published.is_none()),
        })
    }

    /// Returns the uses of all enti.
    fn uses(&self) -> EnteUses {
        let figures = self.figures();
        let own = figures.present.or(figures.closings.last().copied());
        own.map_or_else(EnteUses::default, |figures| {
            EnteUses::of(figures, &self.register)
        })
    }

    /// Builds a report from figures that have at least the rows of the ente, and the uses of all.
    fn report_of(
        &self,
        ente: Option<&str>,
        figures: &MaterialFigures<&YearFigures>,
        uses: &EnteUses,
    ) -> Result<Report> {
        let question = ReportRequest {
            period: self.period,
            counted: self.counted,
            ente,
            register: &self.register,
            zones: &super::zones::of(&self.register, ente),
        };
        let before = figures.before;
        let notes = self.closings.iter().map(|(note, _)| note);
        let closings: Vec<_> = notes.zip(figures.closings.iter().copied()).collect();
        let report = match (figures.present, &self.present) {
            (Some(present), Some((_, sources))) => Report::build(&question, present, before)
                .with_sources(sources, &self.register)
                .with_losses(&self.losses),
            _ => {
                let newest = self.closings.last().zip(closings.last());
                let ((note, sealed), (_, figures)) = newest
                    .with_context(|| format!("{} has neither figures nor a seal", self.period))?;
                Report::sealed(note, sealed, &question, figures, before)
            }
        };
        Ok(Report {
            of_closed_year: self.of_closed_year,
            ..report
                .with_closings(&closings, &question)
                .with_peers(uses, &self.register)
        })
    }
}

/// Returns the days of a period to count: all, or those up to the last full one with data. A day is
/// full if it is over in every zone of the register.
pub async fn counted_days(
    store: &Store,
    register: &Register,
    period: ReportPeriod,
) -> Result<ReportPeriod> {
    let today = super::zones::today(register)?;
    if period.end() < today {
        return Ok(period);
    }
    let yesterday = today.yesterday()?;
    let passed = period.until(yesterday);
    let newest = store.usage().newest_day(passed.days()).await?;
    let newest: Option<Date> = newest.map(|day| day.parse()).transpose()?;
    Ok(period.until(newest.unwrap_or(yesterday)))
}

/// Returns the months in doubt that may have local days of the period: a local day can begin in the
/// UTC month before, or end in the next one.
pub async fn months_in_doubt(store: &Store, period: ReportPeriod) -> Result<Vec<String>> {
    let near = [period.first().yesterday()?, period.last().tomorrow()?];
    let [first, last] = near.map(|day| day.strftime("%Y-%m").to_string());
    let mut months = store.ledger().months_in_doubt_of(period.year()).await?;
    months.retain(|month| (&first..=&last).contains(&month));
    Ok(months)
}

/// Figures of a report.
struct MaterialFigures<F> {
    /// Present figures, for a year that is not closed.
    present: Option<F>,
    /// Figures of the compared year.
    before: Option<(i16, F)>,
    /// Figures of each closing, oldest first.
    closings: Vec<F>,
}

impl<F> MaterialFigures<F> {
    fn map<'m, T>(&'m self, change: impl Fn(&'m F) -> T) -> MaterialFigures<T> {
        let before = self.before.as_ref();
        MaterialFigures {
            present: self.present.as_ref().map(&change),
            before: before.map(|(year, figures)| (*year, change(figures))),
            closings: self.closings.iter().map(&change).collect(),
        }
    }
}

/// Writes the report in the requested format.
pub fn deliver(report: &Report, centre: &CentreFace, args: &args::ReportArgs) -> Result<()> {
    let format = ReportFormat::of(args)?;
    let document = Document::new(report, args.lang).of_centre(centre);
    let bytes = printed(&document, Some(report), format, width(args))?;
    hand_out(&bytes, args, format)
}

/// Checks that the options fit a public edition, which counts people only, in a closed year.
fn check_public(args: &args::ReportArgs) -> Result<()> {
    if args.count == Counting::All {
        bail!("the public edition counts people only: leave --count out");
    }
    if !args.year.is_year() {
        bail!(
            "the public edition is of a closed year: give the year of {}",
            args.year
        );
    }
    if matches!(args.classified, Classified::Now) {
        bail!("the public edition is of the year as it was closed: leave --classified out");
    }
    Ok(())
}

/// Prints the reports of a material.
struct Printer<'m> {
    material: &'m Material,
    /// Published figures, for the public edition.
    public: Option<PublicEdition<'m>>,
    /// Uses of all enti, as the edition shows them.
    uses: EnteUses,
    centre: &'m CentreFace,
    args: &'m args::ReportArgs,
}

impl Printer<'_> {
    fn with_uses(self) -> Self {
        let uses = match &self.public {
            Some(edition) => EnteUses::published(edition.uses, &self.material.register),
            None => self.material.uses(),
        };
        Self { uses, ..self }
    }

    /// Prints the report of all enti or of one, from figures that have at least its rows.
    fn bytes(
        &self,
        ente: Option<&str>,
        figures: &MaterialFigures<&YearFigures>,
        format: ReportFormat,
    ) -> Result<Vec<u8>> {
        let report = self.material.report_of(ente, figures, &self.uses)?;
        let (language, register) = (self.args.lang, &self.material.register);
        let document = match self.public {
            Some(edition) => Document::public(&report, edition, register, language),
            None => Document::new(&report, language),
        };
        let document = document.of_centre(self.centre);
        let report = self.public.is_none().then_some(&report);
        printed(&document, report, format, width(self.args))
    }

    /// Writes a report for each ente of the register into a folder, on all cores. A file has name and
    /// code of the ente.
    fn every_ente(&self) -> Result<()> {
        let folder = self.args.output.as_deref();
        let folder = folder.context("name a folder with --output")?;
        fs::create_dir_all(folder)
            .with_context(|| format!("{} cannot be made a folder", folder.display()))?;
        let format = ReportFormat::of(self.args)?;
        let register = &self.material.register;
        let divided = self.material.figures();
        let divided = divided.map(|figures| FiguresByEnte::new(figures, register));
        let enti: Vec<&Ente> = register.enti().collect();
        let file = |ente: &Ente| folder.join(format.file_name(&ente.file_stem()));
        let bar = output::bar("reports", enti.len() as u64);
        each(&enti, |ente| {
            let own = divided.map(|figures| figures.of(ente.code()));
            write(&file(ente), &self.bytes(Some(ente.code()), &own, format)?)?;
            bar.inc(1);
            Ok(())
        })?;
        bar.finish_and_clear();
        for ente in enti {
            output::print(&format!("{}\n", file(ente).display()))?;
        }
        Ok(())
    }
}

/// Calls `work` for each ente, on as many threads as there are cores. No call begins after an error.
fn each(enti: &[&Ente], work: impl Fn(&Ente) -> Result<()> + Sync) -> Result<()> {
    let next = AtomicUsize::new(0);
    let worker = || {
        while let Some(ente) = enti.get(next.fetch_add(1, Ordering::Relaxed)) {
            work(ente).inspect_err(|_| next.store(enti.len(), Ordering::Relaxed))?;
        }
        Ok(())
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().try_for_each(|worker| {
            worker
                .join()
                .map_err(|_| anyhow!("a thread has panicked"))?
        })
    })
}

fn hand_out(bytes: &[u8], args: &args::ReportArgs, format: ReportFormat) -> Result<()> {
    match &args.output {
        None if format.is_binary() && io::stdout().is_terminal() => {
            bail!("this format is not for a terminal: name a file with --output")
        }
        None => output::print_bytes(bytes),
        Some(file) => write(file, bytes),
    }
}

fn write(file: &Path, bytes: &[u8]) -> Result<()> {
    output::replace(file, bytes).with_context(|| format!("{} cannot be written", file.display()))
}

/// Returns the columns for text output.
fn width(args: &args::ReportArgs) -> usize {
    match args.output {
        None => output::width(),
        Some(_) => usize::from(output::WIDTH_DEFAULT),
    }
}

/// Formats a document; `width` is the number of columns of text. An internal edition in JSON has the
/// figures of the report, too.
fn printed(
    document: &Document,
    report: Option<&Report>,
    format: ReportFormat,
    width: usize,
) -> Result<Vec<u8>> {
    let mut bytes = match format {
        ReportFormat::Json => affluenza_report::print::json(document, report).into_bytes(),
        ReportFormat::Text => document.to_text(width).into_bytes(),
        ReportFormat::Html => affluenza_report::print::html(document)?.into_bytes(),
        ReportFormat::Csv => {
            affluenza_report::print::csv(document, Separators::Comma)?.into_bytes()
        }
        ReportFormat::CsvIt => {
            affluenza_report::print::csv(document, Separators::Italian)?.into_bytes()
        }
        ReportFormat::Pdf => affluenza_report::print::pdf(document)?,
        ReportFormat::Slides => affluenza_report::print::slides(document)?,
        ReportFormat::Xlsx => affluenza_report::print::xlsx(document)?,
        ReportFormat::Ods => affluenza_report::print::ods(document)?,
    };
    // Standard output ends in a line end, and a file has the same bytes.
    if !format.is_binary() && !bytes.ends_with(b"\n") {
        bytes.push(b'\n');
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn every_form_of_text_ends_in_a_line_end() {
        let register = Register::parse("").unwrap();
        let question = ReportRequest {
            period: ReportPeriod::of_year(2017),
            counted: Counted::People,
            ente: None,
            register: &register,
            zones: &[],
        };
        let report = Report::build(&question, &YearFigures::default(), None);
        let document = Document::new(&report, affluenza_words::Language::IT);
        for format in ReportFormat::value_variants() {
            let bytes = printed(&document, Some(&report), *format, 100).unwrap();
            let is_text = std::str::from_utf8(&bytes).is_ok();
            assert_eq!(is_text, !format.is_binary(), "{format:?}");
            assert!(!is_text || bytes.ends_with(b"\n"), "{format:?}");
        }
    }
}
