//! What stands between a fault and a wrong figure. Each can be taken away.

/// `true`: the guard stands.
#[derive(Debug, Clone, Copy)]
pub struct Guards {
    /// The intent is committed before the block is inserted.
    pub intent_before_insert: bool,
    /// Every attempt to insert a block carries the same token.
    pub same_token_on_retry: bool,
    /// A pending intent is read again to exactly its end.
    pub rereads_to_the_intent_end: bool,
    /// A pending intent is classified by the rules that it names.
    pub recovers_under_the_same_rules: bool,
    /// A block that the facts have already still goes to the aggregates
    /// (`deduplicate_blocks_in_dependent_materialized_views`).
    pub views_receive_repeats: bool,
    /// The aggregates remember tokens, as the facts do.
    pub aggregates_remember_tokens: bool,
    /// An end is committed after its block was written.
    pub commit_after_insert: bool,
    /// The broker refuses a commit of an earlier generation.
    pub broker_fences_commits: bool,
    /// The consumer asks whether it still owns the partition before it commits.
    pub checks_assignment: bool,
    /// A consumer that lost the partition forgets its state before it joins again.
    pub forgets_before_rejoining: bool,
    /// After a commit without an answer the consumer leaves the group, rather than committing
    /// on while the first may still arrive.
    pub leaves_after_an_unanswered_commit: bool,
    /// A refused end is committed again, though no further record comes.
    pub repeats_a_refused_end: bool,
    /// An insert that the server has not finished in time ends.
    pub inserts_end_in_time: bool,
    /// The server remembers more tokens than can arrive during an insert.
    pub window_outlasts_inserts: bool,
    /// A writer that has tried for long looks at the facts before it tries again.
    pub old_writers_look_first: bool,
    /// Whoever finds an old intent looks at the facts before inserting.
    pub old_intents_are_looked_up: bool,
    /// Before ClickHouse starts after a crash, tokens without their part are struck out.
    pub token_log_is_repaired: bool,
    /// Ledger, facts and aggregates are compared with the committed position and mended.
    pub reconciles: bool,
    /// Reconciliation leaves out what somebody may still be writing.
    pub reconciles_only_what_is_calm: bool,
    /// A partition is given back only when nothing of it is being written.
    pub waits_before_giving_back: bool,
    /// Every record that the client hands out is taken into a draft.
    pub keeps_every_record: bool,
    /// A partition without an offset, but with rows in the ledger, is an alarm.
    pub alarms_on_ledger: bool,
    /// A partition without an offset, but with facts, is an alarm.
    pub alarms_on_facts: bool,
    /// A place that is not the ledger's end is an alarm.
    pub places_fit_the_ledger: bool,
    /// Facts beyond the ledger, without an intent, are an alarm.
    pub alarms_on_facts_beyond: bool,
}

impl Guards {
    /// All of them.
    pub const ALL: Self = Self {
        intent_before_insert: true,
        same_token_on_retry: true,
        rereads_to_the_intent_end: true,
        recovers_under_the_same_rules: true,
        views_receive_repeats: true,
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

    /// How many tokens a table remembers. One block takes one entry here.
    pub fn window(self) -> u8 {
        if self.window_outlasts_inserts { 3 } else { 1 }
    }
}

/// An insert ends when this many other blocks have been written since it was sent.
pub const INSERT_LIFETIME: u8 = 2;
/// A block is old when this many other blocks have been written since its intent.
pub const PATIENCE: u8 = 1;
/// Ages beyond it make no difference.
pub const AGE_MAX: u8 = 3;

/// Which faults may happen, beside those that always may: crashes, lost and moved partitions,
/// inserts and commits without an answer, inserts that fail midway, a killed server, other
/// partitions that push tokens out.
#[derive(Debug, Clone, Copy)]
pub struct Faults {
    /// How many, of any kind.
    pub budget: u8,
    /// The machine of the server loses power: acknowledged parts or tokens are gone.
    pub power: bool,
    /// The group forgets its offset.
    pub wiped_offsets: bool,
    /// The consumer is started again with newer rules.
    pub upgrade: bool,
    /// An operator sets the offset back, or where it is, and so without its intent.
    pub moved_offsets: bool,
}

impl Faults {
    /// The usual ones.
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
