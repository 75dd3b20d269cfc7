//! For how long facts are kept. The aggregates stay, so whatever compares the two, or makes one
//! of the other, must know where the facts end.
//!
//! Facts expire by whole months of event time, in UTC: with N months, those of the month N + 1
//! months back go when the present one begins. The oldest month that is kept is not compared any
//! more, since local days and hours of zones reach over its end. The boundary is kept in the table `retention` and
//! not in the configuration, so that nobody who lacks a setting takes expired facts for lost ones,
//! and it never moves back: what is gone stays gone when the time is made longer.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::{Store, StoreError};

/// Longest time that can be set.
const MONTHS_MAX: u16 = 480;

/// What is kept for how long.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Whole months for which facts are kept, beside the present one; 0: for ever. Without it,
    /// `migrate` leaves what the database has. Aggregates are kept for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facts_months: Option<u16>,
}

impl Config {
    /// What is wrong with it, one line a problem.
    pub fn problems(&self) -> Vec<String> {
        match self.facts_months {
            Some(months) if months > MONTHS_MAX => vec![format!(
                "retention.facts_months = {months}: use 1 to {MONTHS_MAX}, or 0 to keep them for ever"
            )],
            _ => Vec::new(),
        }
    }
}

/// From where on every fact is surely there, by event time, by hour and by local day. Of earlier
/// ones some may be gone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct Boundary {
    /// First month, as `YYYYMM`, of event time or of hours; 0 when nothing ever expires.
    pub month: u32,
    /// Its first day, in days since 1970; 0 when nothing ever expires.
    pub day: u16,
}

impl Boundary {
    /// Begin of the month, in milliseconds since 1970: earlier events are not stored any more.
    pub fn event_ms(self) -> i64 {
        match self.day {
            0 => i64::MIN,
            day => i64::from(day) * 86_400_000,
        }
    }

    /// A condition on `column`, a local day.
    pub(crate) fn of_days(self, column: &str) -> String {
        match self.day {
            0 => "1".to_owned(),
            day => format!("{column} >= toDate({day})"),
        }
    }

    /// A condition on `column`, a month as `YYYYMM`.
    pub(crate) fn of_months(self, column: &str) -> String {
        match self.month {
            0 => "1".to_owned(),
            month => format!("{column} >= {month}"),
        }
    }
}

/// The boundary under the last setting, a day early, so that nothing is compared while it goes.
const BOUNDARY: &str = "SELECT if(first <= toDate(0), 0, toYYYYMM(first)) AS month, if(first <= toDate(0), 0, toUInt16(first)) AS day FROM (
    SELECT greatest(max(facts_from), if(months = 0, toDate(0), toStartOfMonth(toDate(now() + INTERVAL 1 DAY, 'UTC')) - toIntervalMonth(months - 1))) AS first,
           argMax(facts_months, set_at) AS months
    FROM retention)";

/// What lets facts expire.
pub(crate) fn ttl(months: u16) -> [String; 2] {
    [
        // A month's facts expire together, so that a part is dropped and never written anew.
        "ALTER TABLE usage_events MODIFY SETTING ttl_only_drop_parts = 1".to_owned(),
        format!(
            "ALTER TABLE usage_events MODIFY TTL toStartOfMonth(time) + toIntervalMonth({})",
            u32::from(months) + 1
        ),
    ]
}

impl Store {
    /// Where the facts begin that are surely there.
    pub async fn boundary(&self) -> Result<Boundary, StoreError> {
        let found: Vec<Boundary> = self.rows(BOUNDARY).await?;
        Ok(found.first().copied().unwrap_or_default())
    }

    /// For how many months facts are kept; 0: for ever.
    pub async fn facts_months(&self) -> Result<u16, StoreError> {
        let months: Vec<u16> = self
            .rows("SELECT argMax(facts_months, set_at) FROM retention")
            .await?;
        Ok(months.first().copied().unwrap_or(0))
    }

    /// Keeps facts for so many months from now on; 0: for ever. Returns whether that is new. What
    /// has expired goes at the next merges of ClickHouse.
    ///
    /// The boundary is noted before the table is told to delete, and after it is told to stop: so
    /// whoever compares meanwhile compares too little, never too much.
    pub async fn keep_facts(&self, months: u16) -> Result<bool, StoreError> {
        let wanted = if months > 0 {
            self.nodes_that_answer().await?
        } else {
            0
        };
        if self.facts_months().await? == months && self.with_ttl("usage_events").await? == wanted {
            return Ok(false);
        }
        if months == 0 {
            self.execute("ALTER TABLE usage_events REMOVE TTL").await?;
            self.note_retention(0).await?;
            return Ok(true);
        }
        self.note_retention(months).await?;
        for statement in ttl(months) {
            self.execute(&statement).await?;
        }
        Ok(true)
    }

    async fn note_retention(&self, months: u16) -> Result<(), StoreError> {
        let Boundary { day, .. } = self.boundary().await?;
        self.execute(&format!(
            "INSERT INTO retention (facts_months, facts_from) VALUES ({months}, toDate({day}))"
        ))
        .await
    }

    /// On how many nodes rows of a table expire.
    async fn with_ttl(&self, table: &str) -> Result<u64, StoreError> {
        let tables = self.definitions_of(&[table]).await?;
        let expiring = tables.iter().filter(|(_, made)| made.contains(" TTL "));
        Ok(expiring.count() as u64)
    }

    /// Fails when a table expires rows by a rule that this program does not know of: aggregates
    /// would be corrected down to what is left.
    pub(crate) async fn foreign_ttl(&self) -> Result<Option<&'static str>, StoreError> {
        if self.with_ttl("usage_hourly").await? > 0 {
            return Ok(Some("usage_hourly"));
        }
        let known = self.facts_months().await? > 0;
        let expires = self.with_ttl("usage_events").await? > 0;
        Ok((!known && expires).then_some("usage_events"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_boundary_nothing_is_left_out() {
        let none = Boundary::default();
        assert_eq!(none.event_ms(), i64::MIN);
        assert_eq!(
            (none.of_days("d"), none.of_months("m")),
            ("1".into(), "1".into())
        );
    }

    #[test]
    fn days_and_moments_begin_together() {
        let boundary = Boundary {
            month: 197_002,
            day: 31,
        };
        assert_eq!(boundary.event_ms(), 31 * 86_400_000);
        assert_eq!(boundary.of_days("d"), "d >= toDate(31)");
    }
}
