use affluenza_classify::hours::Zone;
use affluenza_register::Register;
use affluenza_report::Report;
use affluenza_store::Store;
use anyhow::Result;

use crate::args::{self, Look};
use crate::output;
use crate::platform::{Needs, Platform};
use crate::settings::Settings;

/// Zone in which the hours of a year are counted.
const ZONE: &str = "Europe/Rome";

pub fn run(settings: &Settings, args: &args::Report) -> Result<()> {
    let register = super::register(settings)?;
    super::with_runtime(async |_stop| {
        let platform = Platform::open(settings, Needs::CLICKHOUSE).await?;
        let store = Store::new(&platform.store);
        let compared = args.compare.unwrap_or(args.year - 1);
        let result = tables(&store, &register, args.year, compared, &args.look).await;
        platform.close().await?;
        output::print(&result?)
    })
}

/// The tables of `year`, compared with `compared`.
pub async fn tables(
    store: &Store,
    register: &Register,
    year: i16,
    compared: i16,
    look: &Look,
) -> Result<String> {
    store.check_schema().await?;
    let figures = store.year_figures(year).await?;
    let before = store.year_figures(compared).await?;
    let zone = Zone::named(ZONE)?;
    let report = Report::build(year, &figures, Some((compared, &before)), register, &zone);
    Ok(match look.format {
        args::Format::Json => report.to_json(),
        args::Format::Text => report.to_text(
            match look.lang {
                args::Language::It => affluenza_report::Language::Italian,
                args::Language::En => affluenza_report::Language::English,
            },
            output::width(),
        ),
    })
}
