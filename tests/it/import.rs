//! Access logs: every line has an outcome, and a repeated import changes nothing.
//!
//! The smallest logs that went wrong once lie in `crates/importer/tests/fixtures/cases`.

use std::io::Read;
use std::path::Path;
use std::process::Output;

use flate2::read::GzDecoder;

use crate::support::{Engines, Place, eventually, source, stderr, write};

const LOG: &str = "crates/importer/tests/fixtures/apache_combined_10k.log.gz";

pub fn every_request_is_accounted_for(engines: &Engines) {
    let place = engines.place("import");
    let packed = std::fs::read(source(LOG)).expect("the log is there");
    let mut text = String::new();
    GzDecoder::new(packed.as_slice())
        .read_to_string(&mut text)
        .expect("it is gzip");
    let lines: Vec<&str> = text.lines().collect();
    let plain = write(&place.folder, "access.log", text.as_bytes());
    place.run(&["migrate"]);
    let consumer = place.spawn(&["consume"], "consumer.log");

    let import = |files: &[&std::path::Path]| {
        let mut arguments = vec![
            "import",
            "access-log",
            "--ente",
            "Firenze",
            "--portal",
            "www",
        ];
        arguments.extend(
            files
                .iter()
                .map(|file| file.to_str().expect("a plain path")),
        );
        place.run(&arguments)
    };
    let first = import(&[&plain]);
    // 10,000 requests, one of them truncated.
    let (stored, rejected) = (lines.len() - 1, 1);
    assert!(
        first.starts_with(&format!(
            "read {} = stored {stored} + stored before 0 + rejected 0 + not understood {rejected}",
            lines.len()
        )),
        "{first}"
    );

    let figures = || {
        let place = &place;
        [
            place.count("SELECT count() FROM usage_events"),
            place.count("SELECT sum(events) FROM usage_hourly"),
            place.count("SELECT sum(accesses) FROM usage_hourly"),
            place.count("SELECT sum(events) FROM usage_hourly WHERE device = 'bot'"),
            place.count("SELECT uniqCombined64IfMerge(visitors) FROM usage_hourly"),
            place.count(
                "SELECT sum(cityHash64(time, ente, device, resource, outcome)) FROM usage_events",
            ),
        ]
    };
    // A fact is visible a moment before its hour row. The ledger row follows both.
    let end: u64 = place.ends().values().map(|end| end.0.unsigned_abs()).sum();
    eventually("every block is in the ledger", || {
        place.records_processed() == end
    });
    let before = figures();
    assert_eq!(before[0], stored as u64);
    assert_eq!(
        before[0], before[1],
        "the aggregate holds what the facts hold"
    );
    assert!(
        before[3] > 0 && before[3] < before[0],
        "bots and people are told apart"
    );

    // Imports the lines again: as they are, compressed, shuffled, and in two halves.
    let packed = write(&place.folder, "again.log.gz", &packed);
    let mut shuffled = lines.clone();
    shuffled.sort_by_key(|line| line.len() * 7919 % 1009);
    let shuffled = write(
        &place.folder,
        "shuffled.log",
        shuffled.join("\n").as_bytes(),
    );
    let (head, tail) = lines.split_at(lines.len() / 3);
    let head = write(&place.folder, "head.log", head.join("\n").as_bytes());
    let tail = write(&place.folder, "tail.log", tail.join("\r\n").as_bytes());
    for files in [
        vec![plain.as_path()],
        vec![&packed],
        vec![&shuffled],
        vec![&head, &tail],
    ] {
        let again = import(&files);
        assert!(
            again.contains(&format!("stored 0 + stored before {stored}")),
            "{files:?}: {again}"
        );
        assert_eq!(figures(), before, "{files:?}");
    }
    let balance = "SELECT count() FROM ingest_ledger FINAL WHERE records_read != stored + duplicate + rejected + quarantined";
    assert_eq!(place.count(balance), 0);
    assert_eq!(
        place.records_processed(),
        place
            .ends()
            .values()
            .map(|end| end.0.unsigned_abs())
            .sum::<u64>()
    );
    consumer.terminate();
}

/// Imports a case of the fixtures for a portal of Firenze.
fn import_case(place: &Place<'_>, portal: &str, case: &str, more: &[&str]) -> Output {
    let file = source(&format!("crates/importer/tests/fixtures/cases/{case}"));
    import_file(place, portal, &file, more)
}

fn import_file(place: &Place<'_>, portal: &str, file: &Path, more: &[&str]) -> Output {
    let mut command = place.command(&["import", "access-log", "--ente", "Firenze"]);
    command.args(["--portal", portal]).args(more).arg(file);
    command.output().expect("it runs")
}

fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{}", stderr(output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Imports the cases one by one, and compares what is printed and what is stored.
pub fn cases_are_counted_as_they_are(engines: &Engines) {
    let place = engines.place("import_cases");
    place.run(&["migrate"]);
    let consumer = place.spawn(&["consume"], "consumer.log");
    let output = import_case(&place, "ahead", "time-ahead.log", &[]);
    // Nothing was stored.
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let ahead = String::from_utf8_lossy(&output.stdout);
    let expected = "read 1 = stored 0 + stored before 0 + rejected 1 + not understood 0";
    assert!(ahead.starts_with(expected), "{ahead}");
    let reason = "rejected by the consumer as time-ahead: 1";
    assert!(ahead.contains(reason), "{ahead}");
    visitors_are_told_apart(&place);

    // Error answers are stored and are no accesses.
    let scanned = printed(&import_case(&place, "scanned", "scanner-404.log", &[]));
    assert!(scanned.starts_with("read 5 = stored 5 "), "{scanned}");
    let of_scanner = "FROM usage_hourly WHERE portal = 'scanned'";
    eventually("the hour rows are there", || {
        place.count(&format!("SELECT sum(events) {of_scanner}")) == 5
    });
    let accesses = format!("SELECT sum(accesses) + uniqCombined64IfMerge(visitors) {of_scanner}");
    assert_eq!(place.count(&accesses), 0);

    // Nothing is understood.
    let unknown = write(&place.folder, "unknown.log", b"nothing\nof a log\n");
    let unknown = import_file(&place, "x", &unknown, &[]);
    assert_eq!(unknown.status.code(), Some(1));
    let said = stderr(&unknown);
    assert!(said.contains("only 0 of 2 lines were understood"), "{said}");
    consumer.terminate();
}

/// Checks a day in two parts, two servers with equal lines, and a balancer.
fn visitors_are_told_apart(place: &Place<'_>) {
    for part in ["day-part1.log", "day-part2.log"] {
        printed(&import_case(place, "parts", part, &[]));
    }
    for (file, server) in [("two-servers-a.log", "a"), ("two-servers-b.log", "b")] {
        let counts = printed(&import_case(place, "servers", file, &["--server", server]));
        assert!(counts.starts_with("read 1 = stored 1 "), "{counts}");
    }
    let visitors = |portal: &str| {
        place.count(&format!(
            "SELECT uniqExact(visitor) FROM usage_events WHERE portal = '{portal}'"
        ))
    };
    assert_eq!((visitors("parts"), visitors("servers")), (1, 2));

    // Nothing is sent until the operator says how to read the log of a balancer.
    let refused = import_case(place, "balancer", "forwarded-last.log", &[]);
    assert_eq!(refused.status.code(), Some(1));
    let said = stderr(&refused);
    assert!(said.contains("--client forwarded"), "{said}");
    let more = ["--client", "forwarded"];
    let forwarded = import_case(place, "balancer", "forwarded-last.log", &more);
    let said = stderr(&forwarded);
    assert!(
        said.contains("client is field 10 (forwarded addresses)"),
        "{said}"
    );
    assert!(printed(&forwarded).starts_with("read 3 = stored 3 "));
    assert_eq!(visitors("balancer"), 3);
}
