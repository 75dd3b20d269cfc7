use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::time::Duration;

use affluenza_event::UnixMillis;
use affluenza_http::telemetry::CancellationToken;
use affluenza_kafka::{BusError, Cluster, Config, Writer};
use anyhow::{Context, Result, bail, ensure};

use crate::args::{DeadLetters, ListDeadLetters, OutputFormat, RequeueDeadLetters};
use crate::dead_letters::{
    Corrections, Letter, LetterCounts, LogPosition, correct, read_corrections, text, walk,
};
use crate::output::{self, say};
use crate::platform::Needs;
use crate::settings::Settings;

/// Header of a requeued record: position of the original record.
const REQUEUED_FROM: &str = "affluenza-requeued-from";
/// Header of a requeued record: stream of the original record.
const REQUEUED_STREAM: &str = "affluenza-requeued-stream";
/// Timeout of the acknowledgement of requeued records.
const PATIENCE: Duration = Duration::from_secs(60);
/// Limit of lines held until their records are acknowledged. Each flush takes a tenth of a second;
/// a line has about 200 bytes.
const LINES_MAX: usize = 20_000;

pub fn run(settings: &Settings, what: &DeadLetters) -> Result<()> {
    super::with_platform(settings, Needs::KAFKA, async |platform, stop| {
        let (bus, is_owner) = (&platform.bus, platform.is_owner);
        tokio::task::block_in_place(|| match what {
            DeadLetters::List(args) => list(bus, args, stop),
            DeadLetters::Show(args) => display(bus, args.position),
            DeadLetters::Requeue(args) => requeue(bus, args, is_owner, stop),
        })
    })
}

fn list(bus: &Config, args: &ListDeadLetters, stop: &CancellationToken) -> Result<()> {
    let current = current_stream(bus)?;
    let limit = args.limit.unwrap_or(u64::MAX);
    let mut out = BufWriter::new(io::stdout().lock());
    let mut shown = 0;
    if args.format == OutputFormat::Json {
        out.write_all(b"{\"dead_letters\": [")?;
    }
    let mut counts = walk(
        bus,
        current.as_deref(),
        |letter| args.filter.is_match(letter),
        |letter| {
            ensure!(!stop.is_cancelled(), "stopped before the end of the list");
            if shown < limit {
                let comma = if shown > 0 { "," } else { "" };
                shown += 1;
                match args.format {
                    OutputFormat::Text => writeln!(out, "{}", text::line(letter))?,
                    OutputFormat::Json => {
                        write!(out, "{comma}\n  {}", serde_json::to_string(letter)?)?;
                    }
                }
            }
            Ok(ControlFlow::Continue(()))
        },
    )?;
    counts.shown = shown;
    match args.format {
        OutputFormat::Text => out.write_all(text::counts(&counts).as_bytes())?,
        OutputFormat::Json => {
            // The list precedes the counts, in the same object.
            let counts = serde_json::to_string(&counts)?;
            writeln!(out, "\n],\n{}", counts.trim_start_matches('{'))?;
        }
    }
    Ok(out.flush()?)
}

fn display(bus: &Config, position: LogPosition) -> Result<()> {
    let current = current_stream(bus)?;
    let mut documents = Vec::new();
    // One document for each stream with this position.
    let counts = walk(
        bus,
        current.as_deref(),
        |letter| letter.position == position,
        |letter| {
            documents.push(serde_json::to_string_pretty(letter)?);
            Ok(ControlFlow::Continue(()))
        },
    )?;
    match (documents.len(), counts.in_topic) {
        (0, 0) => bail!("there is no dead letter of {position}: the topic is empty"),
        (0, letters) => bail!(
            "there is no dead letter of {position} among the {letters}; see `affluenza dead-letters list`"
        ),
        _ => {}
    }
    if counts.repeated > 0 {
        say(&format!("delivered {} times", counts.repeated + 1));
    }
    output::print(&documents.join("\n"))
}

/// Sends letters back to the events topic, or prints what would be sent.
fn requeue(
    bus: &Config,
    args: &RequeueDeadLetters,
    is_owner: bool,
    stop: &CancellationToken,
) -> Result<()> {
    let corrections = match &args.corrected {
        Some(file) => {
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("{} cannot be read", file.display()))?;
            read_corrections(&text).with_context(|| file.display().to_string())?
        }
        None => Corrections::new(),
    };
    let positions = args.positions.iter().chain(corrections.keys());
    let positions: BTreeSet<LogPosition> = positions.copied().collect();
    let current = Cluster::new(bus)?.identity(&bus.topic)?.to_string();
    let streams = match positions.is_empty() {
        true => None,
        false => Some(streams_of(bus, &positions, &current)?),
    };
    let writer = match args.dry_run {
        true => None,
        false => Some(Writer::new(bus, &bus.topic)?),
    };
    let mut requeue = Requeue {
        corrections,
        writer,
        lines: Vec::new(),
        taken: 0,
        sent: 0,
    };
    let limit = args.limit.unwrap_or(u64::MAX);
    let walked = walk(
        bus,
        Some(&current),
        |letter| {
            let Some(streams) = &streams else {
                return args.filter.is_match(letter);
            };
            is_chosen(streams, letter)
        },
        |letter| {
            if requeue.taken == limit {
                return Ok(ControlFlow::Break(()));
            }
            ensure!(!stop.is_cancelled(), "stopped");
            requeue.take(letter)?;
            Ok(ControlFlow::Continue(()))
        },
    );
    requeue.acknowledge()?;
    let counts = match (walked, requeue.sent, args.dry_run) {
        (Err(error), sent @ 1.., false) => return Err(error.context(format!(
            "{sent} requeued, not all; run the same command again for the rest; duplicates in the topic count once"
        ))),
        (walked, ..) => walked?,
    };
    requeue.conclude(&counts, is_owner)
}

struct Requeue {
    corrections: Corrections,
    /// `None` in a dry run.
    writer: Option<Writer>,
    lines: Vec<String>,
    taken: u64,
    sent: u64,
}

impl Requeue {
    fn take(&mut self, letter: &Letter<'_>) -> Result<()> {
        self.taken += 1;
        let now = UnixMillis::from(jiff::Timestamp::now());
        let event = self.corrections.get(&letter.position);
        let result = correct(letter, event.map(|event| event.get()), now);
        if let Ok(record) = &result {
            if let Some(writer) = &self.writer {
                let from = letter.position.to_string();
                let headers = [
                    (REQUEUED_FROM, from.as_str()),
                    (REQUEUED_STREAM, letter.stream),
                ];
                // Write the record with the checked time, so that the consumer comes to the same
                // decision.
                let key = record.key.as_bytes();
                writer.send(key, &record.payload, Some(now.0), &headers)?;
            }
            self.sent += 1;
        }
        let verb = match &self.writer {
            Some(_) => "requeued",
            None => "would requeue",
        };
        self.lines.push(text::outcome(letter, verb, &result));
        if self.lines.len() == LINES_MAX {
            self.acknowledge()?;
        }
        Ok(())
    }

    /// Waits for acknowledgements, then prints the lines of the acknowledged records.
    fn acknowledge(&mut self) -> Result<()> {
        if let Some(writer) = &self.writer {
            writer.flush(PATIENCE).context(
                "some were not requeued; run the same command again for the rest; duplicates in the topic count once",
            )?;
        }
        match std::mem::take(&mut self.lines) {
            lines if lines.is_empty() => Ok(()),
            lines => output::print(&lines.join("\n")),
        }
    }

    fn conclude(&self, counts: &LetterCounts, is_owner: bool) -> Result<()> {
        let held_back = self.taken - self.sent;
        match (self.taken, counts.in_topic) {
            (0, 0) => bail!("there are no dead letters, so there is nothing to requeue"),
            (0, letters) => bail!(
                "nothing to requeue: none of the {} match; see `affluenza dead-letters list`",
                text::dead_letters(letters)
            ),
            _ => {}
        }
        for (stream, letters) in &counts.by_other_stream {
            say(&format!(
                "{letters} of them are of another stream, {stream}: the topic was created again since"
            ));
        }
        let (sent, held) = match &self.writer {
            Some(_) => ("requeued", "held back"),
            None => ("would requeue", "hold back"),
        };
        output::print(&format!("{sent} {}, {held} {held_back}", self.sent))?;
        // The command started Kafka, so no consumer is running.
        if self.writer.is_some() && self.sent > 0 && is_owner {
            say("they are stored when `affluenza up` or `affluenza consume` runs");
        }
        if held_back > 0 {
            bail!(
                "{} held back, because they would be refused again: `affluenza dead-letters show PARTITION/OFFSET` names the remedy",
                text::dead_letters(held_back)
            );
        }
        Ok(())
    }
}

/// Returns the stream of each position: the current one if it has a letter there, otherwise the
/// latest one that has.
fn streams_of(
    bus: &Config,
    positions: &BTreeSet<LogPosition>,
    current: &str,
) -> Result<BTreeMap<LogPosition, String>> {
    let mut streams = BTreeMap::new();
    walk(
        bus,
        Some(current),
        |letter| positions.contains(&letter.position),
        |letter| {
            let stream: &mut String = streams.entry(letter.position).or_default();
            if stream != current {
                letter.stream.clone_into(stream);
            }
            Ok(ControlFlow::Continue(()))
        },
    )?;
    let missing = positions.iter().filter(|at| !streams.contains_key(at));
    let missing: Vec<String> = missing.map(ToString::to_string).collect();
    ensure!(
        missing.is_empty(),
        "there is no dead letter of {}, so nothing was requeued; see `affluenza dead-letters list`",
        missing.join(", ")
    );
    Ok(streams)
}

/// True if the letter has one of these positions, in the stream chosen for it.
fn is_chosen(streams: &BTreeMap<LogPosition, String>, letter: &Letter<'_>) -> bool {
    let stream = streams.get(&letter.position);
    stream.is_some_and(|stream| stream == letter.stream)
}

/// Returns the current stream of the events topic; `None` if the topic does not exist, since letters
/// can be listed without it.
fn current_stream(bus: &Config) -> Result<Option<String>> {
    match Cluster::new(bus)?.identity(&bus.topic) {
        Ok(identity) => Ok(Some(identity.to_string())),
        Err(BusError::NoTopic { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dead_letters::example;

    #[test]
    fn a_position_is_chosen_in_its_stream_only() {
        let letter = example(b"");
        let is_chosen_at = |position: &str, stream: &str| {
            let position = position.parse().unwrap();
            is_chosen(&[(position, stream.to_owned())].into(), &letter)
        };
        let position = letter.position.to_string();
        assert!(is_chosen_at(&position, letter.stream));
        assert!(!is_chosen_at(&position, "cluster/other"));
        assert!(!is_chosen_at("0/4", letter.stream));
    }
}
