//! Personal computers and the fallback rules.

use crate::device::class::{BotClass, Device};
use crate::device::rule::{Marks, Rule};
use crate::device::token::{head, start, word};

/// Operating systems and browsers that exist only on computers.
pub(crate) const RULES: &[Rule] = &[
    // Chromium on a computer always names the computer.
    Rule::bot("bot.no-platform", BotClass::Other, &[])
        .all(Marks::MOZILLA)
        .unless(
            Marks::ANY_SYSTEM
                .and(Marks::MSIE)
                .and(Marks::OPERA)
                .and(Marks::OLD_BROWSER),
        ),
    Rule::device("desktop.windows", Device::Desktop, &[])
        .all(Marks::WINDOWS)
        .either(Marks::PC_BROWSER)
        .by_convention(),
    Rule::device("desktop.mac", Device::Desktop, &[])
        .all(Marks::MAC)
        .either(Marks::PC_BROWSER)
        .by_convention(),
    Rule::device("desktop.unix", Device::Desktop, &[])
        .all(Marks::UNIX)
        .either(Marks::PC_BROWSER)
        .by_convention(),
    Rule::device("desktop.linux", Device::Desktop, &[])
        .all(Marks::LINUX)
        .either(Marks::PC_BROWSER)
        .by_convention(),
    Rule::device("desktop.openharmony", Device::Desktop, &[]).all(Marks::PC_WORD),
    Rule::device(
        "desktop.text-browser",
        Device::Desktop,
        &[
            start("Lynx/"),
            start("Links ("),
            start("Links/"),
            start("ELinks"),
            start("w3m/"),
            start("Dillo/"),
            start("NetSurf"),
            start("Emacs"),
            start("edbrowse"),
            start("Konqueror"),
            head("Midori"),
            head("Xombrero"),
            head("Uzbl"),
            head("Arora"),
            head("Epiphany"),
            head("Galeon"),
            head("Iceweasel"),
            head("Contiki"),
        ],
    ),
    // Mail, office and file programs do not begin with `Mozilla`, but name the system.
    Rule::device("desktop.app", Device::Desktop, &[]).either(Marks::WINDOWS.and(Marks::MAC)),
];

/// The last rules, for strings that no other rule decides.
pub(crate) const FALLBACK: &[Rule] = &[
    Rule::device("phone.woothee", Device::Smartphone, &[])
        .either(Marks::WOOTHEE_MOBILEPHONE.and(Marks::WOOTHEE_SMARTPHONE)),
    Rule::bot("bot.woothee-misc", BotClass::Library, &[]).all(Marks::WOOTHEE_MISC),
    Rule::device(
        "desktop.woothee",
        Device::Desktop,
        &[word("Safari"), head("Gecko"), head("MSIE"), head("Opera")],
    )
    .all(Marks::WOOTHEE_PC),
];
