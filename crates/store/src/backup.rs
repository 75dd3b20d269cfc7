//! The database as a backup of ClickHouse, and back.
//!
//! Of several nodes each writes its own, with its number among `clickhouse.nodes` behind the name,
//! so that they may share a disk.

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
    /// Of a node, if there are several.
    fn sql(&self, node: Option<usize>) -> String {
        let name = match node {
            Some(number) => format!("{}.{number}", self.name),
            None => self.name.clone(),
        };
        if self.disk.is_empty() {
            format!("File({})", quoted(&name))
        } else {
            format!("Disk({}, {})", quoted(&self.disk), quoted(&name))
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
        self.not_with_keeper("a backup by this program")?;
        for (number, node) in self.numbered_nodes() {
            let from = base.map_or(String::new(), |base| {
                format!(" SETTINGS base_backup = {}", base.sql(number))
            });
            let statement = format!(
                "BACKUP DATABASE {} TO {}{from}",
                self.database(),
                to.sql(number)
            );
            let done = node.execute_at_length(&statement).await;
            done.map_err(|error| clear(error, to, base.unwrap_or(to)))?;
        }
        Ok(())
    }

    /// Brings the database back from a backup.
    pub async fn restore(&self, from: &BackupPlace) -> Result<(), StoreError> {
        self.not_with_keeper("a restore by this program")?;
        for (number, node) in self.numbered_nodes() {
            let statement = format!(
                "RESTORE DATABASE {} FROM {}",
                self.database(),
                from.sql(number)
            );
            let done = node.execute_at_length(&statement).await;
            done.map_err(|error| clear(error, from, from))?;
        }
        Ok(())
    }

    /// The nodes, numbered from 1 if there are several.
    fn numbered_nodes(&self) -> impl Iterator<Item = (Option<usize>, Self)> {
        let is_one = self.config.nodes.is_empty();
        let numbered = self.nodes().into_iter().enumerate();
        numbered.map(move |(at, node)| ((!is_one).then_some(at + 1), node))
    }

    /// How many tables the database has, on whichever node it has most; none when it does not exist.
    pub async fn tables(&self) -> Result<u64, StoreError> {
        let mut most = 0;
        for node in self.nodes() {
            most = most.max(node.tables_here().await?);
        }
        Ok(most)
    }

    /// The same on the server that is asked.
    pub(crate) async fn tables_here(&self) -> Result<u64, StoreError> {
        let tables: Vec<u64> = self
            .outside_rows(&format!(
                "SELECT count() FROM system.tables WHERE database = {}",
                quoted(self.database())
            ))
            .await?;
        Ok(tables.first().copied().unwrap_or(0))
    }

    /// Takes as long as it takes.
    async fn execute_at_length(&self, statement: &str) -> Result<(), StoreError> {
        let outside = self.outside();
        let query = outside.query_raw(statement);
        let done = query.with_setting("max_execution_time", "0").execute();
        done.await.map_err(|error| self.judge(statement, error))
    }
}

/// An error of which the name of a backup is the cause: the one written, or the one read.
fn clear(error: StoreError, written: &BackupPlace, read: &BackupPlace) -> StoreError {
    match &error {
        StoreError::Query { cause, .. } if cause.contains("Code: 598.") => {
            StoreError::BackupThere {
                name: written.name.clone(),
            }
        }
        StoreError::Query { cause, .. } if cause.contains("Code: 599.") => StoreError::NoBackup {
            name: read.name.clone(),
        },
        _ => error,
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
        assert_eq!(place("").sql(None), "File('it\\'s')");
        assert_eq!(place("backups").sql(Some(2)), "Disk('backups', 'it\\'s.2')");
    }
}
