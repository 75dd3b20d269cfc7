//! A page in a real browser reports its visits.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

use super::client::Collector;
use crate::browser::Browser;
use crate::support::{Engines, eventually};

/// A page that reports a payment before the script is there, loads the script twice, and changes its
/// path without a reload.
const PAGE: &str = r#"<!doctype html><html data-affluenza-service="visure-anagrafiche"><title>t</title>
<script>
window.affluenza = window.affluenza || { q: [], use: function () { this.q.push(arguments) } };
affluenza.use("tari", "payment");
function move() { history.pushState({}, "", "/tributi/mario.rossi?cf=RSSMRA85T10A562S") }
</script>
<script async src="http://COLLECTOR/v1/visite.js" data-page="sito" crossorigin="anonymous" OPTION></script>
<script defer src="http://COLLECTOR/v1/visite.js" data-page="sito" onload="setTimeout(move, 50)" OPTION></script>"#;
/// A page whose service is in a parameter.
const QUERY_PAGE: &str = r#"<!doctype html><title>t</title>
<script type="module" src="http://COLLECTOR/v1/visite.js" data-page="sito" data-query="id"></script>"#;

pub fn a_browser_counts_its_visits(engines: &Engines) {
    let place = engines.place("collect_page");
    place.run(&["migrate"]);
    let server = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let origin = format!("http://{}", server.local_addr().expect("it is bound"));
    let page = format!(
        "{{ sito = {{ ente = \"c_d612\", portal = \"servizi-online\", origins = [\"{origin}\"], services = {{ \"/tributi\" = \"tari\", \"/index.php?*id=17\" = \"nidi\" }} }}, other = {{ ente = \"c_d612\", portal = \"servizi-online\", origins = [\"https://elsewhere.example\"] }} }}"
    );
    let settings = [("AFFLUENZA__COLLECT__PAGES", &*page)];
    let collector = Collector::start(&place, "collect.log", &settings);
    let text = PAGE.replace("COLLECTOR", &collector.address);
    let opted_out = text.replace("OPTION", "data-opt-out");
    let foreign = text.replace("data-page=\"sito\"", "data-page=\"other\"");
    let pages = [
        ("/", text.replace("OPTION", "")),
        ("/opted-out", opted_out),
        ("/foreign", foreign.replace("OPTION", "")),
        (
            "/index.php?cf=RSSMRA85T10A562S&id=17",
            QUERY_PAGE.replace("COLLECTOR", &collector.address),
        ),
    ];
    std::thread::spawn(move || serve(&server, &pages));
    let accepted = |count: u64| {
        let line = format!("affluenza_collect_events_accepted_total {count}\n");
        let metrics = super::ask(&collector.address, "GET /metrics", &[], b"").body;
        String::from_utf8_lossy(&metrics).contains(&line)
    };
    let mut browser = Browser::start(&place.folder);
    browse(&mut browser, &origin, "/");
    eventually("the page's visits are accepted", || accepted(3));
    // Neither is counted as a visit; the second counts as refused.
    browse(&mut browser, &origin, "/opted-out");
    browse(&mut browser, &origin, "/foreign");
    eventually("the foreign origin is counted", || {
        let metrics = super::ask(&collector.address, "GET /metrics", &[], b"").body;
        String::from_utf8_lossy(&metrics)
            .contains("affluenza_collect_events_refused_total{reason=\"foreign-origin\"} 3\n")
    });
    assert!(accepted(3), "an opt-out is honoured");
    browser.open((800, 600), "it");
    browser.visit(
        &format!("{origin}/index.php?cf=RSSMRA85T10A562S&id=17"),
        "true",
    );
    eventually("a module counts its page", || accepted(4));
    drop(browser);
    let referrer = format!("{origin}/");
    let picture = "GET /v1/visite.gif?site=sito&path=/tributi/tari";
    let shown = super::ask(&collector.address, picture, &[("referer", &referrer)], b"");
    assert!(shown.body.starts_with(b"GIF89a"), "{}", shown.status);
    assert!(accepted(5), "the picture counts");
    collector.running.terminate();
    place.run(&["consume", "--once"]);
    let one = |what: &str| place.count(&format!("SELECT count() FROM usage_events WHERE {what}"));
    assert_eq!(one("1"), 5);
    assert_eq!(one("activity = 'access' AND service = 'nidi'"), 1);
    assert_eq!(one("activity = 'access' AND service = 'tari'"), 1);
    assert_eq!(
        one("activity = 'access' AND service = 'visure-anagrafiche'"),
        2
    );
    assert_eq!(
        one("activity = 'service-use' AND kind = 'payment' AND service = 'tari'"),
        1
    );
    assert_eq!(
        one("channel = 'web' AND portal = 'servizi-online' AND visitor != 0"),
        5
    );
    assert_eq!(
        place.count("SELECT uniqExact(visitor) FROM usage_events WHERE device != 'no-agent'"),
        1
    );
}

/// Opens a new page and waits until its scripts have run.
fn browse(browser: &mut Browser, origin: &str, path: &str) {
    browser.open((800, 600), "it");
    // Not `visit`, which waits for the address: the page changes its address at once.
    browser.run(&format!("location.href = '{origin}{path}'; 0"));
    browser.wait("location.pathname.startsWith('/tributi') && performance.now() > 500");
}

/// Serves pages until the test process ends.
fn serve(server: &TcpListener, pages: &[(&str, String)]) {
    for stream in server.incoming().flatten() {
        // Browsers open connections that they never use.
        let pages = pages
            .iter()
            .map(|(path, text)| ((*path).to_owned(), text.clone()));
        let pages: Vec<(String, String)> = pages.collect();
        std::thread::spawn(move || answer(stream, &pages));
    }
}

fn answer(stream: TcpStream, pages: &[(String, String)]) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    if reader.read_line(&mut line).is_err() {
        return;
    }
    let path = line.split(' ').nth(1).unwrap_or_default();
    let text = pages.iter().find(|(known, _)| known == path);
    let (status, text) = text.map_or(("404 Not Found", ""), |(_, text)| ("200 OK", text));
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
        text.len()
    );
    // A client that has disconnected needs no response.
    let _ = reader.get_mut().write_all(answer.as_bytes());
}
