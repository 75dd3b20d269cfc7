use std::sync::Arc;

use crate::Config;
use crate::database::Database;

/// Handles of one connection to ClickHouse. They are cheap to clone.
#[derive(Clone)]
pub struct Store {
    ledger: Ledger,
    facts: Facts,
    rebuilds: Rebuilds,
    usage: Usage,
    registers: Registers,
    admin: Admin,
}

/// The ledger: fates of all records, gaps and accepted losses, months in doubt, and producers.
#[derive(Clone)]
pub struct Ledger(pub(crate) Arc<Database>);

/// The facts: inserts, look-ups, copies and erasures.
#[derive(Clone)]
pub struct Facts(pub(crate) Arc<Database>);

/// Rebuilds: their progress and changes.
#[derive(Clone)]
pub struct Rebuilds(pub(crate) Arc<Database>);

/// Figures of usage, for the API and for reports, and the hour rows that they are read from.
#[derive(Clone)]
pub struct Usage(pub(crate) Arc<Database>);

/// Records that no event contains: registers, sealed years, and figures of other sources.
#[derive(Clone)]
pub struct Registers(pub(crate) Arc<Database>);

/// The database itself: schema, servers, readers, backups and retention.
#[derive(Clone)]
pub struct Admin(pub(crate) Arc<Database>);

impl Store {
    /// Prepares a connection without connecting.
    pub fn new(config: &Config) -> Self {
        Self::of(Arc::new(Database::new(config)))
    }

    pub(crate) fn of(database: Arc<Database>) -> Self {
        Self {
            ledger: Ledger(database.clone()),
            facts: Facts(database.clone()),
            rebuilds: Rebuilds(database.clone()),
            usage: Usage(database.clone()),
            registers: Registers(database.clone()),
            admin: Admin(database),
        }
    }

    /// Returns the handle of the ledger.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Returns the handle of the facts.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Returns the handle of rebuilds.
    pub fn rebuilds(&self) -> &Rebuilds {
        &self.rebuilds
    }

    /// Returns the handle of the figures.
    pub fn usage(&self) -> &Usage {
        &self.usage
    }

    /// Returns the handle of registers, seals and imported figures.
    pub fn registers(&self) -> &Registers {
        &self.registers
    }

    /// Returns the handle of the database itself.
    pub fn admin(&self) -> &Admin {
        &self.admin
    }
}
