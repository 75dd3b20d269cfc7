//! Changes by a restatement: compares the figures of successive closings of a year.

use std::collections::BTreeMap;

use affluenza_register::Register;
use affluenza_store::figures::YearFigures;
use serde::Serialize;

use crate::names::CategoryName;
use crate::scope;
use crate::seal::SealNote;
use crate::tables::EnteName;

/// Subject of a figure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "of", rename_all = "kebab-case")]
pub enum MovedPart {
    /// All service uses.
    ServiceUses,
    /// Service uses of a category.
    Category(CategoryName),
    /// Service uses of an ente.
    Ente(EnteName),
    /// Accesses by a class of device.
    Device {
        /// `desktop`, `smartphone`, `tablet`, `other` or `bot`.
        device: String,
    },
}

/// A figure that a restatement changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// Number of the seal that changed the figure.
    pub seal: u32,
    /// Time of that closing, RFC 3339.
    pub sealed_at: String,
    /// Cause of the restatement.
    pub cause: String,
    /// Subject of the figure.
    #[serde(flatten)]
    pub part: MovedPart,
    /// Uses or accesses in the previous closing.
    pub before: u64,
    /// Uses or accesses in this closing.
    pub after: u64,
}

impl Moved {
    /// Returns the change from before to after.
    pub fn difference(&self) -> i64 {
        self.after.cast_signed() - self.before.cast_signed()
    }
}

/// Figures by subject: group and stored code.
type Parts = BTreeMap<(u8, String), u64>;

/// Returns the figures that each closing of a year changed from the previous one, in the order of
/// closings. With `ente`, only its figures are compared.
pub fn moved(
    closings: &[(&SealNote, &YearFigures)],
    ente: Option<&str>,
    register: &Register,
) -> Vec<Moved> {
    let closings = closings.iter().map(|(note, figures)| {
        let parts = match ente {
            None => parts(figures),
            Some(code) => parts(&scope::of_ente(figures, register, code)),
        };
        (*note, parts)
    });
    let closings: Vec<(&SealNote, Parts)> = closings.collect();
    let pairs = closings.iter().zip(closings.iter().skip(1));
    let moved = pairs.flat_map(|((_, before), (note, after))| {
        let mut keys: Vec<&(u8, String)> = before.keys().chain(after.keys()).collect();
        keys.sort_unstable();
        keys.dedup();
        let changed = keys.into_iter().filter_map(|key| {
            let [then, now] = [before, after].map(|parts| parts.get(key).copied().unwrap_or(0));
            // The total of one ente would repeat the row of the ente.
            let is_double = ente.is_some() && key.0 == ENTE;
            (then != now && !is_double).then(|| Moved {
                seal: note.number,
                sealed_at: note.sealed_at.clone(),
                cause: note.cause.clone(),
                part: part(key.0, &key.1, register),
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

fn part(kind: u8, code: &str, register: &Register) -> MovedPart {
    match kind {
        TOTAL => MovedPart::ServiceUses,
        CATEGORY => MovedPart::Category(CategoryName::of(register, code)),
        // A code that has since become an alias of an ente is shown as it was printed then.
        ENTE => MovedPart::Ente(match register.ente(code) {
            Some(known) if known.code() != code => EnteName::unknown(code),
            _ => EnteName::of(register, code),
        }),
        _ => MovedPart::Device {
            device: code.to_owned(),
        },
    }
}
