//! Recognises lines whose fields stand in places where another form has other fields. The lines are
//! written for these tests, in forms that servers and collectors document.

use affluenza_importer::{Input, LogReading, Summary};

use crate::{Kept, import_as, reading, target};

/// Request of a line in the common format, and what follows it.
const REQUEST: &str = r#"[14/May/2026:10:05:03 +0200] "GET /servizi/tari HTTP/1.1" 200 5123"#;
const AGENTS: &str =
    r#""-" "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0""#;

fn read_as(reading: &LogReading, log: &str) -> (Vec<Kept>, Summary) {
    let input = Input::reader("log", std::io::Cursor::new(log.to_owned()));
    import_as(reading, target(), vec![input]).unwrap()
}

/// Address of the client, or what the layout says of a line that is not understood.
fn client(line: &str) -> String {
    let (events, summary) = read_as(&reading(), line);
    match events.first() {
        Some(kept) => {
            let ip = kept.event().client.ip;
            ip.map_or("no address".to_owned(), |ip| ip.to_string())
        }
        None => summary.layouts[0].description.clone(),
    }
}

#[test]
fn a_prefix_ends_before_the_client() {
    let haproxy = r#"[14/May/2026:10:05:03.916] web~ be/srv 0/0/0/1/2 200 194 - - ---- 1/1/0/0/0 0/0 "GET /a HTTP/1.1""#;
    for prefix in [
        "<30>May 14 10:05:03 haproxy[22021]: ",
        "May 14 10:05:03 haproxy[22021]: ",
        "May 14 10:05:03 web1 haproxy[22021]: ",
        "May 14 10:05:03 192.0.2.5 haproxy: ",
        "2026-05-14T10:05:03+02:00 haproxy[1]: ",
        "<190>2026-05-14T10:05:03+02:00 web1 haproxy: ",
        "2026-05-14 10:05:03 haproxy[1]: ",
        "<134>",
    ] {
        for (address, network) in [
            ("203.0.113.7:51000", "203.0.113.0"),
            ("2001:db8:85a3::7:51000", "2001:db8:85a3::"),
        ] {
            let line = format!("{prefix}{address} {haproxy}");
            assert_eq!(client(&line), network, "{line}");
            let line = format!("{prefix}{address} - - {REQUEST} {AGENTS}");
            assert_eq!(client(&line), network, "{line}");
        }
    }
    for address in ["203.0.113.7", "203.0.113.7:51000"] {
        let line = format!("2026-05-14T08:05:03.1Z www.example.it {address} - - {REQUEST}");
        assert_eq!(client(&line), "203.0.113.0", "{line}");
        // A host name without a tag cannot be told from other texts.
        let line = format!("May 14 10:05:03 web1 {address} - - {REQUEST}");
        assert!(client(&line).starts_with("no known form"), "{line}");
    }
    let line = format!("2026-05-14T08:05:03.1Z www.example.it 2001:db8:85a3::7 - - {REQUEST}");
    assert_eq!(client(&line), "2001:db8:85a3::");
}

#[test]
fn a_client_is_an_address_or_a_host_name() {
    let envoy = r#"2026-05-14T10:05:03.310000000+02:00 stdout F [2026-05-14T08:05:03.310Z] "GET /a HTTP/2" 200 - 0 226 "192.0.2.28""#;
    for line in [
        format!("10.0.0.1 (203.0.113.7) - - {REQUEST}"),
        format!("www.example.it (203.0.113.7) - - {REQUEST}"),
        format!("www.example.it:#:203.0.113.7 - - {REQUEST}"),
        format!("MESSAGE=203.0.113.7 - - {REQUEST}"),
        format!("www.example.it 0.003 - - {REQUEST}"),
        format!("51000 - - {REQUEST}"),
        envoy.to_owned(),
    ] {
        assert!(client(&line).starts_with("no known form"), "{line}");
    }
    for name in ["pc1.rete.example", "pc_1", "localhost:51000"] {
        assert_eq!(client(&format!("{name} - - {REQUEST}")), "no address");
    }
}
