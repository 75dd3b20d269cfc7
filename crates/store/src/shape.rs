//! Comparison of existing tables and views with the migrations.
//!
//! ClickHouse formats both definitions of a view, so differences between server versions do not
//! matter.

use std::collections::BTreeMap;
use std::fmt;

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::cluster::{fill, held};
use crate::migrate::SchemaObject;
use crate::sql::statement;
use crate::{Admin, Config, Migration, StoreError, migrations};

/// A table or view that differs from the migrations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SchemaFault {
    /// Name of the table or view.
    pub object: String,
    /// Difference, as the end of a sentence.
    pub fault: String,
    /// True for a view. A view contains no rows, so `migrate` can create it again.
    pub is_view: bool,
}

impl fmt::Display for SchemaFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (object, fault) = (&self.object, &self.fault);
        match self.is_view {
            true => write!(f, "view {object} {fault}: run `affluenza migrate`"),
            false => write!(
                f,
                "table {object} {fault}: bring it back from a backup (`affluenza restore`), or see the operator's guide under \"a lost or damaged database\""
            ),
        }
    }
}

/// An object as defined by the migrations.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    /// Migration that creates the object.
    migration: &'static Migration,
    /// Query of a view; `None` for a table.
    query: Option<String>,
    /// Column names.
    columns: Vec<String>,
}

/// Returns the column definitions of a migration, which has one per line. Projections stand in the
/// same brackets.
pub(crate) fn column_lines(sql: &str) -> impl Iterator<Item = &str> {
    let inside = sql.split_once("\n(\n").map_or("", |(_, rest)| rest);
    let inside = inside.split_once("\n)").map_or("", |(inside, _)| inside);
    let lines = inside.lines().filter_map(|line| line.strip_prefix("    "));
    lines.filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase() || c == '`'))
}

/// Returns the name at the start of a column definition.
pub(crate) fn column_name(definition: &str) -> Option<String> {
    let name = definition.split_whitespace().next()?;
    Some(name.trim_matches('`').to_owned())
}

/// Returns every object of the schema by name. In a cluster a table is two tables.
fn wanted(config: &Config) -> BTreeMap<String, Wanted> {
    let mut wanted = BTreeMap::new();
    for migration in migrations() {
        let name = migration.object_name();
        let query = match migration.object {
            SchemaObject::Table(_) => None,
            _ => Some(fill(migration.query(), name, config)),
        };
        let columns = column_lines(migration.sql);
        let columns = columns.filter_map(column_name).collect();
        let object = Wanted {
            migration,
            query,
            columns,
        };
        if object.query.is_none() {
            wanted.insert(held(name, config), object.clone());
        }
        wanted.insert(name.to_owned(), object);
    }
    wanted
}

impl Admin {
    /// Returns missing or changed tables and views.
    pub async fn schema_faults(&self) -> Result<Vec<SchemaFault>, StoreError> {
        let wanted = wanted(&self.0.config);
        let nodes = self.0.nodes_that_answer().await?;
        let there = self.objects().await?;
        let queries = self.formatted(&wanted).await?;
        let mut faults = Vec::new();
        for (name, object) in &wanted {
            let found: Vec<&ExistingObject> =
                there.iter().filter(|one| one.name == *name).collect();
            let fault = match object.fault(queries.get(name), &found, nodes) {
                Some(fault) => fault,
                None => continue,
            };
            faults.push(SchemaFault {
                object: name.clone(),
                fault,
                is_view: object.query.is_some(),
            });
        }
        Ok(faults)
    }

    /// Creates missing or changed views again. Returns their names.
    pub async fn restore_views(&self) -> Result<Vec<String>, StoreError> {
        let wanted = wanted(&self.0.config);
        let mut restored = Vec::new();
        for fault in self
            .schema_faults()
            .await?
            .into_iter()
            .filter(|fault| fault.is_view)
        {
            self.0.apply(wanted[&fault.object].migration).await?;
            restored.push(fault.object);
        }
        Ok(restored)
    }

    async fn objects(&self) -> Result<Vec<ExistingObject>, StoreError> {
        let query = statement!("existing_objects")
            .put("tables", self.0.of_all_nodes("system.tables"))
            .bind("database", self.0.name());
        self.0.rows(query).await
    }

    /// Returns the queries of the views as formatted by the server.
    async fn formatted(
        &self,
        wanted: &BTreeMap<String, Wanted>,
    ) -> Result<BTreeMap<String, String>, StoreError> {
        let views = wanted
            .iter()
            .filter_map(|(name, object)| Some((name.as_str(), object.query.as_deref()?)));
        let (names, queries): (Vec<&str>, Vec<&str>) = views.unzip();
        let query = statement!("formatted_queries")
            .bind("names", names)
            .bind("queries", queries);
        Ok(self.0.rows(query).await?.into_iter().collect())
    }
}

/// An existing object.
#[derive(Debug, Row, Serialize, Deserialize)]
struct ExistingObject {
    name: String,
    query: String,
    /// Number of nodes with this definition.
    nodes: u64,
    columns: String,
}

impl Wanted {
    fn fault(
        &self,
        query: Option<&String>,
        found: &[&ExistingObject],
        nodes: u64,
    ) -> Option<String> {
        if found.iter().map(|one| one.nodes).sum::<u64>() < nodes {
            return Some("is missing".to_owned());
        }
        if let Some(query) = query
            && found.iter().any(|one| one.query != *query)
        {
            let fault = "has another query than the one that `affluenza migrate` made";
            return Some(fault.to_owned());
        }
        let column = self.columns.iter().find(|column| {
            found
                .iter()
                .any(|one| !one.columns.split(' ').any(|one| one == column.as_str()))
        })?;
        Some(format!("has no column {column}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_has_columns_and_every_view_a_query() {
        let all = wanted(&Config::default());
        assert!(all.len() >= 40, "{}", all.len());
        for (name, object) in &all {
            let is_view = object.migration.object == SchemaObject::View;
            assert_eq!(object.query.is_some(), is_view, "{name}: {object:?}");
            assert!(!object.columns.is_empty(), "{name}: {object:?}");
        }
        assert_eq!(all["usage_hourly"].columns.len(), 20);
        let ledger = &all["ingest_ledger"].columns;
        assert!(ledger.iter().any(|column| column == "erased"), "{ledger:?}");
        let view = all["usage_by_ente"].query.as_deref();
        assert!(view.is_some_and(|query| query.contains("FROM usage_hourly")));
    }
}
