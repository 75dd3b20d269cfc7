//! Runs an import: reads the inputs and returns one event at a time.

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::str::FromStr;

use thiserror::Error;

use crate::clients::{ClientCheck, ClientChoice, SingleClient};
use crate::encode::Encoder;
use crate::fault::LineFault;
use crate::follow::{FollowPosition, Followed, FollowedFile, OlderFiles};
use crate::form::{FormatError, LogForm, LogRecord};
use crate::input::{self, Input, Sampled};
use crate::layout::{LayoutSearch, LineKind, LogLayout, has_request};
use crate::lines::{self, FoundLine, LineReader};
use crate::summary::{Made, Summary};
use crate::target::Target;
use crate::time::LogClock;
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
    /// A compressed file was given to follow.
    #[error(
        "{name} is compressed, and a compressed log does not grow: follow the file that the server writes, or import this one without --follow"
    )]
    FollowedCompressed { name: String },
    /// The inputs name one client where they should name many.
    #[error("{}: {finding}", imported(*events))]
    SingleClient {
        finding: SingleClient,
        /// Number of events that were returned before.
        events: u64,
    },
    /// "-" occurs more than once among the inputs.
    #[error("standard input (-) is given twice")]
    StandardInputTwice,
    /// The salts of the visitors cannot be read or made.
    #[error("the salts of the visitors cannot be used: {0}")]
    Salt(io::Error),
    /// An event cannot be serialized.
    #[error("cannot write an event as JSON: {0}")]
    Event(serde_json::Error),
}

fn imported(events: u64) -> String {
    match events {
        0 => "nothing was imported".to_owned(),
        events => format!("stopped after {events} events"),
    }
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
pub struct LogReading {
    /// Format string of nginx or Apache. Without one, the form is found in the first lines.
    pub format: Option<LogFormat>,
    /// The client among the addresses of a line.
    pub clients: ClientChoice,
    /// True to import a log that names one client where it should name many.
    pub allows_single_client: bool,
}

impl LogReading {
    fn search<'a>(&'a self, clock: &'a LogClock) -> LayoutSearch<'a> {
        LayoutSearch {
            given: self.format.as_ref().map(|format| &format.0),
            clients: &self.clients,
            clock,
        }
    }
}

/// Form of lines that the operator gave.
#[derive(Debug, Clone)]
pub struct LogFormat(LogForm);

impl FromStr for LogFormat {
    type Err = FormatError;

    fn from_str(format: &str) -> Result<Self, FormatError> {
        LogForm::of_server(format).map(Self)
    }
}

/// Number of lines without an event after which a call returns, in a log that is followed.
const LINES_PER_CALL: u32 = 10_000;

/// Converts access logs to events, one line at a time. It keeps 10 to 20 bytes per line to number
/// repeated lines; nothing else grows.
pub struct AccessLog {
    inputs: VecDeque<PlannedInput>,
    followed: Option<FollowedLog>,
    /// For a log whose first lines may not show all: one that is followed, or a stream that paused.
    learning: Option<LayoutLearning>,
    current: Option<CurrentInput>,
    is_waiting: bool,
    encoder: Encoder,
    line: Vec<u8>,
    summary: Summary,
}

/// Result of reading a line.
enum LineRead {
    Event(Made),
    /// Line of an earlier run, which counts for the ordinals only.
    Known,
    /// Blank line, or directive of a header.
    Other,
    Malformed(LineFault),
}

/// An input whose layout is known.
struct PlannedInput {
    input: Input,
    layout: LogLayout,
}

struct CurrentInput {
    name: String,
    lines: LineReader,
    layout: LogLayout,
    /// Number of bytes whose lines an earlier run returned.
    known_bytes: u64,
}

/// A log that is followed, and what is needed to open its next file.
struct FollowedLog {
    path: Followed,
    /// Older files since the last run, and then the bytes known of the file at the path.
    older: VecDeque<FollowedFile>,
    known_bytes: u64,
    /// Beginning of the current file.
    position: Option<FollowPosition>,
    /// Ends of the files that were read.
    left: Vec<FollowPosition>,
}

/// Settings and counts to examine a log line by line.
struct LayoutLearning {
    reading: LogReading,
    check: ClientCheck,
}

/// Inputs in order, and what is known of them.
struct ImportPlan {
    inputs: VecDeque<PlannedInput>,
    layouts: Vec<LayoutFound>,
    learning: Option<LayoutLearning>,
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
        reading: &LogReading,
        inputs: Vec<Input>,
        salts: impl SaltSource + Send + 'static,
    ) -> Result<Self, ImportError> {
        let encoder = Encoder::new(target, reading.clients.clone(), salts);
        let (inputs, same_content) = input::distinct(inputs)?;
        let plan = plan(inputs, reading, &encoder.clock)?;
        Ok(Self {
            inputs: plan.inputs,
            followed: None,
            learning: plan.learning,
            current: None,
            is_waiting: false,
            encoder,
            line: Vec::new(),
            summary: Summary {
                same_content,
                layouts: plan.layouts,
                ..Summary::default()
            },
        })
    }

    /// Follows the log at `path` from `position`, the last of an earlier run. [`Self::next_event`]
    /// returns `None` when there is no more for now, and after many lines without an event.
    pub fn follow(
        target: Target,
        reading: LogReading,
        path: &Path,
        position: Option<FollowPosition>,
        salts: impl SaltSource + Send + 'static,
    ) -> Result<Self, ImportError> {
        let mut import = Self::new(target, &reading, Vec::new(), salts)?;
        let followed = Followed::new(path);
        let older = match &position {
            Some(position) => followed
                .older_files(position)
                .map_err(|source| input::read_error(&path.display().to_string(), source))?,
            None => OlderFiles::default(),
        };
        import.summary.is_interrupted = older.is_incomplete;
        import.summary.not_read = older.not_read;
        let known_bytes = match &position {
            Some(position) if older.files.is_empty() && !older.is_incomplete => position.bytes(),
            _ => 0,
        };
        import.learning = Some(LayoutLearning {
            reading,
            check: ClientCheck::default(),
        });
        import.followed = Some(FollowedLog {
            path: followed,
            older: older.files.into(),
            known_bytes,
            position,
            left: Vec::new(),
        });
        Ok(import)
    }

    /// Position after the last event, in a log that is followed.
    pub fn position(&self) -> Option<FollowPosition> {
        let followed = self.followed.as_ref()?;
        let position = followed.position.as_ref()?;
        Some(match &self.current {
            Some(current) => {
                let bytes = current.lines.position().max(current.known_bytes);
                followed.path.extended(position).at(bytes)
            }
            None => position.clone(),
        })
    }

    /// True if the last call of [`Self::next_event`] reached the end of all inputs.
    pub fn is_waiting(&self) -> bool {
        self.is_waiting
    }

    /// Returns the event of the next request line; `None` at the end of the last input. Malformed
    /// and blank lines on the way are counted in the summary.
    pub fn next_event(&mut self) -> Result<Option<ImportedEvent<'_>>, ImportError> {
        if std::mem::take(&mut self.is_waiting) {
            self.look_for_cut();
        }
        let mut lines = 0;
        loop {
            if self.followed.is_some() && lines == LINES_PER_CALL {
                return Ok(None);
            }
            let Some(current) = &mut self.current else {
                if self.open_next()? {
                    continue;
                }
                return self.wait();
            };
            let found = current.lines.next(&mut self.line);
            let found = found.map_err(|source| ImportError::Read {
                name: current.name.clone(),
                line: current.lines.number,
                source,
            })?;
            if found == FoundLine::End {
                if self.leave_file() {
                    continue;
                }
                return self.wait();
            }
            let read = match found {
                FoundLine::TooLong if current.is_known() => LineRead::Known,
                FoundLine::TooLong => LineRead::Malformed(LineFault::TooLong),
                _ => {
                    let learning = self.learning.as_mut();
                    current.read(&self.line, learning, &mut self.encoder, &mut self.summary)?
                }
            };
            lines += 1;
            self.summary.lines += u64::from(!matches!(read, LineRead::Known));
            match read {
                LineRead::Known => {}
                LineRead::Other => self.summary.blank += 1,
                LineRead::Event(made) => {
                    self.summary.count_event(&made);
                    break;
                }
                LineRead::Malformed(fault) => {
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

    /// Returns no event at the end of all inputs.
    fn wait(&mut self) -> Result<Option<ImportedEvent<'_>>, ImportError> {
        self.encoder.expire_salts()?;
        self.is_waiting = true;
        Ok(None)
    }

    /// Counts so far.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    fn open_next(&mut self) -> Result<bool, ImportError> {
        self.current = match (&mut self.followed, &self.learning, self.inputs.pop_front()) {
            (Some(followed), Some(learning), _) => {
                let search = learning.reading.search(&self.encoder.clock);
                followed.open_next(&search, &mut self.summary)?
            }
            (_, _, Some(PlannedInput { input, layout })) => Some(CurrentInput {
                name: input.name(),
                lines: LineReader::new(input.open()?),
                layout,
                known_bytes: 0,
            }),
            (_, _, None) => None,
        };
        self.summary.inputs += u64::from(self.current.is_some());
        Ok(self.current.is_some())
    }

    /// Ends the reading of a file that was cut since the last look. What it holds now is read from its
    /// beginning.
    fn look_for_cut(&mut self) {
        let (Some(current), Some(followed)) = (&mut self.current, &mut self.followed) else {
            return;
        };
        let Some(position) = &mut followed.position else {
            return;
        };
        match current.lines.is_growing() && followed.path.is_cut(position, current.lines.bytes()) {
            true => current.lines.end(),
            false => *position = followed.path.extended(position),
        }
    }

    /// Leaves a file at its end, unless it may still grow.
    fn leave_file(&mut self) -> bool {
        let (Some(current), Some(followed)) = (&mut self.current, &mut self.followed) else {
            self.current = None;
            return true;
        };
        if !current.lines.is_growing() {
            followed.leave(current.lines.position(), &mut self.summary);
            self.current = None;
            self.encoder.forget_old_lines();
            return true;
        }
        let is_replaced = followed.path.is_replaced(current.lines.bytes());
        if is_replaced {
            // Lines from before the rotation are read first.
            current.lines.stop_growing();
        }
        is_replaced
    }
}

impl CurrentInput {
    /// True if an earlier run returned the line.
    fn is_known(&self) -> bool {
        self.lines.position() <= self.known_bytes
    }

    /// Writes the event of a line. The first look at a log may have shown one line. With `learning`, its
    /// layout is searched again at a line that does not fit.
    fn read(
        &mut self,
        line: &[u8],
        mut learning: Option<&mut LayoutLearning>,
        encoder: &mut Encoder,
        summary: &mut Summary,
    ) -> Result<LineRead, ImportError> {
        let is_known = self.is_known();
        if let LineKind::Other = self.layout.next_kind(line) {
            return Ok(if is_known {
                LineRead::Known
            } else {
                LineRead::Other
            });
        }
        loop {
            let stripped = self.layout.strip(line);
            let fault = match self.layout.read(&stripped, &encoder.clock) {
                Ok(record) => {
                    if let Some(learning) = &mut learning {
                        learning.check_client(&record, summary.events())?;
                    }
                    if is_known {
                        encoder.number(&record);
                        return Ok(LineRead::Known);
                    }
                    return encoder.encode(&record).map(LineRead::Event);
                }
                Err(fault) => fault,
            };
            let is_learned = learning.as_ref().is_some_and(|learning| {
                let search = learning.reading.search(&encoder.clock);
                self.layout.learn(line, &search)
            });
            if !is_learned {
                return Ok(match is_known {
                    true => LineRead::Known,
                    false => LineRead::Malformed(fault),
                });
            }
            summary.layouts.push(LayoutFound {
                name: self.name.clone(),
                description: self.layout.to_string(),
            });
        }
    }
}

impl LayoutLearning {
    /// Stops if the lines so far name one client. Known lines count, too, so that a restart stops at
    /// the same line.
    fn check_client(&mut self, record: &LogRecord<'_>, events: u64) -> Result<(), ImportError> {
        if self.reading.allows_single_client {
            return Ok(());
        }
        match self.check.count_followed(&self.reading.clients, record) {
            Some(finding) => Err(ImportError::SingleClient { finding, events }),
            None => Ok(()),
        }
    }
}

impl FollowedLog {
    /// Keeps the end of the file that was read, and finds the files that were rotated since.
    fn leave(&mut self, bytes: u64, summary: &mut Summary) {
        let Some(position) = &mut self.position else {
            return;
        };
        *position = self.path.extended(position).at(bytes);
        self.left.push(position.clone());
        if self.older.is_empty()
            && let Ok(older) = self.path.older_files(position)
            && !older.is_incomplete
        {
            let files = older.files.into_iter();
            self.older = files
                .filter(|file| !self.left.iter().any(|left| left.is_in(&file.path)))
                .collect();
            for reason in older.not_read {
                if !summary.not_read.contains(&reason) {
                    summary.not_read.push(reason);
                }
            }
        }
    }

    /// Opens the next file, once it has a line of a request.
    fn open_next(
        &mut self,
        search: &LayoutSearch<'_>,
        summary: &mut Summary,
    ) -> Result<Option<CurrentInput>, ImportError> {
        let older = self.older.pop_front();
        let older_path = older.as_ref().map(|file| file.path.as_path());
        let name = older_path.unwrap_or(self.path.path()).display().to_string();
        let Some(mut opened) = self.path.open(older_path)? else {
            return Ok(None);
        };
        let sample = lines::sample(&mut opened.content).map_err(|error| ImportError::Read {
            name: name.clone(),
            line: error.lines,
            source: error.source,
        })?;
        if older.is_none() && !has_request(&sample) {
            return Ok(None);
        }
        let layout = LogLayout::find(&sample, search, &mut ClientCheck::default());
        summary.layouts.push(LayoutFound {
            name: name.clone(),
            description: layout.to_string(),
        });
        let known_bytes = match &older {
            Some(file) => file.known_bytes,
            None => std::mem::take(&mut self.known_bytes),
        };
        self.position = Some(FollowPosition::new(&sample, known_bytes));
        let content = self.path.content(&name)?.content;
        // The last file before the one at the path may still grow, as long as it is not compressed.
        let may_grow = older.is_none() || self.older.is_empty() && !opened.is_compressed;
        Ok(Some(CurrentInput {
            name,
            lines: match may_grow {
                true => LineReader::growing(content),
                false => LineReader::new(content),
            },
            layout,
            known_bytes,
        }))
    }
}

/// Finds the layout of every input before the first event.
fn plan(
    inputs: VecDeque<Input>,
    reading: &LogReading,
    clock: &LogClock,
) -> Result<ImportPlan, ImportError> {
    let search = reading.search(clock);
    let mut check = ClientCheck::default();
    let mut of_long_input = None;
    let mut plan = ImportPlan {
        inputs: VecDeque::new(),
        layouts: Vec::new(),
        learning: None,
    };
    let mut has_paused = false;
    for input in inputs {
        let Sampled {
            input,
            sample,
            is_of_pause,
        } = input.sampled()?;
        has_paused |= is_of_pause;
        let mut own = ClientCheck::default();
        let layout = LogLayout::find(&sample, &search, &mut own);
        // A short one of several may be of a quiet day with a probe.
        of_long_input = of_long_input.or(own.finding().filter(|_| own.is_long()));
        check.add(own);
        plan.layouts.push(LayoutFound {
            name: input.name(),
            description: layout.to_string(),
        });
        plan.inputs.push_back(PlannedInput { input, layout });
    }
    if let Some(finding) = of_long_input.or_else(|| check.finding())
        && !reading.allows_single_client
    {
        return Err(ImportError::SingleClient { finding, events: 0 });
    }
    plan.learning = has_paused.then(|| LayoutLearning {
        reading: reading.clone(),
        check: ClientCheck::default(),
    });
    Ok(plan)
}
