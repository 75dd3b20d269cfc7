//! The web pages in a real browser. They show the figures of the API, and they work with a
//! keyboard, a screen reader, a phone and other languages.

use std::io::Cursor;
use std::process::Command;

use affluenza_words::Language;
use calamine::{Data, DataType as _, Reader as _, Xlsx};
use serde_json::Value;

use crate::browser::Browser;
use crate::support::{Engines, Place, Running, source};

pub const DESKTOP: (u32, u32) = (1280, 900);
pub const PHONE: (u32, u32) = (390, 844);
pub const SHOWN: &str = "document.querySelector('main[data-shown]:not([aria-busy])')";

pub fn pages_show_what_the_api_says(engines: &Engines) {
    let place = engines.place("dashboard");
    place.run(&["migrate"]);
    for year in ["2016", "2017"] {
        place.run(&[
            "simulate", "--focus", year, "--scale", "0.03", "--seed", "7",
        ]);
    }
    place.run(&["consume", "--once"]);
    place.run(&["register", "apply"]);
    for year in ["2016", "2017"] {
        place.run(&["close-year", year]);
    }
    let key = place.run(&["keys", "create", "the test"]).trim().to_owned();
    let (_server, base) = serve(&place);
    let axe = axe(&place);
    let mut browser = Browser::start(&place.folder);

    for (size, language) in [(DESKTOP, "it"), (PHONE, "en")] {
        browser.open(size, language);
        everybody_sees_protected_figures(&mut browser, (&base, language));
        for &path in affluenza_api::dashboard::PAGES {
            look(&mut browser, (&base, path), &axe);
        }
        use_key(&mut browser, &key);
        for &path in affluenza_api::dashboard::PAGES {
            go(&mut browser, path);
            check(&mut browser, path, &axe);
        }
        figures_equal(&mut browser, &base, &key);
        nothing_is_kept_or_asked_elsewhere(&mut browser, &base);
        a_session_lasts_until_the_reader_signs_out(&mut browser, &base);
    }
    a_keyboard_is_enough(&mut browser, &base);
    an_ente_is_found_by_its_name(&mut browser, &base);
    an_ente_has_its_page(&mut browser, &base);
    an_address_chooses_its_period(&mut browser, &base);
    a_wrong_address_has_its_page(&mut browser, &base);
    a_table_is_a_workbook(&mut browser, &base);
    percentages_are_those_of_the_report(&mut browser);
    a_display_stays_current(&mut browser, &base, &place, &key);
    a_display_learns_of_closed_years(&mut browser, &base, &place);
    figures_stand_in_other_sites(&mut browser, &base, &place);
    a_wrong_key_is_refused(&mut browser, &base);
}

/// Starts the program's server and returns its address.
pub fn serve(place: &Place<'_>) -> (Running, String) {
    let server = place.spawn(&["serve", "--listen", "127.0.0.1:0"], "serve.log");
    let log = place.folder.join("serve.log");
    let mut base = String::new();
    crate::support::eventually("the server says where it listens", || {
        let text = std::fs::read_to_string(&log).expect("there is a log");
        let found = text.split("listening on ").nth(1);
        base = found
            .and_then(|rest| rest.split(';').next())
            .unwrap_or("")
            .to_owned();
        !base.is_empty()
    });
    (server, base)
}

/// Installs axe in the version of its lock file and returns the script.
pub fn axe(place: &Place<'_>) -> String {
    let folder = place.folder.join("axe");
    std::fs::create_dir(&folder).expect("a folder can be made");
    for name in ["package.json", "package-lock.json"] {
        let from = source("tests/it/axe").join(name);
        std::fs::copy(from, folder.join(name)).expect("it can be copied");
    }
    let output = Command::new("npm")
        .args([
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
        ])
        .current_dir(&folder)
        .output()
        .expect("npm is missing: apt-get install npm");
    assert!(
        output.status.success(),
        "{}",
        crate::support::stderr(&output)
    );
    let file = folder.join("node_modules/axe-core/axe.min.js");
    std::fs::read_to_string(file).expect("it is in the package")
}

fn look(browser: &mut Browser, (base, path): (&str, &str), axe: &str) {
    browser.visit(&format!("{base}{path}"), SHOWN);
    check(browser, path, axe);
}

/// Follows a link within the page, so that its memory is kept.
fn go(browser: &mut Browser, path: &str) {
    browser.run(&format!(
        "(() => {{ const a = document.querySelector(`nav a[href^='{path}?'], nav a[href='{path}']`); delete document.querySelector('main').dataset.shown; a.click(); }})()"
    ));
    browser.wait(SHOWN);
}

/// Checks for accessibility violations, cut-off content and a missing heading.
pub fn check(browser: &mut Browser, path: &str, axe: &str) {
    if browser.run("typeof axe") == "undefined" {
        browser.run(&format!("{axe}; undefined"));
    }
    for scheme in ["light", "dark"] {
        browser.media("", scheme);
        let violations = browser.run(
            "axe.run().then(({violations}) => violations.map(({id, nodes}) => `${id}: ${nodes.map(n => n.html).slice(0, 2)}`))",
        );
        assert_eq!(violations, Value::Array(vec![]), "{path}, {scheme}");
    }
    browser.media("", "light");
    assert_eq!(
        browser.run("document.documentElement.scrollWidth <= innerWidth"),
        true,
        "{path} is cut off"
    );
    assert_eq!(
        browser.run("document.querySelectorAll('h1').length"),
        1,
        "{path}"
    );
    assert_eq!(
        browser.run(
            "[...document.querySelectorAll('figure')].every(f => f.querySelector('table tbody tr'))"
        ),
        true,
        "every chart of {path} has its table"
    );
}

fn everybody_sees_protected_figures(browser: &mut Browser, (base, language): (&str, &str)) {
    browser.visit(&format!("{base}/enti?year=2017"), SHOWN);
    assert_eq!(browser.run("document.documentElement.lang"), language);
    let shown = browser.run("[...document.querySelectorAll('tbody tr')].map(r => [...r.querySelectorAll('.number[data-value]')].map(c => Number(c.dataset.value)))");
    for row in shown.as_array().expect("rows") {
        for figure in row.as_array().expect("figures") {
            let figure = figure.as_u64().expect("a count");
            assert!(figure == 0 || figure > 2, "{figure} is small");
        }
    }
    assert!(
        browser
            .run("document.querySelectorAll('.secret').length")
            .as_u64()
            > Some(0),
        "{}",
        browser.run("document.querySelector('main').innerText")
    );
    let in_order = browser.run(
        "fetch('/v1/enti?period=2017').then(r => r.json()).then(a => a.data.map(r => r.ente)).then(codes => codes.length > 5 && codes.every((code, at) => at === 0 || codes[at - 1] < code))",
    );
    assert_eq!(
        in_order, true,
        "the order of rows says nothing of hidden figures"
    );
    let other = if language == "it" { "en" } else { "it" };
    browser.visit(&format!("{base}/enti?year=2017&lang={other}"), SHOWN);
    assert_eq!(browser.run("document.documentElement.lang"), other);
}

pub fn use_key(browser: &mut Browser, key: &str) {
    browser.run("document.getElementById('key').click()");
    browser.run("delete document.querySelector('main').dataset.shown");
    browser.type_text(key);
    browser.press("Enter");
    browser.wait(SHOWN);
    browser.wait("!document.getElementById('key-dialog').open");
}

/// The key itself is nowhere: a cookie that scripts cannot read stands for it.
fn a_session_lasts_until_the_reader_signs_out(browser: &mut Browser, base: &str) {
    let services = format!("{base}/services?year=2017");
    browser.visit(&services, SHOWN);
    let offered = "document.querySelectorAll('main table').length === 2";
    assert_eq!(browser.run(offered), true, "the session outlives a visit");
    let copied = browser.cookie("affluenza-session");
    // Another application of the host has set a cookie of the same name, which comes first.
    let foreign =
        serde_json::json!({ "name": "affluenza-session", "value": "zzz", "path": "/pages" });
    browser.set_cookie(base, &foreign);
    let status = "fetch('/pages/answers?ask=live').then(r => r.json()).then(a => a[0]?.status)";
    assert_eq!(
        browser.run(status),
        200,
        "every cookie of the name is tried"
    );
    browser.run("document.getElementById('key').click()");
    browser.run("delete document.querySelector('main').dataset.shown; document.querySelectorAll('#key-dialog button')[1].click()");
    browser.wait(SHOWN);
    assert_eq!(browser.run(offered), false, "the reader has signed out");
    browser.set_cookie(base, &copied);
    let said = browser.run(
        "fetch('/pages/answers?ask=years').then(async r => [r.status, (await r.json()).detail])",
    );
    let expected = serde_json::json!([401, "the session has ended: sign in again with the key"]);
    assert_eq!(said, expected, "a copy has ended, too");
    assert_eq!(browser.run(status), 401, "a foreign cookie is no session");
}

/// Signs in as a reader does, without using the page.
fn sign_in(browser: &mut Browser, key: &str) {
    let status = browser.run(&format!(
        "fetch('/pages/session', {{ method: 'POST', headers: {{ 'X-API-Key': '{key}' }} }}).then(r => r.status)"
    ));
    assert_eq!(status, 204);
}

/// A page that is left alone shows new figures. The pauses between its looks are shortened.
fn a_display_stays_current(browser: &mut Browser, base: &str, place: &Place<'_>, key: &str) {
    browser.open(DESKTOP, "it");
    browser.run_first(
        "{ const real = setInterval; window.setInterval = (look, pause) => real(look, pause / 500); }",
    );
    browser.visit(&format!("{base}/categories?year=2017"), SHOWN);
    sign_in(browser, key);
    for address in ["/?year=2017&month=3", "/?year=2017"] {
        browser.visit(&format!("{base}{address}"), SHOWN);
        let findings = browser.run("document.querySelectorAll('.findings li').length");
        assert!(findings.as_u64() > Some(0), "{address}: {findings}");
    }
    let total = "Number(document.querySelector('.great').dataset.value)";
    let before = browser.run(total).as_u64().expect("a count");
    let event = br#"{"specversion":"1.0","type":"it.affluenza.service-use.v1","source":"https://test","id":"display","time":"2017-05-04T10:00:00+02:00","data":{"ente":"c_d612","portal":"servizi-online","service":"visure-anagrafiche","kind":"plain","client":{"user_agent":"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:120.0) Gecko/20100101 Firefox/120.0"}}}"#;
    place.produce([("display", &event[..])]);
    place.run(&["consume", "--once"]);
    browser.wait(&format!("{total} === {}", before + 1));
    browser.run("fetch('/pages/session', { method: 'DELETE' }).then(r => r.status)");
}

/// A page without a key, left alone, shows a year as soon as it is closed.
fn a_display_learns_of_closed_years(browser: &mut Browser, base: &str, place: &Place<'_>) {
    browser.open(DESKTOP, "it");
    browser.run_first(
        "{ const real = setInterval; window.setInterval = (look, pause) => real(look, pause / 100); }",
    );
    browser.visit(&format!("{base}/"), SHOWN);
    let shows =
        |year: &str| format!("document.querySelector('h1 small').textContent.includes('{year}')");
    assert_eq!(browser.run(&shows("2017")), true);
    let events: Vec<String> = (0..40)
        .map(|number| {
            format!(
                r#"{{"specversion":"1.0","type":"it.affluenza.service-use.v1","source":"https://test","id":"closed-{number}","time":"2018-05-04T10:00:00+02:00","data":{{"ente":"c_d612","portal":"servizi-online","service":"visure-anagrafiche","kind":"plain","client":{{"user_agent":"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:120.0) Gecko/20100101 Firefox/120.0"}}}}}}"#
            )
        })
        .collect();
    place.produce(events.iter().map(|event| ("closed", event.as_bytes())));
    place.run(&["consume", "--once"]);
    place.run(&["close-year", "2018"]);
    browser.wait(&shows("2018"));
    assert_eq!(
        browser.run("Number(document.querySelector('.great').dataset.value)"),
        40
    );
}

/// The button below a table saves what the table shows, with numbers as numbers.
fn a_table_is_a_workbook(browser: &mut Browser, base: &str) {
    browser.open(DESKTOP, "it");
    browser.visit(&format!("{base}/categories?year=2017"), SHOWN);
    let of_page = "new Promise(done => { URL.createObjectURL = (blob) => (blob.arrayBuffer().then(done), '#'); [...document.querySelectorAll('main .downloads button')].find(b => b.textContent === 'Excel').click(); })";
    let of_api =
        format!("fetch('{base}/v1/categories?period=2017&format=xlsx').then(r => r.arrayBuffer())");
    let shown =
        browser.run("Number(document.querySelector('main tfoot td[data-value]').dataset.value)");
    for (book, first) in [(of_page, "Categoria"), (&of_api, "Codice categoria")] {
        let bytes = browser.run(&format!("{book}.then(b => [...new Uint8Array(b)])"));
        let bytes: Vec<u8> = serde_json::from_value(bytes).expect("bytes");
        let mut book = Xlsx::new(Cursor::new(bytes)).expect("a workbook");
        let sheet = book
            .worksheet_range_at(0)
            .expect("a sheet")
            .expect("it is read");
        assert_eq!(sheet.get((0, 0)), Some(&Data::String(first.to_owned())));
        let numbers = sheet
            .used_cells()
            .filter_map(|(_, _, cell)| cell.get_float());
        assert!(numbers.max_by(f64::total_cmp) >= shown.as_f64().map(|all| all / 10.0));
    }
}

/// The pages write a change or a share as the findings above them do.
fn percentages_are_those_of_the_report(browser: &mut Browser) {
    let module = Value::from(include_str!("../../crates/api/assets/percent.js"));
    let changes = [
        21.4, -0.4, -0.5, -99.46, -99.5, -99.999_99, -100.0, 200.0, 325.0, 1_234.5,
    ];
    let shares = [0.0, 0.1, 27.4, 99.4, 99.6, 99.999_99, 100.0];
    for language in [Language::IT, Language::EN] {
        browser.open(DESKTOP, language.as_str());
        let shown = browser.run(&format!(
            "import('data:text/javascript,' + encodeURIComponent({module})).then(({{ Percents }}) => {{
                const percents = new Percents('{}');
                return [{changes:?}.map(one => percents.change(one)), {shares:?}.map(one => percents.share(one))];
            }})",
            language.say("language-locale", &[])
        ));
        let written = [
            changes.map(|one| language.change(Some(one))).to_vec(),
            shares.map(|one| language.share(Some(one))).to_vec(),
        ];
        assert_eq!(shown, serde_json::json!(written), "{language}");
    }
}

/// Compares every figure of the tables by category and ente with the API, in localised form.
fn figures_equal(browser: &mut Browser, base: &str, key: &str) {
    for (path, resource, name) in [
        ("/categories", "categories", "category"),
        ("/enti", "enti", "ente"),
    ] {
        go(browser, path);
        let language = browser.run("document.documentElement.lang");
        let language = language.as_str().expect("a language").to_owned();
        let expected = browser.run(&format!(
            "fetch('{base}/v1/{resource}?period=2017', {{ headers: {{ 'X-API-Key': '{key}' }} }}).then(r => r.json()).then(a => a.data.map(r => [r.{name}_name_{language} ?? r.{name}_name ?? r.{name}, r.service_uses, r.of_which_plain, r.of_which_payments, r.of_which_bookings]))",
        ));
        let shown = browser.run(
            "[...document.querySelectorAll('main table:not(details table)')].at(-1) && [...[...document.querySelectorAll('main table')].at(-1).querySelectorAll('tbody tr')].map(r => [r.querySelector('th').textContent, ...[...r.querySelectorAll('td[data-value]')].slice(0, 4).map(c => Number(c.dataset.value))])",
        );
        let sorted = |rows: &Value| {
            let mut rows: Vec<String> = rows
                .as_array()
                .expect("rows")
                .iter()
                .map(Value::to_string)
                .collect();
            rows.sort();
            rows
        };
        let shown = sorted(&shown);
        for row in sorted(&expected) {
            assert!(shown.contains(&row), "{path} lacks {row}: {shown:?}");
        }
        let separator = if language == "it" { "." } else { "," };
        let grouped = browser.run(
            "[...document.querySelectorAll('td[data-value]')].filter(c => c.dataset.value.length > 3).map(c => c.textContent)",
        );
        let grouped = grouped.as_array().expect("texts");
        assert!(
            grouped.len() > 5
                && grouped
                    .iter()
                    .all(|text| text.as_str().is_some_and(|text| text.contains(separator))),
            "{grouped:?}"
        );
    }
    go(browser, "/devices");
    let expected = browser.run(&format!(
        "fetch('{base}/v1/usage?group=device&measure=accesses&period=2017', {{ headers: {{ 'X-API-Key': '{key}' }} }}).then(r => r.json()).then(a => a.totals.accesses)"
    ));
    let shown = browser
        .run("Number([...document.querySelectorAll('tfoot td[data-value]')].at(0).dataset.value)");
    assert_eq!(shown, expected, "accesses by device");
}

fn nothing_is_kept_or_asked_elsewhere(browser: &mut Browser, base: &str) {
    let elsewhere: Vec<String> = browser
        .requests()
        .into_iter()
        .filter(|address| !address.starts_with(base) && !address.starts_with("about:"))
        .collect();
    assert!(elsewhere.is_empty(), "{elsewhere:?}");
    // The browser would log each request that is refused.
    assert_eq!(browser.complaints(), Vec::<String>::new());
    assert_eq!(
        browser.run("document.cookie + localStorage.length + sessionStorage.length"),
        "00"
    );
}

/// Goes from the address bar to another page and another ente with the keyboard alone.
fn a_keyboard_is_enough(browser: &mut Browser, base: &str) {
    browser.open(DESKTOP, "it");
    browser.visit(&format!("{base}/?year=2017"), SHOWN);
    browser.press("Tab");
    assert_eq!(
        browser.run("document.activeElement.className"),
        "skip",
        "first of all, a way to the content"
    );
    let mut passed = Vec::new();
    for _ in 0..60 {
        browser.press("Tab");
        let at = browser.run("(() => { const e = document.activeElement, s = getComputedStyle(e); return [e.id || e.getAttribute('href') || e.tagName, s.outlineStyle !== 'none' && e.getBoundingClientRect().width > 0]; })()");
        if at[0] == "BODY" {
            break;
        }
        assert_eq!(at[1], true, "one sees where one is: {at}");
        passed.push(at[0].as_str().expect("a name").to_owned());
    }
    for expected in ["key", "lang-en", "pick-year", "pick-ente"] {
        assert!(
            passed.iter().any(|name| name == expected),
            "{expected} is not among {passed:?}"
        );
    }
    browser.run("document.querySelector(`nav a[href^='/enti']`).focus(); delete document.querySelector('main').dataset.shown");
    browser.press("Enter");
    browser.wait(SHOWN);
    assert_eq!(
        browser.run("[location.pathname, document.activeElement.tagName].join(' ')"),
        "/enti H1"
    );
}

/// The page has no list of all enti. The server finds them.
fn an_ente_is_found_by_its_name(browser: &mut Browser, base: &str) {
    browser.open(DESKTOP, "it");
    browser.visit(&format!("{base}/enti?year=2017"), SHOWN);
    assert_eq!(
        browser.run("document.querySelectorAll('#enti option').length < 10"),
        true
    );
    browser.run("document.getElementById('pick-ente').focus()");
    browser.type_text("BORGO s");
    browser.wait("document.querySelector('#enti option[value=\"Borgo San Lorenzo (c_b036)\"]')");
    browser.run("delete document.querySelector('main').dataset.shown");
    browser.press("Enter");
    browser.wait(SHOWN);
    assert_eq!(
        browser.run("[location.search, document.querySelector('h1 small').textContent].join(' ')"),
        "?year=2017&ente=c_b036 2017 · Borgo San Lorenzo"
    );
}

/// The page has its figures before any script runs, and an address for links from other sites.
fn an_ente_has_its_page(browser: &mut Browser, base: &str) {
    browser.open(DESKTOP, "it");
    browser.visit(&format!("{base}/enti/c_d612?year=2017"), SHOWN);
    assert_eq!(
        browser.run("document.querySelector('h1').firstChild.textContent"),
        "Firenze"
    );
    let shown = browser.run("document.querySelector('.great').textContent");
    let before_scripts = browser.run(
        "fetch(location).then(r => r.text()).then(t => new DOMParser().parseFromString(t, 'text/html')).then(d => [d.querySelector('.great').textContent, d.querySelector('link[rel=canonical]').href, d.querySelector('meta[property=\"og:title\"]').content])",
    );
    let expected = serde_json::json!([
        shown,
        format!("{base}/enti/c_d612?year=2017&lang=it"),
        "Firenze · 2017"
    ]);
    assert_eq!(before_scripts, expected);
    let found = browser.run("document.querySelectorAll('.findings li').length");
    assert!(found.as_u64() > Some(0), "{found}");
    a_link_has_a_picture(browser);
}

/// The head, and the first figures, are of the period and the language of the address. A period without
/// public figures is named once, with a link to the newest that has some.
fn an_address_chooses_its_period(browser: &mut Browser, base: &str) {
    browser.open(DESKTOP, "it");
    browser.visit(&format!("{base}/"), SHOWN);
    // The page has the year in place of the period.
    browser.run("setTimeout(() => { location.href = '/?period=2016&lang=en'; }); true");
    browser.wait(&format!(
        "location.search === '?lang=en&year=2016' && {SHOWN}"
    ));
    let head = |browser: &mut Browser, address: &str| {
        browser.run(&format!(
            "fetch('{address}').then(r => r.text()).then(t => new DOMParser().parseFromString(t, 'text/html')).then(d => [d.title, d.querySelector('meta[name=description]').content, ...['title', 'url', 'image', 'locale'].map(name => d.querySelector(`meta[property=\"og:${{name}}\"]`).content)].join('\\n'))"
        ))
    };
    for (address, [title, year, parameters]) in [
        (
            "/?period=2016&lang=en",
            ["Overview", "2016", "year=2016&lang=en"],
        ),
        (
            "/?year=2016&lang=it",
            ["Panoramica", "2016", "year=2016&lang=it"],
        ),
        ("/?period=2011&lang=en", ["Overview", "2017", "lang=en"]),
        ("/?period=nothing&lang=en", ["Overview", "2017", "lang=en"]),
        (
            "/enti/c_d612?period=2016&lang=en",
            ["Firenze", "2016", "year=2016&lang=en"],
        ),
        (
            "/categories?period=2016&ente=c_d612&lang=en",
            [
                "Service categories",
                "2016",
                "year=2016&ente=c_d612&lang=en",
            ],
        ),
    ] {
        let head = head(browser, address);
        let lines = Vec::from_iter(head.as_str().expect("text").lines());
        let language = &parameters[parameters.len() - 2..];
        let (path, _) = address.split_once('?').expect("parameters");
        assert_eq!(
            lines[0],
            format!("{title} · {year} · Affluenza"),
            "{address}"
        );
        if path != "/categories" {
            assert!(lines[1].ends_with(year), "{address}: {}", lines[1]);
        }
        assert_eq!(lines[2], format!("{title} · {year}"), "{address}");
        assert_eq!(lines[3], format!("{base}{path}?{parameters}"), "{address}");
        let picture = format!("picture.png?period={year}&lang={language}");
        assert!(lines[4].ends_with(&picture), "{address}: {}", lines[4]);
        assert!(lines[5].starts_with(language), "{address}: {}", lines[5]);
    }
    let title = browser.run("document.title");
    assert_eq!(title, "Overview · 2016 · Affluenza");
    browser.visit(&format!("{base}/?year=2011"), SHOWN);
    let said = browser.run("document.querySelector('main .message').textContent");
    let said = said.as_str().expect("text");
    assert!(
        said.starts_with("2011: non ci sono dati pubblici."),
        "{said}"
    );
    assert_eq!(
        browser.run("document.querySelectorAll('.secret').length"),
        0
    );
    browser.run("delete document.querySelector('main').dataset.shown; document.querySelector('main .message a').click()");
    browser.wait(SHOWN);
    assert_eq!(browser.run("location.search"), "?year=2017");
}

/// An address without a page is a page in the reader's language, except below `/v1/`.
fn a_wrong_address_has_its_page(browser: &mut Browser, base: &str) {
    for path in [
        "/nothing",
        "/enti/nobody",
        "/enti/c_d612/x",
        "/a/b/c",
        "/enti/%FF",
    ] {
        for (language, title) in [("it", "Pagina non trovata"), ("en", "Page not found")] {
            browser.open(DESKTOP, language);
            let shown = "document.querySelector('main [data-missing] a[href^=\"/enti?\"]')";
            browser.visit(&format!("{base}{path}"), shown);
            let found = browser.run("document.querySelector('h1').textContent");
            assert_eq!(found, title, "{path}");
        }
        let asked = format!(
            "fetch('{path}', {{ headers: {{ Accept: 'text/html', 'If-None-Match': '*' }} }}).then(async r => [r.status, (await r.text()).includes('data-missing')])"
        );
        assert_eq!(
            browser.run(&asked),
            serde_json::json!([404, true]),
            "{path}"
        );
    }
    let kind = "fetch('/v1/nothing/x', { headers: { Accept: 'text/html' } }).then(r => [r.status, r.headers.get('Content-Type')])";
    let expected = serde_json::json!([404, "application/problem+json"]);
    assert_eq!(browser.run(kind), expected);
}

/// The picture for previews of a link has the size and the text that the page says.
fn a_link_has_a_picture(browser: &mut Browser) {
    let said =
        "const of = (name) => document.querySelector(`meta[property=\"og:image${name}\"]`).content";
    let picture = browser.run(&format!(
        "{{ {said}; fetch(of('')).then(r => r.blob()).then(async b => [b.type, (await createImageBitmap(b)).width, (await createImageBitmap(b)).height, of(':type'), Number(of(':width')), Number(of(':height')), of(':alt')]) }}"
    ));
    let alt = picture[6].as_str().expect("a text");
    assert!(alt.starts_with("Firenze: "), "{alt}");
    let expected = serde_json::json!(["image/png", 1200, 630, "image/png", 1200, 630, alt]);
    assert_eq!(picture, expected);
}

/// A page of another origin, whose policy allows no styles in markup, shows the same figures.
fn figures_stand_in_other_sites(browser: &mut Browser, base: &str, place: &Place<'_>) {
    let page = place.folder.join("other-site.html");
    let policy =
        format!("default-src 'none'; script-src {base}; connect-src {base}; img-src {base}");
    let html = format!(
        "<!doctype html><html lang=\"it\"><meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\"><title>Comune</title>\
         <script src=\"{base}/figure.js\" defer></script>\
         <affluenza-figure resource=\"enti\" period=\"2017\"></affluenza-figure>\
         <affluenza-figure resource=\"enti\" period=\"2011\"></affluenza-figure>\
         <img src=\"{base}/embed/c_d612/badge.svg?period=2017\" alt=\"Firenze\">"
    );
    std::fs::write(&page, html).expect("it can be written");
    let shown = "[...document.querySelectorAll('affluenza-figure')].every(f => !f.shadowRoot.textContent.includes('Caricamento'))";
    browser.open(PHONE, "it");
    browser.visit(&format!("file://{}", page.display()), shown);
    let text = |at: usize| {
        format!("document.querySelectorAll('affluenza-figure')[{at}].shadowRoot.textContent")
    };
    let rows = browser.run("[...document.querySelector('affluenza-figure').shadowRoot.querySelectorAll('tbody tr')].map(r => [r.cells[0].textContent, r.cells[1].textContent])");
    let rows = rows.as_array().expect("rows");
    assert!(rows.iter().any(|row| row[0] == "Firenze"), "{rows:?}");
    let failed = browser.run(&text(1));
    assert!(
        failed
            .as_str()
            .is_some_and(|text| text.contains("non sono disponibili")),
        "{failed}"
    );
    assert_eq!(browser.run("document.images[0].naturalWidth"), 320);
}

fn a_wrong_key_is_refused(browser: &mut Browser, base: &str) {
    browser.open(DESKTOP, "it");
    browser.visit(&format!("{base}/enti"), SHOWN);
    browser.run("document.getElementById('key').click()");
    browser.type_text("no-such-key");
    browser.press("Enter");
    let refused = "document.querySelector('#key-dialog [role=alert]').textContent";
    browser.wait(refused);
    let text = browser.run(refused);
    assert!(
        text.as_str().is_some_and(|text| text.contains("chiave")),
        "{text}"
    );
}
