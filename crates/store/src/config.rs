use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// Connection to ClickHouse, and limits of its statements.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// HTTP interface, such as `http://127.0.0.1:8123`. Empty means the local engine of `up`.
    pub url: String,
    /// Name of the cluster in `remote_servers` of the servers. Then `url` is any node or a load
    /// balancer. Empty means a single server. The cluster of an existing database cannot be
    /// changed.
    pub cluster: String,
    /// HTTP interfaces of all nodes, for a cluster without Keeper and replication. `migrate` then
    /// connects to each node. Empty means `ON CLUSTER` and replicated tables.
    pub nodes: Vec<String>,
    /// Database, which `migrate` creates.
    pub database: String,
    /// User name.
    pub user: String,
    /// Password.
    #[serde(skip_serializing)]
    pub password: SecretString,
    /// User that reads the figures. Empty means `user`.
    pub reader_user: String,
    /// Password of `reader_user`.
    #[serde(skip_serializing)]
    pub reader_password: SecretString,
    /// Disk of the server for backups. Empty means a folder under the server's
    /// `backups/allowed_path`.
    pub backup_disk: String,
    /// Time limit of an insert, in seconds. It must stay far below the time for which the server
    /// remembers insert tokens.
    pub insert_seconds_max: u64,
    /// Time limit of a query, in seconds.
    pub query_seconds_max: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            url: String::new(),
            cluster: String::new(),
            nodes: Vec::new(),
            database: "affluenza".into(),
            user: "affluenza".into(),
            password: SecretString::default(),
            reader_user: String::new(),
            reader_password: SecretString::default(),
            backup_disk: String::new(),
            insert_seconds_max: 60,
            query_seconds_max: 60,
        }
    }
}

impl Config {
    /// Returns the configuration with the read-only user, if there is one.
    #[must_use]
    pub fn for_reading(&self) -> Self {
        if self.reader_user.is_empty() {
            return self.clone();
        }
        Self {
            user: self.reader_user.clone(),
            password: self.reader_password.clone(),
            ..self.clone()
        }
    }

    /// Returns the problems of the configuration, one line each.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let nodes = self.nodes.iter().map(|node| ("clickhouse.nodes", node));
        let url = Some(("clickhouse.url", &self.url)).filter(|(_, url)| !url.is_empty());
        for (name, url) in url.into_iter().chain(nodes) {
            if !url.starts_with("http://") && !url.starts_with("https://") {
                problems.push(format!(
                    "{name} = {url:?}: give the HTTP interface, such as http://127.0.0.1:8123"
                ));
            }
            if url.starts_with("https://") && !cfg!(feature = "tls") {
                problems.push(format!(
                    "{name} = {url:?}: this program was built without TLS: build it with --features tls, or give an http:// address"
                ));
            }
        }
        if self.cluster.is_empty() && !self.nodes.is_empty() {
            problems.push(
                "clickhouse.nodes is of a cluster: give its name as clickhouse.cluster, or leave it out".into(),
            );
        }
        if self.database.is_empty() || !is_plain(&self.database) {
            problems.push(format!(
                "clickhouse.database = {:?}: use letters, digits and '_'",
                self.database
            ));
        }
        if !is_plain(&self.cluster) {
            problems.push(format!(
                "clickhouse.cluster = {:?}: use letters, digits and '_'",
                self.cluster
            ));
        }
        for (name, seconds) in [
            ("clickhouse.insert_seconds_max", self.insert_seconds_max),
            ("clickhouse.query_seconds_max", self.query_seconds_max),
        ] {
            if !(1..=3600).contains(&seconds) {
                problems.push(format!("{name} = {seconds}: use 1 to 3600"));
            }
        }
        problems
    }
}

fn is_plain(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
