use super::*;
use PartitionAction as Action;
use PartitionEvent as Event;

const SECOND: Duration = Duration::from_secs(1);
const GATHER: Duration = Duration::from_millis(20);

/// Reports events one after the other. Returns the actions.
fn run(state: &mut PartitionState, events: &[Event]) -> Vec<Option<Action>> {
    let report = |event: &Event| {
        let action;
        (*state, action) = step(*state, *event);
        action
    };
    events.iter().map(report).collect()
}

fn extent(end: i64) -> Extent {
    Extent {
        end: NextOffset(end),
        records: 1,
        checksum: 9,
    }
}

/// A look at a draft that has waited long enough.
fn look(first: i64, end: i64) -> BlockLook {
    BlockLook {
        now: SECOND,
        first: NextOffset(first),
        extent: extent(end),
        waited: (end > first).then_some(SECOND),
        is_large: false,
        is_last: false,
        waits: BlockWaits {
            after_pause: GATHER,
            between: SECOND,
        },
    }
}

fn assigned(at: i64) -> PartitionState {
    PartitionState::assigned(NextOffset(at), None)
}

fn repeating(at: i64, end: i64) -> PartitionState {
    PartitionState::assigned(NextOffset(at), Some(extent(end)))
}

fn commit(next: i64, with_intent: bool) -> Option<Action> {
    Some(Action::Commit {
        next: NextOffset(next),
        with_intent,
    })
}

#[test]
fn a_block_is_committed_as_intent_then_written_and_its_end_goes_with_the_next() {
    let mut state = assigned(10);
    let actions = run(
        &mut state,
        &[
            Event::Look(look(10, 12)),
            Event::Accepted(SECOND),
            Event::Look(look(12, 15)),
            Event::Written(NextOffset(12)),
            Event::Look(BlockLook {
                is_large: true,
                ..look(12, 15)
            }),
            Event::Accepted(SECOND),
            Event::Written(NextOffset(15)),
            Event::Look(look(15, 15)),
            Event::Accepted(SECOND),
            Event::Look(look(15, 15)),
        ],
    );
    let expected = [
        commit(10, true),
        Some(Action::Write),
        None,
        None,
        commit(12, true),
        Some(Action::Write),
        None,
        commit(15, false),
        None,
        None,
    ];
    assert_eq!(actions, expected);
}

#[test]
fn a_block_is_written_at_once_after_a_pause_and_later_otherwise() {
    let mut state = assigned(10);
    let fresh = |now, waited| {
        Event::Look(BlockLook {
            now,
            waited: Some(waited),
            ..look(12, 13)
        })
    };
    run(
        &mut state,
        &[
            Event::Look(look(10, 12)),
            Event::Accepted(SECOND),
            Event::Written(NextOffset(12)),
            Event::Look(look(12, 12)),
            Event::Accepted(SECOND),
        ],
    );
    // The last block was begun after one second.
    assert_eq!(run(&mut state, &[fresh(SECOND * 3 / 2, GATHER)]), [None]);
    assert_eq!(run(&mut state, &[fresh(SECOND * 2, GATHER / 2)]), [None]);
    let due = run(&mut state, &[fresh(SECOND * 2, GATHER)]);
    assert_eq!(due, [commit(12, true)]);
}

#[test]
fn a_large_or_last_block_does_not_wait() {
    let early = BlockLook {
        waited: Some(Duration::ZERO),
        ..look(10, 12)
    };
    let large = BlockLook {
        is_large: true,
        ..early
    };
    let last = BlockLook {
        is_last: true,
        ..early
    };
    assert_eq!(run(&mut assigned(10), &[Event::Look(early)]), [None]);
    for due in [large, last] {
        let actions = run(&mut assigned(10), &[Event::Look(due)]);
        assert_eq!(actions, [commit(10, true)]);
    }
    // A draft without an offset is never written.
    let empty = BlockLook {
        is_last: true,
        ..look(10, 10)
    };
    assert_eq!(run(&mut assigned(10), &[Event::Look(empty)]), [None]);
}

#[test]
fn a_repeated_block_ends_where_it_did_before() {
    let mut state = repeating(10, 12);
    let arrived = |offset, draft_end| Event::Arrived {
        offset,
        draft_end: NextOffset(draft_end),
    };
    let shorter = BlockLook {
        is_last: true,
        ..look(10, 11)
    };
    let actions = run(
        &mut state,
        &[
            arrived(9, 10),
            arrived(10, 10),
            Event::Look(shorter),
            arrived(14, 11),
        ],
    );
    let expected = [None, Some(Action::Take), None, Some(Action::ReadAgain)];
    assert_eq!(actions, expected);
    assert_eq!(state.covered(), NextOffset(12));
    assert!(state.is_sealed(NextOffset(12)) && !state.is_sealed(NextOffset(11)));
    let actions = run(
        &mut state,
        &[
            Event::Look(look(10, 12)),
            Event::Accepted(SECOND),
            arrived(14, 12),
        ],
    );
    let expected = [commit(10, true), Some(Action::Write), Some(Action::Take)];
    assert_eq!(actions, expected);
    assert!(!state.is_repeating());
}

#[test]
fn other_records_than_those_of_the_intent_are_refused() {
    for other in [
        Extent {
            checksum: 8,
            ..extent(12)
        },
        Extent {
            records: 2,
            ..extent(12)
        },
        extent(13),
    ] {
        let look = BlockLook {
            extent: other,
            ..look(10, 12)
        };
        let actions = run(&mut repeating(10, 12), &[Event::Look(look)]);
        assert_eq!(actions, [Some(Action::RefuseLog(NextOffset(12)))]);
    }
}

#[test]
fn a_refused_end_is_committed_again_later() {
    let mut state = assigned(10);
    let at = |now| {
        Event::Look(BlockLook {
            now,
            ..look(12, 12)
        })
    };
    let actions = run(
        &mut state,
        &[
            Event::Look(look(10, 12)),
            Event::Accepted(SECOND),
            Event::Written(NextOffset(12)),
            at(SECOND),
            Event::Refused(SECOND),
            at(SECOND),
            at(SECOND + COMMIT_PAUSE),
        ],
    );
    assert_eq!(
        actions[3..],
        [commit(12, false), None, None, commit(12, false)]
    );
}

#[test]
fn a_refused_block_is_not_written() {
    let mut state = assigned(10);
    let actions = run(
        &mut state,
        &[
            Event::Look(look(10, 12)),
            Event::Refused(SECOND),
            Event::Accepted(SECOND),
        ],
    );
    assert_eq!(actions, [commit(10, true), None, None]);
    assert!(!state.is_writing());
}

#[test]
fn a_revoked_partition_is_released_after_its_block_and_begins_no_other() {
    let idle = run(&mut assigned(10), &[Event::Revoked]);
    assert_eq!(idle, [Some(Action::Release)]);
    for last in [Event::Accepted(SECOND), Event::Refused(SECOND)] {
        let mut state = assigned(10);
        let actions = run(
            &mut state,
            &[
                Event::Look(look(10, 12)),
                Event::Accepted(SECOND),
                Event::Revoked,
                Event::Look(look(12, 15)),
                Event::Written(NextOffset(12)),
                last,
                Event::Look(look(12, 15)),
            ],
        );
        let expected = [None, None, commit(12, false), Some(Action::Release), None];
        assert_eq!(actions[2..], expected);
    }
}

#[test]
fn an_intent_that_is_committed_during_a_rebalance_is_left_to_the_next_owner() {
    let mut state = assigned(10);
    let events = [
        Event::Look(look(10, 12)),
        Event::Revoked,
        Event::Accepted(SECOND),
    ];
    let actions = run(&mut state, &events);
    assert_eq!(actions, [commit(10, true), None, Some(Action::Release)]);
}

#[test]
fn records_left_to_the_next_owner_are_not_covered() {
    let mut state = assigned(10);
    let events = [
        Event::Look(look(10, 12)),
        Event::Accepted(SECOND),
        Event::Ended(NextOffset(20)),
        Event::Revoked,
        Event::Ended(NextOffset(21)),
    ];
    run(&mut state, &events);
    assert_eq!(state.covered(), NextOffset(12));
}

#[test]
fn a_lost_partition_is_released_at_once_and_only_once() {
    let mut state = assigned(10);
    let events = [
        Event::Look(look(10, 12)),
        Event::Accepted(SECOND),
        Event::Lost,
        Event::Lost,
        Event::Written(NextOffset(12)),
        Event::Look(look(12, 15)),
        Event::Arrived {
            offset: 12,
            draft_end: NextOffset(12),
        },
        Event::Unreadable(SECOND),
    ];
    let actions = run(&mut state, &events);
    assert_eq!(actions[2], Some(Action::Release));
    assert_eq!(actions[3..], [None; 5]);
}

#[test]
fn an_unreadable_record_stops_reading_until_its_time() {
    let mut state = assigned(10);
    let arrived = Event::Arrived {
        offset: 12,
        draft_end: NextOffset(10),
    };
    let actions = run(
        &mut state,
        &[
            Event::Unreadable(SECOND),
            Event::Unreadable(SECOND * 2),
            arrived,
            Event::Ended(NextOffset(20)),
            Event::Retry(SECOND / 2),
            Event::Retry(SECOND),
            arrived,
        ],
    );
    let expected = [
        Some(Action::StopFetching),
        None,
        None,
        None,
        None,
        Some(Action::Fetch),
        Some(Action::Take),
    ];
    assert_eq!(actions, expected);
    // The end that the client reported meanwhile is not believed.
    assert_eq!(state.covered(), NextOffset(10));
}

#[test]
fn markers_at_the_end_of_a_log_are_covered() {
    let mut state = assigned(10);
    run(&mut state, &[Event::Ended(NextOffset(12))]);
    assert_eq!(state.covered(), NextOffset(12));
    let mut state = repeating(10, 11);
    run(&mut state, &[Event::Ended(NextOffset(13))]);
    assert_eq!(state.covered(), NextOffset(11));
    run(
        &mut state,
        &[Event::Look(look(10, 11)), Event::Accepted(SECOND)],
    );
    assert_eq!(state.covered(), NextOffset(13));
}
