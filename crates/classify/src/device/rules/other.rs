//! Televisions, consoles, cars, watches, headsets, speakers, cameras, appliances.

use crate::device::class::Device;
use crate::device::rule::{Marks, Rule};
use crate::device::token::{head, part, tail, word};

pub(crate) const RULES: &[Rule] = &[
    Rule::device(
        "other.tv",
        Device::Other,
        &[
            // Words that all makers use.
            part("SmartTV"),
            part("SMART-TV"),
            part("Smart TV"),
            part("Smart_TV"),
            word("TV"),
            tail("TV").cased().shaped(ends_a_name),
            word("IPTV"),
            head("TV-"),
            head("TVBro"),
            head("TV Bro"),
            head("HbbTV"),
            head("CE-HTML"),
            head("DTV"),
            head("NETTV"),
            part("InettvBrowser"),
            part("AndroidTV"),
            head("GoogleTV"),
            head("Large Screen"),
            head("DLNADOC"),
            head("WebTV"),
            head("MSNTV"),
            // Television platforms and makers.
            head("NetCast"),
            word("Web0S"),
            head("webOS.TV"),
            head("LG Browser"),
            head("LG SimpleSmart"),
            head("Maple").digit(),
            head("Maple "),
            head("SamsungBrowser/").shaped(is_followed_by_tv),
            head("VIERA"),
            head("BRAVIA"),
            head("SonyDTV"),
            head("SonyCEBrowser"),
            head("AQUOS").shaped(is_aquos_tv),
            head("PhilipsTV"),
            head("TPM1").digit(),
            head("NETRANGEMMH"),
            head("VIDAA"),
            head("Hisense").shaped(is_followed_by_tv),
            head("Vestel"),
            head("TechniSat"),
            head("Loewe"),
            head("SmartCast"),
            head("VIZIO"),
            head("Espial"),
            head("OMI/"),
            head("QtEmbedded"),
            head("Zeasn"),
            head("Whale TV"),
            head("TiVo"),
            head("MiTV"),
            head("MiBOX"),
            head("MITV"),
            head("MStar"),
            head("BeyondTV"),
            head("Nexus Player"),
            head("ADT-").digit(),
            head("OTT-"),
            // Set-top boxes and streaming sticks.
            head("Roku"),
            part("AppleTV"),
            part("Apple TV"),
            word("tvOS"),
            head("CrKey"),
            head("Chromecast"),
            head("AFT").cased().capital(),
            word("STB"),
            head("STB_"),
            tail("STB").cased(),
            head("SetTop"),
            head("Set-Top"),
            head("Freebox"),
            head("Bouygtel"),
            head("BboxMiami"),
            head("Netgem"),
            head("Boxee"),
            head("Kylo"),
            head("PopcornHour"),
            head("Dreambox"),
            head("Enigma2"),
            head("Kodi/"),
            head("XBMC/"),
            head("Humax"),
            head("Sky_STB"),
            head("Sky_OTT"),
            head("SkyQ"),
            head("YouView"),
            head("TV Box"),
            head("TVBox"),
            head("MXQ"),
            head("X96"),
            head("H96"),
            head("T95"),
            head("Tanix"),
            head("MAG").cased().digit(),
            head("POV_TV"),
        ],
    )
    .unless(Marks::WINDOWS_PHONE),
    // Samsung's system runs on watches and, if the string has the word `Mobile`, on phones.
    Rule::device("other.tizen", Device::Other, &[])
        .all(Marks::TIZEN)
        .unless(Marks::MOBILE),
    Rule::device(
        "other.console",
        Device::Other,
        &[
            head("PlayStation"),
            word("PSP"),
            word("PS4"),
            word("PS5"),
            head("Xbox"),
            head("Nintendo"),
            word("Wii"),
            word("WiiU"),
            word("3DS"),
            head("NintendoBrowser"),
            head("Dreamcast"),
            head("DreamPassport"),
            head("DreamKey"),
            head("PlanetWeb"),
            head("OUYA"),
            head("Steam Deck"),
            head("GCW-Zero"),
            head("Pandora Console"),
            word("SHIELD").shaped(is_no_shield_tablet),
            head("Atari VCS"),
        ],
    ),
    Rule::device(
        "other.headset",
        Device::Other,
        &[
            head("OculusBrowser"),
            head("Oculus"),
            head("Quest").shaped(is_quest),
            word("VR"),
            head("Mobile VR"),
            head("Pico Neo"),
            head("PicoBrowser"),
            head("Pico").digit(),
            word("Pico 4"),
            head("A7H10"),
            head("HTC Vive"),
            head("VIVE Focus"),
            head("Wolvic"),
            head("HoloLens"),
            head("Magic Leap"),
            head("Helio/"),
            word("visionOS"),
            head("Vision Pro"),
            head("RealityDevice"),
            head("Glass").shaped(is_google_glass),
            head("GearVR"),
            head("Gear VR"),
        ],
    ),
    Rule::device(
        "other.watch",
        Device::Other,
        &[
            word("watchOS"),
            head("Watch").digit(),
            word("Watch"),
            head("AppleWatch"),
            head("Apple-Watch"),
            head("SM-R").digit(),
            head("SM-V7").digit(),
            head("Wear OS"),
            head("WearOS"),
            head("Galaxy Watch"),
            head("Pixel Watch"),
            head("OPPO Watch"),
            head("OW").cased().shaped(is_oppo_watch),
            head("OWW").cased(),
            head("TicWatch"),
            head("Smartwatch"),
            head("Moto 360"),
            head("Pebble"),
            head("LG Watch"),
            head("KW88"),
            head("Fossil"),
            head("OPWW"),
            head("SWR50"),
        ],
    ),
    Rule::device(
        "other.car",
        Device::Other,
        &[
            head("Tesla/"),
            head("Tesla QtCar"),
            head("QtCarBrowser"),
            word("Automotive"),
            head("Android Auto"),
            head("AndroidAuto"),
            head("CarPlay"),
            head("CarBrowser"),
            head("Polestar"),
            head("GENIVI"),
            head("MBUX"),
            word("IVI"),
            head("iDrive"),
            head("Vivaldi Auto"),
            word("Head Unit"),
        ],
    ),
    Rule::device(
        "other.speaker",
        Device::Other,
        &[
            head("Alexa/"),
            head("AlexaMedia"),
            head("AlexaWebMedia"),
            head("Echo/"),
            head("Echo Show"),
            head("AEO").cased().capital(),
            head("Google Home"),
            head("GoogleHome"),
            head("Nest Hub"),
            head("HomePod"),
            word("audioOS"),
            head("Sonos"),
            head("Squeezebox"),
            head("Portal+"),
        ],
    ),
    Rule::device(
        "other.camera",
        Device::Other,
        &[
            head("EK-GC").digit(),
            head("EK-GN").digit(),
            head("EK-KC").digit(),
            head("Galaxy Camera"),
            head("COOLPIX"),
            head("GoPro"),
        ],
    ),
    Rule::device(
        "other.appliance",
        Device::Other,
        &[
            head("Windows IoT"),
            head("FamilyHub"),
            head("Family Hub"),
            head("SmartFridge"),
            head("AppleCoreMedia/").shaped(is_apple_box),
            head("Peloton"),
            word("Portal").cased(),
            head("PortalTV"),
            head("PortalGo"),
        ],
    ),
    Rule::device("other.woothee", Device::Other, &[]).all(Marks::WOOTHEE_APPLIANCE),
];

/// Accepts `GoogleTV` and `LaTV`, but not the phone `STV100` or the tablet `BTV-W09`.
fn ends_a_name(agent: &[u8], start: usize, end: usize) -> bool {
    let after_small_letter = start
        .checked_sub(1)
        .is_some_and(|at| agent[at].is_ascii_lowercase());
    after_small_letter && !agent.get(end).is_some_and(u8::is_ascii_digit)
}

/// Accepts `Hisense … TV` and `SamsungBrowser/2.1 TV Safari`: televisions of makers of phones.
fn is_followed_by_tv(agent: &[u8], _: usize, end: usize) -> bool {
    let rest = &agent[end..agent.len().min(end + 32)];
    rest.windows(3)
        .any(|three| three == b" TV" || three == b"_TV")
}

/// Accepts `AQUOSBrowser` and `AQUOS-TVE22N`, but not the phones `AQUOS sense3` and `AQUOS R2`.
fn is_aquos_tv(agent: &[u8], _: usize, end: usize) -> bool {
    let rest = &agent[end..agent.len().min(end + 8)];
    [&b"Browser"[..], b"-TV", b"-4T", b" TV", b"; "]
        .iter()
        .any(|next| rest.starts_with(next))
}

/// Accepts `Quest`, `Quest 2` and `Quest Pro`, but no longer word that begins with `Quest`.
fn is_quest(agent: &[u8], _: usize, end: usize) -> bool {
    matches!(agent.get(end), None | Some(b' ' | b')' | b';'))
}

/// Accepts the television box and the console Shield, but not the tablet of the same name.
fn is_no_shield_tablet(agent: &[u8], _: usize, end: usize) -> bool {
    !agent[end..].to_ascii_lowercase().starts_with(b" tablet")
}

/// Accepts `Glass 1` and `Glass Enterprise Edition 2`.
fn is_google_glass(agent: &[u8], _: usize, end: usize) -> bool {
    let rest = &agent[end..];
    rest.starts_with(b" 1") || rest.starts_with(b" 2") || rest.starts_with(b" Enterprise")
}

/// Accepts `OW20W1`: two digits, `W`, a digit.
fn is_oppo_watch(agent: &[u8], _: usize, end: usize) -> bool {
    matches!(&agent[end..], [a, b, b'W', c, ..]
        if a.is_ascii_digit() && b.is_ascii_digit() && c.is_ascii_digit())
}

/// Accepts the media player of a box: `AppleCoreMedia/1.0 (Apple TV; …)`, `(HomePod; …)`.
fn is_apple_box(agent: &[u8], _: usize, end: usize) -> bool {
    let rest = &agent[end..agent.len().min(end + 48)];
    rest.windows(8).any(|eight| eight == b"Apple TV")
        || rest.windows(7).any(|seven| seven == b"HomePod")
}
