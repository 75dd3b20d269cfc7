//! Inputs of an import: files or standard input, compressed or plain.

use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::MultiGzDecoder;
use xxhash_rust::xxh3::xxh3_128;

use crate::ImportError;
use crate::lines::{self, SampleError};
use crate::stream::StreamReader;
use crate::summary::SameContent;

const BUFFER_BYTES: usize = 64 * 1024;

/// Number of bytes at the start of each file that are hashed to find equal files.
const HEAD_BYTES: u64 = 64 * 1024;

/// Signatures of contents that are not read, for a helpful error message.
const NOT_READ: &[(&[u8], &str)] = &[
    (b"\xFD7zXZ\x00", "compressed with xz: decompress it"),
    (b"\x04\x22\x4D\x18", "compressed with lz4: decompress it"),
    (b"\x1F\x9D", "compressed with compress: decompress it"),
    (b"PK\x03\x04", "a zip archive: extract it"),
    (b"\xFF\xFE", "UTF-16 text: convert it to UTF-8"),
    (b"\xFE\xFF", "UTF-16 text: convert it to UTF-8"),
];

/// Signature of a tar archive, and its place in the decompressed content.
const TAR: &[u8] = b"ustar";
const TAR_PLACE: usize = 257;

const GZIP: &[u8] = b"\x1F\x8B";
const ZSTD: &[u8] = b"\x28\xB5\x2F\xFD";
/// End of the signature of a frame that is passed over, which pzstd writes first. Its first byte is 0x50
/// to 0x5F.
const ZSTD_SKIPPABLE: &[u8] = b"\x2A\x4D\x18";
/// The digit between the two texts is the size of a block.
const BZIP2: &[u8] = b"BZh";
const BZIP2_BLOCK: &[u8] = b"1AY&SY";

/// Length of the longest signature above, in bytes.
const SIGNATURE_BYTES_MAX: u64 = 10;

type Raw = Box<dyn Read + Send>;

/// Decompressed content of an input.
pub(crate) type Content = Box<dyn BufRead + Send>;

/// A source of log lines. Compression is recognised by the first bytes, not by the file name.
pub struct Input(InputKind);

enum InputKind {
    StandardInput,
    File(PathBuf),
    Reader {
        name: String,
        reader: Raw,
    },
    /// Decompressed content of a stream, of which the first lines were read.
    Content {
        name: String,
        content: Content,
    },
}

/// An input and its first lines.
pub(crate) struct Sampled {
    pub(crate) input: Input,
    pub(crate) sample: Vec<u8>,
    /// True for the lines before a pause of a stream.
    pub(crate) is_of_pause: bool,
}

impl Input {
    /// Reads a file, or standard input if `path` is `-`.
    pub fn path(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        if path == Path::new("-") {
            Self(InputKind::StandardInput)
        } else {
            Self(InputKind::File(path))
        }
    }

    /// Reads from `reader`; errors use `name`.
    pub fn reader(name: impl Into<String>, reader: impl Read + Send + 'static) -> Self {
        Self(InputKind::Reader {
            name: name.into(),
            reader: Box::new(reader),
        })
    }

    /// Name for error messages.
    pub fn name(&self) -> String {
        match &self.0 {
            InputKind::StandardInput => "standard input".to_owned(),
            InputKind::File(path) => path.display().to_string(),
            InputKind::Reader { name, .. } | InputKind::Content { name, .. } => name.clone(),
        }
    }

    /// Opens the input and decompresses it if necessary.
    pub(crate) fn open(self) -> Result<Content, ImportError> {
        let name = self.name();
        match self.0 {
            InputKind::Content { content, .. } => Ok(content),
            kind => decoded(&name, kind.raw()?),
        }
    }

    /// Reads the first lines, which show the form of the log. Files are opened again later. A stream
    /// may pause after a few lines.
    pub(crate) fn sampled(self) -> Result<Sampled, ImportError> {
        let name = self.name();
        let failed = |error: SampleError| ImportError::Read {
            name: name.clone(),
            line: error.lines,
            source: error.source,
        };
        let sampled = match self.0 {
            InputKind::File(path) if is_regular(&path) => Sampled {
                sample: lines::sample(&mut open_file(&path)?).map_err(failed)?,
                input: Self(InputKind::File(path)),
                is_of_pause: false,
            },
            kind => {
                let (reader, pauses) = StreamReader::new(kind.raw()?);
                let mut content = decoded(&name, Box::new(reader))?;
                pauses.note(true);
                let sample = lines::sample(&mut content).map_err(failed)?;
                pauses.note(false);
                let content = Box::new(Cursor::new(sample.clone()).chain(content));
                Sampled {
                    input: Self(InputKind::Content { name, content }),
                    sample,
                    is_of_pause: pauses.has_paused(),
                }
            }
        };
        if sampled
            .sample
            .get(TAR_PLACE..)
            .is_some_and(|rest| rest.starts_with(TAR))
        {
            return Err(ImportError::NotText {
                name: sampled.input.name(),
                format: "a tar archive: extract it",
            });
        }
        Ok(sampled)
    }

    /// Returns the path of a regular file, which can be read more than once.
    fn regular_file(&self) -> Result<Option<&Path>, ImportError> {
        let InputKind::File(path) = &self.0 else {
            return Ok(None);
        };
        // Only opening the file shows if it is readable.
        let opened = File::open(path).and_then(|file| file.metadata());
        let metadata = opened.map_err(|source| ImportError::Open {
            name: self.name(),
            source,
        })?;
        if metadata.is_dir() {
            return Err(ImportError::Directory { name: self.name() });
        }
        Ok(metadata.is_file().then_some(path))
    }
}

impl InputKind {
    /// Opens the input as it is.
    fn raw(self) -> Result<Raw, ImportError> {
        Ok(match self {
            Self::StandardInput => Box::new(io::stdin()),
            Self::File(path) => Box::new(opened(&path)?),
            Self::Reader { reader, .. } => reader,
            Self::Content { content, .. } => Box::new(content),
        })
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Input").field(&self.name()).finish()
    }
}

/// Checks that every input is readable before the first event, and removes files with the content
/// of an earlier file: the same file twice, or plain and compressed. Their lines would otherwise
/// count as repeated requests.
pub(crate) fn distinct(
    inputs: Vec<Input>,
) -> Result<(VecDeque<Input>, Vec<SameContent>), ImportError> {
    let mut kept = VecDeque::new();
    let mut same_content = Vec::new();
    let mut heads: Vec<(u128, PathBuf)> = Vec::new();
    let mut standard_input = false;
    for input in inputs {
        if matches!(input.0, InputKind::StandardInput)
            && std::mem::replace(&mut standard_input, true)
        {
            return Err(ImportError::StandardInputTwice);
        }
        if let Some(path) = input.regular_file()? {
            let head = head(path)?;
            let mut earlier = None;
            for (_, other) in heads.iter().filter(|(other, _)| Some(*other) == head) {
                if same_bytes(path, other)? {
                    earlier = Some(other.display().to_string());
                    break;
                }
            }
            if let Some(earlier) = earlier {
                let name = input.name();
                same_content.push(SameContent { name, earlier });
                continue;
            }
            heads.extend(head.map(|head| (head, path.to_owned())));
        }
        kept.push_back(input);
    }
    Ok((kept, same_content))
}

fn is_regular(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file())
}

pub(crate) fn open_file(path: &Path) -> Result<Content, ImportError> {
    decoded(&path.display().to_string(), Box::new(opened(path)?))
}

fn opened(path: &Path) -> Result<File, ImportError> {
    File::open(path).map_err(|source| ImportError::Open {
        name: path.display().to_string(),
        source,
    })
}

pub(crate) fn decoded(name: &str, raw: Raw) -> Result<Content, ImportError> {
    Ok(decode(name, raw)?.content)
}

/// Content of a file, and its kind on the disk.
pub(crate) struct Decoded {
    pub(crate) content: Content,
    pub(crate) is_compressed: bool,
}

pub(crate) fn decode(name: &str, raw: Raw) -> Result<Decoded, ImportError> {
    let mut raw = BufReader::with_capacity(BUFFER_BYTES, raw);
    let mut head = Vec::new();
    (&mut raw)
        .take(SIGNATURE_BYTES_MAX)
        .read_to_end(&mut head)
        .map_err(|source| read_error(name, source))?;
    if let Some((_, format)) = NOT_READ.iter().find(|(magic, _)| head.starts_with(magic)) {
        let name = name.to_owned();
        return Err(ImportError::NotText { name, format });
    }
    let bzip2 = head.strip_prefix(BZIP2).and_then(|rest| rest.get(1..));
    let is_bzip2 = bzip2.is_some_and(|rest| rest.starts_with(BZIP2_BLOCK));
    let is_skippable =
        matches!(head.as_slice(), [0x50..=0x5F, rest @ ..] if rest.starts_with(ZSTD_SKIPPABLE));
    let is_gzip = head.starts_with(GZIP);
    let is_zstd = head.starts_with(ZSTD) || is_skippable;
    let whole = Cursor::new(head).chain(raw);
    // Rotated logs are often several concatenated files. Each decoder reads them to the end.
    let mut content = if is_gzip {
        buffered(MultiGzDecoder::new(whole))
    } else if is_zstd {
        let decoder = zstd::Decoder::with_buffer(whole);
        buffered(decoder.map_err(|source| read_error(name, source))?)
    } else if is_bzip2 {
        buffered(MultiBzDecoder::new(whole))
    } else {
        Box::new(whole)
    };
    let is_compressed = is_gzip || is_zstd || is_bzip2;
    if is_compressed {
        let start = content.fill_buf();
        let start = start.map_err(|source| read_error(name, source))?;
        if [GZIP, ZSTD, BZIP2]
            .iter()
            .any(|magic| start.starts_with(magic))
        {
            return Err(ImportError::NotText {
                name: name.to_owned(),
                format: "compressed twice: decompress it once",
            });
        }
    }
    Ok(Decoded {
        content,
        is_compressed,
    })
}

fn buffered(decoder: impl Read + Send + 'static) -> Content {
    Box::new(BufReader::with_capacity(BUFFER_BYTES, decoder))
}

/// Hashes the first bytes of a file; `None` for an empty file.
fn head(path: &Path) -> Result<Option<u128>, ImportError> {
    let mut head = Vec::new();
    open_file(path)?
        .take(HEAD_BYTES)
        .read_to_end(&mut head)
        .map_err(failed(path))?;
    Ok((!head.is_empty()).then(|| xxh3_128(&head)))
}

fn same_bytes(one: &Path, other: &Path) -> Result<bool, ImportError> {
    let (mut left, mut right) = (open_file(one)?, open_file(other)?);
    loop {
        let (a, b) = (
            left.fill_buf().map_err(failed(one))?,
            right.fill_buf().map_err(failed(other))?,
        );
        let bytes = a.len().min(b.len());
        if bytes == 0 {
            return Ok(a.len() == b.len());
        }
        if a[..bytes] != b[..bytes] {
            return Ok(false);
        }
        left.consume(bytes);
        right.consume(bytes);
    }
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> ImportError + '_ {
    move |source| read_error(&path.display().to_string(), source)
}

pub(crate) fn read_error(name: &str, source: io::Error) -> ImportError {
    ImportError::Read {
        name: name.to_owned(),
        line: 0,
        source,
    }
}
