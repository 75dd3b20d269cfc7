//! Closed years keep their figures when the classification changes. Differences are listed
//! separately for the classification and for late events.

use std::path::Path;
use std::process::Output;

use crate::support::{Engines, Place, stderr, write};

/// Two enti, and a service in the category `scuola`.
const THEN: &str = r#"
    [[category]]
    code = "tributi"
    name_it = "Tributi"
    name_en = "Local taxes"

    [[category]]
    code = "scuola"
    name_it = "Scuola"
    name_en = "School"

    [[ente]]
    code = "c_a"
    name = "Alfa"
    kind = "comune"

    [[ente]]
    code = "c_b"
    name = "Beta"
    kind = "comune"

    [[service]]
    code = "imu"
    name_it = "IMU"
    category = "tributi"

    [[service]]
    code = "mensa"
    name_it = "Mensa"
    category = "scuola"

    [deployments.c_a]
    imu = {}
    mensa = {}

    [deployments.c_b]
    imu = {}
"#;
const PERSON: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/63.0.3239.84 Safari/537.36";
/// A probe that sends the user agent of a browser; a later configuration names it as a bot.
const PROBE: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/63.0.3239.84 Safari/537.36 ComuneVetrina";

fn event(id: u32, ente: &str, service: &str, agent: &str) -> String {
    let (what, activity) = match service {
        "" => (r#""resource":"page""#.to_owned(), "access"),
        _ => (
            format!(r#""service":"{service}","kind":"plain""#),
            "service-use",
        ),
    };
    format!(
        r#"{{"specversion":"1.0","type":"it.affluenza.{activity}.v1","source":"s","id":"{id}","time":"2017-05-0{day}T09:00:00Z","data":{{"ente":"{ente}","portal":"www",{what},"client":{{"user_agent":"{agent}","country":"{country}"}}}}}}"#,
        day = id % 9 + 1,
        country = if agent == PERSON { "IT" } else { "DE" },
    )
}

fn output(place: &Place<'_>, register: &Path, bots: &str, arguments: &[&str]) -> Output {
    place
        .command(arguments)
        .env("AFFLUENZA__REGISTER__FILE", register)
        .env("AFFLUENZA__CLASSIFICATION__BOTS", bots)
        .output()
        .expect("the program runs")
}

/// Returns the output on success, and the error otherwise.
fn run(
    place: &Place<'_>,
    register: &Path,
    bots: &str,
    arguments: &[&str],
) -> Result<String, String> {
    let output = output(place, register, bots, arguments);
    match output.status.success() {
        true => Ok(String::from_utf8(output.stdout).expect("it prints text")),
        false => Err(stderr(&output)),
    }
}

pub fn closed_years_never_change_and_say_what_moved(engines: &Engines) {
    let place = engines.place("years");
    let then = write(&place.folder, "then.toml", THEN.as_bytes());
    // The canteen moves to taxes, Beta is merged into Alfa, and the probe becomes a known bot.
    let now = THEN
        .replace("category = \"scuola\"", "category = \"tributi\"")
        .replace(
            "name = \"Alfa\"",
            "name = \"Alfa\"\n    aliases = [\"c_b\"]",
        )
        .replace(
            "[[ente]]\n    code = \"c_b\"\n    name = \"Beta\"\n    kind = \"comune\"\n",
            "",
        )
        .replace("[deployments.c_b]\n    imu = {}\n", "");
    let now = write(&place.folder, "now.toml", now.as_bytes());
    let as_then = |arguments: &[&str]| run(&place, &then, "[]", arguments);
    let as_now = |arguments: &[&str]| run(&place, &now, "[\"comunevetrina\"]", arguments);

    place.run(&["migrate"]);
    let uses = [
        ("c_a", "imu", 5),
        ("c_a", "mensa", 3),
        ("c_b", "imu", 2),
        ("c_a", "", 4),
    ];
    let mut records = Vec::new();
    for (ente, service, times) in uses {
        for _ in 0..times {
            records.push(event(records.len() as u32, ente, service, PERSON));
        }
    }
    // The last client sends no user agent: it is no person.
    for agent in [PROBE, ""] {
        for service in ["imu", ""] {
            records.push(event(records.len() as u32, "c_a", service, agent));
        }
    }
    place.produce(records.iter().map(|record| ("k", record.as_bytes())));
    as_then(&["consume", "--once"]).expect("all is read");

    refused_mistakes(&as_then);
    let told = as_then(&["close-year", "2017"]).expect("it closes");
    assert!(
        told.contains("2017 closed: 11 service uses") && told.contains("seal 1"),
        "{told}"
    );
    let refused = as_then(&["close-year", "2017"]).expect_err("it is closed");
    assert!(refused.contains("--restate REASON"), "{refused}");
    assert_eq!(moved(&as_then), Vec::<String>::new());
    let json = ["report", "--year", "2017", "--format", "json"];
    let sealed = as_then(&json).expect("it reports");
    let text = as_then(&["report", "--year", "2017"]).expect("it reports");
    assert!(
        text.contains("year closed on") && text.contains("seal no. 1"),
        "{text}"
    );

    as_now(&["rebuild"]).expect("it rebuilds");
    assert_eq!(as_now(&json).expect("it reports"), sealed, "byte by byte");
    assert_eq!(
        as_now(&["report", "--year", "2017"]).expect("it reports"),
        text
    );
    let mut present = json.to_vec();
    present.extend(["--classified", "now"]);
    let present = as_now(&present).expect("it reports");
    assert!(present.contains(r#""seal": null"#), "{present}");
    // The probe, from abroad, counted as a person then and is a bot now. The client without a user
    // agent, from abroad, was never a person.
    for (count, clock, uses, italy, abroad) in [
        ("people", "then", 11, 4, 1),
        ("all", "then", 12, 4, 2),
        ("people", "now", 10, 4, 0),
        ("all", "now", 12, 4, 2),
    ] {
        let mut arguments = json.to_vec();
        arguments.extend(["--count", count, "--classified", clock]);
        let report = as_now(&arguments).expect("it reports");
        let report: serde_json::Value = serde_json::from_str(&report).expect("it is JSON");
        let found = [
            &report["totals"]["service_uses"],
            &report["places"]["italy_accesses"],
            &report["places"]["abroad_accesses"],
        ];
        assert_eq!(found, [uses, italy, abroad], "{count} {clock}");
        assert_eq!(report["counted"], count);
    }
    let by_classification = [
        "accesses\t\t\t\t\tbot\t0\t1\t1\t0",
        "accesses\t\t\t\t\tdesktop\t5\t4\t-1\t0",
        "service-uses\tc_a\tscuola\tplain\t\t\t3\t0\t-3\t0",
        "service-uses\tc_a\ttributi\tplain\t\t\t6\t10\t4\t0",
        "service-uses\tc_b\ttributi\tplain\t\t\t2\t0\t-2\t0",
        "service-uses-of\t\tscuola\t\tmensa\t\t3\t0\t-3\t0",
        "service-uses-of\t\ttributi\t\timu\t\t8\t7\t-1\t0",
        "service-uses-of\t\ttributi\t\tmensa\t\t0\t3\t3\t0",
    ];
    assert_eq!(moved(&as_now), by_classification);

    let late = event(1_000, "c_a", "imu", PERSON);
    place.produce([("k", late.as_bytes())]);
    as_now(&["consume", "--once"]).expect("all is read");
    let rows = moved(&as_now);
    assert!(
        rows.contains(&"service-uses\tc_a\ttributi\tplain\t\t\t6\t11\t4\t1".to_owned()),
        "{rows:?}"
    );
    assert_eq!(as_now(&json).expect("it reports"), sealed, "byte by byte");

    let restate = ["close-year", "2017", "--restate", "an event came late"];
    as_now(&restate).expect("it closes again");
    assert_eq!(moved(&as_now), Vec::<String>::new());
    let nothing = as_now(&restate).expect("nothing is to be done");
    assert!(
        nothing.contains("nothing has moved since seal 2"),
        "{nothing}"
    );
    let verified = as_now(&["verify-year", "2017"]).expect("it holds");
    assert!(
        verified.contains("restated: an event came late")
            && verified.contains("2 seal(s), all verified"),
        "{verified}"
    );
    let restated = as_now(&json).expect("it reports");
    assert!(restated.contains("an event came late"), "{restated}");
    earlier_editions_are_printed_again(&as_now, [&sealed, &restated]);
    // Alfa gets a new code after the closing.
    let renamed = THEN
        .replace("\"c_a\"", "\"c_n\"\n    aliases = [\"c_a\"]")
        .replace("deployments.c_a", "deployments.c_n");
    let renamed = write(&place.folder, "renamed.toml", renamed.as_bytes());
    let of_alfa = ["report", "--year", "2017", "--lang", "en", "--ente"];
    let found = output(&place, &renamed, "[]", &[&of_alfa[..], &["c_n"]].concat());
    let said = stderr(&found);
    assert!(said.contains("has \"c_n\" as c_a"), "{said}");
    let same = run(&place, &renamed, "[]", &[&of_alfa[..], &["c_a"]].concat());
    assert_eq!(
        String::from_utf8(found.stdout),
        Ok(same.expect("it reports"))
    );
    tampering_is_noticed(&place, &as_now);
}

/// The first edition has the same bytes as before the restatement, and each edition names its state.
fn earlier_editions_are_printed_again(
    run: &dyn Fn(&[&str]) -> Result<String, String>,
    [first, restated]: [&str; 2],
) {
    let report = ["report", "--year", "2017", "--format", "json"];
    let print = |more: &[&str]| run(&[&report[..], more].concat());
    let [one, other] = [first, restated]
        .map(|text| -> serde_json::Value { serde_json::from_str(text).expect("it is JSON") });
    assert_eq!([&one["state"], &other["state"]], ["closed", "restated"]);
    let hash = one["seal_hash"].as_str().expect("a hash");
    for hash in [hash, &hash[..8], &hash.to_uppercase()] {
        assert_eq!(print(&["--seal", hash]).expect("it reports"), first);
    }
    let newest = other["seal_hash"].as_str().expect("a hash");
    assert_eq!(print(&["--seal", newest]).expect("it reports"), restated);
    let present = print(&["--classified", "now"]).expect("it reports");
    let present: serde_json::Value = serde_json::from_str(&present).expect("it is JSON");
    assert_eq!(present["state"], "reclassified");
    for (more, said) in [
        (&["--seal", "0000000000"][..], "not the hash of one seal"),
        (&["--seal", &hash[..7]], "at least 8 digits"),
        (
            &["--seal", hash, "--year", "2017-Q1"],
            "give the year of 2017-Q1",
        ),
        (
            &["--seal", hash, "--classified", "now"],
            "cannot be used with",
        ),
    ] {
        let year = ["report", "--year", "2017"];
        let kept = if more.contains(&"--year") { 1 } else { 3 };
        let refused = run(&[&year[..kept], more].concat()).expect_err("it is refused");
        assert!(refused.contains(said), "{more:?}: {refused}");
    }
}

fn refused_mistakes(run: &dyn Fn(&[&str]) -> Result<String, String>) {
    for (arguments, said) in [
        (&["close-year", "9999"][..], "9999 is not over"),
        (&["close-year", "2015"], "2015 has no events to close"),
        (&["close-year", "2017", "--restate", "x"], "not closed yet"),
        (&["verify-year", "2017"], "2017 is not closed"),
        (&["year-changes", "2017"], "2017 is not closed"),
    ] {
        let refused = run(arguments).expect_err("it is refused");
        assert!(refused.contains(said), "{arguments:?}: {refused}");
    }
    let none = run(&["verify-year"]).expect("nothing is wrong");
    assert!(none.contains("no year is closed"), "{none}");
}

/// Rows of `year-changes`, without the header.
fn moved(run: &dyn Fn(&[&str]) -> Result<String, String>) -> Vec<String> {
    let listed = run(&["year-changes", "2017"]).expect("it lists");
    listed.lines().skip(1).map(str::to_owned).collect()
}

fn tampering_is_noticed(place: &Place<'_>, run: &dyn Fn(&[&str]) -> Result<String, String>) {
    let statement = "ALTER TABLE sealed_years
        UPDATE content = replaceOne(content, '\"service_uses\":6', '\"service_uses\":9')
        WHERE number = 1 SETTINGS mutations_sync = 2";
    place
        .wait(place.store().admin().run_statement(statement))
        .expect("a table can be changed");
    for arguments in [
        &["verify-year"][..],
        &["report", "--year", "2017"],
        &["year-changes", "2017"],
    ] {
        let refused = run(arguments).expect_err("it is noticed");
        assert!(
            refused.contains("seal 1, of 2017: its content was changed"),
            "{arguments:?}: {refused}"
        );
    }
}
