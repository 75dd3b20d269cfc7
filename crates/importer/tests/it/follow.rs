//! Follows a log that grows and is rotated, with kills between.

use std::collections::HashSet;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use affluenza_importer::{
    AccessLog, FollowPosition, KeptPosition, LINE_BYTES_MAX, LogReading, QUIET_LOOKS, Salt,
    SaltSource, SaltsHeld,
};

use crate::{FixedSalts, Kept, fixture, reading, real_log, target};

/// A log of a server, and the import that follows it.
struct Case {
    folder: tempfile::TempDir,
    import: Option<AccessLog>,
    position: Option<FollowPosition>,
    events: Vec<Kept>,
    rotations: usize,
    checks_clients: bool,
}

impl Case {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            import: None,
            position: None,
            events: Vec::new(),
            rotations: 0,
            checks_clients: false,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, text: &[u8]) {
        let mut options = OpenOptions::new();
        let mut file = options
            .create(true)
            .append(true)
            .open(self.path("access.log"))
            .unwrap();
        file.write_all(text).unwrap();
    }

    /// Reads what is new, and keeps the position.
    fn read(&mut self) {
        let path = self.path("access.log");
        let position = self.position.clone();
        let import = self.import.get_or_insert_with(|| {
            let reading = LogReading {
                allows_single_client: !self.checks_clients,
                ..reading()
            };
            AccessLog::follow(target(), reading, &path, position, FixedSalts(0)).unwrap()
        });
        // After a rotation, the old file must be quiet for some looks.
        for _ in 0..=QUIET_LOOKS {
            look(import, &mut self.events);
        }
        self.position = import.position();
    }

    /// Ends the import, as a kill does.
    fn kill(&mut self) {
        self.import = None;
    }

    /// Renames the file. Returns its new path.
    fn rotate(&mut self) -> PathBuf {
        self.rotations += 1;
        let rotated = self.path(&format!("access.log.{}", self.rotations));
        fs::rename(self.path("access.log"), &rotated).unwrap();
        rotated
    }

    fn keys(&self) -> Vec<&str> {
        self.events.iter().map(|kept| kept.key.as_str()).collect()
    }
}

/// Reads what is there.
fn look(import: &mut AccessLog, events: &mut Vec<Kept>) {
    while let Some(event) = import.next_event().unwrap() {
        events.push(Kept {
            key: event.key.to_owned(),
            json: String::from_utf8(event.json.to_vec()).unwrap(),
        });
    }
}

/// Lines of a log, each twice, so that ordinals matter.
fn lines(count: usize) -> Vec<Vec<u8>> {
    let log = real_log();
    let lines = log.split_inclusive(|byte| *byte == b'\n').take(count);
    lines
        .flat_map(|line| [line.to_vec(), line.to_vec()])
        .collect()
}

fn whole(lines: &[Vec<u8>]) -> Vec<String> {
    let (events, _) = crate::import(&lines.concat());
    events.into_iter().map(|kept| kept.key).collect()
}

fn compress(from: &Path, to: &Path) {
    let mut encoder =
        flate2::write::GzEncoder::new(fs::File::create(to).unwrap(), flate2::Compression::fast());
    encoder.write_all(&fs::read(from).unwrap()).unwrap();
    encoder.finish().unwrap();
    fs::remove_file(from).unwrap();
}

#[test]
fn a_log_that_grows_is_read_once() {
    let lines = lines(50);
    let mut case = Case::new();
    case.read();
    assert!(case.events.is_empty(), "the file does not exist yet");
    for part in lines.chunks(7) {
        // A line that is not complete waits for its end.
        let text = part.concat();
        let (head, tail) = text.split_at(text.len() - 5);
        case.write(head);
        case.read();
        case.write(tail);
        case.read();
    }
    assert_eq!(case.keys(), whole(&lines));
}

#[test]
fn every_kill_and_rotation_leaves_each_line_once() {
    let lines = lines(60);
    let mut case = Case::new();
    for (nth, part) in lines.chunks(9).enumerate() {
        case.write(&part.concat());
        match nth % 5 {
            0 => case.read(),
            1 => {
                case.read();
                case.kill();
            }
            2 => {
                // Rotated while nothing reads.
                case.read();
                case.kill();
                let _old = case.rotate();
            }
            3 => {
                case.read();
                let _old = case.rotate();
            }
            _ => {
                // Written, rotated and compressed before anything was read.
                case.kill();
                let old = case.rotate();
                compress(&old, &old.with_added_extension("gz"));
            }
        }
    }
    case.read();
    case.write(b"");
    case.read();
    let distinct: HashSet<_> = case.keys().into_iter().collect();
    assert_eq!(distinct.len(), case.keys().len(), "no event twice");
    assert_eq!(case.keys(), whole(&lines));
}

#[test]
fn a_log_that_is_cut_is_read_from_its_new_beginning() {
    let lines = lines(20);
    let mut case = Case::new();
    case.write(&lines[..30].concat());
    case.read();
    // copytruncate
    fs::copy(case.path("access.log"), case.path("access.log.1")).unwrap();
    fs::write(case.path("access.log"), b"").unwrap();
    case.read();
    case.write(&lines[30..].concat());
    case.read();
    assert_eq!(case.keys(), whole(&lines));
}

#[test]
fn a_log_that_was_cut_and_has_grown_again_is_read_from_its_beginning() {
    let lines = lines(40);
    let mut case = Case::new();
    case.write(&lines[..20].concat());
    case.read();
    fs::copy(case.path("access.log"), case.path("access.log.1")).unwrap();
    let new = lines[20..].concat();
    assert!(new.len() > lines[..20].concat().len());
    fs::write(case.path("access.log"), new).unwrap();
    case.read();
    assert_eq!(case.keys(), whole(&lines));
}

/// After a rotation, each process of the server still writes to the old file for a while.
#[test]
fn lines_written_to_the_old_file_after_a_rotation_are_read() {
    for is_killed in [false, true] {
        let lines = lines(20);
        let mut case = Case::new();
        case.write(&lines[..10].concat());
        case.read();
        let old = case.rotate();
        let append = |text: &[u8]| {
            let mut file = OpenOptions::new().append(true).open(&old).unwrap();
            file.write_all(text).unwrap();
        };
        // logrotate with `create`
        case.write(b"");
        case.read();
        if is_killed {
            case.kill();
        }
        append(&lines[10..14].concat());
        case.read();
        case.write(&lines[20..30].concat());
        let import = case.import.as_mut().unwrap();
        for part in lines[14..20].chunks(2) {
            append(&part.concat());
            for _ in 0..QUIET_LOOKS {
                look(import, &mut case.events);
            }
        }
        if is_killed {
            case.position = import.position();
            case.kill();
        }
        case.read();
        case.write(&lines[30..].concat());
        case.read();
        assert_eq!(case.keys(), whole(&lines), "{is_killed}");
    }
}

#[test]
fn a_file_that_was_rotated_twice_between_two_looks_is_read() {
    let lines = lines(15);
    let mut case = Case::new();
    case.write(&lines[..10].concat());
    case.read();
    for part in lines[10..].chunks(10) {
        let _old = case.rotate();
        case.write(&part.concat());
    }
    case.read();
    case.read();
    assert_eq!(case.keys(), whole(&lines));
}

#[test]
fn a_compressed_log_is_refused() {
    let case = Case::new();
    case.write(&lines(30).concat());
    let packed = case.path("packed.log");
    compress(&case.path("access.log"), &packed);
    let import = AccessLog::follow(target(), reading(), &packed, None, FixedSalts(0));
    let refused = import.unwrap().next_event().unwrap_err().to_string();
    assert!(refused.contains("is compressed"), "{refused}");
}

#[test]
fn lines_without_events_do_not_hold_the_caller() {
    let case = Case::new();
    case.write(&b"nothing of a log\n".repeat(25_000));
    let path = case.path("access.log");
    let mut import = AccessLog::follow(target(), reading(), &path, None, FixedSalts(0)).unwrap();
    let mut calls = 0;
    while !import.is_waiting() {
        assert!(import.next_event().unwrap().is_none());
        calls += 1;
    }
    assert_eq!((calls, import.summary().malformed), (3, 25_000));
}

#[test]
fn a_form_or_prefix_that_comes_later_is_read() {
    let prefix = b"May 14 10:05:03 web1 nginx: ".as_slice();
    let lines = lines(3);
    for first in [
        b"nothing of a log\n".to_vec(),
        b"AH00558: httpd: could not determine the name of the server\n".to_vec(),
        [prefix, b"nothing of a log\n"].concat(),
    ] {
        let mut case = Case::new();
        case.write(&first);
        case.read();
        assert!(case.events.is_empty());
        let caddy = fs::read(fixture("forms/caddy.log")).unwrap();
        case.write(&caddy);
        for line in &lines[2..] {
            case.write(&[prefix, line].concat());
        }
        case.read();
        let summary = case.import.as_ref().unwrap().summary();
        assert_eq!(summary.malformed, 1);
        let last = summary.layouts.last().unwrap().to_owned();
        assert!(
            last.description.contains("after a prefix of syslog"),
            "{last:?}"
        );
        let all = caddy.iter().filter(|byte| **byte == b'\n').count() + lines.len() - 2;
        assert_eq!(case.events.len(), all);
    }
}

#[test]
fn a_log_after_many_nuls_is_followed() {
    let lines = lines(20);
    let mut case = Case::new();
    case.write(&vec![0; 5 * 1024 * 1024]);
    for part in lines.chunks(15) {
        case.write(&part.concat());
        case.write(&[0; 100]);
        case.read();
        case.kill();
    }
    assert_eq!(case.keys(), whole(&lines));
    let _old = case.rotate();
    case.write(&vec![0; 5 * 1024 * 1024]);
    case.write(&probes(0, 2));
    case.read();
    assert_eq!(case.events.len(), 42);
}

/// Every file of a W3C log begins with the same lines.
#[test]
fn files_with_the_same_header_are_told_apart() {
    let header = b"#Software: Microsoft Internet Information Services 10.0\n\
        #Version: 1.0\n\
        #Fields: date time cs-method cs-uri-stem c-ip sc-status\n";
    let line = |nth: usize| format!("2026-05-14 08:05:{nth:02} GET / 203.0.113.{nth} 200\n");
    let mut case = Case::new();
    let mut written = 0;
    for lines in [1, 3, 2, 4] {
        case.write(header);
        // A start between the header and the first line.
        case.read();
        case.kill();
        for _ in 0..lines {
            case.write(line(written).as_bytes());
            case.read();
            written += 1;
        }
        case.kill();
        let _old = case.rotate();
    }
    case.write(header);
    case.read();
    case.kill();
    case.write(line(written).as_bytes());
    case.read();
    let summary = case.import.as_ref().unwrap().summary();
    assert!(!summary.is_interrupted);
    let distinct: HashSet<_> = case.keys().into_iter().collect();
    assert_eq!((case.events.len(), distinct.len()), (11, 11));
}

/// The first lines of two files are equal.
#[test]
fn the_beginning_that_identifies_a_file_grows_with_it() {
    let mut case = Case::new();
    case.write(&probes(0, 1));
    case.read();
    case.write(&probes(1, 1));
    case.read();
    case.kill();
    let _old = case.rotate();
    case.write(&[probes(0, 1), probes(7, 1)].concat());
    case.read();
    assert_eq!(case.events.len(), 4);
}

/// Lines of one private client, from the `first` on.
fn probes(first: usize, count: usize) -> Vec<u8> {
    let line = |nth: usize| {
        let (minute, second) = (nth / 60 % 60, nth % 60);
        format!(
            "10.0.0.1 - - [14/May/2026:10:{minute:02}:{second:02} +0200] \"GET / HTTP/1.1\" 200 1\n"
        )
    };
    let lines = (first..first + count).map(line);
    lines.collect::<String>().into_bytes()
}

#[test]
fn a_followed_log_of_one_client_stops_after_many_lines() {
    let mut case = Case::new();
    case.checks_clients = true;
    case.write(&lines(200).concat());
    case.read();
    // Two lines of a probe are the first of a file.
    let _old = case.rotate();
    case.write(&probes(0, 2));
    case.read();
    assert_eq!(case.events.len(), 402);

    let mut case = Case::new();
    case.checks_clients = true;
    // A file is seen with one line.
    case.write(&probes(0, 1));
    case.read();
    case.write(&probes(1, 600));
    case.read();
    let _old = case.rotate();
    case.write(&probes(601, 600));
    let import = case.import.as_mut().unwrap();
    let stopped = loop {
        if let Err(stopped) = import.next_event() {
            break stopped.to_string();
        }
    };
    let expected =
        "stopped after 999 events: 1000 of the first 1000 lines have one client, a private address";
    assert!(stopped.starts_with(expected), "{stopped}");
}

/// Other programs keep files in the folder of a log, and a file has two names while it is compressed.
#[test]
fn only_rotated_files_are_read() {
    let lines = lines(15);
    let mut case = Case::new();
    case.write(&lines[..10].concat());
    case.read();
    case.kill();
    let old = case.rotate();
    // Written and rotated before anything was read.
    case.write(&lines[10..20].concat());
    let newer = case.rotate();
    for (name, content) in [
        ("access.log.offset", lines[..12].concat()),
        ("access.log.1.tmp", lines[..14].concat()),
        ("access.log.9", b"".to_vec()),
        ("access-admin.log.1", lines[..16].concat()),
    ] {
        fs::write(case.path(name), content).unwrap();
    }
    fs::create_dir(case.path("access.log.7")).unwrap();
    for (from, to) in [(&old, "a.gz"), (&newer, "b.gz")] {
        let copy = case.path("copy");
        fs::copy(from, &copy).unwrap();
        compress(&copy, &case.path(to));
        fs::rename(case.path(to), from.with_added_extension("gz")).unwrap();
    }
    case.write(&lines[20..].concat());
    case.read();
    case.read();
    assert_eq!(case.keys(), whole(&lines));
    let summary = case.import.as_ref().unwrap().summary();
    assert_eq!(
        (summary.is_interrupted, &*summary.not_read),
        (false, &[][..])
    );
}

/// Files that are not read are named, and the others are read.
#[test]
fn a_rotated_file_that_cannot_be_read_is_named() {
    let xz = b"\xFD7zXZ\x00xxxx";
    for is_last_lost in [false, true] {
        let lines = lines(15);
        let mut case = Case::new();
        case.write(&lines[..10].concat());
        case.read();
        case.kill();
        let old = case.rotate();
        if is_last_lost {
            fs::remove_file(&old).unwrap();
        }
        fs::write(case.path("access.log.2.xz"), xz).unwrap();
        case.write(&lines[20..].concat());
        case.read();
        case.read();
        let summary = case.import.as_ref().unwrap().summary();
        assert_eq!(summary.is_interrupted, is_last_lost);
        assert_eq!(summary.not_read.len(), 1);
        let reason = &summary.not_read[0];
        assert!(
            reason.contains("access.log.2.xz is compressed with xz"),
            "{reason}"
        );
        assert_eq!(case.events.len(), 20);
    }
}

/// A source that gives a new salt to each call, and counts them.
struct Expiring {
    asked: Arc<AtomicU8>,
    held: SaltsHeld,
}

impl SaltSource for Expiring {
    fn salt(&mut self, _day: jiff::civil::Date) -> std::io::Result<Salt> {
        Ok([self.asked.fetch_add(1, Ordering::Relaxed); 32])
    }

    fn expire(&mut self) -> std::io::Result<SaltsHeld> {
        Ok(self.held)
    }
}

#[test]
fn salts_that_expire_while_a_log_waits_are_asked_again() {
    let lines = lines(3);
    for (held, expected) in [(SaltsHeld::Valid, 1), (SaltsHeld::Expired, 2)] {
        let mut case = Case::new();
        let asked = Arc::new(AtomicU8::new(0));
        let start = |case: &Case, position| {
            let asked = Arc::clone(&asked);
            let salts = Expiring { asked, held };
            let path = case.path("access.log");
            AccessLog::follow(target(), reading(), &path, position, salts).unwrap()
        };
        let mut import = start(&case, None);
        for part in lines.chunks(3) {
            case.write(&part.concat());
            look(&mut import, &mut case.events);
        }
        assert_eq!(asked.load(Ordering::Relaxed), expected);
        // Known lines have no visitors.
        let mut again = start(&case, import.position());
        look(&mut again, &mut case.events);
        assert_eq!(case.events.len(), 6);
        assert_eq!(asked.load(Ordering::Relaxed), expected);
    }
}

#[test]
fn a_line_that_is_too_long_counts_once() {
    let mut case = Case::new();
    let long = [b"x".repeat(LINE_BYTES_MAX + 1), b"\n".to_vec()].concat();
    case.write(&[lines(1).concat(), long].concat());
    case.read();
    assert_eq!(case.import.as_ref().unwrap().summary().malformed, 1);
    case.kill();
    case.read();
    assert_eq!(case.import.as_ref().unwrap().summary().malformed, 0);
}

#[test]
fn a_position_is_kept_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let kept = |source| KeptPosition::of(folder.path(), source, Path::new("access.log")).unwrap();
    assert_eq!(kept("a").read().unwrap(), None);
    let mut case = Case::new();
    case.write(&lines(1).concat());
    case.read();
    let position = case.position.unwrap();
    kept("a").write(&position).unwrap();
    assert_eq!(kept("a").read().unwrap(), Some(position));
    assert_eq!(kept("b").read().unwrap(), None);
}
