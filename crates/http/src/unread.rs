//! Reads the rest of a request body after the response is ready.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::header::EXPECT;
use axum::http::{HeaderMap, Request};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt as _;

/// Maximum number of bytes read and discarded of an unused body.
const BYTES_MAX: usize = 16 << 20;
/// Maximum time to discard them.
const WITHIN: Duration = Duration::from_secs(5);

/// Request body that is read to its end, within limits, even if the route drops it.
///
/// Most clients send their whole body before they read. Closing the connection with unread data
/// makes the kernel reset it, which would lose the response with the reason. The response does not
/// wait for the rest of the body.
pub(crate) struct ReadOut {
    body: Body,
    has_ended: bool,
}

/// Makes the body of a request be read to its end. A body announced by `Expect: 100-continue` is
/// not requested by this.
pub(crate) fn read_out(request: Request<Body>) -> Request<ReadOut> {
    let waits = waits(request.headers());
    request.map(|body| ReadOut {
        has_ended: waits || body.is_end_stream(),
        body,
    })
}

fn waits(headers: &HeaderMap) -> bool {
    headers
        .get(EXPECT)
        .is_some_and(|expected| expected.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

impl HttpBody for ReadOut {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        self.has_ended = matches!(polled, Poll::Ready(None | Some(Err(_))));
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for ReadOut {
    fn drop(&mut self) {
        if self.has_ended || self.body.is_end_stream() {
            return;
        }
        let body = std::mem::take(&mut self.body);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(tokio::time::timeout(WITHIN, discard(body)));
        }
    }
}

async fn discard(mut body: Body) {
    let mut bytes = 0;
    while bytes < BYTES_MAX {
        match body.frame().await {
            Some(Ok(frame)) => bytes += frame.data_ref().map_or(0, Bytes::len),
            Some(Err(_)) | None => break,
        }
    }
}
