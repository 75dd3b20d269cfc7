//! Measures a contender: elapsed time, CPU time of all processes, memory.

use std::fmt;
use std::process::Child;
use std::time::{Duration, Instant};

use crate::support::Running;

/// Clock ticks per second in `/proc`, the same on all common Linux systems.
const TICKS: f64 = 100.0;

/// CPU seconds that a running process has used.
pub fn cpu_of(pid: u32) -> f64 {
    ticks(&format!("/proc/{pid}/stat"), 11)
}

/// CPU seconds of child processes that have ended and been waited for.
fn cpu_of_ended_children() -> f64 {
    ticks("/proc/self/stat", 13)
}

/// Reads user and system time: two adjacent fields, counted from the field of the state.
fn ticks(file: &str, field: usize) -> f64 {
    let stat = std::fs::read_to_string(file).expect("the process runs");
    let (_, rest) = stat.rsplit_once(") ").expect("a name in parentheses");
    let ticks = |field: &str| field.parse::<f64>().expect("a number of ticks");
    rest.split(' ').skip(field).take(2).map(ticks).sum::<f64>() / TICKS
}

/// The cost of one run.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    pub wall: Duration,
    /// CPU seconds of the consumer or writer itself.
    pub own: f64,
    pub clickhouse: f64,
    pub kafka: f64,
    pub peak_mib: f64,
}

impl Measured {
    pub fn cpu(&self) -> f64 {
        self.own + self.clickhouse + self.kafka
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.2} s, CPU {:.2} s (own {:.2}, ClickHouse {:.2}, Kafka {:.2}), {:.0} MiB",
            self.wall.as_secs_f64(),
            self.cpu(),
            self.own,
            self.clickhouse,
            self.kafka,
            self.peak_mib
        )
    }
}

/// A running measurement.
pub struct Begun {
    at: Instant,
    ended_children: f64,
    clickhouse: (u32, f64),
    kafka: (u32, f64),
}

impl Begun {
    pub fn now(clickhouse: u32, kafka: u32) -> Self {
        Self {
            ended_children: cpu_of_ended_children(),
            clickhouse: (clickhouse, cpu_of(clickhouse)),
            kafka: (kafka, cpu_of(kafka)),
            at: Instant::now(),
        }
    }

    /// Waits for the end of the child. `before` is subtracted from its CPU seconds. `settle` waits
    /// for the merges that the inserts caused: their CPU time is part of the cost, but not of the
    /// elapsed time.
    pub fn until_end_of(self, child: &mut Child, before: f64, settle: impl FnOnce()) -> Measured {
        let mut peak_mib = 0.0_f64;
        let status = loop {
            if let Some(status) = child.try_wait().expect("it can be waited for") {
                break status;
            }
            peak_mib = peak_mib.max(peak_of(child.id()).unwrap_or(0.0));
            std::thread::sleep(Duration::from_millis(5));
        };
        let wall = self.at.elapsed();
        assert!(status.success(), "a contender failed: {status}");
        settle();
        let own = cpu_of_ended_children() - self.ended_children - before;
        self.measured(wall, own, peak_mib)
    }

    /// Stops a program that runs until it is terminated, and waits for its end. `before` is
    /// subtracted from its CPU seconds.
    pub fn terminate_and_measure(
        self,
        running: Running,
        before: f64,
        settle: impl FnOnce(),
    ) -> Measured {
        let peak_mib = peak_of(running.0.id()).unwrap_or(0.0);
        running.terminate();
        let wall = self.at.elapsed();
        settle();
        let own = cpu_of_ended_children() - self.ended_children - before;
        self.measured(wall, own, peak_mib)
    }

    /// Ends the measurement of a contender that has no process.
    pub fn until_now(self, settle: impl FnOnce()) -> Measured {
        let wall = self.at.elapsed();
        settle();
        self.measured(wall, 0.0, 0.0)
    }

    fn measured(&self, wall: Duration, own: f64, peak_mib: f64) -> Measured {
        let since = |(pid, before): (u32, f64)| cpu_of(pid) - before;
        Measured {
            wall,
            own,
            clickhouse: since(self.clickhouse),
            kafka: since(self.kafka),
            peak_mib,
        }
    }
}

/// Peak resident memory of a process, in MiB.
pub fn peak_of(pid: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib / 1024.0)
}
