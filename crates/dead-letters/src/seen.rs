use std::collections::HashMap;

use affluenza_bus::Partition;

use crate::Position;

/// Positions per entry of the set.
const WIDTH: i64 = 64;

/// Set of the positions seen so far. An entry takes 24 bytes and holds up to 64 neighbouring
/// positions, as left behind by a portal whose events are all invalid.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Usually one stream, plus one for each time that the topic was recreated.
    streams: Vec<String>,
    words: HashMap<(u32, Partition, i64), u64>,
}

impl Seen {
    /// Inserts a position. Returns true if it is new.
    pub(crate) fn insert(&mut self, stream: &str, position: Position) -> bool {
        let stream = self.number(stream);
        let offset = position.offset.0;
        let place = (stream, position.partition, offset.div_euclid(WIDTH));
        let bit = 1_u64 << offset.rem_euclid(WIDTH);
        let word = self.words.entry(place).or_default();
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    fn number(&mut self, stream: &str) -> u32 {
        let found = self.streams.iter().position(|known| known == stream);
        let number = found.unwrap_or_else(|| {
            self.streams.push(stream.to_owned());
            self.streams.len() - 1
        });
        u32::try_from(number).expect("a topic is not created anew four billion times")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_of_a_stream_is_new_once() {
        let mut seen = Seen::default();
        let positions = ["0/0", "0/63", "0/64", "1/0", "0/9223372036854775807"];
        for stream in ["a", "b"] {
            for position in positions {
                let position = position.parse().unwrap();
                assert!(seen.insert(stream, position), "{stream} {position}");
                assert!(!seen.insert(stream, position), "{stream} {position}");
            }
        }
        for position in positions {
            assert!(!seen.insert("a", position.parse().unwrap()));
        }
    }

    #[test]
    fn neighbours_share_their_memory() {
        let mut seen = Seen::default();
        for offset in 0..6_400 {
            assert!(seen.insert("a", format!("0/{offset}").parse().unwrap()));
        }
        assert_eq!(seen.words.len(), 100);
    }
}
