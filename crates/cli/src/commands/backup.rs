//! Backup and restoration of the database.
//!
//! Tables are saved one after another, while consumers go on. After a restore, missing facts,
//! ledger rows and aggregates are rebuilt from the log. Erasures since the backup are repeated from
//! the notes, which are kept outside the database.

use std::fmt::Write as _;
use std::fs;
use std::time::Instant;

use affluenza_http::keys::{AdminAction, KeyStore};
use affluenza_pipeline::audit::{AuditPeriod, audit};
use affluenza_pipeline::erase::{erase_again, open_erasures};
use affluenza_pipeline::{erasure_notes, stream};
use affluenza_store::backup::BackupPlace;
use affluenza_store::erasure::Erasure;
use affluenza_store::{Store, StoreError};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::args::backup::{Backup, Restore};
use crate::output::{self, say};
use crate::platform::{Needs, Platform};
use crate::settings::Settings;

pub fn backup(settings: &Settings, args: &Backup) -> Result<()> {
    let to = place(settings, &args.name)?;
    let base = args.base.as_ref();
    let base = base.map(|name| place(settings, name)).transpose()?;
    let seconds = super::with_platform(settings, Needs::CLICKHOUSE, async |platform, _| {
        let began = Instant::now();
        let store = Store::new(&platform.store);
        store.admin().check_schema().await?;
        let mut written = store.admin().backup(&to, base.as_ref()).await;
        if matches!(written, Err(StoreError::BackupCutOff { .. })) && is_local(settings, &to) {
            free(settings, &to)?;
            written = store.admin().backup(&to, base.as_ref()).await;
        }
        written?;
        Ok(began.elapsed().as_secs_f64())
    })?;
    let text = format!("backup {} written in {seconds:.1} s", to.name);
    output::print_as(
        args.format,
        &text,
        &json!({ "backup": to.name, "seconds": seconds }),
    )
}

/// True if the backup is stored in a folder of this machine's own ClickHouse.
fn is_local(settings: &Settings, to: &BackupPlace) -> bool {
    settings.clickhouse.url.is_empty() && to.disk.is_empty()
}

/// Removes the remains of an interrupted backup.
fn free(settings: &Settings, to: &BackupPlace) -> Result<()> {
    let folder = settings.engine.data.join("clickhouse/data/backups");
    let folder = folder.join(&to.name);
    say(&format!(
        "backup {} was cut off: it is removed and written from the beginning",
        to.name
    ));
    fs::remove_dir_all(&folder).with_context(|| format!("{} cannot be removed", folder.display()))
}

pub fn restore(settings: &Settings, args: &Restore) -> Result<()> {
    let from = place(settings, &args.name)?;
    let aside = args.set_aside.as_deref();
    if let Some(name) = aside
        && !is_name(name)
    {
        bail!("--set-aside {name}: use letters, digits and '_', such as affluenza_old");
    }
    let done = super::with_platform(settings, Needs::BOTH, async |platform, _| {
        bring_back(platform, settings, &from, aside).await
    })?;
    output::print(&done)
}

async fn bring_back(
    platform: &Platform,
    settings: &Settings,
    from: &BackupPlace,
    aside: Option<&str>,
) -> Result<String> {
    let store = Store::new(&platform.store);
    let tables = store.admin().tables().await?;
    let database = store.admin().database();
    match aside {
        _ if tables == 0 => {}
        Some(name) => {
            store.admin().set_aside(name).await?;
            say(&format!(
                "{database} was renamed to {name}, without its views"
            ));
        }
        None => bail!(
            "the database {database} is not empty ({tables} tables): give --set-aside {database}_old to keep its rows under that name, or drop it first; nothing was changed"
        ),
    }
    if let Err(error) = store.admin().restore(from).await {
        return take_back(&store, aside.filter(|_| tables > 0), error).await;
    }
    say("restored; adding from the log what the backup lacks");
    // The backup may come from an earlier release.
    store.admin().migrate().await?;
    let mut classifier = super::classifier(settings)?;
    let bus = &platform.bus;
    let stream = stream::present(store.ledger(), bus).await?;
    let known = store.facts().erasures().await?;
    let lost = lost_notes(&store, platform).await?;
    let mut open = open_erasures(&store, bus, &stream)
        .await?
        .unwrap_or_default();
    let mended = erase_again(&store, bus, &stream, &mut classifier, &mut open).await?;
    let audit = audit(&store, bus, &AuditPeriod::ALL).await?;
    let mut told = format!(
        "{} facts and {} ledger rows added from the log, {} cells of the aggregate corrected",
        mended.facts_restored, mended.ledger_rows, mended.cells_corrected
    );
    let done: Vec<&str> = open
        .iter()
        .filter(|one| one.done)
        .map(|one| &*one.id)
        .collect();
    if !done.is_empty() {
        let _ = write!(told, ", erased again: {}", done.join(", "));
    }
    if !audit.balanced {
        let findings = audit.findings.len();
        let _ = write!(
            told,
            "; {findings} finding(s) are left, which `affluenza audit` names"
        );
    }
    if let Some(why) = lost {
        let orders = orders_after(settings, &known);
        bail!(
            "restored; {told}; but {why}, so what was erased after this backup may be back: {orders}"
        );
    }
    if !audit.balanced {
        bail!("restored; {told}");
    }
    Ok(format!("restored; {told}; the accounts balance"))
}

/// Gives the database that was set aside its own name again, after a restore that failed.
async fn take_back(store: &Store, aside: Option<&str>, error: StoreError) -> Result<String> {
    if let Some(name) = aside {
        let back = store.admin().take_back(name).await;
        back.with_context(|| format!("{error}; all rows are in the database {name}"))?;
        say(&format!(
            "{name} was renamed back to {}",
            store.admin().database()
        ));
    }
    Err(error.into())
}

/// Returns the reason why erasures after this backup are unknown, if they are.
async fn lost_notes(store: &Store, platform: &Platform) -> Result<Option<String>> {
    let topic = &platform.bus.erasure_topic;
    let origin = store.admin().origin().await?;
    let notes = tokio::task::block_in_place(|| erasure_notes::read(&platform.bus))?;
    Ok(match notes {
        None => Some(format!(
            "the topic {topic}, which notes erasures, is not there"
        )),
        Some(notes) if !notes.whole_for.contains(&origin) => Some(format!(
            "the topic {topic}, which notes erasures, has no notes of database {origin}: the topic was created again since, or the backup is of a release that noted nothing there"
        )),
        Some(_) => None,
    })
}

/// Prints the erasure orders to repeat, as far as the log of administrative access on this machine
/// holds them. Returns the advice for the operator.
fn orders_after(settings: &Settings, known: &[Erasure]) -> String {
    let keys = KeyStore::new(settings.keys.file_in(&settings.engine.data));
    let log = keys.log();
    let place = log.path().display();
    let mut orders = match log.verify() {
        Ok(orders) => orders,
        Err(error) => {
            return format!("the orders to repeat cannot be read from {place}: {error}");
        }
    };
    orders.retain(|entry| {
        let is_known = known.iter().any(|erasure| {
            entry.detail["reason"] == *erasure.reason
                && i64::from(erasure.begun_at) >= entry.at.as_second()
        });
        entry.action == "erase" && !is_known
    });
    for entry in &orders {
        say(&format!("{}  {}", entry.at, command(entry)));
    }
    if orders.is_empty() {
        format!(
            "{place} names no such order; check every machine where `affluenza erase` ran, and repeat its orders"
        )
    } else {
        format!(
            "repeat those of the {} above that are younger than the backup; they are from {place}, other machines have more",
            orders.len()
        )
    }
}

/// Formats a logged order as a command line.
fn command(entry: &AdminAction) -> String {
    let mut text = format!("affluenza erase --ente {}", quoted(&entry.subject));
    for name in ["portal", "period", "reason"] {
        if let Value::String(value) = &entry.detail[name] {
            let _ = write!(text, " --{name} {}", quoted(value));
        }
    }
    text
}

/// Quotes a text for a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn place(settings: &Settings, name: &str) -> Result<BackupPlace> {
    let mut bytes = name.bytes();
    let is_plain =
        bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
    if name.is_empty() || name.starts_with('.') || !is_plain {
        bail!("backup {name:?}: use letters, digits, '.', '_' and '-', such as 2026-03-01");
    }
    Ok(BackupPlace {
        disk: settings.clickhouse.backup_disk.clone(),
        name: name.to_owned(),
    })
}
