//! `kill -9` during appends: every confirmed record survives.
//!
//! The test runs its own executable as the process to be killed, so it has its own `main`.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test, which clippy cannot see without the usual harness"
)]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use affluenza_collector::spool::{Limits, Spool};

const FOLDER: &str = "AFFLUENZA_SPOOL_TEST_FOLDER";
const KILLS: u64 = 12;
const LIMITS: Limits = Limits {
    bytes_max: 64 << 20,
    segment_bytes: 64 << 10,
    record_bytes_max: 4096,
};

fn main() {
    if let Ok(dir) = std::env::var(FOLDER) {
        return append_for_ever(Path::new(&dir));
    }
    let dir = tempfile::tempdir().unwrap();
    let mut confirmed = 0;
    for round in 1..=KILLS {
        confirmed = kill_in_the_middle(dir.path(), round * 97, confirmed);
    }
    println!("{KILLS} kills, {confirmed} confirmed records, none lost");
}

/// Appends numbers in growing batches, and prints the end of each confirmed batch.
fn append_for_ever(dir: &Path) {
    let (spool, _) = Spool::open(dir, LIMITS).unwrap();
    let mut number = spool.end().0;
    let mut out = std::io::stdout();
    loop {
        let batch: Vec<String> = (number..number + 1 + number % 50)
            .map(|number| format!("{number:0>100}"))
            .collect();
        spool.append(&batch).unwrap();
        number += batch.len() as u64;
        // The parent has exited.
        if writeln!(out, "{number}").is_err() {
            return;
        }
    }
}

/// Kills a child after `appends` confirmed batches, and checks the records. Returns their number.
fn kill_in_the_middle(dir: &Path, appends: u64, before: u64) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .env(FOLDER, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut confirmed = before;
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in lines.by_ref().take(usize::try_from(appends).unwrap()) {
        confirmed = line.unwrap().parse().unwrap();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // Lines that the child printed before it died also count.
    for line in lines.map_while(Result::ok) {
        confirmed = line.parse().unwrap_or(confirmed);
    }
    let (spool, recovery) = Spool::open(dir, LIMITS).unwrap();
    assert_eq!(recovery.damaged_records, 0);
    assert!(
        spool.end().0 >= confirmed,
        "{:?} of {confirmed}",
        spool.end()
    );
    let mut next = spool.acked();
    while next < spool.end() {
        let batch = spool.read(next, 1000, 1 << 20).unwrap();
        for record in &batch.records {
            let number: u64 = std::str::from_utf8(record).unwrap().parse().unwrap();
            assert_eq!(number, next.0);
            next.0 += 1;
        }
        assert_eq!(next, batch.next);
    }
    // Acknowledges half of the records, so that the next child opens a spool with an offset.
    let half = affluenza_collector::spool::SpoolPosition(u64::midpoint(spool.acked().0, next.0));
    spool.ack(half).unwrap();
    next.0
}
