//! Looking an address up in a MaxMind DB.

use std::fmt;
use std::net::IpAddr;

use maxminddb::Reader;
use xxhash_rust::xxh3::xxh3_64;

use super::place::{Country, Place};
use super::record::Record;
use super::truncate::is_local;

/// Why bytes are not a usable database.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GeoError {
    /// Not the MaxMind DB format, or cut short.
    #[error("not a MaxMind DB: {0}")]
    Format(#[from] maxminddb::MaxMindDbError),
}

/// A geography database, or none.
///
/// Reads any MaxMind DB: nested records (`country.iso_code`,
/// `subdivisions[0].iso_code`) and flat ones (`country_code`, `country`, `region_code`,
/// `region`…). Without a database every address is at [`Place::UNKNOWN`].
#[derive(Default)]
pub struct Geo {
    reader: Option<Reader<Vec<u8>>>,
    checksum: u64,
}

impl Geo {
    /// No database: every place is unknown.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            reader: None,
            checksum: 0,
        }
    }

    /// The database in these bytes, the whole content of a `.mmdb` file.
    ///
    /// # Errors
    /// [`GeoError::Format`] if the metadata cannot be read. A broken record is no
    /// error, neither here nor later: its place is unknown.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, GeoError> {
        Ok(Self {
            checksum: xxh3_64(&bytes),
            reader: Some(Reader::from_source(bytes)?),
        })
    }

    /// Whether there is a database.
    #[must_use]
    pub const fn is_loaded(&self) -> bool {
        self.reader.is_some()
    }

    /// The database's own name and build time (seconds since 1970), for the records.
    #[must_use]
    pub fn edition(&self) -> Option<(&str, u64)> {
        let metadata = self.reader.as_ref()?.metadata();
        Some((metadata.database_type.as_str(), metadata.build_epoch))
    }

    /// Of the whole content: tells two databases apart whatever they say of themselves. 0 without
    /// one.
    #[must_use]
    pub const fn checksum(&self) -> u64 {
        self.checksum
    }

    /// Where the address is. Local addresses, addresses not in the database and
    /// records that cannot be read are at [`Place::UNKNOWN`].
    #[must_use]
    pub fn place(&self, address: IpAddr) -> Place {
        let Some(reader) = &self.reader else {
            return Place::UNKNOWN;
        };
        let address = address.to_canonical();
        if is_local(address) {
            return Place::UNKNOWN;
        }
        reader
            .lookup(address)
            .ok()
            .and_then(|found| found.decode::<Record<'_>>().ok().flatten())
            .map_or(Place::UNKNOWN, |record| record.place())
    }

    /// The country of the address, or [`Country::UNKNOWN`].
    #[must_use]
    pub fn country(&self, address: IpAddr) -> Country {
        self.place(address).country
    }
}

impl fmt::Debug for Geo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Geo")
            .field("edition", &self.edition())
            .finish()
    }
}
