use crate::edition::{Dimension, PublicYear};
use affluenza_register::Register;
use jiff::civil::{Date, date};
use sha2::{Digest, Sha256};

use crate::open_data::Publisher;
use crate::open_data::catalogue::catalogue;
use crate::open_data::tables::{EditionTable, SHEETS};

/// File name of the catalogue.
pub const CATALOGUE: &str = "catalog.jsonld";

/// Published years and months as files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edition {
    /// The tables, then the catalogue of all of them, `catalog.jsonld`.
    pub files: Vec<File>,
}

/// A year to publish, or a month of a year that is not closed.
pub struct Published<'a> {
    /// Public figures of the year or month.
    pub public: &'a PublicYear,
    /// Day on which the figures were last changed: the day of closing.
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

/// A table of a year, or of its closed months.
pub(crate) struct Dataset {
    pub year: i16,
    /// First and last day of the figures.
    pub days: [Date; 2],
    /// True if the year is closed. Otherwise, every month adds rows.
    pub is_closed: bool,
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
    /// Builds the tables of some years and months, given in order, and their catalogue with the
    /// publisher. A year without data has tables without rows. The months of a year have the tables
    /// by month.
    pub fn build(periods: &[Published<'_>], register: &Register, publisher: &Publisher) -> Self {
        let years = periods
            .chunk_by(|one, next| one.public.period().year == next.public.period().year)
            .map(unbroken);
        let datasets: Vec<Dataset> = years.flat_map(|year| of_year(year, register)).collect();
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

/// Returns the periods before the first month that is missing. Rows of zero are left out, so a missing
/// month would look like one without uses.
fn unbroken<'p, 'a>(periods: &'p [Published<'a>]) -> &'p [Published<'a>] {
    let months = |at: usize| periods[at].public.period().month.unwrap_or_default();
    let end = (1..periods.len()).find(|at| months(*at) != months(at - 1) + 1);
    &periods[..end.unwrap_or(periods.len())]
}

/// Returns the tables of a closed year, or of some months of one year.
fn of_year<'a>(
    published: &'a [Published<'_>],
    register: &'a Register,
) -> impl Iterator<Item = Dataset> {
    let periods = published.iter().map(|one| one.public.period());
    let year = periods.clone().next().map_or(0, |period| period.year);
    let months = periods.clone().flat_map(|period| period.months());
    let first = months.clone().min().unwrap_or(1).cast_signed();
    let last = months.max().unwrap_or(12).cast_signed();
    let is_closed = periods.clone().any(|period| period.month.is_none());
    let small_count = published.iter().map(|one| one.public.small_count()).max();
    let modified = published.iter().map(|one| one.modified).max();
    let sheets = SHEETS.iter();
    let sheets = sheets.filter(move |sheet| is_closed || sheet.by.contains(&Dimension::Month));
    sheets.map(move |sheet| {
        let rows = published.iter();
        let rows = rows.flat_map(|one| sheet.rows(one.public, register));
        Dataset {
            year,
            days: [date(year, first, 1), date(year, last, 1).last_of_month()],
            is_closed,
            modified: modified.unwrap_or_default(),
            small_count: small_count.unwrap_or_default(),
            file: File {
                name: format!("{}-{year}.csv", sheet.name),
                bytes: csv(&sheet.header(), &Vec::from_iter(rows)),
            },
            sheet,
        }
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
