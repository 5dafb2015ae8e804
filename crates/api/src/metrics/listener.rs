//! Where Prometheus reads: a listener of its own, so that what an operator sees is not one forgotten rule of a proxy away from everybody.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use service::Service;
use service::replica::Replica;
use tokio::time::timeout;

use super::Metrics;
use crate::http::connections::{self, Bounds};

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// A database that does not answer is no reason to show nothing: the queue of mail stays as it was last seen.
const PATIENCE: Duration = Duration::from_secs(2);

/// Longer than between two looks of Prometheus. Who connects here and says nothing takes no file descriptors from those who come to the API.
const BOUNDS: Bounds = Bounds { most: 32, idle: Duration::from_secs(150) };

type Shown = Arc<(Arc<Metrics>, Arc<Service>)>;

/// Answers at `/metrics` of this address until the process ends.
pub async fn serve(bind: SocketAddr, metrics: Arc<Metrics>, service: Arc<Service>) -> Result<(), String> {
    let failed = |error| format!("METRICS_BIND {bind}: {error}");
    let listener = connections::listen(bind).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    tracing::info!(%address, "metrics are at /metrics");
    tokio::spawn(probe_pool(service.clone()));
    let router = Router::new().route("/metrics", get(show)).with_state(Arc::new((metrics, service)));
    tokio::spawn(connections::serve(listener, router, BOUNDS, pending()));
    Ok(())
}

async fn show(State(shown): State<Shown>) -> Response {
    let (metrics, service) = &*shown;
    let of_replica = service.replica.as_ref().and_then(Replica::pool_use);
    for (pool, used) in service.database.pool_uses().into_iter().chain(of_replica.map(|used| ("replica", used))) {
        metrics.pool(pool, used);
    }
    metrics.process.look();
    match timeout(PATIENCE, service::mail::waiting(service)).await {
        Ok(Ok((depth, oldest))) => service.metrics.mail_queue(depth, oldest, service.clock.now()),
        Ok(Err(error)) => tracing::debug!(error = error.code(), "the queue of mail was not counted"),
        Err(_) => tracing::debug!("the queue of mail was not counted in time"),
    }
    match metrics.text() {
        Ok(text) => ([(CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "metrics could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Once a second, the wait for a connection: what each request waits is sqlx's own, and costs nothing this way.
async fn probe_pool(service: Arc<Service>) {
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        seconds.tick().await;
        for (pool, waited) in service.database.pool_waits().await {
            service.metrics.pool_waited(pool, waited);
        }
    }
}
