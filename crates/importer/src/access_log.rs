//! Runs an import: reads the inputs and returns one event at a time.

use std::collections::VecDeque;
use std::io;
use std::str::FromStr;

use thiserror::Error;

use crate::clients::{ClientCheck, ClientChoice, SingleClient};
use crate::encode::Encoder;
use crate::fault::LineFault;
use crate::form::{Form, FormatError};
use crate::input::{self, Input, Sampled};
use crate::layout::{Layout, LineKind, Search};
use crate::lines::{FoundLine, LineReader};
use crate::summary::Summary;
use crate::target::Target;
use crate::time::Clock;
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
    /// An input cannot be read to its end, or its compressed data are damaged.
    #[error("cannot read {name}{}: {source}{}", after(*line), hint(source))]
    Read {
        name: String,
        /// Number of the last readable line, from 1; 0 if there was none.
        line: u64,
        source: io::Error,
    },
    /// The input is in a format that is not read.
    #[error("{name} is {format}, and give \"-\" to read the output")]
    NotText { name: String, format: &'static str },
    /// The inputs name one client where they should name many.
    #[error("nothing was imported: {0}")]
    SingleClient(SingleClient),
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
        UnexpectedEof => " (the compressed data is cut short: fetch the file again)",
        InvalidData | InvalidInput => " (the compressed data is damaged: fetch the file again)",
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

/// Settings of the reading of logs.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// Format string of nginx or Apache. Without one, the form is found in the first lines.
    pub format: Option<LogFormat>,
    /// The client among the addresses of a line.
    pub clients: ClientChoice,
    /// True to import a log that names one client where it should name many.
    pub allows_single_client: bool,
}

/// Form of lines that the operator gave.
#[derive(Debug, Clone)]
pub struct LogFormat(Form);

impl FromStr for LogFormat {
    type Err = FormatError;

    fn from_str(format: &str) -> Result<Self, FormatError> {
        Form::of_server(format).map(Self)
    }
}

/// Converts access logs to events, one line at a time. It keeps 10 to 20 bytes per line to number
/// repeated lines; nothing else grows.
pub struct AccessLog {
    inputs: VecDeque<PlannedInput>,
    current: Option<CurrentInput>,
    encoder: Encoder,
    clock: Clock,
    line: Vec<u8>,
    summary: Summary,
}

/// An input whose layout is known.
struct PlannedInput {
    input: Input,
    layout: Layout,
}

struct CurrentInput {
    name: String,
    lines: LineReader,
    layout: Layout,
}

/// Inputs in order, and what is known of them.
struct Plan {
    inputs: VecDeque<PlannedInput>,
    layouts: Vec<LayoutFound>,
}

/// Layout of an input, for the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayoutFound {
    /// Name of the input.
    pub name: String,
    /// Description of prefix, form, client and time zone.
    pub description: String,
}

impl AccessLog {
    /// Creates an import of `inputs`, in order. Every file is opened to check that it is readable,
    /// and its first lines decide how it is read. Files with the content of an earlier file are
    /// skipped and listed in the summary.
    pub fn new(
        target: Target,
        reading: &Reading,
        inputs: Vec<Input>,
        salts: impl SaltSource + Send + 'static,
    ) -> Result<Self, ImportError> {
        let clock = Clock::new(target.zone.clone());
        let (inputs, same_content) = input::distinct(inputs)?;
        let plan = plan(inputs, reading, &clock)?;
        Ok(Self {
            inputs: plan.inputs,
            current: None,
            encoder: Encoder::new(target, reading.clients.clone(), salts),
            clock,
            line: Vec::new(),
            summary: Summary {
                same_content,
                layouts: plan.layouts,
                ..Summary::default()
            },
        })
    }

    /// Returns the event of the next request line; `None` at the end of the last input. Malformed
    /// and blank lines on the way are counted in the summary.
    pub fn next_event(&mut self) -> Result<Option<ImportedEvent<'_>>, ImportError> {
        loop {
            let Some(current) = &mut self.current else {
                if !self.open_next()? {
                    return Ok(None);
                }
                continue;
            };
            let found = current.lines.next(&mut self.line);
            let found = found.map_err(|source| ImportError::Read {
                name: current.name.clone(),
                line: current.lines.number,
                source,
            })?;
            if found == FoundLine::End {
                self.current = None;
                continue;
            }
            self.summary.lines += 1;
            if found == FoundLine::Line
                && let LineKind::Other = current.layout.next_kind(&self.line)
            {
                self.summary.blank += 1;
                continue;
            }
            let line = current.layout.strip(&self.line);
            let read = match found {
                FoundLine::Line => current.layout.read(&line, &self.clock),
                _ => Err(LineFault::TooLong),
            };
            match read {
                Ok(record) => {
                    let made = self.encoder.encode(&record)?;
                    self.summary.count_event(&made);
                    break;
                }
                Err(fault) => {
                    let number = current.lines.number;
                    self.summary.count_malformed(&current.name, number, fault);
                }
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
        let Some(PlannedInput { input, layout }) = self.inputs.pop_front() else {
            return Ok(false);
        };
        self.current = Some(CurrentInput {
            name: input.name(),
            lines: LineReader::new(input.open()?),
            layout,
        });
        self.summary.inputs += 1;
        Ok(true)
    }
}

/// Finds the layout of every input before the first event.
fn plan(inputs: VecDeque<Input>, reading: &Reading, clock: &Clock) -> Result<Plan, ImportError> {
    let search = Search {
        given: reading.format.as_ref().map(|format| &format.0),
        clients: &reading.clients,
        clock,
    };
    let mut check = ClientCheck::default();
    let mut plan = Plan {
        inputs: VecDeque::new(),
        layouts: Vec::new(),
    };
    for input in inputs {
        let Sampled { input, sample } = input.sampled()?;
        let layout = Layout::find(&sample, &search, &mut check);
        plan.layouts.push(LayoutFound {
            name: input.name(),
            description: layout.to_string(),
        });
        plan.inputs.push_back(PlannedInput { input, layout });
    }
    match check.finding() {
        Some(single) if !reading.allows_single_client => Err(ImportError::SingleClient(single)),
        _ => Ok(plan),
    }
}
