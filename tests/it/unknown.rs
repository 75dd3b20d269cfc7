//! A portal that sends a new code with each event: every question is answered, the codes are one
//! row, and the portals are named.

use serde_json::Value;

use crate::api::{Served, serve};
use crate::support::{Engines, stderr};

/// More codes than an answer may have rows.
const CODES: usize = 110_000;
/// Largest answer, in bytes. The thousand most used portals are listed.
const ANSWER_BYTES_MAX: usize = 300_000;

fn use_of(id: usize, codes: [&str; 3]) -> String {
    let [ente, portal, service] = codes;
    format!(
        r#"{{"specversion":"1.0","type":"it.affluenza.service-use.v1","source":"https://flood","id":"{id}","time":"2017-06-22T09:00:00+02:00","data":{{"ente":"{ente}","portal":"{portal}","service":"{service}","kind":"plain"}}}}"#
    )
}

/// Returns the row with a label.
fn row<'a>(answer: &'a Value, column: &str, label: &str) -> &'a Value {
    let rows = answer["data"].as_array().expect("there are rows");
    let found = rows.iter().find(|row| row[column] == label);
    found.unwrap_or_else(|| panic!("{column} {label}: {answer}"))
}

pub fn a_new_code_with_each_event_spoils_no_answer(engines: &Engines) {
    let place = engines.place("unknown");
    place.run(&["migrate"]);
    let known = ["c_d612", "servizi-online", "visure-anagrafiche"];
    let mut records: Vec<String> = (0..7).map(|id| use_of(id, known)).collect();
    records.extend((7..7 + CODES).map(|id| {
        let [ente, portal, service] =
            ["ente", "portal", "service"].map(|kind| format!("{kind}-{id}"));
        let ente = if id % 2 == 0 { "c_d612" } else { &ente };
        // Every fourth event comes from one portal.
        let portal = if id % 4 == 0 {
            "servizi-online"
        } else {
            &portal
        };
        use_of(id, [ente, portal, &service])
    }));
    place.produce(records.iter().map(|record| ("k", record.as_bytes())));
    place.run(&["consume", "--once"]);

    let output = place
        .command(&["register", "unresolved"])
        .output()
        .expect("it runs");
    let (listed, said) = (String::from_utf8_lossy(&output.stdout), stderr(&output));
    assert_eq!(listed.lines().count(), 101, "{said}");
    assert!(said.contains("109900 further codes"), "{said}");
    let sender = "portal servizi-online of c_d612 sent 27500 different codes";
    assert!(said.contains(sender), "{said}");

    let api = serve(place);
    let key = api.key(&["all"]);
    for question in [
        "categories?period=2017",
        "enti?period=2017",
        "matrix?period=2017",
        "top-services?period=2017",
        "usage?group=portal&period=2017",
        "usage?group=ente,portal,service&period=2017",
        "usage?group=ente&measure=users&period=2017",
        "variations?period=2017",
        "offered-versus-used?period=2017",
        "hours?period=2017",
    ] {
        let reply = api.with_key(&key, question);
        assert_eq!(reply.status, 200, "{question}: {}", reply.body);
        let bytes = reply.body.len();
        assert!(bytes < ANSWER_BYTES_MAX, "{question}: {bytes} bytes");
    }
    codes_are_one_row(&api, &key);
}

fn codes_are_one_row(api: &Served<'_>, key: &str) {
    let enti = api.data(key, "enti?period=2017");
    assert_eq!(enti["totals"]["service_uses"], CODES + 7);
    let unknown = row(&enti, "ente", "unregistered");
    assert_eq!(unknown["service_uses"], CODES / 2);
    assert_eq!(
        unknown["notes"]["ente"],
        "55000 codes that are not in the register"
    );
    let services = api.data(key, "top-services?period=2017");
    assert_eq!(
        row(&services, "service", "visure-anagrafiche")["service_uses"],
        7
    );
    let unknown = row(&services, "service", "unregistered");
    assert_eq!(
        (&unknown["service_uses"], &unknown["enti"]),
        (&CODES.into(), &1.into())
    );
    let warnings = services["meta"]["warnings"].to_string();
    assert!(
        warnings.contains("c_d612/servizi-online (27500 events)"),
        "{warnings}"
    );

    let path = "usage?group=ente&service=unregistered&measure=events&period=2017";
    let senders = api.data(key, path);
    assert_eq!(row(&senders, "ente", "c_d612")["events"], CODES / 2);
    // A code that is asked for by its name has its own row.
    let one = api.data(key, "usage?group=service&service=service-100&period=2017");
    assert_eq!(row(&one, "service", "service-100")["service_uses"], 1);
}
