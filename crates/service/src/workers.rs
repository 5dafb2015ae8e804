//! Work that keeps a processor busy: a bounded number at once, on threads of its own, so that a flood of it neither slows the rest nor
//! fills the memory.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Semaphore;

use crate::metrics::{OneMore, WorkMetrics};
use crate::{Error, line};

/// So many at once, and so many that wait or work.
pub(crate) struct Workers {
    places: Arc<Semaphore>,
    waiting: Semaphore,
    metrics: WorkMetrics,
}

impl Workers {
    /// `places` at once; of more than `most_waiting` that wait or work, each is answered at once that the service is busy.
    pub(crate) fn new(places: usize, most_waiting: usize, metrics: WorkMetrics) -> Self {
        Self { places: Arc::new(Semaphore::new(places)), waiting: Semaphore::new(most_waiting), metrics }
    }

    /// Does the work once there is a place. It goes on, and keeps its place, when nobody waits for it any more.
    pub(crate) async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let _waiting = self.waiting.try_acquire().map_err(|_| {
            self.metrics.refused.inc();
            Error::Busy
        })?;
        line::elsewhere();
        let (began, waits) = (Instant::now(), OneMore::of(&self.metrics.waiting));
        let place = self.places.clone().acquire_owned().await.map_err(Error::internal)?;
        drop(waits);
        self.metrics.wait.observe(began.elapsed().as_secs_f64());
        let (runs, seconds) = (OneMore::of(&self.metrics.running), self.metrics.seconds.clone());
        tokio::task::spawn_blocking(move || {
            let began = Instant::now();
            let done = work();
            seconds.observe(began.elapsed().as_secs_f64());
            drop((place, runs));
            done
        })
        .await
        .map_err(Error::internal)
    }
}
