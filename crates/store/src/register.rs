//! The register in ClickHouse: tables by version, and dictionaries of the current version.

use bytes::Bytes;
use clickhouse::Row;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use crate::cluster::on_cluster;
use crate::database::{Database, head};
use crate::sql::{Statement, quoted, statement};
use crate::{Registers, StoreError, Usage};

/// Table for a part of the register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegisterTable {
    /// Public bodies.
    Enti,
    /// Services and their categories.
    Services,
    /// Deployments: services offered by an ente.
    Deployments,
    /// National holidays.
    NationalHolidays,
    /// Patron saints' days, each row with the enti that share its days.
    Holidays,
    /// Desk hours by ente.
    DeskHours,
}

impl RegisterTable {
    const fn name(self) -> &'static str {
        match self {
            Self::Enti => "register_enti",
            Self::Services => "register_services",
            Self::Deployments => "register_deployments",
            Self::NationalHolidays => "register_national_holidays",
            Self::Holidays => "register_holidays",
            Self::DeskHours => "register_desk_hours",
        }
    }

    /// Returns the statement that inserts lines of JSON.
    fn insert(self) -> Statement {
        match self {
            Self::Holidays => statement!("insert_holidays"),
            other => lines_into(other.name()),
        }
    }
}

/// Dictionaries for `dictGet`: name, columns, and query.
const DICTIONARIES: [(&str, &str, &str); 2] = [
    (
        "register_ente",
        "code String, name String, kind String, inhabitants UInt32, successor String",
        "SELECT code, name, toString(kind), inhabitants, successor FROM enti",
    ),
    (
        "register_service",
        "code String, name_it String, name_en String, category String, nature String",
        "SELECT code, argMax(s.name_it, s.valid_from), argMax(s.name_en, s.valid_from), argMax(toString(s.category), s.valid_from), argMax(toString(s.nature), s.valid_from) FROM services AS s GROUP BY code",
    ),
];

/// Usage by stored codes, which the register may not contain.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct UsageByCode {
    /// Public body as stored.
    pub ente: String,
    /// Portal as stored.
    pub portal: String,
    /// Service as stored; empty for an access without a service.
    pub service: String,
    /// 1 if the usage was classified as unregistered, else 0.
    pub unregistered: u8,
    /// Number of events.
    pub events: u64,
    /// First local day, `YYYY-MM-DD`.
    pub first_day: String,
    /// Last local day, `YYYY-MM-DD`.
    pub last_day: String,
}

/// Portal with codes of services that were not in the register.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct UnregisteredSender {
    /// Public body as stored.
    pub ente: String,
    /// Portal as stored.
    pub portal: String,
    /// Number of different codes.
    pub codes: u64,
    /// Number of events with these codes.
    pub events: u64,
}

impl Registers {
    /// Returns the version of the current register; `None` before the first one was applied.
    pub async fn current(&self) -> Result<Option<String>, StoreError> {
        let query =
            "SELECT v.version FROM register_versions AS v ORDER BY v.applied_at DESC LIMIT 1";
        Ok(self.0.rows(query).await?.into_iter().next())
    }

    /// Writes a table of the register `version`, given as one JSON object per line. Replaces the
    /// rows of an earlier attempt.
    pub async fn put(
        &self,
        table: RegisterTable,
        version: &str,
        rows: String,
    ) -> Result<(), StoreError> {
        let of_version = Statement::from("version = {version:String}").bind("version", version);
        self.0.delete(table.name(), of_version).await?;
        if rows.is_empty() {
            return Ok(());
        }
        self.0.send_rows(&table.insert(), rows.into()).await
    }

    /// Makes a register the current one after its tables were written, and creates its
    /// dictionaries.
    pub async fn activate(&self, version: &str) -> Result<(), StoreError> {
        let insert = "INSERT INTO register_versions (version) SELECT {version:String}";
        let insert = Statement::from(insert).bind("version", version);
        self.0.execute(insert).await?;
        // A dictionary connects as a user. The server does not reveal its password.
        let (user, password) = (&self.0.config.user, self.0.config.password.expose_secret());
        for (name, columns, query) in DICTIONARIES {
            let query = query.replace(" FROM ", &format!(" FROM {}.", self.0.name()));
            let create = statement!("create_dictionary")
                .put("name", name)
                .put("on_cluster", on_cluster(&self.0.config))
                .put("columns", columns)
                .put("user", quoted(user))
                .put("password", quoted(password))
                .put("database", self.0.name())
                .put("query", quoted(&query));
            self.0.execute_everywhere(create).await?;
        }
        Ok(())
    }
}

impl Usage {
    /// Passes the usage by stored codes to `take`, the most used first. Codes come from events, so
    /// their number has no limit, and they are not held.
    pub async fn each_code(&self, mut take: impl FnMut(UsageByCode)) -> Result<(), StoreError> {
        let query = statement!("usage_by_code").query(&self.0.client);
        let judge = |error| self.0.judge("the query of codes", error);
        let mut rows = query.fetch::<UsageByCode>().map_err(judge)?;
        while let Some(row) = rows.next().await.map_err(judge)? {
            take(row);
        }
        Ok(())
    }

    /// Returns the portals that sent the most different codes which were not in the register, at
    /// most five.
    pub async fn senders_of_codes(&self) -> Result<Vec<UnregisteredSender>, StoreError> {
        self.0.rows(statement!("senders_of_codes")).await
    }
}

/// Returns the insert of lines of JSON that have the columns of a table.
pub(crate) fn lines_into(table: &str) -> Statement {
    Statement::from(format!("INSERT INTO {table} FORMAT JSONEachRow"))
}

impl Database {
    /// Runs an insert whose rows are lines of JSON.
    pub(crate) async fn send_rows(
        &self,
        insert: &Statement,
        rows: Bytes,
    ) -> Result<(), StoreError> {
        let text = insert.text();
        let what = head(&text);
        let mut insert = self
            .client
            .insert_formatted_with(text.as_str())
            .with_setting("async_insert", "0");
        insert
            .send(rows)
            .await
            .map_err(|error| self.judge(what, error))?;
        insert.end().await.map_err(|error| self.judge(what, error))
    }
}
