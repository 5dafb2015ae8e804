//! Around what runs: waiting for the database before it, and counting the work beside it.

use std::time::Duration;

use service::database::{Database, Unreached};
use service::{Error, Service};
use tokio::time::{Instant, sleep};

use crate::settings::Settings;

/// Between two tries at first; each wait is twice as long as the one before.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Returns once the database takes connections: it may be starting along with this. When it does not in time, or never will, says why.
pub async fn wait_for_database(settings: &Settings) -> Result<(), String> {
    let (began, mut wait) = (Instant::now(), FIRST_WAIT);
    loop {
        let Err(Unreached { may_pass, reason }) = Database::reach(&settings.database_url).await else { return Ok(()) };
        let name = settings.database_name();
        if !may_pass {
            return Err(format!("The database {name} does not let the service in: {reason}"));
        }
        let left = settings.database_wait.saturating_sub(began.elapsed());
        if left.is_zero() {
            let limit = settings.database_wait.as_secs();
            return Err(format!("The database {name} does not answer: {reason}. Tried for {limit} s (DATABASE_WAIT_SECONDS)."));
        }
        tracing::warn!(database = name, reason, seconds_left = left.as_secs(), "the database does not answer yet; trying again");
        sleep(wait.min(left)).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// Does one round of a job in the background, and counts it. Given up where the database does not answer: what it had begun is begun again.
pub async fn job<T>(service: &Service, name: &'static str, round: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let began = Instant::now();
    let done = service.database.unless_silent(round).await.unwrap_or_else(|| Err(service::database::silent().into()));
    service.metrics.job(name, began.elapsed(), done.is_ok(), service.clock.now());
    done
}
