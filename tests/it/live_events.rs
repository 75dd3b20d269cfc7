//! The page of live events in a real browser: what became of each event, for readers of its ente.

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::dashboard::{DESKTOP, PHONE, SHOWN, axe, check, serve, use_key};
use crate::emitting::{event, report};
use crate::support::{Engines, Place};

/// Result, reason and id of each row, the newest first.
const ROWS: &str = "[...document.querySelectorAll('main tbody tr')].map(r => [r.querySelector('.badge').textContent, r.querySelector('.badge + .under:not(.detail)')?.textContent ?? '', r.querySelector('.breakable .under')?.textContent ?? ''])";

pub fn a_page_shows_what_became_of_each(engines: &Engines) {
    let place = engines.place("live_events");
    place.run(&["migrate"]);
    let _consumer = place.spawn(&["consume"], "consume.log");
    let key = |arguments: &[&str]| {
        let created = place.run(&[&["keys", "create"], arguments].concat());
        created.trim().to_owned()
    };
    let (all, of_another) = (key(&["all"]), key(&["another", "--ente", "c_b036"]));
    let (_server, base) = serve(&place);
    let axe = axe(&place);
    let page = format!("{base}/events");
    let mut browser = Browser::start(&place.folder);

    browser.open(DESKTOP, "it");
    browser.visit(&page, SHOWN);
    let asked = browser.run("document.querySelector('main .message').textContent");
    assert!(asked.as_str().is_some_and(|text| text.contains("chiave")));
    use_key(&mut browser, &all);
    let empty = browser.run("document.querySelector('main .message').textContent");
    assert!(
        empty
            .as_str()
            .is_some_and(|text| text.starts_with("Nessun evento finora"))
    );
    check(&mut browser, "/events without events", &axe);

    new_events_appear(&mut browser, &place);
    check(&mut browser, "/events", &axe);
    a_source_is_chosen_and_the_page_pauses(&mut browser, &place);

    // A reader of another ente sees none of them.
    browser.run("fetch('/pages/session', { method: 'DELETE' })");
    browser.open(PHONE, "en");
    browser.visit(&page, SHOWN);
    use_key(&mut browser, &of_another);
    assert_eq!(browser.run(ROWS), json!([]));
    browser.run("fetch('/pages/session', { method: 'DELETE' })");
    let refused = browser.run("fetch('/pages/events').then(r => r.status)");
    assert_eq!(refused, 401);
    browser.visit(&page, SHOWN);
    use_key(&mut browser, &all);
    assert_eq!(browser.run(ROWS).as_array().map(Vec::len), Some(6));
    check(&mut browser, "/events on a phone", &axe);
}

fn new_events_appear(browser: &mut Browser, place: &Place<'_>) {
    let records = [
        event(1),
        event(1),
        event(2).replace("servizi-online", "servizi_online"),
        event(3).replace("\"id\":\"3\"", "\"id\":\"mario@example.it\""),
        report("r", 3, "[]"),
    ];
    place.produce(records.iter().map(|record| ("key", record.as_bytes())));
    browser.wait("document.querySelectorAll('main tbody tr').length === 5");
    let mut rows: Vec<Value> = Vec::new();
    rows.extend(browser.run(ROWS).as_array().expect("rows").iter().cloned());
    rows.sort_by_key(Value::to_string);
    let mut expected = vec![
        json!(["Accettato", "", "1"]),
        json!(["Duplicato", "", "1"]),
        json!(["Accettato, con un avviso", "", "2"]),
        json!(["Rifiutato", "personal-data", "****************"]),
        json!(["Segnalazione", "", "r"]),
    ];
    expected.sort_by_key(Value::to_string);
    assert_eq!(rows, expected);
    let text = browser.run("document.querySelector('main').innerText");
    let text = text.as_str().expect("text");
    assert!(text.contains("did you mean \"servizi-online\"?"), "{text}");
    assert!(!text.contains("mario"), "{text}");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

fn a_source_is_chosen_and_the_page_pauses(browser: &mut Browser, place: &Place<'_>) {
    browser.run("document.getElementById('events-source').focus()");
    browser.type_text("https://other");
    browser.wait("document.querySelectorAll('main tbody tr').length === 0");
    browser.run("document.getElementById('events-source').select()");
    browser.type_text("https://servizi");
    browser.wait("document.querySelectorAll('main tbody tr').length === 5");
    // A page that pauses asks nothing.
    browser.run("(() => { const button = [...document.querySelectorAll('main button')].at(-1); button.focus(); })()");
    browser.press("Enter");
    browser.run("globalThis.asked = 0; globalThis.ask = fetch; globalThis.fetch = (...all) => { asked += 1; return ask(...all); }; undefined");
    let sixth = event(6);
    place.produce([("key", sixth.as_bytes())]);
    assert_eq!(
        browser.run("document.activeElement.textContent"),
        "Riprendi"
    );
    browser.press("Enter");
    browser.wait("asked > 0 && document.querySelectorAll('main tbody tr').length === 6");
}
