//! Steps of consumers, broker and server that need no fault.

use affluenza_pipeline::invariants::{Extent, may_commit, reaches_intent, recovers_exactly};

use crate::guards::{Guards, PATIENCE};
use crate::state::{Block, Intent, MEMBERS, RECORDS, Range, State, Work, next};

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
    match me.work {
        Work::Away => {
            // Idle consumers are interchangeable: the first represents all of them.
            let is_first = state
                .members
                .iter()
                .position(|other| other.work == Work::Away)
                == Some(member);
            if state.broker.owner.is_none() && is_first {
                out.push(Step::Assign(member));
            }
            return;
        }
        Work::Reading {
            next: first,
            behind,
            recovering,
        } if may_ask => {
            for end in first + 1..=RECORDS {
                if may_plan(first, end, recovering, guards) {
                    out.push(Step::Plan { member, end });
                }
            }
            if behind && guards.repeats_a_refused_end {
                out.push(Step::CommitEnd(member));
            }
        }
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
        Work::Recorded { block } if may_ask => {
            out.push(Step::CommitEnd(member));
            for end in block.range.end + 1..=RECORDS {
                out.push(Step::Plan { member, end });
            }
        }
        _ => {}
    }
    if owns && me.generation != state.broker.generation {
        out.push(Step::Sync(member));
    }
    // The thread that would learn of the loss is waiting for the broker.
    let is_busy = matches!(me.work, Work::Committing { .. });
    if !owns && !is_busy {
        out.push(Step::LearnLoss(member));
        if !guards.forgets_before_rejoining && me.generation != state.broker.generation {
            out.push(Step::RejoinKeeping(member));
        }
    }
}

/// Returns true if a draft from `first` to `end` may be written.
fn may_plan(first: u8, end: u8, recovering: Option<Intent>, guards: Guards) -> bool {
    let Some(intent) = recovering.filter(|_| guards.rereads_to_the_intent_end) else {
        return true;
    };
    let planned = Range { first, end };
    let intended = Range {
        first,
        end: intent.end,
    };
    reaches_intent(next(intent.end), next(end))
        && recovers_exactly(extent(intended), extent(planned))
}
