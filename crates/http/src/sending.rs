//! A wire that keeps its connection busy until an answer has been sent.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use crate::connections::BusyConnection;

/// Time after which a client that takes its answer slowly no longer keeps its place from others.
const SEND_WITHIN: Duration = Duration::from_secs(60);

/// The request whose answer is being sent.
#[derive(Clone, Default)]
pub(crate) struct Sending(Arc<Mutex<Option<BusyConnection>>>);

impl Sending {
    /// Keeps the connection busy until the wire is flushed.
    pub fn begin(&self, busy: BusyConnection) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(busy);
    }

    fn end(&self) {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

/// A wire with the answer that is being sent over it.
pub(crate) struct SendingWire<W> {
    wire: W,
    sending: Sending,
    /// End of [`SEND_WITHIN`], while the client is slower than the service.
    late: Option<Pin<Box<Sleep>>>,
}

impl<W> SendingWire<W> {
    pub fn new(wire: W, sending: Sending) -> Self {
        let late = None;
        Self {
            wire,
            sending,
            late,
        }
    }

    /// Passes on a result of writing. A client that takes too long is idle.
    fn noted<T>(&mut self, cx: &mut Context<'_>, written: Poll<T>) -> Poll<T> {
        if written.is_pending() {
            let late = &mut self.late;
            let late = late.get_or_insert_with(|| Box::pin(tokio::time::sleep(SEND_WITHIN)));
            if late.as_mut().poll(cx).is_ready() {
                self.late = None;
                self.sending.end();
            }
        }
        written
    }
}

impl<W: AsyncRead + Unpin> AsyncRead for SendingWire<W> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_read(cx, into)
    }
}

impl<W: AsyncWrite + Unpin> AsyncWrite for SendingWire<W> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.wire).poll_write(cx, bytes);
        self.noted(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.wire).poll_write_vectored(cx, parts);
        self.noted(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.wire.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.wire).poll_flush(cx);
        // The wire is flushed after all of a buffered answer has been written.
        if flushed.is_ready() {
            self.late = None;
            self.sending.end();
        }
        self.noted(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_shutdown(cx)
    }
}
