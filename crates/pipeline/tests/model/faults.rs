//! Faults of the environment. Each takes one from the budget.

use affluenza_pipeline::step::PartitionEvent;

use crate::guards::{Faults, Guards};
use crate::server::Stage;
use crate::state::{Committed, MEMBERS, RECORDS, State, Token, Work, at};
use crate::steps::may_plan;

/// Table that a fault hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Facts,
    Aggregate,
}

/// Fault of a consumer, the broker or the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A consumer crashes at any point. Its messages may still arrive.
    Crash(usize),
    /// All consumers crash and restart with newer rules.
    Upgrade,
    /// The group revokes the partition, and its owner does not notice: it is stopped, paused or cut
    /// off.
    Lose,
    /// The group revokes the partition, and its owner releases it.
    Revoke(usize),
    /// The group moves to a new generation with the same owner.
    Regroup,
    /// A commit times out; it may still arrive.
    CommitUnanswered(usize),
    /// An insert times out; it may still take effect.
    InsertUnanswered(usize),
    /// An insert fails between facts and aggregates.
    FailMidway(usize),
    /// The server is killed. With an index, the token of that insert is on disk, but its part is
    /// not.
    KillServer(Option<usize>),
    /// Other partitions write so much that this many tokens are evicted.
    OthersWrite(u8),
    /// The client returns a record that is not added to a draft.
    PutAside { member: usize, end: u8 },
    /// Power loss: an acknowledged part is gone, or its token, or both.
    PowerLoss {
        place: Place,
        token: Token,
        part_gone: bool,
        token_gone: bool,
    },
    /// The group loses its offset.
    WipeOffsets,
    /// An operator sets the offset.
    SetOffset(u8),
}

pub fn faults(state: &State, guards: Guards, kinds: Faults, out: &mut Vec<Fault>) {
    if state.alarmed || state.faults_left == 0 {
        return;
    }
    for member in 0..MEMBERS {
        faults_of(member, state, guards, out);
    }
    for (index, insert) in state.server.inserts.iter().enumerate() {
        if insert.stage == Stage::Aggregate {
            out.push(Fault::FailMidway(index));
        }
        if !guards.token_log_is_repaired {
            out.push(Fault::KillServer(Some(index)));
        }
    }
    if !state.server.inserts.is_empty() {
        out.push(Fault::KillServer(None));
    }
    if !state.server.facts.tokens.is_empty() || !state.server.inserts.is_empty() {
        out.push(Fault::OthersWrite(1));
        out.push(Fault::OthersWrite(guards.window()));
    }
    if state.broker.owner.is_some() {
        out.push(Fault::Lose);
        out.push(Fault::Regroup);
        if kinds.upgrade && state.rules == 0 {
            out.push(Fault::Upgrade);
        }
    }
    let nobody_is_there = state
        .members
        .iter()
        .all(|member| member.partition.is_none());
    // Kafka deletes the offsets of an empty group only, long after its last insert has ended. An
    // operator, too, can set offsets only in an empty group.
    let is_at_rest = nobody_is_there && state.server.inserts.is_empty();
    if let Some(committed) = state.broker.committed.filter(|_| is_at_rest) {
        if kinds.wiped_offsets {
            out.push(Fault::WipeOffsets);
        }
        if kinds.moved_offsets {
            out.extend((0..=committed.next).map(Fault::SetOffset));
        }
    }
    if kinds.power {
        power_losses(state, out);
    }
}

fn faults_of(member: usize, state: &State, guards: Guards, out: &mut Vec<Fault>) {
    let me = state.members[member];
    let owns = state.broker.owner == Some(member);
    let Some(partition) = me.partition else {
        return;
    };
    if owns {
        out.push(Fault::Crash(member));
    }
    // The thread that would learn of the rebalance is waiting for the broker.
    let may_revoke = !me.is_committing() && !partition.is_leaving();
    if owns && may_revoke && me.generation == state.broker.generation {
        out.push(Fault::Revoke(member));
    }
    if me.is_committing() {
        out.push(Fault::CommitUnanswered(member));
    }
    if matches!(me.work, Work::Writing { waiting: true, .. }) {
        out.push(Fault::InsertUnanswered(member));
    }
    if owns && me.recovering.is_none() && !guards.keeps_every_record {
        let ends = at(partition.first()) + 2..=RECORDS;
        let planned = ends.filter(|end| may_plan(partition, *end));
        out.extend(planned.map(|end| Fault::PutAside { member, end }));
    }
}

fn power_losses(state: &State, out: &mut Vec<Fault>) {
    let tables = [
        (Place::Facts, &state.server.facts),
        (Place::Aggregate, &state.server.aggregate),
    ];
    for (place, table) in tables {
        for (token, _) in &table.tokens {
            for (part_gone, token_gone) in [(true, true), (true, false), (false, true)] {
                out.push(Fault::PowerLoss {
                    place,
                    token: *token,
                    part_gone,
                    token_gone,
                });
            }
        }
    }
}

impl State {
    pub fn suffer(&mut self, fault: Fault, guards: Guards) {
        self.faults_left -= 1;
        match fault {
            Fault::Crash(member) => self.release(member),
            Fault::Revoke(member) if guards.waits_before_giving_back => {
                self.report(member, PartitionEvent::Revoked);
            }
            Fault::Revoke(member) => self.release(member),
            Fault::Upgrade => {
                for member in 0..MEMBERS {
                    self.abandon(member);
                }
                self.broker.owner = None;
                self.rules = 1;
            }
            Fault::Lose => self.broker.owner = None,
            Fault::Regroup => self.new_generation(guards),
            Fault::CommitUnanswered(member) => {
                self.answer(member, false);
                for request in &mut self.broker.requests {
                    if request.from == member {
                        request.awaited = false;
                    }
                }
                if guards.leaves_after_an_unanswered_commit {
                    self.release(member);
                }
            }
            Fault::InsertUnanswered(member) => {
                self.stop_waiting(member);
                for insert in &mut self.server.inserts {
                    if insert.sender == Some(member) {
                        insert.sender = None;
                    }
                }
                self.server.inserts.sort_unstable();
            }
            Fault::FailMidway(index) => {
                let insert = self.server.inserts.remove(index);
                if let Some(member) = insert.sender {
                    self.stop_waiting(member);
                }
            }
            Fault::KillServer(kept) => {
                if let Some(index) = kept {
                    self.keep_token_without_part(index, guards);
                }
                self.restart_server();
            }
            Fault::OthersWrite(blocks) => {
                self.server.facts.push_out(blocks, guards.window());
                self.server.aggregate.push_out(blocks, guards.window());
                self.grow_older(None, blocks);
                self.end_old_inserts(guards);
            }
            Fault::PutAside { member, end } => self.plan(member, end, true, guards),
            Fault::PowerLoss {
                place,
                token,
                part_gone,
                token_gone,
            } => {
                let table = match place {
                    Place::Facts => &mut self.server.facts,
                    Place::Aggregate => &mut self.server.aggregate,
                };
                if part_gone {
                    table.drop_part(token.range);
                }
                // A token without its part is deleted before the server starts again.
                if token_gone || guards.token_log_is_repaired {
                    table.forget(token);
                }
                self.restart_server();
            }
            Fault::WipeOffsets => self.broker.committed = None,
            Fault::SetOffset(next) => {
                self.broker.committed = Some(Committed { next, intent: None });
            }
        }
    }

    /// The server wrote the token for the next table before it died, but not the part.
    fn keep_token_without_part(&mut self, index: usize, guards: Guards) {
        let insert = self.server.inserts[index];
        let table = match insert.stage {
            Stage::Facts => &mut self.server.facts,
            Stage::Aggregate => &mut self.server.aggregate,
        };
        if !table.remembers(insert.token) {
            table.remember(insert.token, guards.window());
        }
    }

    /// Cancels every insert; its sender gets an error.
    fn restart_server(&mut self) {
        self.server.inserts.clear();
        for member in 0..MEMBERS {
            self.stop_waiting(member);
        }
    }
}
