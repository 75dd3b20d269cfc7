//! The protocol of "exactly once", checked in every order of steps and faults.
//!
//! With all guards no order counts a record twice or loses one; without any single guard the
//! checker finds an order that does, and prints it. Four guards turn out not to be needed for
//! that, and their test says what they are for.
//!
//! Time is counted in blocks: an insert, an intent and a token grow older with each other block
//! that is written, so that "the token is remembered longer than an insert may take" is checked
//! rather than assumed.
#![expect(clippy::print_stdout, reason = "the number of states is to be read")]

mod effects;
mod faults;
mod guards;
mod protocol;
mod server;
mod state;
mod steps;

use std::collections::BTreeSet;
use std::time::Instant;

use affluenza_pipeline::invariants::token_names_range;
use stateright::{Checker, HasDiscoveries, Model};

use crate::guards::{Faults, Guards};
use crate::protocol::{
    ASSERTED, AT_REST, COUNTED_TWICE, DONE, MISSING, Protocol, REPEATED, STALE, TORN,
};

/// Faults that usually happen, at most two of them. Two are enough for every order below.
const USUAL: Faults = Faults::usual(2);
const UPGRADE: Faults = Faults {
    upgrade: true,
    ..USUAL
};
const POWER: Faults = Faults {
    power: true,
    ..USUAL
};
const MOVED: Faults = Faults {
    moved_offsets: true,
    ..USUAL
};
const WIPED: Faults = Faults {
    wiped_offsets: true,
    ..USUAL
};

fn tell(name: &str, checker: &impl Checker<Protocol>, since: Instant) {
    println!(
        "{name}: {} steps, {} states, longest order {}, {:.1} s",
        checker.state_count(),
        checker.unique_state_count(),
        checker.max_depth(),
        since.elapsed().as_secs_f64()
    );
}

/// The order of moves against a property, if there is one.
fn order(checker: &impl Checker<Protocol>, property: &'static str) -> Option<String> {
    let moves = checker.discovery(property)?.into_actions();
    let moves: Vec<String> = moves.iter().map(|each| format!("{each:?}")).collect();
    Some(moves.join("\n    "))
}

/// Walks through every order.
fn holds(name: &str, guards: Guards, faults: Faults) {
    let since = Instant::now();
    let checker = Protocol { guards, faults }
        .checker()
        .threads(2)
        .finish_when(HasDiscoveries::AnyFailures)
        .spawn_bfs()
        .join();
    tell(name, &checker, since);
    for property in [COUNTED_TWICE, MISSING, TORN, ASSERTED, AT_REST] {
        if let Some(order) = order(&checker, property) {
            panic!("{name}: not so: {property}\n    {order}");
        }
    }
    assert!(checker.is_done(), "{name}: every order was tried");
    // A model in which nothing happens would hold, too.
    checker.assert_any_discovery(DONE);
    if faults.budget > 0 {
        checker.assert_any_discovery(REPEATED);
        checker.assert_any_discovery(STALE);
    }
}

/// Looks for an order in which `property` fails.
fn fails(name: &str, guards: Guards, faults: Faults, property: &'static str) {
    let since = Instant::now();
    let checker = Protocol { guards, faults }
        .checker()
        .finish_when(HasDiscoveries::AnyOf(BTreeSet::from([property])))
        .spawn_bfs()
        .join();
    tell(name, &checker, since);
    match order(&checker, property) {
        Some(order) => println!("  against: {property}\n    {order}"),
        None => panic!("{name}: no order found against: {property}"),
    }
}

/// One test a guard: without it alone, there is an order against the property.
macro_rules! needed {
    ($($guard:ident: $faults:expr, $property:expr;)*) => {$(
        #[test]
        fn $guard() {
            let guards = Guards { $guard: false, ..Guards::ALL };
            fails(concat!("without ", stringify!($guard)), guards, $faults, $property);
        }
    )*};
}

/// One test a guard: without it alone, everything still holds.
macro_rules! not_needed {
    ($($(#[doc = $why:literal])* $guard:ident: $faults:expr;)*) => {$(
        $(#[doc = $why])*
        #[test]
        fn $guard() {
            let guards = Guards { $guard: false, ..Guards::ALL };
            holds(concat!("even without ", stringify!($guard)), guards, $faults);
        }
    )*};
}

#[test]
fn all_guards_hold() {
    for budget in 0..=3 {
        let name = format!("all guards, {budget} faults");
        holds(&name, Guards::ALL, Faults::usual(budget));
    }
}

#[test]
fn all_guards_hold_through_an_upgrade_of_the_rules() {
    holds("all guards, newer rules", Guards::ALL, UPGRADE);
}

#[test]
fn all_guards_hold_when_power_fails() {
    holds("all guards, power loss", Guards::ALL, POWER);
}

#[test]
fn all_guards_hold_when_offsets_are_set_by_hand() {
    holds("all guards, moved offsets", Guards::ALL, MOVED);
}

#[test]
fn all_guards_hold_when_the_group_forgets() {
    holds("all guards, wiped offsets", Guards::ALL, WIPED);
}

needed! {
    intent_before_insert: USUAL, COUNTED_TWICE;
    same_token_on_retry: USUAL, COUNTED_TWICE;
    rereads_to_the_intent_end: USUAL, COUNTED_TWICE;
    recovers_under_the_same_rules: UPGRADE, TORN;
    views_receive_repeats: USUAL, MISSING;
    aggregates_remember_tokens: USUAL, COUNTED_TWICE;
    commit_after_insert: USUAL, MISSING;
    broker_fences_commits: USUAL, COUNTED_TWICE;
    forgets_before_rejoining: USUAL, COUNTED_TWICE;
    leaves_after_an_unanswered_commit: USUAL, COUNTED_TWICE;
    repeats_a_refused_end: USUAL, AT_REST;
    inserts_end_in_time: USUAL, COUNTED_TWICE;
    window_outlasts_inserts: USUAL, COUNTED_TWICE;
    old_writers_look_first: USUAL, COUNTED_TWICE;
    old_intents_are_looked_up: USUAL, COUNTED_TWICE;
    token_log_is_repaired: USUAL, MISSING;
    reconciles: POWER, AT_REST;
    keeps_every_record: USUAL, MISSING;
    alarms_on_facts: WIPED, COUNTED_TWICE;
    alarms_on_facts_beyond: MOVED, COUNTED_TWICE;
}

not_needed! {
    /// The broker refuses what a lost consumer commits. Asking first spares the attempt.
    checks_assignment: USUAL;
    /// Giving a partition back in the middle of a block is a crash to the next owner, who finds
    /// the intent. Waiting spares it the second reading and insert.
    waits_before_giving_back: USUAL;
    /// Whatever the facts have raises the alarm. The ledger also knows blocks that left none.
    alarms_on_ledger: WIPED;
    /// The look for facts beyond the place raises the alarm, too. The ledger also knows blocks that
    /// left no facts, and gives both numbers.
    places_fit_the_ledger: MOVED;
    /// To mend what somebody still writes counts it twice for a while. The next reconciliation
    /// takes that out again, so there must be a next one.
    reconciles_only_what_is_calm: POWER;
}

/// A token of the model is its range. So is the real one.
#[test]
fn tokens_name_the_range() {
    let origin = affluenza_store::BlockOrigin {
        stream: "cluster/topic".into(),
        kafka_partition: 7,
        rules: "any".into(),
    };
    let token = affluenza_store::InsertToken::of(&origin, 3, 5).to_string();
    assert!(token_names_range(&token, "cluster/topic", 7, 3, 5));
    assert!(!token_names_range(&token, "cluster/topic", 7, 3, 6));
}
