//! The shape of a rule: one named entry of a table.

use std::fmt;
use std::ops::BitOr;

use super::class::{BotClass, Device};
use super::token::Token;

/// The layers, in the order they are asked. The first rule that holds decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Layer {
    /// Names, words and conventions of bots.
    Bot,
    /// Televisions, consoles, cars, watches, headsets, speakers, cameras.
    Other,
    /// Tablets and e-readers by name.
    Tablet,
    /// Phones by name.
    Phone,
    /// Tablets and phones by what their browsers say or leave out.
    Convention,
    /// Personal computers.
    Desktop,
    /// What `woothee` says, and what nobody knows.
    Fallback,
    /// Client hints.
    Hint,
}

/// What a rule makes of a user agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Says {
    Bot(BotClass),
    Is(Device),
}

/// One rule: it holds if one of `any` is found (or `any` is empty), every mark of
/// `all` is there, at least one of `either` (or `either` is empty), none of `unless`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    pub(crate) id: &'static str,
    pub(crate) says: Says,
    pub(crate) any: &'static [Token],
    pub(crate) all: Marks,
    pub(crate) either: Marks,
    pub(crate) unless: Marks,
    /// A convention, not the name of a device: weak client hints may overrule it.
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

    /// Whether the rule holds for a string with these marks; `found` says whether one
    /// of its tokens is in it.
    #[inline]
    pub(crate) const fn holds(&self, found: bool, marks: Marks) -> bool {
        (found || self.any.is_empty())
            && marks.has_all(self.all)
            && (self.either.is_empty() || marks.has_any(self.either))
            && !marks.has_any(self.unless)
    }
}

/// What rules ask about a user agent beside their own tokens, as a set.
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
    // Systems.
    ANDROID = 0;
    IOS = 1;
    WINDOWS = 2;
    MAC = 3;
    /// X11, Linux on computers, the BSDs, Chrome OS.
    UNIX = 4;
    WINDOWS_PHONE = 5;
    /// Any other system of a phone or a palmtop: Symbian, Windows CE, Palm OS…
    PALMTOP = 6;
    TIZEN = 7;
    /// The bare word `Linux`, as televisions and set-top boxes have it.
    LINUX = 8;

    // Engines and browsers.
    /// Begins with `Mozilla/`.
    MOZILLA = 10;
    WEBKIT = 11;
    /// `Gecko/` with a version, not `like Gecko`.
    GECKO = 12;
    CHROME = 13;
    SAFARI = 14;
    FIREFOX = 15;
    OPERA = 16;
    EDGE = 17;
    MSIE = 18;
    SAMSUNG_BROWSER = 19;
    /// A browser of its own name on another's engine.
    OTHER_BROWSER = 20;
    /// An old browser that said `compatible;` as bots do now.
    OLD_BROWSER = 21;

    // Words.
    /// `Mobile`, as Android phones and all of iOS say it.
    MOBILE = 30;
    COMPATIBLE = 31;
    /// A word that shows only what a real browser within an app shows.
    IN_APP = 32;
    /// Phones of the maker Cubot.
    CUBOT = 33;
    /// The address of a browser's maker, not of a bot's.
    MAKER_ADDRESS = 34;
    ARM = 35;
    TOUCH = 36;
    /// Windows software that says `Tablet PC` on every computer.
    TABLET_PC = 37;
    MACINTOSH = 38;
    OPERA_MINI = 39;
    /// A word of phones only, where the convention of Android does not hold.
    PHONE_WORD = 40;
    /// OpenHarmony's word for a computer.
    PC_WORD = 41;
    /// Android before 3.0, which had no tablets of its own.
    OLD_ANDROID = 42;

    // What woothee says.
    WOOTHEE_PC = 50;
    WOOTHEE_SMARTPHONE = 51;
    WOOTHEE_MOBILEPHONE = 52;
    WOOTHEE_CRAWLER = 53;
    WOOTHEE_APPLIANCE = 54;
    WOOTHEE_MISC = 55;
}

impl Marks {
    pub(crate) const NONE: Self = Self(0);
    /// Any system that people use.
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

    /// Any engine of a browser for computers.
    pub(crate) const PC_BROWSER: Self = Self::MOZILLA.and(Self::OPERA).and(Self::OLD_BROWSER);

    /// The union, also where `|` cannot be used: in constants.
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
