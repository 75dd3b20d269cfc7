//! Portals that usually send events and have stopped, to find a fault early. The view
//! `silent_portals` compares the silence with the longest pause of the portal.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::sql::statement;
use crate::{StoreError, Usage};

/// Maximum number of listed portals.
const NAMED_MAX: usize = 1_000;

/// A portal that has stopped sending events.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct SilentPortal {
    /// Public body.
    pub ente: String,
    /// Code of the portal.
    pub portal: String,
    /// Duration of the silence since the end of the last hour with an event, in seconds.
    pub silent_seconds: u64,
}

impl Usage {
    /// Returns the silent portals, longest silence first.
    pub async fn silent_portals(&self) -> Result<Vec<SilentPortal>, StoreError> {
        let query = statement!("silent_portals").bind("named_max", NAMED_MAX);
        self.0.rows(query).await
    }
}
