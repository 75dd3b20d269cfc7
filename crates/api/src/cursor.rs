//! Where a page begins. Opaque to clients: what is in it may change.

use affluenza_web::Problem;

/// Farthest that pages reach.
const OFFSET_MAX: usize = affluenza_store::usage::ROWS_MAX;

pub(crate) fn write(offset: usize) -> String {
    format!("r{offset:x}")
}

pub(crate) fn parse(text: &str) -> Result<usize, Problem> {
    let digits = text.strip_prefix('r').filter(|digits| digits.len() <= 8);
    digits
        .and_then(|digits| usize::from_str_radix(digits, 16).ok())
        .filter(|offset| *offset <= OFFSET_MAX)
        .ok_or_else(|| {
            Problem::parameter(
                "cursor",
                "take the cursor from the link `next` of the page before, unchanged",
                &[],
            )
        })
}
