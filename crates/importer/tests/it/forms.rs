//! Imports the same requests in every form of log: plain, compressed and rotated.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write as _;

use affluenza_importer::{ClientChoice, ClientField, Input, LogReading, Summary, Target};

use crate::{Kept, fixture, import_as, reading};

/// Zone in which the requests of the fixtures were made. Some forms have no offset.
fn target() -> Target {
    crate::target().in_zone("Europe/Rome").unwrap()
}

/// Reads the fixtures in the order of their names.
fn logs() -> BTreeMap<String, String> {
    let files = std::fs::read_dir(fixture("forms")).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    let logs = paths.filter(|path| path.extension().is_some_and(|end| end == "log"));
    let logs = logs.map(|path| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, std::fs::read_to_string(path).unwrap())
    });
    logs.collect()
}

/// Settings that an operator needs for a log.
fn reading_of(name: &str) -> LogReading {
    let format = std::fs::read_to_string(fixture(&format!("forms/{name}.format"))).ok();
    let field = match name {
        "forwarded-last" | "forwarded-list-last" | "virtual-host-forwarded" => {
            ClientField::Forwarded
        }
        _ => ClientField::Peer,
    };
    LogReading {
        format: format.map(|format| format.parse().unwrap()),
        clients: ClientChoice {
            field,
            ..ClientChoice::default()
        },
        ..LogReading::default()
    }
}

fn import(name: &str, parts: &[Vec<u8>]) -> (Vec<Kept>, Summary) {
    let input = |part: &Vec<u8>| Input::reader("log", std::io::Cursor::new(part.clone()));
    let inputs = parts.iter().map(input).collect();
    import_as(&reading_of(name), target(), inputs).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Parts of an event that every form has, and its visitor by order of appearance.
fn shown(events: &[Kept]) -> Vec<String> {
    let mut visitors = Vec::new();
    let shown = |kept: &Kept| {
        let event = kept.event();
        if !visitors.contains(&event.visitor) {
            visitors.push(event.visitor);
        }
        let visitor = visitors.iter().position(|other| *other == event.visitor);
        let (time, ip) = (event.time, event.client.ip);
        format!(
            "{time:?} {:?} {:?} {ip:?} {visitor:?}",
            event.activity, event.outcome
        )
    };
    events.iter().map(shown).collect()
}

fn compressed(log: &str, name: &str) -> Vec<u8> {
    match name {
        "gzip" => {
            let mut encoder =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(log.as_bytes()).unwrap();
            encoder.finish().unwrap()
        }
        "zstd" => zstd::encode_all(log.as_bytes(), 1).unwrap(),
        _ => {
            let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
            encoder.write_all(log.as_bytes()).unwrap();
            encoder.finish().unwrap()
        }
    }
}

#[test]
fn every_form_gives_the_same_events() {
    let logs = logs();
    let (combined, _) = import("combined", &[logs["combined"].clone().into_bytes()]);
    // The last request had no user agent.
    let agent = |kept: &Kept| {
        let agent = kept.event().client.user_agent;
        agent.map(|agent| agent.replace(['+', ' '], "%20"))
    };
    let agents = |events: &[Kept]| events.iter().map(agent).collect::<Vec<_>>();
    assert_eq!(agents(&combined)[5], Some(String::new()));
    let mut layouts = Vec::new();
    for (name, log) in &logs {
        let (events, summary) = import(name, &[log.clone().into_bytes()]);
        assert_eq!(shown(&events), shown(&combined), "{name}");
        assert_eq!(
            (summary.malformed, summary.pages, summary.failed),
            (0, 4, 1),
            "{name}"
        );
        let has_agents = !matches!(&**name, "common" | "virtual-host-common" | "haproxy");
        let expected = if has_agents {
            agents(&combined)
        } else {
            vec![None; 6]
        };
        assert_eq!(agents(&events), expected, "{name}");
        for personal in ["203.0.113.7", "198.51.100.23", "85a3::7", "Mario"] {
            assert!(
                events.iter().all(|kept| !kept.json.contains(personal)),
                "{name} {personal}"
            );
        }
        layouts.push(format!("{name}: {}", summary.layouts[0].description));
    }
    assert!(logs.len() >= 30);
    insta::assert_snapshot!(layouts.join("\n"));
}

#[test]
fn every_form_is_read_compressed_and_rotated() {
    for (name, log) in logs() {
        let plain = import(&name, &[log.clone().into_bytes()]).0;
        assert_eq!(plain.len(), 6, "{name}");
        for compression in ["gzip", "zstd", "bzip2"] {
            let packed = compressed(&log, compression);
            assert_eq!(plain, import(&name, &[packed]).0, "{name} {compression}");
        }
        let windows = format!("\u{FEFF}{}", log.replace('\n', "\r\n"));
        assert_eq!(
            plain,
            import(&name, &[windows.into_bytes()]).0,
            "{name} of Windows"
        );
        // Each file of a rotated log has the header of its form.
        let header: String = log
            .split_inclusive('\n')
            .filter(|line| line.starts_with('#'))
            .collect();
        let lines: Vec<_> = log
            .split_inclusive('\n')
            .filter(|line| !line.starts_with('#'))
            .collect();
        let (old, new) = lines.split_at(2);
        let parts = [old, new].map(|lines| header.clone() + &lines.concat());
        let rotated = [compressed(&parts[0], "gzip"), parts[1].clone().into_bytes()];
        assert_eq!(plain, import(&name, &rotated).0, "{name} rotated");
        // A single file of several members.
        let members = ["gzip", "zstd", "bzip2"].map(|compression| {
            [
                compressed(&parts[0], compression),
                compressed(&parts[1], compression),
            ]
            .concat()
        });
        for member in members {
            assert_eq!(plain, import(&name, &[member]).0, "{name} of two members");
        }
    }
}

#[test]
fn a_log_in_several_forms_names_each() {
    let logs = logs();
    let mixed =
        logs["combined"].clone() + &logs["caddy"] + &logs["virtual-host-name"] + "nothing\n";
    let input = Input::reader("log", std::io::Cursor::new(mixed));
    let (events, summary) = import_as(&reading(), target(), vec![input]).unwrap();
    assert_eq!((events.len(), summary.malformed), (18, 1));
    assert_eq!(
        summary.layouts[0].description,
        "combined with a virtual host in front, client is field 2, time zone +0200 and times in UTC; \
         6 of the first 19 lines: combined (Apache, nginx, Traefik); \
         6 of the first 19 lines: Caddy JSON; 1 of the first 19 lines have no known form"
    );
}

/// Traefik writes no headers unless its configuration names them.
#[test]
fn a_log_of_json_that_records_no_agents_leaves_the_device_unknown() {
    let logs = logs();
    let agents = |log: String| {
        let input = Input::reader("log", std::io::Cursor::new(log));
        let (events, _) = import_as(&reading(), target(), vec![input]).unwrap();
        let agent = |kept: &Kept| kept.event().client.user_agent.map(Cow::into_owned);
        events.iter().map(agent).collect::<Vec<_>>()
    };
    let without = |name: &str| logs[name].lines().last().unwrap().to_owned() + "\n";
    for name in ["traefik-json", "nginx-json", "elastic-json"] {
        assert_eq!(agents(without(name)), [None], "{name}");
        // The first lines show that the log records them.
        let log = without(name) + &logs[name];
        assert_eq!(agents(log)[0].as_deref(), Some(""), "{name}");
    }
    // Caddy writes all headers.
    assert_eq!(agents(without("caddy")), [Some(String::new())]);
    let null = without("nginx-json").replace("\"remote_user\": \"\"", "\"http_user_agent\": null");
    assert_eq!(agents(null), [Some(String::new())]);
}

/// Clients can send any host name and any forwarded addresses.
#[test]
fn a_wrong_value_that_no_event_needs_does_not_hide_its_line() {
    let logs = logs();
    let json = |host: &str, forwarded: &str| {
        let line = logs["nginx-json"].lines().next().unwrap();
        let members = format!("{{\"host\": {host:?}, \"http_x_forwarded_for\": {forwarded:?}, ");
        line.replacen('{', &members, 1)
    };
    let w3c = |host: &str, forwarded: &str| {
        format!(
            "#Fields: date time c-ip cs-method cs-uri-stem sc-status cs-host x-forwarded-for\n\
             2026-05-14 08:05:03 203.0.113.7 GET /a 200 \"{host}\" \"{forwarded}\""
        )
    };
    let given = |host: &str, forwarded: &str| {
        format!(
            "203.0.113.7 [14/May/2026:10:05:03 +0200] \"GET /a\" 200 \"{host}\" \"{forwarded}\""
        )
    };
    let format =
        "$remote_addr [$time_local] \"$request\" $status \"$host\" \"$http_x_forwarded_for\"";
    for (host, forwarded, client) in [
        ("", "", "203.0.113.0"),
        ("a b", "for=192.0.2.4", "203.0.113.0"),
        ("www.example.it,", "<script>, unknown", "203.0.113.0"),
        ("www.example.it", "a text, 192.0.2.4", "192.0.2.0"),
    ] {
        for (line, format) in [
            (json(host, forwarded), None),
            (w3c(host, forwarded), None),
            (given(host, forwarded), Some(format.parse().unwrap())),
        ] {
            let reading = LogReading {
                format,
                clients: ClientChoice {
                    field: ClientField::Forwarded,
                    ..ClientChoice::default()
                },
                ..reading()
            };
            let input = Input::reader("log", std::io::Cursor::new(line.clone()));
            let (events, summary) = import_as(&reading, target(), vec![input]).unwrap();
            assert_eq!((events.len(), summary.malformed), (1, 0), "{line}");
            let ip = events[0].event().client.ip.unwrap().to_string();
            assert_eq!(ip, client, "{line}");
        }
    }
}
