//! The database as a backup of ClickHouse, and back.

use crate::rebuild::quoted;
use crate::{Store, StoreError};

/// Where a backup lies, as the server sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupPlace {
    /// Disk of the server; empty: a folder under its `backups/allowed_path`.
    pub disk: String,
    /// Name on that disk, or in that folder.
    pub name: String,
}

impl BackupPlace {
    fn sql(&self) -> String {
        if self.disk.is_empty() {
            format!("File({})", quoted(&self.name))
        } else {
            format!("Disk({}, {})", quoted(&self.disk), quoted(&self.name))
        }
    }
}

impl Store {
    /// Writes a backup of the whole database. `base`: only what is newer than that one.
    pub async fn backup(
        &self,
        to: &BackupPlace,
        base: Option<&BackupPlace>,
    ) -> Result<(), StoreError> {
        self.not_in_cluster("a backup by this program")?;
        let base = base.map_or(String::new(), |base| {
            format!(" SETTINGS base_backup = {}", base.sql())
        });
        self.execute_at_length(&format!(
            "BACKUP DATABASE {} TO {}{base}",
            self.database(),
            to.sql()
        ))
        .await
    }

    /// Brings the database back from a backup.
    pub async fn restore(&self, from: &BackupPlace) -> Result<(), StoreError> {
        self.not_in_cluster("a restore by this program")?;
        self.execute_at_length(&format!(
            "RESTORE DATABASE {} FROM {}",
            self.database(),
            from.sql()
        ))
        .await
    }

    /// How many tables the database has; none when it does not exist.
    pub async fn tables(&self) -> Result<u64, StoreError> {
        let query = format!(
            "SELECT count() FROM system.tables WHERE database = {}",
            quoted(self.database())
        );
        let outside = self.outside();
        let tables = outside.query_raw(&query).fetch_one().await;
        tables.map_err(|error| self.judge("the count of tables", error))
    }

    /// Takes as long as it takes.
    async fn execute_at_length(&self, statement: &str) -> Result<(), StoreError> {
        let outside = self.outside();
        let query = outside.query_raw(statement);
        let done = query.with_setting("max_execution_time", "0").execute();
        done.await.map_err(|error| self.judge(statement, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_disk_or_a_folder() {
        let place = |disk: &str| BackupPlace {
            disk: disk.into(),
            name: "it's".into(),
        };
        assert_eq!(place("").sql(), "File('it\\'s')");
        assert_eq!(place("backups").sql(), "Disk('backups', 'it\\'s')");
    }
}
