//! Configuration, users and passwords of ClickHouse.

use std::fmt::Display;
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

/// Fills the placeholders `{name}` of a template.
fn fill(template: &str, values: &[(&str, &dyn Display)]) -> String {
    let mut text = template.to_owned();
    for (name, value) in values {
        text = text.replace(&format!("{{{name}}}"), &value.to_string());
    }
    text
}

/// Escapes a value for XML, and its braces for [`fill`].
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('{', "&#123;")
        .replace('}', "&#125;")
}

/// Returns the SHA-256 of a password as hexadecimal digits.
fn digest(password: &[u8]) -> String {
    hex::encode(Sha256::digest(password))
}

/// Builds the server configuration. Paths are relative to the folder, which is the working
/// directory.
fn config(settings: &ClickHouseSettings) -> String {
    let memory = u64::from(settings.memory_mib) * MIB;
    fill(
        include_str!("../../assets/config.xml"),
        &[
            ("sync", &u8::from(settings.sync_writes)),
            ("memory", &memory),
            ("cache", &(memory / 16)),
            ("sections", &settings.sections),
        ],
    )
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
    /// Builds the users sections of the reader and the definer.
    fn xml(&self) -> String {
        let database = escaped(&self.database);
        let (mut grants, mut filters) = (String::new(), String::new());
        for (table, filter) in &self.tables {
            let table = escaped(table);
            grants += &format!("        <query>GRANT SELECT ON {database}.{table}</query>\n");
            if let Some(filter) = filter {
                let filter = escaped(filter);
                filters += &format!("          <{table}><filter>{filter}</filter></{table}>\n");
            }
        }
        fill(
            include_str!("../../assets/reader.xml"),
            &[
                ("name", &escaped(&self.name)),
                ("password", &escaped(&self.password_sha256)),
                ("views", &escaped(&self.views)),
                ("definer", &escaped(&self.definer)),
                (
                    "unknown_password",
                    &digest(&crate::random::<PASSWORD_BYTES>()),
                ),
                ("watched", &escaped(&self.watched)),
                ("database", &database),
                ("grants", &grants),
                ("filters", &filters),
            ],
        )
    }
}

/// Maximum number of threads of a reader's query.
const READER_THREADS: usize = 4;

/// Builds the users file. The session of the embedded engine runs as the passwordless user
/// `default`, which cannot be changed later.
///
/// Therefore `default` may only run the statements that open the interfaces. Two limits, which the
/// user cannot change, enforce that. Each has exceptions that the other one covers:
/// - The quota is exhausted by those statements. `SELECT 1` and similar queries cost no quota.
/// - Only one query may run at a time, and the last statement of the session runs as long as the
///   engine. `KILL QUERY` ignores this limit but costs quota. The command line exempts the session.
fn users(password: &str, reader_password: &str, settings: &ClickHouseSettings) -> String {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let readers: String = settings.readers.iter().map(RowReader::xml).collect();
    fill(
        include_str!("../../assets/users.xml"),
        &[
            ("user", &USER),
            ("reader", &READER),
            ("memory", &(u64::from(settings.memory_mib) * MIB / 2)),
            ("threads", &threads.min(READER_THREADS)),
            ("statements", &super::serve(settings).len()),
            ("password", &digest(password.as_bytes())),
            ("reader_password", &digest(reader_password.as_bytes())),
            ("readers", &readers),
        ],
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

    #[test]
    fn every_placeholder_is_filled_and_values_stay_text() {
        let mut settings = ClickHouseSettings::new("x");
        settings.sections = "<remote_servers/>".into();
        settings.readers = vec![RowReader {
            name: "anna".into(),
            password_sha256: "ab".into(),
            views: "views_of_anna".into(),
            definer: "definer_of_anna".into(),
            watched: "SELECT(a) ON b".into(),
            database: "affluenza".into(),
            tables: vec![
                ("facts".into(), Some("ente < '{name}'".into())),
                ("enti".into(), None),
            ],
        }];
        let (config, users) = (config(&settings), users("p", "r", &settings));
        for text in [&config, &users] {
            assert!(!text.contains(['{', '}']), "{text}");
        }
        for part in [
            "<remote_servers/>",
            "<fsync_after_insert>1<",
            "<max_server_memory_usage>2147483648<",
            "<mark_cache_size>134217728<",
        ] {
            assert!(config.contains(part), "{part}: {config}");
        }
        for part in [
            "<max_memory_usage>1073741824<",
            "<max_memory_usage><min>1</min><max>1073741824</max>",
            "<queries>2<",
            "<anna>",
            "<query>GRANT SELECT ON affluenza.enti</query>",
            "<facts><filter>ente &lt; '&#123;name&#125;'</filter></facts>",
        ] {
            assert!(users.contains(part), "{part}: {users}");
        }
    }
}
