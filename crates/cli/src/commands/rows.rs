//! Writes rows as TSV with a header, as one JSON array, or as one JSON object a line.

use std::io::{self, BufWriter, StdoutLock, Write};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::args::Lines;
use crate::output::UNWRITABLE;

/// Writer of rows in a format.
pub enum Rows<W: Write> {
    Tsv(Box<csv::Writer<W>>),
    /// The text before the next row: the beginning of the array, or a comma.
    Json(W, &'static [u8]),
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
            Lines::Json => Self::Json(writer, b"[\n"),
            Lines::Ndjson => Self::Ndjson(writer),
        }
    }

    pub fn write(&mut self, row: &impl Serialize) -> Result<()> {
        self.add(row).context(UNWRITABLE)
    }

    fn add(&mut self, row: &impl Serialize) -> io::Result<()> {
        match self {
            // `io::Error::from` would hide that a pipe is closed.
            Self::Tsv(writer) => writer
                .serialize(row)
                .map_err(|error| match error.into_kind() {
                    csv::ErrorKind::Io(cause) => cause,
                    other => io::Error::other(format!("{other:?}")),
                }),
            Self::Json(writer, before) => {
                writer.write_all(before)?;
                *before = b",\n";
                Ok(serde_json::to_writer(&mut *writer, row)?)
            }
            Self::Ndjson(writer) => {
                serde_json::to_writer(&mut *writer, row)?;
                writer.write_all(b"\n")
            }
        }
    }

    pub fn flush(&mut self) -> Result<()> {
        let flushed = match self {
            Self::Tsv(writer) => writer.flush(),
            Self::Json(writer, _) | Self::Ndjson(writer) => writer.flush(),
        };
        flushed.context(UNWRITABLE)
    }

    /// Ends the list.
    pub fn finish(mut self) -> Result<()> {
        let ended = match &mut self {
            Self::Json(writer, b"[\n") => writer.write_all(b"[]\n"),
            Self::Json(writer, _) => writer.write_all(b"\n]\n"),
            Self::Tsv(_) | Self::Ndjson(_) => Ok(()),
        };
        ended.context(UNWRITABLE)?;
        self.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::{chain, is_closed_pipe};

    #[test]
    fn a_closed_pipe_and_a_full_disk_are_told_apart_in_every_form() {
        for format in [Lines::Tsv, Lines::Json, Lines::Ndjson] {
            let (reader, pipe) = io::pipe().unwrap();
            drop(reader);
            let mut list = Rows::new(format, pipe);
            let written = list.write(&["a"]).and_then(|()| list.flush());
            assert!(is_closed_pipe(&written.unwrap_err()), "{format:?}");
            let full = std::fs::File::options()
                .write(true)
                .open("/dev/full")
                .unwrap();
            let mut list = Rows::new(format, full);
            let written = list.write(&["a"]).and_then(|()| list.flush());
            let error = chain(&written.unwrap_err());
            assert!(
                error.starts_with("standard output cannot be written: No space"),
                "{error}"
            );
        }
    }

    #[test]
    fn json_is_one_document_for_any_number_of_rows() {
        for rows in 0..3_u8 {
            let mut text = Vec::new();
            let mut list = Rows::new(Lines::Json, &mut text);
            for row in 0..rows {
                list.write(&[row]).unwrap();
            }
            list.finish().unwrap();
            let found: Vec<[u8; 1]> = serde_json::from_slice(&text).unwrap();
            assert_eq!(found.len(), usize::from(rows));
        }
    }
}
