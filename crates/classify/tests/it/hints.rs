//! Client hints refine a verdict and never turn a bot into a person.

use affluenza_classify::device::{Device, Hints, classify};
use proptest::prelude::*;
use proptest::sample::select;

const CORPUS: &str = include_str!("../fixtures/user_agents.tsv");

const MAC: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 \
                   (KHTML, like Gecko) Version/17.5 Safari/605.1.15";
const LINUX: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
                     Chrome/131.0.0.0 Safari/537.36";
const REDUCED_TABLET: &str = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 \
                              (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36";
const GALAXY_TAB: &str = "Mozilla/5.0 (Linux; Android 13; SM-X700) AppleWebKit/537.36 \
                          (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36";
const GOOGLEBOT: &str = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
const TELEVISION: &str = "Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) AppleWebKit/537.36 \
                          (KHTML, like Gecko) Chrome/76.0.3809.146 TV Safari/537.36";

#[test]
fn what_hints_decide() {
    let none = Hints::NONE;
    for (agent, hints, device, rule) in [
        (
            MAC,
            none.touch_points(5),
            Device::Tablet,
            "hint.touch-macintosh",
        ),
        (MAC, none.touch_points(1), Device::Desktop, "desktop.mac"),
        (
            LINUX,
            none.mobile("?0").platform("\"Android\""),
            Device::Tablet,
            "hint.platform-mobile",
        ),
        (
            LINUX,
            none.mobile("?1").platform("\"Android\""),
            Device::Smartphone,
            "hint.mobile",
        ),
        (
            LINUX,
            none.mobile("?0").platform("\"Linux\""),
            Device::Desktop,
            "desktop.unix",
        ),
        (
            LINUX,
            none.touch_points(10),
            Device::Desktop,
            "desktop.unix",
        ),
        (
            REDUCED_TABLET,
            none.mobile("?1"),
            Device::Smartphone,
            "hint.mobile",
        ),
        (
            REDUCED_TABLET,
            none.mobile("?0"),
            Device::Tablet,
            "tablet.android-without-mobile",
        ),
        (
            REDUCED_TABLET,
            none.form_factors("\"XR\""),
            Device::Other,
            "hint.form-factor-other",
        ),
        (
            REDUCED_TABLET,
            none.form_factors("\"Automotive\", \"Tablet\""),
            Device::Other,
            "hint.form-factor-other",
        ),
        (
            REDUCED_TABLET,
            none.form_factors("\"Mobile\""),
            Device::Smartphone,
            "hint.form-factor-mobile",
        ),
        (
            LINUX,
            none.form_factors("\"Tablet\""),
            Device::Tablet,
            "hint.form-factor-tablet",
        ),
        (
            LINUX,
            none.form_factors("\"EInk\""),
            Device::Tablet,
            "hint.form-factor-tablet",
        ),
        (
            REDUCED_TABLET,
            none.form_factors("\"Desktop\""),
            Device::Desktop,
            "hint.form-factor-desktop",
        ),
        (
            GALAXY_TAB,
            none.mobile("?1"),
            Device::Tablet,
            "tablet.samsung",
        ),
        (
            TELEVISION,
            none.form_factors("\"Desktop\"").mobile("?0"),
            Device::Other,
            "other.tv",
        ),
        ("", none, Device::Unknown, "unknown.not-recorded"),
        ("-", none.mobile("?1"), Device::Smartphone, "hint.mobile"),
        (
            "",
            none.mobile("?0").platform("\"Windows\""),
            Device::Desktop,
            "hint.platform-desktop",
        ),
        (
            "",
            none.platform("\"Symbian\""),
            Device::Unknown,
            "unknown.not-recorded",
        ),
        (
            MAC,
            none.form_factors("Toaster").mobile("maybe").platform("?"),
            Device::Desktop,
            "desktop.mac",
        ),
    ] {
        let verdict = classify(agent, &hints);
        assert_eq!(
            (verdict.device, verdict.rule.as_str()),
            (device, rule),
            "{agent:?} {hints:?}"
        );
    }
}

#[test]
fn a_recorded_user_agent_that_is_empty_is_a_class_of_its_own() {
    for empty in ["", "-", "\"-\"", " "] {
        let verdict = classify(empty, &Hints::NONE).of_recorded();
        assert_eq!(verdict.device, Device::NoAgent, "{empty:?}");
        assert_eq!(verdict.rule.as_str(), "no-agent.empty");
    }
    let hinted = Hints::NONE.mobile("?1");
    assert_eq!(
        classify("", &hinted).of_recorded().device,
        Device::Smartphone
    );
    let program = classify("curl/8.1", &Hints::NONE);
    assert_eq!(program.of_recorded(), program);
}

fn any_hints() -> impl Strategy<Value = Hints> {
    let factors = select(vec![
        "",
        "\"Desktop\"",
        "\"Mobile\"",
        "\"Tablet\"",
        "\"XR\"",
        "\"Watch\"",
        "\"EInk\"",
    ]);
    let mobile = select(vec!["", "?0", "?1"]);
    let platform = select(vec![
        "",
        "\"Android\"",
        "\"iOS\"",
        "\"Windows\"",
        "\"macOS\"",
        "\"Tizen\"",
    ]);
    (factors, mobile, platform, 0_u32..12).prop_map(|(factors, mobile, platform, points)| {
        Hints::NONE
            .form_factors(factors)
            .mobile(mobile)
            .platform(platform)
            .touch_points(points)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_hint_makes_a_person_of_a_bot(hints in any_hints()) {
        let agents = CORPUS.lines().filter_map(|line| line.split('\t').next());
        for agent in agents.chain([GOOGLEBOT]) {
            let without = classify(agent, &Hints::NONE);
            let with = classify(agent, &hints);
            if without.device == Device::Bot {
                prop_assert_eq!(with, without);
            } else {
                prop_assert_ne!(with.device, Device::Bot);
            }
        }
    }
}
