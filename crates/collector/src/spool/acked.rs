//! Acknowledged position of the reader, in a separate file.
//!
//! The file is replaced as a whole and not synced. After a power failure it may be older or
//! missing. Records are then delivered again, which the reader must tolerate anyway.

use std::fs;
use std::path::Path;

use xxhash_rust::xxh3::xxh3_64;

use super::error::io;
use super::{SpoolError, SpoolPosition};

const FILE: &str = "acked";

/// Returns the last acknowledged position; `None` if the file is missing or its checksum is wrong.
pub(crate) fn load(dir: &Path) -> Option<SpoolPosition> {
    let text = fs::read_to_string(dir.join(FILE)).ok()?;
    let (number, checksum) = text.trim_end().split_once(' ')?;
    let sound = u64::from_str_radix(checksum, 16).ok()? == xxh3_64(number.as_bytes());
    sound.then_some(SpoolPosition(number.parse().ok()?))
}

pub(crate) fn store(dir: &Path, position: SpoolPosition) -> Result<(), SpoolError> {
    let number = position.0.to_string();
    let text = format!("{number} {:016x}\n", xxh3_64(number.as_bytes()));
    let (new, path) = (dir.join("acked.new"), dir.join(FILE));
    fs::write(&new, text).map_err(io("write", &new))?;
    fs::rename(&new, &path).map_err(io("replace", &path))
}
