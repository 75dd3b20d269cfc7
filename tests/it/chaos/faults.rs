//! Which faults, in which order, after how much progress: the seed decides.

use std::fmt;
use std::time::Duration;

use super::random::Random;

/// Something that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// `kill -9` of a consumer.
    KillConsumer,
    /// `kill -9` of ClickHouse, which stays away for a while.
    KillClickHouse(Duration),
    /// `kill -9` of Kafka, which stays away for a while.
    KillKafka(Duration),
    /// `kill -9` of everything at once, as when a machine dies.
    KillAll,
    /// A consumer is stopped until another has taken over and moved on, then goes on as if
    /// nothing had happened.
    PauseConsumer,
    /// A consumer joins, and one of the two leaves politely.
    JoinAndLeave,
    /// ClickHouse stops for longer than an insert may take, and then goes on with it.
    PauseClickHouse(Duration),
    /// The aggregate refuses what the facts have taken.
    FailAggregate,
    /// The group forgets its offsets; an operator sets them as the alarm says.
    ForgetOffsets,
    /// The consumers are killed and come back with another register.
    ChangeRules,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KillConsumer => f.write_str("kill -9 of a consumer"),
            Self::KillClickHouse(away) => {
                write!(f, "kill -9 of ClickHouse, away {} ms", away.as_millis())
            }
            Self::KillKafka(away) => write!(f, "kill -9 of Kafka, away {} ms", away.as_millis()),
            Self::KillAll => f.write_str("kill -9 of all at once"),
            Self::PauseConsumer => f.write_str("SIGSTOP of a consumer until another moved on"),
            Self::JoinAndLeave => f.write_str("a consumer joins, one leaves"),
            Self::PauseClickHouse(pause) => {
                write!(f, "SIGSTOP of ClickHouse for {} ms", pause.as_millis())
            }
            Self::FailAggregate => f.write_str("the aggregate refuses what the facts took"),
            Self::ForgetOffsets => f.write_str("offsets of the group wiped"),
            Self::ChangeRules => f.write_str("kill -9 of the consumers, other rules after"),
        }
    }
}

impl Fault {
    /// How many kills it stands for in the plan.
    fn kills(self) -> usize {
        match self {
            Self::KillConsumer
            | Self::KillClickHouse(_)
            | Self::KillKafka(_)
            | Self::ForgetOffsets
            | Self::ChangeRules => 1,
            Self::KillAll => 3,
            Self::PauseConsumer
            | Self::JoinAndLeave
            | Self::PauseClickHouse(_)
            | Self::FailAggregate => 0,
        }
    }
}

/// A fault and its moment.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// Records that are dealt with since the fault before.
    pub after_records: u64,
    /// And then this long: progress is seen when a block has been written, and a fault should
    /// hit every other step too.
    pub after_that: Duration,
    pub fault: Fault,
}

/// At least `kills` kills, and each other fault at least once, in an order of the seed's.
pub fn plan(random: &mut Random, kills: usize) -> Vec<Step> {
    let mut faults = Vec::new();
    // Each of these takes seconds, so they come now and then.
    for _ in 0..kills.div_ceil(25) {
        faults.extend([
            Fault::PauseConsumer,
            Fault::JoinAndLeave,
            Fault::PauseClickHouse(random.millis(1_200, 3_000)),
            Fault::FailAggregate,
            Fault::ForgetOffsets,
            Fault::ChangeRules,
        ]);
    }
    faults.extend([
        Fault::KillAll,
        Fault::KillKafka(Duration::ZERO),
        Fault::KillClickHouse(random.millis(0, 100)),
    ]);
    while faults.iter().map(|fault| fault.kills()).sum::<usize>() < kills {
        faults.push(match random.between(0, 99) {
            0..54 => Fault::KillConsumer,
            54..90 => Fault::KillClickHouse(if random.percent(70) {
                Duration::ZERO
            } else {
                random.millis(0, 2_500)
            }),
            90..97 => Fault::KillKafka(random.millis(0, 1_500)),
            _ => Fault::KillAll,
        });
    }
    random.shuffle(&mut faults);
    faults
        .into_iter()
        .map(|fault| Step {
            after_records: random.between(1, 6_000),
            after_that: random.millis(0, 120),
            fault,
        })
        .collect()
}
