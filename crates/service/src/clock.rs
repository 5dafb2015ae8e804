//! Time as an argument.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

/// The most that the clocks of instances may differ. What is dated further ahead than it may be was written before a clock was set back.
pub(crate) const CLOCKS_DIFFER: TimeDelta = TimeDelta::minutes(10);

/// What time it is, UTC.
pub trait Clock: Send + Sync {
    /// The time now, to the microsecond: what PostgreSQL keeps, so that what is written is what is read.
    fn now(&self) -> DateTime<Utc>;
}

/// The machine's clock, moved by a fixed distance (zero but in tests and rehearsals).
#[derive(Debug, Default)]
pub struct SystemClock {
    /// Added to the machine's time.
    pub offset: TimeDelta,
}

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine")]
        let now = Utc::now() + self.offset;
        now.duration_trunc(TimeDelta::microseconds(1)).unwrap_or(now)
    }
}
