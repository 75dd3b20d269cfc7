//! Runs an import: reads the inputs and returns one event at a time.

use std::collections::VecDeque;
use std::io;

use thiserror::Error;

use crate::encode::Encoder;
use crate::input::{self, Input};
use crate::line::{Line, LineFault};
use crate::lines::{FoundLine, LineReader};
use crate::summary::Summary;
use crate::target::Target;
use crate::visitor::SaltSource;

/// Errors that stop an import. Events returned before may stay: a second import does not duplicate
/// them.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the message of a variant names its fields")]
pub enum ImportError {
    /// A file cannot be opened.
    #[error("cannot open {name}: {source}")]
    Open { name: String, source: io::Error },
    /// The input is a directory.
    #[error("{name} is a directory: give the files in it")]
    Directory { name: String },
    /// An input cannot be read to its end, or its gzip data are damaged.
    #[error("cannot read {name}{}: {source}{}", after(*line), hint(source))]
    Read {
        name: String,
        /// Number of the last readable line, from 1; 0 if there was none.
        line: u64,
        source: io::Error,
    },
    /// The input is compressed in a format other than gzip.
    #[error("{name} is compressed with {format}: decompress it and give \"-\" to read the output")]
    Compressed { name: String, format: &'static str },
    /// "-" occurs more than once among the inputs.
    #[error("standard input (-) is given twice")]
    StandardInputTwice,
    /// The system gave no random numbers for the visitors' salts.
    #[error("no random numbers from the system: {0}")]
    Salt(io::Error),
    /// An event cannot be serialized.
    #[error("cannot write an event as JSON: {0}")]
    Event(serde_json::Error),
}

fn after(line: u64) -> String {
    match line {
        0 => String::new(),
        line => format!(" after line {line}"),
    }
}

/// Explains an error of the decompressor.
fn hint(source: &io::Error) -> &'static str {
    use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    match source.kind() {
        UnexpectedEof => " (the gzip data is cut short: fetch the file again)",
        InvalidData | InvalidInput => " (the gzip data is damaged: fetch the file again)",
        _ => "",
    }
}

/// An event, ready for the producer. It borrows from the import, which reuses its buffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportedEvent<'a> {
    /// Key of the Kafka record: the id of the event. A duplicate must go to the partition of its
    /// original, so the visitor token is unsuitable: its salt changes with each import.
    pub key: &'a str,
    /// Event as CloudEvents JSON.
    pub json: &'a [u8],
}

/// Converts access logs to events, one line at a time. It keeps 10 to 20 bytes per line to number
/// repeated lines; nothing else grows.
pub struct AccessLog {
    inputs: VecDeque<Input>,
    current: Option<(String, LineReader)>,
    encoder: Encoder,
    line: Vec<u8>,
    summary: Summary,
}

impl AccessLog {
    /// Creates an import of `inputs`, in order. Every file is opened to check that it is readable.
    /// Files with the content of an earlier file are skipped and listed in the summary.
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

    /// Returns the event of the next request line; `None` at the end of the last input. Malformed
    /// and blank lines on the way are counted in the summary.
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
            if found == FoundLine::End {
                self.current = None;
                continue;
            }
            self.summary.lines += 1;
            if found == FoundLine::Line && self.line.iter().all(u8::is_ascii_whitespace) {
                self.summary.blank += 1;
                continue;
            }
            let parsed = match found {
                FoundLine::Line => Line::parse(&self.line),
                _ => Err(LineFault::TooLong),
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

    /// Counts so far.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    fn open_next(&mut self) -> Result<bool, ImportError> {
        let Some(input) = self.inputs.pop_front() else {
            return Ok(false);
        };
        let name = input.name();
        self.current = Some((name, LineReader::new(input.open()?)));
        self.summary.inputs += 1;
        Ok(true)
    }
}
