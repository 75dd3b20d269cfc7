//! The plan of faults: the seed determines the faults, their order and their timing.

use std::fmt;
use std::time::Duration;

use super::random::Random;

/// A fault to inject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// `kill -9` of a consumer.
    KillConsumer,
    /// `kill -9` of ClickHouse, which stays down for this time.
    KillClickHouse(Duration),
    /// `kill -9` of Kafka, which stays down for this time.
    KillKafka(Duration),
    /// `kill -9` of all processes at once, as in a power cut.
    KillAll,
    /// A consumer is stopped until another one has taken over and progressed. Then it resumes,
    /// unaware of the rebalance.
    PauseConsumer,
    /// A consumer joins, and one of the two leaves cleanly.
    JoinAndLeave,
    /// ClickHouse is stopped for longer than the insert timeout, and then resumes the insert.
    PauseClickHouse(Duration),
    /// The aggregate rejects rows of a block whose facts are stored.
    FailAggregate,
    /// The group loses its offsets; an operator sets them as the alarm instructs.
    ForgetOffsets,
    /// The consumers are killed and restarted with another register.
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
    /// Number of kills that the fault counts for in the plan.
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
    /// Records to process since the previous fault.
    pub after_records: u64,
    /// Further delay. Progress is visible only when a block is written, and faults should hit all
    /// other steps, too.
    pub after_that: Duration,
    pub fault: Fault,
}

/// Returns at least `kills` kills and each other fault at least once, in an order set by the seed.
pub fn plan(random: &mut Random, kills: usize) -> Vec<Step> {
    let mut faults = Vec::new();
    // Each of these takes seconds, so they are rare.
    for _ in 0..kills.div_ceil(25) {
        faults.extend([
            Fault::PauseConsumer,
            Fault::JoinAndLeave,
            Fault::PauseClickHouse(random.millis(2_200, 6_000)),
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
