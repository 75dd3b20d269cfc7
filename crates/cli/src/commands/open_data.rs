use std::path::PathBuf;
use std::sync::Arc;

use affluenza_edition::Editions;
use affluenza_open_data::{Edition, Published};
use affluenza_store::Store;
use anyhow::{Context, Result, bail};
use tokio::sync::watch;

use super::chain::Witness;
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
        let made = async {
            store.check_schema().await?;
            let closed = super::chain::closed_years(&store, &Witness::new(settings, &store)).await;
            let (_keep, closed) = watch::channel(Arc::new(closed));
            let editions = Editions::new(store, settings.serve.small_count, closed);
            if !editions.years(args.year).await?.contains(&args.year) {
                bail!("no data for {}: nothing to publish", args.year);
            }
            Ok::<_, anyhow::Error>(editions.year(args.year).await?)
        };
        let made = made.await;
        platform.close().await?;
        let year = made?;
        let modified = match &year.closed_at {
            Some(at) => at
                .parse::<jiff::Timestamp>()?
                .in_tz(super::report::ZONE)?
                .date(),
            None => today,
        };
        let published = Published {
            public: &year.public,
            modified,
        };
        let edition = Edition::build(&[published], &register, &publisher);
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
