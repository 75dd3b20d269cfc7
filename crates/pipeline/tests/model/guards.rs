//! Guards between a fault and a wrong figure. Each can be switched off.

/// Active guards: `true` means on.
#[derive(Debug, Clone, Copy)]
pub struct Guards {
    /// The intent is committed before the block is inserted.
    pub intent_before_insert: bool,
    /// Every attempt to insert a block has the same token.
    pub same_token_on_retry: bool,
    /// A pending intent is read again to exactly its end.
    pub rereads_to_the_intent_end: bool,
    /// Hour rows are made by the rules that classified the stored facts. If a pending intent names
    /// other rules, they are made from the facts.
    pub recovers_under_the_same_rules: bool,
    /// A repeated block whose facts are skipped still gets its hour rows.
    pub hours_follow_skipped_facts: bool,
    /// The aggregates remember tokens, as the facts do.
    pub aggregates_remember_tokens: bool,
    /// The end of a block is committed after the block was written.
    pub commit_after_insert: bool,
    /// The broker refuses a commit of an earlier generation.
    pub broker_fences_commits: bool,
    /// The consumer checks its assignment before it commits.
    pub checks_assignment: bool,
    /// A consumer that lost the partition drops its state before it joins again.
    pub forgets_before_rejoining: bool,
    /// After a commit without an answer, the consumer leaves the group. Otherwise it would commit
    /// again while the first commit may still arrive.
    pub leaves_after_an_unanswered_commit: bool,
    /// A refused end is committed again, even if no record follows.
    pub repeats_a_refused_end: bool,
    /// The server cancels an insert that takes too long.
    pub inserts_end_in_time: bool,
    /// The server remembers more tokens than can arrive during an insert.
    pub window_outlasts_inserts: bool,
    /// A writer that has retried for long reads the facts before it retries.
    pub old_writers_look_first: bool,
    /// A consumer that finds an old intent reads the facts before it inserts.
    pub old_intents_are_looked_up: bool,
    /// Before ClickHouse starts after a crash, tokens without their part are deleted.
    pub token_log_is_repaired: bool,
    /// Ledger, facts and aggregates are reconciled up to the committed position.
    pub reconciles: bool,
    /// Reconciliation omits blocks that may still be written.
    pub reconciles_only_what_is_calm: bool,
    /// A partition is released only while no block of it is being written.
    pub waits_before_giving_back: bool,
    /// Every record that the client returns is added to a draft.
    pub keeps_every_record: bool,
    /// A missing offset is an error if the ledger has rows of the partition.
    pub alarms_on_ledger: bool,
    /// A missing offset is an error if the partition has facts.
    pub alarms_on_facts: bool,
    /// An offset other than the ledger's end is an error.
    pub places_fit_the_ledger: bool,
    /// Facts beyond the ledger, without an intent, are an error.
    pub alarms_on_facts_beyond: bool,
}

impl Guards {
    /// Guards of the real consumer: all on.
    pub const ALL: Self = Self {
        intent_before_insert: true,
        same_token_on_retry: true,
        rereads_to_the_intent_end: true,
        recovers_under_the_same_rules: true,
        hours_follow_skipped_facts: true,
        aggregates_remember_tokens: true,
        commit_after_insert: true,
        broker_fences_commits: true,
        checks_assignment: true,
        forgets_before_rejoining: true,
        leaves_after_an_unanswered_commit: true,
        repeats_a_refused_end: true,
        inserts_end_in_time: true,
        window_outlasts_inserts: true,
        old_writers_look_first: true,
        old_intents_are_looked_up: true,
        token_log_is_repaired: true,
        reconciles: true,
        reconciles_only_what_is_calm: true,
        waits_before_giving_back: true,
        keeps_every_record: true,
        alarms_on_ledger: true,
        alarms_on_facts: true,
        places_fit_the_ledger: true,
        alarms_on_facts_beyond: true,
    };

    /// Returns the number of tokens that a table remembers. One block takes one entry.
    pub fn window(self) -> u8 {
        if self.window_outlasts_inserts { 3 } else { 1 }
    }
}

/// Number of other blocks after which a running insert ends.
pub const INSERT_LIFETIME: u8 = 2;
/// Number of other blocks after which a block counts as old, from its intent on.
pub const PATIENCE: u8 = 1;
/// Upper limit of ages, as greater ages make no difference.
pub const AGE_MAX: u8 = 3;

/// Faults that may happen. Always included are crashes, lost and moved partitions, inserts and
/// commits without an answer, inserts that fail midway, a killed server, and other partitions that
/// evict tokens.
#[derive(Debug, Clone, Copy)]
pub struct Faults {
    /// Total number of faults.
    pub budget: u8,
    /// Power loss of the server's machine: acknowledged parts or tokens are gone.
    pub power: bool,
    /// The group loses its offset.
    pub wiped_offsets: bool,
    /// The consumer is restarted with newer rules.
    pub upgrade: bool,
    /// An operator sets the offset to an earlier or the same offset, which removes the intent.
    pub moved_offsets: bool,
}

impl Faults {
    /// Returns the faults that are always included, `budget` in total.
    pub const fn usual(budget: u8) -> Self {
        Self {
            budget,
            power: false,
            wiped_offsets: false,
            upgrade: false,
            moved_offsets: false,
        }
    }
}
