//! For whoever starts, stops and balances: is the process there, and can it work.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use service::Service;
use service::sealed::{self, KeyState};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::App;

/// Whether somebody asks every second or a thousand times, the database is asked once a second.
const KEPT: Duration = Duration::from_secs(1);
/// Who balances waits a few seconds at most: no answer by then is one.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether the service can work, as it was found last.
#[derive(Default)]
pub(super) struct Readiness(Mutex<Option<(Instant, Result<(), &'static str>)>>);

/// 200 as long as the process answers.
pub(super) async fn live() -> &'static str {
    "live\n"
}

/// 200 when the database answers and takes writes, its schema is not older than this release, and the keys open what they are to open; else 503.
pub(super) async fn ready(State(app): State<App>) -> (StatusCode, &'static str) {
    let mut last = app.readiness.0.lock().await;
    let found = match *last {
        Some((when, found)) if when.elapsed() < KEPT => found,
        _ => {
            let found = timeout(PATIENCE, look(&app.service)).await.unwrap_or_else(|_| {
                tracing::warn!("not ready: the database did not answer in time");
                Err(NO_ANSWER)
            });
            *last = Some((Instant::now(), found));
            found
        }
    };
    match found {
        Ok(()) => (StatusCode::OK, "ready\n"),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason),
    }
}

const NO_ANSWER: &str = "the database does not answer, or all connections to it are in use\n";

async fn look(service: &Service) -> Result<(), &'static str> {
    if let Some(fault) = service.database.fault() {
        tracing::warn!(fault, "not ready");
        return Err("the database does not keep what is written; the log says more\n");
    }
    let standing = migration::standing(service.database.pool()).await.map_err(|error| {
        tracing::warn!(%error, "not ready");
        NO_ANSWER
    })?;
    // Steps of a later release are none of ours: it runs beside this one while instances are replaced.
    if !standing.missing.is_empty() {
        tracing::warn!(missing = ?standing.missing, "not ready: run autrement migrate up");
        return Err("the schema of the database is older than this release\n");
    }
    let keys = sealed::look(service).await.map_err(|error| {
        tracing::warn!(error = error.cause(), "not ready");
        NO_ANSWER
    })?;
    // One that is missing here may be one that another instance has just brought: what is sealed with the others is read all the same.
    if let Some((key, _)) = keys.iter().find(|(_, state)| *state == KeyState::Other) {
        tracing::warn!(key, "not ready: an encryption key is not the one of the database; autrement doctor says more");
        return Err("an encryption key is not the one of the database\n");
    }
    Ok(())
}
