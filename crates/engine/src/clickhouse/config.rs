//! ClickHouse's configuration, users and password.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::cache::checksums::hex;
use crate::error::{EngineError, at};

/// The user that everything of ours logs in as.
pub(super) const USER: &str = "affluenza";
pub(super) const CONFIG: &str = "config.xml";
const USERS: &str = "users.xml";
const PASSWORD: &str = "password";
const PASSWORD_BYTES: usize = 24;
const MIB: u64 = 1 << 20;

/// The password kept in the folder, made up if there is none.
pub(super) fn password(folder: &Path) -> Result<String, EngineError> {
    let path = folder.join(PASSWORD);
    match fs::read_to_string(&path) {
        Ok(text) if !text.trim().is_empty() => return Ok(text.trim().to_owned()),
        Ok(_) => {}
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
        Err(cause) => return Err(EngineError::io(&path, cause)),
    }
    let password = hex(&crate::random::<PASSWORD_BYTES>());
    write_private(&path, &password)?;
    Ok(password)
}

/// Writes the server's and the users' configuration anew.
pub(super) fn write(folder: &Path, memory_mib: u32, password: &str) -> Result<(), EngineError> {
    write_private(&folder.join(CONFIG), &config(memory_mib))?;
    write_private(&folder.join(USERS), &users(password))
}

/// Puts a file that only its owner may read in place, in one step.
fn write_private(path: &Path, text: &str) -> Result<(), EngineError> {
    let draft = path.with_extension("draft");
    let write = || {
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&draft)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, path)
    };
    write().map_err(at(path))
}

/// Paths are relative to the folder, which is the working directory.
fn config(memory_mib: u32) -> String {
    let memory = u64::from(memory_mib) * MIB;
    // The engine's own limits are for servers with much memory (5 GiB for marks alone).
    let cache = memory / 16;
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!-- Written anew at each start. -->
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
</clickhouse>
"#
    )
}

/// The engine's own session must be the passwordless `default`, so that one may do
/// nothing but open the interfaces and make empty temporary tables.
fn users(password: &str) -> String {
    let sum = hex(&Sha256::digest(password.as_bytes()));
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!-- Written anew at each start. -->
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
      <constraints>
        <max_threads><readonly/></max_threads>
        <max_memory_usage><readonly/></max_memory_usage>
      </constraints>
    </listening>
  </profiles>
  <quotas><default/></quotas>
  <users>
    <default>
      <password></password>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>listening</profile>
      <quota>default</quota>
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
  </users>
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
        assert!(!users(&made).contains(&made));
    }
}
