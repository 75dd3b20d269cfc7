use std::path::PathBuf;

use affluenza_open_data::Edition;
use affluenza_store::Store;
use anyhow::{Context, Result, bail};

use crate::output;
use crate::platform::{Needs, Platform};
use crate::settings::Settings;

#[derive(Debug, clap::Args)]
pub struct OpenData {
    /// Year to publish; it must be over.
    #[arg(long)]
    pub year: i16,
    /// Folder for the files; made if need be. Files of the same year there are replaced.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

pub fn run(settings: &Settings, args: &OpenData) -> Result<()> {
    let publisher = settings.open_data.publisher()?;
    let today = jiff::Timestamp::now().in_tz(super::report::ZONE)?.date();
    if args.year >= today.year() {
        bail!(
            "{} is not over: two editions of one period, a week apart, would give away the few uses of that week; publish {} or earlier",
            args.year,
            today.year() - 1
        );
    }
    let register = super::register(settings)?;
    super::with_runtime(async |_stop| {
        let platform = Platform::open(settings, Needs::CLICKHOUSE).await?;
        let store = Store::new(&platform.store);
        let figures = async {
            store.check_schema().await?;
            store.open_figures(args.year).await
        };
        let figures = figures.await;
        platform.close().await?;
        let figures = figures?;
        if figures.uses.is_empty() && figures.accesses.is_empty() {
            bail!("no data for {}: nothing to publish", args.year);
        }
        let edition = Edition::build(args.year, &figures, &register, &publisher, today);
        write(args, &edition)
    })
}

fn write(args: &OpenData, edition: &Edition) -> Result<()> {
    let of = |what: &std::path::Path| format!("{} cannot be written", what.display());
    std::fs::create_dir_all(&args.out).with_context(|| of(&args.out))?;
    for file in &edition.files {
        let path = args.out.join(&file.name);
        std::fs::write(&path, &file.bytes).with_context(|| of(&path))?;
        output::print(&format!("{}\n", path.display()))?;
    }
    Ok(())
}
