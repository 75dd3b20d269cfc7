//! Writes a draft: dead letters first, then facts, then the ledger. Off the polling thread.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use affluenza_bus::{BusError, NextOffset, Partition, Record, Writer};
use affluenza_event::{Mode, Refusal};
use affluenza_store::{
    BlockOrigin, FactBlock, Fate, InsertToken, LedgerRow, Store, StoreError, Times,
};
use affluenza_telemetry::trace::{Span, Tracing};
use bytes::Bytes;

use crate::Cause;
use crate::decode::event_headers;
use crate::draft::{Draft, Fates};
use crate::gaps::Gaps;
use crate::{PipelineError, Progress, invariants, mark};

/// How long Kafka may take to acknowledge the dead letters of a block.
const DEAD_LETTER_PATIENCE: Duration = Duration::from_secs(60);
/// From when on a block is looked for before it is inserted again. Far below the time in which
/// ClickHouse forgets its token: 100,000 further inserts into the same table.
const INTENT_AGE_MAX: Duration = Duration::from_secs(300);
/// Pause after a failed attempt: doubled each time, up to the most.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// Bytes of a refused record that are kept. Brokers accept a megabyte with its headers; an event
/// has a sixteenth of that at most.
const PAYLOAD_KEPT: usize = 256 * 1024;

fn head(payload: &[u8]) -> &[u8] {
    &payload[..payload.len().min(PAYLOAD_KEPT)]
}

/// A record that did not become an event, on its way to the dead-letter topic.
#[derive(Debug, Clone)]
pub(crate) struct DeadLetter {
    pub(crate) key: Vec<u8>,
    /// The record's bytes, with personal data masked.
    pub(crate) payload: Vec<u8>,
    payload_bytes: usize,
    /// Of a record in binary mode, the headers that belong to its event, masked likewise.
    headers: Vec<(String, String)>,
    fate: &'static str,
    code: &'static str,
    detail: String,
    partition: i32,
    offset: i64,
    /// None where the log does not say.
    written_ms: Option<i64>,
}

impl DeadLetter {
    pub(crate) fn of(record: &Record<'_>, mode: Mode, refusal: &Refusal) -> Self {
        Self {
            key: affluenza_event::mask(record.key()),
            payload: affluenza_event::mask(head(record.payload())),
            payload_bytes: record.payload().len(),
            headers: match mode {
                Mode::Structured => Vec::new(),
                Mode::Binary => masked_headers(record),
            },
            fate: match refusal {
                Refusal::Reject(_) => "rejected",
                Refusal::Quarantine(_) => "quarantined",
            },
            code: refusal.code(),
            detail: String::from_utf8_lossy(&affluenza_event::mask(refusal.to_string().as_bytes()))
                .into_owned(),
            partition: record.partition().0,
            offset: record.offset().0,
            written_ms: record.written_ms(),
        }
    }

    /// About how many bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        let headers = self.headers.iter();
        let headers: usize = headers.map(|(name, value)| name.len() + value.len()).sum();
        self.payload.len() + self.key.len() + headers + 256
    }

    fn send(&self, writer: &Writer, origin: &BlockOrigin) -> Result<(), BusError> {
        let (partition, offset) = (self.partition.to_string(), self.offset.to_string());
        let payload_bytes = self.payload_bytes.to_string();
        let written_ms = self.written_ms.map(|ms| ms.to_string());
        let mut headers = vec![
            ("affluenza-fate", self.fate),
            ("affluenza-reason", self.code),
            ("affluenza-detail", &self.detail),
            ("affluenza-stream", &origin.stream),
            ("affluenza-partition", &partition),
            ("affluenza-offset", &offset),
            ("affluenza-payload-bytes", &payload_bytes),
        ];
        headers.extend(written_ms.iter().map(|ms| ("affluenza-written-ms", &**ms)));
        let own = self.headers.iter();
        headers.extend(own.map(|(name, value)| (name.as_str(), value.as_str())));
        writer.send(&self.key, &self.payload, None, &headers)
    }
}

fn masked_headers(record: &Record<'_>) -> Vec<(String, String)> {
    let masked = |bytes: &[u8]| {
        let masked = affluenza_event::mask(head(bytes));
        String::from_utf8_lossy(&masked).into_owned()
    };
    event_headers(record)
        .map(|(name, value)| (masked(name.as_bytes()), masked(value)))
        .collect()
}

/// A draft that has been written.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) partition: Partition,
    pub(crate) end: NextOffset,
    pub(crate) read: u64,
    pub(crate) fates: Fates,
    /// Time that writing took, and that inserting the facts took, if there were any.
    pub(crate) took: Duration,
    pub(crate) inserted_in: Option<Duration>,
    /// Time of its first record in the log, where there is one, and when it was stored, in
    /// milliseconds since 1970.
    pub(crate) oldest_ms: Option<i64>,
    pub(crate) stored_at_ms: i64,
}

impl Written {
    fn tell(&self, span: &mut Span) {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        span.set("messaging.batch.message_count", number(self.read));
        span.set("messaging.kafka.offset", self.end.0 - 1);
        for (name, fate) in [
            ("affluenza.stored", Fate::Stored),
            ("affluenza.duplicate", Fate::Duplicate),
            ("affluenza.rejected", Fate::Rejected),
            ("affluenza.quarantined", Fate::Quarantined),
        ] {
            span.set(name, number(self.fates.of(fate)));
        }
    }
}

/// What writing needs.
#[derive(Clone)]
pub(crate) struct Sink {
    pub(crate) store: Store,
    pub(crate) dead_letters: Arc<Writer>,
    pub(crate) gaps: Arc<Gaps>,
    pub(crate) progress: Progress,
    /// Partition of the block that is written.
    pub(crate) partition: Partition,
}

impl Sink {
    /// Writes `draft`. Tries for ever as long as the trouble may pass, always under the same
    /// token; the caller drops the future when the partition is taken away.
    pub(crate) async fn write(
        self,
        draft: Draft,
        origin: BlockOrigin,
        partition: Partition,
        intended_at: Option<u64>,
    ) -> Result<Written, PipelineError> {
        let mut span = Tracing::is_on().then(|| Span::of_block(&draft.traces));
        let result = self
            .persist_all(draft, origin, partition, intended_at)
            .await;
        if let Some(span) = &mut span {
            span.set("messaging.destination.partition.id", partition.0.into());
            match &result {
                Ok(written) => written.tell(span),
                Err(_) => span.fail("the block was not written"),
            }
        }
        result
    }

    async fn persist_all(
        self,
        mut draft: Draft,
        origin: BlockOrigin,
        partition: Partition,
        intended_at: Option<u64>,
    ) -> Result<Written, PipelineError> {
        let began = Instant::now();
        let first = draft.first.0.unsigned_abs();
        let end = draft.end.0.unsigned_abs();
        if !draft.undecided.is_empty() {
            let asked: Vec<(i64, u64)> = draft
                .undecided
                .iter()
                .map(|undecided| (undecided.time_ms, undecided.identity))
                .collect();
            self.progress.note_lookups(asked.len());
            let stored = self
                .persist("look up older events", || {
                    self.store
                        .stored_before(&origin, first, &asked, Times::Same)
                })
                .await?;
            draft.settle(&stored);
        }
        draft.close();
        let control = self.gaps.control(partition, &draft.gaps).await?;
        let row = LedgerRow {
            stream: origin.stream.clone(),
            kafka_partition: origin.kafka_partition,
            first_offset: first,
            next_offset: end,
            records_read: draft.read,
            control,
            lost: 0,
            fates: draft.fates.sorted(),
            checksum: draft.checksum,
            rules: origin.rules.clone(),
        };
        assert!(
            invariants::fates_balance(
                row.records_read,
                &[
                    row.count(Fate::Stored),
                    row.count(Fate::Duplicate),
                    row.count(Fate::Rejected),
                    row.count(Fate::Quarantined),
                    row.count(Fate::Report),
                    row.count(Fate::Erased),
                ],
            ),
            "every record of a block has exactly one fate"
        );
        self.send_dead_letters(&mut draft, &origin).await?;
        let token = InsertToken::of(&origin, first, end);
        debug_assert!(
            invariants::token_names_range(
                &token.to_string(),
                &origin.stream,
                origin.kafka_partition,
                first,
                end
            ),
            "a token names a range and nothing else"
        );
        let facts = std::mem::take(&mut draft.facts);
        let mut inserted_in = None;
        if !facts.is_empty() {
            let began = Instant::now();
            self.insert_facts(facts, &origin, first..end, token.clone(), intended_at)
                .await?;
            inserted_in = Some(began.elapsed());
        }
        let sequences = draft.sequences.rows();
        if !sequences.is_empty() {
            self.persist("insert producer sequences", || {
                self.store.insert_sequences(&sequences, &token)
            })
            .await?;
        }
        let reports = draft.sequences.reports();
        if !reports.is_empty() {
            self.persist("insert client reports", || {
                self.store.insert_client_reports(reports, &token)
            })
            .await?;
        }
        self.persist("insert ledger", || self.store.insert_ledger(&row, &token))
            .await?;
        Ok(Written {
            partition,
            end: draft.end,
            read: draft.read,
            fates: draft.fates,
            took: began.elapsed(),
            inserted_in,
            oldest_ms: draft.oldest_ms,
            stored_at_ms: now_ms(),
        })
    }

    /// Inserts facts, again and again under the same token until it is done. ClickHouse forgets
    /// tokens in time, and each shard knows its own only: where it may not know this one, it looks
    /// before each further attempt which of the facts are there.
    async fn insert_facts(
        &self,
        mut facts: FactBlock,
        origin: &BlockOrigin,
        offsets: Range<u64>,
        mut token: InsertToken,
        intended_at: Option<u64>,
    ) -> Result<(), PipelineError> {
        let (stream, partition) = (&origin.stream, origin.kafka_partition);
        let began = Instant::now();
        let mut pause = PAUSE_MIN;
        let mut block = Bytes::from(facts.encode(origin));
        let mut first_sent_at = intended_at;
        loop {
            if self.may_be_unknown(first_sent_at, began).await? {
                let present = self
                    .persist("look for facts", || {
                        self.store.fact_offsets(stream, partition, offsets.clone())
                    })
                    .await?;
                let present: HashSet<u64> = present.into_iter().collect();
                let keep: Vec<bool> = facts.offsets().map(|at| !present.contains(&at)).collect();
                if keep.contains(&false) {
                    tracing::warn!(
                        partition,
                        first = offsets.start,
                        next = offsets.end,
                        found = present.len(),
                        "the facts of an old block are there already"
                    );
                    facts.retain(&keep);
                    // Another content needs another token. What the aggregates lack of what was
                    // found, reconciliation adds.
                    token = token.of_repair(present.len() as u64);
                    block = Bytes::from(facts.encode(origin));
                }
                if facts.is_empty() {
                    return Ok(());
                }
            }
            first_sent_at.get_or_insert_with(mark::now);
            self.begins(Cause::ClickHouse, "insert facts");
            match self.store.insert_facts(block.clone(), &token).await {
                Ok(()) => return Ok(()),
                Err(error) if error.is_passing() => {
                    self.wait("insert facts", &error, &mut pause).await
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Whether ClickHouse may not know the token of a block that was first sent at that time, in
    /// seconds since 1970: it has forgotten it, or the block goes to another shard now. `began` is when
    /// this process began to write it.
    async fn may_be_unknown(
        &self,
        first_sent_at: Option<u64>,
        began: Instant,
    ) -> Result<bool, PipelineError> {
        let Some(at) = first_sent_at else {
            return Ok(false);
        };
        // A clock that was set back makes every age doubtful.
        let age = mark::now().checked_sub(at);
        let is_old = age.is_none_or(|age| age > INTENT_AGE_MAX.as_secs());
        if is_old || began.elapsed() > INTENT_AGE_MAX {
            return Ok(true);
        }
        self.persist("look for the shards", || {
            self.store.shared_out_otherwise(at)
        })
        .await
    }

    async fn send_dead_letters(
        &self,
        draft: &mut Draft,
        origin: &BlockOrigin,
    ) -> Result<(), PipelineError> {
        let letters = std::mem::take(&mut draft.dead_letters);
        if letters.is_empty() {
            return Ok(());
        }
        self.begins(
            Cause::DeadLetters,
            &format!("dead letters to topic {}", self.dead_letters.topic()),
        );
        let writer = Arc::clone(&self.dead_letters);
        let origin = origin.clone();
        let sent = tokio::task::spawn_blocking(move || {
            for letter in &letters {
                letter.send(&writer, &origin)?;
            }
            writer.flush(DEAD_LETTER_PATIENCE).map(drop)
        });
        match sent.await {
            Ok(result) => Ok(result?),
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    }

    /// Repeats `attempt` until it succeeds or fails for good.
    async fn persist<T, F: Future<Output = Result<T, StoreError>>>(
        &self,
        what: &'static str,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T, PipelineError> {
        let mut pause = PAUSE_MIN;
        self.begins(Cause::ClickHouse, what);
        loop {
            match attempt().await {
                Ok(value) => return Ok(value),
                Err(error) if error.is_passing() => self.wait(what, &error, &mut pause).await,
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn begins(&self, cause: Cause, what: &str) {
        self.progress.begins(self.partition, cause, what);
    }

    async fn wait(&self, what: &'static str, error: &StoreError, pause: &mut Duration) {
        tracing::warn!(what, %error, pause_ms = pause.as_millis() as u64, "waiting for ClickHouse");
        self.progress.note_wait();
        self.progress.fails(self.partition, error);
        tokio::time::sleep(*pause).await;
        *pause = (*pause * 2).min(PAUSE_MAX);
    }
}

/// Now, in milliseconds since 1970.
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}
