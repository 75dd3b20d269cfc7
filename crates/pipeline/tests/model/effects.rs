//! Effects of a step on the state.

use std::time::Duration;

use affluenza_pipeline::invariants::{LastRow, may_commit, place_is_ledgers_end};
use affluenza_pipeline::step::{PartitionAction, PartitionEvent, PartitionState};

use crate::guards::{Guards, INSERT_LIFETIME};
use crate::server::{Insert, Landed, Stage};
use crate::state::{
    Block, Committed, Intent, Member, RECORDS, Range, Request, State, Token, Work, at, next,
};
use crate::steps::{Step, attempt, extent, look};

impl State {
    pub fn take(&mut self, step: Step, guards: Guards) {
        match step {
            Step::Assign(member) => self.assign(member, guards),
            Step::Sync(member) | Step::RejoinKeeping(member) => {
                self.members[member].generation = self.broker.generation;
            }
            Step::LearnLoss(member) => self.report(member, PartitionEvent::Lost),
            Step::Plan { member, end } => self.plan(member, end, false, guards),
            Step::CommitEnd(member) => self.commit_end(member),
            Step::Handle(index) => self.handle(index, guards),
            Step::Send(member) => self.send(member, guards),
            Step::LookUp(member) => self.look_up(member),
            Step::Land(index) => self.land(index, guards),
            Step::Record(member) => {
                if let Work::Inserted { block } = self.members[member].work {
                    self.server.record(block.range);
                    self.members[member].work = Work::Idle;
                    let written = PartitionEvent::Written(next(block.range.end));
                    self.report(member, written);
                }
            }
            Step::Reconcile => self.server.reconcile(self.position()),
        }
    }

    fn assign(&mut self, member: usize, guards: Guards) {
        self.new_generation(guards);
        self.broker.owner = Some(member);
        let in_ledger = guards.alarms_on_ledger && !self.server.ledger.is_empty();
        let in_facts = guards.alarms_on_facts && self.server.facts.counted.contains(&1);
        if self.broker.committed.is_none() && (in_ledger || in_facts) {
            self.alarmed = true;
            return;
        }
        if let Some(committed) = self.broker.committed
            && !self.fits(committed, guards)
        {
            self.alarmed = true;
            return;
        }
        let position = self.position();
        let recovering = self.broker.committed.and_then(|committed| committed.intent);
        let repeats = recovering.filter(|_| guards.rereads_to_the_intent_end);
        let repeats = repeats.map(|intent| {
            extent(Range {
                first: position,
                end: intent.end,
            })
        });
        self.members[member] = Member {
            generation: self.broker.generation,
            partition: Some(PartitionState::assigned(next(position), repeats)),
            recovering,
            work: Work::Idle,
        };
    }

    /// True if the group may continue at its committed offset.
    fn fits(&self, committed: Committed, guards: Guards) -> bool {
        let server = &self.server;
        let begun = committed.intent.map(|intent| Range {
            first: committed.next,
            end: intent.end,
        });
        let last = server.last_row().unwrap_or(Range { first: 0, end: 0 });
        let row = LastRow {
            first: next(last.first),
            end: next(last.end),
            checksum: extent(last).checksum,
        };
        let is_place = place_is_ledgers_end(next(committed.next), begun.map(extent), row);
        let end = begun.map_or(committed.next, |begun| begun.end);
        let beyond = usize::from(end)..usize::from(RECORDS);
        let has_facts_beyond = beyond.into_iter().any(|at| server.facts.counted[at] > 0);
        (is_place || !guards.places_fit_the_ledger)
            && (!has_facts_beyond || !guards.alarms_on_facts_beyond)
    }

    pub fn new_generation(&mut self, guards: Guards) {
        self.broker.generation += 1;
        if guards.broker_fences_commits {
            self.broker.requests.retain(|request| request.awaited);
        }
    }

    /// Reports an event to the consumer's step and executes the action.
    pub fn report(&mut self, member: usize, event: PartitionEvent) {
        let Some(partition) = self.members[member].partition else {
            return;
        };
        let Some((partition, action)) = attempt(partition, event) else {
            self.expect(false, "a step keeps its assertions");
            return;
        };
        self.members[member].partition = Some(partition);
        match action {
            Some(PartitionAction::Commit { next, .. }) => {
                let end = Committed {
                    next: at(next),
                    intent: None,
                };
                self.request(member, end);
            }
            Some(PartitionAction::Write) => {
                if let Work::Planned { block, age } = self.members[member].work {
                    self.members[member].recovering = None;
                    self.members[member].work = Work::Writing {
                        block,
                        age,
                        waiting: false,
                    };
                }
            }
            Some(PartitionAction::Release) => match event {
                PartitionEvent::Lost => self.abandon(member),
                _ => self.release(member),
            },
            _ => {}
        }
    }

    /// Plans a block up to `end`. With `lacks_first`, the client returned its first record, but the
    /// draft does not contain it.
    pub fn plan(&mut self, member: usize, end: u8, lacks_first: bool, guards: Guards) {
        let Member {
            partition: Some(partition),
            recovering,
            ..
        } = self.members[member]
        else {
            return;
        };
        let Some((partition, Some(PartitionAction::Commit { next: first, .. }))) =
            look(partition, end)
        else {
            self.expect(false, "a look keeps its assertions");
            return;
        };
        self.members[member].partition = Some(partition);
        let (rules, age) = match recovering {
            Some(intent) => (
                if guards.recovers_under_the_same_rules {
                    intent.rules
                } else {
                    self.rules
                },
                if guards.old_intents_are_looked_up {
                    intent.age
                } else {
                    0
                },
            ),
            None => (self.rules, 0),
        };
        let range = Range {
            first: at(first),
            end,
        };
        let block = Block {
            range,
            lacks_first,
            rules,
        };
        let committed = if guards.commit_after_insert {
            let intent = Intent { end, rules, age };
            Committed {
                next: range.first,
                intent: Some(intent),
            }
        } else {
            Committed {
                next: end,
                intent: None,
            }
        };
        let is_sent = !guards.commit_after_insert || guards.intent_before_insert;
        if is_sent {
            self.request(member, committed);
        }
        self.members[member].work = Work::Planned { block, age };
        if !is_sent {
            self.answer(member, true);
        }
    }

    fn commit_end(&mut self, member: usize) {
        let Some(partition) = self.members[member].partition else {
            return;
        };
        if let Some((partition, Some(PartitionAction::Commit { next, .. }))) =
            look(partition, at(partition.first()))
        {
            self.members[member].partition = Some(partition);
            let end = Committed {
                next: at(next),
                intent: None,
            };
            self.request(member, end);
        }
    }

    fn request(&mut self, member: usize, committed: Committed) {
        let work = self.members[member].work;
        let writing = matches!(work, Work::Writing { .. } | Work::Inserted { .. });
        self.expect(
            may_commit(false, writing),
            "nothing is committed during an insert",
        );
        self.broker.requests.push(Request {
            from: member,
            generation: self.members[member].generation,
            committed,
            awaited: true,
        });
    }

    fn handle(&mut self, index: usize, guards: Guards) {
        let request = self.broker.requests.remove(index);
        let is_fenced = request.generation != self.broker.generation;
        let accepted = !(is_fenced && guards.broker_fences_commits);
        if accepted {
            self.check_commit(request.committed);
            self.broker.committed = Some(request.committed);
        }
        if request.awaited {
            self.answer(request.from, accepted);
        }
    }

    /// Reports the result of a commit to its consumer, real or assumed.
    pub fn answer(&mut self, member: usize, accepted: bool) {
        let now = Duration::ZERO;
        let event = match accepted {
            true => PartitionEvent::Accepted(now),
            false => PartitionEvent::Refused(now),
        };
        self.report(member, event);
        // The block was not begun.
        if matches!(self.members[member].work, Work::Planned { .. }) {
            self.members[member].work = Work::Idle;
        }
    }

    fn send(&mut self, member: usize, guards: Guards) {
        let Work::Writing { block, waiting, .. } = &mut self.members[member].work else {
            return;
        };
        *waiting = true;
        let block = *block;
        if !guards.same_token_on_retry {
            self.attempts += 1;
        }
        self.server.receive(Insert {
            sender: Some(member),
            block,
            token: Token {
                range: block.range,
                attempt: self.attempts,
            },
            stage: Stage::Facts,
            age: 0,
        });
    }

    /// Looks up an old block in the facts, as its token may be forgotten. A stored block is not
    /// sent again. Its aggregates are left to the reconciliation: a correction here would count
    /// twice what another consumer is repeating. A block without facts was never written, and no
    /// insert of it is running: it is sent like a new one.
    fn look_up(&mut self, member: usize) {
        if let Work::Writing { block, .. } = self.members[member].work {
            let is_stored = self.server.has_facts(block.range);
            self.looked_up |= is_stored;
            self.members[member].work = match is_stored {
                true => Work::Inserted { block },
                false => Work::Writing {
                    block,
                    age: 0,
                    waiting: false,
                },
            };
        }
    }

    fn land(&mut self, index: usize, guards: Guards) {
        match self.server.land(index, guards) {
            Landed::Skipped => {}
            Landed::Facts(token) => {
                self.grow_older(Some(token), 1);
                self.end_old_inserts(guards);
            }
            Landed::Done(insert) => {
                if let Some(member) = insert.sender
                    && let Work::Writing { block, .. } = self.members[member].work
                {
                    self.members[member].work = Work::Inserted { block };
                }
            }
        }
    }

    /// Ends the inserts that have exceeded their lifetime.
    pub fn end_old_inserts(&mut self, guards: Guards) {
        if !guards.inserts_end_in_time {
            return;
        }
        let is_over = |insert: &Insert| insert.age >= INSERT_LIFETIME;
        let waiting: Vec<usize> = self
            .server
            .inserts
            .iter()
            .filter(|insert| is_over(insert))
            .filter_map(|insert| insert.sender)
            .collect();
        self.server.inserts.retain(|insert| !is_over(insert));
        for member in waiting {
            self.stop_waiting(member);
        }
    }
}
