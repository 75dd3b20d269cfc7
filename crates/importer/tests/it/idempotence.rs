//! Tests that a repeated import of the same lines gives the same ids, in any order and in parts.

use std::collections::HashSet;

use affluenza_importer::{Input, LogReading, SystemSalts};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::{Kept, import, import_into, import_parts, real_log, target};

fn keys(events: &[Kept]) -> Vec<&str> {
    let mut keys: Vec<_> = events.iter().map(|kept| kept.key.as_str()).collect();
    keys.sort_unstable();
    keys
}

fn shuffled(log: &[u8]) -> Vec<u8> {
    let mut random = ChaCha8Rng::seed_from_u64(2017);
    let mut lines: Vec<_> = log.split_inclusive(|&byte| byte == b'\n').collect();
    for end in (1..lines.len()).rev() {
        let other = (random.next_u64() % (end as u64 + 1)) as usize;
        lines.swap(end, other);
    }
    lines.concat()
}

fn parts(log: &[u8], lines: usize) -> Vec<Vec<u8>> {
    let all: Vec<_> = log.split_inclusive(|&byte| byte == b'\n').collect();
    all.chunks(lines).map(<[_]>::concat).collect()
}

fn slices(parts: &[Vec<u8>]) -> Vec<&[u8]> {
    parts.iter().map(Vec::as_slice).collect()
}

#[test]
fn other_salts_change_visitors_and_nothing_else() {
    let log = real_log();
    let mut import = affluenza_importer::AccessLog::new(
        target(),
        &LogReading::default(),
        vec![Input::reader("log", std::io::Cursor::new(log.clone()))],
        SystemSalts,
    )
    .unwrap();
    let (fixed, _) = crate::import(&log);
    for kept in &fixed {
        let event = import.next_event().unwrap().unwrap();
        let mut random: serde_json::Value = serde_json::from_slice(event.json).unwrap();
        let mut fixed: serde_json::Value = serde_json::from_str(&kept.json).unwrap();
        assert_ne!(random["data"]["visitor"], fixed["data"]["visitor"]);
        random["data"]["visitor"].take();
        fixed["data"]["visitor"].take();
        assert_eq!(random, fixed);
    }
    assert_eq!(import.next_event().unwrap(), None);
}

#[test]
fn twice_is_once_in_any_order() {
    let log = real_log();
    let mixed = shuffled(&log);
    assert_ne!(mixed, log);
    let first = import(&log).0;
    assert_eq!(keys(&first), keys(&import(&log).0));
    assert_eq!(keys(&first), keys(&import(&mixed).0));
}

#[test]
fn parts_of_one_command_are_the_whole() {
    let log = shuffled(&real_log());
    let whole = import(&log);
    for lines in [1_000, 3_333, 9_999] {
        let parts = parts(&log, lines);
        let (events, summary) = import_parts(&slices(&parts));
        assert_eq!(keys(&events), keys(&whole.0));
        assert_eq!(summary.events(), whole.1.events());
        assert_eq!(summary.inputs, parts.len() as u64);
    }
}

#[test]
fn parts_after_the_whole_add_nothing() {
    let log = shuffled(&real_log());
    let (whole, _) = import(&log);
    let known: HashSet<_> = keys(&whole).into_iter().collect();
    for part in parts(&log, 777) {
        let (events, _) = import(&part);
        assert!(keys(&events).iter().all(|key| known.contains(key)));
    }
}

#[test]
fn a_log_that_grew_adds_its_new_lines_only() {
    let log = real_log();
    let [before, _] = &parts(&log, 6_000)[..] else {
        panic!("10,000 lines are two parts")
    };
    let (before, after) = (import(before), import(&log));
    assert_eq!(before.0, after.0[..before.0.len()]);
}

#[test]
fn line_ends_do_not_matter() {
    let log = real_log();
    let text = String::from_utf8(log.clone()).unwrap();
    let windows = text.replace('\n', "\r\n");
    let unfinished = text.trim_end();
    let whole = import(&log);
    assert_eq!(whole, import(windows.as_bytes()));
    assert_eq!(whole, import(unfinished.as_bytes()));
}

const LINE: &str = r#"[26/Mar/2017:03:00:00 +0200] "GET / HTTP/1.1" 200 1 "-" "agent""#;

#[test]
fn an_identity_does_not_reveal_the_visitor() {
    let log = |who: &str| format!("{who} {LINE}\n");
    let one = |who: &str| import(log(who).as_bytes()).0.remove(0).key;
    let of_network = one("203.0.113.7 - -");
    assert_eq!(of_network, one("203.0.113.8 - -"));
    assert_eq!(of_network, one("203.0.113.7 - mario.rossi"));
    assert_eq!(one("host-7.example.net - -"), one("host-8.example.net - -"));
    assert_ne!(of_network, one("198.51.100.7 - -"));
    assert_ne!(of_network, one("2001:db8::1 - -"));
    // Two clients in the same second still count as two.
    let (events, summary) =
        import(format!("{}{}", log("203.0.113.7 - -"), log("203.0.113.8 - -")).as_bytes());
    assert_ne!(events[0].key, events[1].key);
    assert_ne!(events[0].event().visitor, events[1].event().visitor);
    assert_eq!(summary.repeated, 1);
}

#[test]
fn enti_and_portals_have_separate_identities() {
    let line = format!("203.0.113.7 - - {LINE}");
    let targets = [("ab", "c"), ("a", "bc"), ("ab", "d")];
    let keys = targets.map(|(ente, portal)| {
        let target = affluenza_importer::Target::new(ente, portal).unwrap();
        let input = Input::reader("log", std::io::Cursor::new(line.clone()));
        import_into(target, vec![input]).0.remove(0).key
    });
    assert_eq!(HashSet::from(keys).len(), 3);
}
