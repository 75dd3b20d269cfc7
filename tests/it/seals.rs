//! The chain of seals stays one chain under concurrent closings, and changes to the table are
//! detected.

use std::process::Output;

use crate::support::{Engines, Place, stderr};

fn event(year: i16, number: u32) -> String {
    format!(
        r#"{{"specversion":"1.0","type":"it.affluenza.access.v1","source":"s","id":"{year}-{number}","time":"{year}-05-02T09:00:00Z","data":{{"ente":"c_d612","portal":"www","resource":"page","client":{{"user_agent":"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/63.0.3239.84 Safari/537.36"}}}}}}"#
    )
}

/// Runs programs at the same time, each with its own data folder, as on separate machines.
fn at_once(place: &Place<'_>, commands: &[&[&str]]) -> Vec<Output> {
    let running: Vec<_> = commands
        .iter()
        .enumerate()
        .map(|(machine, arguments)| {
            place
                .command(arguments)
                .env(
                    "AFFLUENZA_DATA",
                    place.folder.join(format!("machine-{machine}")),
                )
                .stdout(std::process::Stdio::piped())
                .stderr(std::process::Stdio::piped())
                .spawn()
                .expect("the program starts")
        })
        .collect();
    let ended = running.into_iter().map(|one| one.wait_with_output());
    ended.map(|output| output.expect("it ends")).collect()
}

fn refused(place: &Place<'_>, arguments: &[&str]) -> String {
    let output = place.command(arguments).output().expect("the program runs");
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    let said = stderr(&output);
    assert_eq!(said.trim().lines().count(), 1, "one line: {said}");
    said
}

fn sql(place: &Place<'_>, statement: &str) {
    place
        .wait(place.store().admin().run_statement(statement))
        .expect("a table can be changed");
}

pub fn two_at_once_make_one_chain(engines: &Engines) {
    let place = engines.place("seals");
    place.run(&["migrate"]);
    let years: Vec<i16> = (2010..2016).collect();
    let events: Vec<String> = years
        .iter()
        .flat_map(|year| (0..3).map(|number| event(*year, number)))
        .collect();
    place.produce(events.iter().map(|event| ("k", event.as_bytes())));
    place.run(&["consume", "--once"]);

    // Closes two years concurrently in each round; the last round closes one year twice.
    for pair in [["2010", "2011"], ["2012", "2013"], ["2014", "2014"]] {
        let ended = at_once(
            &place,
            &[&["close-year", pair[0]], &["close-year", pair[1]]],
        );
        let closed = ended.iter().filter(|one| one.status.success()).count();
        if pair[0] != pair[1] {
            for one in &ended {
                assert!(one.status.success(), "{pair:?}: {}", stderr(one));
            }
            continue;
        }
        assert_eq!(closed, 1, "one of both closes {}", pair[0]);
        let other = ended.iter().find(|one| !one.status.success());
        let said = stderr(other.expect("it ended"));
        assert!(said.contains("2014 was closed at"), "{said}");
    }
    let chain = "SELECT countIf(number = place AND previous = before) FROM (
        SELECT s.number AS number, s.previous AS previous, row_number() OVER (ORDER BY s.number, s.hash) AS place,
               lagInFrame(s.hash, 1, '') OVER (ORDER BY s.number, s.hash ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS before
        FROM sealed_years AS s)";
    assert_eq!(place.count("SELECT count() FROM sealed_years"), 5);
    assert_eq!(place.count(chain), 5, "each follows the previous one");
    assert!(
        place
            .run(&["verify-year"])
            .contains("5 seal(s), all verified")
    );

    // Closes the last year here, so that this machine records its hash.
    let told = place.run(&["close-year", "2015"]);
    let (_, hash) = told
        .trim()
        .rsplit_once("SHA-256 ")
        .expect("the hash is printed");
    let expected = ["verify-year", "2015", "--expect", hash];
    let held = place.run(&expected);
    assert_eq!(held.trim(), "2015: seal 6 has this hash");
    let wrong = refused(
        &place,
        &["verify-year", "2015", "--expect", &"0".repeat(64)],
    );
    assert!(
        wrong.contains("2015: no seal has the hash 0000") && wrong.contains(hash),
        "{wrong}"
    );
    let of_another = refused(&place, &["verify-year", "2014", "--expect", hash]);
    assert!(
        of_another.contains("2014: no seal has the hash"),
        "{of_another}"
    );

    rewriting_the_last_is_noticed(&place, &expected);
    deleting_the_last_is_noticed(&place);
}

/// Changes the content of the last seal and adapts its hash.
fn rewriting_the_last_is_noticed(place: &Place<'_>, expected: &[&str]) {
    sql(place, "CREATE TABLE sealed_before AS sealed_years");
    sql(
        place,
        "INSERT INTO sealed_before SELECT * FROM sealed_years",
    );
    sql(
        place,
        "ALTER TABLE sealed_years UPDATE
            content = replaceOne(content, '\"accesses\":3', '\"accesses\":4'),
            hash = lower(hex(SHA256(concat(previous, '\\n', replaceOne(content, '\"accesses\":3', '\"accesses\":4')))))
         WHERE number = 6 SETTINGS mutations_sync = 2",
    );
    let changed = "SELECT count() FROM sealed_years AS s, sealed_before AS b
         WHERE s.number = b.number AND s.hash != b.hash AND s.content != b.content";
    assert_eq!(place.count(changed), 1, "it was rewritten");
    for arguments in [
        &["verify-year"][..],
        expected,
        &["close-year", "2015", "--restate", "x"],
        &["report", "--year", "2015"],
    ] {
        let said = refused(place, arguments);
        assert!(
            said.contains("seal 6, of 2015, was rewritten"),
            "{arguments:?}: {said}"
        );
    }
    // Another machine has no recorded hash, and the chain verifies there. Only the printed hash
    // reveals the change.
    let arguments = ["verify-year", "2015", "--expect", expected[3]];
    let elsewhere = at_once(place, &[&["verify-year"], &arguments]);
    assert!(elsewhere[0].status.success(), "{}", stderr(&elsewhere[0]));
    assert_eq!(elsewhere[1].status.code(), Some(1));
    let delete = "ALTER TABLE sealed_years DELETE WHERE 1 SETTINGS mutations_sync = 2";
    sql(place, delete);
    sql(
        place,
        "INSERT INTO sealed_years SELECT * FROM sealed_before",
    );
    place.run(expected);
}

fn deleting_the_last_is_noticed(place: &Place<'_>) {
    sql(
        place,
        "ALTER TABLE sealed_years DELETE WHERE number = 6 SETTINGS mutations_sync = 2",
    );
    for arguments in [
        &["verify-year"][..],
        &["close-year", "2015"],
        &["report", "--year", "2015"],
    ] {
        let said = refused(place, arguments);
        assert!(
            said.contains("seal 6, of 2015, is not in sealed_years"),
            "{arguments:?}: {said}"
        );
    }
    let accepted = [
        "verify-year",
        "--accept-lost",
        "an older backup was restored",
    ];
    assert!(place.run(&accepted).contains("5 seal(s), all verified"));
    // ClickHouse knows the token of the sixth seal; closing the year again still works.
    let told = place.run(&["close-year", "2015"]);
    assert!(told.contains("seal 6"), "{told}");
    assert!(
        place
            .run(&["verify-year"])
            .contains("6 seal(s), all verified")
    );
    let log = place.run(&["keys", "log"]);
    assert!(
        log.contains("seals-lost") && log.contains("an older backup was restored"),
        "{log}"
    );
}
