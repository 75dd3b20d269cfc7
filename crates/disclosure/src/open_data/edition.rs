use crate::edition::PublicYear;
use affluenza_register::Register;
use jiff::civil::Date;
use sha2::{Digest, Sha256};

use crate::open_data::Publisher;
use crate::open_data::catalogue::catalogue;
use crate::open_data::tables::{EditionTable, SHEETS};

/// File name of the catalogue.
pub const CATALOGUE: &str = "catalog.jsonld";

/// Published years as files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edition {
    /// The tables, then the catalogue of all of them, `catalog.jsonld`.
    pub files: Vec<File>,
}

/// A year to publish.
pub struct Published<'a> {
    /// Public figures of the year.
    pub public: &'a PublicYear,
    /// Day on which the figures were last changed: for a closed year, the day of closing.
    pub modified: Date,
}

/// A file of an edition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Name, without a folder.
    pub name: String,
    /// Content of the file.
    pub bytes: Vec<u8>,
}

/// A table of a year.
pub(crate) struct Dataset {
    pub year: i16,
    pub modified: Date,
    pub small_count: u64,
    pub sheet: &'static EditionTable,
    pub file: File,
}

impl Dataset {
    pub fn sha256(&self) -> String {
        sha256(&self.file.bytes)
    }
}

/// Returns the SHA-256 in hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

impl Edition {
    /// Builds the tables of some years, and their catalogue with the publisher. A year without data
    /// has tables without rows.
    pub fn build(years: &[Published<'_>], register: &Register, publisher: &Publisher) -> Self {
        let datasets: Vec<Dataset> = years
            .iter()
            .flat_map(|year| of_year(year, register))
            .collect();
        let catalogue = catalogue(&datasets, publisher);
        let mut files: Vec<File> = datasets.into_iter().map(|dataset| dataset.file).collect();
        let mut bytes = serde_json::to_vec_pretty(&catalogue).expect("it is made of text");
        bytes.push(b'\n');
        files.push(File {
            name: CATALOGUE.to_owned(),
            bytes,
        });
        Self { files }
    }
}

fn of_year<'a>(
    published: &'a Published<'_>,
    register: &'a Register,
) -> impl Iterator<Item = Dataset> {
    let (year, modified) = (published.public.year(), published.modified);
    let small_count = published.public.small_count();
    SHEETS.iter().map(move |sheet| Dataset {
        year,
        modified,
        small_count,
        file: File {
            name: format!("{}-{year}.csv", sheet.name),
            bytes: csv(&sheet.header(), &sheet.rows(published.public, register)),
        },
        sheet,
    })
}

/// Writes CSV as in RFC 4180: UTF-8, comma, a header, CRLF.
fn csv(header: &[String], rows: &[Vec<String>]) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    writer.write_record(header).expect("memory takes it");
    for row in rows {
        writer
            .write_record(row)
            .expect("rows are as long as the header");
    }
    writer.into_inner().expect("memory takes it")
}
