//! A stream that is read in a thread, so that a pause ends the search for its form.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

const CHUNK_BYTES: usize = 64 * 1024;
const CHUNKS_WAITING_MAX: usize = 4;
/// Pause after which the lines so far show the form of a stream.
const PAUSE: Duration = Duration::from_secs(1);

/// Content of a stream. While pauses are noted, a read fails with [`io::ErrorKind::TimedOut`] after
/// one; the next read goes on.
pub(crate) struct StreamReader {
    chunks: Receiver<io::Result<Vec<u8>>>,
    chunk: Vec<u8>,
    read: usize,
    pauses: Arc<Pauses>,
}

/// Shared with the owner of a [`StreamReader`].
#[derive(Debug, Default)]
pub(crate) struct Pauses {
    is_noted: AtomicBool,
    has_paused: AtomicBool,
}

impl Pauses {
    pub(crate) fn note(&self, is_noted: bool) {
        self.is_noted.store(is_noted, Ordering::Relaxed);
    }

    pub(crate) fn has_paused(&self) -> bool {
        self.has_paused.load(Ordering::Relaxed)
    }
}

impl StreamReader {
    pub(crate) fn new(mut raw: impl Read + Send + 'static) -> (Self, Arc<Pauses>) {
        let (sender, chunks) = sync_channel(CHUNKS_WAITING_MAX);
        // The thread ends with the stream, or with the process.
        thread::spawn(move || {
            loop {
                let mut chunk = vec![0; CHUNK_BYTES];
                let read = match raw.read(&mut chunk) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    read => read,
                };
                let is_last = !matches!(read, Ok(1..));
                let chunk = read.map(|bytes| {
                    chunk.truncate(bytes);
                    chunk
                });
                if sender.send(chunk).is_err() || is_last {
                    break;
                }
            }
        });
        let pauses = Arc::default();
        let reader = Self {
            chunks,
            chunk: Vec::new(),
            read: 0,
            pauses: Arc::clone(&pauses),
        };
        (reader, pauses)
    }

    /// Returns the next chunk; an empty one at the end.
    fn next(&self) -> io::Result<Vec<u8>> {
        if !self.pauses.is_noted.load(Ordering::Relaxed) {
            return self.chunks.recv().unwrap_or_else(|_| Ok(Vec::new()));
        }
        match self.chunks.recv_timeout(PAUSE) {
            Ok(chunk) => chunk,
            Err(RecvTimeoutError::Disconnected) => Ok(Vec::new()),
            Err(RecvTimeoutError::Timeout) => {
                self.pauses.has_paused.store(true, Ordering::Relaxed);
                Err(io::ErrorKind::TimedOut.into())
            }
        }
    }
}

impl Read for StreamReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read == self.chunk.len() {
            self.chunk = self.next()?;
            self.read = 0;
        }
        let bytes = (&self.chunk[self.read..]).read(buffer)?;
        self.read += bytes;
        Ok(bytes)
    }
}
