use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;

use affluenza_kafka::{Config, try_scan};
use anyhow::Result;
use serde::Serialize;

use super::{Letter, LogPosition};

/// Counts of the dead-letter topic. Unless stated otherwise, of the selected letters.
#[derive(Debug, Default, Serialize)]
pub struct LetterCounts {
    /// Letters by stream, without the current stream of the events topic.
    pub by_other_stream: BTreeMap<String, u64>,
    /// Letters by reason.
    pub by_reason: BTreeMap<String, u64>,
    /// Records of the topic that are not letters of this program.
    pub foreign: u64,
    /// Letters, each position once.
    pub letters: u64,
    /// Letters that were delivered again and therefore skipped.
    pub repeated: u64,
    /// Letters that were listed.
    pub shown: u64,
    /// All letters of the topic, whether selected or not.
    #[serde(skip)]
    pub in_topic: u64,
}

impl LetterCounts {
    pub(super) fn count(&mut self, letter: &Letter<'_>) {
        self.letters += 1;
        *self.by_reason.entry(letter.reason.to_owned()).or_default() += 1;
        if !letter.is_current_stream {
            let stream = letter.stream.to_owned();
            *self.by_other_stream.entry(stream).or_default() += 1;
        }
    }
}

/// Calls `show` for each letter that `selects` returns true for, once per position, in the order of
/// the dead-letter topic, up to its present end. `current` is the current stream of the events
/// topic. A letter at which `show` breaks or fails is the last one and is not counted. Memory holds
/// only positions.
pub fn walk(
    bus: &Config,
    current: Option<&str>,
    selects: impl Fn(&Letter<'_>) -> bool,
    mut show: impl FnMut(&Letter<'_>) -> Result<ControlFlow<()>>,
) -> Result<LetterCounts> {
    let mut counts = LetterCounts::default();
    let mut seen: HashMap<String, HashSet<LogPosition>> = HashMap::new();
    let ended = try_scan(bus, &bus.dead_letter_topic, |record| {
        let Some(letter) = Letter::of(record, current) else {
            counts.foreign += 1;
            return ControlFlow::Continue(());
        };
        counts.in_topic += 1;
        if !selects(&letter) {
            return ControlFlow::Continue(());
        }
        let positions = seen.entry(letter.stream.to_owned()).or_default();
        if !positions.insert(letter.position) {
            counts.repeated += 1;
            return ControlFlow::Continue(());
        }
        match show(&letter) {
            Ok(ControlFlow::Continue(())) => {
                counts.count(&letter);
                ControlFlow::Continue(())
            }
            Ok(ControlFlow::Break(())) => ControlFlow::Break(Ok(())),
            Err(error) => ControlFlow::Break(Err(error)),
        }
    })?;
    ended.transpose()?;
    Ok(counts)
}
