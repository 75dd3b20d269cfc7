//! Guarantees of a spool, including damaged files.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Barrier;

use affluenza_collector::spool::{Limits, Spool, SpoolError, SpoolPosition};
use proptest::prelude::*;

const SMALL: Limits = Limits {
    bytes_max: 8192,
    segment_bytes: 1024,
    record_bytes_max: 512,
};

fn record(number: u64) -> Vec<u8> {
    let length = usize::try_from(number * 7 % 90).unwrap();
    format!("{number}:{}", "x".repeat(length)).into_bytes()
}

fn all(spool: &Spool) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    let mut next = spool.acked();
    loop {
        let batch = spool.read(next, 7, 300).unwrap();
        if batch.records.is_empty() {
            assert_eq!(batch.next, spool.end());
            return records;
        }
        records.extend(batch.records);
        next = batch.next;
    }
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == "spool"))
        .collect();
    paths.sort();
    paths
}

#[test]
fn records_come_out_in_order_across_segments_and_processes() {
    let dir = tempfile::tempdir().unwrap();
    let expected: Vec<Vec<u8>> = (0..60).map(record).collect();
    {
        let (spool, _) = Spool::open(dir.path(), SMALL).unwrap();
        for part in expected[..40].chunks(3) {
            spool.append(part).unwrap();
        }
        assert_eq!(all(&spool), expected[..40]);
    }
    let (spool, recovery) = Spool::open(dir.path(), SMALL).unwrap();
    assert_eq!((recovery.records, recovery.torn_bytes), (40, 0));
    spool.append(&expected[40..]).unwrap();
    assert_eq!(all(&spool), expected);
    assert!(segments(dir.path()).len() > 3);
}

#[test]
fn acknowledged_records_are_deleted_and_do_not_come_again() {
    let dir = tempfile::tempdir().unwrap();
    {
        let (spool, _) = Spool::open(dir.path(), SMALL).unwrap();
        for number in 0..60 {
            spool.append(&[record(number)]).unwrap();
        }
        let before = spool.bytes();
        spool.ack(SpoolPosition(45)).unwrap();
        spool.ack(SpoolPosition(3)).unwrap();
        assert_eq!((spool.acked(), spool.len()), (SpoolPosition(45), 15));
        assert!(spool.bytes() < before / 2);
    }
    let (spool, recovery) = Spool::open(dir.path(), SMALL).unwrap();
    assert_eq!((recovery.records, recovery.damaged_records), (15, 0));
    assert_eq!(all(&spool), (45..60).map(record).collect::<Vec<_>>());
    spool.ack(spool.end()).unwrap();
    drop(spool);
    let (spool, recovery) = Spool::open(dir.path(), SMALL).unwrap();
    assert!(spool.is_empty());
    assert_eq!(recovery.records, 0);
    assert_eq!(spool.end(), SpoolPosition(60));
}

#[test]
fn a_lost_acknowledgement_delivers_again() {
    let dir = tempfile::tempdir().unwrap();
    {
        let (spool, _) = Spool::open(dir.path(), SMALL).unwrap();
        spool.append(&[record(0), record(1)]).unwrap();
        spool.ack(SpoolPosition(2)).unwrap();
    }
    fs::write(dir.path().join("acked"), "").unwrap();
    let (spool, _) = Spool::open(dir.path(), SMALL).unwrap();
    assert_eq!(all(&spool), [record(0), record(1)]);
}

#[test]
fn a_full_spool_refuses_and_has_room_again_once_it_is_drained() {
    let dir = tempfile::tempdir().unwrap();
    let (spool, _) = Spool::open(dir.path(), SMALL).unwrap();
    for round in 0..20 {
        let mut taken = 0;
        let refused = loop {
            match spool.append(&[[b'y'; 200]]) {
                Ok(()) => taken += 1,
                Err(error) => break error,
            }
        };
        assert!(
            matches!(refused, SpoolError::Full { max: 8192, .. }),
            "{refused}"
        );
        assert!(taken >= 30, "round {round}: {taken}");
        assert_eq!(all(&spool).len(), taken);
        assert!(spool.bytes() <= 8192);
        spool.ack(spool.end()).unwrap();
    }
}

#[test]
fn a_record_that_is_too_long_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (spool, _) = Spool::open(dir.path(), SMALL).unwrap();
    let error = spool.append(&[vec![0; 513]]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a record has 513 bytes, at most 512 are accepted"
    );
    assert!(spool.is_empty());
}

#[test]
fn a_folder_has_one_owner() {
    let dir = tempfile::tempdir().unwrap();
    let (_spool, _) = Spool::open(dir.path(), SMALL).unwrap();
    let error = Spool::open(dir.path(), SMALL).unwrap_err();
    assert!(matches!(error, SpoolError::InUse { .. }), "{error}");
}

#[test]
fn something_else_in_the_folder_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("00000000000000000000.spool");
    fs::write(&path, "something else").unwrap();
    let error = Spool::open(dir.path(), SMALL).unwrap_err();
    assert!(matches!(error, SpoolError::Foreign { .. }), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "something else");
}

#[test]
fn threads_that_append_at_once_keep_their_own_order() {
    const THREADS: u64 = 8;
    const EACH: u64 = 50;
    let dir = tempfile::tempdir().unwrap();
    let (spool, _) = Spool::open(dir.path(), Limits::default()).unwrap();
    let together = Barrier::new(8);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (spool, together) = (&spool, &together);
            scope.spawn(move || {
                together.wait();
                for number in 0..EACH {
                    let text = |part: u64| format!("{thread} {}", number * 2 + part);
                    spool.append(&[text(0), text(1)]).unwrap();
                }
            });
        }
    });
    let mut next = [0; 8];
    let mut next_of = |text: Vec<u8>| {
        let text = String::from_utf8(text).unwrap();
        let (thread, number) = text.split_once(' ').unwrap();
        let next = &mut next[thread.parse::<usize>().unwrap()];
        assert_eq!(number.parse::<u64>().unwrap(), *next);
        *next += 1;
    };
    let mut at = spool.acked();
    while at < spool.end() {
        let batch = spool.read(at, 1000, 1 << 20).unwrap();
        batch.records.into_iter().for_each(&mut next_of);
        at = batch.next;
    }
    assert_eq!(next, [EACH * 2; 8]);
}

#[test]
fn records_longer_than_a_chunk_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let (spool, _) = Spool::open(dir.path(), Limits::default()).unwrap();
    let long = vec![b'z'; 900_000];
    spool
        .append(&[b"a".to_vec(), long.clone(), b"b".to_vec()])
        .unwrap();
    let batch = spool.read(spool.acked(), 10, 2 << 20).unwrap();
    assert_eq!(batch.records, [b"a".to_vec(), long, b"b".to_vec()]);
}

/// Returns the first segment after `count` single appends.
fn written(dir: &Path, count: u64) -> PathBuf {
    let limits = Limits {
        bytes_max: 1 << 20,
        segment_bytes: 1 << 16,
        record_bytes_max: 512,
    };
    let (spool, _) = Spool::open(dir, limits).unwrap();
    for number in 0..count {
        spool.append(&[record(number)]).unwrap();
    }
    segments(dir).remove(0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_torn_tail_costs_only_what_was_torn(lost in 1u64..2000, garbage in proptest::collection::vec(any::<u8>(), 0..40)) {
        let dir = tempfile::tempdir().unwrap();
        let path = written(dir.path(), 30);
        let whole = fs::read(&path).unwrap();
        let kept = whole.len() - usize::try_from(lost).unwrap().min(whole.len() - 8);
        let mut torn = whole[..kept].to_vec();
        torn.extend(&garbage);
        fs::write(&path, torn).unwrap();
        // Counts the records that end before the cut.
        let mut below = 8;
        let sound = (0..30).take_while(|number| {
            below += 24 + record(*number).len();
            below <= kept
        }).count() as u64;
        let (spool, recovery) = Spool::open(dir.path(), SMALL).unwrap();
        prop_assert!(recovery.records >= sound);
        let expected: Vec<Vec<u8>> = (0..recovery.records).map(record).collect();
        prop_assert_eq!(recovery.records, sound);
        prop_assert_eq!(all(&spool), expected.clone());
        spool.append(&[b"after"]).unwrap();
        drop(spool);
        let (spool, recovery) = Spool::open(dir.path(), SMALL).unwrap();
        prop_assert_eq!(recovery.torn_bytes, 0);
        prop_assert_eq!(all(&spool), [expected, vec![b"after".to_vec()]].concat());
    }

    #[test]
    fn a_flipped_byte_costs_one_record_and_is_reported(at in 8usize..1500, flip in 1u8..) {
        let dir = tempfile::tempdir().unwrap();
        let path = written(dir.path(), 30);
        let mut bytes = fs::read(&path).unwrap();
        let at = 8 + at % (bytes.len() - 8);
        bytes[at] ^= flip;
        fs::write(&path, bytes).unwrap();
        let mut end = 8;
        let hit = (0..30).find(|number| {
            end += 24 + record(*number).len();
            at < end
        }).unwrap();
        let (spool, recovery) = Spool::open(dir.path(), SMALL).unwrap();
        let expected: Vec<Vec<u8>> = (0..30).filter(|number| *number != hit).map(record).collect();
        // Damage to the last record is equal to a torn write.
        prop_assert_eq!(recovery.damaged_records, u64::from(hit != 29));
        let damaged = (hit != 29).then_some(path);
        prop_assert_eq!(recovery.damaged_files, Vec::from_iter(damaged));
        prop_assert_eq!(recovery.torn_bytes > 0, hit == 29);
        prop_assert_eq!(all(&spool), expected);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let dir = tempfile::tempdir().unwrap();
        let content = [b"afspool1".to_vec(), bytes].concat();
        fs::write(dir.path().join("00000000000000000000.spool"), content).unwrap();
        let (spool, _) = Spool::open(dir.path(), SMALL).unwrap();
        spool.append(&[b"after"]).unwrap();
        let records = all(&spool);
        prop_assert_eq!(records.last().unwrap(), b"after");
    }
}
