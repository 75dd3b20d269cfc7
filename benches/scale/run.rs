//! Runs a command for a bounded time, and measures it.

use std::fmt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::measure::{cpu_of, peak_of};
use crate::support::Running;

/// Interval between two looks at a running process.
const LOOK: Duration = Duration::from_millis(10);

/// A measured figure.
#[derive(Debug, Clone, Copy)]
pub enum Value {
    Measured(f64),
    /// The bound after which a step was killed.
    Over(f64),
    /// The step failed, or needs one that did not end.
    Missing,
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, number) = match self {
            Self::Measured(number) => ("", number),
            Self::Over(number) => ("> ", number),
            Self::Missing => return f.write_str("–"),
        };
        match *number {
            number if number >= 100.0 => write!(f, "{sign}{number:.0}"),
            number if number >= 1.0 => write!(f, "{sign}{number:.1}"),
            number => write!(f, "{sign}{number:.3}"),
        }
    }
}

/// Cost of one command.
pub struct Step {
    pub seconds: Value,
    /// CPU seconds of its process.
    pub cpu: f64,
    /// Peak resident memory of its process.
    pub peak_mib: Value,
}

impl Step {
    pub fn has_succeeded(&self) -> bool {
        matches!(self.seconds, Value::Measured(_))
    }
}

/// Makes the present resident memory of a process its peak.
pub fn forget_peak(pid: u32) {
    std::fs::write(format!("/proc/{pid}/clear_refs"), "5").expect("the process is ours");
}

/// Runs a command until it ends, and kills it after `bound`. Its output goes to the log.
pub fn bounded(command: &mut Command, log: &PathBuf, bound: Duration) -> Step {
    let file = std::fs::File::options()
        .create(true)
        .append(true)
        .open(log)
        .expect("the log can be opened");
    let began = Instant::now();
    let child = command
        .stdout(Stdio::null())
        .stderr(file)
        .spawn()
        .expect("the program starts");
    let mut running = Running(child);
    let (mut cpu, mut peak_mib) = (0.0, 0.0_f64);
    let pid = running.0.id();
    let seconds = loop {
        if let Some(status) = running.0.try_wait().expect("it can be waited for") {
            break match status.success() {
                true => Value::Measured(began.elapsed().as_secs_f64()),
                false => Value::Missing,
            };
        }
        if began.elapsed() > bound {
            break Value::Over(bound.as_secs_f64());
        }
        // A process that has just ended still has its CPU time, but no memory.
        cpu = cpu_of(pid);
        peak_mib = peak_mib.max(peak_of(pid).unwrap_or(0.0));
        std::thread::sleep(LOOK);
    };
    if matches!(seconds, Value::Missing) {
        let said = std::fs::read_to_string(log).unwrap_or_default();
        eprintln!("failed: {}", said.lines().last().unwrap_or_default());
    }
    Step {
        seconds,
        cpu,
        peak_mib: Value::Measured(peak_mib),
    }
}
