//! Measures lines per second on one core, from bytes in memory to events: the real log a hundred
//! times, each copy in a different year, so that no line repeats; and 100,000 lines of each form in
//! `tests/fixtures/forms`, the same few over and over. Prints one table, and fails if a form is
//! slower than the goal.
//!
//! The time is that of the processor, since other work may share the machine, and the best of a few
//! rounds. An argument selects the forms whose names contain it.
//!
//! Expected cost per line of 237 bytes: copy and three scans 0.2 us, identity hash 0.05, SHA-256
//! over 150 bytes for the visitor 0.2, JSON of 450 bytes 0.4, map of ordinals 0.1 (one or two cache
//! misses). The sum is about 1 us, or a million lines per second.
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::error::Error;
use std::fs;
use std::io::{Cursor, Read as _};
use std::path::{Path, PathBuf};

use affluenza_importer::{AccessLog, Input, LogReading, SystemSalts, Target};

const COPIES: usize = 100;
const ROUNDS: usize = 5;
const LINES_OF_FORM: usize = 100_000;
/// Goal for each form, in lines per second.
const GOAL: f64 = 300_000.0;

fn main() -> Result<(), Box<dyn Error>> {
    println!(
        "{:26} {:>9} {:>12} {:>9} {:>9}",
        "form", "lines", "bytes a line", "us a line", "lines/s"
    );
    let reading = LogReading {
        allows_single_client: true,
        ..LogReading::default()
    };
    let selected = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    let selected = selected.unwrap_or_default();
    if selected.is_empty() {
        measure("the real log (combined)", &real_log()?, &reading)?;
    }
    let mut slowest = f64::INFINITY;
    for path in forms()? {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        if !name.contains(&selected) {
            continue;
        }
        let format = fs::read_to_string(path.with_extension("format")).ok();
        let reading = LogReading {
            format: format.map(|format| format.parse()).transpose()?,
            ..reading.clone()
        };
        let few = fs::read_to_string(&path)?;
        let requests = few.lines().filter(|line| !line.starts_with('#')).count();
        let log = few.repeat(LINES_OF_FORM.div_ceil(requests));
        slowest = slowest.min(measure(&name, &log, &reading)?);
    }
    if slowest < GOAL {
        return Err(format!("a form is read at {slowest:.0} lines/s, less than {GOAL:.0}").into());
    }
    Ok(())
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn real_log() -> Result<String, Box<dyn Error>> {
    let file = fs::File::open(fixtures().join("apache_combined_10k.log.gz"))?;
    let mut log = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut log)?;
    let year = |copy| log.replace("/2015:", &format!("/{}:", 1971 + copy));
    Ok((0..COPIES).map(year).collect())
}

/// Returns the logs of the forms, by name.
fn forms() -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut paths = Vec::new();
    for file in fs::read_dir(fixtures().join("forms"))? {
        paths.push(file?.path());
    }
    paths.retain(|path| path.extension().is_some_and(|end| end == "log"));
    paths.sort();
    Ok(paths)
}

/// Prints the row of a log. Returns its lines per second.
fn measure(name: &str, log: &str, reading: &LogReading) -> Result<f64, Box<dyn Error>> {
    let mut best = f64::INFINITY;
    let mut lines = 0;
    for _ in 0..ROUNDS {
        let input = Input::reader("log", Cursor::new(log.as_bytes().to_vec()));
        let target = Target::new("c_d612", "www")?.in_zone("Europe/Rome")?;
        let mut import = AccessLog::new(target, reading, vec![input], SystemSalts)?;
        let started = processor_seconds()?;
        while import.next_event()?.is_some() {}
        best = best.min(processor_seconds()? - started);
        let summary = import.summary();
        if summary.malformed * 1_000 > summary.lines {
            return Err(format!("{name}: {} lines not understood", summary.malformed).into());
        }
        lines = summary.events();
    }
    let speed = lines as f64 / best;
    println!(
        "{name:26} {lines:9} {:12} {:9.2} {speed:9.0}",
        log.len() / lines as usize,
        best / lines as f64 * 1e6,
    );
    Ok(speed)
}

/// Time of this thread on a processor.
fn processor_seconds() -> Result<f64, Box<dyn Error>> {
    let text = fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds: u64 = text.split(' ').next().unwrap_or_default().parse()?;
    Ok(nanoseconds as f64 / 1e9)
}
