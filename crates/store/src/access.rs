//! Read access to ClickHouse: a reader of all data, and readers limited to some enti.
//!
//! A reader of some enti has its own database and no rights elsewhere. The database contains a view
//! for each table of [`READABLE`]. The view runs with the rights of its *definer*: a user that
//! cannot log in, with row policies for the enti of the reader. So no table function has a table to
//! read, and ClickHouse applies the row policy before any condition of a query. Views of the schema
//! are created again on top of these views.
//!
//! `EXPLAIN` would reveal the number of parts and granules of all enti, so the views refuse it. In
//! a cluster every node has the views, and a Distributed table over them has the name.
//!
//! The local engine defines these users in its users file. A server with access management gets
//! them from [`statements`].

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::cluster::{database, fill, held, on_cluster};
use crate::database::Database;
use crate::migrate::SchemaObject;
use crate::sql::{Statement, joined, quoted, statement};
use crate::{Admin, Config, Migration, StoreError, migrations};

/// A table or view that readers of some enti may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Readable {
    /// Name of the table or view.
    pub table: &'static str,
    /// Column with the code of the ente. `None` if every ente may read every row, and for a view of
    /// the schema, which reads the reader's own tables.
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

/// Tables and views that a reader of some enti may read. A view stands after the views that it reads.
/// The rest, such as the ledger and the sealed years, covers all enti at once and stays closed.
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
    open("users_by_hour"),
    open("usage_by_hour_band"),
    open("usage_by_day_kind"),
    open("usage_by_desk"),
    open("usage_by_hour"),
    open("silent_portals"),
    open("usage_by_portal"),
];

/// A user that reads the rows of some enti.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnteReader {
    /// User name.
    pub user: String,
    /// SHA-256 of the password, 64 hexadecimal digits.
    pub password_sha256: String,
    /// Codes of the enti that the user may read; empty for all.
    pub enti: Vec<String>,
}

impl EnteReader {
    /// Returns the database that contains the reader's views, which is its default database.
    pub fn database(&self, database: &str) -> String {
        format!("{database}_{}", self.user)
    }

    /// Returns `config` with the reader's own database.
    fn own(&self, config: &Config) -> Config {
        Config {
            database: self.database(&config.database),
            ..config.clone()
        }
    }

    /// Returns the user that defines the reader's views.
    pub fn definer(&self) -> String {
        format!("affluenza_views_{}", self.user)
    }

    /// Returns the tables that the definer reads, each with the condition of its row policy.
    pub fn policies(&self, config: &Config) -> Vec<(String, Option<String>)> {
        READABLE
            .iter()
            .filter(|readable| view_of_schema(readable.table).is_none())
            .map(|readable| {
                let filter = row_filter(readable.ente, &self.enti);
                (held(readable.table, config), filter)
            })
            .collect()
    }
}

/// Columns that the definers read to detect an `EXPLAIN`.
pub const WATCHED: &str = "SELECT(query_id, query_kind) ON system.processes";

/// Comment that identifies the databases of the readers of the configuration.
const COMMENT: &str = "Views of a reader of some enti, made by affluenza";

/// Returns the statement that creates the database of a reader.
fn database_of(own: &Config, comment: &str) -> String {
    format!("{} COMMENT {}", database(own), quoted(comment))
}

/// Returns the view of the schema with this name, if there is one.
fn view_of_schema(name: &str) -> Option<&'static Migration> {
    let mut all = migrations().iter();
    all.find(|one| one.object == SchemaObject::View && one.object_name() == name)
}

/// Returns the SQL condition of the row policy of a table; `None` if the reader may read all rows.
fn row_filter(column: Option<&str>, enti: &[String]) -> Option<String> {
    let column = column.filter(|_| !enti.is_empty())?;
    let codes = joined(enti.iter().map(|code| quoted(code)));
    Some(format!("{column} IN ({codes})"))
}

fn name(text: &str) -> String {
    format!("`{}`", text.replace('\\', "\\\\").replace('`', "\\`"))
}

/// Returns the statements that create a reader's views in its own database, in order. `columns`
/// returns the columns of a table with their comments, in brackets. An empty text leaves the
/// columns to the server.
fn views(config: &Config, reader: &EnteReader, columns: impl Fn(&str) -> String) -> Vec<String> {
    let own = reader.own(config);
    let (on, database) = (on_cluster(config), &own.database);
    let mut made = Vec::new();
    for readable in READABLE {
        let table = readable.table;
        if let Some(view) = view_of_schema(table) {
            made.push(fill(view.sql, table, &own));
            continue;
        }
        let source = held(table, config);
        let columns = columns(&source);
        let rows = row_filter(readable.ente, &reader.enti);
        let rows = rows.map_or(String::new(), |filter| format!("{filter} AND "));
        made.push(format!(
            "CREATE OR REPLACE VIEW {source}{on} {columns} DEFINER = {} SQL SECURITY DEFINER AS SELECT * FROM {}.{source} WHERE {rows}{PLANNED}",
            reader.definer(),
            config.database,
        ));
        if !config.cluster.is_empty() {
            made.push(format!(
                "CREATE OR REPLACE TABLE {table}{on} AS {database}.{source} ENGINE = Distributed('{}', '{database}', '{source}')",
                config.cluster,
            ));
        }
    }
    made
}

/// Condition that is true for an executed query and refuses an `EXPLAIN`. The subquery is evaluated
/// during planning, so it costs nothing per row.
const PLANNED: &str = "(SELECT throwIf(countIf(p.query_kind != 'Explain') = 0, 'EXPLAIN is closed to readers of some enti: ask the administrator') FROM system.processes AS p WHERE p.query_id = queryID()) = 0";

/// Limits of every reader's queries. In ClickHouse 0 means no limit, so each limit has a minimum.
const SETTINGS: &str = "readonly = 2, max_execution_time = 60 MIN 1 MAX 60, max_memory_usage = 2000000000 MIN 1 MAX 2000000000, max_memory_usage_for_user = 4000000000 MIN 1 MAX 4000000000, max_untracked_memory = 4194304 MAX 4194304, max_threads = 4 MIN 1 MAX 8, max_rows_to_read = 20000000000 MIN 1 MAX 20000000000, max_result_rows = 100000000 MIN 1 MAX 100000000, max_concurrent_queries_for_user = 100 MIN 1 MAX 100, use_query_cache = 0 CONST, output_format_write_statistics = 0 CONST, timeout_overflow_mode = 'throw' CONST, cancel_http_readonly_queries_on_client_close = 1 CONST";
const QUOTA: &str =
    "KEYED BY user_name FOR INTERVAL 1 hour MAX queries = 200000, execution_time = 7200";

/// Returns the statements for a server with access management. The administrator runs them after
/// each migration and each change of a reader. They can be repeated.
pub fn statements(config: &Config, readers: &[EnteReader]) -> Vec<String> {
    let mut all = vec![profile(config)];
    for reader in readers {
        all.extend(users_of(config, reader));
        let here = reader.own(config);
        all.push(database_of(&here, COMMENT));
        all.push(format!("USE {}", here.database));
        all.extend(views(config, reader, |_| String::new()));
    }
    all
}

/// Returns the statement that creates the profile of readers.
pub(crate) fn profile(config: &Config) -> String {
    let on = on_cluster(config);
    format!("CREATE SETTINGS PROFILE OR REPLACE affluenza_reading{on} SETTINGS {SETTINGS}")
}

/// Returns the statements that drop a reader with its definer, rights and views.
pub(crate) fn drop_statements(config: &Config, reader: &EnteReader) -> Vec<String> {
    let on = on_cluster(config);
    let definer = name(&reader.definer());
    let mut all = vec![
        format!("DROP USER IF EXISTS {}, {definer}{on}", name(&reader.user)),
        format!("DROP QUOTA IF EXISTS {}{on}", quota(&reader.user)),
        format!(
            "DROP DATABASE IF EXISTS {}{on}",
            name(&reader.database(&config.database))
        ),
    ];
    let tables = reader.policies(config).into_iter();
    all.extend(tables.map(|(table, _)| drop_policy(config, &definer, &table)));
    all
}

/// Returns the statement that drops the row policy of a definer on a table.
fn drop_policy(config: &Config, definer: &str, table: &str) -> String {
    let (database, table, on) = (name(&config.database), name(table), on_cluster(config));
    format!("DROP ROW POLICY IF EXISTS {definer} ON {database}.{table}{on}")
}

/// Returns the name of a reader's quota.
fn quota(user: &str) -> String {
    name(&format!("affluenza_reading_{user}"))
}

/// Returns the statements that create a reader and its definer.
pub(crate) fn users_of(config: &Config, reader: &EnteReader) -> Vec<String> {
    let on = on_cluster(config);
    let database = name(&config.database);
    let (user, definer) = (name(&reader.user), name(&reader.definer()));
    let mut all = vec![
        format!(
            "CREATE USER OR REPLACE {definer}{on} HOST NONE SETTINGS PROFILE 'affluenza_reading'"
        ),
        format!("GRANT{on} {WATCHED} TO {definer}"),
    ];
    for (table, filter) in reader.policies(config) {
        let held = format!("{database}.{}", name(&table));
        all.push(format!("GRANT{on} SELECT ON {held} TO {definer}"));
        all.push(match filter {
            Some(filter) => format!(
                "CREATE ROW POLICY OR REPLACE {definer}{on} ON {held} FOR SELECT USING {filter} AS RESTRICTIVE TO {definer}"
            ),
            // The reader may have been created for some enti before.
            None => drop_policy(config, &definer, &table),
        });
    }
    all.push(format!(
        "CREATE USER OR REPLACE {user}{on} IDENTIFIED WITH sha256_hash BY {} DEFAULT DATABASE {own} SETTINGS PROFILE 'affluenza_reading'",
        quoted(&reader.password_sha256),
        own = name(&reader.database(&config.database)),
    ));
    all.push(format!(
        "GRANT{on} SELECT ON {}.* TO {user}",
        name(&reader.database(&config.database))
    ));
    all.push(format!(
        "CREATE QUOTA OR REPLACE {}{on} {QUOTA} TO {user}",
        quota(&reader.user)
    ));
    all
}

/// A column as described by the server.
#[derive(Row, Serialize, Deserialize)]
struct ServerColumn {
    table: String,
    name: String,
    kind: String,
    comment: String,
}

impl Admin {
    /// Creates the views of `readers`, and drops the databases of former readers. The server must
    /// know the users of `readers`.
    pub async fn create_reader_views(&self, readers: &[EnteReader]) -> Result<(), StoreError> {
        let own = self.0.name();
        let wanted: Vec<String> = readers.iter().map(|reader| reader.database(own)).collect();
        let known = "SELECT d.name FROM system.databases AS d WHERE d.comment = {comment:String}";
        let known = Statement::from(known).bind("comment", COMMENT);
        let known: Vec<String> = self.0.rows(known).await?;
        for past in known.iter().filter(|known| !wanted.contains(known)) {
            let drop = format!("DROP DATABASE IF EXISTS {}", name(past));
            self.0.execute(&drop).await?;
        }
        for reader in readers {
            self.create_views_of(reader, COMMENT).await?;
        }
        Ok(())
    }

    /// Creates the views of a reader in its own database, which gets a comment.
    pub(crate) async fn create_views_of(
        &self,
        reader: &EnteReader,
        comment: &str,
    ) -> Result<(), StoreError> {
        let columns: Vec<ServerColumn> = self.0.rows(statement!("server_columns")).await?;
        let own = Database::new(&reader.own(&self.0.config));
        own.outside()
            .execute_everywhere(&database_of(&own.config, comment))
            .await?;
        for view in views(&self.0.config, reader, |table| described(&columns, table)) {
            own.execute_everywhere(&view).await?;
        }
        Ok(())
    }
}

/// Returns the columns of a table with their comments, in brackets.
fn described(columns: &[ServerColumn], table: &str) -> String {
    let of_table = columns.iter().filter(|column| column.table == table);
    let columns = joined(of_table.map(|column| {
        let (of, comment) = (name(&column.name), quoted(&column.comment));
        format!("{of} {} COMMENT {comment}", column.kind)
    }));
    format!("({columns})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_with_an_ente_is_filtered_or_closed() {
        for migration in migrations() {
            if !matches!(migration.object, SchemaObject::Table(_)) {
                continue;
            }
            let table = migration.object_name();
            let has_ente = migration.sql.contains("\n    ente ") || table == "register_enti";
            let readable = READABLE.iter().find(|readable| readable.table == table);
            if let (true, Some(readable)) = (has_ente, readable) {
                assert!(readable.ente.is_some(), "{table} has rows of every ente");
            }
        }
    }

    fn reader() -> EnteReader {
        EnteReader {
            user: "analyst".into(),
            password_sha256: "ab".repeat(32),
            enti: vec!["c_d612".into()],
        }
    }

    fn cluster(nodes: &[&str]) -> Config {
        Config {
            cluster: "region".into(),
            nodes: nodes.iter().map(|node| (*node).to_owned()).collect(),
            ..Config::default()
        }
    }

    #[test]
    fn a_reader_has_rights_on_its_own_database_alone() {
        for config in [Config::default(), cluster(&[]), cluster(&["http://a:8123"])] {
            let all = statements(&config, &[reader()]);
            let rights: Vec<&String> = all
                .iter()
                .filter(|one| one.starts_with("GRANT") && one.ends_with("TO `analyst`"))
                .collect();
            assert!(
                matches!(&rights[..], [one] if one.contains("SELECT ON `affluenza_analyst`.*")),
                "{rights:?}"
            );
            // The definer reads every table of all enti, with a row policy on it.
            let policies = all
                .iter()
                .filter(|one| one.starts_with("CREATE ROW POLICY"));
            assert_eq!(policies.count(), 7);
            let is_definer = |one: &&String| one.contains("SQL SECURITY DEFINER");
            for view in all.iter().filter(is_definer) {
                assert!(view.contains("query_kind != 'Explain'"), "{view}");
            }
            assert_eq!(all.iter().filter(is_definer).count(), 10);
        }
    }

    #[test]
    fn in_a_cluster_a_shard_filters_its_own_rows() {
        let made = views(&cluster(&[]), &reader(), |_| String::new());
        let of_facts = |one: &&String| one.contains("usage_events");
        let of_facts: Vec<&String> = made.iter().filter(of_facts).take(2).collect();
        assert!(
            of_facts[0].starts_with("CREATE OR REPLACE VIEW usage_events_local ON CLUSTER region ")
        );
        assert!(of_facts[0].contains("FROM affluenza.usage_events_local WHERE ente IN ('c_d612')"));
        assert_eq!(
            of_facts[1],
            "CREATE OR REPLACE TABLE usage_events ON CLUSTER region AS affluenza_analyst.usage_events_local ENGINE = Distributed('region', 'affluenza_analyst', 'usage_events_local')"
        );
        for view in made {
            assert!(view.contains(" ON CLUSTER region"), "{view}");
        }
    }

    #[test]
    fn every_limit_has_a_minimum() {
        for setting in SETTINGS.split(", ").filter(|one| one.contains(" MAX ")) {
            let has_none = ["max_untracked_memory"];
            let name = setting.split(' ').next().unwrap();
            assert!(
                setting.contains(" MIN 1 ") || has_none.contains(&name),
                "{setting}"
            );
        }
    }

    #[test]
    fn codes_cannot_leave_their_quotes() {
        let filter = row_filter(Some("ente"), &["a' OR '1'='1".into(), "b\\".into()]);
        let expected = r"ente IN ('a\' OR \'1\'=\'1', 'b\\')";
        assert_eq!(filter.as_deref(), Some(expected));
        assert_eq!(row_filter(Some("ente"), &[]), None);
        assert_eq!(row_filter(None, &["a".into()]), None);
    }
}
