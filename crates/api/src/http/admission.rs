//! How many requests are worked on at once, and which wait. More than the processors can do makes each of them later and none of them more;
//! so what comes beyond is refused at once, and whoever is let in is answered as fast as ever.
//!
//! A place is for a request that computes. One that takes longer than [`COMPUTES`] waits for something else (a lock, a password's hash, a
//! database far away) and its place goes to the next. Who finds no place waits, judged by time much as in `CoDel` (RFC 8289): for as long as [`BURST`]
//! where everybody found one lately, which is a class that begins at once; where people have found none again and again for that long, for
//! [`STANDING`] only, since a queue that stands helps nobody. Then no more wait than there are places, and the rest is refused before it is
//! looked at: to refuse takes the time of those who are let in, so it has to cost next to nothing.
//!
//! What has arrived takes memory before and while it is worked on, so there is room for so many bytes of all requests.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use service::database::{Database, LOOKS};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// Who holds a place for longer waits for something else.
const COMPUTES: Duration = Duration::from_millis(100);
/// The most that anybody waits for a place, in milliseconds.
const BURST: u64 = 250;
/// The same where somebody has been waiting for longer than that all the time.
const STANDING: u64 = 5;
/// So many requests for each place are under way at most, with those that wait for something else: each takes memory.
const IN_ALL: usize = 16;

/// The most bytes of requests at once, besides files, which have places of their own.
const BYTES: usize = 64 * 1024 * 1024;

/// Where requests are let in.
pub struct Admission {
    bytes: Semaphore,
    places: Arc<Semaphore>,
    in_all: Semaphore,
    begun: Instant,
    /// How many there are.
    count: usize,
    /// How many wait for one.
    waiting: AtomicUsize,
    rush: Rush,
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
        Self {
            bytes: Semaphore::new(BYTES),
            places: Arc::new(Semaphore::new(places)),
            in_all: Semaphore::new(places * IN_ALL),
            begun: Instant::now(),
            count: places,
            waiting: AtomicUsize::new(0),
            rush: Rush::default(),
        }
    }

    /// Whether there is no use in waiting for a request that has just come.
    pub fn is_full(&self) -> bool {
        self.in_all.available_permits() == 0 || self.waiting.load(Ordering::Relaxed) >= self.count && self.found_none()
    }

    fn found_none(&self) -> bool {
        self.rush.found_none(u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// Room for the bytes of a request, held until it is answered.
    pub fn room(&self) -> Room<'_> {
        Room { bytes: &self.bytes, held: None }
    }

    /// Does the work of a request, once there is a place, and for as long as the database answers.
    pub async fn run<T>(&self, database: &Database, mut work: Pin<&mut impl Future<Output = T>>) -> Result<T, Declined> {
        let _counted = self.in_all.try_acquire().map_err(|_| Declined::Busy)?;
        let place = self.place().await?;
        if let Ok(done) = timeout(COMPUTES, work.as_mut()).await {
            return Ok(done);
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

    async fn place(&self) -> Result<SemaphorePermit<'_>, Declined> {
        // There is one only where nobody waits.
        if let Ok(place) = self.places.try_acquire() {
            return Ok(place);
        }
        let stands = self.found_none();
        let waits = Waits::at(&self.waiting);
        if stands && waits.before >= self.count {
            return Err(Declined::Busy);
        }
        let patience = if stands { STANDING } else { BURST };
        let place = timeout(Duration::from_millis(patience), self.places.acquire()).await;
        place.ok().and_then(Result::ok).ok_or(Declined::Busy)
    }
}

/// A time in which people find no place: when it began, and when one last found none, in milliseconds. Only those who find none look.
#[derive(Default)]
struct Rush(Mutex<Option<(u64, u64)>>);

impl Rush {
    /// Somebody found no place: whether that has happened again and again for longer than [`BURST`], without a pause of as long.
    fn found_none(&self, now: u64) -> bool {
        let mut rush = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, last) = rush.filter(|(_, last)| now.saturating_sub(*last) <= BURST).unwrap_or((now, now));
        *rush = Some((since, last.max(now)));
        now.saturating_sub(since) > BURST
    }
}

/// One of those who wait, for as long as it does.
struct Waits<'a> {
    waiting: &'a AtomicUsize,
    /// How many did before.
    before: usize,
}

impl<'a> Waits<'a> {
    fn at(waiting: &'a AtomicUsize) -> Self {
        Self { waiting, before: waiting.fetch_add(1, Ordering::Relaxed) }
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
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

#[cfg(test)]
mod tests {
    use super::{BURST, Rush};

    #[test]
    fn a_rush_is_let_wait_and_a_queue_that_stands_is_not() {
        let rush = Rush::default();
        let begins = 10_000;
        for now in [begins, begins + 1, begins + BURST] {
            assert!(!rush.found_none(now), "{now}");
        }
        // Also where a place was free now and then.
        for now in [begins + BURST + 1, begins + 2 * BURST, begins + 3 * BURST] {
            assert!(rush.found_none(now), "{now}");
        }
        // Nobody waited for longer than that: the next class begins.
        assert!(!rush.found_none(begins + 4 * BURST + 1));
    }
}
