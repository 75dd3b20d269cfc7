//! After the swaps: restores what was ingested meanwhile, and updates aggregates and ledger to the
//! facts.

use affluenza_store::accounts::CheckScope;
use affluenza_store::rebuild::{Run, What};
use serde::Serialize;

use super::blocks::Blocks;
use super::{RebuildError, Tools};
use crate::reconcile::reconcile;

/// Maximum number of reconciliations until nothing differs.
const PASSES_MAX: usize = 5;

/// Result of the reconciliation after the swaps.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Afterwards {
    /// Facts ingested between filling and swap, restored from the log.
    pub facts_restored: u64,
    /// Cells of the aggregate corrected.
    pub cells_corrected: u64,
    /// Ledger rows updated to the enti, days or rules of their facts.
    pub ledger_rows: u64,
    /// Facts that a consumer wrote meanwhile under other rules.
    pub facts_of_other_rules: u64,
    /// Differences that could not be repaired.
    pub failures: Vec<String>,
}

pub(super) async fn settle(
    tools: &mut Tools<'_>,
    run: &Run,
    blocks: &mut Blocks<'_>,
) -> Result<Afterwards, RebuildError> {
    let store = tools.store;
    let mut done = Afterwards::default();
    // Once a pending block is committed, the ledger shows which of its facts a swap lost.
    for (partition, end) in blocks.wait().await? {
        done.failures.push(format!(
            "partition {partition}: a block up to {end} was begun and is not finished: start `affluenza consume`, and then `affluenza audit --repair`"
        ));
    }
    for pass in 0..PASSES_MAX {
        let mended = reconcile(
            store,
            tools.bus,
            blocks.stream(),
            tools.classifier,
            CheckScope::All,
        )
        .await?;
        done.facts_restored += mended.facts_restored;
        done.cells_corrected += mended.cells_corrected;
        let is_last = pass + 1 == PASSES_MAX;
        if is_last || !mended.failures.is_empty() {
            done.failures.extend(mended.failures);
            break;
        }
        if mended.is_clean() {
            break;
        }
    }
    if run.what == What::Facts {
        let mut renamed = Vec::new();
        for ente in store.rebuilds().ledger_enti().await? {
            if let Some(found) = tools.register.ente(&ente)
                && found.code() != ente
            {
                renamed.push((ente, found.code().to_owned()));
            }
        }
        done.ledger_rows = store.rebuilds().follow_facts(run, &renamed).await?;
        done.facts_of_other_rules = store.rebuilds().facts_of_other_rules(run).await?;
    }
    Ok(done)
}
