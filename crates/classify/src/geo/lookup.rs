//! Look-up of addresses in a MaxMind DB.

use std::fmt;
use std::net::IpAddr;

use maxminddb::Reader;
use xxhash_rust::xxh3::xxh3_64;

use super::place::{Country, Place};
use super::record::GeoRecord;
use super::truncate::is_local;

/// The reason why a file is not a usable database.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GeoError {
    /// The bytes are not in the MaxMind DB format, or are truncated.
    #[error("not a MaxMind DB: {0}")]
    Format(#[from] maxminddb::MaxMindDbError),
}

/// An optional geography database.
///
/// Reads any MaxMind DB with nested records (`country.iso_code`, `subdivisions[0].iso_code`) or
/// flat records (`country_code`, `country`, `region_code`, `region`…). Without a database every
/// address is at [`Place::UNKNOWN`].
#[derive(Default)]
pub struct Geo {
    reader: Option<Reader<Vec<u8>>>,
    checksum: u64,
}

impl Geo {
    /// Creates a value without a database: every place is unknown.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            reader: None,
            checksum: 0,
        }
    }

    /// Opens a database from the whole content of a `.mmdb` file.
    ///
    /// # Errors
    /// [`GeoError::Format`] if the metadata cannot be read. A broken record is not an error: its
    /// place is unknown.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, GeoError> {
        Ok(Self {
            checksum: xxh3_64(&bytes),
            reader: Some(Reader::from_source(bytes)?),
        })
    }

    /// Returns the type and the build time (seconds since 1970) that the database's metadata
    /// states.
    #[must_use]
    pub fn edition(&self) -> Option<(&str, u64)> {
        let metadata = self.reader.as_ref()?.metadata();
        Some((metadata.database_type.as_str(), metadata.build_epoch))
    }

    /// Checksum of the whole file, which distinguishes databases with equal metadata. Zero without
    /// a database.
    #[must_use]
    pub const fn checksum(&self) -> u64 {
        self.checksum
    }

    /// Returns the place of an address. Local addresses, addresses that the database lacks and
    /// unreadable records are at [`Place::UNKNOWN`].
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
            .and_then(|found| found.decode::<GeoRecord<'_>>().ok().flatten())
            .map_or(Place::UNKNOWN, |record| record.place())
    }

    /// Returns the country of the address, or [`Country::UNKNOWN`].
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
