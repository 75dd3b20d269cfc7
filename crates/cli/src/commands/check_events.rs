//! `affluenza check-events`: checks events with the consumer's parser before they are sent.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use affluenza_collector::{ItemResult, Refused, Trial, Warning, Warnings};
use affluenza_event::{BYTE_ORDER_MARK, UnixMillis};
use affluenza_register::Register;
use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde_json::value::RawValue;

use super::RegisterFiles;
use crate::args::OutputFormat;
use crate::output;
use crate::settings::Settings;

/// Limit of a checked file, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 30;

#[derive(Debug, clap::Args)]
pub struct CheckEvents {
    /// File with one event, a JSON array of events, or one event a line; `-` is standard input.
    file: PathBuf,
    /// Judge events as the collector does, which truncates addresses and hashes visitors. Without
    /// it, events are judged as the consumer does, for portals that write to Kafka.
    #[arg(long)]
    http: bool,
    /// Register of the codes that are known. Other codes are warnings.
    #[arg(long, value_name = "FILE")]
    register: Option<PathBuf>,
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
    warnings: Vec<LineWarning>,
}

/// Event that would be refused.
#[derive(Debug, Serialize)]
struct Failure {
    /// Line of the file, from 1: that of the field if present, otherwise that of its parent.
    line: usize,
    /// `id` of the event, if present, with personal data masked.
    id: Option<String>,
    #[serde(flatten)]
    result: ItemResult,
}

/// Warning, with the line of the first event.
#[derive(Debug, Serialize)]
struct LineWarning {
    line: usize,
    #[serde(flatten)]
    warning: Warning,
}

/// Judge of events.
struct Judge {
    /// Judge of events over HTTP; `None` for events that are written to Kafka.
    collector: Option<Trial>,
    /// Register whose codes are known.
    register: Option<Register>,
}

impl Judge {
    fn new(settings: &Settings, args: &CheckEvents) -> Result<Self> {
        let given = args.register.as_ref();
        let given = given
            .map(|file| RegisterFiles::read(file).register)
            .transpose()?;
        Ok(Self {
            collector: match (args.http, &given) {
                (false, _) => None,
                (true, Some(register)) => Some(Trial::new(register.clone())),
                (true, None) => Some(Trial::new(super::register(settings)?)),
            },
            register: given,
        })
    }

    fn judge(&self, event: &[u8], now: UnixMillis) -> Result<(), Refused> {
        match &self.collector {
            Some(trial) => trial.judge(event, now),
            None => match affluenza_event::read(event, std::iter::empty, now).message {
                Ok(_) => Ok(()),
                Err(refusal) => Err(refusal.into()),
            },
        }
    }
}

pub fn run(settings: &Settings, args: &CheckEvents) -> Result<()> {
    let judge = Judge::new(settings, args)?;
    let text = read(args)?;
    let now = UnixMillis::from(jiff::Timestamp::now());
    let found = check(&text, &judge, now);
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

fn check(text: &[u8], judge: &Judge, now: UnixMillis) -> CheckedEvents {
    let mut found = CheckedEvents::default();
    let mut warnings = Warnings::default();
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let mut counter = LineCounter {
        text,
        at: 0,
        line: 1,
    };
    let mut lines = Vec::new();
    for (index, event) in split(text).into_iter().enumerate() {
        let line = counter.of(event);
        lines.push(line);
        match judge.judge(event, now) {
            Ok(()) => {
                found.accepted += 1;
                warnings.note(index, event, judge.register.as_ref());
            }
            Err(why) => {
                let result = ItemResult::new(index, why);
                found.refused.push(Failure {
                    line: line + lines_before(event, &result.pointer),
                    id: id_of(event),
                    result,
                });
            }
        }
    }
    found.events = lines.len();
    let warnings = warnings.into_list().into_iter();
    found.warnings = warnings
        .map(|warning| LineWarning {
            line: lines[warning.index],
            warning,
        })
        .collect();
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

fn id_of(event: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct IdOnly {
        id: String,
    }
    let outline: IdOnly = serde_json::from_slice(event).ok()?;
    Some(output::masked(&outline.id))
}

/// Returns the number of lines of an event before the value at `pointer`, or before the innermost
/// parent that is present.
fn lines_before(event: &[u8], pointer: &str) -> usize {
    let Ok(mut value) = serde_json::from_slice::<&RawValue>(event) else {
        return 0;
    };
    for name in pointer.split('/').skip(1) {
        match child(value.get(), &name.replace("~1", "/").replace("~0", "~")) {
            Some(child) => value = child,
            None => break,
        }
    }
    let start = value.get().as_ptr().addr() - event.as_ptr().addr();
    newlines(&event[..start])
}

/// Returns the entry `name` of an object or an array.
fn child<'t>(text: &'t str, name: &str) -> Option<&'t RawValue> {
    if text.starts_with('[') {
        let entries: Vec<&RawValue> = serde_json::from_str(text).ok()?;
        return entries.get(name.parse::<usize>().ok()?).copied();
    }
    let mut fields: HashMap<String, &RawValue> = serde_json::from_str(text).ok()?;
    fields.remove(name)
}

fn as_text(found: &CheckedEvents) -> String {
    let mut text = String::new();
    for failure in &found.refused {
        let _ = write!(text, "line {}: {}", failure.line, failure.result.reason);
        if let Some(id) = &failure.id {
            let _ = write!(text, " (event {id})");
        }
        let _ = writeln!(text, "\n  {}", failure.result.detail);
    }
    for LineWarning { line, warning } in &found.warnings {
        let _ = writeln!(text, "line {line}: warning\n  {warning}");
    }
    let _ = writeln!(
        text,
        "{} {}, {} good, {} would be refused",
        found.events,
        if found.events == 1 { "event" } else { "events" },
        found.accepted,
        found.refused.len()
    );
    text
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_767_225_600_000);
    const GOOD: &str = r#"{"specversion":"1.0","type":"it.affluenza.access.v1","source":"s","id":"1","time":"2017-03-26T10:00:00+02:00","data":{"ente":"c_d612","portal":"p","channel":"web"}}"#;

    const KAFKA: Judge = Judge {
        collector: None,
        register: None,
    };

    fn failures(text: &str) -> Vec<(usize, String, String)> {
        let found = check(text.as_bytes(), &KAFKA, NOW);
        found
            .refused
            .into_iter()
            .map(|failure| {
                (
                    failure.line,
                    failure.result.reason.to_string(),
                    failure.result.pointer,
                )
            })
            .collect()
    }

    fn pretty(event: &str) -> String {
        format!("{:#}", serde_json::from_str::<Value>(event).unwrap())
    }

    #[test]
    fn one_event_an_array_and_lines_are_distinguished() {
        let events = |text: &str| check(text.as_bytes(), &KAFKA, NOW).accepted;
        assert_eq!(events(GOOD), 1);
        let pretty = pretty(GOOD);
        assert_eq!(events(&pretty), 1);
        assert_eq!(events(&format!("[{GOOD},\n{GOOD}]")), 2);
        assert_eq!(events(&format!("{GOOD}\n\n{GOOD}\r\n{GOOD}")), 3);
        assert_eq!(check(b" \n", &KAFKA, NOW).events, 0);
    }

    #[test]
    fn a_failure_has_its_line_and_its_field() {
        let bad = GOOD.replace("web", "fax");
        let at = |line: usize, reason: &str, pointer: &str| {
            (line, reason.to_owned(), pointer.to_owned())
        };
        let channel = "/data/channel";
        assert_eq!(failures(&bad), [at(1, "unknown-shape", channel)]);
        let lines = format!("{GOOD}\n{bad}\n{GOOD}\n{{\n");
        assert_eq!(
            failures(&lines),
            [at(2, "unknown-shape", channel), at(4, "not-json", "")]
        );
        let time = pretty(&GOOD.replace("+02:00", ""));
        let line = time.lines().position(|line| line.contains("time"));
        assert_eq!(
            failures(&time),
            [at(line.unwrap() + 1, "bad-time", "/time")]
        );
        let value: Value = serde_json::from_str(&bad).unwrap();
        let array = format!("[\n{GOOD},\n{value:#}\n]");
        assert_eq!(failures(&array), [at(5, "unknown-shape", channel)]);
        let mail = GOOD.replace("\"web\"", "\"web\",\"visitor\":\"a@example.it\"");
        assert_eq!(failures(&mail), [at(1, "personal-data", "/data/visitor")]);
    }

    #[test]
    fn broken_json_over_several_lines_is_one_failure() {
        let pretty = pretty(GOOD);
        let failure = (1, "not-json".to_owned(), String::new());
        assert_eq!(failures(&pretty[..80]), [failure]);
    }

    #[test]
    fn personal_data_is_not_printed() {
        let text = GOOD.replace("\"id\":\"1\"", "\"id\":\"anna@example.it\"");
        let found = check(text.as_bytes(), &KAFKA, NOW);
        assert_eq!(found.refused.len(), 1);
        assert!(!as_text(&found).contains("anna"), "{}", as_text(&found));
    }

    #[test]
    fn events_over_http_are_judged_as_the_collector_does() {
        let register = Register::parse(include_str!("../../../../deploy/register.toml")).unwrap();
        let judge = Judge {
            collector: Some(Trial::new(register.clone())),
            register: Some(register),
        };
        let event = GOOD.replace(
            "\"channel\":\"web\"",
            "\"visitor\":\"a b\",\"client\":{\"ip\":\"93.45.171.21\"}",
        );
        let found = check(event.as_bytes(), &judge, NOW);
        assert_eq!((found.accepted, found.refused.len()), (1, 0));
        let text = as_text(&found);
        assert!(text.contains("line 1: warning\n  /data/portal: "), "{text}");
        assert_eq!(failures(&event).len(), 1);
        let bad = event.replace("93.45.171.21", "x");
        let found = check(bad.as_bytes(), &judge, NOW);
        assert_eq!(found.refused[0].result.pointer, "/data/client/ip");
    }

    #[test]
    fn the_example_of_the_readme_is_judged_as_it_says() {
        let readme = include_str!("../../../../README.md");
        let (_, body) = readme
            .split_once("-H 'Content-Type: application/json' -d '")
            .unwrap();
        let (body, _) = body.split_once('\'').unwrap();
        let judge = Judge {
            collector: Some(Trial::new(
                Register::parse(include_str!("../../../../deploy/register.toml")).unwrap(),
            )),
            register: None,
        };
        let now = UnixMillis::from("2026-11-30T00:00:00Z".parse::<jiff::Timestamp>().unwrap());
        let found = check(body.as_bytes(), &judge, now);
        assert_eq!((found.accepted, found.warnings.len()), (1, 0));
        assert_eq!(
            found.refused[0].result.reason,
            affluenza_collector::Reason::TimeAhead
        );
    }
}
