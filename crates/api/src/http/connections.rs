//! Connections: taken, watched, and closed. A connection costs memory and a file descriptor for as long as its client likes, so each is closed
//! that was of no use for a while: nothing of an answer went out, and no request was being answered. A request counts once its headers are
//! there, so who sends them byte by byte (slow loris) is as idle as who sends none; while a body is waited for, its connection is of no use since its last
//! part came, and a body has a time of its own. Who does not read its answer makes no progress either. Where there are as many as may be, those that were of no use for longest make room;
//! where all are busy, the newest is closed.
//!
//! axum's own loop has no times and no bound. hyper's time for headers would be another timer for each request; a look a second at all connections
//! costs less, and says more.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::ConnectInfo;
use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Notify;

/// What the settings say of connections.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The most at once.
    pub most: usize,
    /// How long one is kept that is of no use.
    pub idle: Duration,
}

/// File descriptors besides connections: the database, mail, files.
const OTHER_FILES: usize = 256;
/// The most bytes that a request's line and headers may have; hyper answers 431.
const HEADER_BYTES: usize = 64 * 1024;
/// Connections that have come and are not taken yet, as far as the system allows (`net.core.somaxconn`). Whoever comes beyond tries again after a
/// second, which the usual 128 of tokio makes of a class that opens its pages together.
const NOT_TAKEN: u32 = 4096;
/// Told to stop: how long one may go on to which nothing is answered.
const LINGERS: Duration = Duration::from_secs(5);
/// A request is being answered, and nothing of it is waited for.
const BUSY: u64 = u64::MAX;
/// It is to be closed.
const CLOSED: u64 = u64::MAX - 1;

/// Takes this address.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // One that starts again does not wait for the connections of the one before.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(NOT_TAKEN)
}

/// Serves until told to stop, then until the requests under way are answered.
pub async fn serve(listener: TcpListener, router: Router, bounds: Bounds, told_to_stop: impl Future<Output = ()>) {
    let connections = Arc::new(Connections::new(bounds));
    let mut told_to_stop = pin!(told_to_stop);
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            taken = listener.accept() => match taken {
                Ok((stream, peer)) => connections.take(stream, peer, router.clone()),
                Err(error) => connections.not_taken(&error).await,
            },
            _ = seconds.tick() => connections.close_idle(bounds.idle),
            () = &mut told_to_stop => break,
        }
    }
    drop(listener);
    connections.stop();
    while connections.count() > 0 {
        tokio::select! {
            () = connections.ended.notified() => {}
            _ = seconds.tick() => connections.close_idle(bounds.idle.min(LINGERS)),
        }
    }
}

/// As many file descriptors as the system gives, and so many connections at most: a soft limit of 1024 is the usual one.
pub fn within_system(bounds: Bounds) -> Bounds {
    let wanted = bounds.most + OTHER_FILES;
    let mut files = getrlimit(Resource::Nofile);
    let raised = u64::try_from(wanted).unwrap_or(u64::MAX).min(files.maximum.unwrap_or(u64::MAX));
    if files.current.is_some_and(|current| current < raised)
        && setrlimit(Resource::Nofile, Rlimit { current: Some(raised), ..files }).is_ok()
    {
        files.current = Some(raised);
    }
    let files = files.current.map_or(wanted, |files| usize::try_from(files).unwrap_or(usize::MAX));
    let most = bounds.most.min(files.saturating_sub(OTHER_FILES)).max(1);
    if most < bounds.most {
        tracing::warn!(
            most,
            wanted = bounds.most,
            "fewer connections than MAX_CONNECTIONS: the system gives {files} file descriptors (ulimit -n, LimitNOFILE)"
        );
    }
    Bounds { most, ..bounds }
}

struct Connections {
    bounds: Bounds,
    begun: Instant,
    all: Mutex<All>,
    /// One has ended.
    ended: Notify,
}

#[derive(Default)]
struct All {
    next: u64,
    open: HashMap<u64, Arc<Connection>>,
}

struct Connection {
    begun: Instant,
    /// When it was last of use, in milliseconds from `begun`; or [`BUSY`], or [`CLOSED`].
    seen: AtomicU64,
    /// It is [`CLOSED`], or else to end with the request that it answers.
    told: Notify,
}

impl Connections {
    fn new(bounds: Bounds) -> Self {
        Self { bounds, begun: Instant::now(), all: Mutex::default(), ended: Notify::new() }
    }

    fn all(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self) -> usize {
        self.all().open.len()
    }

    fn take(self: &Arc<Self>, stream: TcpStream, peer: SocketAddr, router: Router) {
        let connection = Arc::new(Connection::new(self.begun));
        let id = {
            let mut all = self.all();
            if all.open.len() >= self.bounds.most && !all.make_room(self.bounds.most) {
                tracing::warn!(most = self.bounds.most, "a connection was refused: all are busy (MAX_CONNECTIONS)");
                return;
            }
            all.next += 1;
            let id = all.next;
            all.open.insert(id, connection.clone());
            id
        };
        let connections = self.clone();
        tokio::spawn(async move {
            connection.answer(stream, peer, router).await;
            connections.all().open.remove(&id);
            connections.ended.notify_one();
        });
    }

    /// There are no more file descriptors, or the client is gone already.
    async fn not_taken(&self, error: &io::Error) {
        if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
            return;
        }
        tracing::error!(%error, "a connection could not be taken");
        self.all().make_room(self.bounds.most);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    /// Closes those that were of no use for too long.
    fn close_idle(&self, idle: Duration) {
        let long_ago = self.begun.elapsed().saturating_sub(idle).as_millis();
        let all = self.all();
        for connection in all.open.values() {
            let seen = connection.seen.load(Ordering::Relaxed);
            if u128::from(seen) < long_ago {
                connection.close(seen);
            }
        }
    }

    /// Requests under way are answered, and their connections closed; those that wait for another request are closed now.
    fn stop(&self) {
        for connection in self.all().open.values() {
            connection.told.notify_one();
        }
    }
}

impl All {
    /// Closes the hundredth that was idle for longest. Not one by one: to find them costs a look at all.
    fn make_room(&mut self, most: usize) -> bool {
        let mut idle: Vec<(u64, u64)> = (self.open.iter())
            .map(|(id, connection)| (connection.seen.load(Ordering::Relaxed), *id))
            .filter(|(seen, _)| *seen < CLOSED)
            .collect();
        let count = most.div_ceil(100).min(idle.len());
        if count == 0 {
            return false;
        }
        idle.select_nth_unstable(count - 1);
        for (seen, id) in idle.into_iter().take(count) {
            if self.open.get(&id).is_some_and(|connection| connection.close(seen)) {
                self.open.remove(&id);
            }
        }
        true
    }
}

impl Connection {
    fn new(begun: Instant) -> Self {
        let connection = Self { begun, seen: AtomicU64::new(0), told: Notify::new() };
        connection.seen.store(connection.now(), Ordering::Relaxed);
        connection
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or_default()
    }

    /// How it is now; one that is to be closed stays so.
    fn mark(&self, seen: u64) {
        let marked = |was| (was != CLOSED).then_some(seen);
        let _ = self.seen.fetch_update(Ordering::AcqRel, Ordering::Relaxed, marked);
    }

    /// Closes it, if it is still as it was seen.
    fn close(&self, seen: u64) -> bool {
        let closes = self.seen.compare_exchange(seen, CLOSED, Ordering::AcqRel, Ordering::Relaxed).is_ok();
        if closes {
            self.told.notify_one();
        }
        closes
    }

    /// Some of an answer went out.
    fn progress(&self) {
        let seen = self.seen.load(Ordering::Relaxed);
        if seen < CLOSED {
            let _ = self.seen.compare_exchange(seen, self.now(), Ordering::AcqRel, Ordering::Relaxed);
        }
    }

    async fn answer(self: Arc<Self>, stream: TcpStream, peer: SocketAddr, router: Router) {
        // A small answer behind another does not wait until the client says that it has that one.
        let _ = stream.set_nodelay(true);
        let router = TowerToHyperService::new(router);
        let service = service_fn(|request: hyper::Request<Incoming>| {
            self.mark(BUSY);
            let mut request = request.map(|body| Arriving { body, connection: self.clone() });
            request.extensions_mut().insert(ConnectInfo(peer));
            let answer = router.call(request);
            async {
                let answer = answer.await;
                self.mark(self.now());
                answer
            }
        });
        let io = Watched { io: TokioIo::new(stream), connection: self.clone() };
        let mut http = http1::Builder::new();
        // No time for headers: see the head of this file.
        http.header_read_timeout(None).max_buf_size(HEADER_BYTES);
        let mut serving = pin!(http.serve_connection(io, service));
        loop {
            tokio::select! {
                // A client that is gone is no fault of ours.
                _ = serving.as_mut() => return,
                () = self.told.notified() => {
                    if self.seen.load(Ordering::Acquire) == CLOSED {
                        return;
                    }
                    serving.as_mut().graceful_shutdown();
                }
            }
        }
    }
}

/// The body of a request, with a note of when its client is waited for.
struct Arriving {
    body: Incoming,
    connection: Arc<Connection>,
}

impl Body for Arriving {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        self.connection.mark(if frame.is_pending() { self.connection.now() } else { BUSY });
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A connection's bytes, with a note of what goes out.
struct Watched {
    io: TokioIo<TcpStream>,
    connection: Arc<Connection>,
}

impl Watched {
    fn note(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if matches!(written, Poll::Ready(Ok(1..))) {
            self.connection.progress();
        }
        written
    }
}

impl Read for Watched {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, bytes)
    }
}

impl Write for Watched {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(context, bytes);
        self.note(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(context, bytes);
        self.note(written)
    }
}
