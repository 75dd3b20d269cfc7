//! Reads the lines of an input in bounded memory.

use std::io::{self, BufRead, Read};

use crate::LINE_BYTES_MAX;
use crate::input::Content;

/// UTF-8 byte order mark, which Windows tools put before the first line.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Result of reading a line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum FoundLine {
    /// A line, in the caller's buffer, without its line end.
    Line,
    /// A line longer than [`LINE_BYTES_MAX`], which was skipped.
    TooLong,
    /// End of the input.
    End,
}

/// Line reader for one input.
pub(crate) struct LineReader {
    content: Content,
    /// Number of the last line, from 1.
    pub(crate) number: u64,
    /// Number of bytes that were read.
    bytes: u64,
    /// True while the writer may complete a last line without an end.
    is_growing: bool,
    /// Beginning of such a line.
    partial: Vec<u8>,
}

impl LineReader {
    pub(crate) fn new(content: Content) -> Self {
        Self {
            content,
            number: 0,
            bytes: 0,
            is_growing: false,
            partial: Vec::new(),
        }
    }

    /// Reads a file that grows. Its end is reached again and again.
    pub(crate) fn growing(content: Content) -> Self {
        Self {
            is_growing: true,
            ..Self::new(content)
        }
    }

    /// Ends the growth: the last line is complete, with or without an end.
    pub(crate) fn stop_growing(&mut self) {
        self.is_growing = false;
    }

    /// Ends the input here, except for a partial line.
    pub(crate) fn end(&mut self) {
        self.content = Box::new(io::empty());
        self.is_growing = false;
    }

    pub(crate) fn is_growing(&self) -> bool {
        self.is_growing
    }

    /// Number of bytes of the lines that were returned.
    pub(crate) fn position(&self) -> u64 {
        self.bytes - self.partial.len() as u64
    }

    /// Number of bytes that were read, with those of a partial line.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Reads the next line into `line`.
    pub(crate) fn next(&mut self, line: &mut Vec<u8>) -> io::Result<FoundLine> {
        self.skip_nuls()?;
        if !self.read_up_to_limit(line)? {
            return Ok(FoundLine::End);
        }
        self.number += 1;
        let mut too_long = false;
        while line.len() as u64 == LIMIT && !line.ends_with(b"\n") {
            too_long = true;
            self.read_up_to_limit(line)?;
        }
        if line.ends_with(b"\n") {
            line.pop();
        }
        if line.ends_with(b"\r") {
            line.pop();
        }
        if self.number == 1 && line.starts_with(BYTE_ORDER_MARK) {
            line.drain(..BYTE_ORDER_MARK.len());
        }
        Ok(if too_long || line.len() > LINE_BYTES_MAX {
            FoundLine::TooLong
        } else {
            FoundLine::Line
        })
    }

    /// Skips NUL bytes before a line. A program that keeps writing at its old position after
    /// `copytruncate` of logrotate leaves any number of them.
    fn skip_nuls(&mut self) -> io::Result<()> {
        while self.partial.is_empty() {
            let held = self.content.fill_buf()?;
            let nuls = leading_nuls(held);
            let is_all = nuls > 0 && nuls == held.len();
            self.content.consume(nuls);
            self.bytes += nuls as u64;
            if !is_all {
                break;
            }
        }
        Ok(())
    }

    fn read_up_to_limit(&mut self, line: &mut Vec<u8>) -> io::Result<bool> {
        line.clear();
        line.append(&mut self.partial);
        let left = LIMIT - line.len() as u64;
        let read = (&mut self.content).take(left).read_until(b'\n', line)?;
        self.bytes += read as u64;
        if self.is_growing && (line.len() as u64) < LIMIT && !line.ends_with(b"\n") {
            self.partial.append(line);
        }
        Ok(!line.is_empty())
    }
}

/// Number of first lines that show the form of an input, and their maximum length.
const SAMPLE_LINES: usize = 1_000;
const SAMPLE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Place and cause of a failure to read the first lines.
pub(crate) struct SampleError {
    /// Number of complete lines before it.
    pub(crate) lines: u64,
    pub(crate) source: io::Error,
}

/// Reads the first lines of an input, without the NUL bytes before them.
pub(crate) fn sample(content: &mut Content) -> Result<Vec<u8>, SampleError> {
    first_lines(content, SAMPLE_LINES, SAMPLE_BYTES_MAX)
}

/// Reads the first bytes of an input, without the NUL bytes before lines.
pub(crate) fn head(content: &mut Content, bytes_max: usize) -> io::Result<Vec<u8>> {
    first_lines(content, usize::MAX, bytes_max).map_err(|error| error.source)
}

fn first_lines(
    content: &mut Content,
    lines_max: usize,
    bytes_max: usize,
) -> Result<Vec<u8>, SampleError> {
    let mut sample = Vec::new();
    let mut lines = 0;
    while lines < lines_max && sample.len() < bytes_max {
        let held = match content.fill_buf() {
            // A stream pauses.
            Err(error) if error.kind() == io::ErrorKind::TimedOut && lines > 0 => break,
            Err(error) if error.kind() == io::ErrorKind::TimedOut => continue,
            held => held.map_err(|source| SampleError {
                lines: lines as u64,
                source,
            })?,
        };
        if held.is_empty() {
            break;
        }
        let is_start = sample.last().is_none_or(|byte| *byte == b'\n');
        let nuls = if is_start { leading_nuls(held) } else { 0 };
        let rest = &held[nuls..];
        let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        let line = &rest[..end.min(bytes_max - sample.len())];
        lines += usize::from(line.ends_with(b"\n"));
        sample.extend_from_slice(line);
        let bytes = nuls + line.len();
        content.consume(bytes);
    }
    Ok(sample)
}

fn leading_nuls(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| **byte == 0).count()
}

/// Returns the lines of a sample, without line ends. A sample that ends in a line loses this line,
/// unless it is the only one.
pub(crate) fn of_sample(sample: &[u8]) -> impl Iterator<Item = &[u8]> {
    let sample = sample.strip_prefix(BYTE_ORDER_MARK).unwrap_or(sample);
    let end = memchr::memrchr(b'\n', sample).unwrap_or(sample.len());
    sample[..end].split(|byte| *byte == b'\n').map(|line| {
        let line = &line[leading_nuls(line)..];
        line.strip_suffix(b"\r").unwrap_or(line)
    })
}

/// Maximum length of a line including a line end of two bytes.
const LIMIT: u64 = LINE_BYTES_MAX as u64 + 2;

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn found(content: &[u8]) -> Vec<(FoundLine, Vec<u8>)> {
        let mut lines = LineReader::new(Box::new(Cursor::new(content.to_vec())));
        let mut line = Vec::new();
        let mut all = Vec::new();
        loop {
            match lines.next(&mut line).unwrap() {
                FoundLine::End => return all,
                FoundLine::Line => all.push((FoundLine::Line, line.clone())),
                FoundLine::TooLong => all.push((FoundLine::TooLong, Vec::new())),
            }
        }
    }

    fn texts(content: &[u8]) -> Vec<String> {
        let text = |(_, line)| String::from_utf8(line).unwrap();
        found(content).into_iter().map(text).collect()
    }

    #[test]
    fn every_line_end_is_understood() {
        assert_eq!(texts(b""), [""; 0]);
        assert_eq!(texts(b"\n"), [""]);
        assert_eq!(texts(b"a\nb"), ["a", "b"]);
        assert_eq!(texts(b"a\r\nb\r\n"), ["a", "b"]);
        assert_eq!(texts(b"\xEF\xBB\xBFa\n\n"), ["a", ""]);
        assert_eq!(texts(b"\0\0a\n\0\0b\n\0"), ["a", "b"]);
    }

    #[test]
    fn nuls_are_skipped_whatever_their_number() {
        let mut content = vec![0; 3 * LINE_BYTES_MAX];
        content.extend(b"a\n");
        assert_eq!(texts(&content), ["a"]);
    }

    #[test]
    fn a_line_at_the_limit_is_read_and_a_longer_one_is_passed_over() {
        for end in ["", "\n", "\r\n"] {
            for (bytes, kind) in [
                (LINE_BYTES_MAX, FoundLine::Line),
                (LINE_BYTES_MAX + 1, FoundLine::TooLong),
                (LINE_BYTES_MAX + 2, FoundLine::TooLong),
                (3 * (LINE_BYTES_MAX + 2), FoundLine::TooLong),
                (5 * LINE_BYTES_MAX, FoundLine::TooLong),
            ] {
                let content = format!("{}{end}", "x".repeat(bytes));
                let lines = found(content.as_bytes());
                assert_eq!(lines.len(), 1, "{bytes} {end:?}");
                assert_eq!(lines[0].0, kind, "{bytes} {end:?}");
            }
        }
        let mut content = vec![b'x'; 2 * LINE_BYTES_MAX];
        content.extend(b"\nnext\n");
        assert_eq!(found(&content)[1], (FoundLine::Line, b"next".to_vec()));
    }
}
