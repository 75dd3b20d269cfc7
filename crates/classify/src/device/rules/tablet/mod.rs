//! Tablets and e-readers: by the maker's model numbers, by word, by convention.
//!
//! Some browsers always send `Mobile` (UC, QQ, Quark, Huawei's own, many apps), so the rules name
//! families of models. Android's convention is enough for all other browsers.

mod makers;
mod others;
mod shapes;

use crate::device::class::Device;
use crate::device::rule::{Marks, Rule};
use crate::device::token::{head, part, start, tail, word};

use shapes::is_puffin_tablet;

use makers::{AMAZON, APPLE, ASUS, E_READERS, GOOGLE, HUAWEI, LENOVO, SAMSUNG, SONY_LG, XIAOMI};
use others::OTHER_MAKERS;

const WORDS: Rule = Rule::device(
    "tablet.word",
    Device::Tablet,
    &[
        word("Tablet"),
        head("Tablet-"),
        tail("Tablet"),
        word("Tab"),
        tail("Tab").cased(),
        tail("TAB").cased(),
        word("Pad"),
        tail("Pad").cased(),
        tail("PAD").cased(),
        word("apad"),
        head("Tablette"),
        head("Opera Tablet"),
    ],
)
.unless(
    Marks::TABLET_PC
        .and(Marks::WINDOWS)
        .and(Marks::MAC)
        .and(Marks::UNIX),
);

pub(crate) const RULES: &[Rule] = &[
    APPLE,
    AMAZON,
    E_READERS,
    SAMSUNG,
    LENOVO,
    HUAWEI,
    XIAOMI,
    ASUS,
    GOOGLE,
    SONY_LG,
    OTHER_MAKERS,
    WORDS,
    Rule::device(
        "tablet.firefox",
        Device::Tablet,
        &[start("Mozilla/5.0 (Tablet"), part("; Tablet;")],
    ),
    // Puffin's version ends in the platform (A or I) and, on tablets, in T.
    Rule::device(
        "tablet.puffin",
        Device::Tablet,
        &[head("Puffin/").shaped(is_puffin_tablet)],
    ),
    Rule::device("tablet.windows-rt", Device::Tablet, &[])
        .all(
            Marks::WINDOWS
                .and(Marks::ARM)
                .and(Marks::TOUCH)
                .and(Marks::MSIE),
        )
        .unless(Marks::WINDOWS_PHONE),
];
