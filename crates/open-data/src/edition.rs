use affluenza_disclosure::Threshold;
use affluenza_register::Register;
use affluenza_store::open::OpenFigures;
use jiff::civil::Date;
use sha2::{Digest, Sha256};

use crate::Publisher;
use crate::catalogue::catalogue;
use crate::tables::{Sheet, sheets};

/// A year, ready to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edition {
    /// The tables, then the catalogue, `catalog.jsonld`.
    pub files: Vec<File>,
}

/// A file of an edition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Name, without a folder.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// A table as it is published.
pub(crate) struct Published {
    pub sheet: Sheet,
    pub file: File,
}

impl Published {
    pub fn sha256(&self) -> String {
        let hash = Sha256::digest(&self.file.bytes);
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Edition {
    /// The tables of `year`, and a catalogue that says who published them on which day. A year
    /// without data has tables without rows.
    pub fn build(
        year: i16,
        figures: &OpenFigures,
        register: &Register,
        publisher: &Publisher,
        published_on: Date,
    ) -> Self {
        let sheets = sheets(
            &figures.uses,
            &figures.accesses,
            register,
            Threshold::default(),
        );
        let tables: Vec<Published> = sheets
            .into_iter()
            .map(|sheet| Published {
                file: File {
                    name: format!("{}-{year}.csv", sheet.name),
                    bytes: csv(&sheet),
                },
                sheet,
            })
            .collect();
        let catalogue = catalogue(year, &tables, publisher, published_on);
        let mut files: Vec<File> = tables.into_iter().map(|table| table.file).collect();
        let mut bytes = serde_json::to_vec_pretty(&catalogue).expect("it is made of text");
        bytes.push(b'\n');
        files.push(File {
            name: "catalog.jsonld".to_owned(),
            bytes,
        });
        Self { files }
    }
}

/// UTF-8, comma, a header, lines ended as RFC 4180 has them.
fn csv(sheet: &Sheet) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    writer.write_record(sheet.header).expect("memory takes it");
    for row in &sheet.rows {
        writer
            .write_record(row)
            .expect("rows are as long as the header");
    }
    writer.into_inner().expect("memory takes it")
}
