//! Configuration, users and passwords of ClickHouse.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::ClickHouseSettings;
use crate::error::{EngineError, at};

/// User with all rights, for the programs of this project.
pub(super) const USER: &str = "affluenza";
/// User with read access only.
pub(super) const READER: &str = "affluenza_reader";
pub(super) const CONFIG: &str = "config.xml";
const USERS: &str = "users.xml";
const PASSWORD: &str = "password";
const READER_PASSWORD: &str = "reader-password";
const PASSWORD_BYTES: usize = 24;
const MIB: u64 = 1 << 20;

/// Password of the user with all rights.
pub(super) fn password(folder: &Path) -> Result<String, EngineError> {
    kept(folder, PASSWORD)
}

/// Password of the read-only user.
pub(super) fn reader_password(folder: &Path) -> Result<String, EngineError> {
    kept(folder, READER_PASSWORD)
}

/// Reads the password from the folder, or generates one.
fn kept(folder: &Path, name: &str) -> Result<String, EngineError> {
    let path = folder.join(name);
    match fs::read_to_string(&path) {
        Ok(text) if !text.trim().is_empty() => return Ok(text.trim().to_owned()),
        Ok(_) => {}
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
        Err(cause) => return Err(EngineError::io(&path, cause)),
    }
    let password = hex::encode(crate::random::<PASSWORD_BYTES>());
    write_private(&path, &password).map_err(at(&path))?;
    Ok(password)
}

/// Writes the configuration files of server and users.
pub(super) fn write(
    folder: &Path,
    settings: &ClickHouseSettings,
    password: &str,
    reader_password: &str,
) -> Result<(), EngineError> {
    let path = folder.join(CONFIG);
    write_private(&path, &config(settings)).map_err(at(&path))?;
    let path = folder.join(USERS);
    let users = users(password, reader_password, settings);
    write_private(&path, &users).map_err(at(&path))
}

/// Writes a file atomically, readable by its owner only.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let draft = path.with_extension("draft");
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    fs::File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

/// Settings that sync a part and its folder to disk before an insert or merge is acknowledged. A
/// merged part must be as safe as its sources, because ClickHouse removes them.
const SYNCED: &str = "    <fsync_after_insert>1</fsync_after_insert>
    <fsync_part_directory>1</fsync_part_directory>
    <min_rows_to_fsync_after_merge>1</min_rows_to_fsync_after_merge>
    <min_compressed_bytes_to_fsync_after_merge>1</min_compressed_bytes_to_fsync_after_merge>
";

/// Builds the server configuration. Paths are relative to the folder, which is the working
/// directory.
fn config(settings: &ClickHouseSettings) -> String {
    let clusters = settings.shards.as_ref().map_or(String::new(), Shards::xml);
    let synced = if settings.sync_writes { SYNCED } else { "" };
    let memory = u64::from(settings.memory_mib) * MIB;
    // The default limits of the engine are for large servers (5 GiB for the mark cache alone).
    let cache = memory / 16;
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!-- Rewritten at each start. -->
<clickhouse>
  <!-- The embedded engine takes the level from here and ignores logger/level. -->
  <log-level>information</log-level>
  <logger>
    <log>logs/server.log</log>
    <errorlog>logs/error.log</errorlog>
    <size>20M</size>
    <count>1</count>
  </logger>
  <send_crash_reports><enabled>false</enabled></send_crash_reports>
  <user_directories><users_xml><path>users.xml</path></users_xml></user_directories>

  <backups><allowed_path>backups</allowed_path></backups>

  <merge_tree>
    <!-- Any number of broken parts is detached at the start: their rows are restored from the log. -->
    <max_suspicious_broken_parts>1000000000</max_suspicious_broken_parts>
    <max_suspicious_broken_parts_bytes>1000000000000000</max_suspicious_broken_parts_bytes>
{synced}  </merge_tree>

  <!-- The embedded engine mutates four parts at once by default and looks for more once a second,
       so that even a small mutation takes seconds. Two threads with a slightly longer queue: each
       queued part holds buffers for all its columns. -->
  <background_pool_size>2</background_pool_size>
  <background_merges_mutations_concurrency_ratio>4</background_merges_mutations_concurrency_ratio>

  <max_server_memory_usage>{memory}</max_server_memory_usage>
  <mark_cache_size>{cache}</mark_cache_size>
  <primary_index_cache_size>{cache}</primary_index_cache_size>
  <index_mark_cache_size>{cache}</index_mark_cache_size>
  <uncompressed_cache_size>0</uncompressed_cache_size>
  <index_uncompressed_cache_size>0</index_uncompressed_cache_size>
  <vector_similarity_index_cache_size>0</vector_similarity_index_cache_size>
  <text_index_tokens_cache_size>0</text_index_tokens_cache_size>
  <text_index_header_cache_size>0</text_index_header_cache_size>
  <text_index_postings_cache_size>0</text_index_postings_cache_size>
  <unique_key_index_cache_size_bytes>0</unique_key_index_cache_size_bytes>
  <unique_key_bitmap_cache_size_bytes>0</unique_key_bitmap_cache_size_bytes>
  <compiled_expression_cache_size>33554432</compiled_expression_cache_size>
{clusters}</clickhouse>
"#
    )
}

/// Shards of a cluster of ClickHouse servers, including this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shards {
    /// Name of the cluster.
    pub cluster: String,
    /// Ports of the native interfaces on this machine, in shard order.
    pub tcp_ports: Vec<u16>,
    /// Inter-server secret, so that a query runs as its original user on every shard.
    pub secret: String,
}

impl Shards {
    /// Builds the cluster section of the server configuration.
    fn xml(&self) -> String {
        let shards: String = self
            .tcp_ports
            .iter()
            .map(|port| {
                format!("      <shard><internal_replication>true</internal_replication><replica><host>127.0.0.1</host><port>{port}</port></replica></shard>\n")
            })
            .collect();
        let (name, secret) = (escaped(&self.cluster), escaped(&self.secret));
        format!(
            "  <remote_servers>\n    <{name}>\n      <secret>{secret}</secret>\n{shards}    </{name}>\n  </remote_servers>\n"
        )
    }
}

/// A user that reads its own views and nothing else, and the definer of these views.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowReader {
    /// User name: letters, digits and `_`, not beginning with a digit.
    pub name: String,
    /// SHA-256 of the password, 64 hexadecimal digits.
    pub password_sha256: String,
    /// Database of the views.
    pub views: String,
    /// Definer, the user whose rights the views have. It cannot log in; its name follows the same
    /// rules.
    pub definer: String,
    /// Additional grant of the definer as SQL: `SELECT(column) ON table`.
    pub watched: String,
    /// Database of the tables.
    pub database: String,
    /// Tables that the definer reads, each with an SQL condition on the rows; `None` for all rows.
    pub tables: Vec<(String, Option<String>)>,
}

impl RowReader {
    /// Builds the users section of the reader.
    fn xml(&self) -> String {
        let (name, sum, views) = (
            escaped(&self.name),
            escaped(&self.password_sha256),
            escaped(&self.views),
        );
        let definer = self.definer_xml();
        format!(
            r#"    <{name}>
      <password_sha256_hex>{sum}</password_sha256_hex>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>reading</profile>
      <quota>reading</quota>
      <default_database>{views}</default_database>
      <grants>
        <query>GRANT SELECT ON {views}.*</query>
      </grants>
    </{name}>
{definer}"#
        )
    }

    /// Builds the users section of the definer. It has no allowed network and a random password
    /// that is not stored, so a login as the definer is impossible.
    fn definer_xml(&self) -> String {
        let name = escaped(&self.definer);
        let sum = hex::encode(Sha256::digest(crate::random::<PASSWORD_BYTES>()));
        let (database, watched) = (escaped(&self.database), escaped(&self.watched));
        let grants: String = self
            .tables
            .iter()
            .map(|(table, _)| {
                let table = escaped(table);
                format!("        <query>GRANT SELECT ON {database}.{table}</query>\n")
            })
            .collect();
        let filters: String = self
            .tables
            .iter()
            .filter_map(|(table, filter)| Some((escaped(table), escaped(filter.as_ref()?))))
            .map(|(table, filter)| {
                format!("          <{table}><filter>{filter}</filter></{table}>\n")
            })
            .collect();
        format!(
            r#"    <{name}>
      <password_sha256_hex>{sum}</password_sha256_hex>
      <networks/>
      <profile>reading</profile>
      <quota>default</quota>
      <grants>
        <query>GRANT {watched}</query>
{grants}      </grants>
      <databases>
        <{database}>
{filters}        </{database}>
      </databases>
    </{name}>
"#
        )
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// Maximum number of threads of a reader's query.
const READER_THREADS: usize = 4;

/// Limits of every reader's queries. In ClickHouse 0 means no limit, hence the minimum of 1.
fn limits(memory_mib: u32) -> String {
    // The other half of the memory is for concurrent writes.
    let memory = u64::from(memory_mib) * MIB / 2;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = threads.min(READER_THREADS);
    let bounded = [
        ("max_execution_time", 60, 60),
        ("max_memory_usage", memory, memory),
        ("max_memory_usage_for_user", memory, memory),
        ("max_threads", threads as u64, 8),
        ("max_rows_to_read", 20_000_000_000, 20_000_000_000),
        ("max_result_rows", 100_000_000, 100_000_000),
        ("max_concurrent_queries_for_user", 100, 100),
    ];
    let fixed = [
        ("cancel_http_readonly_queries_on_client_close", "1"),
        ("max_untracked_memory", "4194304"),
        // The number of rows read counts whole granules, which also hold rows of other enti.
        ("output_format_write_statistics", "0"),
        ("timeout_overflow_mode", "throw"),
        ("use_query_cache", "0"),
    ];
    let mut text = "      <readonly>2</readonly>\n".to_owned();
    let mut constraints = String::new();
    for (name, usual, most) in bounded {
        text += &format!("      <{name}>{usual}</{name}>\n");
        constraints += &format!("        <{name}><min>1</min><max>{most}</max></{name}>\n");
    }
    for (name, value) in fixed {
        text += &format!("      <{name}>{value}</{name}>\n");
        constraints += &format!("        <{name}><readonly/></{name}>\n");
    }
    format!("{text}      <constraints>\n{constraints}      </constraints>\n")
}

/// Builds the users file. The session of the embedded engine runs as the passwordless user
/// `default`, which cannot be changed later.
///
/// Therefore `default` may only run the statements that open the interfaces. Two limits, which the
/// user cannot change, enforce that. Each has exceptions that the other one covers:
/// - The quota is exhausted by those statements. `SELECT 1` and similar queries cost no quota.
/// - Only one query may run at a time, and the last statement of the session runs as long as the
///   engine. `KILL QUERY` ignores this limit but costs quota. The command line exempts the session.
fn users(password: &str, reader_password: &str, settings: &ClickHouseSettings) -> String {
    let statements = super::serve(settings).len();
    let sum = hex::encode(Sha256::digest(password.as_bytes()));
    let reader_sum = hex::encode(Sha256::digest(reader_password.as_bytes()));
    let readers: String = settings.readers.iter().map(RowReader::xml).collect();
    let limits = limits(settings.memory_mib);
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!-- Rewritten at each start. -->
<clickhouse>
  <profiles>
    <!-- Two of the embedded engine's own defaults are for interactive use. -->
    <default>
      <implicit_select>0</implicit_select>
      <allow_introspection_functions>0</allow_introspection_functions>
    </default>
    <listening>
      <max_threads>1</max_threads>
      <max_memory_usage>100000000</max_memory_usage>
      <max_concurrent_queries_for_all_users>1</max_concurrent_queries_for_all_users>
      <constraints>
        <max_concurrent_queries_for_all_users><readonly/></max_concurrent_queries_for_all_users>
        <max_threads><readonly/></max_threads>
        <max_memory_usage><readonly/></max_memory_usage>
      </constraints>
    </listening>
    <reading>
{limits}    </reading>
  </profiles>
  <quotas>
    <default/>
    <!-- The longest interval that ClickHouse reads. It begins in 1970. -->
    <listening>
      <interval><duration>2147483647</duration><queries>{statements}</queries></interval>
    </listening>
    <reading>
      <keyed/>
      <interval><duration>3600</duration><queries>2000000</queries><execution_time>7200</execution_time></interval>
    </reading>
  </quotas>
  <users>
    <default>
      <password></password>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>listening</profile>
      <quota>listening</quota>
      <grants>
        <query>GRANT SYSTEM LISTEN ON *.*</query>
        <query>GRANT CREATE TEMPORARY TABLE ON *.*</query>
      </grants>
    </default>
    <{USER}>
      <password_sha256_hex>{sum}</password_sha256_hex>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      <grants>
        <query>GRANT ALL ON *.*</query>
      </grants>
    </{USER}>
    <{READER}>
      <password_sha256_hex>{reader_sum}</password_sha256_hex>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>reading</profile>
      <quota>reading</quota>
      <grants>
        <query>GRANT SELECT ON *.*</query>
      </grants>
    </{READER}>
{readers}  </users>
</clickhouse>
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_password_is_made_once_and_only_its_owner_may_read_it() {
        let dir = tempfile::tempdir().unwrap();
        let made = password(dir.path()).unwrap();
        assert_eq!(made.len(), 2 * PASSWORD_BYTES);
        assert_eq!(password(dir.path()).unwrap(), made);
        let mode = fs::metadata(dir.path().join(PASSWORD))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        let settings = ClickHouseSettings::new(dir.path());
        assert!(!users(&made, &made, &settings).contains(&made));
    }
}
