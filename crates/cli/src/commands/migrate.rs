use affluenza_bus::Cluster;
use affluenza_store::Store;
use anyhow::Result;

use crate::output;
use crate::platform::{Needs, Platform};
use crate::settings::Settings;

pub fn run(settings: &Settings) -> Result<()> {
    super::with_runtime(async |_stop| {
        let platform = Platform::open(settings, Needs::BOTH).await?;
        let result = prepare(&platform).await;
        platform.close().await?;
        let applied = result?;
        match applied.as_slice() {
            [] => output::print("nothing to do: the schema and the topics are there"),
            names => output::print(&format!("applied: {}", names.join(", "))),
        }
    })
}

/// Creates what is missing: topics, database, tables, views.
pub async fn prepare(platform: &Platform) -> Result<Vec<&'static str>> {
    Cluster::new(&platform.bus)?
        .create_topics(&platform.bus)
        .await?;
    let store = Store::new(&platform.store);
    store.check_server().await?;
    Ok(store.migrate().await?)
}
