//! Service uses: total, and by category.

use std::collections::BTreeMap;

use affluenza_register::{Kind, Register};
use affluenza_store::figures::{CategoryMonthUse, UsageCell};
use serde::Serialize;

use crate::names::{self, CategoryName};
use crate::period::ReportPeriod;
use crate::ratio::{change_percent, share_percent};

/// Completed service uses by kind. Kinds are disjoint, so they add up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Kinds {
    /// Uses that were neither a payment nor a booking.
    pub plain: u64,
    /// Uses that ended in a payment.
    pub payments: u64,
    /// Uses that ended in a booking.
    pub bookings: u64,
    /// Uses of a kind unknown to this version. They are part of the sum.
    pub unknown_kind: u64,
    /// All service uses: the sum of the kinds.
    pub service_uses: u64,
}

impl Kinds {
    /// Sums cells by kind.
    pub(crate) fn sum<'c>(cells: impl IntoIterator<Item = &'c UsageCell>) -> Self {
        let mut sum = Self::default();
        for cell in cells {
            sum.add(cell);
        }
        debug_assert_eq!(
            sum.plain + sum.payments + sum.bookings + sum.unknown_kind,
            sum.service_uses,
            "every use has exactly one kind"
        );
        sum
    }

    fn add(&mut self, cell: &UsageCell) {
        let count = match cell.kind.parse() {
            Ok(Kind::Plain) => &mut self.plain,
            Ok(Kind::Payment) => &mut self.payments,
            Ok(Kind::Booking) => &mut self.bookings,
            Err(_) => &mut self.unknown_kind,
        };
        *count += cell.service_uses;
        self.service_uses += cell.service_uses;
    }
}

/// Total service uses.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Totals {
    /// Service uses of the year, by kind.
    #[serde(flatten)]
    pub kinds: Kinds,
    /// Service uses of the compared year; `None` without data of it.
    pub compared_service_uses: Option<u64>,
    /// Growth over the compared year, in percent of it; `None` on a zero or missing base.
    pub growth_percent: Option<f64>,
}

impl Totals {
    pub(crate) fn build(now: &[UsageCell], before: Option<&[UsageCell]>) -> Self {
        let kinds = Kinds::sum(now);
        let compared_service_uses = before.map(|cells| Kinds::sum(cells).service_uses);
        Self {
            kinds,
            compared_service_uses,
            growth_percent: change_percent(kinds.service_uses, compared_service_uses),
        }
    }
}

/// Service uses in a category.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CategoryRow {
    /// Code and names of the category.
    #[serde(flatten)]
    pub name: CategoryName,
    /// Service uses of the year, by kind.
    #[serde(flatten)]
    pub kinds: Kinds,
    /// Share of all service uses, in percent; `None` without any.
    pub share_percent: Option<f64>,
    /// Service uses of the compared year; `None` without data of it.
    pub compared_service_uses: Option<u64>,
    /// Change from the compared year, in percent of it; `None` on a zero or missing base.
    pub change_percent: Option<f64>,
    /// Service uses by counted month; empty for one ente, and for a year that was closed without
    /// them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub by_month: Vec<u64>,
}

impl CategoryRow {
    /// Returns all categories of the register in its order, even without use. Then come the
    /// categories of either year that are not registered.
    pub(crate) fn build(
        register: &Register,
        now: &[UsageCell],
        before: Option<&[UsageCell]>,
    ) -> Vec<Self> {
        let total = Kinds::sum(now).service_uses;
        let now = by_category(register, now);
        let before = before.map(|cells| by_category(register, cells));
        let found = now.keys().chain(before.iter().flat_map(BTreeMap::keys));
        CategoryName::all(register, found.copied())
            .into_iter()
            .map(|name| {
                let kinds = now.get(&*name.category).copied().unwrap_or_default();
                let compared = before.as_ref().map(|before| {
                    let kinds = before.get(&*name.category);
                    kinds.map_or(0, |kinds| kinds.service_uses)
                });
                Self {
                    name,
                    kinds,
                    share_percent: share_percent(kinds.service_uses, total),
                    compared_service_uses: compared,
                    change_percent: change_percent(kinds.service_uses, compared),
                    by_month: Vec::new(),
                }
            })
            .collect()
    }

    /// Adds the uses by month, if there are any.
    pub(crate) fn add_months(
        rows: &mut [Self],
        register: &Register,
        period: ReportPeriod,
        uses: &[CategoryMonthUse],
    ) {
        if uses.is_empty() {
            return;
        }
        for row in rows {
            let own = uses.iter();
            let own =
                own.filter(|of| names::category_code(register, &of.category) == row.name.category);
            let months = period.months().map(i8::unsigned_abs);
            let months = months.map(|month| {
                let of_month = own.clone().filter(|of| of.month == month);
                of_month.map(|of| of.service_uses).sum()
            });
            row.by_month = months.collect();
        }
    }
}

fn by_category<'c>(register: &'c Register, cells: &'c [UsageCell]) -> BTreeMap<&'c str, Kinds> {
    let mut sums: BTreeMap<&str, Kinds> = BTreeMap::new();
    for cell in cells {
        let code = names::category_code(register, &cell.category);
        sums.entry(code).or_default().add(cell);
    }
    sums
}
