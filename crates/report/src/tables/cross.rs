//! Tables of enti by category.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use affluenza_register::Register;
use affluenza_store::figures::UsageCell;
use jiff::civil::Date;
use serde::Serialize;

use crate::names::{self, CategoryName};

/// What a table counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Completed service uses.
    ServiceUses,
    /// Services offered.
    Services,
}

/// An ente.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EnteName {
    /// IPA code, or a code that the register does not know.
    pub ente: String,
    /// Name; the code where there is none.
    pub ente_name: String,
    /// Whether the register knows it.
    pub registered: bool,
}

impl EnteName {
    fn of(register: &Register, code: &str) -> Self {
        let known = register.ente(code);
        Self {
            ente: known.map_or(code, |ente| ente.code()).to_owned(),
            ente_name: known.map_or(code, |ente| ente.name()).to_owned(),
            registered: known.is_some(),
        }
    }
}

/// The counts of an ente.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CrossRow {
    /// Which ente.
    #[serde(flatten)]
    pub name: EnteName,
    /// Count by code of category, zeros included.
    pub by_category: BTreeMap<String, u64>,
    /// The sum over categories.
    pub total: u64,
}

/// Counts by ente and category. Rows and columns add up to the total.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CrossTable {
    /// What is counted.
    pub unit: Unit,
    /// The columns: categories of the register in its order, then those that it does not know.
    pub categories: Vec<CategoryName>,
    /// The rows: enti with a count, greatest total first, then by name.
    pub enti: Vec<CrossRow>,
    /// The sum over enti by code of category.
    pub by_category: BTreeMap<String, u64>,
    /// The sum of all.
    pub total: u64,
    /// Registered enti, there on the last day of the year, that have no count at all.
    pub enti_without: Vec<EnteName>,
}

impl CrossTable {
    /// Service uses by ente and category.
    pub(crate) fn usage(register: &Register, last_day: Date, cells: &[UsageCell]) -> Self {
        let cells = cells.iter().filter(|cell| cell.service_uses > 0);
        let counts = cells.map(|cell| (&*cell.ente, &*cell.category, cell.service_uses));
        Self::build(register, last_day, Unit::ServiceUses, counts)
    }

    /// Services offered on `day` by ente and category.
    pub(crate) fn offered(register: &Register, day: Date) -> Self {
        let counts = register.deployments_on(day).map(|deployment| {
            let category = deployment.service.category_on(day);
            (deployment.ente.code(), category.code(), 1)
        });
        Self::build(register, day, Unit::Services, counts)
    }

    fn build<'c>(
        register: &'c Register,
        last_day: Date,
        unit: Unit,
        counts: impl Iterator<Item = (&'c str, &'c str, u64)>,
    ) -> Self {
        let mut by_ente: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
        for (ente, category, count) in counts {
            let row = by_ente.entry(names::ente_code(register, ente)).or_default();
            *row.entry(names::category_code(register, category))
                .or_default() += count;
        }
        let found = by_ente.values().flat_map(BTreeMap::keys);
        let categories = CategoryName::all(register, found.copied());
        let columns = |count: &dyn Fn(&str) -> u64| -> BTreeMap<String, u64> {
            let codes = categories.iter().map(|name| &name.category);
            codes.map(|code| (code.clone(), count(code))).collect()
        };

        let mut enti: Vec<CrossRow> = by_ente
            .iter()
            .map(|(ente, row)| CrossRow {
                name: EnteName::of(register, ente),
                by_category: columns(&|code| row.get(code).copied().unwrap_or(0)),
                total: row.values().sum(),
            })
            .collect();
        enti.sort_by(|a, b| {
            let key = |row: &CrossRow| (Reverse(row.total), row.name.ente_name.clone());
            key(a).cmp(&key(b))
        });
        let by_category = columns(&|code| {
            let rows = by_ente.values();
            rows.filter_map(|row| row.get(code)).sum()
        });
        let mut enti_without: Vec<EnteName> = register
            .enti()
            .filter(|ente| ente.validity().contains(last_day) && !by_ente.contains_key(ente.code()))
            .map(|ente| EnteName::of(register, ente.code()))
            .collect();
        enti_without.sort_by(|a, b| a.ente_name.cmp(&b.ente_name));

        let total = enti.iter().map(|row| row.total).sum();
        debug_assert_eq!(by_category.values().sum::<u64>(), total, "columns add up");
        Self {
            unit,
            categories,
            enti,
            by_category,
            total,
            enti_without,
        }
    }

    /// The count of an ente in a category, 0 where there is none.
    pub fn count(&self, ente: &str, category: &str) -> u64 {
        self.enti
            .iter()
            .find(|row| row.name.ente == ente)
            .and_then(|row| row.by_category.get(category).copied())
            .unwrap_or(0)
    }
}
