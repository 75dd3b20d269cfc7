use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use affluenza_event::UnixMillis;
use affluenza_http::telemetry::CancellationToken;
use affluenza_kafka::{BusError, Cluster, Partition, Writer};
use anyhow::{Context, Result, anyhow, bail, ensure};

use crate::args::{self, DeadLetters, OutputFormat};
use crate::dead_letters::{
    Corrected, Corrections, Filter, Letter, LetterSelection, LetterTally, LogPosition,
    REQUEUED_FROM, REQUEUED_STREAM, ShownLetter, Walked, correct, locate, text, walk,
};
use crate::output::{self, say};
use crate::platform::{Needs, Platform};
use crate::settings::Settings;

/// Timeout of the acknowledgement of requeued records.
const PATIENCE: Duration = Duration::from_secs(60);
/// Limit of lines held until their records are acknowledged. Each flush takes a tenth of a second;
/// a line has about 200 bytes.
const LINES_MAX: usize = 20_000;

pub fn run(settings: &Settings, what: DeadLetters) -> Result<()> {
    super::with_runtime(async |stop| {
        let platform = Platform::open(settings, Needs::KAFKA).await?;
        let (bus, is_owner) = (platform.bus.clone(), platform.is_owner);
        let work = tokio::task::spawn_blocking(move || match what {
            DeadLetters::List(args) => list(&bus, &args, &stop),
            DeadLetters::Show(args) => display(&bus, args.position),
            DeadLetters::Requeue(args) => Requeue::new(&bus, &args, is_owner)?.run(&bus, &stop),
        });
        let result = work.await.context("the command ended unexpectedly");
        platform.close().await?;
        result?
    })
}

fn list(
    bus: &affluenza_kafka::Config,
    args: &args::ListDeadLetters,
    stop: &CancellationToken,
) -> Result<()> {
    let current = current_stream(bus)?;
    let current = current.as_deref();
    let limit = args.limit.unwrap_or(u64::MAX);
    let mut out = BufWriter::new(io::stdout().lock());
    let mut tally = LetterTally::default();
    let mut shown = 0;
    if args.format == OutputFormat::Json {
        out.write_all(b"{\"dead_letters\": [")?;
    }
    let selection = LetterSelection::Filter(filter(&args.filter));
    let (walked, failed) = walk(bus, &selection, |letter| {
        if stop.is_cancelled() {
            return ControlFlow::Break(anyhow!("stopped before the end of the list"));
        }
        tally.take(letter, current);
        if shown == limit {
            return ControlFlow::Continue(());
        }
        shown += 1;
        let line = match args.format {
            OutputFormat::Text => Ok(format!("{}\n", text::line(letter, current))),
            OutputFormat::Json => {
                let comma = if shown > 1 { "," } else { "" };
                let letter = serde_json::to_string(&ShownLetter::new(letter, current));
                letter.map(|letter| format!("{comma}\n  {letter}"))
            }
        };
        let line = line.map_err(anyhow::Error::from);
        broken(line.and_then(|line| Ok(out.write_all(line.as_bytes())?)))
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    match args.format {
        OutputFormat::Text => out.write_all(text::counts(&tally, &walked, shown).as_bytes())?,
        OutputFormat::Json => {
            let counts = serde_json::json!({
                "letters": tally.letters,
                "shown": shown,
                "by_reason": tally.by_reason,
                "by_other_stream": tally.by_other_stream,
                "repeated": walked.repeated,
                "foreign": walked.foreign,
            });
            // The list precedes the counts, in the same object.
            let counts = counts.to_string();
            writeln!(out, "\n],\n{}", counts.trim_start_matches('{'))?;
        }
    }
    Ok(out.flush()?)
}

fn display(bus: &affluenza_kafka::Config, position: LogPosition) -> Result<()> {
    let current = current_stream(bus)?;
    let selection = LetterSelection::Positions([(position, None)].into());
    let mut documents = Vec::new();
    // One document for each stream with this position.
    let (walked, _) = walk(bus, &selection, |letter| {
        let letter = ShownLetter::new(letter, current.as_deref());
        documents.push(serde_json::to_string_pretty(&letter));
        ControlFlow::<()>::Continue(())
    })?;
    if documents.is_empty() {
        bail!(missing(&position.to_string(), &walked));
    }
    let documents: Vec<String> = documents.into_iter().collect::<Result<_, _>>()?;
    match walked.repeated {
        0 => {}
        repeated => say(&format!("delivered {} times", repeated + 1)),
    }
    output::print(&documents.join("\n"))
}

/// Sends letters back to the events topic, or prints what would be sent.
struct Requeue {
    selection: LetterSelection,
    current: String,
    corrections: Option<Corrections>,
    /// `None` in a dry run.
    writer: Option<Writer>,
    limit: u64,
    /// True if this command started Kafka, so that no consumer is running.
    is_owner: bool,
    lines: Vec<String>,
    tally: LetterTally,
    sent: u64,
}

impl Requeue {
    fn new(
        bus: &affluenza_kafka::Config,
        args: &args::RequeueDeadLetters,
        is_owner: bool,
    ) -> Result<Self> {
        let corrections = args.corrected.as_deref().map(read_corrected).transpose()?;
        let current = Cluster::new(bus)?.identity(&bus.topic)?.to_string();
        let positions = match &corrections {
            Some(corrections) => corrections.positions(),
            None => args.positions.clone(),
        };
        let selection = if positions.is_empty() {
            LetterSelection::Filter(filter(&args.filter))
        } else {
            LetterSelection::Positions(resolve(bus, &positions, &current)?)
        };
        let writer = if args.dry_run {
            None
        } else {
            Some(Writer::new(bus, &bus.topic)?)
        };
        Ok(Self {
            selection,
            current,
            corrections,
            writer,
            limit: args.limit.unwrap_or(u64::MAX),
            is_owner,
            lines: Vec::new(),
            tally: LetterTally::default(),
            sent: 0,
        })
    }

    fn run(mut self, bus: &affluenza_kafka::Config, stop: &CancellationToken) -> Result<()> {
        let selection = self.selection.clone();
        let (walked, ended) = walk(bus, &selection, |letter| {
            if self.tally.letters == self.limit {
                return ControlFlow::Break(Ok(()));
            }
            if stop.is_cancelled() {
                return ControlFlow::Break(Err(anyhow!("stopped")));
            }
            match self.take(letter) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => ControlFlow::Break(Err(error)),
            }
        })?;
        self.acknowledge()?;
        if let Some(Err(error)) = ended {
            return Err(error.context(format!(
                "{} requeued, not all; run the same command again for the rest; duplicates in the topic count once",
                self.sent
            )));
        }
        self.conclude(&walked)
    }

    fn take(&mut self, letter: &Letter<'_>) -> Result<()> {
        self.tally.take(letter, Some(&self.current));
        let now = UnixMillis::from(jiff::Timestamp::now());
        let corrected = self.corrections.as_ref();
        let event = corrected.and_then(|corrected| corrected.event(letter.position));
        let result = correct(letter, event, now);
        if let Ok(corrected) = &result {
            self.send(letter, corrected, now)?;
        }
        let verb = if self.writer.is_some() {
            "requeued"
        } else {
            "would requeue"
        };
        self.lines
            .push(text::outcome(letter, Some(&self.current), verb, &result));
        if self.lines.len() == LINES_MAX {
            self.acknowledge()?;
        }
        Ok(())
    }

    fn send(&mut self, letter: &Letter<'_>, record: &Corrected<'_>, now: UnixMillis) -> Result<()> {
        if let Some(writer) = &self.writer {
            let from = letter.position.to_string();
            let headers = [
                (REQUEUED_FROM, from.as_str()),
                (REQUEUED_STREAM, letter.stream),
            ];
            // Write the record with the checked time, so that the consumer comes to the same
            // decision.
            writer.send(
                record.key.as_bytes(),
                &record.payload,
                Some(now.0),
                &headers,
            )?;
        }
        self.sent += 1;
        Ok(())
    }

    /// Waits for acknowledgements, then prints the lines of the acknowledged records.
    fn acknowledge(&mut self) -> Result<()> {
        if let Some(writer) = &self.writer {
            writer.flush(PATIENCE).context(
                "some were not requeued; run the same command again for the rest; duplicates in the topic count once",
            )?;
        }
        let mut lines = std::mem::take(&mut self.lines).join("\n");
        if lines.is_empty() {
            return Ok(());
        }
        lines.push('\n');
        output::print(&lines)
    }

    fn conclude(&self, walked: &Walked) -> Result<()> {
        let held_back = self.tally.letters - self.sent;
        if self.tally.letters == 0 {
            bail!(nothing_to_requeue(walked));
        }
        for (stream, letters) in &self.tally.by_other_stream {
            say(&format!(
                "{letters} of them are of another stream, {stream}: the topic was created again since"
            ));
        }
        let (sent, held) = match &self.writer {
            Some(_) => ("requeued", "held back"),
            None => ("would requeue", "hold back"),
        };
        output::print(&format!("{sent} {}, {held} {held_back}", self.sent))?;
        if self.writer.is_some() && self.sent > 0 && self.is_owner {
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

fn nothing_to_requeue(walked: &Walked) -> String {
    match walked.letters {
        0 => "there are no dead letters, so there is nothing to requeue".to_owned(),
        letters => format!(
            "nothing to requeue: none of the {} match; see `affluenza dead-letters list`",
            text::dead_letters(letters)
        ),
    }
}

/// Returns the stream of each position: the current one if it has a letter there, otherwise the
/// latest one that has.
fn resolve(
    bus: &affluenza_kafka::Config,
    positions: &[LogPosition],
    current: &str,
) -> Result<BTreeMap<LogPosition, Option<String>>> {
    let located = locate(bus, positions)?;
    let missing_ones: Vec<String> = located
        .iter()
        .filter(|(_, streams)| streams.is_empty())
        .map(|(position, _)| position.to_string())
        .collect();
    ensure!(
        missing_ones.is_empty(),
        "there is no dead letter of {}, so nothing was requeued; see `affluenza dead-letters list`",
        missing_ones.join(", ")
    );
    Ok(located
        .into_iter()
        .map(|(position, mut streams)| {
            let is_current = streams.iter().any(|stream| stream == current);
            let stream = if is_current {
                Some(current.to_owned())
            } else {
                streams.pop()
            };
            (position, stream)
        })
        .collect())
}

fn missing(position: &str, walked: &Walked) -> String {
    match walked.letters {
        0 => format!("there is no dead letter of {position}: the topic is empty"),
        letters => format!(
            "there is no dead letter of {position} among the {letters}; see `affluenza dead-letters list`"
        ),
    }
}

fn read_corrected(file: &Path) -> Result<Corrections> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("{} cannot be read", file.display()))?;
    Corrections::parse(&text).map_err(|error| anyhow!("{}: {error}", file.display()))
}

fn filter(args: &args::DeadLetterFilter) -> Filter {
    Filter {
        reasons: args.reasons.clone(),
        since: args.since,
        partition: args.partition.map(Partition),
    }
}

/// Returns the current stream of the events topic; `None` if the topic does not exist, since letters
/// can be listed without it.
fn current_stream(bus: &affluenza_kafka::Config) -> Result<Option<String>> {
    match Cluster::new(bus)?.identity(&bus.topic) {
        Ok(identity) => Ok(Some(identity.to_string())),
        Err(BusError::NoTopic { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn broken(result: Result<()>) -> ControlFlow<anyhow::Error> {
    match result {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::Break(error),
    }
}
