//! Portals that usually emit and have been silent: broken before anybody calls. What counts as
//! silent is in the view `silent_portals`: a portal's own habit decides.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::{Store, StoreError};

/// Most portals that are named.
const NAMED_MAX: usize = 1_000;

/// A portal that is silent.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct SilentPortal {
    /// Public body.
    pub ente: String,
    /// Portal.
    pub portal: String,
    /// For how long, since the end of the last hour with an event.
    pub silent_seconds: u64,
}

impl Store {
    /// Portals that have been silent for longer than they use to be, the longest first.
    pub async fn silent_portals(&self) -> Result<Vec<SilentPortal>, StoreError> {
        self.rows(&format!(
            "SELECT toString(s.ente) AS ente, toString(s.portal) AS portal, s.silent_seconds AS silent_seconds
             FROM silent_portals AS s LIMIT {NAMED_MAX}"
        ))
        .await
    }
}
