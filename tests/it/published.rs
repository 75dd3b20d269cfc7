//! From closing a year to its publication: the published edition is the closed one, in spite of
//! late events, until the year is closed again.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::api::{PUBLISHER, Served, served};
use crate::support::{Engines, eventually, stderr};

/// A paged question with several hundred rows.
const PAGE: &str = "usage?group=service,month&period=2017&limit=40";

type Files = BTreeMap<String, String>;

pub fn a_closed_year_is_published_as_it_was_closed(engines: &Engines) {
    let api = served(engines, "published");
    let key = api.key(&["all"]);
    let of_2017 = |api: &Served<'_>| api.data(&key, "categories?period=2017")["totals"].clone();
    let next = next_page(&api.data(&key, PAGE)).expect("there are more");
    assert!(!warns(&api.data(&key, &next)));
    use_once(&api, "before", "2017-05-05");
    assert!(published(&api).is_empty(), "the year is open");
    let before = of_2017(&api);

    let told = api.place.run(&["close-year", "2017"]);
    assert!(told.contains("2017 closed"), "{told}");
    let mut closed = Files::new();
    eventually("the closed year is published", || {
        closed = published(&api);
        !closed.is_empty()
    });
    let recount = api.place.count(&format!(
        "SELECT count() FROM usage_events WHERE toYear(local_date) = 2017 AND service = ({MOST}) AND activity = 'service-use' AND outcome = 'completed' AND device NOT IN ('bot', 'no-agent')"
    ));
    assert_eq!(most(&closed), Some(recount));
    assert_eq!(from_command(&api, "closed"), closed, "the same by command");

    // A late event changes the figures, but not the edition.
    use_once(&api, "late", "2017-05-05");
    eventually("the event is counted", || of_2017(&api) != before);
    assert_eq!(from_command(&api, "late"), closed);
    assert_eq!(published(&api), closed);
    eventually("the service knows that the year is closed", || {
        let public = api.ask("/v1/categories?period=2017", &[]);
        // The service answers 503 until it knows the closed year.
        if public.status == 503 {
            return false;
        }
        assert_eq!(public.status, 200, "{}", public.body);
        let uses = public.json()["totals"]["service_uses"].clone();
        assert_eq!(uses, before["service_uses"], "what was closed");
        true
    });
    // Pages that began before the change carry a warning.
    eventually("a later page reports the change", || {
        warns(&api.data(&key, &next))
    });
    let anew = next_page(&api.data(&key, PAGE)).expect("there are more");
    assert!(!warns(&api.data(&key, &anew)));

    // A second edition would reveal the one late use.
    let told = api
        .place
        .run(&["close-year", "2017", "--restate", "an event came late"]);
    assert!(told.contains("what was published before stays"), "{told}");
    assert_eq!(from_command(&api, "one-late"), closed);
    assert_eq!(published(&api), closed);
    for id in ["later", "latest"] {
        use_once(&api, id, "2017-05-05");
    }
    api.place
        .run(&["close-year", "2017", "--restate", "events came late"]);
    eventually("the restated year is published", || {
        most(&published(&api)) == Some(recount + 3)
    });
    let restated = from_command(&api, "restated");
    assert_eq!(published(&api), restated);
    assert_ne!(restated, closed);

    a_changed_seal_is_not_published(&api);
}

/// The most used service, which no table suppresses.
const MOST: &str = "SELECT service FROM usage_events WHERE toYear(local_date) = 2017 AND activity = 'service-use' AND outcome = 'completed' AND device NOT IN ('bot', 'no-agent')
         GROUP BY service ORDER BY count() DESC LIMIT 1";

/// Sends one use of the most used service.
fn use_once(api: &Served<'_>, id: &str, day: &str) {
    let most = api.place.access().rows(&format!(
        "SELECT ente, portal, service, kind FROM usage_events WHERE toYear(local_date) = 2017 AND service = ({MOST}) AND activity = 'service-use'
         GROUP BY ALL ORDER BY count() DESC LIMIT 1"
    ));
    let [ente, portal, service, kind] = most[0].as_slice() else {
        panic!("four columns: {most:?}");
    };
    let event = format!(
        r#"{{"specversion":"1.0","type":"it.affluenza.service-use.v1","source":"https://test","id":"{id}","time":"{day}T10:00:00+02:00","data":{{"ente":"{ente}","portal":"{portal}","service":"{service}","kind":"{kind}","client":{{"user_agent":"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:120.0) Gecko/20100101 Firefox/120.0"}}}}}}"#
    );
    api.place.produce([(id, event.as_bytes())]);
    api.place.run(&["consume", "--once"]);
}

/// Files of 2017 that the service publishes.
fn published(api: &Served<'_>) -> Files {
    let mut catalogue = api.ask("/open-data", &[]);
    eventually("there is a catalogue", || {
        catalogue = api.ask("/open-data", &[]);
        assert!(matches!(catalogue.status, 200 | 503), "{}", catalogue.body);
        catalogue.status == 200
    });
    let catalogue = catalogue.json();
    let addresses = catalogue["dcat:dataset"].as_array().expect("datasets");
    let addresses = addresses
        .iter()
        .map(|dataset| &dataset["dcat:distribution"][0]["dcat:downloadURL"]["@id"]);
    let names = addresses.filter_map(|address| address.as_str()?.rsplit_once('/'));
    names
        .filter(|(_, name)| name.ends_with("-2017.csv"))
        .map(|(_, name)| {
            let file = api.ask(&format!("/open-data/{name}"), &[]);
            assert_eq!(file.status, 200, "{name}: {}", file.body);
            (name.to_owned(), file.body)
        })
        .collect()
}

/// Files of 2017 that the command writes.
fn from_command(api: &Served<'_>, folder: &str) -> Files {
    let out = api.place.folder.join(folder);
    let arguments = ["open-data", "--year", "2017", "--out"];
    let output = api
        .place
        .command(&[&arguments[..], &[out.to_str().expect("a plain path")]].concat())
        .envs(PUBLISHER)
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{}", stderr(&output));
    let files = std::fs::read_dir(out).expect("the folder is there");
    files
        .map(|file| file.expect("a file").path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "csv"))
        .map(|path| {
            let name = path.file_name().and_then(|name| name.to_str());
            let name = name.expect("a plain name").to_owned();
            (name, std::fs::read_to_string(path).expect("it is text"))
        })
        .collect()
}

/// Uses of the most used service.
fn most(files: &Files) -> Option<u64> {
    let text = files.get("utilizzi-per-servizio-2017.csv");
    let text = text.unwrap_or_else(|| panic!("not among {:?}", files.keys()));
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows = reader.deserialize::<BTreeMap<String, String>>();
    rows.filter_map(|row| row.expect("a row")["service_uses"].parse().ok())
        .max()
}

fn next_page(answer: &Value) -> Option<String> {
    let next = answer["links"]["next"]["href"].as_str()?;
    Some(next.trim_start_matches("/v1/").to_owned())
}

fn warns(answer: &Value) -> bool {
    let warnings = answer["meta"]["warnings"].as_array();
    let warnings = warnings.unwrap_or_else(|| panic!("there are none: {answer}"));
    warnings
        .iter()
        .any(|warning| warning["code"] == "changed-since-first-page")
}

fn a_changed_seal_is_not_published(api: &Served<'_>) {
    let statement = "ALTER TABLE sealed_years
        UPDATE content = replaceOne(content, '\"service_uses\":', '\"service_uses\":1')
        WHERE number = 2 SETTINGS mutations_sync = 2";
    api.place
        .wait(api.place.store().admin().run_statement(statement))
        .expect("a table can be changed");
    let out = api.place.folder.join("changed");
    let mut command = api.place.command(&["open-data", "--year", "2017"]);
    let output = command
        .arg("--out")
        .arg(&out)
        .envs(PUBLISHER)
        .output()
        .expect("the program runs");
    assert!(
        !output.status.success() && stderr(&output).contains("its content was changed"),
        "{}",
        stderr(&output)
    );
}
