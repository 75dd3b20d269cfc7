use std::path::PathBuf;
use std::sync::Arc;

use affluenza_disclosure::edition::{Editions, NoEdition, Year};
use affluenza_disclosure::open_data::{Edition, Published};
use affluenza_store::Store;
use anyhow::{Context, Result};
use tokio::sync::watch;

use super::chain::Witness;
use crate::output;
use crate::platform::Needs;
use crate::settings::Settings;

#[derive(Debug, clap::Args)]
pub struct OpenData {
    /// Year to publish; the year, or some of its months, must be closed.
    #[arg(long)]
    pub year: i16,
    /// Folder for the files; created if missing. Files of the same year are replaced.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

pub fn run(settings: &Settings, args: &OpenData) -> Result<()> {
    let publisher = settings.open_data.publisher()?;
    let register = super::register(settings)?;
    let periods = super::with_platform(settings, Needs::CLICKHOUSE, async |platform, _| {
        let store = Store::new(&platform.store);
        store.admin().check_schema().await?;
        let closed =
            super::chain::closed_years(store.registers(), &Witness::new(settings, store.admin()))
                .await;
        let (_keep, closed) = watch::channel(Arc::new(closed));
        let editions = Editions::new(settings.serve.small_count, closed);
        Ok(published(&editions, args.year)?)
    })?;
    let mut published = Vec::new();
    for period in &periods {
        let closed_at: jiff::Timestamp = period.closed_at.parse()?;
        published.push(Published {
            public: &period.public,
            modified: closed_at.in_tz(super::report::ZONE)?.date(),
        });
    }
    write(args, &Edition::build(&published, &register, &publisher))
}

/// Returns the edition of a closed year, or those of the closed months of another.
fn published(editions: &Editions, year: i16) -> Result<Vec<Year>, NoEdition> {
    let mut months = editions.months()?;
    months.retain(|month| month.year == year);
    if months.is_empty() {
        return Ok(vec![editions.year(year)?]);
    }
    months.into_iter().map(|month| editions.of(month)).collect()
}

fn write(args: &OpenData, edition: &Edition) -> Result<()> {
    std::fs::create_dir_all(&args.out)
        .with_context(|| format!("{} cannot be written", args.out.display()))?;
    for file in &edition.files {
        let path = args.out.join(&file.name);
        std::fs::write(&path, &file.bytes)
            .with_context(|| format!("{} cannot be written", path.display()))?;
        output::print(&format!("{}\n", path.display()))?;
    }
    Ok(())
}
