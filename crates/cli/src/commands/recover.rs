//! Recovery of `up` after an unclean end of ClickHouse: a power cut, a full disk, a kill.
//!
//! Lost data is restored from the log before the consumer joins its group. The log and the group's
//! offsets are on disk when acknowledged, so they are never behind ClickHouse.

use affluenza_pipeline::{CheckScope, Reconciled, reconcile_before_start, stream};
use affluenza_store::Store;
use affluenza_store::broken::BrokenPart;
use anyhow::Result;

use crate::output::say;
use crate::platform::Platform;
use crate::settings::Settings;

/// Restores missing data and prints a summary. Does nothing after a clean end.
pub async fn recover(platform: &Platform, settings: &Settings) -> Result<()> {
    let store = Store::new(&platform.store);
    let broken = store.admin().broken_parts().await?;
    if !platform.is_after_crash && broken.is_empty() {
        return Ok(());
    }
    // A broken part may have been merged from rows of any age.
    let scope = if broken.is_empty() {
        CheckScope::Hours(settings.consume.reconcile_hours)
    } else {
        CheckScope::All
    };
    let mut classifier = super::classifier(settings)?;
    let bus = &platform.bus;
    let stream = stream::present(store.ledger(), bus).await?;
    let done = reconcile_before_start(&store, bus, &stream, &mut classifier, scope).await?;
    for failure in &done.failures {
        tracing::error!(failure, "not restored");
    }
    let (restored, lost): (Vec<BrokenPart>, Vec<BrokenPart>) = broken
        .into_iter()
        .partition(BrokenPart::is_restored_from_log);
    for part in &lost {
        tracing::error!(
            table = part.table,
            part = part.name,
            "a part is broken, and the log does not hold its rows: restore them from a backup, then remove the part with ALTER TABLE ... DROP DETACHED PART"
        );
    }
    say(&told(&done, restored.len()));
    // Broken parts are kept as evidence while differences remain.
    if done.failures.is_empty() {
        store.admin().remove_broken_parts(restored.iter()).await?;
    }
    Ok(())
}

fn told(done: &Reconciled, broken: usize) -> String {
    let parts = match broken {
        0 => String::new(),
        1 => ", with 1 broken part".to_owned(),
        many => format!(", with {many} broken parts"),
    };
    let restored = if done.is_clean() {
        "nothing is missing".to_owned()
    } else {
        format!(
            "{} facts, {} ledger rows and {} cells of the aggregate restored from the log",
            done.facts_restored, done.ledger_rows, done.cells_corrected
        )
    };
    let rest = match done.failures.len() {
        0 => String::new(),
        many => format!("; {many} difference(s) are left, which `affluenza audit` names"),
    };
    format!("ClickHouse had not ended cleanly{parts}: {restored}{rest}")
}
