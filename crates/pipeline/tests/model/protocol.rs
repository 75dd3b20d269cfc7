//! The protocol as a model: states, steps and properties.

use affluenza_pipeline::invariants::{fates_balance, position_advances};
use stateright::{Model, Property};

use crate::faults::{Fault, faults};
use crate::guards::{Faults, Guards};
use crate::state::{Committed, RECORDS, Range, State, next};
use crate::steps::{Step, steps};

pub const COUNTED_TWICE: &str = "nothing is counted twice";
pub const MISSING: &str = "nothing before the committed offset is missing";
pub const TORN: &str = "facts and aggregates of an offset have the same rules";
pub const ASSERTED: &str = "no assertion of the code fails";
pub const AT_REST: &str = "when nothing is left to do, everything is counted once";
pub const DONE: &str = "everything can be counted";
pub const REPEATED: &str = "an insert can be repeated";
pub const STALE: &str = "a commit can be late";

/// Transition of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    Step(Step),
    Fault(Fault),
}

/// Model of two consumers, one partition, three records and one server.
#[derive(Debug, Clone, Copy)]
pub struct Protocol {
    pub guards: Guards,
    pub faults: Faults,
}

impl Protocol {
    fn steps(&self, state: &State) -> Vec<Step> {
        let mut found = Vec::with_capacity(8);
        steps(state, self.guards, &mut found);
        found
    }

    /// True if the figures must be right in every state. After a power loss they are wrong until
    /// the next reconciliation, so they are checked at rest only.
    fn judges_always(&self) -> bool {
        !self.faults.power
    }
}

impl Model for Protocol {
    type State = State;
    type Action = Move;

    fn init_states(&self) -> Vec<State> {
        vec![State::start(self.faults.budget)]
    }

    fn actions(&self, state: &State, out: &mut Vec<Move>) {
        out.extend(self.steps(state).into_iter().map(Move::Step));
        let mut found = Vec::with_capacity(8);
        faults(state, self.guards, self.faults, &mut found);
        out.extend(found.into_iter().map(Move::Fault));
    }

    fn next_state(&self, last: &State, action: Move) -> Option<State> {
        let mut state = last.clone();
        match action {
            Move::Step(step) => state.take(step, self.guards),
            Move::Fault(fault) => state.suffer(fault, self.guards),
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(COUNTED_TWICE, |model: &Self, state: &State| {
                let tables = [&state.server.facts, &state.server.aggregate];
                !model.judges_always() || tables.iter().all(|table| !table.counted.contains(&2))
            }),
            Property::always(MISSING, |model: &Self, state: &State| {
                let before = 0..usize::from(state.position());
                let server = &state.server;
                !model.judges_always()
                    || before.into_iter().all(|offset| {
                        server.facts.counted[offset] > 0
                            && (server.aggregate.counted[offset] > 0 || state.looked_up)
                            && server.recorded(offset) > 0
                    })
            }),
            Property::always(TORN, |_: &Self, state: &State| {
                let (facts, aggregate) = (&state.server.facts, &state.server.aggregate);
                (0..usize::from(RECORDS)).all(|offset| {
                    facts.counted[offset] == 0
                        || aggregate.counted[offset] == 0
                        || facts.rules[offset] == aggregate.rules[offset]
                })
            }),
            Property::always(ASSERTED, |_: &Self, state: &State| state.broken.is_none()),
            Property::always(AT_REST, |model: &Self, state: &State| {
                state.alarmed || !model.steps(state).is_empty() || is_complete(state)
            }),
            Property::sometimes(DONE, |_: &Self, state: &State| is_complete(state)),
            Property::sometimes(REPEATED, |_: &Self, state: &State| {
                let server = &state.server;
                let mut inserts = server.inserts.iter();
                inserts.any(|insert| server.facts.remembers(insert.token) && insert.age == 0)
            }),
            Property::sometimes(STALE, |_: &Self, state: &State| {
                let mut requests = state.broker.requests.iter();
                requests.any(|request| request.generation < state.broker.generation)
            }),
        ]
    }
}

/// True if the group has reached the end and every record is counted once.
fn is_complete(state: &State) -> bool {
    let recorded: u64 = state
        .server
        .ledger
        .iter()
        .map(|row| u64::from(row.end - row.first))
        .sum();
    let stored = state.server.facts.counted.map(u64::from).iter().sum();
    state.broker.committed
        == Some(Committed {
            next: RECORDS,
            intent: None,
        })
        && state.server.agrees_up_to(RECORDS)
        && fates_balance(recorded, &[stored])
}

impl State {
    /// Checks the assertions of the code about a commit, from the broker's side.
    pub fn check_commit(&mut self, after: Committed) {
        let Some(before) = self.broker.committed else {
            return;
        };
        self.expect(
            position_advances(next(before.next), next(after.next)),
            "the position never moves back",
        );
        let Some(intent) = before.intent else {
            return;
        };
        let begun = Range {
            first: before.next,
            end: intent.end,
        };
        let may_be_written = begun
            .offsets()
            .any(|offset| self.server.facts.counted[offset] > 0)
            || self
                .server
                .inserts
                .iter()
                .any(|insert| insert.block.range == begun);
        let changed =
            after.next == before.next && after.intent.map(|intent| intent.end) != Some(intent.end);
        self.expect(
            !(may_be_written && changed),
            "an intent keeps its range once its block may have been written",
        );
    }
}
