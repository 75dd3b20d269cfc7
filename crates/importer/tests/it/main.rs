//! Imports real and synthetic logs, and reads the events like the consumer.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod cases;
mod follow;
mod formats;
mod forms;
mod idempotence;
mod inputs;
mod properties;
mod real_log;
mod recognition;

use std::io::Read as _;
use std::path::PathBuf;

use affluenza_event::{Event, UnixMillis};
use affluenza_importer::{
    AccessLog, ImportError, Input, LogReading, Salt, SaltSource, Summary, Target,
};

/// Salts that are the same in every run.
struct FixedSalts(u8);

impl SaltSource for FixedSalts {
    fn salt(&mut self, _day: jiff::civil::Date) -> std::io::Result<Salt> {
        self.0 = self.0.wrapping_add(1);
        Ok([self.0; 32])
    }
}

/// Copy of an imported event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Kept {
    key: String,
    json: String,
}

impl Kept {
    /// Parses the event like the consumer, with a late write time.
    fn event(&self) -> Event<'_> {
        let written = UnixMillis(4_102_444_800_000);
        affluenza_event::parse(self.json.as_bytes(), written)
            .unwrap_or_else(|refusal| panic!("{refusal}: {}", self.json))
    }
}

fn target() -> Target {
    Target::new("c_d612", "www").unwrap()
}

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

fn real_log() -> Vec<u8> {
    let file = std::fs::File::open(fixture("apache_combined_10k.log.gz")).unwrap();
    let mut log = Vec::new();
    flate2::read::GzDecoder::new(file)
        .read_to_end(&mut log)
        .unwrap();
    log
}

/// Reads logs with a single client, too: many tests have few lines.
fn reading() -> LogReading {
    LogReading {
        allows_single_client: true,
        ..LogReading::default()
    }
}

fn import_into(target: Target, inputs: Vec<Input>) -> (Vec<Kept>, Summary) {
    import_as(&reading(), target, inputs).unwrap()
}

fn import_as(
    reading: &LogReading,
    target: Target,
    inputs: Vec<Input>,
) -> Result<(Vec<Kept>, Summary), ImportError> {
    let mut import = AccessLog::new(target, reading, inputs, FixedSalts(0))?;
    let mut events = Vec::new();
    while let Some(event) = import.next_event()? {
        events.push(Kept {
            key: event.key.to_owned(),
            json: String::from_utf8(event.json.to_vec()).unwrap(),
        });
    }
    Ok((events, import.summary().clone()))
}

fn import(log: &[u8]) -> (Vec<Kept>, Summary) {
    import_parts(&[log])
}

fn import_parts(parts: &[&[u8]]) -> (Vec<Kept>, Summary) {
    let input = |part: &&[u8]| Input::reader("log", std::io::Cursor::new(part.to_vec()));
    import_into(target(), parts.iter().map(input).collect())
}
