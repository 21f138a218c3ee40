//! The bytes to and from one client.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};
use tokio_io_timeout::TimeoutStream;

/// How long a client may take to read some of the answer.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client that sends nothing more still gets its answer.
const HALF_CLOSED: Duration = Duration::from_millis(500);

/// A client's connection, for hyper.
///
/// A client that closes only its sending side, as `nc -N` does, and one that has
/// left look the same: the input ends. hyper then drops the handler at once.
/// This stream reports the end a little later if a request has no answer yet,
/// so that a short job is answered, and a long one is still canceled.
pub struct ClientStream {
    stream: Pin<Box<TimeoutStream<TcpStream>>>,
    /// Whether something was read after the last write.
    unanswered: bool,
    /// Set once the input has ended.
    end: Option<Pin<Box<Sleep>>>,
}

impl ClientStream {
    pub fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?; // an answer is one small write
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(WRITE_TIMEOUT));
        Ok(Self { stream: Box::pin(stream), unanswered: false, end: None })
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.end.is_none() {
            let before = buffer.filled().len();
            ready!(self.stream.as_mut().poll_read(context, buffer))?;
            if buffer.filled().len() > before {
                self.unanswered = true;
                return Poll::Ready(Ok(()));
            }
        }
        if !self.unanswered {
            return Poll::Ready(Ok(()));
        }
        let end = self.end.get_or_insert_with(|| Box::pin(sleep(HALF_CLOSED)));
        end.as_mut().poll(context).map(Ok)
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.unanswered = false;
        self.stream.as_mut().poll_write(context, bytes)
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_flush(context)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.unanswered = false;
        self.stream.as_mut().poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
