//! Comparison of existing tables and views with the migrations.
//!
//! ClickHouse formats both definitions of a view, so differences between server versions do not
//! matter.

use std::collections::BTreeMap;
use std::fmt;

use crate::cluster;
use crate::rebuild::quoted;
use crate::store::LOOK_ROUND;
use crate::{Store, StoreError, migrations};

/// A table or view that differs from the migrations.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
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
            true => write!(
                f,
                "view {object} {fault}: run `affluenza migrate`, then `affluenza audit --repair`"
            ),
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
    statement: &'static str,
    /// Query of a view; `None` for a table.
    query: Option<String>,
    /// Column names of a table.
    columns: Vec<String>,
}

const TABLE: &str = "CREATE TABLE IF NOT EXISTS ";
const VIEWS: [&str; 2] = [
    "CREATE OR REPLACE VIEW ",
    "CREATE MATERIALIZED VIEW IF NOT EXISTS ",
];

fn name_of(rest: &str) -> &str {
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    &rest[..end.unwrap_or(rest.len())]
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
fn column_name(definition: &str) -> Option<String> {
    let name = definition.split_whitespace().next()?;
    Some(name.trim_matches('`').to_owned())
}

/// Returns the query of a view, without the comment after it.
fn query_of(statement: &str) -> Option<String> {
    let (_, query) = statement.split_once(" AS\n")?;
    let query = query.rfind("\nCOMMENT '").map_or(query, |at| &query[..at]);
    Some(query.trim().to_owned())
}

/// Returns every object of the schema by name.
fn wanted(
    statements: impl IntoIterator<Item = (&'static str, String)>,
) -> BTreeMap<String, Wanted> {
    let mut wanted: BTreeMap<String, Wanted> = BTreeMap::new();
    for (sql, statement) in statements {
        let after = |head: &str| statement.strip_prefix(head).map(name_of);
        if let Some(name) = after(TABLE) {
            let made = Wanted {
                query: None,
                columns: column_lines(&statement).filter_map(column_name).collect(),
                statement: sql,
            };
            wanted.entry(name.to_owned()).or_insert(made);
        } else if let Some(name) = VIEWS.iter().find_map(|head| after(head)) {
            let made = Wanted {
                query: query_of(&statement),
                columns: Vec::new(),
                statement: sql,
            };
            wanted.insert(name.to_owned(), made);
        }
    }
    wanted
}

impl Store {
    fn wanted(&self) -> BTreeMap<String, Wanted> {
        wanted(migrations().iter().flat_map(|one| {
            let steps = cluster::steps(one.sql, &self.config).into_iter();
            steps.map(|step| (one.sql, step.into_text()))
        }))
    }

    /// Returns missing or changed tables and views.
    ///
    /// # Errors
    /// If ClickHouse refuses the query or does not respond.
    pub async fn schema_faults(&self) -> Result<Vec<SchemaFault>, StoreError> {
        let wanted = self.wanted();
        let nodes = self.nodes_that_answer().await?;
        let there = self.objects().await?;
        let queries = self.formatted(&wanted).await?;
        let mut faults = Vec::new();
        for (name, object) in &wanted {
            let found: Vec<&Object> = there.iter().filter(|one| one.name == *name).collect();
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
    ///
    /// # Errors
    /// If ClickHouse refuses a statement or does not respond.
    pub async fn restore_views(&self) -> Result<Vec<String>, StoreError> {
        let wanted = self.wanted();
        let mut restored = Vec::new();
        for fault in self
            .schema_faults()
            .await?
            .into_iter()
            .filter(|fault| fault.is_view)
        {
            let statement = wanted[&fault.object].statement;
            if statement.starts_with(VIEWS[1]) {
                self.execute(&format!("DROP TABLE IF EXISTS {}", fault.object))
                    .await?;
            }
            self.execute(statement).await?;
            restored.push(fault.object);
        }
        Ok(restored)
    }

    async fn objects(&self) -> Result<Vec<Object>, StoreError> {
        let database = quoted(self.database());
        let rows: Vec<(String, String, u64, String)> = self
            .rows(&format!(
                "SELECT t.name, ifNull(formatQueryOrNull(replaceAll(t.as_select, {prefix}, '')), '') AS query, count(), any(c.names)
                 FROM {tables} AS t
                 LEFT JOIN (SELECT table, arrayStringConcat(groupUniqArray(name), ' ') AS names FROM system.columns WHERE database = {database} GROUP BY table) AS c ON c.table = t.name
                 WHERE t.database = {database} GROUP BY t.name, query {LOOK_ROUND}",
                prefix = quoted(&format!("{}.", self.database())),
                tables = self.of_all_nodes("system.tables")
            ))
            .await?;
        let rows = rows.into_iter();
        let objects = rows.map(|(name, query, nodes, columns)| Object {
            name,
            query,
            nodes,
            columns,
        });
        Ok(objects.collect())
    }

    /// Returns the queries of the views as formatted by the server.
    async fn formatted(
        &self,
        wanted: &BTreeMap<String, Wanted>,
    ) -> Result<BTreeMap<String, String>, StoreError> {
        let views = wanted.iter();
        let views = views.filter_map(|(name, object)| Some((name, object.query.as_ref()?)));
        let pairs: Vec<String> = views
            .map(|(name, query)| format!("({}, {})", quoted(name), quoted(query)))
            .collect();
        let rows: Vec<(String, String)> = self
            .rows(&format!(
                "SELECT p.1, formatQuery(p.2) FROM (SELECT arrayJoin([{}]) AS p)",
                pairs.join(", ")
            ))
            .await?;
        Ok(rows.into_iter().collect())
    }
}

/// An existing object.
#[derive(Debug)]
struct Object {
    name: String,
    query: String,
    /// Number of nodes with this definition.
    nodes: u64,
    columns: String,
}

impl Wanted {
    fn fault(&self, query: Option<&String>, found: &[&Object], nodes: u64) -> Option<String> {
        if found.iter().map(|one| one.nodes).sum::<u64>() < nodes {
            return Some("is missing".to_owned());
        }
        if let Some(query) = query {
            let differs = found.iter().any(|one| one.query != *query);
            return differs.then(|| {
                "has another query than the one that `affluenza migrate` made".to_owned()
            });
        }
        let lacks = |column: &&String| {
            found
                .iter()
                .any(|one| !one.columns.split(' ').any(|one| one == column.as_str()))
        };
        let column = self.columns.iter().find(lacks)?;
        Some(format!("has no column {column}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_has_columns_and_every_view_a_query() {
        let all = wanted(
            migrations()
                .iter()
                .map(|one| (one.sql, one.sql.trim().to_owned())),
        );
        assert!(all.len() >= 40, "{}", all.len());
        for (name, object) in &all {
            assert!(
                object.query.is_some() == object.columns.is_empty(),
                "{name}: {object:?}"
            );
        }
        assert_eq!(all["usage_hourly"].columns.len(), 19);
        let ledger = &all["ingest_ledger"].columns;
        assert!(ledger.iter().any(|column| column == "erased"), "{ledger:?}");
        let view = all["usage_hourly_from_events"].query.as_deref();
        assert!(view.is_some_and(|query| query.contains("FROM usage_events")));
    }
}
