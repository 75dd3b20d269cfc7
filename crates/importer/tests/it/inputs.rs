//! Tests plain and compressed files, duplicate files and unreadable inputs.

use std::io::{Cursor, Read, Write as _};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};

use affluenza_importer::{AccessLog, ImportError, Input, LogReading, SystemSalts};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::{import, import_into, reading, target};

const ONE: &str = "203.0.113.7 - - [26/Mar/2017:03:00:00 +0200] \"GET / HTTP/1.1\" 200 1\n";
const TWO: &str = "203.0.113.7 - - [26/Mar/2017:03:00:01 +0200] \"GET / HTTP/1.1\" 200 1\n";

fn gzip(content: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content.as_ref()).unwrap();
    encoder.finish().unwrap()
}

fn written(folder: &Path, name: &str, content: impl AsRef<[u8]>) -> Input {
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    Input::path(path)
}

fn refused(inputs: Vec<Input>) -> String {
    let all = AccessLog::new(target(), &reading(), inputs, SystemSalts).and_then(|mut import| {
        while import.next_event()?.is_some() {}
        Ok(())
    });
    all.unwrap_err().to_string()
}

#[test]
fn gzip_of_several_members_is_read_to_its_end() {
    let content = [gzip(ONE), gzip(""), gzip(TWO)].concat();
    assert_eq!(import(&content), import(format!("{ONE}{TWO}").as_bytes()));
}

#[test]
fn a_file_compressed_twice_is_refused() {
    let input = Input::reader("a.log.gz.gz", Cursor::new(gzip(gzip(ONE))));
    assert!(
        refused(vec![input]).starts_with("a.log.gz.gz is compressed twice: decompress it once")
    );
}

/// A stream whose lines arrive one by one.
struct LineStream(Receiver<Vec<u8>>);

impl Read for LineStream {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let line = self.0.recv().unwrap_or_default();
        buffer[..line.len()].copy_from_slice(&line);
        Ok(line.len())
    }
}

/// `tail --follow access.log | affluenza import access-log -`
#[test]
fn lines_of_a_stream_that_pauses_are_returned_before_its_end() {
    let (sender, receiver) = channel();
    let send = |line: &str| sender.send(line.as_bytes().to_vec()).unwrap();
    send(ONE);
    let input = Input::reader("stream", LineStream(receiver));
    let mut import = AccessLog::new(target(), &reading(), vec![input], SystemSalts).unwrap();
    assert!(import.next_event().unwrap().is_some());
    // A later line has another form.
    send(&format!("www.example.it {TWO}"));
    assert!(import.next_event().unwrap().is_some());
    assert_eq!(import.summary().layouts.len(), 2);
    drop(sender);
    assert!(import.next_event().unwrap().is_none());
    assert_eq!((import.summary().lines, import.summary().malformed), (2, 0));
}

/// `copytruncate` of logrotate, and a server that keeps its old offset.
#[test]
fn a_log_after_many_nuls_is_read() {
    let log = [vec![0; 5 * 1024 * 1024], format!("{ONE}{TWO}").into_bytes()].concat();
    let folder = tempfile::tempdir().unwrap();
    let (events, summary) = import_into(target(), vec![written(folder.path(), "a.log", &log)]);
    assert_eq!((events.len(), summary.malformed), (2, 0));
    assert_eq!(import(&log).0, events);
}

#[test]
fn a_file_given_twice_counts_once_and_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let both = format!("{ONE}{TWO}");
    let inputs = vec![
        written(folder.path(), "a.log", &both),
        written(folder.path(), "empty.log", ""),
        written(folder.path(), "b.log", ONE),
        written(folder.path(), "a.log.gz", gzip(&both)),
        Input::path(folder.path().join("a.log")),
        Input::path(folder.path().join("empty.log")),
    ];
    let (_, summary) = import_into(target(), inputs);
    // "b.log" is a different file that repeats a line, so there are two requests in one second.
    assert_eq!(
        (summary.events(), summary.repeated, summary.inputs),
        (3, 1, 4)
    );
    let same: Vec<_> = summary
        .same_content
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(same.len(), 2);
    assert!(
        same[0].contains("a.log.gz has the same content as "),
        "{}",
        same[0]
    );
}

#[test]
fn large_files_that_differ_late_are_both_read() {
    let folder = tempfile::tempdir().unwrap();
    let log = ONE.repeat(2_000);
    let inputs = vec![
        written(folder.path(), "a.log", format!("{log}{ONE}")),
        written(folder.path(), "b.log", format!("{log}{TWO}")),
        written(folder.path(), "c.log", &log),
    ];
    let (_, summary) = import_into(target(), inputs);
    assert_eq!((summary.events(), summary.inputs), (6_002, 3));
}

#[test]
fn unreadable_files_are_refused_before_the_first_event() {
    let folder = tempfile::tempdir().unwrap();
    let good = || written(folder.path(), "good.log", ONE);
    let refusal = |inputs| {
        AccessLog::new(target(), &LogReading::default(), inputs, SystemSalts)
            .err()
            .map(|error| error.to_string())
            .unwrap()
    };
    let xz = b"\xFD7zXZ\x00xxxx";
    let mut tar = format!("a.log{}0000644", "\0".repeat(95));
    tar.push_str(&"\0".repeat(257 - tar.len()));
    tar.push_str("ustar  \0");
    tar.push_str(&"\0".repeat(512 - tar.len()));
    tar.push_str(ONE);
    for (bad, cause) in [
        (Input::path(folder.path().join("none.log")), "none.log: "),
        (Input::path(folder.path()), "is a directory"),
        (written(folder.path(), "a.xz", xz), "is compressed with xz"),
        (
            written(folder.path(), "a.lz4", b"\x04\x22\x4D\x18"),
            "is compressed with lz4",
        ),
        (
            written(folder.path(), "a.Z", b"\x1F\x9D\x90"),
            "is compressed with compress",
        ),
        (
            written(folder.path(), "utf-16.log", b"\xFF\xFEa\0"),
            "is UTF-16 text",
        ),
        (written(folder.path(), "a.tar", &tar), "is a tar archive"),
        (
            written(folder.path(), "a.tar.gz", gzip(&tar)),
            "is a tar archive",
        ),
    ] {
        let refused = refusal(vec![good(), bad]);
        assert!(refused.contains(cause), "{refused}");
    }
    let twice = refusal(vec![Input::path("-"), good(), Input::path("-")]);
    assert_eq!(twice, "standard input (-) is given twice");
}

#[test]
fn damaged_gzip_stops_with_its_place() {
    // Incompressible, so that whole lines come out before the cut.
    let log: String = (0..5_000)
        .map(|nth| ONE.replace("/ HTTP", &format!("/{} HTTP", nth * 7_919)))
        .collect();
    let whole = gzip(&log);
    let cut = refused(vec![Input::reader(
        "log",
        Cursor::new(whole[..whole.len() / 2].to_vec()),
    )]);
    assert!(cut.starts_with("cannot read log after line "), "{cut}");
    assert!(cut.contains("cut short"), "{cut}");
    let mut damaged = whole;
    let middle = damaged.len() / 2;
    damaged[middle..middle + 64].fill(0xFF);
    let damaged = refused(vec![Input::reader("log", Cursor::new(damaged))]);
    assert!(damaged.contains("the compressed data is"), "{damaged}");
}

#[test]
fn a_reader_that_fails_is_named() {
    struct Failing;
    impl std::io::Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the disk is gone"))
        }
    }
    assert_eq!(
        refused(vec![Input::reader("tape", Failing)]),
        "cannot read tape: the disk is gone"
    );
}

#[test]
fn an_import_can_move_to_another_thread() {
    fn can_move<T: Send>() {}
    can_move::<AccessLog>();
    can_move::<ImportError>();
}
