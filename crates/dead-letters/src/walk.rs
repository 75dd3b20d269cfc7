use std::collections::BTreeMap;
use std::ops::ControlFlow;

use affluenza_bus::{BusError, Config, Record, try_scan};

use crate::seen::Seen;
use crate::{Letter, Position, Selection};

/// Counts of a walk through the dead-letter topic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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
    selection: &Selection,
    mut show: impl FnMut(&Letter<'_>, &Record<'_>) -> ControlFlow<B>,
) -> Result<(Walked, Option<B>), BusError> {
    let mut walked = Walked::default();
    let mut seen = Seen::default();
    let broken = try_scan(bus, &bus.dead_letter_topic, |record| {
        let Some(letter) = Letter::of(record) else {
            walked.foreign += 1;
            return ControlFlow::Continue(());
        };
        walked.letters += 1;
        if !selection.holds(&letter) {
            return ControlFlow::Continue(());
        }
        if !seen.insert(letter.stream, letter.position) {
            walked.repeated += 1;
            return ControlFlow::Continue(());
        }
        show(&letter, record)
    })?;
    Ok((walked, broken))
}

/// Returns the streams that have letters at `positions`, in the order of the dead-letter topic. The
/// list is empty for a position without a letter.
pub fn locate(
    bus: &Config,
    positions: &[Position],
) -> Result<BTreeMap<Position, Vec<String>>, BusError> {
    let mut streams: BTreeMap<Position, Vec<String>> =
        positions.iter().map(|at| (*at, Vec::new())).collect();
    let everywhere = streams.keys().map(|at| (*at, None)).collect();
    let selection = Selection::Positions(everywhere);
    walk(bus, &selection, |letter, _| {
        if let Some(streams) = streams.get_mut(&letter.position) {
            streams.push(letter.stream.to_owned());
        }
        ControlFlow::<()>::Continue(())
    })?;
    Ok(streams)
}
