//! Tables of enti by category.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use affluenza_register::{Kind, Register};
use affluenza_store::figures::UsageCell;
use jiff::civil::Date;
use serde::Serialize;

use super::Kinds;
use crate::names::{self, CategoryName};
use crate::scope;

/// Unit of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Completed service uses.
    ServiceUses,
    /// Services offered.
    Services,
}

/// Code and name of an ente.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EnteName {
    /// IPA code, or a code that is not registered.
    pub ente: String,
    /// Name; the code if there is no name.
    pub ente_name: String,
    /// True if the ente is in the register.
    pub registered: bool,
}

impl EnteName {
    pub(crate) fn of(register: &Register, code: &str) -> Self {
        let known = register.ente(code);
        Self {
            ente: known.map_or(code, |ente| ente.code()).to_owned(),
            ente_name: known.map_or(code, |ente| ente.name()).to_owned(),
            registered: known.is_some(),
        }
    }

    /// Returns an ente that has only a code.
    pub(crate) fn unknown(code: &str) -> Self {
        Self {
            ente: code.to_owned(),
            ente_name: code.to_owned(),
            registered: false,
        }
    }
}

/// Counts of an ente.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CrossRow {
    /// Code and name of the ente.
    #[serde(flatten)]
    pub name: EnteName,
    /// Count by code of category, zeros included.
    pub by_category: BTreeMap<String, u64>,
    /// Sum over categories.
    pub total: u64,
    /// Part of the total that is payments.
    pub of_which_payments: u64,
    /// Part of the total that is bookings.
    pub of_which_bookings: u64,
}

/// Uses of an ente in the year and in the compared year.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EnteChange {
    /// Code and name of the ente.
    #[serde(flatten)]
    pub name: EnteName,
    /// Completed service uses.
    pub service_uses: u64,
    /// Service uses of the compared year.
    pub compared_service_uses: u64,
}

impl EnteChange {
    /// Returns the registered enti with use in either year, in the order of names.
    pub(crate) fn all(register: &Register, now: &[UsageCell], before: &[UsageCell]) -> Vec<Self> {
        let mut sums: BTreeMap<&str, [u64; 2]> = BTreeMap::new();
        for (year, cells) in [now, before].into_iter().enumerate() {
            for cell in cells {
                if let Some(ente) = register.ente(&cell.ente) {
                    sums.entry(ente.code()).or_default()[year] += cell.service_uses;
                }
            }
        }
        let used = sums.into_iter().filter(|(_, counts)| *counts != [0; 2]);
        let rows = used.map(|(code, [service_uses, compared_service_uses])| Self {
            name: EnteName::of(register, code),
            service_uses,
            compared_service_uses,
        });
        let mut rows: Vec<Self> = rows.collect();
        rows.sort_by(|a, b| a.name.ente_name.cmp(&b.name.ente_name));
        rows
    }
}

/// Uses of an ente in a category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CellRow {
    /// Code of the ente.
    pub ente: String,
    /// Name of the ente; the code if there is no name.
    pub ente_name: String,
    /// Code and names of the category.
    #[serde(flatten)]
    pub category: CategoryName,
    /// Uses by kind.
    #[serde(flatten)]
    pub kinds: Kinds,
}

/// Counts by ente and category. Rows and columns add up to the total.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CrossTable {
    /// Unit of the counts.
    pub unit: Unit,
    /// Columns: categories of the register in its order, then categories that are not registered.
    pub categories: Vec<CategoryName>,
    /// Rows: enti with a count, the greatest total first, then by name.
    pub enti: Vec<CrossRow>,
    /// Sum over enti, by code of category.
    pub by_category: BTreeMap<String, u64>,
    /// Sum of all counts.
    pub total: u64,
    /// Part of the total that is payments.
    pub of_which_payments: u64,
    /// Part of the total that is bookings.
    pub of_which_bookings: u64,
    /// Registered enti, valid on the last day of the year, without any count.
    pub enti_without: Vec<EnteName>,
}

/// Count of an ente in a category, of a kind.
struct EnteCount<'c> {
    ente: &'c str,
    category: &'c str,
    kind: &'c str,
    count: u64,
}

/// Counts of an ente in a category: all, payments, bookings.
type Counts = [u64; 3];

impl CrossTable {
    /// Builds service uses by ente and category, of one ente or of all.
    pub(crate) fn usage(
        register: &Register,
        last_day: Date,
        ente: Option<&str>,
        cells: &[UsageCell],
    ) -> Self {
        let cells = cells.iter().filter(|cell| cell.service_uses > 0);
        let parts = cells.map(|cell| EnteCount {
            ente: &cell.ente,
            category: &cell.category,
            kind: &cell.kind,
            count: cell.service_uses,
        });
        Self::build(register, last_day, ente, Unit::ServiceUses, parts)
    }

    /// Builds services offered on `day` by ente and category, of one ente or of all.
    pub(crate) fn offered(register: &Register, day: Date, ente: Option<&str>) -> Self {
        let deployments = scope::deployments(register, ente);
        let on_offer = deployments.filter(|deployment| deployment.validity.contains(day));
        let parts = on_offer.map(|deployment| EnteCount {
            ente: deployment.ente.code(),
            category: deployment.service.category_on(day).code(),
            kind: deployment.nature.into(),
            count: 1,
        });
        Self::build(register, day, ente, Unit::Services, parts)
    }

    fn build<'c>(
        register: &'c Register,
        last_day: Date,
        only: Option<&str>,
        unit: Unit,
        parts: impl Iterator<Item = EnteCount<'c>>,
    ) -> Self {
        let mut by_ente: BTreeMap<&str, BTreeMap<&str, Counts>> = BTreeMap::new();
        for part in parts {
            let row = by_ente
                .entry(names::ente_code(register, part.ente))
                .or_default();
            let [all, payments, bookings] = row
                .entry(names::category_code(register, part.category))
                .or_default();
            *all += part.count;
            match part.kind.parse() {
                Ok(Kind::Payment) => *payments += part.count,
                Ok(Kind::Booking) => *bookings += part.count,
                Ok(Kind::Plain) | Err(_) => {}
            }
        }
        let found = by_ente.values().flat_map(BTreeMap::keys);
        let categories = CategoryName::all(register, found.copied());
        let codes = categories.iter().map(|name| &name.category);
        let mut enti: Vec<CrossRow> = by_ente
            .iter()
            .map(|(ente, row)| {
                let [total, of_which_payments, of_which_bookings] = sum(row.values());
                let by_category = codes.clone().map(|code| {
                    let count = row.get(&**code).map_or(0, |counts| counts[0]);
                    (code.clone(), count)
                });
                CrossRow {
                    name: EnteName::of(register, ente),
                    by_category: by_category.collect(),
                    total,
                    of_which_payments,
                    of_which_bookings,
                }
            })
            .collect();
        enti.sort_by_cached_key(|row| (Reverse(row.total), row.name.ente_name.clone()));
        let by_category: BTreeMap<String, u64> = codes
            .map(|code| {
                let counts = by_ente.values().filter_map(|row| row.get(&**code));
                (code.clone(), counts.map(|counts| counts[0]).sum())
            })
            .collect();
        let mut enti_without: Vec<EnteName> = register
            .enti()
            .filter(|ente| only.is_none_or(|code| ente.code() == code))
            .filter(|ente| ente.validity().contains(last_day) && !by_ente.contains_key(ente.code()))
            .map(|ente| EnteName::of(register, ente.code()))
            .collect();
        enti_without.sort_by(|a, b| a.ente_name.cmp(&b.ente_name));
        let [total, of_which_payments, of_which_bookings] =
            sum(by_ente.values().flat_map(BTreeMap::values));
        debug_assert_eq!(by_category.values().sum::<u64>(), total, "columns add up");
        Self {
            unit,
            categories,
            enti,
            by_category,
            total,
            of_which_payments,
            of_which_bookings,
            enti_without,
        }
    }

    /// Returns the rows by code of the ente.
    pub(crate) fn by_ente(&self) -> BTreeMap<&str, &CrossRow> {
        let rows = self.enti.iter();
        rows.map(|row| (&*row.name.ente, row)).collect()
    }

    /// Returns the count of an ente in a category; 0 if there is no row.
    pub fn count(&self, ente: &str, category: &str) -> u64 {
        self.enti
            .iter()
            .find(|row| row.name.ente == ente)
            .and_then(|row| row.by_category.get(category).copied())
            .unwrap_or(0)
    }

    /// Returns the uses of each ente in each category by kind, in the order of the table. Pairs
    /// without uses are left out.
    pub(crate) fn cells(&self, register: &Register, cells: &[UsageCell]) -> Vec<CellRow> {
        let mut sums: BTreeMap<(&str, &str), Vec<&UsageCell>> = BTreeMap::new();
        for cell in cells.iter().filter(|cell| cell.service_uses > 0) {
            let ente = names::ente_code(register, &cell.ente);
            let category = names::category_code(register, &cell.category);
            sums.entry((ente, category)).or_default().push(cell);
        }
        let pairs = self.enti.iter().flat_map(|row| {
            self.categories
                .iter()
                .map(move |category| (&row.name, category))
        });
        pairs
            .filter_map(|(ente, category)| {
                let cells = sums.get(&(&*ente.ente, &*category.category))?;
                Some(CellRow {
                    ente: ente.ente.clone(),
                    ente_name: ente.ente_name.clone(),
                    category: category.clone(),
                    kinds: Kinds::sum(cells.iter().copied()),
                })
            })
            .collect()
    }
}

fn sum<'c>(counts: impl Iterator<Item = &'c Counts>) -> Counts {
    counts.fold([0; 3], |sum, counts| {
        [sum[0] + counts[0], sum[1] + counts[1], sum[2] + counts[2]]
    })
}
