//! For whoever starts, stops and balances: is the process there, and can it work.

use axum::extract::State;
use axum::http::StatusCode;

use super::App;

/// 200 as long as the process answers.
pub(super) async fn live() -> &'static str {
    "live\n"
}

/// 200 when the database answers, else 503.
pub(super) async fn ready(State(app): State<App>) -> (StatusCode, &'static str) {
    match app.service.database.ping().await {
        Ok(()) => (StatusCode::OK, "ready\n"),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n")
        }
    }
}
