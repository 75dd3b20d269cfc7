//! Phones: by system, by maker, by convention.

use crate::device::class::Device;
use crate::device::rule::{Marks, Rule};
use crate::device::token::{head, part, start, word};

/// Phones by name.
pub(crate) const RULES: &[Rule] = &[
    Rule::device(
        "phone.iphone",
        Device::Smartphone,
        &[head("iPhone"), head("iPod")],
    ),
    Rule::device("phone.windows-phone", Device::Smartphone, &[]).all(Marks::WINDOWS_PHONE),
    Rule::device(
        "phone.opera",
        Device::Smartphone,
        &[head("Opera Mini"), head("Opera Mobi")],
    ),
    Rule::device(
        "phone.feature-phone",
        Device::Smartphone,
        &[
            head("MIDP"),
            head("CLDC"),
            head("J2ME"),
            head("BREW"),
            head("UCWEB"),
            head("JUC"),
            head("UP.Browser"),
            head("UP.Link"),
            head("UP/"),
            head("Obigo"),
            head("NetFront"),
            head("Teleca"),
            head("Dolfin"),
            head("Dolphin http"),
            head("Polaris/"),
            head("Openwave"),
            head("Novarra"),
            head("MAUI"),
            head("MAUI_WAP"),
            head("Doris"),
            head("Bolt/"),
            head("TeaShark"),
            head("Skyfire"),
            head("Maui Browser"),
            head("Profile/"),
            head("Configuration/"),
            head("WAP"),
            head("portalmmm"),
            head("DoCoMo"),
            head("FOMA"),
            head("KDDI-"),
            head("SoftBank"),
            head("Vodafone"),
            head("J-PHONE"),
            head("WILLCOM"),
            head("DDIPOCKET"),
            head("emobile"),
            head("jig browser"),
            // Gateways that shrink pages for such phones.
            part("Wireless Transcoder"),
            part("Naver Transcoder"),
            part("Mobile-Gateway"),
            head("KAIOS"),
            head("KaiOS"),
        ],
    )
    .unless(Marks::WINDOWS.and(Marks::MAC).and(Marks::UNIX)),
    Rule::device(
        "phone.system",
        Device::Smartphone,
        &[
            part("Symbian"),
            head("Series60"),
            head("Series 60"),
            head("Series40"),
            head("S60/"),
            head("S60V"),
            head("BlackBerry"),
            word("BB10"),
            head("PalmOS"),
            head("PalmSource"),
            head("Palm OS"),
            head("Palm-"),
            head("Palm"),
            head("hpwOS"),
            head("webOS/"),
            head("Windows CE"),
            head("Windows Mobile"),
            head("WindowsMobile"),
            head("PPC;"),
            head("Pocket PC"),
            head("PocketPC"),
            head("Smartphone"),
            head("Bada"),
            word("MeeGo"),
            word("Maemo"),
            word("Sailfish"),
            word("Jolla"),
            head("AvantGo"),
            head("Danger hiptop"),
            head("hiptop"),
            head("EPOC"),
            head("iTunes-iPhone"),
        ],
    )
    .unless(Marks::MACINTOSH),
    Rule::device(
        "phone.maker",
        Device::Smartphone,
        &[
            head("Nokia"),
            head("NOKIA"),
            head("SonyEricsson"),
            head("Ericsson"),
            head("SAMSUNG-"),
            head("SEC-S"),
            head("LG-").cased(),
            head("LGE-").cased(),
            head("LG/").cased(),
            head("MOT-").cased(),
            head("Motorola"),
            head("moto "),
            head("HTC"),
            head("ZTE-").cased(),
            head("ZTE ").cased(),
            head("HUAWEI"),
            head("Alcatel-"),
            head("ALCATEL"),
            head("SIE-").cased(),
            head("PANTECH"),
            head("Panasonic-"),
            head("SAGEM-"),
            head("SANYO"),
            head("SHARP-"),
            head("KYOCERA"),
            head("TOSHIBA-"),
            head("PHILIPS").shaped(is_philips_phone),
            head("BenQ"),
            head("TIANYU"),
            head("GIONEE"),
            head("Micromax"),
            head("KARBONN"),
            head("LAVA"),
            head("Spice"),
            head("CUBOT"),
            head("POCOPHONE"),
            head("Redmi"),
            head("OnePlus"),
            head("vivo "),
            head("OPPO"),
            head("realme"),
            head("Xperia"),
            head("Lumia"),
            head("Pixel "),
            head("Galaxy "),
            head("DROID"),
        ],
    )
    .unless(
        Marks::WINDOWS
            .and(Marks::MAC)
            .and(Marks::UNIX)
            .and(Marks::ANDROID),
    ),
    // Series that contain only phones, whatever else the string contains or omits.
    Rule::device(
        "phone.android-model",
        Device::Smartphone,
        &[
            head("SM-A").digit(),
            head("SM-E").digit(),
            head("SM-F").digit(),
            head("SM-G").digit(),
            head("SM-J").digit(),
            head("SM-M").digit(),
            head("SM-N9").digit(),
            head("SM-S").digit(),
            head("GT-I").digit(),
            head("GT-S").digit(),
            head("GT-N7").digit(),
            head("Pixel ").digit(),
            head("Nexus 4"),
            head("Nexus 5"),
            head("Nexus 6"),
            head("Nexus S"),
            head("Nexus One"),
            head("Galaxy Nexus"),
            head("Redmi ").digit(),
            head("Redmi Note"),
            head("MI ").cased().digit(),
            head("Mi ").cased().digit(),
            head("POCO "),
            head("POCOPHONE"),
            head("ONEPLUS A"),
            head("CPH").cased().digit(),
            head("RMX").cased().digit(),
            head("moto g"),
            head("moto e"),
            head("LM-").cased().capital(),
            head("Nokia ").digit(),
            head("Lumia"),
        ],
    )
    .all(Marks::ANDROID),
];

/// Rules by convention, for strings without a known name.
pub(crate) const CONVENTIONS: &[Rule] = &[
    Rule::device(
        "phone.firefox-os",
        Device::Smartphone,
        &[
            start("Mozilla/5.0 (Mobile"),
            part("; Mobile; rv:"),
            part("; Mobile;"),
        ],
    ),
    Rule::device("phone.tizen", Device::Smartphone, &[]).all(Marks::TIZEN.and(Marks::MOBILE)),
    // Android's own convention since 2011: browsers on tablets omit `Mobile`.
    Rule::device("tablet.android-without-mobile", Device::Tablet, &[])
        .all(Marks::ANDROID.and(Marks::MOZILLA))
        .either(Marks::WEBKIT.and(Marks::GECKO))
        .unless(
            Marks::MOBILE
                .and(Marks::OPERA_MINI)
                .and(Marks::PHONE_WORD)
                .and(Marks::PC_WORD)
                .and(Marks::OLD_ANDROID),
        )
        .by_convention(),
    Rule::device("phone.android-mobile", Device::Smartphone, &[])
        .all(Marks::ANDROID.and(Marks::MOBILE))
        .by_convention(),
    // Apps that name only the system: most run on phones.
    Rule::device("phone.android-app", Device::Smartphone, &[])
        .all(Marks::ANDROID)
        .unless(Marks::PC_WORD)
        .by_convention(),
    Rule::device("phone.ios-app", Device::Smartphone, &[head("CFNetwork")])
        .unless(Marks::UNIX.and(Marks::MACINTOSH))
        .by_convention(),
    Rule::device("phone.ios", Device::Smartphone, &[]).all(Marks::IOS),
    Rule::device(
        "phone.mobile-word",
        Device::Smartphone,
        &[word("Mobile Safari"), head("Mobile/")],
    )
    .all(Marks::MOBILE)
    .by_convention(),
];

/// Accepts `Philips755` and `PHILIPS-X2`: phones. Televisions have a semicolon or a space instead.
fn is_philips_phone(agent: &[u8], _: usize, end: usize) -> bool {
    agent
        .get(end)
        .is_some_and(|byte| byte.is_ascii_digit() || *byte == b'-')
}
