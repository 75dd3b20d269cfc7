//! After the swaps: what was ingested meanwhile is restored, aggregates follow the facts, and so
//! does the ledger.

use affluenza_store::accounts::Scope;
use affluenza_store::rebuild::{Run, What};
use serde::Serialize;

use super::blocks::Blocks;
use super::{RebuildError, Tools};
use crate::reconcile::reconcile;

/// Most reconciliations until nothing differs.
const PASSES_MAX: usize = 5;

/// What was brought in line after the swaps.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Afterwards {
    /// Facts ingested between filling and swap, restored from the log.
    pub facts_restored: u64,
    /// Cells of the aggregate corrected.
    pub cells_corrected: u64,
    /// Rows of the ledger whose enti, days or rules followed the facts.
    pub ledger_rows: u64,
    /// Facts that a consumer wrote meanwhile under other rules.
    pub facts_of_other_rules: u64,
    /// What could not be brought in line.
    pub failures: Vec<String>,
}

pub(super) async fn settle(
    tools: &mut Tools<'_>,
    run: &Run,
    blocks: &mut Blocks<'_>,
) -> Result<Afterwards, RebuildError> {
    let store = tools.store;
    let mut done = Afterwards::default();
    // A block that was on its way at a swap is in the ledger once it has been committed, and
    // what it lost can be seen.
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
            Scope::All,
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
        for ente in store.ledger_enti().await? {
            if let Some(found) = tools.register.ente(&ente)
                && found.code() != ente
            {
                renamed.push((ente, found.code().to_owned()));
            }
        }
        done.ledger_rows = store.follow_facts(run, &renamed).await?;
        done.facts_of_other_rules = store.facts_of_other_rules(run).await?;
    }
    Ok(done)
}
