use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;

use affluenza_kafka::{BusError, Config, try_scan};

use super::{Letter, LetterSelection, LogPosition};

/// Counts of a walk through the dead-letter topic.
#[derive(Debug, Default)]
pub struct Walked {
    /// Records that are letters, whether selected or not.
    pub letters: u64,
    /// Selected letters that were delivered again and therefore skipped.
    pub repeated: u64,
    /// Records that are not letters of this program.
    pub foreign: u64,
}

/// Calls `show` for each letter of `selection`, once per position, in the order of the dead-letter
/// topic, up to its present end. Ends early if `show` breaks, and returns the break value. Memory
/// holds only positions.
pub fn walk<B>(
    bus: &Config,
    selection: &LetterSelection,
    mut show: impl FnMut(&Letter<'_>) -> ControlFlow<B>,
) -> Result<(Walked, Option<B>), BusError> {
    let mut walked = Walked::default();
    let mut seen: HashMap<String, HashSet<LogPosition>> = HashMap::new();
    let broken = try_scan(bus, &bus.dead_letter_topic, |record| {
        let Some(letter) = Letter::of(record) else {
            walked.foreign += 1;
            return ControlFlow::Continue(());
        };
        walked.letters += 1;
        if !selection.has(&letter) {
            return ControlFlow::Continue(());
        }
        let is_new = match seen.get_mut(letter.stream) {
            Some(positions) => positions.insert(letter.position),
            None => {
                let positions = HashSet::from([letter.position]);
                seen.insert(letter.stream.to_owned(), positions);
                true
            }
        };
        if !is_new {
            walked.repeated += 1;
            return ControlFlow::Continue(());
        }
        show(&letter)
    })?;
    Ok((walked, broken))
}

/// Returns the streams that have letters at `positions`, in the order of the dead-letter topic. The
/// list is empty for a position without a letter.
pub fn locate(
    bus: &Config,
    positions: &[LogPosition],
) -> Result<BTreeMap<LogPosition, Vec<String>>, BusError> {
    let mut streams: BTreeMap<LogPosition, Vec<String>> =
        positions.iter().map(|at| (*at, Vec::new())).collect();
    let everywhere = streams.keys().map(|at| (*at, None)).collect();
    let selection = LetterSelection::Positions(everywhere);
    walk(bus, &selection, |letter| {
        if let Some(streams) = streams.get_mut(&letter.position) {
            streams.push(letter.stream.to_owned());
        }
        ControlFlow::<()>::Continue(())
    })?;
    Ok(streams)
}
