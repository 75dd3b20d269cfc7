//! Imports the same requests in every form of log: plain, compressed and rotated.

use std::collections::BTreeMap;
use std::io::Write as _;

use affluenza_importer::{ClientChoice, ClientField, Input, Reading, Summary, Target};

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
fn reading_of(name: &str) -> Reading {
    let format = std::fs::read_to_string(fixture(&format!("forms/{name}.format"))).ok();
    let field = match name {
        "forwarded-last" | "forwarded-list-last" | "virtual-host-forwarded" => {
            ClientField::Forwarded
        }
        _ => ClientField::Peer,
    };
    Reading {
        format: format.map(|format| format.parse().unwrap()),
        clients: ClientChoice {
            field,
            ..ClientChoice::default()
        },
        ..Reading::default()
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
    let agent = |kept: &Kept| {
        let agent = kept.event().client.user_agent;
        agent.unwrap_or_default().replace(['+', ' '], "%20")
    };
    let mut layouts = Vec::new();
    for (name, log) in &logs {
        let (events, summary) = import(name, &[log.clone().into_bytes()]);
        assert_eq!(shown(&events), shown(&combined), "{name}");
        assert_eq!(
            (summary.malformed, summary.pages, summary.failed),
            (0, 4, 1),
            "{name}"
        );
        if events
            .iter()
            .any(|kept| kept.event().client.user_agent.is_some())
        {
            let agents = |events: &[Kept]| events.iter().map(agent).collect::<Vec<_>>();
            assert_eq!(agents(&events), agents(&combined), "{name}");
        }
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
        assert_eq!(plain.len(), 5, "{name}");
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
    assert_eq!((events.len(), summary.malformed), (15, 1));
    assert_eq!(
        summary.layouts[0].description,
        "combined with a virtual host in front, client is field 2, time zone +0200 and times in UTC; \
         5 of the first 16 lines: combined (Apache, nginx, Traefik); \
         5 of the first 16 lines: Caddy JSON; 1 of the first 16 lines have no known form"
    );
}
