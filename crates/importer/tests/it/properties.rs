//! Properties that hold for any bytes.

use proptest::prelude::*;

use crate::{import, real_log};

/// Generates parts of lines, valid and invalid, so that random logs get past the first field.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let fixed = |text: &'static str| Just(text.as_bytes().to_vec());
    prop_oneof![
        4 => fixed("203.0.113.7 - - "),
        1 => fixed("www.example.it:80 2001:db8::1 - rossi "),
        4 => fixed("[26/Mar/2017:03:00:00 +0200] "),
        1 => fixed("[26/Mar/2017:03:00:60 -0200] "),
        4 => fixed("\"GET /a/b.php?x=%zz HTTP/1.1\" 200 12"),
        1 => fixed("\"\" 400 0"),
        3 => fixed(" \"-\" \"agent\\x\\\""),
        3 => fixed(" \"-\" \"agent\""),
        1 => fixed("\""),
        1 => fixed("\\"),
        3 => fixed("\n"),
        1 => fixed("\r\n"),
        1 => proptest::collection::vec(any::<u8>(), 0..20),
    ]
}

fn check(log: &[u8]) -> Result<(), TestCaseError> {
    let (events, summary) = import(log);
    prop_assert_eq!(summary.events(), events.len() as u64);
    prop_assert_eq!(
        summary.lines,
        summary.events() + summary.malformed + summary.blank
    );
    let ends = log.iter().filter(|&&byte| byte == b'\n').count() as u64;
    // NUL bytes before a line are no part of it.
    let last = log.rsplit(|&byte| byte == b'\n').next().unwrap();
    let unfinished = u64::from(last.iter().any(|&byte| byte != 0));
    prop_assert_eq!(summary.lines, ends + unfinished);
    for kept in &events {
        kept.event();
        // A user agent may name the address of another client.
        if kept.json.contains("\"203.0.113.0\"") {
            prop_assert!(!kept.json.contains("203.0.113.7"), "{}", kept.json);
        }
    }
    Ok(())
}

/// False if random bytes begin like a file that is compressed or no text, because the import refuses
/// these.
fn is_plain(log: &[u8]) -> bool {
    let mut signatures = [
        &b"\x1F\x8B"[..],
        b"\x1F\x9D",
        b"\x04\x22",
        b"PK",
        b"\xFD7z",
        b"\x28\xB5",
        b"\xFF\xFE",
        b"\xFE\xFF",
    ]
    .into_iter();
    !signatures.any(|signature| log.starts_with(signature))
        && log.get(1..4) != Some(b"\x2A\x4D\x18")
}

proptest! {
    #[test]
    fn any_bytes_are_accounted_for(log in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assume!(is_plain(&log));
        check(&log)?;
    }

    #[test]
    fn any_pieces_of_lines_are_accounted_for(pieces in proptest::collection::vec(piece(), 0..60)) {
        let log = pieces.concat();
        prop_assume!(is_plain(&log));
        check(&log)?;
    }

    #[test]
    fn damage_to_real_lines_is_accounted_for(
        start in 0usize..2_000_000,
        damage in proptest::collection::vec((0usize..4_000, any::<u8>()), 0..20),
    ) {
        use std::sync::OnceLock;
        static LOG: OnceLock<Vec<u8>> = OnceLock::new();
        let mut log = LOG.get_or_init(real_log)[start..start + 4_000].to_vec();
        for (at, byte) in damage {
            log[at] = byte;
        }
        prop_assume!(is_plain(&log));
        check(&log)?;
    }
}
