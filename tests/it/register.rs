//! The register is checked, compared and loaded for analysts. Unknown codes are listed, and a
//! rebuild classifies them once the register has them.

use std::path::Path;

use crate::support::{Engines, Place, stderr, write};

const KNOWN: &str = r#"
    [[category]]
    code = "tributi"
    name_it = "Tributi"
    name_en = "Local taxes"

    [[ente]]
    code = "c_a"
    name = "Alfa"
    kind = "comune"
    patron = "06-24"
    desk = "mo-fr 08:30-12:30"

    [[ente]]
    code = "c_b"
    name = "Beta"
    kind = "comune"

    [[service]]
    code = "imu"
    name_it = "IMU"
    category = "tributi"

    [deployments.c_a]
    imu = {}
"#;
const MORE: &str = r#"
    [[ente]]
    code = "c_new"
    name = "Nuovo"
    kind = "comune"

    [[service]]
    code = "tari"
    name_it = "TARI"
    category = "tributi"
"#;

/// Ente, service and local time of each event: a Thursday, a Saturday, the patron's day (also a
/// Saturday) and a Friday, within and outside opening hours.
const EVENTS: [(&str, &str, &str); 6] = [
    ("c_a", "imu", "2017-06-22T09:00:00+02:00"),
    ("c_a", "imu", "2017-06-22T12:30:00+02:00"),
    ("c_a", "imu", "2017-06-24T09:00:00+02:00"),
    ("c_b", "imu", "2017-06-24T09:00:00+02:00"),
    ("c_new", "imu", "2017-06-23T09:00:00+02:00"),
    ("c_a", "tari", "2017-06-23T08:29:59+02:00"),
];

fn run(place: &Place<'_>, register: &Path, arguments: &[&str]) -> (String, String) {
    let output = place
        .command(arguments)
        .env("AFFLUENZA__REGISTER__FILE", register)
        .output()
        .expect("the program runs");
    let said = stderr(&output);
    assert!(output.status.success(), "{arguments:?}: {said}");
    let printed = String::from_utf8(output.stdout).expect("it prints text");
    (printed, said)
}

pub fn unknown_codes_are_listed_and_placed_later(engines: &Engines) {
    let place = engines.place("register");
    let known = write(&place.folder, "known.toml", KNOWN.as_bytes());
    let more = write(
        &place.folder,
        "more.toml",
        format!("{KNOWN}{MORE}").as_bytes(),
    );
    let run = |register: &Path, arguments: &[&str]| run(&place, register, arguments);
    check_files(&place, &known, &more);

    place.run(&["migrate"]);
    let records: Vec<String> = EVENTS
        .iter()
        .enumerate()
        .map(|(id, (ente, service, time))| {
            format!(
                r#"{{"specversion":"1.0","type":"it.affluenza.service-use.v1","source":"s","id":"{id}","time":"{time}","data":{{"ente":"{ente}","portal":"www","service":"{service}","kind":"plain"}}}}"#
            )
        })
        .collect();
    place.produce(records.iter().map(|record| ("k", record.as_bytes())));
    run(&known, &["consume", "--once"]);
    let (listed, _) = run(&known, &["register", "unresolved"]);
    let mut lines: Vec<&str> = listed.lines().skip(1).collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "ente\tc_new\twww\timu\t1\t2017-06-23\t2017-06-23",
            "service\tc_a\twww\ttari\t1\t2017-06-23\t2017-06-23",
        ]
    );

    let (told, _) = run(&known, &["register", "apply"]);
    assert!(
        told.contains("2 enti") && told.ends_with("; active\n"),
        "{told}"
    );
    let (told, _) = run(&known, &["register", "apply"]);
    assert!(told.contains("active as before"), "{told}");
    let (told, _) = run(&more, &["register", "apply"]);
    assert!(told.contains("active instead of"), "{told}");
    for (query, expected) in [
        ("SELECT count() FROM enti", 3),
        ("SELECT count() FROM register_enti", 5),
        (
            "SELECT countIf(h.holiday = 'patron-saint') FROM holidays AS h",
            130,
        ),
        // Three enti: Liberation Day in every year, Saint Joseph until 1976.
        (
            "SELECT countIf(h.holiday = 'liberation' OR h.holiday = 'easter-monday' AND toDayOfMonth(h.day) = 25 AND toMonth(h.day) = 4) FROM holidays AS h",
            390,
        ),
        (
            "SELECT countIf(h.holiday = 'saint-joseph') FROM holidays AS h",
            21,
        ),
        (
            "SELECT toUInt64(count() - uniqExact(h.ente, h.day)) FROM holidays AS h",
            0,
        ),
        (
            "SELECT toUInt64(dictGet('register_ente', 'name', 'c_new') = 'Nuovo')",
            1,
        ),
        (
            "SELECT toUInt64(dictGet('register_service', 'category', 'tari') = 'tributi')",
            1,
        ),
        (
            "SELECT sum(d.service_uses) FROM usage_by_day_kind AS d WHERE day_kind = 'working'",
            4,
        ),
        (
            "SELECT sum(d.service_uses) FROM usage_by_day_kind AS d WHERE day_kind = 'weekend'",
            1,
        ),
        (
            "SELECT sum(d.service_uses) FROM usage_by_day_kind AS d WHERE day_kind = 'holiday'",
            1,
        ),
        (
            "SELECT sum(d.service_uses) FROM usage_by_desk AS d WHERE desk = 'open'",
            1,
        ),
        (
            "SELECT sum(d.service_uses) FROM usage_by_desk AS d WHERE desk = 'closed'",
            3,
        ),
        (
            "SELECT sum(d.service_uses) FROM usage_by_desk AS d WHERE desk = 'unknown'",
            2,
        ),
    ] {
        assert_eq!(place.count(query), expected, "{query}");
    }

    let unregistered = "SELECT count() FROM usage_events WHERE category = 'unregistered'";
    assert_eq!(place.count(unregistered), 2);
    let (listed, _) = run(&more, &["register", "unresolved", "--format", "ndjson"]);
    assert_eq!(
        listed.matches(r#""unknown":"rebuild""#).count(),
        2,
        "{listed}"
    );
    run(&more, &["rebuild"]);
    let (listed, said) = run(&more, &["register", "unresolved"]);
    assert_eq!(listed, "");
    assert!(said.contains("every code is known"), "{said}");
    assert_eq!(place.count(unregistered), 0);
}

fn check_files(place: &Place<'_>, known: &Path, more: &Path) {
    let (told, _) = run(place, more, &["register", "check"]);
    assert!(
        told.contains("3 enti, 0 portals, 1 categories, 2 services, 1 deployments"),
        "{told}"
    );
    let before = known.to_str().expect("a plain path");
    let (told, _) = run(place, more, &["register", "diff", before]);
    assert!(
        told.starts_with("+ ente c_new\n+ service tari\n2 differences, "),
        "{told}"
    );
    check_tables(place, known);
    let wrong = KNOWN
        .replace("06-24", "02-30")
        .replace("mo-fr 08:30-12:30", "x 8-9");
    let wrong = write(&place.folder, "wrong.toml", wrong.as_bytes());
    let output = place
        .command(&["register", "check", wrong.to_str().expect("a plain path")])
        .output()
        .expect("the program runs");
    let said = stderr(&output);
    assert!(!output.status.success());
    assert!(
        said.contains("wrong.toml") && said.contains("c_a"),
        "{said}"
    );
}

/// Enti and deployments may stand in tables of a spreadsheet.
fn check_tables(place: &Place<'_>, known: &Path) {
    let (_, rest) = KNOWN.split_once("[[service]]").expect("it has a service");
    let (service, _) = rest
        .split_once("[deployments")
        .expect("it has a deployment");
    let (category, _) = KNOWN.split_once("[[ente]]").expect("it has an ente");
    let main = format!(
        "[files]\nenti = [\"enti.csv\"]\ndeployments = [\"uses.csv\"]\n{category}[[service]]{service}"
    );
    let main = write(&place.folder, "tables.toml", main.as_bytes());
    let enti = "\u{feff}code;name;kind;patron;desk\r\nc_a;Alfa;comune;06-24;mo-fr 08:30-12:30\r\nc_b;Beta;comune;;\r\n";
    write(&place.folder, "enti.csv", enti.as_bytes());
    write(&place.folder, "uses.csv", b"ente,service\nc_a,imu\n");
    let before = known.to_str().expect("a plain path");
    let (told, _) = run(place, &main, &["register", "diff", before]);
    assert!(told.starts_with("0 differences, "), "{told}");

    write(
        &place.folder,
        "uses.csv",
        b"ente,service\nc_a,imu\nc_x,imu\n",
    );
    let output = place
        .command(&["register", "check", main.to_str().expect("a plain path")])
        .output()
        .expect("the program runs");
    let said = stderr(&output);
    assert!(!output.status.success());
    assert!(
        said.contains("tables.toml: uses.csv, line 3: ")
            && said.contains("ente \"c_x\" does not exist"),
        "{said}"
    );
}
