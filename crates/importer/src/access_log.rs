//! The import itself: inputs in, events out, one at a time.

use std::collections::VecDeque;
use std::io;

use thiserror::Error;

use crate::encode::Encoder;
use crate::input::{self, Input};
use crate::line::{Fault, Line};
use crate::lines::{Found, Lines};
use crate::summary::Summary;
use crate::target::Target;
use crate::visitor::SaltSource;

/// What stops an import. What it gave before may stay: importing again changes nothing in it.
#[derive(Debug, Error)]
pub enum ImportError {
    /// A file that cannot be opened.
    #[error("cannot open {name}: {source}")]
    Open {
        /// The file.
        name: String,
        /// Why not.
        source: io::Error,
    },
    /// A directory where a file should be.
    #[error("{name} is a directory: give the files in it")]
    Directory {
        /// The directory.
        name: String,
    },
    /// An input that cannot be read to its end, or that is damaged gzip.
    #[error("cannot read {name}{}: {source}{}", after(*line), hint(source))]
    Read {
        /// The input.
        name: String,
        /// Number of the last line that could be read, from 1; 0 when there was none.
        line: u64,
        /// Why not.
        source: io::Error,
    },
    /// A compressed input, and not with gzip.
    #[error("{name} is compressed with {format}: decompress it and give \"-\" to read the output")]
    Compressed {
        /// The input.
        name: String,
        /// The format.
        format: &'static str,
    },
    /// "-" among the inputs more than once.
    #[error("standard input (-) is given twice")]
    StandardInputTwice,
    /// No random numbers for the visitors' salts.
    #[error("no random numbers from the system: {0}")]
    Salt(io::Error),
    /// An event that cannot be written.
    #[error("cannot write an event as JSON: {0}")]
    Event(serde_json::Error),
}

fn after(line: u64) -> String {
    match line {
        0 => String::new(),
        line => format!(" after line {line}"),
    }
}

/// What the decompressor's words mean.
fn hint(source: &io::Error) -> &'static str {
    use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    match source.kind() {
        UnexpectedEof => " (the gzip data is cut short: fetch the file again)",
        InvalidData | InvalidInput => " (the gzip data is damaged: fetch the file again)",
        _ => "",
    }
}

/// An event, ready to be produced. It borrows from the import, which reuses its buffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportedEvent<'a> {
    /// Key of the Kafka record: the event's own identity. The visitor would not do, since its
    /// salt changes with each import and a duplicate must meet its original in one partition.
    pub key: &'a str,
    /// The event, CloudEvents JSON.
    pub json: &'a [u8],
}

/// Reads access logs as events. It takes one line at a time and keeps, for each, 10 to 20 bytes
/// to number repeated lines; nothing else grows.
pub struct AccessLog {
    inputs: VecDeque<Input>,
    current: Option<(String, Lines)>,
    encoder: Encoder,
    line: Vec<u8>,
    summary: Summary,
}

impl AccessLog {
    /// An import of `inputs`, in order. Every file is opened to see that it can be read; files
    /// with the same content as an earlier one are left out and named in the summary.
    pub fn new(
        target: Target,
        inputs: Vec<Input>,
        salts: impl SaltSource + Send + 'static,
    ) -> Result<Self, ImportError> {
        let (inputs, same_content) = input::distinct(inputs)?;
        Ok(Self {
            inputs,
            current: None,
            encoder: Encoder::new(target, salts),
            line: Vec::new(),
            summary: Summary {
                same_content,
                ..Summary::default()
            },
        })
    }

    /// The event of the next line that is a request; malformed and blank lines before it go
    /// into the summary. `None` at the end of the last input.
    pub fn next_event(&mut self) -> Result<Option<ImportedEvent<'_>>, ImportError> {
        loop {
            let Some((name, lines)) = &mut self.current else {
                if !self.open_next()? {
                    return Ok(None);
                }
                continue;
            };
            let found = lines.next(&mut self.line);
            let found = found.map_err(|source| ImportError::Read {
                name: name.clone(),
                line: lines.number,
                source,
            })?;
            if found == Found::End {
                self.current = None;
                continue;
            }
            self.summary.lines += 1;
            if found == Found::Line && self.line.iter().all(u8::is_ascii_whitespace) {
                self.summary.blank += 1;
                continue;
            }
            let parsed = match found {
                Found::Line => Line::parse(&self.line),
                _ => Err(Fault::TooLong),
            };
            match parsed {
                Ok(line) => {
                    let made = self.encoder.encode(&line)?;
                    self.summary.count_event(&made);
                    break;
                }
                Err(fault) => self.summary.count_malformed(name, lines.number, fault),
            }
        }
        Ok(Some(ImportedEvent {
            key: &self.encoder.id,
            json: &self.encoder.json,
        }))
    }

    /// What has been read so far.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    fn open_next(&mut self) -> Result<bool, ImportError> {
        let Some(input) = self.inputs.pop_front() else {
            return Ok(false);
        };
        let name = input.name();
        self.current = Some((name, Lines::new(input.open()?)));
        self.summary.inputs += 1;
        Ok(true)
    }
}
