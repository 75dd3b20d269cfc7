//! Writes rows as TSV with a header or as one JSON object a line.

use std::io::{self, BufWriter, StdoutLock, Write};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::args::Lines;

/// Writer of rows in a format.
pub enum Rows<W: Write> {
    Tsv(Box<csv::Writer<W>>),
    Ndjson(W),
}

impl Rows<BufWriter<StdoutLock<'static>>> {
    pub fn to_stdout(format: Lines) -> Self {
        Self::new(format, BufWriter::new(io::stdout().lock()))
    }
}

impl<W: Write> Rows<W> {
    pub fn new(format: Lines, writer: W) -> Self {
        match format {
            Lines::Tsv => Self::Tsv(Box::new(
                csv::WriterBuilder::new()
                    .delimiter(b'\t')
                    .from_writer(writer),
            )),
            Lines::Ndjson => Self::Ndjson(writer),
        }
    }

    pub fn write(&mut self, row: &impl Serialize) -> Result<()> {
        match self {
            Self::Tsv(writer) => Ok(writer.serialize(row)?),
            Self::Ndjson(writer) => {
                serde_json::to_writer(&mut *writer, row)?;
                Ok(writer.write_all(b"\n")?)
            }
        }
    }

    pub fn flush(&mut self) -> Result<()> {
        let flushed = match self {
            Self::Tsv(writer) => writer.flush(),
            Self::Ndjson(writer) => writer.flush(),
        };
        flushed.context("standard output")
    }
}
