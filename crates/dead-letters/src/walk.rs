use std::collections::BTreeMap;
use std::ops::ControlFlow;

use affluenza_bus::{BusError, Config, Record, try_scan};

use crate::seen::Seen;
use crate::{Letter, Position, Selection};

/// What a walk met beside the letters it showed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Walked {
    /// Records of the dead-letter topic that are letters, shown or not.
    pub letters: u64,
    /// Of those meant: delivered again, and so not shown again.
    pub repeated: u64,
    /// Records of the dead-letter topic that are no letters of this program.
    pub foreign: u64,
}

/// Shows each letter that `selection` holds, once a position, in the order of the dead-letter
/// topic, up to where the topic ends now. Ends early when `show` breaks, and gives what it broke
/// with. Keeps positions in memory, and nothing else.
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

/// The streams in which there are letters of `positions`, in the order of the dead-letter topic.
/// A position without any has none.
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
