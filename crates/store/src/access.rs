//! Who may read what in ClickHouse: a reader of everything, and readers of some enti only.
//!
//! A server with access management gets roles, users, row policies and quotas by the statements
//! of [`statements`]; the local engine gets the same through its users file.

/// A table that readers may read, and the column by which its rows belong to an ente.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Readable {
    /// Table or view.
    pub table: &'static str,
    /// Column with the code of the ente; none where every ente may read every row. A view reads
    /// its tables with the rights of whoever asks.
    pub ente: Option<&'static str>,
}

const fn of_ente(table: &'static str, column: &'static str) -> Readable {
    Readable {
        table,
        ente: Some(column),
    }
}

const fn open(table: &'static str) -> Readable {
    Readable { table, ente: None }
}

/// What a reader of some enti may read. Everything else, such as the ledger and the sealed years,
/// is of all enti at once, and is not for it.
pub const READABLE: &[Readable] = &[
    of_ente("usage_events", "ente"),
    of_ente("usage_hourly", "ente"),
    of_ente("hours_of_months", "ente"),
    of_ente("register_enti", "code"),
    of_ente("register_deployments", "ente"),
    of_ente("register_holidays", "ente"),
    of_ente("register_desk_hours", "ente"),
    open("register_national_holidays"),
    open("register_services"),
    open("register_versions"),
    open("enti"),
    open("services"),
    open("deployments"),
    open("holidays"),
    open("desk_hours"),
    open("usage_by_category"),
    open("usage_by_ente"),
    open("usage_by_service"),
    open("usage_by_device"),
    open("usage_by_country"),
    open("usage_by_hour_band"),
    open("usage_by_day_kind"),
    open("usage_by_desk"),
    open("users_by_hour"),
    open("silent_portals"),
];

/// A user that reads the rows of some enti.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnteReader {
    /// Its name.
    pub user: String,
    /// SHA-256 of its password, 64 hexadecimal digits.
    pub password_sha256: String,
    /// Codes of its enti.
    pub enti: Vec<String>,
}

/// The condition on the rows of a table, as SQL.
pub fn row_filter(column: &str, enti: &[String]) -> String {
    let codes: Vec<String> = enti.iter().map(|code| quoted(code)).collect();
    format!("{column} IN ({})", codes.join(", "))
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn name(text: &str) -> String {
    format!("`{}`", text.replace('\\', "\\\\").replace('`', "\\`"))
}

/// Bounds of every reader's queries.
const SETTINGS: &str = "readonly = 2, max_execution_time = 60 MAX 60, max_memory_usage = 2000000000 MAX 2000000000, max_threads = 4 MAX 8";
const QUOTA: &str = "FOR INTERVAL 1 hour MAX queries = 200000, execution_time = 7200";

/// The statements that an administrator runs once, and again after each change: roles, quotas,
/// the reader of everything, and readers of some enti. They may be repeated.
pub fn statements(database: &str, reader: &EnteReader, readers: &[EnteReader]) -> Vec<String> {
    let database = name(database);
    let mut all = vec![
        "CREATE SETTINGS PROFILE OR REPLACE affluenza_reading SETTINGS ".to_owned() + SETTINGS,
        "CREATE ROLE IF NOT EXISTS affluenza_reader".to_owned(),
        format!("GRANT SELECT ON {database}.* TO affluenza_reader"),
        "CREATE ROLE IF NOT EXISTS affluenza_ente_reader".to_owned(),
    ];
    for readable in READABLE {
        let table = name(readable.table);
        all.push(format!(
            "GRANT SELECT ON {database}.{table} TO affluenza_ente_reader"
        ));
    }
    all.push(format!(
        "CREATE QUOTA OR REPLACE affluenza_reading KEYED BY user_name {QUOTA} TO affluenza_reader, affluenza_ente_reader"
    ));
    let user = |reader: &EnteReader, role: &str| {
        format!(
            "CREATE USER OR REPLACE {} IDENTIFIED WITH sha256_hash BY {} DEFAULT ROLE {role} SETTINGS PROFILE 'affluenza_reading'",
            name(&reader.user),
            quoted(&reader.password_sha256)
        )
    };
    let grant = |reader: &EnteReader, role: &str| format!("GRANT {role} TO {}", name(&reader.user));
    all.push(user(reader, "NONE"));
    all.push(grant(reader, "affluenza_reader"));
    all.push(format!(
        "SET DEFAULT ROLE affluenza_reader TO {}",
        name(&reader.user)
    ));
    for reader in readers {
        all.push(user(reader, "NONE"));
        all.push(grant(reader, "affluenza_ente_reader"));
        all.push(format!(
            "SET DEFAULT ROLE affluenza_ente_reader TO {}",
            name(&reader.user)
        ));
        for readable in READABLE {
            if let Some(column) = readable.ente {
                all.push(format!(
                    "CREATE ROW POLICY OR REPLACE {} ON {database}.{} FOR SELECT USING {} AS RESTRICTIVE TO {}",
                    name(&format!("affluenza_{}", reader.user)),
                    name(readable.table),
                    row_filter(column, &reader.enti),
                    name(&reader.user)
                ));
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrations;

    #[test]
    fn every_table_with_an_ente_is_filtered_or_closed() {
        for migration in migrations() {
            let Some(rest) = migration.sql.strip_prefix("CREATE TABLE IF NOT EXISTS ") else {
                continue;
            };
            let table = rest.split_whitespace().next().unwrap();
            let has_ente = migration.sql.contains("\n    ente ") || table == "register_enti";
            let readable = READABLE.iter().find(|readable| readable.table == table);
            if let (true, Some(readable)) = (has_ente, readable) {
                assert!(readable.ente.is_some(), "{table} has rows of every ente");
            }
        }
    }

    #[test]
    fn codes_cannot_leave_their_quotes() {
        let filter = row_filter("ente", &["a' OR '1'='1".into(), "b\\".into()]);
        assert_eq!(filter, r"ente IN ('a\' OR \'1\'=\'1', 'b\\')");
    }
}
