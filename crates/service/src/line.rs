//! Lines: where people wait for one of few places.
//!
//! Few places and a line before them that is fair make everybody faster than many places do: those who hold one do not slow each other down, and
//! all have about the same wait. How many may wait is judged by time, much as in `CoDel` (RFC 8289): a class that comes at once is let wait. Where
//! more wait than its length again and again for longer than [`BURST`], more come than are answered, and whoever waits only makes the next one later:
//! the line is short then, for [`SHORT`], and the rest is told so at once. As many are answered as before, and each sooner.
//!
//! A place is for work. Who holds one and comes to wait for something else here ([`elsewhere`]) leaves it to the next.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::{Notify, Semaphore, SemaphorePermit};

/// For how long a line may be longer, in milliseconds: a class that comes at once is through by then.
pub const BURST: u64 = 250;
/// For how long a line is short before it is looked whether it still has to be, in milliseconds.
const SHORT: u64 = 4_000;
/// So many waiting then say so at once: more than a few clients that ask without a pause, and few who wait each time it is looked.
const AGAIN: usize = 32;
/// One who waits for so many places, where the line is short: enough that none is empty.
const SHORT_SHARE: usize = 4;

/// Places, and the line before them.
#[derive(Debug)]
pub struct Line {
    places: Semaphore,
    /// So many wait without anybody being worse off: clients that send one request after the other, each when the last is answered.
    length: usize,
    /// The most that wait where it is short.
    short: usize,
    waiting: AtomicUsize,
    begun: Instant,
    crowd: Crowd,
}

impl Line {
    /// With so many places, and so long while nobody is told that it is too much.
    #[must_use]
    pub fn new(places: usize, length: usize) -> Self {
        Self {
            places: Semaphore::new(places),
            length,
            short: (places / SHORT_SHARE).clamp(1, length),
            waiting: AtomicUsize::new(0),
            begun: Instant::now(),
            crowd: Crowd::default(),
        }
    }

    /// Whether whoever comes now is not let wait.
    pub fn is_full(&self) -> bool {
        let waiting = self.waiting.load(Ordering::Relaxed);
        if waiting < self.short {
            return false;
        }
        self.crowd.refuses(waiting, self.length, u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// A place, once there is one; `None` where the line is full.
    pub async fn place(&self) -> Option<SemaphorePermit<'_>> {
        // There is one only where nobody waits.
        if let Ok(place) = self.places.try_acquire() {
            return Some(place);
        }
        if self.is_full() {
            return None;
        }
        let _waits = Waits::at(&self.waiting);
        self.places.acquire().await.ok()
    }
}

/// One of those who wait, for as long as it does.
struct Waits<'a>(&'a AtomicUsize);

impl<'a> Waits<'a> {
    fn at(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A time in which more come than may wait. In milliseconds.
#[derive(Debug, Default)]
struct Crowd {
    /// Until when the line is short.
    short_until: AtomicU64,
    /// When it began, and when somebody last came who was one too many.
    seen: Mutex<Option<(u64, u64)>>,
}

impl Crowd {
    /// Whether whoever comes while so many wait is told that it is too much.
    fn refuses(&self, waiting: usize, length: usize, now: u64) -> bool {
        let short_until = self.short_until.load(Ordering::Relaxed);
        let was_short = now <= short_until.saturating_add(BURST);
        let most = if was_short { AGAIN } else { length };
        now < short_until || waiting >= most && self.is_too_much(now, short_until)
    }

    /// Somebody is one too many. They are let wait where that began less than [`BURST`] ago, but where the line was short until just now.
    fn is_too_much(&self, now: u64, short_until: u64) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let goes_on = |(_, last): &(u64, u64)| now.saturating_sub(short_until.max(*last)) <= BURST;
        let (since, last) = seen.filter(goes_on).unwrap_or((now, now));
        *seen = Some((since, last.max(now)));
        let is_too_much = now.saturating_sub(since) > BURST;
        if is_too_much {
            self.short_until.store(now.saturating_add(SHORT), Ordering::Relaxed);
        }
        is_too_much
    }
}

tokio::task_local! {
    /// Whoever holds a place is told here that it is not needed any more.
    static PLACE: Arc<Notify>;
}

/// Does this work, by somebody who holds a place; `left` is told where they come to wait elsewhere.
pub async fn within<T>(left: Arc<Notify>, work: impl Future<Output = T>) -> T {
    PLACE.scope(left, work).await
}

/// What follows waits for something else, or is done by others: the place is left to the next, for good.
pub(crate) fn elsewhere() {
    // Commands, and what is done in the background, hold none.
    let _ = PLACE.try_with(|left| left.notify_one());
}

#[cfg(test)]
mod tests {
    use super::{AGAIN, BURST, Crowd, SHORT};

    const LENGTH: usize = 64;

    #[test]
    fn a_class_is_let_wait_and_a_crowd_is_not() {
        let crowd = Crowd::default();
        let refuses = |waiting, now| crowd.refuses(waiting, LENGTH, now);
        let begins = 10_000;
        for now in [begins, begins + 1, begins + BURST] {
            assert!(!refuses(10 * LENGTH, now), "{now}");
        }
        let found_out = begins + BURST + 1;
        assert!(!refuses(LENGTH - 1, found_out));
        assert!(refuses(LENGTH, found_out));
        // From then on the line is short, for a while.
        assert!(refuses(1, found_out + SHORT - 1));
        // It goes on: found out at once, by fewer.
        let again = found_out + SHORT + BURST;
        assert!(!refuses(AGAIN - 1, again));
        assert!(refuses(AGAIN, again) && refuses(1, again));
        // It is over: the next class is let wait.
        let later = again + SHORT + BURST + 1;
        assert!(!refuses(10 * LENGTH, later) && !refuses(1, later));
    }
}
