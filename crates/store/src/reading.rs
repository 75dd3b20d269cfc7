//! Several queries on one snapshot of the tables.
//!
//! Consecutive queries see blocks inserted between them, so lists with the same total would differ.
//! Here all queries are parts of one query, and share a snapshot of each table
//! (`enable_shared_storage_snapshot_in_query`). This only works for tables named in the part
//! itself. A view, a scalar subquery or a bare `count()` may see a newer state, so parts use none
//! of these.

use serde::de::DeserializeOwned;

use crate::StoreError;
use crate::database::Database;

/// Queries to run together.
#[derive(Debug, Default)]
pub(crate) struct QueryGroup(Vec<String>);

/// Index of a query in its reading.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QueryIndex(usize);

/// Results of the queries: each row is a JSON array of its columns.
#[derive(Debug)]
pub(crate) struct Lists(Vec<Vec<String>>);

impl QueryGroup {
    /// Adds a query. The order of its columns must be that of the fields of its row type.
    pub fn ask(&mut self, sql: String) -> QueryIndex {
        self.0.push(sql);
        QueryIndex(self.0.len() - 1)
    }

    /// Runs all queries on one snapshot.
    pub async fn read(self, database: &Database) -> Result<Lists, StoreError> {
        let mut lists = vec![Vec::new(); self.0.len()];
        let parts: Vec<String> = (0..)
            .zip(&self.0)
            .map(|(part, sql)| {
                format!(
                    "SELECT toUInt32({part}) AS part, rowNumberInAllBlocks() AS place, toJSONString(tuple(*)) AS line FROM ({sql})"
                )
            })
            .collect();
        // Row numbers follow the order of each subquery, which must not be optimised away.
        let query = format!(
            "{} SETTINGS enable_shared_storage_snapshot_in_query = 1, query_plan_remove_redundant_sorting = 0, output_format_json_quote_64bit_integers = 0",
            parts.join(" UNION ALL ")
        );
        let mut rows: Vec<(u32, u64, String)> = database.rows(&query).await?;
        rows.sort_unstable();
        for (part, _, line) in rows {
            if let Some(list) = lists.get_mut(part as usize) {
                list.push(line);
            }
        }
        Ok(Lists(lists))
    }
}

impl Lists {
    /// Returns the rows of a query.
    pub fn rows<T: DeserializeOwned>(
        &self,
        QueryIndex(part): QueryIndex,
    ) -> Result<Vec<T>, StoreError> {
        let lines = self.0.get(part).map_or(&[][..], Vec::as_slice);
        let parsed = lines.iter().map(|line| serde_json::from_str(line));
        parsed
            .collect::<Result<_, _>>()
            .map_err(|error| StoreError::Query {
                what: "the figures of a year".into(),
                cause: error.to_string(),
            })
    }
}
