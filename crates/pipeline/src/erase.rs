//! Takes events out by order, so that nothing brings them back and the accounts still balance.
//!
//! What is to go is noted first, in the database and beside it ([`erasure_notes`]):
//! from then on no repair restores it from the log, and no backup brings it back. Then the facts
//! go, the ledger follows, the aggregates go, and what came in meanwhile is added to these again.
//! Every step can be repeated, so an erasure that was cut off goes on where it was.
//! The records themselves stay in the log until its retention ends.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use affluenza_bus::Config as BusConfig;
use affluenza_store::accounts::Scope;
use affluenza_store::erasure::Erasure;
use affluenza_store::{Store, StoreError};
use thiserror::Error;

use crate::classify::Classifier;
use crate::reconcile::reconcile;
use crate::{PipelineError, Reconciled, erasure_notes, stream};

/// How often facts are looked for that a repair brought back while it had not heard of the order.
const PASSES_MAX: usize = 5;

/// What to erase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Public body.
    pub ente: String,
    /// Portal; empty for all.
    pub portal: String,
    /// Local days since 1970.
    pub days: RangeInclusive<u16>,
    /// Why.
    pub reason: String,
}

/// Why nothing was erased, or not all of it.
#[derive(Debug, Error)]
pub enum EraseError {
    /// ClickHouse.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Reading or comparing.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// What is missing already would be taken for erased.
    #[error(
        "the accounts do not balance ({blocks} block(s)): run `affluenza audit --repair` first; nothing was erased"
    )]
    Unbalanced {
        /// Blocks whose facts are not what the ledger says.
        blocks: usize,
    },
    /// It would put back what is erased.
    #[error(
        "rebuild {id} is unfinished: let it end, or give it up with --abandon; nothing was erased"
    )]
    Rebuilding {
        /// Which.
        id: String,
    },
    /// Somebody restores them again and again.
    #[error(
        "facts came back {PASSES_MAX} times while they were being erased: stop the consumers, and give the same command again"
    )]
    Restored,
}

/// What an order would take out: facts, and events in the aggregate.
pub async fn preview(store: &Store, order: &Order) -> Result<(u64, u64), EraseError> {
    let erasure = drafted(store, order).await?;
    Ok((
        store.facts_to_erase(&erasure).await?,
        store.events_to_erase(&erasure).await?,
    ))
}

/// Carries an order out; one that was cut off goes on.
pub async fn erase(
    store: &Store,
    bus: &BusConfig,
    classifier: &mut Classifier,
    order: &Order,
) -> Result<(Erasure, Reconciled), EraseError> {
    let is_same = |erasure: &Erasure| {
        !erasure.done
            && erasure.ente == order.ente
            && erasure.portal == order.portal
            && (erasure.first_day..=erasure.last_day) == order.days
    };
    erasure_notes::keep_whole(store, bus).await?;
    let begun = store.erasures().await?.into_iter().find(is_same);
    let mut erasure = match begun {
        Some(erasure) => erasure,
        None => {
            check(store).await?;
            let mut erasure = drafted(store, order).await?;
            erasure.facts = store.facts_to_erase(&erasure).await?;
            store.note_erasure(&mut erasure).await?;
            erasure_notes::note(bus, &erasure)?;
            erasure
        }
    };
    take_out(store, &erasure).await?;
    let stream = stream::present(store, bus).await?;
    let compared = reconcile(store, bus, &stream, classifier, Scope::All).await?;
    erasure.done = true;
    store.note_erasure(&mut erasure).await?;
    Ok((erasure, compared))
}

/// Takes facts and aggregates out; the comparison that follows adds to these what stays.
async fn take_out(store: &Store, erasure: &Erasure) -> Result<(), EraseError> {
    for pass in 0.. {
        store.erase_facts(erasure).await?;
        if store.facts_to_erase(erasure).await? == 0 {
            break;
        }
        if pass >= PASSES_MAX {
            return Err(EraseError::Restored);
        }
    }
    Ok(store.erase_aggregates(erasure).await?)
}

/// The erasures that are noted beside a database and that it has not carried out: it came back from
/// a backup that is older, or an order was cut off. `None` when the notes are not there.
pub async fn open_erasures(
    store: &Store,
    bus: &BusConfig,
    stream: &str,
) -> Result<Option<Vec<Erasure>>, PipelineError> {
    let Some(notes) = tokio::task::block_in_place(|| erasure_notes::read(bus))? else {
        return Ok(None);
    };
    let accounts = store.partition_accounts().await?.into_iter();
    let mut streams: HashSet<String> = accounts.map(|account| account.stream).collect();
    streams.insert(stream.to_owned());
    Ok(Some(notes.open(&streams, &store.erasures().await?)))
}

/// Carries out again what [`open_erasures`] found, and compares. What the tables lack otherwise is
/// restored first, or it would be taken for erased.
pub async fn erase_again(
    store: &Store,
    bus: &BusConfig,
    stream: &str,
    classifier: &mut Classifier,
    open: &mut [Erasure],
) -> Result<Reconciled, EraseError> {
    let known = store.erasures().await?;
    for erasure in open.iter_mut() {
        // The table keeps the row of the highest version.
        let before = known.iter().find(|one| one.id == erasure.id);
        erasure.version = before.map_or(0, |one| one.version).max(erasure.version);
        erasure.done = false;
        store.note_erasure(erasure).await?;
    }
    let mut compared = reconcile(store, bus, stream, classifier, Scope::All).await?;
    if open.is_empty() {
        return Ok(compared);
    }
    for erasure in open.iter() {
        take_out(store, erasure).await?;
    }
    let after = reconcile(store, bus, stream, classifier, Scope::All).await?;
    compared.facts_restored += after.facts_restored;
    compared.ledger_rows += after.ledger_rows;
    compared.cells_corrected += after.cells_corrected;
    compared.failures = after.failures;
    let accounts = store.partition_accounts().await?;
    let reaches = |(of, partition, next): &(String, u32, u64)| {
        let mut accounts = accounts.iter();
        of != stream
            || accounts.any(|account| {
                account.stream == *of
                    && account.kafka_partition == *partition
                    && account.next_offset >= *next
            })
    };
    for erasure in open.iter_mut() {
        if !erasure.ends.iter().all(reaches) {
            compared.failures.push(format!(
                "erasure {}: some of its events are still to be consumed, and would come in: consume first, then the same again",
                erasure.id
            ));
            continue;
        }
        erasure.done = true;
        store.note_erasure(erasure).await?;
        let (id, ente) = (&erasure.id, &erasure.ente);
        tracing::warn!(
            id,
            ente,
            "erased again, by an order that this database had not"
        );
    }
    Ok(compared)
}

async fn check(store: &Store) -> Result<(), EraseError> {
    if let Some(run) = store.unfinished_rebuilds().await?.into_iter().next() {
        return Err(EraseError::Rebuilding { id: run.id });
    }
    let blocks = store.block_differences(Scope::All).await?.len();
    if blocks > 0 {
        return Err(EraseError::Unbalanced { blocks });
    }
    Ok(())
}

async fn drafted(store: &Store, order: &Order) -> Result<Erasure, EraseError> {
    let accounts = store.partition_accounts().await?;
    let (id, begun_at) = store.new_rebuild_id().await?;
    let end = |account: affluenza_store::accounts::PartitionAccount| {
        (account.stream, account.kafka_partition, account.next_offset)
    };
    Ok(Erasure {
        id,
        ente: order.ente.clone(),
        portal: order.portal.clone(),
        first_day: *order.days.start(),
        last_day: *order.days.end(),
        reason: order.reason.clone(),
        ends: accounts.into_iter().map(end).collect(),
        facts: 0,
        begun_at,
        done: false,
        version: 0,
    })
}
