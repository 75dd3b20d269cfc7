//! Accesses from Italy and abroad.

use affluenza_store::figures::CountryUse;
use serde::Serialize;

use crate::ratio::share_percent;

/// Country code of Italy.
const ITALY: &str = "IT";

/// Accesses from inside and outside Italy.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Places {
    /// Accesses from Italy.
    pub italy_accesses: u64,
    /// Accesses from other known countries.
    pub abroad_accesses: u64,
    /// Accesses without a known country. They are in no share.
    pub unknown_accesses: u64,
    /// Share of Italy among the accesses with a known country, in percent; `None` without any.
    pub italy_share_percent: Option<f64>,
    /// Share of all other countries among the accesses with a known country, in percent.
    pub abroad_share_percent: Option<f64>,
}

impl Places {
    pub(crate) fn build(countries: &[CountryUse]) -> Self {
        let (mut italy, mut abroad, mut unknown) = (0, 0, 0);
        for row in countries {
            match &*row.country {
                ITALY => italy += row.accesses,
                "" => unknown += row.accesses,
                _ => abroad += row.accesses,
            }
        }
        Self {
            italy_accesses: italy,
            abroad_accesses: abroad,
            unknown_accesses: unknown,
            italy_share_percent: share_percent(italy, italy + abroad),
            abroad_share_percent: share_percent(abroad, italy + abroad),
        }
    }
}
