use std::fs;
use std::io::{self, IsTerminal};

use affluenza_classify::hours::Zone;
use affluenza_print::Separators;
use affluenza_register::{Ente, Register};
use affluenza_report::document::Document;
use affluenza_report::{Language, Question, Report};
use affluenza_store::Store;
use affluenza_store::figures::Counted;
use anyhow::{Context, Result, anyhow, bail};

use super::year::Chain;
use crate::args::{self, Clock, Count, ReportFormat};
use crate::output;
use crate::platform::{Needs, Platform};
use crate::settings::Settings;

/// Zone in which the hours of a year are counted.
pub const ZONE: &str = "Europe/Rome";

pub fn run(settings: &Settings, args: &args::Report) -> Result<()> {
    let register = super::register(settings)?;
    super::with_runtime(async |_stop| {
        let platform = Platform::open(settings, Needs::CLICKHOUSE).await?;
        let store = Store::new(&platform.store);
        let result = tables(&store, &register, args).await;
        platform.close().await?;
        deliver(&result?, args)
    })
}

/// The tables of a year, compared with another.
pub async fn tables(store: &Store, register: &Register, args: &args::Report) -> Result<Report> {
    store.check_schema().await?;
    let zone = Zone::named(ZONE)?;
    let year = args.year;
    let counted = match args.count {
        Count::People => Counted::People,
        Count::All => Counted::All,
    };
    let compared = args.compare.unwrap_or(year - 1);
    let chain = match args.classified {
        Clock::Then => Some(Chain::read(store).await?),
        Clock::Now => None,
    };
    let newest = |year| chain.as_ref().map_or(Ok(None), |chain| chain.newest(year));
    let sealed = newest(year)?;
    let then = sealed.as_ref().map(|(seal, sealed)| {
        let register = sealed.register();
        register.map_err(|errors| anyhow!("the register of seal {}: {errors}", seal.number))
    });
    let then = then.transpose()?;
    let register = then.as_ref().unwrap_or(register);
    let question = Question {
        year,
        counted,
        ente: ente(register, args.ente.as_deref())?,
        register,
        zone: &zone,
    };
    // The year before is what was said of it then, whatever was said later.
    let is_given = sealed.is_some() && compared == year - 1;
    let before = match newest(compared)? {
        _ if is_given => None,
        Some((_, sealed)) => Some(sealed.figures),
        None => Some(store.base_figures(compared).await?),
    };
    let before = before
        .as_ref()
        .map(|figures| (compared, figures.of(counted)));
    let mut report = match &sealed {
        Some((seal, sealed)) => Report::sealed(seal, sealed, &question, before)?,
        None => {
            let figures = store.year_figures(year, counted).await?;
            let sources = super::figures::in_force(store).await?;
            Report::build(&question, &figures, before)?.with_sources(&sources, register)
        }
    };
    if let Some(chain) = &chain {
        report.restatements = chain.notes(year)?;
    }
    Ok(report)
}

/// The registered code of an ente.
fn ente<'r>(register: &'r Register, name: Option<&str>) -> Result<Option<&'r str>> {
    let Some(name) = name else {
        return Ok(None);
    };
    let known = register.ente(name).map(Ente::code);
    known.map(Some).with_context(|| {
        format!("no ente {name:?} in the register: give its code or a name that the register has")
    })
}

pub fn language(typed: args::Language) -> Language {
    match typed {
        args::Language::It => Language::Italian,
        args::Language::En => Language::English,
    }
}

/// What is said in the language.
pub fn say(language: Language, italian: &'static str, english: &'static str) -> &'static str {
    match language {
        Language::Italian => italian,
        Language::English => english,
    }
}

/// Writes the report in the form that was asked for.
pub fn deliver(report: &Report, args: &args::Report) -> Result<()> {
    let language = language(args.lang);
    let width = match args.output {
        None => output::width(),
        Some(_) => usize::from(output::WIDTH_DEFAULT),
    };
    let document = || Document::new(report, language);
    let format = ReportFormat::of(args);
    let bytes = match format {
        ReportFormat::Json => report.to_json().into_bytes(),
        ReportFormat::Text => report.to_text(language, width).into_bytes(),
        ReportFormat::Html => affluenza_print::html(&document())?.into_bytes(),
        ReportFormat::Csv => affluenza_print::csv(&document(), Separators::Comma)?.into_bytes(),
        ReportFormat::CsvIt => affluenza_print::csv(&document(), Separators::Italian)?.into_bytes(),
        ReportFormat::Xlsx => affluenza_print::xlsx(&document())?,
    };
    match &args.output {
        None if format.is_binary() && io::stdout().is_terminal() => {
            bail!("this is nothing for a terminal: name a file with --output")
        }
        None => output::print_bytes(&bytes),
        Some(file) => {
            fs::write(file, &bytes).with_context(|| format!("{} cannot be written", file.display()))
        }
    }
}
