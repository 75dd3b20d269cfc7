//! The form of a rule: a named entry of a table.

use std::fmt;
use std::ops::BitOr;

use super::class::{BotClass, Device};
use super::token::Token;

/// The layers of rules, in the order of evaluation. The first rule that holds decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Layer {
    /// Bots by name, by word and by convention.
    Bot,
    /// Televisions, consoles, cars, watches, headsets, speakers, cameras.
    Other,
    /// Tablets and e-readers by name.
    Tablet,
    /// Phones by name.
    Phone,
    /// Tablets and phones by words that their browsers send or omit.
    Convention,
    /// Personal computers.
    Desktop,
    /// Results of `woothee`, and strings that no rule knows.
    Fallback,
    /// Client hints.
    Hint,
}

/// The result of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Says {
    Bot(BotClass),
    Is(Device),
}

/// A rule. It holds if all its conditions hold:
///
/// - one of the tokens `any` occurs, or `any` is empty;
/// - all marks of `all` are set;
/// - one of the marks `either` is set, or `either` is empty;
/// - no mark of `unless` is set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    pub(crate) id: &'static str,
    pub(crate) says: Says,
    pub(crate) any: &'static [Token],
    pub(crate) all: Marks,
    pub(crate) either: Marks,
    pub(crate) unless: Marks,
    /// True for a convention rather than the name of a device. Weak client hints may override it.
    pub(crate) by_convention: bool,
}

impl Rule {
    const fn new(id: &'static str, says: Says, any: &'static [Token]) -> Self {
        Self {
            id,
            says,
            any,
            all: Marks::NONE,
            either: Marks::NONE,
            unless: Marks::NONE,
            by_convention: false,
        }
    }

    pub(crate) const fn bot(id: &'static str, class: BotClass, any: &'static [Token]) -> Self {
        Self::new(id, Says::Bot(class), any)
    }

    pub(crate) const fn device(id: &'static str, device: Device, any: &'static [Token]) -> Self {
        Self::new(id, Says::Is(device), any)
    }

    pub(crate) const fn all(mut self, marks: Marks) -> Self {
        self.all = marks;
        self
    }

    pub(crate) const fn either(mut self, marks: Marks) -> Self {
        self.either = marks;
        self
    }

    pub(crate) const fn unless(mut self, marks: Marks) -> Self {
        self.unless = marks;
        self
    }

    pub(crate) const fn by_convention(mut self) -> Self {
        self.by_convention = true;
        self
    }

    /// True if the rule holds for a string with these marks. `found` is true if one of its tokens
    /// occurs.
    #[inline]
    pub(crate) const fn holds(&self, found: bool, marks: Marks) -> bool {
        (found || self.any.is_empty())
            && marks.has_all(self.all)
            && (self.either.is_empty() || marks.has_any(self.either))
            && !marks.has_any(self.unless)
    }
}

/// A set of properties of a user agent that rules check in addition to their own tokens.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Marks(u64);

macro_rules! marks {
    ($($(#[$doc:meta])* $name:ident = $bit:literal;)+) => {
        impl Marks {
            $($(#[$doc])* pub(crate) const $name: Self = Self(1 << $bit);)+
        }
    };
}

marks! {
    // Operating systems.
    ANDROID = 0;
    IOS = 1;
    WINDOWS = 2;
    MAC = 3;
    /// X11, Linux on computers, the BSDs and Chrome OS.
    UNIX = 4;
    WINDOWS_PHONE = 5;
    /// Any other system of phones or palmtops: Symbian, Windows CE, Palm OS…
    PALMTOP = 6;
    TIZEN = 7;
    /// The word `Linux`, which televisions and set-top boxes send.
    LINUX = 8;

    // Engines and browsers.
    /// The string begins with `Mozilla/`.
    MOZILLA = 10;
    WEBKIT = 11;
    /// `Gecko/` with a version, but not `like Gecko`.
    GECKO = 12;
    CHROME = 13;
    SAFARI = 14;
    FIREFOX = 15;
    OPERA = 16;
    EDGE = 17;
    MSIE = 18;
    SAMSUNG_BROWSER = 19;
    /// A browser with its own name and the engine of another browser.
    OTHER_BROWSER = 20;
    /// An old browser that sent `compatible;`, as bots do today.
    OLD_BROWSER = 21;

    // Words.
    /// The word `Mobile`, which Android phones and all iOS devices send.
    MOBILE = 30;
    COMPATIBLE = 31;
    /// A word that occurs only in web views of apps.
    IN_APP = 32;
    /// Phones of the maker Cubot, whose name contains `bot`.
    CUBOT = 33;
    /// The web address of a browser's maker, not of a bot's operator.
    MAKER_ADDRESS = 34;
    ARM = 35;
    TOUCH = 36;
    /// Windows software that sends `Tablet PC` on every computer.
    TABLET_PC = 37;
    MACINTOSH = 38;
    OPERA_MINI = 39;
    /// A word of phones only, for strings where the convention of Android does not hold.
    PHONE_WORD = 40;
    /// The word that OpenHarmony sends on a computer.
    PC_WORD = 41;
    /// Android before 3.0, which did not support tablets.
    OLD_ANDROID = 42;

    // Categories found by woothee.
    WOOTHEE_PC = 50;
    WOOTHEE_SMARTPHONE = 51;
    WOOTHEE_MOBILEPHONE = 52;
    WOOTHEE_CRAWLER = 53;
    WOOTHEE_APPLIANCE = 54;
    WOOTHEE_MISC = 55;
}

impl Marks {
    pub(crate) const NONE: Self = Self(0);
    /// All operating systems.
    pub(crate) const ANY_SYSTEM: Self = Self(0b1_1111_1111);

    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) const fn has_any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(crate) const fn has_all(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Marks of desktop browsers, each of which has at least one of them.
    pub(crate) const PC_BROWSER: Self = Self::MOZILLA.and(Self::OPERA).and(Self::OLD_BROWSER);

    /// The union. Constants cannot use the operator `|`.
    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOr for Marks {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.and(other)
    }
}

impl fmt::Debug for Marks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Marks({:#x})", self.0)
    }
}
