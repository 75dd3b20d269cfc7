//! Recognises lines whose fields stand in places where another form has other fields. The lines are
//! written for these tests, in forms that servers and collectors document.

use affluenza_event::{Activity, Resource};
use affluenza_importer::{ClientField, Input, LogReading, Summary};

use crate::{Kept, import_as, reading, target};

/// Request of a line in the common format, and what follows it.
const REQUEST: &str = r#"[14/May/2026:10:05:03 +0200] "GET /servizi/tari HTTP/1.1" 200 5123"#;
const AGENTS: &str =
    r#""-" "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0""#;

fn read_as(reading: &LogReading, log: &str) -> (Vec<Kept>, Summary) {
    let input = Input::reader("log", std::io::Cursor::new(log.to_owned()));
    import_as(reading, target(), vec![input]).unwrap()
}

/// Address of the client, or the description of the layout for a line that is not understood.
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

/// Six lines, made from the address of one of three visitors and the number of the line.
fn log_of(line: impl Fn(&str, usize) -> String) -> String {
    let visitors = ["203.0.113.7", "198.51.100.23", "2001:db8:85a3::7"];
    let lines = (0..6).map(|nth| line(visitors[nth % 3], nth) + "\n");
    lines.collect()
}

fn clients(log: &str) -> (Vec<String>, String) {
    let (events, summary) = read_as(&reading(), log);
    let ip = |kept: &Kept| kept.event().client.ip.map(|ip| ip.to_string());
    let clients = events.iter().filter_map(ip).collect();
    (clients, summary.layouts[0].description.clone())
}

#[test]
fn of_two_fields_before_the_time_the_address_is_the_client() {
    let expected = clients(&log_of(|client, _| {
        format!("{client} - - {REQUEST} {AGENTS}")
    }))
    .0;
    assert_eq!(expected.len(), 6);
    for (beside, number) in [
        // An address, and a word of nginx or of a header.
        ("CLIENT IT - -", 1),
        ("CLIENT www.example.it - -", 1),
        ("CLIENT https - -", 1),
        ("CLIENT TLSv1.3 - -", 1),
        ("CLIENT 0.003 - -", 1),
        ("CLIENT mrossi - -", 1),
        // A host and an address without an ident.
        ("www.example.it CLIENT -", 2),
        ("www.example.it CLIENT mrossi", 2),
        ("localhost:443 CLIENT 1j0vhgd jsmith", 2),
        // Two addresses, of which one is private in all lines.
        ("CLIENT 10.0.NODE.9 - -", 1),
        ("CLIENT 10.0.NODE.9:8080 - -", 1),
        ("10.0.NODE.9 CLIENT - -", 2),
        ("10.0.NODE.9 CLIENT -", 2),
        ("192.0.2.1:443 CLIENT - -", 2),
        // An ident.
        ("CLIENT joe mario", 1),
    ] {
        let log = log_of(|client, nth| {
            let node = (nth % 2).to_string();
            let beside = beside.replace("CLIENT", client).replace("NODE", &node);
            format!("{beside} {REQUEST} {AGENTS}")
        });
        let (found, layout) = clients(&log);
        assert_eq!(found, expected, "{beside}: {layout}");
        assert!(
            layout.contains(&format!("client is field {number}")),
            "{beside}: {layout}"
        );
        let is_named = layout.contains("is a private address or has a server's port");
        let has_two = beside.contains("10.0.") || beside.starts_with("192.");
        assert_eq!(is_named, has_two, "{layout}");
    }
}

#[test]
fn a_virtual_host_may_be_an_address_with_or_without_a_port() {
    let expected = clients(&log_of(|client, _| {
        format!("{client} - - {REQUEST} {AGENTS}")
    }))
    .0;
    for host in [
        "192.0.2.10",
        "192.0.2.10:8443",
        "192.0.2.10:443",
        "10.0.0.5",
        "2001:db8::5",
        "[2001:db8::5]:8443",
    ] {
        let log = log_of(|client, _| format!("{host} {client} - - {REQUEST} {AGENTS}"));
        let (found, layout) = clients(&log);
        assert_eq!(found, expected, "{host}: {layout}");
        assert!(layout.contains("client is field 2"), "{host}: {layout}");
    }
}

#[test]
fn one_of_two_public_addresses_is_not_guessed() {
    for beside in [
        "192.0.2.NODE CLIENT - -",
        "CLIENT 192.0.2.NODE - -",
        "192.0.2.NODE CLIENT -",
    ] {
        let log = log_of(|client, nth| {
            let node = (nth % 2).to_string();
            let beside = beside.replace("CLIENT", client).replace("NODE", &node);
            format!("{beside} {REQUEST} {AGENTS}")
        });
        let (found, layout) = clients(&log);
        assert!(found.is_empty(), "{beside}");
        assert_eq!(
            layout,
            "no known form in the first 6 lines, because fields 1 and 2 may both be the client: \
             describe it with --log-format"
        );
        let format = "$remote_addr $_other - $remote_user [$time_local] \"$request\" $status \
                      $body_bytes_sent \"$http_referer\" \"$http_user_agent\"";
        let given = LogReading {
            format: Some(format.parse().unwrap()),
            ..reading()
        };
        let understood = read_as(&given, &log).0.len();
        assert_eq!(understood, if beside.ends_with("- -") { 6 } else { 0 });
    }
}

#[test]
fn a_log_of_a_few_private_clients_stops() {
    let reading = LogReading::default();
    let of = |log: &str| {
        let input = Input::reader("log", std::io::Cursor::new(log.to_owned()));
        import_as(&reading, target(), vec![input]).map_err(|error| error.to_string())
    };
    for (client, last, reason) in [
        (
            "10.0.NODE.9",
            " \"CLIENT\"",
            "6 lines have 2 clients, all of them private addresses",
        ),
        ("10.0.NODE.9", " \"CLIENT\"", "use --client forwarded"),
        (
            "unix:",
            "",
            "6 lines have one client, a private address or a socket",
        ),
        // Forwarded addresses show that the private ones are of a balancer.
        (
            "10.0.NTH.9",
            " \"CLIENT\"",
            "6 lines have 6 clients, all of them private addresses",
        ),
    ] {
        let log = log_of(|visitor, nth| {
            let node = (nth % 2).to_string();
            let client = client
                .replace("NODE", &node)
                .replace("NTH", &nth.to_string());
            format!(
                "{client} - - {REQUEST} {AGENTS}{}",
                last.replace("CLIENT", visitor)
            )
        });
        let refused = of(&log).unwrap_err();
        assert!(refused.contains(reason), "{client}: {refused}");
    }
    // A short log of a private network has a few addresses, a long one many.
    for clients in [2, 6] {
        let log = log_of(|_, nth| format!("10.0.{}.9 - - {REQUEST} {AGENTS}", nth % clients));
        assert_eq!(of(&log).unwrap().0.len(), 6);
    }
    let line = |nth: usize| format!("10.0.{}.9 - - {REQUEST} {AGENTS}\n", nth % 4);
    let refused = of(&(0..1000).map(line).collect::<String>()).unwrap_err();
    for part in [
        "lines have 4 clients, all of them private addresses",
        "add X-Forwarded-For",
    ] {
        assert!(refused.contains(part), "{refused}");
    }
}

#[test]
fn a_user_agent_in_an_unknown_field_is_not_passed_over() {
    let agent = AGENTS.split_once(' ').unwrap().1;
    for after in [
        format!("\"www.example.it\" \"https://www.example.it/\" {agent}"),
        format!("{agent} \"https://www.example.it/\""),
        format!("\"-\" \"a=b; c=d\" {agent}"),
        format!("\"-\" \"10.0.0.5:8080\" {agent}"),
        format!("12345 \"-\" {agent}"),
    ] {
        for before in ["", "www.example.it "] {
            let log = log_of(|client, _| format!("{before}{client} - - {REQUEST} {after}"));
            assert_eq!(
                clients(&log).1,
                "no known form in the first 6 lines, because the user agent stands in an unknown \
                 field: describe it with --log-format"
            );
        }
    }
}

#[test]
fn a_log_without_any_user_agent_leaves_the_device_unknown() {
    let agent = |kept: &Kept| {
        kept.event()
            .client
            .user_agent
            .map(|agent| agent.into_owned())
    };
    let of_haproxy = r#""" "" 51000 655 "fe" "be" "srv""#;
    let log = log_of(|client, _| format!("{client} - - {REQUEST} {of_haproxy}"));
    let (events, summary) = read_as(&reading(), &log);
    assert_eq!(events.iter().map(agent).collect::<Vec<_>>(), vec![None; 6]);
    let layout = &summary.layouts[0].description;
    assert!(
        layout.contains("no user agent: the device is unknown"),
        "{layout}"
    );
    // One line shows that the log has the field.
    let log = log + &format!("203.0.113.7 - - {REQUEST} {AGENTS}\n");
    let (events, _) = read_as(&reading(), &log);
    assert_eq!(agent(&events[0]).as_deref(), Some(""));
    // A hyphen is a request without a user agent, also in every line.
    let log = log_of(|client, _| format!(r#"{client} - - {REQUEST} "-" "-""#));
    let (events, _) = read_as(&reading(), &log);
    assert_eq!(agent(&events[0]).as_deref(), Some(""));
}

#[test]
fn members_of_json_have_the_names_that_people_give_them() {
    let line = |nth: u8| {
        format!(
            r#"{{"@timestamp":"2026-11-30T20:00:00Z","time":"2026-05-14T10:05:0{nth}+02:00","remote_addr":"10.0.0.1","x-forwarded-for":"203.0.113.{nth}","request":"/servizi/tari?id={nth}","status":200,"user-agent":"Mozilla/5.0"}}"#
        )
    };
    let mut reading = reading();
    reading.clients.field = ClientField::Forwarded;
    let (events, _) = read_as(&reading, &format!("{}\n{}\n", line(1), line(2)));
    let event = events[0].event();
    assert_eq!(events.len(), 2);
    assert_eq!(event.client.ip.unwrap().to_string(), "203.0.113.0");
    assert_eq!(event.client.user_agent.as_deref(), Some("Mozilla/5.0"));
    assert_eq!(event.activity, Activity::Access(Resource::Page));
    // 2026-05-14T08:05:01Z.
    assert_eq!(event.time.0, 1_778_745_901_000);
}

#[test]
fn each_of_several_long_logs_is_checked() {
    let of = |client: &dyn Fn(usize) -> String| {
        let line = |nth: usize| format!("{} - - {REQUEST} {AGENTS}\n", client(nth));
        let log: String = (0..1_000).map(line).collect();
        Input::reader("log", std::io::Cursor::new(log))
    };
    for one in ["10.0.0.1", "198.51.100.7"] {
        let many = of(&|nth| format!("203.0.{}.{}", nth / 250, nth % 250));
        let inputs = vec![many, of(&|_| one.to_owned())];
        let refused = import_as(&LogReading::default(), target(), inputs);
        let refused = refused.unwrap_err().to_string();
        assert!(
            refused.contains("1000 of the first 1000 lines"),
            "{refused}"
        );
    }
}

/// Caddy writes a request that failed in a handler twice, and repeated headers as an array.
#[test]
fn lines_of_caddy_count_once_and_their_forwarded_addresses_all_count() {
    let line = |logger: &str, end: &str| {
        let headers = r#"{"X-Forwarded-For":["203.0.113.7","198.51.100.23"]}"#;
        format!(
            r#"{{"ts":1778745903.8,"logger":"{logger}","request":{{"client_ip":"10.0.0.1","method":"GET","uri":"/a","headers":{headers}}},"status":502{end}}}"#
        )
    };
    let log = line("http.log.error", "") + "\n" + &line("http.log.access", ",\"size\":0") + "\n";
    let mut reading = reading();
    reading.clients.field = ClientField::Forwarded;
    for (trusted, network) in [
        ("10.0.0.0/8", "198.51.100.0"),
        ("198.51.100.23/32", "10.0.0.0"),
    ] {
        reading.clients.trusted = vec![trusted.parse().unwrap()];
        let (events, summary) = read_as(&reading, &log);
        assert_eq!((events.len(), summary.malformed), (1, 1));
        let ip = events[0].event().client.ip;
        let ip = ip.map_or("no address".to_owned(), |ip| ip.to_string());
        assert_eq!(ip, network);
    }
}

/// The draft of the W3C names an offset for logs in local time.
#[test]
fn times_of_columns_have_the_offset_of_the_header() {
    let line = "203.0.113.7 2026-05-14 10:05:03 GET /a 200\n";
    for (offset, time, zone) in [
        (
            "#GMT-Offset: +0200\n",
            "2026-05-14T10:05:03+02:00",
            "time zone +0200",
        ),
        (
            "#GMT-Offset: +0000\n",
            "2026-05-14T10:05:03+00:00",
            "times in UTC",
        ),
        ("", "2026-05-14T10:05:03+00:00", "times in UTC"),
    ] {
        let log = format!("{offset}#Fields: c-ip date time cs-method cs-uri sc-status\n{line}");
        let (events, summary) = read_as(&reading(), &log);
        assert!(events[0].json.contains(time), "{}", events[0].json);
        let layout = &summary.layouts[0].description;
        assert!(layout.contains(zone), "{layout}");
    }
}

#[test]
fn a_frame_that_zstd_passes_over_may_stand_first() {
    let log = format!("203.0.113.7 - - {REQUEST}\n");
    let mut packed = b"\x50\x2A\x4D\x18\x04\0\0\0size".to_vec();
    packed.extend(zstd::encode_all(log.as_bytes(), 0).unwrap());
    let input = Input::reader("log", std::io::Cursor::new(packed));
    assert_eq!(
        import_as(&reading(), target(), vec![input])
            .unwrap()
            .0
            .len(),
        1
    );
}
