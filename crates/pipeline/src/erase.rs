//! Erases events by order, so that nothing restores them and the accounts still balance.
//!
//! An order is recorded first, in the database and outside of it ([`erasure_notes`]). From then on,
//! no repair and no backup restores its events. Then the facts are deleted and counted as erased in
//! the ledger, and the aggregates are cleared. The reconciliation that follows adds the remaining
//! facts to the aggregates again.
//!
//! Every step can be repeated, so an interrupted erasure can be resumed. The records stay in the
//! log until its retention ends.

use std::collections::{BTreeMap, HashSet};
use std::ops::RangeInclusive;

use affluenza_kafka::Config as BusConfig;
use affluenza_store::accounts::CheckScope;
use affluenza_store::erasure::Erasure;
use affluenza_store::{Facts, Store, StoreError};
use thiserror::Error;

use crate::classify::Classifier;
use crate::erasure_notes::Notes;
use crate::reconcile::reconcile;
use crate::{PipelineError, Reconciled, erasure_notes, stream};

/// Deletion passes, since a repair that does not know the order yet may restore facts.
const PASSES_MAX: usize = 5;

/// Events to erase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Code of the public body.
    pub ente: String,
    /// Code of the portal. Empty: all portals.
    pub portal: String,
    /// Local days, in days since 1970, both ends included.
    pub days: RangeInclusive<u16>,
    /// Reason of the order.
    pub reason: String,
}

/// Reason why nothing was erased, or not everything.
#[derive(Debug, Error)]
pub enum EraseError {
    /// Error of ClickHouse.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Error of reading the log or of the reconciliation.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// The accounts do not balance: facts that are missing already would count as erased.
    #[error(
        "the accounts do not balance ({blocks} block(s)): run `affluenza audit --repair` first; nothing was erased"
    )]
    Unbalanced {
        /// Number of blocks whose facts differ from the ledger.
        blocks: usize,
    },
    /// No stored fact and no aggregate matches the order.
    #[error(
        "nothing that is stored matches the order, so nothing was erased: check ente, portal and period; events that no consumer has read yet are not stored"
    )]
    NothingStored,
    /// An unfinished rebuild would restore the erased facts.
    #[error(
        "rebuild {id} is unfinished: let it end, or cancel it with --abandon, and run this command again"
    )]
    Rebuilding {
        /// Id of the rebuild.
        id: String,
    },
    /// Another process restored the facts again and again.
    #[error(
        "facts came back {PASSES_MAX} times while they were being erased: stop the consumers, and run the same command again"
    )]
    Restored,
}

/// Returns the number of facts and of aggregated events that an order would erase.
pub async fn preview(store: &Store, order: &Order) -> Result<(u64, u64), EraseError> {
    let erasure = drafted(store, order).await?;
    Ok((
        store.facts().facts_to_erase(&erasure).await?,
        store.facts().events_to_erase(&erasure).await?,
    ))
}

/// Carries out an order, or resumes an interrupted one.
pub async fn erase(
    store: &Store,
    bus: &BusConfig,
    classifier: &mut Classifier,
    order: &Order,
) -> Result<(Erasure, Reconciled), EraseError> {
    erasure_notes::keep_whole(store, bus).await?;
    check_rebuilds(store).await?;
    let begun = store.facts().erasures().await?.into_iter().find(|erasure| {
        !erasure.done
            && erasure.ente == order.ente
            && erasure.portal == order.portal
            && (erasure.first_day..=erasure.last_day) == order.days
    });
    let mut erasure = match begun {
        Some(erasure) => erasure,
        None => {
            check(store).await?;
            let mut erasure = drafted(store, order).await?;
            erasure.facts = store.facts().facts_to_erase(&erasure).await?;
            if erasure.facts == 0 && store.facts().events_to_erase(&erasure).await? == 0 {
                return Err(EraseError::NothingStored);
            }
            store.facts().note_erasure(&mut erasure).await?;
            erasure_notes::note(bus, &erasure)?;
            erasure
        }
    };
    // A rebuild may have begun at the same moment.
    check_rebuilds(store).await?;
    take_out(store.facts(), &erasure).await?;
    let stream = stream::present(store.ledger(), bus).await?;
    let compared = reconcile(store, bus, &stream, classifier, CheckScope::All).await?;
    erasure.done = true;
    store.facts().note_erasure(&mut erasure).await?;
    Ok((erasure, compared))
}

/// Deletes facts, updates the ledger and clears the aggregates. The reconciliation that follows adds
/// the remaining facts to the aggregates.
async fn take_out(facts: &Facts, erasure: &Erasure) -> Result<(), EraseError> {
    for pass in 0.. {
        facts.erase_facts(erasure).await?;
        if facts.facts_to_erase(erasure).await? == 0 {
            break;
        }
        if pass >= PASSES_MAX {
            return Err(EraseError::Restored);
        }
    }
    Ok(facts.erase_aggregates(erasure).await?)
}

/// Returns the erasures that are noted outside the database but not carried out in it: after a
/// restore from an older backup, or after an interruption. Returns `None` if the topic of the notes
/// does not exist.
pub async fn open_erasures(
    store: &Store,
    bus: &BusConfig,
    stream: &str,
) -> Result<Option<Vec<Erasure>>, PipelineError> {
    let Some(notes) = tokio::task::block_in_place(|| erasure_notes::read(bus))? else {
        return Ok(None);
    };
    let accounts = store.ledger().partition_accounts().await?.into_iter();
    let mut streams: HashSet<String> = accounts.map(|account| account.stream).collect();
    streams.insert(stream.to_owned());
    Ok(Some(notes.open(&streams, &store.facts().erasures().await?)))
}

/// Returns the erasures whose events the ledger has not reached: its database is filled from the log
/// again. Those that the database lacks are noted in it, unless it has some of their facts.
pub(crate) async fn erasures_ahead(
    store: &Store,
    notes: Notes,
    stream: &str,
) -> Result<Vec<Erasure>, StoreError> {
    let mut erasures = store.facts().erasures().await?;
    let ends = store.ledger().ends(stream).await?;
    let known: HashSet<String> = erasures.iter().map(|one| one.id.clone()).collect();
    for mut noted in notes.erasures {
        if known.contains(&noted.id) || !is_ahead(&noted, stream, &ends) {
            continue;
        }
        noted.done = store.facts().facts_to_erase(&noted).await? == 0;
        if noted.done {
            store.facts().note_erasure(&mut noted).await?;
        }
        erasures.push(noted);
    }
    erasures.retain(|erasure| is_ahead(erasure, stream, &ends));
    Ok(erasures)
}

/// True if the ledger with these ends has not reached the end of an erasure.
fn is_ahead(erasure: &Erasure, stream: &str, ends: &BTreeMap<u32, u64>) -> bool {
    erasure.ends.iter().any(|(of, partition, next)| {
        of == stream && ends.get(partition).is_none_or(|end| end < next)
    })
}

/// Repeats the erasures that [`open_erasures`] found, and reconciles. Other missing facts are
/// restored first, as they would count as erased.
pub async fn erase_again(
    store: &Store,
    bus: &BusConfig,
    stream: &str,
    classifier: &mut Classifier,
    open: &mut [Erasure],
) -> Result<Reconciled, EraseError> {
    if !open.is_empty() {
        check_rebuilds(store).await?;
    }
    let known = store.facts().erasures().await?;
    for erasure in open.iter_mut() {
        // The table keeps the row with the highest version.
        let before = known.iter().find(|one| one.id == erasure.id);
        erasure.version = before.map_or(0, |one| one.version).max(erasure.version);
        erasure.done = false;
        store.facts().note_erasure(erasure).await?;
    }
    let mut compared = reconcile(store, bus, stream, classifier, CheckScope::All).await?;
    if open.is_empty() {
        return Ok(compared);
    }
    // A rebuild may have begun at the same moment.
    check_rebuilds(store).await?;
    for erasure in open.iter() {
        take_out(store.facts(), erasure).await?;
    }
    let after = reconcile(store, bus, stream, classifier, CheckScope::All).await?;
    compared.facts_restored += after.facts_restored;
    compared.ledger_rows += after.ledger_rows;
    compared.cells_corrected += after.cells_corrected;
    compared.failures = after.failures;
    let accounts = store.ledger().partition_accounts().await?;
    for erasure in open.iter_mut() {
        let is_consumed = erasure.ends.iter().all(|(of, partition, next)| {
            of != stream
                || accounts.iter().any(|account| {
                    account.stream == *of
                        && account.kafka_partition == *partition
                        && account.next_offset >= *next
                })
        });
        if !is_consumed {
            compared.failures.push(format!(
                "erasure {}: some of its events are not consumed yet and would be stored: run `affluenza consume` first, then the same command again",
                erasure.id
            ));
            continue;
        }
        erasure.done = true;
        store.facts().note_erasure(erasure).await?;
        let (id, ente) = (&erasure.id, &erasure.ente);
        tracing::warn!(id, ente, "erased again: this database lacked the order");
    }
    Ok(compared)
}

async fn check_rebuilds(store: &Store) -> Result<(), EraseError> {
    match store.rebuilds().unfinished().await?.into_iter().next() {
        Some(run) => Err(EraseError::Rebuilding { id: run.id }),
        None => Ok(()),
    }
}

async fn check(store: &Store) -> Result<(), EraseError> {
    let blocks = store
        .ledger()
        .block_differences(CheckScope::All)
        .await?
        .len();
    if blocks > 0 {
        return Err(EraseError::Unbalanced { blocks });
    }
    Ok(())
}

async fn drafted(store: &Store, order: &Order) -> Result<Erasure, EraseError> {
    let accounts = store.ledger().partition_accounts().await?;
    let (id, begun_at) = store.rebuilds().new_id().await?;
    let ends = accounts
        .into_iter()
        .map(|account| (account.stream, account.kafka_partition, account.next_offset));
    Ok(Erasure {
        id,
        ente: order.ente.clone(),
        portal: order.portal.clone(),
        first_day: *order.days.start(),
        last_day: *order.days.end(),
        reason: order.reason.clone(),
        ends: ends.collect(),
        facts: 0,
        begun_at,
        done: false,
        version: 0,
    })
}
