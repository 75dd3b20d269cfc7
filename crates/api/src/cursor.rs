//! The start of a page, and the state of the figures when the first page was made. The format is
//! opaque to clients and may change.

use affluenza_http::Problem;

/// Largest offset of a page.
const OFFSET_MAX: usize = affluenza_store::usage::ROWS_MAX;

/// A position among the rows of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// Number of rows before the page.
    pub offset: usize,
    /// [`Basis::figures`](crate::basis::Basis::figures) when the first page was made.
    pub mark: u64,
}

impl Cursor {
    pub(crate) fn write(self) -> String {
        format!("r{:x}.{:x}", self.offset, self.mark)
    }

    pub(crate) fn parse(text: &str) -> Result<Self, Problem> {
        Self::read(text).ok_or_else(|| {
            Problem::parameter(
                "cursor",
                "take the cursor from the link `next` of the page before, unchanged",
                &[],
            )
        })
    }

    fn read(text: &str) -> Option<Self> {
        let (offset, mark) = text.strip_prefix('r')?.split_once('.')?;
        let offset = usize::try_from(hexadecimal(offset)?).ok()?;
        let mark = hexadecimal(mark)?;
        (offset <= OFFSET_MAX).then_some(Self { offset, mark })
    }
}

/// Parses digits without a sign.
fn hexadecimal(digits: &str) -> Option<u64> {
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_plain.then(|| u64::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        for cursor in [
            Cursor { offset: 7, mark: 0 },
            Cursor {
                offset: OFFSET_MAX,
                mark: u64::MAX,
            },
        ] {
            assert_eq!(Cursor::parse(&cursor.write()).ok(), Some(cursor));
        }
        for text in [
            "",
            "r",
            "r5",
            "r5.",
            "r.5",
            "5.5",
            "r5.+5",
            "r-1.5",
            "rfffffff.1",
            "r5.11111111111111111",
        ] {
            assert!(Cursor::parse(text).is_err(), "{text}");
        }
    }
}
