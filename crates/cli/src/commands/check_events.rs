//! `affluenza check-events`: checks events with the consumer's parser before they are sent.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use affluenza_event::{Message, Refusal, UnixMillis};
use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::args::OutputFormat;
use crate::output;

/// Limit of a checked file, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 30;

#[derive(Debug, clap::Args)]
pub struct CheckEvents {
    /// File with one event, a JSON array of events, or one event a line; `-` is standard input.
    file: PathBuf,
    /// Format of the result.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
}

/// Result of a check.
#[derive(Debug, Default, Serialize)]
struct CheckedEvents {
    events: usize,
    accepted: usize,
    refused: Vec<Failure>,
}

/// Event that the consumer would refuse.
#[derive(Debug, Serialize)]
struct Failure {
    /// Index of the event, from 0.
    index: usize,
    /// Line of the file, from 1: that of the field if known, otherwise that of the event's start.
    line: usize,
    /// `id` of the event, if present, with personal data masked.
    id: Option<String>,
    /// JSON Pointer to the invalid field; absent if no single field causes the refusal.
    field: Option<String>,
    reason: &'static str,
    detail: String,
    mend: &'static str,
}

pub fn run(args: &CheckEvents) -> Result<()> {
    let text = read(args)?;
    let now = UnixMillis::from(jiff::Timestamp::now());
    let found = check(&text, now);
    match args.format {
        OutputFormat::Text => output::print(&as_text(&found))?,
        OutputFormat::Json => output::print(&serde_json::to_string_pretty(&found)?)?,
    }
    if found.events == 0 {
        bail!("{} holds no event", args.file.display());
    }
    if !found.refused.is_empty() {
        let (refused, events) = (found.refused.len(), found.events);
        bail!("{refused} of {events} events would be refused");
    }
    Ok(())
}

fn read(args: &CheckEvents) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    let input: Box<dyn Read> = if args.file.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        let file = File::open(&args.file);
        Box::new(file.with_context(|| format!("cannot open {}", args.file.display()))?)
    };
    input
        .take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut text)
        .with_context(|| format!("cannot read {}", args.file.display()))?;
    if text.len() as u64 > FILE_BYTES_MAX {
        bail!(
            "{} has more than 1 GiB: check it in parts",
            args.file.display()
        );
    }
    Ok(text)
}

fn check(text: &[u8], now: UnixMillis) -> CheckedEvents {
    let mut found = CheckedEvents::default();
    let mut lines = LineCounter {
        text,
        at: 0,
        line: 1,
    };
    for event in split(text) {
        let line = lines.of(event);
        match affluenza_event::read(event, std::iter::empty, now).message {
            Ok(Message::Usage(_) | Message::Report(_)) => found.accepted += 1,
            Err(refusal) => found
                .refused
                .push(failure(event, found.events, line, &refusal, now)),
        }
        found.events += 1;
    }
    found
}

/// Splits a file into the texts of its events.
fn split(text: &[u8]) -> Vec<&[u8]> {
    let trimmed = text.trim_ascii();
    if trimmed.is_empty() {
        return Vec::new();
    }
    if let Ok(events) = serde_json::from_slice::<Vec<&RawValue>>(trimmed) {
        return events.iter().map(|event| event.get().as_bytes()).collect();
    }
    let mut lines = trimmed.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    // One event over several lines, valid or broken, unless the first line is an event itself.
    if is_value(trimmed)
        || !lines.clone().next().is_some_and(is_value) && !looks_like_lines(trimmed)
    {
        return vec![trimmed];
    }
    lines.by_ref().filter(|line| !line.is_empty()).collect()
}

fn is_value(text: &[u8]) -> bool {
    serde_json::from_slice::<&RawValue>(text).is_ok()
}

/// True if the first few lines all look like the start of an object.
fn looks_like_lines(text: &[u8]) -> bool {
    let mut lines = text
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii)
        .filter(|line| !line.is_empty())
        .take(4)
        .peekable();
    lines.peek().is_some() && lines.all(|line| line.starts_with(b"{") && line.len() > 1)
}

/// Counts the line on which a part of the text begins. Parts must come in order.
struct LineCounter<'t> {
    text: &'t [u8],
    at: usize,
    line: usize,
}

impl LineCounter<'_> {
    fn of(&mut self, part: &[u8]) -> usize {
        let start = part.as_ptr().addr() - self.text.as_ptr().addr();
        self.line += newlines(&self.text[self.at..start]);
        self.at = start;
        self.line
    }
}

fn newlines(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte == b'\n').count()
}

fn failure(event: &[u8], index: usize, line: usize, refusal: &Refusal, now: UnixMillis) -> Failure {
    let parsed: Option<Value> = serde_json::from_slice(event).ok();
    let field = parsed
        .as_ref()
        .and_then(|value| culprit(value, refusal, now));
    let id = parsed.as_ref().and_then(|value| value.get("id")?.as_str());
    let before = field.as_ref().and_then(|field| place_of(event, field));
    Failure {
        index,
        line: line + before.map_or(0, |before| newlines(&event[..before])),
        id: id.map(output::masked),
        field,
        reason: refusal.code(),
        detail: output::without_fate(refusal),
        mend: refusal.mend(),
    }
}

/// Returns the error of the event without a field, if it has one; `None` if there is no such field.
fn outcome_without(event: &Value, field: &str, now: UnixMillis) -> Option<Option<String>> {
    let mut changed = event.clone();
    let (parent, name) = field.rsplit_once('/')?;
    changed.pointer_mut(parent)?.as_object_mut()?.remove(name);
    let text = changed.to_string();
    let reading = affluenza_event::read(text.as_bytes(), std::iter::empty, now);
    Some(reading.message.err().map(|other| without_place(&other)))
}

/// Returns the field whose removal makes the event valid or changes the error. Uses the parser
/// itself, so that the two cannot disagree.
fn culprit(event: &Value, refusal: &Refusal, now: UnixMillis) -> Option<String> {
    let mut places = Vec::new();
    leaves(event, "", &mut places);
    let said = without_place(refusal);
    // A removal that makes the event valid is stronger evidence than one that changes the error.
    let good = places
        .iter()
        .find(|place| outcome_without(event, place, now) == Some(None));
    good.or_else(|| {
        places.iter().find(|place| {
            let named = place.rsplit('/').next().unwrap_or_default();
            outcome_without(event, place, now)
                .flatten()
                .is_some_and(|now| now != said && now.contains(named))
        })
    })
    .cloned()
}

/// Collects the fields without subfields, as JSON Pointers.
fn leaves(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) if !fields.is_empty() || at.is_empty() => {
            for (name, field) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                leaves(field, &format!("{at}/{name}"), found);
            }
        }
        _ => found.push(at.to_owned()),
    }
}

/// Returns the error without line and column, which change when a field is removed.
fn without_place(refusal: &Refusal) -> String {
    let text = refusal.to_string();
    text.split(" at line ")
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// Finds the name of a field in the text of an event.
fn place_of(event: &[u8], field: &str) -> Option<usize> {
    let mut from = 0;
    for name in field.split('/').skip(1) {
        let quoted = format!("\"{name}\"");
        let rest = &event[from..];
        from += rest
            .windows(quoted.len())
            .position(|window| window == quoted.as_bytes())?;
    }
    Some(from)
}

fn as_text(found: &CheckedEvents) -> String {
    let mut text = String::new();
    for failure in &found.refused {
        let _ = write!(text, "line {}: {}", failure.line, failure.reason);
        if let Some(field) = &failure.field {
            let _ = write!(text, " in {field}");
        }
        if let Some(id) = &failure.id {
            let _ = write!(text, " (event {id})");
        }
        let _ = writeln!(text, "\n  {}\n  → {}", failure.detail, failure.mend);
    }
    let _ = writeln!(
        text,
        "{} events, {} good, {} would be refused",
        found.events,
        found.accepted,
        found.refused.len()
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_767_225_600_000);
    const GOOD: &str = r#"{"specversion":"1.0","type":"it.affluenza.access.v1","source":"s","id":"1","time":"2017-03-26T10:00:00+02:00","data":{"ente":"c_d612","portal":"p","channel":"web"}}"#;

    fn failures(text: &str) -> Vec<(usize, &'static str, Option<String>)> {
        let found = check(text.as_bytes(), NOW);
        found
            .refused
            .into_iter()
            .map(|failure| (failure.line, failure.reason, failure.field))
            .collect()
    }

    #[test]
    fn one_event_an_array_and_lines_are_distinguished() {
        let events = |text: &str| check(text.as_bytes(), NOW).accepted;
        assert_eq!(events(GOOD), 1);
        let pretty = format!("{:#}", serde_json::from_str::<Value>(GOOD).unwrap());
        assert_eq!(events(&pretty), 1);
        assert_eq!(events(&format!("[{GOOD},\n{GOOD}]")), 2);
        assert_eq!(events(&format!("{GOOD}\n\n{GOOD}\r\n{GOOD}")), 3);
        assert_eq!(check(b" \n", NOW).events, 0);
    }

    #[test]
    fn a_failure_has_its_line_and_its_field() {
        let bad = GOOD.replace("web", "fax");
        let field = Some("/data/channel".to_owned());
        assert_eq!(failures(&bad), [(1, "unknown-shape", field.clone())]);
        let lines = format!("{GOOD}\n{bad}\n{GOOD}\n{{\n");
        assert_eq!(
            failures(&lines),
            [(2, "unknown-shape", field.clone()), (4, "not-json", None)]
        );
        let value: Value = serde_json::from_str(&bad).unwrap();
        let array = format!("[\n{GOOD},\n{value:#}\n]");
        assert_eq!(failures(&array), [(5, "unknown-shape", field)]);
        let mail = GOOD.replace("\"web\"", "\"web\",\"visitor\":\"a@example.it\"");
        assert_eq!(
            failures(&mail),
            [(1, "personal-data", Some("/data/visitor".into()))]
        );
    }

    #[test]
    fn broken_json_over_several_lines_is_one_failure() {
        let pretty = format!("{:#}", serde_json::from_str::<Value>(GOOD).unwrap());
        assert_eq!(failures(&pretty[..80]), [(1, "not-json", None)]);
    }

    #[test]
    fn personal_data_is_not_printed() {
        let text = GOOD.replace("\"id\":\"1\"", "\"id\":\"anna@example.it\"");
        let found = check(text.as_bytes(), NOW);
        assert_eq!(found.refused.len(), 1);
        assert!(!as_text(&found).contains("anna"), "{}", as_text(&found));
    }
}
