use affluenza_classify::hours::Zone;
use affluenza_register::Register;
use affluenza_report::Report;
use affluenza_store::Store;
use affluenza_store::figures::Counted;
use anyhow::{Result, anyhow};

use super::year::Chain;
use crate::args::{self, Clock, Count, Look};
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
        output::print(&result?)
    })
}

/// The tables of a year, compared with another.
pub async fn tables(store: &Store, register: &Register, args: &args::Report) -> Result<String> {
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
    let before = match newest(compared)? {
        Some((_, sealed)) => sealed.figures,
        None => store.figures(compared).await?,
    };
    let report = match newest(year)? {
        Some((seal, sealed)) => {
            // The year before is what was said of it then, whatever was said later.
            let other = (compared != year - 1).then_some((compared, before.of(counted)));
            Report::sealed(seal, &sealed, counted, other, &zone)
                .map_err(|errors| anyhow!("the register of seal {}: {errors}", seal.number))?
        }
        None => {
            let figures = store.year_figures(year, counted).await?;
            let compared = Some((compared, before.of(counted)));
            Report::build(year, counted, &figures, compared, register, &zone)
        }
    };
    Ok(shown(&report, &args.look))
}

fn shown(report: &Report, look: &Look) -> String {
    match look.format {
        args::Format::Json => report.to_json(),
        args::Format::Text => report.to_text(
            match look.lang {
                args::Language::It => affluenza_report::Language::Italian,
                args::Language::En => affluenza_report::Language::English,
            },
            output::width(),
        ),
    }
}
