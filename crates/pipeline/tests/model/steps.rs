//! Steps of consumers, broker and server that need no fault.

use std::time::Duration;

use affluenza_pipeline::invariants::{Extent, may_commit};
use affluenza_pipeline::step::{
    BlockLook, BlockWaits, PartitionAction, PartitionEvent, PartitionState, step,
};

use crate::guards::{Guards, PATIENCE};
use crate::state::{Block, MEMBERS, RECORDS, Range, State, Work, at, next};

/// Step that needs no fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The group assigns the partition to a consumer, which opens it.
    Assign(usize),
    /// A consumer learns of the new generation and keeps the partition.
    Sync(usize),
    /// A consumer learns that it lost the partition, and cancels its work.
    LearnLoss(usize),
    /// A consumer that lost the partition joins again and keeps its state.
    RejoinKeeping(usize),
    /// A draft up to `end` is ready: its intent is committed, with the end of the previous block if
    /// there is one.
    Plan { member: usize, end: u8 },
    /// The end of a block is committed alone.
    CommitEnd(usize),
    /// The broker handles a commit.
    Handle(usize),
    /// An insert is sent.
    Send(usize),
    /// An old block is looked up in the facts.
    LookUp(usize),
    /// The server writes the next table of an insert.
    Land(usize),
    /// The ledger row is written.
    Record(usize),
    /// Ledger, facts and aggregates are reconciled.
    Reconcile,
}

/// Returns the extent of a range as a consumer reads it. The log never changes in this model.
pub fn extent(range: Range) -> Extent {
    Extent {
        end: next(range.end),
        records: u64::from(range.end - range.first),
        checksum: u64::from(range.first),
    }
}

/// Calls the consumer's step. Returns `None` if it fails an assertion.
pub fn attempt(
    partition: PartitionState,
    event: PartitionEvent,
) -> Option<(PartitionState, Option<PartitionAction>)> {
    std::panic::catch_unwind(|| step(partition, event)).ok()
}

/// Lets a consumer look at a draft up to `end`. It has waited long enough for records, and for the
/// backoff after a refused commit.
pub fn look(
    partition: PartitionState,
    end: u8,
) -> Option<(PartitionState, Option<PartitionAction>)> {
    let range = Range {
        first: at(partition.first()),
        end,
    };
    let look = BlockLook {
        now: Duration::from_hours(1),
        first: partition.first(),
        extent: extent(range),
        waited: (range.first < end).then_some(Duration::from_hours(1)),
        is_large: false,
        is_last: true,
        waits: BlockWaits {
            after_pause: Duration::ZERO,
            between: Duration::ZERO,
        },
    };
    attempt(partition, PartitionEvent::Look(look))
}

/// True if a draft up to `end` is a block that may be begun.
pub fn may_plan(partition: PartitionState, end: u8) -> bool {
    // A look that fails an assertion is carried out, so that the checker names the order.
    look(partition, end).is_none_or(|(_, action)| {
        matches!(action, Some(PartitionAction::Commit { with_intent, .. }) if with_intent)
    })
}

/// True if the end of a written block is not committed yet.
fn owes_commit(partition: PartitionState) -> bool {
    look(partition, at(partition.first())).is_some_and(|(_, action)| {
        matches!(action, Some(PartitionAction::Commit { with_intent, .. }) if !with_intent)
    })
}

pub fn steps(state: &State, guards: Guards, out: &mut Vec<Step>) {
    if state.alarmed {
        return;
    }
    for member in 0..MEMBERS {
        steps_of(member, state, guards, out);
    }
    for (index, request) in state.broker.requests.iter().enumerate() {
        // A stale commit without a waiting sender is refused without any effect.
        let is_void = guards.broker_fences_commits
            && !request.awaited
            && request.generation != state.broker.generation;
        if !is_void {
            out.push(Step::Handle(index));
        }
    }
    out.extend((0..state.server.inserts.len()).map(Step::Land));
    let position = state.position();
    let is_due = is_calm(state, position) || !guards.reconciles_only_what_is_calm;
    if guards.reconciles && is_due && !state.server.agrees_up_to(position) {
        out.push(Step::Reconcile);
    }
}

/// Returns true if no block before `position` is being written. Reconciliation omits what was
/// committed within the last [`PATIENCE`] plus the lifetime of an insert.
fn is_calm(state: &State, position: u8) -> bool {
    let is_before = |block: &Block| block.range.first < position;
    let sent = state.server.inserts.iter().map(|insert| insert.block);
    let to_be_sent = state.members.iter().filter_map(|member| match member.work {
        Work::Writing { block, age, .. } if age < PATIENCE => Some(block),
        _ => None,
    });
    !sent.chain(to_be_sent).any(|block| is_before(&block))
}

fn steps_of(member: usize, state: &State, guards: Guards, out: &mut Vec<Step>) {
    let me = state.members[member];
    let owns = state.broker.owner == Some(member);
    // The client reports a loss until the consumer joins again; after that it knows of none.
    let knows_of_loss = !owns && me.generation != state.broker.generation;
    let may_ask = may_commit(guards.checks_assignment && knows_of_loss, false);
    let Some(partition) = me.partition else {
        // Idle consumers are interchangeable: the first represents all of them.
        let mut members = state.members.iter();
        let first = members.position(|other| other.partition.is_none());
        if state.broker.owner.is_none() && first == Some(member) {
            out.push(Step::Assign(member));
        }
        return;
    };
    if may_ask {
        let ends = at(partition.first()) + 1..=RECORDS;
        let planned = ends.filter(|end| may_plan(partition, *end));
        out.extend(planned.map(|end| Step::Plan { member, end }));
        let is_repeated = guards.repeats_a_refused_end || !partition.was_refused();
        if owes_commit(partition) && is_repeated {
            out.push(Step::CommitEnd(member));
        }
    }
    match me.work {
        Work::Writing {
            block,
            age,
            waiting: false,
        } => {
            if age < PATIENCE || !guards.old_writers_look_first {
                out.push(Step::Send(member));
            } else if !state
                .server
                .inserts
                .iter()
                .any(|insert| insert.block.range == block.range)
            {
                // The writer has waited until no earlier attempt can be running.
                out.push(Step::LookUp(member));
            }
        }
        Work::Inserted { .. } => out.push(Step::Record(member)),
        _ => {}
    }
    if owns && me.generation != state.broker.generation {
        out.push(Step::Sync(member));
    }
    // The thread that would learn of the loss is waiting for the broker.
    if !owns && !me.is_committing() {
        out.push(Step::LearnLoss(member));
        if !guards.forgets_before_rejoining && me.generation != state.broker.generation {
            out.push(Step::RejoinKeeping(member));
        }
    }
}
