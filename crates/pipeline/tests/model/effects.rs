//! Effects of a step on the state.

use affluenza_pipeline::invariants::{LastRow, block_follows, may_commit, place_is_ledgers_end};

use crate::guards::{Guards, INSERT_LIFETIME};
use crate::server::{Insert, Landed, Stage};
use crate::state::{Block, Committed, Intent, RECORDS, Range, Request, State, Token, Work, next};
use crate::steps::{Step, extent};

impl State {
    pub fn take(&mut self, step: Step, guards: Guards) {
        match step {
            Step::Assign(member) => self.assign(member, guards),
            Step::Sync(member) | Step::RejoinKeeping(member) => {
                self.members[member].generation = self.broker.generation;
            }
            Step::LearnLoss(member) => self.abandon(member),
            Step::Plan { member, end } => self.plan(member, end, false, guards),
            Step::CommitEnd(member) => self.commit_end(member),
            Step::Handle(index) => self.handle(index, guards),
            Step::Send(member) => self.send(member, guards),
            Step::LookUp(member) => self.look_up(member),
            Step::Land(index) => self.land(index, guards),
            Step::Record(member) => {
                if let Work::Inserted { block } = self.members[member].work {
                    self.server.record(block.range);
                    self.members[member].work = if guards.commit_after_insert {
                        Work::Recorded { block }
                    } else {
                        reading(block.range.end)
                    };
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
        self.members[member].generation = self.broker.generation;
        self.members[member].work = Work::Reading {
            next: self.position(),
            behind: false,
            recovering: self.broker.committed.and_then(|committed| committed.intent),
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

    /// Plans a block up to `end`. With `lacks_first`, the client returned its first record, but the
    /// draft does not contain it.
    pub fn plan(&mut self, member: usize, end: u8, lacks_first: bool, guards: Guards) {
        let (first, behind, recovering) = match self.members[member].work {
            Work::Reading {
                next,
                behind,
                recovering,
            } => (next, behind, recovering),
            Work::Recorded { block } => (block.range.end, true, None),
            _ => return,
        };
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
        let block = Block {
            range: Range { first, end },
            lacks_first,
            rules,
        };
        let (committed, waits_for_broker) = if !guards.commit_after_insert {
            let done = Committed {
                next: end,
                intent: None,
            };
            (done, true)
        } else {
            let intent = Intent { end, rules, age };
            let planned = Committed {
                next: first,
                intent: Some(intent),
            };
            (planned, guards.intent_before_insert)
        };
        if !waits_for_broker {
            self.members[member].work = writing(block, age);
            return;
        }
        if let Some(intent) = committed.intent {
            self.expect(
                block_follows(next(committed.next), next(first), next(intent.end)),
                "a block begins where the group stands",
            );
        }
        let work = Work::Committing {
            next: first,
            behind,
            recovering,
            then: Some((block, age)),
        };
        self.request(member, committed, work);
    }

    fn commit_end(&mut self, member: usize) {
        let end = match self.members[member].work {
            Work::Reading { next, .. } => next,
            Work::Recorded { block } => block.range.end,
            _ => return,
        };
        let committed = Committed {
            next: end,
            intent: None,
        };
        let work = Work::Committing {
            next: end,
            behind: true,
            recovering: None,
            then: None,
        };
        self.request(member, committed, work);
    }

    fn request(&mut self, member: usize, committed: Committed, work: Work) {
        let writing = matches!(self.members[member].work, Work::Writing { .. });
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
        self.members[member].work = work;
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

    /// Tells the consumer the result of its commit, real or assumed.
    pub fn answer(&mut self, member: usize, accepted: bool) {
        let Work::Committing {
            next,
            behind,
            recovering,
            then,
        } = self.members[member].work
        else {
            return;
        };
        self.members[member].work = match then {
            Some((block, age)) if accepted => writing(block, age),
            None if accepted => reading(next),
            _ => Work::Reading {
                next,
                behind,
                recovering,
            },
        };
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
    /// insert of it is running. It is begun again with a commit, so that the next owner treats it
    /// as young, too.
    fn look_up(&mut self, member: usize) {
        let Work::Writing { block, .. } = self.members[member].work else {
            return;
        };
        self.members[member].work = if self.server.has_facts(block.range) {
            self.looked_up = true;
            Work::Inserted { block }
        } else {
            Work::Reading {
                next: block.range.first,
                behind: false,
                recovering: Some(Intent {
                    end: block.range.end,
                    rules: block.rules,
                    age: 0,
                }),
            }
        };
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

fn writing(block: Block, age: u8) -> Work {
    Work::Writing {
        block,
        age,
        waiting: false,
    }
}

fn reading(next: u8) -> Work {
    Work::Reading {
        next,
        behind: false,
        recovering: None,
    }
}
