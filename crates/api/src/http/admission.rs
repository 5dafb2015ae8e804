//! How many requests are worked on at once, and which wait. More than the processors can do makes each of them later and none of them more;
//! so what comes beyond is refused at once, and whoever is let in is answered as fast as ever.
//!
//! A place is for a request that computes. One that comes to wait for its turn elsewhere, or takes longer than [`COMPUTES`] and so waits for
//! something (a lock, a database far away), leaves its place to the next. Who finds none waits in a [`Line`], for [`BURST`] at most. Whom that does not let in
//! is refused before it is looked at: to refuse takes the time of those who are let in, so it has to cost next to nothing.
//!
//! What has arrived takes memory before and while it is worked on, so there is room for so many bytes of all requests.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use service::database::{Database, LOOKS};
use service::line::{self, BURST, Line};
use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use tokio::time::{sleep, timeout};

/// Who holds a place for longer waits for something else.
const COMPUTES: Duration = Duration::from_millis(100);
/// So many wait for a place before it may be too much.
const WAITING: usize = 64;
/// So many requests for each place, and so many more, are under way at most, with those that wait: each takes memory. More than may wait to write on
/// SQLite, so that these leave room for others.
const IN_ALL: (usize, usize) = (16, 512);

/// The most bytes of requests at once, besides files, which have places of their own.
const BYTES: usize = 64 * 1024 * 1024;

/// Where requests are let in.
pub struct Admission {
    bytes: Semaphore,
    line: Line,
    in_all: Semaphore,
}

/// Why a request was not answered.
#[derive(Debug, PartialEq, Eq)]
pub enum Declined {
    /// Nothing was done: there was no place.
    Busy,
    /// The database does not answer; what was begun is undone, or done all the same if it was on its way already.
    Silent,
}

impl Admission {
    /// So many at once.
    pub fn new(places: usize) -> Self {
        let (for_each, more) = IN_ALL;
        Self { bytes: Semaphore::new(BYTES), line: Line::new(places, WAITING), in_all: Semaphore::new(places * for_each + more) }
    }

    /// Whether there is no use in looking at a request that has just come.
    pub fn is_full(&self) -> bool {
        self.in_all.available_permits() == 0 || self.line.is_full()
    }

    /// Room for the bytes of a request, held until it is answered.
    pub fn room(&self) -> Room<'_> {
        Room { bytes: &self.bytes, held: None }
    }

    /// Does the work of a request, once there is a place, and for as long as the database answers.
    pub async fn run<T>(&self, database: &Database, work: Pin<&mut impl Future<Output = T>>) -> Result<T, Declined> {
        let _counted = self.in_all.try_acquire().map_err(|_| Declined::Busy)?;
        let place = timeout(Duration::from_millis(BURST), self.line.place()).await.ok().flatten().ok_or(Declined::Busy)?;
        let left = Arc::new(Notify::new());
        let mut work = pin!(line::within(left.clone(), work));
        tokio::select! {
            biased;
            done = work.as_mut() => return Ok(done),
            () = left.notified() => {}
            () = sleep(COMPUTES) => {}
        }
        drop(place);
        loop {
            match timeout(LOOKS, work.as_mut()).await {
                Ok(done) => return Ok(done),
                Err(_) if database.is_silent() => return Err(Declined::Silent),
                Err(_) => {}
            }
        }
    }
}

/// Room for the bytes of one request.
pub struct Room<'a> {
    bytes: &'a Semaphore,
    held: Option<SemaphorePermit<'a>>,
}

impl Room<'_> {
    /// Takes so much more, if it is there.
    pub fn take(&mut self, bytes: usize) -> bool {
        let Some(more) = u32::try_from(bytes).ok().and_then(|bytes| self.bytes.try_acquire_many(bytes).ok()) else {
            return false;
        };
        match &mut self.held {
            Some(held) => held.merge(more),
            held => *held = Some(more),
        }
        true
    }
}
