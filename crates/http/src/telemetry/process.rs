use std::fmt;
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// Figures of the operating system about this process, read at each scrape.
#[derive(Debug)]
pub(crate) struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let files = fs::read_dir("/proc/self/fd").map(|files| files.count() as u64);
        let gauges = [
            (
                "process_resident_memory_bytes",
                "Memory in use",
                resident_bytes(),
            ),
            ("process_open_fds", "Open files and connections", files.ok()),
            (
                "process_start_time_seconds",
                "Start of the process, in seconds since 1970",
                started_at(),
            ),
        ];
        for (name, help, value) in gauges {
            let Some(value) = value else { continue };
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            let into = encoder.encode_descriptor(name, help, None, gauge.metric_type())?;
            gauge.encode(into)?;
        }
        if let Some(seconds) = cpu_seconds() {
            let counter = ConstCounter::new(seconds);
            let into = encoder.encode_descriptor(
                "process_cpu_seconds",
                "Processor time used",
                None,
                counter.metric_type(),
            )?;
            counter.encode(into)?;
        }
        Ok(())
    }
}

/// Returns `VmRSS` of `/proc/self/status` in bytes; the file has KiB.
fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}

/// Returns the fields of `/proc/self/stat` from the third on: the name before them may contain
/// blanks.
fn stat() -> Option<Vec<u64>> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    let fields = rest.split_whitespace();
    Some(fields.map(|field| field.parse().unwrap_or(0)).collect())
}

/// Unit of processor time and start time in `/proc`: 1/100 s on every Linux.
const TICKS_A_SECOND: u64 = 100;

fn cpu_seconds() -> Option<f64> {
    let fields = stat()?;
    let ticks = fields.get(11)? + fields.get(12)?;
    Some(ticks as f64 / TICKS_A_SECOND as f64)
}

fn started_at() -> Option<u64> {
    let since_boot = stat()?.get(19)? / TICKS_A_SECOND;
    let system = fs::read_to_string("/proc/stat").ok()?;
    let boot = system
        .lines()
        .find_map(|line| line.strip_prefix("btime "))?;
    Some(boot.trim().parse::<u64>().ok()? + since_boot)
}

#[cfg(test)]
mod tests {
    use crate::telemetry::Metrics;

    #[test]
    fn a_scrape_describes_the_process() {
        let scrape = Metrics::default().text();
        let value = |name: &str| -> f64 {
            let line = scrape.lines().find_map(|line| line.strip_prefix(name));
            line.expect(name).trim().parse().unwrap()
        };
        assert!(
            value("affluenza_process_resident_memory_bytes ") > 1e5,
            "{scrape}"
        );
        assert!(value("affluenza_process_open_fds ") > 2.0);
        assert!(value("affluenza_process_cpu_seconds_total ") >= 0.0);
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let age = now.unwrap().as_secs_f64() - value("affluenza_process_start_time_seconds ");
        assert!((-2.0..3600.0).contains(&age), "began {age} s ago");
    }
}
