//! The client's socket as hyper sees it, and the clock that judges how long the client takes.
//!
//! hyper has one timer for a request head. It starts when hyper begins to wait for the head, so it also runs through
//! the time between two requests (`poll_read_head` in hyper's `proto/h1/conn.rs`). [`HeadTimer`] splits the two: it is
//! given to hyper as its timer, and watches the bytes that [`Wire`] has read. No byte yet: idle. A byte: a head.

use crate::tls::Stream;
use hyper::rt::{Sleep as HyperSleep, Timer};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// How long a client is listened to after an answer that leaves part of its request unread. Closing at once would
/// make the operating system send a reset, and a reset can overtake the answer (RFC 9112 9.6).
const LINGER: Duration = Duration::from_secs(1);

/// How much of such a rest is read and thrown away, in bytes.
const LINGER_BYTES_MAX: usize = 256 * 1024;

/// What is known of one client connection, shared by its socket, its timer and its requests. hyper wants its timer to
/// be `Sync`, therefore atomics; they are never contended, and no order between them is needed.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// A byte was received at some time.
    heard: AtomicBool,
    waiting: AtomicBool,
    started: AtomicBool,
    idle_over: AtomicBool,
    head_over: AtomicBool,
    write_over: AtomicBool,
    unread: AtomicBool,
    broken: AtomicBool,
    left: AtomicBool,
}

impl Watch {
    /// Part of the request will not be read: listen a moment longer before the socket is closed.
    pub(super) fn leave_unread(&self) {
        self.unread.store(true, Ordering::Relaxed);
    }

    /// The answer ends before its end: the connection must not look as if it had ended in order.
    pub(super) fn break_off(&self) {
        self.broken.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    pub(super) fn idle_is_over(&self) -> bool {
        self.idle_over.load(Ordering::Relaxed)
    }

    pub(super) fn head_is_over(&self) -> bool {
        self.head_over.load(Ordering::Relaxed)
    }

    pub(super) fn write_is_over(&self) -> bool {
        self.write_over.load(Ordering::Relaxed)
    }

    /// Whether something may be on its way that nobody will read: the rest of a refused body, or of a head that hyper
    /// gave up on.
    fn lingers(&self) -> bool {
        let head = self.waiting.load(Ordering::Relaxed) && self.started.load(Ordering::Relaxed);
        (head || self.unread.load(Ordering::Relaxed)) && !self.left.load(Ordering::Relaxed)
    }
}

/// The client's socket.
#[derive(Debug)]
pub(super) struct Wire {
    stream: Stream,
    watch: Arc<Watch>,
    /// How long the client may take nothing.
    patience: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
    linger: Option<Linger>,
}

#[derive(Debug)]
struct Linger {
    until: Pin<Box<Sleep>>,
    bytes: usize,
}

impl Wire {
    pub(super) fn new(stream: Stream, watch: Arc<Watch>, patience: Duration) -> Wire {
        Wire { stream, watch, patience, stalled: None, linger: None }
    }

    /// The socket, when HTTP is through with it.
    pub(super) fn into_stream(self) -> Stream {
        self.stream
    }

    /// A write that could not go on: how long has it been so?
    fn stall<T>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        let patience = self.patience;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        ready!(stalled.as_mut().poll(cx));
        self.watch.write_over.store(true, Ordering::Relaxed);
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn wrote<T>(&mut self, cx: &mut Context<'_>, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match result {
            Poll::Pending => self.stall(cx),
            Poll::Ready(result) => {
                self.stalled = None;
                Poll::Ready(result)
            }
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = ready!(Pin::new(&mut self.stream).poll_read(cx, buf));
        let end = buf.filled().len() == before;
        (if end { &self.watch.left } else { &self.watch.heard }).store(true, Ordering::Relaxed);
        if self.watch.waiting.load(Ordering::Relaxed) {
            self.watch.started.store(true, Ordering::Relaxed);
        }
        Poll::Ready(result)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.wrote(cx, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.wrote(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Under TLS, what was written may still be here.
        let result = Pin::new(&mut self.stream).poll_flush(cx);
        self.wrote(cx, result)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.linger.is_none() {
            let result = Pin::new(&mut self.stream).poll_shutdown(cx);
            ready!(self.wrote(cx, result))?;
            if !self.watch.lingers() {
                return Poll::Ready(Ok(()));
            }
            let until = Box::pin(tokio::time::sleep(LINGER));
            self.linger = Some(Linger { until, bytes: 0 });
        }
        let wire = &mut *self;
        let Some(linger) = &mut wire.linger else { return Poll::Ready(Ok(())) };
        let mut waste = [0_u8; 4096];
        while linger.bytes < LINGER_BYTES_MAX && linger.until.as_mut().poll(cx).is_pending() {
            let mut waste = ReadBuf::new(&mut waste);
            // Nobody needs to understand it, so it is read below TLS.
            match ready!(Pin::new(wire.stream.socket()).poll_read(cx, &mut waste)) {
                Ok(()) if !waste.filled().is_empty() => linger.bytes += waste.filled().len(),
                _ => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// The timer that hyper is given for one connection.
#[derive(Debug)]
pub(super) struct HeadTimer {
    watch: Arc<Watch>,
    head: Duration,
    idle: Duration,
    alarm: Alarm,
}

/// The one timer behind all waits of a connection, one wait at a time. It rings no later than the present wait ends, and
/// is only set anew when it rang too early or would ring too late: setting it for each head would cost more than all
/// else that is done for time. Never contended; hyper wants it to be `Sync`.
type Alarm = Arc<Mutex<Pin<Box<Sleep>>>>;

impl HeadTimer {
    pub(super) fn new(watch: Arc<Watch>, head: Duration, idle: Duration) -> HeadTimer {
        let alarm = Arc::new(Mutex::new(Box::pin(tokio::time::sleep(head))));
        HeadTimer { watch, head, idle, alarm }
    }
}

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn HyperSleep>> {
        self.sleep_until(Instant::now() + duration)
    }

    /// hyper asks for this once for each head that it begins to wait for, and drops it when the head is there. The
    /// deadline it names is the head's, counted from now.
    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn HyperSleep>> {
        // Nothing was ever received: the client has just connected, and a client that connects has something to say.
        let first = !self.watch.heard.load(Ordering::Relaxed);
        // hyper has just asked for the time, and put the time for a head on it: no need to ask again.
        let now = || deadline.checked_sub(self.head).unwrap_or_else(Instant::now);
        let until = if first { deadline } else { now() + self.idle };
        self.watch.waiting.store(true, Ordering::Relaxed);
        self.watch.started.store(false, Ordering::Relaxed);
        let (alarm, watch) = (self.alarm.clone(), Ended(self.watch.clone()));
        Box::pin(HeadWait { alarm, until: until.into(), armed: first, head: self.head, watch })
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into()
    }
}

struct HeadWait {
    alarm: Alarm,
    until: tokio::time::Instant,
    /// Whether the deadline is that of a head already.
    armed: bool,
    head: Duration,
    watch: Ended,
}

/// Says that nobody waits for a head any more.
struct Ended(Arc<Watch>);

impl Drop for Ended {
    fn drop(&mut self) {
        // After a timeout the mark stays: hyper drops the wait, and the connection with it.
        self.0.waiting.store(false, Ordering::Relaxed);
    }
}

impl Future for HeadWait {
    type Output = ();

    /// hyper polls this after each read that did not complete the head.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let watch = &this.watch.0;
        if !this.armed && watch.started.load(Ordering::Relaxed) {
            this.armed = true;
            this.until = tokio::time::Instant::now() + this.head;
        }
        let mut alarm = this.alarm.lock().unwrap_or_else(PoisonError::into_inner);
        if alarm.deadline() > this.until {
            alarm.as_mut().reset(this.until);
        }
        loop {
            ready!(alarm.as_mut().poll(cx));
            if alarm.deadline() >= this.until {
                break;
            }
            alarm.as_mut().reset(this.until);
        }
        let over = if this.armed { &watch.head_over } else { &watch.idle_over };
        over.store(true, Ordering::Relaxed);
        Poll::Ready(())
    }
}

impl HyperSleep for HeadWait {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::{Authorities, Certificate, Certificates, Client, Files, Server};
    use std::path::Path;
    use tokio::io::AsyncWriteExt;
    use tokio::net::{TcpListener, TcpStream};

    /// Two ends of a connection with TLS, ours first.
    async fn pair() -> (Stream, Stream) {
        let made = rcgen::generate_simple_self_signed(["app.example".to_owned()]).unwrap();
        let pem = made.cert.pem();
        let files = Files { chain: "tls.crt".into(), key: "tls.key".into() };
        let key = made.signing_key.serialize_pem();
        let certificate = Certificate::of(&files, pem.as_bytes(), key.as_bytes()).unwrap();
        let server = Server::new(Arc::new(Certificates::new(vec![certificate]).unwrap())).unwrap();
        let authorities = Authorities::of(Path::new("ca.pem"), pem.as_bytes()).unwrap();
        let client = Client::new(&authorities, "app.example").unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let theirs = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (ours, _) = listener.accept().await.unwrap();
        let (ours, theirs) = tokio::join!(server.accept(ours), client.connect(theirs));
        (ours.unwrap(), theirs.unwrap())
    }

    /// Writes until no more is taken for a while.
    async fn fill(stream: &mut Stream) {
        let piece = [0; 4096];
        while tokio::time::timeout(Duration::from_millis(100), stream.write(&piece)).await.is_ok() {}
    }

    #[test]
    fn bytes_that_tls_holds_back_are_waited_for_no_longer_than_others() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            for close in [false, true] {
                let (mut ours, _theirs) = pair().await;
                fill(&mut ours).await;
                let watch = Arc::new(Watch::default());
                let mut wire = Wire::new(ours, watch.clone(), Duration::from_millis(1));
                let ended = async { if close { wire.shutdown().await } else { wire.flush().await } };
                let ended = tokio::time::timeout(Duration::from_secs(20), ended).await;
                let error = ended.expect("the client is waited for without end").unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::TimedOut);
                assert!(watch.write_is_over());
            }
        });
    }
}
