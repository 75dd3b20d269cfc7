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

macro_rules! migrations {
    ($($name:literal),+ $(,)?) => {
        &[$(Migration { name: $name, sql: include_str!(concat!("../../../schemas/clickhouse/", $name, ".sql")) }),+]
    };
}

/// Returns all migrations, in order. The first one creates the table of the applied migrations.
pub const fn migrations() -> &'static [Migration] {
    migrations![
        "0000_schema_migrations",
        "0001_usage_events",
        "0002_usage_hourly",
        "0003_usage_hourly_from_events",
        "0004_hours_of_months",
        "0005_ingest_ledger",
        "0006_ingest_repairs",
        "0007_client_reports",
        "0008_producer_sequences",
        "0009_copy_searches",
        "0010_months_in_doubt",
        "0011_acceptances",
        "0012_erasures",
        "0013_retention",
        "0014_rebuilds",
        "0015_rebuild_changes",
        "0016_shard_layouts",
        "0017_sealed_years",
        "0018_imported_figures",
        "0019_register_versions",
        "0020_register_enti",
        "0021_register_services",
        "0022_register_deployments",
        "0023_register_holidays",
        "0024_register_national_holidays",
        "0025_register_desk_hours",
        "0026_enti",
        "0027_services",
        "0028_deployments",
        "0029_holidays",
        "0030_desk_hours",
        "0031_usage_by_category",
        "0032_usage_by_ente",
        "0033_usage_by_service",
        "0034_usage_by_device",
        "0035_usage_by_country",
        "0036_users_by_hour",
        "0037_usage_by_hour_band",
        "0038_usage_by_day_kind",
        "0039_usage_by_desk",
        "0040_silent_portals",
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
        self.execute(migrations()[0].sql).await?;
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
