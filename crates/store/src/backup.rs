//! Backup and restore of the database with ClickHouse's own commands.
//!
//! With several nodes each node writes its own backup. Its name ends with the node's number in
//! `clickhouse.nodes`, so that nodes can share a disk.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::database::Database;
use crate::sql::{Statement, quoted, statement};
use crate::{Admin, StoreError};

/// Location of a backup on the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupPlace {
    /// Disk of the server. Empty means a folder under its `backups/allowed_path`.
    pub disk: String,
    /// Name of the backup on that disk or in that folder.
    pub name: String,
}

impl BackupPlace {
    /// Returns the location as SQL; `node` is the node's number if there are several.
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

impl Admin {
    /// Writes a backup of the whole database. With `base`, only changes since that backup.
    pub async fn backup(
        &self,
        to: &BackupPlace,
        base: Option<&BackupPlace>,
    ) -> Result<(), StoreError> {
        self.0.not_with_keeper("a backup by this program")?;
        for (number, node) in self.0.numbered_nodes() {
            let from = base.map_or(String::new(), |base| {
                format!(" SETTINGS base_backup = {}", base.sql(number))
            });
            let statement = format!(
                "BACKUP DATABASE {} TO {}{from}",
                self.0.name(),
                to.sql(number)
            );
            if let Err(error) = node.execute_at_length(statement).await {
                let is_cut_off = is_locked(&error) && !node.is_writing(to, number).await?;
                return Err(if is_cut_off {
                    StoreError::BackupCutOff {
                        name: to.name.clone(),
                    }
                } else {
                    clear(error, to, base.unwrap_or(to))
                });
            }
        }
        Ok(())
    }

    /// Renames the database, including the rows of its tables.
    ///
    /// Views and dictionaries are dropped, because their definitions contain the name of the
    /// database and would block the renaming. `migrate` creates them again where needed.
    pub async fn set_aside(&self, name: &str) -> Result<(), StoreError> {
        self.0
            .not_with_keeper("setting a database aside by this program")?;
        for (_, node) in self.0.numbered_nodes() {
            let database = node.name().to_owned();
            let query = statement!("derived_tables").bind("database", &*database);
            let tables: Vec<DerivedTable> = node.outside().rows(query).await?;
            for table in tables {
                let kind = match table.engine.as_str() {
                    "Dictionary" => "DICTIONARY",
                    _ => "VIEW",
                };
                let drop = statement!("drop_derived_table")
                    .put("kind", kind)
                    .put("database", &database)
                    .put("table", table.name);
                node.execute_at_length(drop).await?;
            }
            let rename = format!("RENAME DATABASE {database} TO {name}");
            node.execute_at_length(rename).await?;
        }
        Ok(())
    }

    /// Gives the database that was set aside as `name` its own name again, in place of what a failed
    /// restore has written. Views are created again.
    pub async fn take_back(&self, name: &str) -> Result<(), StoreError> {
        for (_, node) in self.0.numbered_nodes() {
            let database = node.name().to_owned();
            node.execute_at_length(format!("DROP DATABASE IF EXISTS {database} SYNC"))
                .await?;
            node.execute_at_length(format!("RENAME DATABASE {name} TO {database}"))
                .await?;
        }
        self.restore_views().await.map(drop)
    }

    /// Restores the database from a backup.
    pub async fn restore(&self, from: &BackupPlace) -> Result<(), StoreError> {
        self.0.not_with_keeper("a restore by this program")?;
        for (number, node) in self.0.numbered_nodes() {
            let statement = format!(
                "RESTORE DATABASE {} FROM {}",
                self.0.name(),
                from.sql(number)
            );
            let done = node.execute_at_length(statement).await;
            done.map_err(|error| clear(error, from, from))?;
        }
        Ok(())
    }

    /// Returns the number of tables on the node that has most of them; 0 if the database does not
    /// exist.
    pub async fn tables(&self) -> Result<u64, StoreError> {
        let mut most = 0;
        for node in self.0.nodes() {
            most = most.max(node.tables_here().await?);
        }
        Ok(most)
    }
}

impl Database {
    /// Returns true while the server writes this backup. A restarted server has forgotten its
    /// backups.
    async fn is_writing(&self, to: &BackupPlace, node: Option<usize>) -> Result<bool, StoreError> {
        let query = statement!("running_backups").bind("name", to.sql(node));
        Ok(self.outside().one::<u64>(query).await? > 0)
    }

    /// Returns the nodes, numbered from 1 if there are several.
    fn numbered_nodes(&self) -> impl Iterator<Item = (Option<usize>, Self)> {
        let is_one = self.config.nodes.is_empty();
        let numbered = self.nodes().into_iter().enumerate();
        numbered.map(move |(at, node)| ((!is_one).then_some(at + 1), node))
    }

    /// Returns the number of tables on this server; 0 if the database does not exist.
    pub(crate) async fn tables_here(&self) -> Result<u64, StoreError> {
        let query = "SELECT count() FROM system.tables WHERE database = {database:String}";
        let query = Statement::from(query).bind("database", self.name());
        self.outside().one(query).await
    }

    /// Runs a statement without a time limit.
    async fn execute_at_length(&self, statement: impl Into<Statement>) -> Result<(), StoreError> {
        self.outside().patient().execute(statement).await
    }
}

/// A view or dictionary.
#[derive(Row, Serialize, Deserialize)]
struct DerivedTable {
    name: String,
    engine: String,
}

/// Returns true if ClickHouse reports that the backup is being written, which it also does for an
/// interrupted backup.
fn is_locked(error: &StoreError) -> bool {
    matches!(error, StoreError::Query { cause, .. } if cause.contains("is being written already"))
}

/// Converts errors caused by the name of a backup: `written` already exists, or `read` is missing.
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
