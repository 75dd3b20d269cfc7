//! Migrations of the schema: one statement per file, applied in order and verified by checksum.

use std::sync::LazyLock;

use clickhouse::Row;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::attribute::with_attributes;
use crate::cluster::{FIRST_SHARD, statements};
use crate::database::Database;
use crate::dimension::ATTRIBUTES;
use crate::sql::statement;
use crate::{Admin, StoreError};

/// A file of `schemas/clickhouse`, which creates one object of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Migration {
    /// File name without `.sql`: a number of four digits, which gives the order, and the name of
    /// the object.
    pub(crate) name: &'static str,
    /// Created object.
    pub(crate) object: SchemaObject,
    /// The only statement of the file, with the columns of attributes (`attribute.rs`), and with
    /// placeholders for clusters (`cluster.rs`).
    pub(crate) sql: &'static str,
}

/// Kind of an object of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SchemaObject {
    /// A table, with the sharding key of its Distributed table.
    Table(&'static str),
    /// A view, which is created again if its query differs.
    View,
}

macro_rules! migrations {
    ($($name:literal => $object:expr),+ $(,)?) => {
        vec![$(Migration::new(
            $name,
            $object,
            include_str!(concat!("../../../schemas/clickhouse/", $name, ".sql")),
        )),+]
    };
}

/// Returns all migrations, in order. The first one creates the table of the applied migrations.
pub(crate) fn migrations() -> &'static [Migration] {
    static ALL: LazyLock<Vec<Migration>> = LazyLock::new(listed);
    &ALL
}

fn listed() -> Vec<Migration> {
    use SchemaObject::{Table, View};
    migrations![
        "0000_schema_migrations" => Table(FIRST_SHARD),
        // A block of facts belongs to one partition, so the whole block goes to one shard. A retry
        // goes to the same shard, which knows its token.
        "0001_usage_events" => Table("kafka_partition"),
        "0002_usage_hourly" => Table("intHash32(toUInt32(hour_start))"),
        "0003_hours_of_months" => Table(FIRST_SHARD),
        "0004_ingest_ledger" => Table(FIRST_SHARD),
        "0005_ingest_repairs" => Table(FIRST_SHARD),
        "0006_client_reports" => Table(FIRST_SHARD),
        "0007_producer_sequences" => Table(FIRST_SHARD),
        "0008_copy_searches" => Table(FIRST_SHARD),
        "0009_months_in_doubt" => Table(FIRST_SHARD),
        "0010_acceptances" => Table(FIRST_SHARD),
        "0011_erasures" => Table(FIRST_SHARD),
        "0012_retention" => Table(FIRST_SHARD),
        "0013_rebuilds" => Table(FIRST_SHARD),
        "0014_rebuild_changes" => Table(FIRST_SHARD),
        "0015_shard_layouts" => Table(FIRST_SHARD),
        "0016_sealed_years" => Table(FIRST_SHARD),
        "0017_imported_figures" => Table(FIRST_SHARD),
        "0018_register_versions" => Table(FIRST_SHARD),
        "0019_register_enti" => Table(FIRST_SHARD),
        "0020_register_services" => Table(FIRST_SHARD),
        "0021_register_deployments" => Table(FIRST_SHARD),
        "0022_register_holidays" => Table(FIRST_SHARD),
        "0023_register_national_holidays" => Table(FIRST_SHARD),
        "0024_register_desk_hours" => Table(FIRST_SHARD),
        "0025_enti" => View,
        "0026_services" => View,
        "0027_deployments" => View,
        "0028_holidays" => View,
        "0029_desk_hours" => View,
        "0030_usage_by_category" => View,
        "0031_usage_by_ente" => View,
        "0032_usage_by_service" => View,
        "0033_usage_by_device" => View,
        "0034_usage_by_country" => View,
        "0035_users_by_hour" => View,
        "0036_usage_by_hour_band" => View,
        "0037_usage_by_day_kind" => View,
        "0038_usage_by_desk" => View,
        "0039_silent_portals" => View,
        "0040_usage_by_hour" => View,
        "0041_usage_by_portal" => View,
    ]
}

impl Migration {
    fn new(name: &'static str, object: SchemaObject, template: &str) -> Self {
        Self {
            name,
            object,
            // The statement is needed as long as the program runs.
            sql: with_attributes(template, ATTRIBUTES).leak(),
        }
    }

    /// Returns the name of the table or view.
    pub(crate) fn object_name(&self) -> &'static str {
        self.name.split_once('_').map_or("", |(_, name)| name)
    }

    /// Returns the query of a view, without the comment after it.
    pub(crate) fn query(&self) -> &'static str {
        let query = self.sql.split_once("\n)\nAS\n");
        let query = query.map_or("", |(_, query)| query);
        query
            .rsplit_once("\nCOMMENT '")
            .map_or(query, |(query, _)| query)
    }

    /// Returns the SHA-256 of the statement, in hexadecimal digits.
    fn checksum(&self) -> String {
        hex::encode(Sha256::digest(self.sql.as_bytes()))
    }
}

#[derive(Row, Serialize, Deserialize)]
struct Applied {
    name: String,
    checksum: String,
}

impl Admin {
    /// Applies the missing migrations. Returns their names; empty if the schema was current. Can be
    /// repeated after an interruption, because every statement is idempotent.
    pub async fn migrate(&self) -> Result<Vec<&'static str>, StoreError> {
        self.0.create_database().await?;
        self.0.apply(&migrations()[0]).await?;
        let applied = self.0.applied().await?;
        check(&applied)?;
        let mut now = Vec::new();
        for migration in migrations() {
            if applied.iter().any(|row| row.name == migration.name) {
                continue;
            }
            self.0.patient().apply(migration).await?;
            self.0.note_migration(migration).await?;
            tracing::info!(migration = migration.name, "migration applied");
            now.push(migration.name);
        }
        Ok(now)
    }

    /// Fails unless the database has exactly the schema of this program.
    pub async fn check_schema(&self) -> Result<(), StoreError> {
        let applied = self.0.applied().await.map_err(|error| match error {
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

    /// Returns name and creation time of the database. They identify it even after a restore from a
    /// backup, among databases with the same name.
    pub async fn origin(&self) -> Result<String, StoreError> {
        let made = "SELECT toString(min(m.applied_at)) FROM schema_migrations AS m";
        let made: String = self.0.one(made).await?;
        Ok(format!("{} of {made} UTC", self.0.name()))
    }
}

impl Database {
    /// Creates the object of a migration on every node.
    pub(crate) async fn apply(&self, migration: &Migration) -> Result<(), StoreError> {
        for statement in statements(migration, &self.config) {
            self.execute_everywhere(&statement).await?;
        }
        Ok(())
    }

    /// Returns the applied migrations, in order. Fails on a migration that this program does not
    /// know.
    pub(crate) async fn applied_migrations(&self) -> Result<Vec<&'static Migration>, StoreError> {
        let applied = self.applied().await?;
        check(&applied)?;
        let known = migrations().iter();
        let applied = known.filter(|one| applied.iter().any(|row| row.name == one.name));
        Ok(applied.collect())
    }

    async fn applied(&self) -> Result<Vec<Applied>, StoreError> {
        self.rows("SELECT name, checksum FROM schema_migrations ORDER BY name")
            .await
    }

    async fn note_migration(&self, migration: &Migration) -> Result<(), StoreError> {
        let statement = statement!("note_migration")
            .bind("name", migration.name)
            .bind("checksum", migration.checksum());
        self.execute(statement).await
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
