//! Migrations of the schema: one statement per file, applied in order and verified by checksum.

use clickhouse::Row;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Store, StoreError};

/// A file of `schemas/clickhouse`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migration {
    /// File name without `.sql`. The number at its beginning gives the order.
    pub name: &'static str,
    /// The only statement of the file.
    pub sql: &'static str,
}

/// Table of the applied migrations.
pub(crate) const JOURNAL: &str = "CREATE TABLE IF NOT EXISTS schema_migrations
(
    name String COMMENT 'File name in schemas/clickhouse',
    checksum String COMMENT 'SHA-256 of the statement',
    applied_at DateTime('UTC') DEFAULT now() COMMENT 'When it was applied'
) ENGINE = MergeTree ORDER BY name COMMENT 'Migrations that have been applied'";

macro_rules! migrations {
    ($($name:literal),+ $(,)?) => {
        &[$(Migration { name: $name, sql: include_str!(concat!("../../../schemas/clickhouse/", $name, ".sql")) }),+]
    };
}

/// Returns all migrations, in order.
pub const fn migrations() -> &'static [Migration] {
    migrations![
        "0001_usage_events",
        "0002_usage_hourly",
        "0003_usage_hourly_from_events",
        "0004_ingest_ledger",
        "0005_usage_by_category",
        "0006_usage_by_ente",
        "0007_usage_by_service",
        "0008_usage_by_device",
        "0009_users_by_hour",
        "0010_usage_by_hour_band",
        "0011_ingest_repairs",
        "0012_rebuilds",
        "0013_rebuild_changes",
        "0014_register_versions",
        "0015_register_enti",
        "0016_register_services",
        "0017_register_deployments",
        "0018_register_holidays",
        "0019_register_desk_hours",
        "0020_enti",
        "0021_services",
        "0022_deployments",
        "0023_holidays",
        "0024_desk_hours",
        "0025_usage_by_day_kind",
        "0026_usage_by_desk",
        "0027_sealed_years",
        "0028_usage_by_category_with_bots",
        "0029_usage_by_ente_with_bots",
        "0030_usage_by_service_with_bots",
        "0031_users_by_hour_with_bots",
        "0032_usage_by_hour_band_with_bots",
        "0033_usage_by_day_kind_with_bots",
        "0034_usage_by_desk_with_bots",
        "0035_usage_by_country",
        "0040_usage_hourly_projections_allowed",
        "0041_usage_hourly_by_month",
        "0042_usage_hourly_by_hour",
        "0043_usage_hourly_by_month_of_old_parts",
        "0044_usage_hourly_by_hour_of_old_parts",
        "0045_usage_hourly_deletes_allowed",
        "0050_imported_figures",
        "0060_client_reports",
        "0061_producer_sequences",
        "0062_ingest_ledger_reports",
        "0063_ingest_ledger_fates",
        "0070_hours_of_months",
        "0071_usage_hourly_by_login",
        "0072_usage_hourly_by_login_of_old_parts",
        "0073_usage_hourly_old_months_merged",
        "0080_silent_portals",
        "0081_retention",
        "0082_erasures",
        "0083_ingest_ledger_erased",
        "0084_ingest_ledger_fate_erased",
        "0085_shard_layouts",
        "0090_ingest_ledger_control",
        "0095_ingest_ledger_lost",
        "0096_acceptances",
        "0103_copy_searches",
        "0105_months_in_doubt",
        "0130_register_national_holidays",
        "0131_holidays_of_any_year",
        "0132_users_by_hour_of_each_ente",
        "0133_usage_events_band",
        "0134_sealed_years_one_chain",
        "0134a_register_holidays_day",
    ]
}

impl Migration {
    /// Returns the SHA-256 of the statement, in hexadecimal digits.
    pub fn checksum(&self) -> String {
        hex(&Sha256::digest(self.sql.as_bytes()))
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[derive(Row, Serialize, Deserialize)]
struct Applied {
    name: String,
    checksum: String,
}

impl Store {
    /// Applies the missing migrations. Returns their names; empty if the schema was current. Can be
    /// repeated after an interruption, because every statement is idempotent.
    pub async fn migrate(&self) -> Result<Vec<&'static str>, StoreError> {
        self.create_database().await?;
        self.execute(JOURNAL).await?;
        let applied = self.applied().await?;
        check(&applied)?;
        let mut now = Vec::new();
        for migration in migrations() {
            if applied.iter().any(|row| row.name == migration.name) {
                continue;
            }
            self.patient().execute(migration.sql).await?;
            self.note_migration(migration).await?;
            tracing::info!(migration = migration.name, "migration applied");
            now.push(migration.name);
        }
        Ok(now)
    }

    /// Fails unless the database has exactly the schema of this program.
    pub async fn check_schema(&self) -> Result<(), StoreError> {
        let applied = self.applied().await.map_err(|error| match error {
            // An unknown table or database means that no migration has run.
            StoreError::Query { cause, .. }
                if cause.contains("Code: 60.") || cause.contains("Code: 81.") =>
            {
                StoreError::NoSchema
            }
            other => other,
        })?;
        check(&applied)?;
        if applied.len() < migrations().len() {
            return Err(StoreError::NoSchema);
        }
        Ok(())
    }

    /// Fails unless every table and view matches its migration.
    pub async fn check_shape(&self) -> Result<(), StoreError> {
        let faults = self.schema_faults().await?;
        match faults.is_empty() {
            true => Ok(()),
            false => Err(StoreError::Schema {
                faults: faults.iter().map(ToString::to_string).collect(),
            }),
        }
    }

    /// Returns the applied migrations, in order. Fails on a migration that this program does not
    /// know.
    pub(crate) async fn applied_migrations(&self) -> Result<Vec<&'static Migration>, StoreError> {
        let applied = self.applied().await?;
        check(&applied)?;
        let is_applied = |one: &&Migration| applied.iter().any(|row| row.name == one.name);
        Ok(migrations().iter().filter(is_applied).collect())
    }

    /// Returns name and creation time of the database. They identify it even after a restore from a
    /// backup, among databases with the same name.
    pub async fn origin(&self) -> Result<String, StoreError> {
        let made: Vec<String> = self
            .rows("SELECT toString(min(m.applied_at)) FROM schema_migrations AS m")
            .await?;
        let made = made.into_iter().next().unwrap_or_default();
        Ok(format!("{} of {made} UTC", self.database()))
    }

    async fn applied(&self) -> Result<Vec<Applied>, StoreError> {
        self.rows("SELECT name, checksum FROM schema_migrations ORDER BY name")
            .await
    }

    async fn note_migration(&self, migration: &Migration) -> Result<(), StoreError> {
        self.execute(&format!(
            "INSERT INTO schema_migrations (name, checksum) VALUES ('{}', '{}')",
            migration.name,
            migration.checksum()
        ))
        .await
    }
}

fn check(applied: &[Applied]) -> Result<(), StoreError> {
    for row in applied {
        match migrations()
            .iter()
            .find(|migration| migration.name == row.name)
        {
            None => {
                return Err(StoreError::MigrationUnknown {
                    name: row.name.clone(),
                });
            }
            Some(migration) if migration.checksum() != row.checksum => {
                return Err(StoreError::MigrationChanged {
                    name: row.name.clone(),
                });
            }
            Some(_) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_listed_in_its_order() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas/clickhouse");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter_map(|name| name.strip_suffix(".sql").map(str::to_owned))
            .collect();
        files.sort();
        let listed: Vec<&str> = migrations()
            .iter()
            .map(|migration| migration.name)
            .collect();
        assert_eq!(listed, files);
    }

    #[test]
    fn every_file_holds_one_statement() {
        for migration in migrations() {
            // Every second piece is inside quotes.
            let mut outside = migration.sql.split('\'').step_by(2);
            let holds_one = !outside.any(|piece| piece.contains(';'));
            assert!(holds_one, "{} holds a semicolon", migration.name);
        }
    }
}
