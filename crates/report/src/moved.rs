//! What a restatement moved: the figures of two closings of a year, side by side.

use std::collections::BTreeMap;

use affluenza_register::Register;
use affluenza_store::figures::{Counted, YearFigures};
use serde::Serialize;

use crate::names::CategoryName;
use crate::scope;
use crate::seal::{SealNote, SealedYear};
use crate::tables::EnteName;

/// What a figure is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "of", rename_all = "kebab-case")]
pub enum MovedPart {
    /// All service uses.
    ServiceUses,
    /// The service uses of a category.
    Category(CategoryName),
    /// The service uses of an ente.
    Ente(EnteName),
    /// The accesses by a class of device.
    Device {
        /// `desktop`, `smartphone`, `tablet`, `other` or `bot`.
        device: String,
    },
}

/// A figure that a restatement changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// The closing that changed it.
    pub seal: u32,
    /// When that was, RFC 3339.
    pub sealed_at: String,
    /// Why.
    pub cause: String,
    /// What it is of.
    #[serde(flatten)]
    pub part: MovedPart,
    /// As the closing before had it; uses or accesses.
    pub before: u64,
    /// As this one has it.
    pub after: u64,
}

impl Moved {
    /// By how much.
    pub fn difference(&self) -> i64 {
        self.after.cast_signed() - self.before.cast_signed()
    }
}

/// Figures by what they are of, as they were stored.
type Parts = BTreeMap<(u8, String), u64>;

/// The figures that the closings of a year changed, each against the one before it, the first
/// closing first. Of one ente where one is asked for, and nothing of closings that do not say
/// whose their figures are.
pub fn moved(
    closings: &[(SealNote, SealedYear)],
    counted: Counted,
    ente: Option<&str>,
    register: &Register,
) -> Vec<Moved> {
    let parts = |sealed: &SealedYear| {
        let figures = sealed.figures.of(counted);
        match ente {
            None => Some(parts(figures)),
            Some(code) => scope::of_ente(figures, register, code)
                .ok()
                .map(|own| self::parts(&own)),
        }
    };
    let pairs = closings.iter().zip(closings.iter().skip(1));
    let pairs = pairs
        .filter_map(|((_, before), (note, after))| Some((parts(before)?, note, parts(after)?)));
    let moved = pairs.flat_map(|(before, note, after)| {
        let mut keys: Vec<&(u8, String)> = before.keys().chain(after.keys()).collect();
        keys.sort_unstable();
        keys.dedup();
        let get = |parts: &Parts, key| parts.get(key).copied().unwrap_or(0);
        let changed = keys.into_iter().filter_map(|key| {
            let (then, now) = (get(&before, key), get(&after, key));
            // The total of one ente is the ente itself.
            let is_double = ente.is_some() && key.0 == ENTE;
            (then != now && !is_double).then(|| Moved {
                seal: note.number,
                sealed_at: note.sealed_at.clone(),
                cause: note.cause.clone(),
                part: part(key, register),
                before: then,
                after: now,
            })
        });
        changed.collect::<Vec<_>>()
    });
    moved.collect()
}

const TOTAL: u8 = 0;
const CATEGORY: u8 = 1;
const ENTE: u8 = 2;
const DEVICE: u8 = 3;

fn parts(figures: &YearFigures) -> Parts {
    let mut parts = Parts::new();
    for cell in &figures.usage {
        for key in [
            (TOTAL, String::new()),
            (CATEGORY, cell.category.clone()),
            (ENTE, cell.ente.clone()),
        ] {
            *parts.entry(key).or_default() += cell.service_uses;
        }
    }
    for row in &figures.devices {
        *parts.entry((DEVICE, row.device.clone())).or_default() += row.accesses;
    }
    parts
}

fn part((kind, code): &(u8, String), register: &Register) -> MovedPart {
    match *kind {
        TOTAL => MovedPart::ServiceUses,
        CATEGORY => MovedPart::Category(CategoryName::of(register, code)),
        // A code that has become another name of an ente is still what was printed then.
        ENTE => MovedPart::Ente(match register.ente(code) {
            Some(known) if known.code() != code => EnteName::unknown(code),
            _ => EnteName::of(register, code),
        }),
        _ => MovedPart::Device {
            device: code.clone(),
        },
    }
}
