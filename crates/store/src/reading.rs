//! Several questions answered from one state of the tables.
//!
//! Questions that are asked one after the other see blocks that came in between, so that lists which
//! should add up to the same do not. Here all of them are one query, whose parts share one snapshot of
//! each table (`enable_shared_storage_snapshot_in_query`). That holds for tables that a part names
//! itself: a view, a scalar subquery or a bare `count()` may see a newer state, so parts use none of these.

use serde::de::DeserializeOwned;

use crate::{Store, StoreError};

/// Questions to be answered together.
#[derive(Debug, Default)]
pub(crate) struct Reading(Vec<String>);

/// A question's place among those of its reading.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked(usize);

/// The answers, as JSON arrays of the columns.
#[derive(Debug)]
pub(crate) struct Lists(Vec<Vec<String>>);

impl Reading {
    /// Adds a question. Its columns stand in the order of the fields of its rows.
    pub fn ask(&mut self, sql: String) -> Asked {
        self.0.push(sql);
        Asked(self.0.len() - 1)
    }

    /// Asks.
    pub async fn read(self, store: &Store) -> Result<Lists, StoreError> {
        let mut lists = vec![Vec::new(); self.0.len()];
        let parts: Vec<String> = (0..)
            .zip(&self.0)
            .map(|(part, sql)| {
                format!(
                    "SELECT toUInt32({part}) AS part, rowNumberInAllBlocks() AS place, toJSONString(tuple(*)) AS line FROM ({sql})"
                )
            })
            .collect();
        // The order of each part is that of its subquery, which must not be left out for that.
        let query = format!(
            "{} SETTINGS enable_shared_storage_snapshot_in_query = 1, query_plan_remove_redundant_sorting = 0, output_format_json_quote_64bit_integers = 0",
            parts.join(" UNION ALL ")
        );
        let mut rows: Vec<(u32, u64, String)> = store.rows(&query).await?;
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
    /// The rows of a question.
    pub fn rows<T: DeserializeOwned>(&self, Asked(part): Asked) -> Result<Vec<T>, StoreError> {
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
