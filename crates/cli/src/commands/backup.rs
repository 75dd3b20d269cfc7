//! The database as a backup, and back.
//!
//! Tables are saved one after the other, and the consumers' place in the log goes on: whatever a
//! backup lacks of facts, ledger and aggregates is made of the log again after it was restored.

use std::time::Instant;

use affluenza_bus::Cluster;
use affluenza_pipeline::audit::{Period, audit};
use affluenza_pipeline::{Scope, reconcile};
use affluenza_store::Store;
use affluenza_store::backup::BackupPlace;
use anyhow::{Result, bail};

use crate::args::backup::{Backup, Restore};
use crate::output::{self, say};
use crate::platform::{Needs, Platform};
use crate::settings::Settings;

pub fn backup(settings: &Settings, args: &Backup) -> Result<()> {
    let to = place(settings, &args.name)?;
    let base = args.base.as_ref();
    let base = base.map(|name| place(settings, name)).transpose()?;
    super::with_runtime(async |_stop| {
        let platform = Platform::open(settings, Needs::CLICKHOUSE).await?;
        let began = Instant::now();
        let written = async {
            let store = Store::new(&platform.store);
            store.check_schema().await?;
            Ok::<_, anyhow::Error>(store.backup(&to, base.as_ref()).await?)
        }
        .await;
        platform.close().await?;
        written?;
        let seconds = began.elapsed().as_secs_f64();
        output::print(&format!("backup {} written in {seconds:.1} s", to.name))
    })
}

pub fn restore(settings: &Settings, args: &Restore) -> Result<()> {
    let from = place(settings, &args.name)?;
    super::with_runtime(async |_stop| {
        let platform = Platform::open(settings, Needs::BOTH).await?;
        let result = bring_back(&platform, settings, &from).await;
        platform.close().await?;
        output::print(&result?)
    })
}

async fn bring_back(
    platform: &Platform,
    settings: &Settings,
    from: &BackupPlace,
) -> Result<String> {
    let store = Store::new(&platform.store);
    let tables = store.tables().await?;
    if tables > 0 {
        let database = store.database();
        bail!(
            "the database {database} is not empty ({tables} tables): rename it (RENAME DATABASE {database} TO {database}_old) or drop it first; nothing was changed"
        );
    }
    store.restore(from).await?;
    say("restored; adding from the log what the backup lacks");
    // A backup of an earlier release.
    store.migrate().await?;
    let mut classifier = super::classifier(settings)?;
    let stream =
        tokio::task::block_in_place(|| Cluster::new(&platform.bus)?.identity(&platform.bus.topic))?
            .to_string();
    let mended = reconcile(&store, &platform.bus, &stream, &mut classifier, Scope::All).await?;
    let audit = audit(&store, &platform.bus, &Period::ALL).await?;
    let told = format!(
        "{} facts and {} ledger rows added from the log, {} cells of the aggregate corrected",
        mended.facts_restored, mended.ledger_rows, mended.cells_corrected
    );
    if !audit.balanced {
        bail!(
            "restored; {told}; but {} finding(s) are left: `affluenza audit` names them",
            audit.findings.len()
        );
    }
    Ok(format!("restored; {told}; the accounts balance"))
}

fn place(settings: &Settings, name: &str) -> Result<BackupPlace> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if name.is_empty() || name.starts_with('.') || !name.bytes().all(plain) {
        bail!("backup {name:?}: use letters, digits, '.', '_' and '-', such as 2026-03-01");
    }
    Ok(BackupPlace {
        disk: settings.clickhouse.backup_disk.clone(),
        name: name.to_owned(),
    })
}
