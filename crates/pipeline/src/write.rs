//! Writes a draft: dead letters first, then facts, their hour rows and the ledger row. Runs off the
//! polling thread.

use std::collections::{BTreeSet, HashSet};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use affluenza_classify::hours::date_since_1970;
use affluenza_event::{Mode, Refusal};
use affluenza_http::telemetry::trace::{Span, Tracing};
use affluenza_kafka::{BusError, NextOffset, Partition, Record, Writer};
use affluenza_store::doubts::TokenReliability;
use affluenza_store::erasure::Erasure;
use affluenza_store::{
    BlockOrigin, EncodedBlock, FactBlock, Facts, Fate, InsertToken, Ledger, LedgerRow, LogRange,
    StoreError, StoredFact, Times,
};
use backon::{BackoffBuilder as _, ExponentialBuilder, Retryable as _};
use xxhash_rust::xxh3::xxh3_128;

use crate::Cause;
use crate::decode::event_headers;
use crate::draft::{Draft, Fates};
use crate::gaps::Gaps;
use crate::place::signed;
use crate::{PipelineError, Progress, clock, invariants};

/// Maximum time for Kafka to acknowledge the dead letters of a block.
const DEAD_LETTER_PATIENCE: Duration = Duration::from_secs(60);
/// Backoff after a failed attempt: doubled each time, without limit of attempts.
const BACKOFF: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(100))
    .with_max_delay(Duration::from_secs(10))
    .without_max_times();
/// Pause between two looks for running inserts.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// Number of looks in a row without a running insert. A server that was frozen has requests in its
/// socket that it begins to execute a moment later.
const CLEAR_LOOKS: u32 = 2;

/// Bytes kept of a refused record. Brokers accept about a megabyte with headers; a valid event has
/// at most a sixteenth of that.
const PAYLOAD_KEPT: usize = 256 * 1024;

fn head(payload: &[u8]) -> &[u8] {
    &payload[..payload.len().min(PAYLOAD_KEPT)]
}

/// Record that did not become an event, on its way to the dead-letter topic.
#[derive(Debug, Clone)]
pub(crate) struct DeadLetter {
    pub(crate) key: Vec<u8>,
    /// Redacted payload, cut to `PAYLOAD_KEPT`.
    pub(crate) payload: Vec<u8>,
    payload_bytes: usize,
    /// Hash of a payload that is not text, of which nothing may be kept.
    payload_hash: Option<String>,
    /// Event headers of a record in binary mode, redacted like the payload.
    headers: Vec<(String, String)>,
    fate: &'static str,
    code: &'static str,
    detail: String,
    partition: i32,
    offset: i64,
    /// `None` if the log has no time.
    written_ms: Option<i64>,
}

impl DeadLetter {
    pub(crate) fn of(record: &Record<'_>, mode: Mode, refusal: &Refusal) -> Self {
        let payload = affluenza_event::redact(head(record.payload()));
        Self {
            key: affluenza_event::redact_key(head(record.key())),
            payload_hash: payload
                .is_none()
                .then(|| format!("{:032x}", xxh3_128(record.payload()))),
            payload: payload.unwrap_or_default().into_bytes(),
            payload_bytes: record.payload().len(),
            headers: match mode {
                Mode::Structured => Vec::new(),
                Mode::Binary => event_headers(record)
                    .map(|(name, value)| affluenza_event::redact_header(name, head(value)))
                    .collect(),
            },
            fate: match refusal.kind.is_quarantined() {
                false => "rejected",
                true => "quarantined",
            },
            code: refusal.code(),
            detail: String::from_utf8_lossy(&affluenza_event::mask(refusal.to_string().as_bytes()))
                .into_owned(),
            partition: record.partition().0,
            offset: record.offset().0,
            written_ms: record.written_ms(),
        }
    }

    /// Returns the approximate size in memory, in bytes.
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
        let hash = self.payload_hash.as_deref();
        headers.extend(hash.map(|hash| ("affluenza-payload-xxh3", hash)));
        let own = self.headers.iter();
        headers.extend(own.map(|(name, value)| (name.as_str(), value.as_str())));
        writer.send(&self.key, &self.payload, None, &headers)
    }
}

/// Result of writing a draft.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) partition: Partition,
    pub(crate) end: NextOffset,
    pub(crate) read: u64,
    pub(crate) fates: Fates,
    /// Time from the first look-up to the ledger row; `inserted_in` is the part for facts and hour
    /// rows, if any.
    pub(crate) took: Duration,
    pub(crate) inserted_in: Option<Duration>,
    /// Time of the first record in the log, if it has one, in milliseconds since 1970.
    /// `stored_at_ms` is the time of storing.
    pub(crate) oldest_ms: Option<i64>,
    pub(crate) stored_at_ms: i64,
}

impl Written {
    fn of(
        draft: &Draft,
        partition: Partition,
        began: Instant,
        inserted_in: Option<Duration>,
    ) -> Self {
        Self {
            partition,
            end: draft.end,
            read: draft.read,
            fates: draft.fates.clone(),
            took: began.elapsed(),
            inserted_in,
            oldest_ms: draft.oldest_ms,
            stored_at_ms: clock::millis(),
        }
    }

    fn tell(&self, span: &mut Span) {
        span.set("messaging.batch.message_count", signed(self.read).0);
        span.set("messaging.kafka.offset", self.end.0 - 1);
        for (name, fate) in [
            ("affluenza.stored", Fate::Stored),
            ("affluenza.duplicate", Fate::Duplicate),
            ("affluenza.rejected", Fate::Rejected),
            ("affluenza.quarantined", Fate::Quarantined),
        ] {
            span.set(name, signed(self.fates.of(fate)).0);
        }
    }
}

/// Connections and shared state that writing a block needs.
#[derive(Clone)]
pub(crate) struct Sink {
    pub(crate) ledger: Ledger,
    pub(crate) facts: Facts,
    pub(crate) dead_letters: Arc<Writer>,
    pub(crate) gaps: Arc<Gaps>,
    pub(crate) progress: Progress,
    /// True if the log is replayed into another database.
    pub(crate) is_replay: bool,
    /// Erasures of events that the ledger had not reached when the consumer joined.
    pub(crate) erasures: Arc<[Erasure]>,
    /// Partition of the block.
    pub(crate) partition: Partition,
}

impl Sink {
    /// Writes `draft`. Retries transient errors without limit. Facts are sent again under the same
    /// token while ClickHouse surely remembers it. Otherwise only the missing facts are sent, under
    /// another token: see [`Self::insert_facts`]. The caller drops the future when the partition is
    /// revoked.
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
        if intended_at.is_none() {
            self.progress.holds().wait(&months_of(&draft.facts)).await;
        }
        if !draft.undecided.is_empty() {
            let asked: Vec<(i64, u64)> = draft
                .undecided
                .iter()
                .map(|undecided| (undecided.time_ms, undecided.identity))
                .collect();
            self.progress.note_lookups(asked.len());
            let stored = self
                .persist("look up older events", || {
                    self.facts
                        .stored_before(&origin, first, &asked, Times::Same)
                })
                .await?;
            draft.settle(&stored);
        }
        if !self.erasures.is_empty() {
            draft.erase(&self.erasures, &origin);
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
        let token = InsertToken::of(&origin, first, end);
        if let Some(at) = intended_at
            && self.has_row(&row).await?
        {
            // Facts that are gone since are restored by a reconciliation, which knows erasures.
            if self.reliability(at).await? != TokenReliability::Known {
                let block = BlockPlace::of(&draft.facts, &origin, first..end, &token);
                self.outlast_earlier_inserts(&token).await?;
                let stored = self.stored(&block).await?;
                let why = "it is complete, and its token may be forgotten";
                self.doubt(&block, &stored, why).await?;
            }
            return Ok(Written::of(&draft, partition, began, None));
        }
        // Dead letters come first: a crash may repeat them, but never loses one.
        self.send_dead_letters(&mut draft, &origin).await?;
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
        // The first attempt at a repeated block may have stored events that this one drops.
        if !facts.is_empty() || intended_at.is_some() {
            let began = Instant::now();
            self.insert_usage(facts, &origin, first..end, &token, intended_at)
                .await?;
            inserted_in = Some(began.elapsed());
        }
        let ledger = &self.ledger;
        let sequences = &draft.sequences.rows();
        if !sequences.is_empty() {
            let mut tokens = RepeatTokens::of(&token, intended_at);
            self.persist("insert producer sequences", || {
                let token = tokens.next();
                async move { ledger.insert_sequences(sequences, &token).await }
            })
            .await?;
        }
        let reports = draft.sequences.reports();
        if !reports.is_empty() {
            let mut tokens = RepeatTokens::of(&token, intended_at);
            self.persist("insert client reports", || {
                let token = tokens.next();
                async move { ledger.insert_client_reports(reports, &token).await }
            })
            .await?;
        }
        // The ledger row comes last: it marks the block as complete.
        let (mut tokens, row) = (RepeatTokens::of(&token, intended_at), &row);
        self.persist("insert ledger", || {
            let token = tokens.next();
            async move { ledger.insert(row, &token).await }
        })
        .await?;
        Ok(Written::of(&draft, partition, began, inserted_in))
    }

    /// True if a repeated block is complete: its ledger row, which is written last, is there. Repairs
    /// of such a block may have begun, so nothing of it is inserted again.
    async fn has_row(&self, row: &LedgerRow) -> Result<bool, PipelineError> {
        let (stream, partition, first) = (&row.stream, row.kafka_partition, row.first_offset);
        let found = self
            .persist("look for the ledger row", || {
                self.ledger.row_at(stream, partition, first)
            })
            .await?;
        Ok(found.is_some_and(|found| {
            (found.first_offset, found.next_offset, found.checksum)
                == (row.first_offset, row.next_offset, row.checksum)
        }))
    }

    async fn reliability(&self, since: u64) -> Result<TokenReliability, PipelineError> {
        self.persist("look for the token", || {
            self.ledger.token_reliability(since)
        })
        .await
    }

    /// Inserts facts and then their hour rows. Hour rows are only inserted if they are those of the
    /// stored facts; otherwise their months are in doubt.
    async fn insert_usage(
        &self,
        mut facts: FactBlock,
        origin: &BlockOrigin,
        offsets: Range<u64>,
        token: &InsertToken,
        intended_at: Option<u64>,
    ) -> Result<(), PipelineError> {
        let block = BlockPlace::of(&facts, origin, offsets, token);
        let Some((attempt, first_sent_at)) =
            self.insert_facts(&mut facts, &block, intended_at).await?
        else {
            return Ok(());
        };
        // The second attempt may judge an event otherwise than the first: under newer rules, or since
        // a copy was stored in the meantime.
        if intended_at.is_some() && attempt.token == *token {
            let stored = self.stored(&block).await?;
            let is_same = stored.iter().all(|fact| fact.has_rules)
                && offsets_of(&stored) == facts.offsets().collect();
            if !is_same {
                self.outlast_earlier_inserts(token).await?;
                let why = "the stored facts are others";
                return self.doubt(&block, &stored, why).await;
            }
        }
        if facts.is_empty() {
            return Ok(());
        }
        self.insert_hours(&attempt, &block, first_sent_at).await
    }

    /// Inserts facts, with retries under the same token. If ClickHouse may have forgotten the
    /// token, each further attempt first reads which facts are stored, and sends the others under
    /// another token. Returns the last attempt with the time of the first one, or `None` if no fact
    /// was missing.
    async fn insert_facts(
        &self,
        facts: &mut FactBlock,
        block: &BlockPlace<'_>,
        intended_at: Option<u64>,
    ) -> Result<Option<(Attempt, u64)>, PipelineError> {
        let BlockPlace { origin, token, .. } = *block;
        let mut pauses = BACKOFF.build();
        let mut attempt = Attempt {
            rows: facts.encode(origin),
            token: token.clone(),
        };
        let mut first_sent_at = intended_at;
        let mut started_at = 0;
        loop {
            if let Some(at) = first_sent_at {
                let known = self.reliability(at).await?;
                // ClickHouse's uptime is in whole seconds: one start appears as either of two seconds.
                if let TokenReliability::ServerRestarted(at) = known
                    && at.abs_diff(started_at) > 1
                {
                    started_at = at;
                }
                if known != TokenReliability::Known {
                    self.outlast_earlier_inserts(token).await?;
                    let present = self.look_for_facts(block, known).await?;
                    let keep: Vec<bool> =
                        facts.offsets().map(|at| !present.contains(&at)).collect();
                    facts.retain(&keep);
                    if facts.is_empty() {
                        return Ok(None);
                    }
                    attempt = Attempt {
                        rows: facts.encode(origin),
                        // A restarted server may remember the block's token without its rows.
                        token: token.of_rest(started_at),
                    };
                }
            }
            let sent_at = *first_sent_at.get_or_insert_with(clock::seconds);
            if facts.is_empty() {
                return Ok(Some((attempt, sent_at)));
            }
            self.begins(Cause::ClickHouse, "insert facts");
            let Attempt { rows, token } = &attempt;
            match self.facts.insert(rows.facts.clone(), token).await {
                Ok(()) => return Ok(Some((attempt, sent_at))),
                Err(error) if error.is_transient() => {
                    let pause = pauses.next().unwrap_or_default();
                    self.note_failure("insert facts", &error, pause);
                    tokio::time::sleep(pause).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Inserts the hour rows of stored facts, with retries under the token of the facts. If
    /// ClickHouse may have forgotten the token, the months of the block are in doubt instead.
    async fn insert_hours(
        &self,
        attempt: &Attempt,
        block: &BlockPlace<'_>,
        first_sent_at: u64,
    ) -> Result<(), PipelineError> {
        let mut pauses = BACKOFF.build();
        loop {
            self.begins(Cause::ClickHouse, "insert hour rows");
            let Attempt { rows, token } = attempt;
            match self.facts.insert_hours(rows.hours.clone(), token).await {
                Ok(()) => return Ok(()),
                Err(error) if error.is_transient() => {
                    let pause = pauses.next().unwrap_or_default();
                    self.note_failure("insert hour rows", &error, pause);
                    tokio::time::sleep(pause).await;
                }
                Err(error) => return Err(error.into()),
            }
            if self.reliability(first_sent_at).await? != TokenReliability::Known {
                self.outlast_earlier_inserts(block.token).await?;
                return self
                    .doubt(block, &[], "their insert was not answered")
                    .await;
            }
        }
    }

    /// Waits until no server executes an earlier insert of the block. A slow server may commit some
    /// months of an insert after the client's time limit, and would hide them from a look-up.
    async fn outlast_earlier_inserts(&self, token: &InsertToken) -> Result<(), PipelineError> {
        let mut clear = 0;
        while clear < CLEAR_LOOKS {
            let running = self
                .persist("look for running inserts", || {
                    self.ledger.running_inserts(token)
                })
                .await?;
            clear = if running == 0 { clear + 1 } else { 0 };
            if clear < CLEAR_LOOKS {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        }
        Ok(())
    }

    /// Reads which facts of a block are stored when its token is not reliable. Records the months
    /// whose hour rows are in doubt.
    async fn look_for_facts(
        &self,
        block: &BlockPlace<'_>,
        known: TokenReliability,
    ) -> Result<HashSet<u64>, PipelineError> {
        let stored = self.stored(block).await?;
        let was_restarted = matches!(known, TokenReliability::ServerRestarted(_));
        if invariants::hours_are_in_doubt(!stored.is_empty(), was_restarted) {
            self.doubt(block, &stored, &format!("{known:?}")).await?;
        }
        Ok(offsets_of(&stored))
    }

    /// Returns the stored facts of a block.
    async fn stored(&self, block: &BlockPlace<'_>) -> Result<Vec<StoredFact>, PipelineError> {
        let origin = block.origin;
        let offsets = block.offsets.clone();
        let range = LogRange::of(&origin.stream, origin.kafka_partition, offsets);
        self.persist("look for facts", || {
            self.facts.stored(&range, &origin.rules)
        })
        .await
    }

    /// Records that the hour rows of a block are in doubt. `stored` are facts of the block.
    async fn doubt(
        &self,
        block: &BlockPlace<'_>,
        stored: &[StoredFact],
        why: &str,
    ) -> Result<(), PipelineError> {
        let offsets = &block.offsets;
        tracing::warn!(
            partition = block.origin.kafka_partition,
            first = offsets.start,
            next = offsets.end,
            %why,
            "the hour rows of a block are in doubt: its months will be compared"
        );
        let mut months = block.months.clone();
        months.extend(stored.iter().map(|fact| fact.month));
        self.persist("write months in doubt", || {
            self.ledger
                .doubt_months(&months, Some((block.origin, offsets.clone())))
        })
        .await
    }

    async fn send_dead_letters(
        &self,
        draft: &mut Draft,
        origin: &BlockOrigin,
    ) -> Result<(), PipelineError> {
        let letters = std::mem::take(&mut draft.dead_letters);
        // The topic has the dead letters of a replayed block.
        if letters.is_empty() || self.is_replay {
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

    /// Repeats `attempt` until it succeeds or fails permanently.
    async fn persist<T, F: Future<Output = Result<T, StoreError>>>(
        &self,
        what: &'static str,
        attempt: impl FnMut() -> F,
    ) -> Result<T, PipelineError> {
        self.begins(Cause::ClickHouse, what);
        let repeated = attempt.retry(BACKOFF).when(StoreError::is_transient);
        let noted = repeated.notify(|error, pause| self.note_failure(what, error, pause));
        Ok(noted.await?)
    }

    fn begins(&self, cause: Cause, what: &str) {
        self.progress.begins(self.partition, cause, what);
    }

    fn note_failure(&self, what: &'static str, error: &StoreError, pause: Duration) {
        tracing::warn!(what, %error, pause_ms = pause.as_millis() as u64, "waiting for ClickHouse");
        self.progress.note_wait();
        self.progress.fails(self.partition, error);
    }
}

/// Place of a block in the log, with what its inserts need.
struct BlockPlace<'b> {
    origin: &'b BlockOrigin,
    /// Months of its hours.
    months: BTreeSet<u32>,
    offsets: Range<u64>,
    token: &'b InsertToken,
}

impl<'b> BlockPlace<'b> {
    fn of(
        facts: &FactBlock,
        origin: &'b BlockOrigin,
        offsets: Range<u64>,
        token: &'b InsertToken,
    ) -> Self {
        Self {
            origin,
            months: months_of(facts),
            offsets,
            token,
        }
    }
}

/// Encoded rows of one attempt, and their insert token.
struct Attempt {
    rows: EncodedBlock,
    token: InsertToken,
}

/// Tokens for tables in which a repeated row changes nothing. Each retry has another token, since
/// ClickHouse may remember a token without having kept its rows.
struct RepeatTokens {
    of_block: InsertToken,
    attempts: u64,
}

impl RepeatTokens {
    fn of(of_block: &InsertToken, intended_at: Option<u64>) -> Self {
        Self {
            of_block: of_block.clone(),
            attempts: u64::from(intended_at.is_some()),
        }
    }

    fn next(&mut self) -> InsertToken {
        self.attempts += 1;
        match self.attempts {
            1 => self.of_block.clone(),
            attempts => self.of_block.of_repeat(attempts, clock::seconds()),
        }
    }
}

fn offsets_of(stored: &[StoredFact]) -> HashSet<u64> {
    stored.iter().map(|fact| fact.kafka_offset).collect()
}

/// Returns the UTC months of the facts' hours, as `YYYYMM`.
pub(crate) fn months_of(facts: &FactBlock) -> BTreeSet<u32> {
    const DAY_SECONDS: u32 = 86_400;
    let days: BTreeSet<u32> = facts.hours().map(|hour| hour / DAY_SECONDS).collect();
    days.into_iter()
        .map(|day| {
            let date = date_since_1970(i32::try_from(day).unwrap_or(i32::MAX));
            u32::from(date.year().unsigned_abs()) * 100 + u32::from(date.month().unsigned_abs())
        })
        .collect()
}
