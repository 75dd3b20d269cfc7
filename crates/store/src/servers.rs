//! Requirements for the servers of a cluster to store inserts exactly once.

use std::time::{SystemTime, UNIX_EPOCH};

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::sql::statement;
use crate::{Admin, StoreError};

/// Oldest supported server, the version of all tests. Deduplication by token is older, but its
/// interaction with projections is only verified for this version.
const VERSION_MIN: (u32, u32) = (26, 7);
/// Maximum difference between the clocks of a server and of this machine, in seconds.
pub(crate) const CLOCK_SKEW_SECONDS_MAX: i64 = 60;

/// Identity, version and clock of a server.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct Server {
    /// Host and port of the native protocol.
    pub name: String,
    /// Version of ClickHouse.
    pub version: String,
    /// Clock of the server, in seconds since 1970.
    pub now: i64,
}

impl Server {
    /// Returns the reason why the server cannot store inserts exactly once. `here` is this
    /// machine's clock.
    fn trouble(&self, here: i64) -> Option<String> {
        let ahead = self.now.saturating_sub(here);
        let (way, seconds) = match ahead {
            0.. => ("ahead of", ahead),
            _ => ("behind", ahead.saturating_neg()),
        };
        version_trouble(&self.version).or_else(|| {
            (seconds > CLOCK_SKEW_SECONDS_MAX).then(|| {
                format!(
                    "its clock is {seconds} s {way} this machine's, at most {CLOCK_SKEW_SECONDS_MAX} are accepted either way: set the clocks right"
                )
            })
        })
    }
}

/// Returns the remedy if the version is too old.
pub(crate) fn version_trouble(version: &str) -> Option<String> {
    let mut numbers = version
        .split('.')
        .map(|part| part.parse::<u32>().unwrap_or(0));
    let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    let (year, month) = VERSION_MIN;
    (found < VERSION_MIN).then(|| format!("use ClickHouse {year}.{month} or newer"))
}

impl Admin {
    /// Returns every server that responds: the configured one, or all servers of the cluster.
    pub async fn servers(&self) -> Result<Vec<Server>, StoreError> {
        // `now()` would return the time of the connected server for every row.
        let query = statement!("servers").put("servers", self.0.of_all_nodes("system.one"));
        self.0.rows(query).await
    }

    /// Fails if a server is too old or its clock is wrong.
    pub(crate) async fn check_servers(&self) -> Result<(), StoreError> {
        let servers = self.servers().await?;
        let here = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let here = i64::try_from(here).unwrap_or(i64::MAX);
        let is_one = servers.len() == 1;
        for server in servers {
            if let Some(cause) = server.trouble(here) {
                let cause = match is_one {
                    true => cause,
                    false => format!("{}: {cause}", server.name),
                };
                let version = server.version;
                return Err(StoreError::Unsuitable { version, cause });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_server_and_a_wrong_clock_are_told() {
        let server = |version: &str, now| Server {
            name: "clickhouse-2:9000".into(),
            version: version.into(),
            now,
        };
        let trouble = |version, now| server(version, now).trouble(1000).unwrap_or_default();
        assert_eq!(trouble("26.7.1.1", 1060), "");
        assert_eq!(trouble("27.1", 940), "");
        assert!(trouble("26.7.1.1", 1061).contains("61 s ahead of"));
        assert!(trouble("26.7.1.1", 900).contains("100 s behind"));
        assert_eq!(trouble("26.6.9", 1000), "use ClickHouse 26.7 or newer");
    }
}
