//! Client hints: headers and values that describe a browser in addition to the user agent.

use std::ops::BitOr;

use super::class::{Device, RuleId};
use super::family::OsFamily;

/// The set of values listed in `Sec-CH-UA-Form-Factors`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct FormFactors(u8);

impl FormFactors {
    /// The empty set: no header, or no known value.
    pub const NONE: Self = Self(0);
    /// `"Desktop"`.
    pub const DESKTOP: Self = Self(1);
    /// `"Automotive"`.
    pub const AUTOMOTIVE: Self = Self(1 << 1);
    /// `"Mobile"`.
    pub const MOBILE: Self = Self(1 << 2);
    /// `"Tablet"`.
    pub const TABLET: Self = Self(1 << 3);
    /// `"XR"`: a virtual or augmented reality headset.
    pub const XR: Self = Self(1 << 4);
    /// `"EInk"`.
    pub const EINK: Self = Self(1 << 5);
    /// `"Watch"`.
    pub const WATCH: Self = Self(1 << 6);

    /// Parses a header value such as `"Tablet", "EInk"`. Skips unknown entries.
    #[must_use]
    pub fn parse(header: &str) -> Self {
        header
            .split(',')
            .map(|entry| {
                let known = [
                    ("desktop", Self::DESKTOP),
                    ("automotive", Self::AUTOMOTIVE),
                    ("mobile", Self::MOBILE),
                    ("tablet", Self::TABLET),
                    ("xr", Self::XR),
                    ("eink", Self::EINK),
                    ("watch", Self::WATCH),
                ];
                by_name(&known, unquote(entry)).unwrap_or(Self::NONE)
            })
            .fold(Self::NONE, BitOr::bitor)
    }

    const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl BitOr for FormFactors {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The operating system named in `Sec-CH-UA-Platform`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ClientPlatform {
    /// No header, or `"Unknown"`.
    #[default]
    Unknown = 0,
    /// `"Android"`.
    Android = 1,
    /// `"iOS"`.
    Ios = 2,
    /// `"Windows"`.
    Windows = 3,
    /// `"macOS"`.
    Macos = 4,
    /// `"Linux"`.
    Linux = 5,
    /// `"Chrome OS"` and `"Chromium OS"`.
    ChromeOs = 6,
    /// Any other name.
    Other = 7,
}

impl ClientPlatform {
    /// Parses a header value such as `"Android"`.
    #[must_use]
    pub fn parse(header: &str) -> Self {
        let known = [
            ("", Self::Unknown),
            ("unknown", Self::Unknown),
            ("android", Self::Android),
            ("ios", Self::Ios),
            ("windows", Self::Windows),
            ("macos", Self::Macos),
            ("mac os x", Self::Macos),
            ("linux", Self::Linux),
            ("chrome os", Self::ChromeOs),
            ("chromium os", Self::ChromeOs),
        ];
        by_name(&known, unquote(header)).unwrap_or(Self::Other)
    }
}

/// Client hints in four bytes; [`Hints::NONE`] if the browser sent none.
///
/// ```
/// use affluenza_classify::device::{classify, Device, Hints};
///
/// // An iPad asking for desktop pages can be told from a Mac by its touch screen only.
/// let agent = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 \
///              (KHTML, like Gecko) Version/17.5 Safari/605.1.15";
/// assert_eq!(classify(agent, &Hints::NONE).device, Device::Desktop);
/// assert_eq!(classify(agent, &Hints::NONE.touch_points(5)).device, Device::Tablet);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Hints {
    form_factors: FormFactors,
    mobile: Option<bool>,
    platform: ClientPlatform,
    has_touch: bool,
}

/// Minimum of touch points that counts as a touch screen. A Mac has none, but some desktop browsers
/// report one.
const TOUCH_POINTS_MIN: u32 = 2;

impl Hints {
    /// No hints.
    pub const NONE: Self = Self {
        form_factors: FormFactors::NONE,
        mobile: None,
        platform: ClientPlatform::Unknown,
        has_touch: false,
    };

    /// Sets the header `Sec-CH-UA-Form-Factors`, such as `"Tablet"`.
    #[must_use]
    pub fn form_factors(mut self, header: &str) -> Self {
        self.form_factors = FormFactors::parse(header);
        self
    }

    /// Sets the header `Sec-CH-UA-Mobile`: `?1` or `?0`.
    #[must_use]
    pub fn mobile(mut self, header: &str) -> Self {
        self.mobile = match unquote(header) {
            "?1" | "1" | "true" => Some(true),
            "?0" | "0" | "false" => Some(false),
            _ => None,
        };
        self
    }

    /// Sets the header `Sec-CH-UA-Platform`, such as `"Android"`.
    #[must_use]
    pub fn platform(mut self, header: &str) -> Self {
        self.platform = ClientPlatform::parse(header);
        self
    }

    /// Sets `navigator.maxTouchPoints`, as read by a script on the page.
    #[must_use]
    pub const fn touch_points(mut self, count: u32) -> Self {
        self.has_touch = count >= TOUCH_POINTS_MIN;
        self
    }

    /// True if there are no hints.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::NONE
    }

    /// Encodes the hints as a number for cache keys. Different hints have different numbers.
    pub(super) const fn bits(self) -> u32 {
        let mobile = match self.mobile {
            None => 0,
            Some(false) => 1,
            Some(true) => 2,
        };
        u32::from_le_bytes([
            self.form_factors.0,
            mobile,
            self.platform as u8,
            self.has_touch as u8,
        ])
    }
}

/// Returns the value with this name, case-insensitively and without allocation.
fn by_name<T: Copy>(known: &[(&str, T)], name: &str) -> Option<T> {
    let found = known
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, value)| *value)
}

fn unquote(text: &str) -> &str {
    text.trim().trim_matches('"').trim()
}

/// The verdict on the user agent alone, reduced to what [`refine`] needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct BeforeHints {
    pub(super) device: Device,
    /// True if the rule is a convention that browsers do not always follow (no word `Mobile`, a
    /// desktop string), rather than the name of a device.
    pub(super) by_convention: bool,
    pub(super) is_macintosh: bool,
    pub(super) no_agent: bool,
}

/// All rules of this layer, for the list of rule names.
pub(super) const RULES: [RuleId; 8] = [
    FORM_FACTOR_OTHER,
    FORM_FACTOR_TABLET,
    FORM_FACTOR_MOBILE,
    FORM_FACTOR_DESKTOP,
    TOUCH_MACINTOSH,
    MOBILE,
    PLATFORM_MOBILE,
    PLATFORM_DESKTOP,
];

const FORM_FACTOR_OTHER: RuleId = RuleId::new("hint.form-factor-other");
const FORM_FACTOR_TABLET: RuleId = RuleId::new("hint.form-factor-tablet");
const FORM_FACTOR_MOBILE: RuleId = RuleId::new("hint.form-factor-mobile");
const FORM_FACTOR_DESKTOP: RuleId = RuleId::new("hint.form-factor-desktop");
const TOUCH_MACINTOSH: RuleId = RuleId::new("hint.touch-macintosh");
const MOBILE: RuleId = RuleId::new("hint.mobile");
const PLATFORM_MOBILE: RuleId = RuleId::new("hint.platform-mobile");
const PLATFORM_DESKTOP: RuleId = RuleId::new("hint.platform-desktop");

/// Returns the device according to the hints, if they change the verdict.
///
/// Bots remain bots; televisions, consoles and other named devices also keep their class. Form
/// factors take precedence, then touch on a Macintosh. The weaker hints apply only if the rule of
/// the user agent is a convention.
pub(super) fn refine(hints: Hints, before: BeforeHints) -> Option<(Device, RuleId)> {
    let is_ordinary = matches!(
        before.device,
        Device::Desktop | Device::Smartphone | Device::Tablet
    );
    if hints.is_empty() || !(is_ordinary || before.no_agent) {
        return None;
    }
    let (device, rule) = by_form_factor(hints.form_factors)
        .or_else(|| {
            let is_tablet = hints.has_touch && before.is_macintosh;
            is_tablet.then_some((Device::Tablet, TOUCH_MACINTOSH))
        })
        .or_else(|| by_platform(hints, before))?;
    (device != before.device).then_some((device, rule))
}

/// Returns the operating system according to the hints, after a hint decided the device.
pub(super) fn system(hints: Hints, rule: RuleId) -> Option<OsFamily> {
    match hints.platform {
        _ if rule == TOUCH_MACINTOSH => Some(OsFamily::Ios),
        ClientPlatform::Android => Some(OsFamily::Android),
        ClientPlatform::Ios => Some(OsFamily::Ios),
        ClientPlatform::Windows => Some(OsFamily::Windows),
        ClientPlatform::Macos => Some(OsFamily::Macos),
        ClientPlatform::Linux | ClientPlatform::ChromeOs => Some(OsFamily::Linux),
        ClientPlatform::Unknown | ClientPlatform::Other => None,
    }
}

fn by_form_factor(factors: FormFactors) -> Option<(Device, RuleId)> {
    let table = [
        (
            FormFactors::XR | FormFactors::WATCH | FormFactors::AUTOMOTIVE,
            (Device::Other, FORM_FACTOR_OTHER),
        ),
        (
            FormFactors::TABLET | FormFactors::EINK,
            (Device::Tablet, FORM_FACTOR_TABLET),
        ),
        (
            FormFactors::MOBILE,
            (Device::Smartphone, FORM_FACTOR_MOBILE),
        ),
        (FormFactors::DESKTOP, (Device::Desktop, FORM_FACTOR_DESKTOP)),
    ];
    let found = table.into_iter().find(|(factor, _)| factors.has(*factor));
    found.map(|(_, decision)| decision)
}

fn by_platform(hints: Hints, before: BeforeHints) -> Option<(Device, RuleId)> {
    if !(before.by_convention || before.no_agent) {
        return None;
    }
    match (hints.mobile, hints.platform) {
        (Some(true), _) => Some((Device::Smartphone, MOBILE)),
        // Tablets request desktop pages: `mobile` is false, but the system is a mobile one.
        (Some(false), ClientPlatform::Android | ClientPlatform::Ios) => {
            Some((Device::Tablet, PLATFORM_MOBILE))
        }
        (None, ClientPlatform::Android | ClientPlatform::Ios)
            if before.device == Device::Desktop =>
        {
            Some((Device::Tablet, PLATFORM_MOBILE))
        }
        (
            Some(false) | None,
            ClientPlatform::Windows
            | ClientPlatform::Macos
            | ClientPlatform::Linux
            | ClientPlatform::ChromeOs,
        ) if before.no_agent => Some((Device::Desktop, PLATFORM_DESKTOP)),
        _ => None,
    }
}
