//! Retention of facts. Aggregates are kept, so every comparison of the two must know where the
//! facts begin.
//!
//! Facts expire by whole months of event time, in UTC. With a retention of N months, the month N +
//! 1 months ago expires when a new month begins. The oldest month kept is not compared, because
//! local days and hours extend beyond it. The boundary is stored in the table `retention` instead
//! of the configuration. So a process without the setting does not mistake expired facts for lost
//! ones. The boundary never moves back, because a longer retention does not restore facts.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::database::Database;
use crate::sql::statement;
use crate::{Admin, Facts, StoreError};

/// Maximum retention, in months.
const MONTHS_MAX: u16 = 480;

/// Retention settings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Number of whole months for which facts are kept, in addition to the current one. 0 keeps
    /// them permanently. Without a value, `migrate` leaves the setting of the database unchanged.
    /// Aggregates are always kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facts_months: Option<u16>,
}

impl Config {
    /// Returns the problems of the configuration, one line each.
    pub fn problems(&self) -> Vec<String> {
        match self.facts_months {
            Some(months) if months > MONTHS_MAX => vec![format!(
                "retention.facts_months = {months}: use 1 to {MONTHS_MAX}, or 0 to keep them for ever"
            )],
            _ => Vec::new(),
        }
    }
}

/// Time from which all facts exist, by event time, hour and local day. Earlier facts may have
/// expired.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct Boundary {
    /// First month of event time or hours, as `YYYYMM`; 0 if facts never expire.
    pub month: u32,
    /// First day of that month, in days since 1970; 0 if facts never expire.
    pub day: u16,
}

impl Boundary {
    /// Returns the start of the month, in milliseconds since 1970. Earlier events are no longer
    /// stored.
    pub fn event_ms(self) -> i64 {
        match self.day {
            0 => i64::MIN,
            day => i64::from(day) * 86_400_000,
        }
    }

    /// Returns the SQL condition on `column`, a local day.
    pub(crate) fn of_days(self, column: &str) -> String {
        match self.day {
            0 => "1".to_owned(),
            day => format!("{column} >= toDate({day})"),
        }
    }

    /// Returns the SQL condition on `column`, a month as `YYYYMM`.
    pub(crate) fn of_months(self, column: &str) -> String {
        match self.month {
            0 => "1".to_owned(),
            month => format!("{column} >= {month}"),
        }
    }
}

/// Returns the changes of the table that set the expiry of facts.
pub(crate) fn ttl(months: u16) -> [String; 2] {
    [
        // A month of facts expires together, so parts are dropped and never rewritten.
        "MODIFY SETTING ttl_only_drop_parts = 1".to_owned(),
        format!(
            "MODIFY TTL toStartOfMonth(time) + toIntervalMonth({})",
            u32::from(months) + 1
        ),
    ]
}

impl Database {
    /// Returns the start of the retained facts.
    /// The boundary moves one day early, so that no comparison runs while facts expire.
    pub(crate) async fn boundary(&self) -> Result<Boundary, StoreError> {
        self.one(statement!("boundary")).await
    }

    /// Returns the retention of facts in months; 0 if they never expire.
    pub(crate) async fn facts_months(&self) -> Result<u16, StoreError> {
        self.one("SELECT argMax(facts_months, set_at) FROM retention")
            .await
    }

    async fn note_retention(&self, months: u16) -> Result<(), StoreError> {
        let Boundary { day, .. } = self.boundary().await?;
        self.execute(&format!(
            "INSERT INTO retention (facts_months, facts_from) VALUES ({months}, toDate({day}))"
        ))
        .await
    }

    /// Returns the number of nodes on which rows of a table expire.
    async fn with_ttl(&self, table: &str) -> Result<u64, StoreError> {
        let tables = self.definitions_of(&[table]).await?;
        let expiring = tables
            .iter()
            .filter(|table| table.statement.contains(" TTL "));
        Ok(expiring.count() as u64)
    }

    /// Returns the table with an expiry rule not set by this program, if any. Otherwise a
    /// correction would reduce the aggregates to the remaining facts.
    pub(crate) async fn foreign_ttl(&self) -> Result<Option<&'static str>, StoreError> {
        if self.with_ttl("usage_hourly").await? > 0 {
            return Ok(Some("usage_hourly"));
        }
        let known = self.facts_months().await? > 0;
        let expires = self.with_ttl("usage_events").await? > 0;
        Ok((!known && expires).then_some("usage_events"))
    }
}

impl Facts {
    /// Returns the start of the retained facts.
    pub async fn boundary(&self) -> Result<Boundary, StoreError> {
        self.0.boundary().await
    }
}

impl Admin {
    /// Sets the retention of facts to `months`; 0 keeps them permanently. Returns true if the
    /// setting changed. ClickHouse deletes expired facts with its next merges.
    ///
    /// The boundary is stored before the deletion is enabled, and after it is disabled. So a
    /// concurrent comparison covers too little rather than too much.
    pub async fn keep_facts(&self, months: u16) -> Result<bool, StoreError> {
        let wanted = if months > 0 {
            self.0.nodes_that_answer().await?
        } else {
            0
        };
        if self.0.facts_months().await? == months
            && self.0.with_ttl("usage_events").await? == wanted
        {
            return Ok(false);
        }
        if months == 0 {
            self.0.alter("usage_events", "REMOVE TTL").await?;
            self.0.note_retention(0).await?;
            return Ok(true);
        }
        self.0.note_retention(months).await?;
        for action in ttl(months) {
            self.0.alter("usage_events", &action).await?;
        }
        Ok(true)
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
