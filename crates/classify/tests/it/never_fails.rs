//! Every input yields a verdict, always the same one and quickly.

use affluenza_classify::device::{
    AGENT_BYTES_MAX, CacheLimits, CachedClassifier, Device, DeviceRules, Hints, classify,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Fragments that rules search for, combined at random.
const PIECES: &[&str] = &[
    "Mozilla/5.0 (",
    "compatible; ",
    "Android 9; ",
    "Mobile ",
    "Tablet",
    "iPad",
    "bot",
    "http://",
    "MSIE 8.0; ",
    "Windows NT 6.1",
    ") ",
    "AppleWebKit/537.36",
    "Trident/7.0; ",
    "IEMobile/",
    "FOMA;",
    "jig browser",
    "KDDI-",
    "DoCoMo/",
    "WILLCOM;",
    "PLAYSTATION 3;",
    "Archos ",
    "KF",
    "-W0",
    "RP50",
    "TB1",
    "Puffin/",
    "@",
    ".com/",
    " at ",
    "Build/",
    "OW20W",
    "%20",
    "%2520",
    "+(",
    "\"",
    "è",
    "🦀",
    "\0",
    "\u{202e}",
    "9",
    "; 8",
    "SM-T",
    " Safari/",
];

fn any_agent() -> impl Strategy<Value = Vec<u8>> {
    let bytes = vec(any::<u8>(), 0..1_500);
    let text = any::<String>().prop_map(String::into_bytes);
    let pieces = vec(select(PIECES), 0..60).prop_map(|pieces| pieces.concat().into_bytes());
    let mixed = (vec(select(PIECES), 0..20), vec(any::<u8>(), 0..40))
        .prop_map(|(pieces, bytes)| [pieces.concat().as_bytes(), &bytes].concat());
    prop_oneof![bytes, text, pieces, mixed]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn any_bytes_have_one_verdict(agent in any_agent()) {
        let verdict = classify(&agent, &Hints::NONE);
        prop_assert_eq!(classify(&agent, &Hints::NONE), verdict);
        prop_assert!(DeviceRules::in_use().ids().any(|rule| rule == verdict.rule));
        prop_assert_eq!(verdict.bot.is_some(), verdict.device == Device::Bot);
    }

    #[test]
    fn what_is_behind_the_cut_does_not_matter(agent in "[ -~]{1024}", tail in "[ -~]{0,40}") {
        prop_assert_eq!(agent.len(), AGENT_BYTES_MAX);
        let whole = classify(&agent, &Hints::NONE);
        prop_assert_eq!(classify(format!("{agent}{tail}bot"), &Hints::NONE), whole);
    }

    #[test]
    fn a_cache_says_what_the_rules_say(agents in vec(any_agent(), 1..30), order in vec(0_usize..30, 1..90)) {
        let mut cached = CachedClassifier::new(CacheLimits { entries_max: 8, bytes_max: 8_192 });
        for at in order {
            let agent = &agents[at % agents.len()];
            prop_assert_eq!(cached.classify(agent, &Hints::NONE), classify(agent, &Hints::NONE));
            prop_assert!(cached.len() <= 8 && cached.bytes() <= 8_192);
        }
    }
}

/// Returns the end of the part that the classifier reads: the last character boundary in 1,024
/// bytes.
fn cut(agent: &str) -> usize {
    (0..=AGENT_BYTES_MAX)
        .rev()
        .find(|end| agent.is_char_boundary(*end))
        .unwrap()
}

#[test]
fn a_hostile_string_takes_no_longer_than_a_kilobyte_does() {
    let started = std::time::Instant::now();
    for piece in PIECES {
        let hostile = piece.repeat(1_000_000 / piece.len());
        let verdict = classify(&hostile, &Hints::NONE);
        assert_eq!(verdict, classify(&hostile[..cut(&hostile)], &Hints::NONE));
    }
    // Each takes a few microseconds. The bound only detects that more than a kilobyte is read.
    assert!(started.elapsed().as_secs() < 2);
}
