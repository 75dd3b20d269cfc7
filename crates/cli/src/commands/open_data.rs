use std::path::PathBuf;
use std::sync::Arc;

use affluenza_disclosure::edition::Editions;
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
    /// Year to publish; it must be closed.
    #[arg(long)]
    pub year: i16,
    /// Folder for the files; created if missing. Files of the same year are replaced.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

pub fn run(settings: &Settings, args: &OpenData) -> Result<()> {
    let publisher = settings.open_data.publisher()?;
    let register = super::register(settings)?;
    let year = super::with_platform(settings, Needs::CLICKHOUSE, async |platform, _| {
        let store = Store::new(&platform.store);
        store.admin().check_schema().await?;
        let closed =
            super::chain::closed_years(store.registers(), &Witness::new(settings, store.admin()))
                .await;
        let (_keep, closed) = watch::channel(Arc::new(closed));
        let editions = Editions::new(settings.serve.small_count, closed);
        Ok(editions.year(args.year)?)
    })?;
    let closed_at: jiff::Timestamp = year.closed_at.parse()?;
    let published = Published {
        public: &year.public,
        modified: closed_at.in_tz(super::report::ZONE)?.date(),
    };
    write(args, &Edition::build(&[published], &register, &publisher))
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
