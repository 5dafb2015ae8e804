//! `serve`: listens, and does in the background what nobody waits for, until it is told to stop.

use std::sync::Arc;
use std::time::Duration;

use service::{Error, Service, data_export, sealed};
use tokio::task::JoinSet;
use url::Url;

use crate::assemble::serving;
use crate::command::{Result, text};
use crate::http::connections;
use crate::http::observe::Observe;
use crate::http::proxies::Proxies;
use crate::metrics::{self, Metrics};
use crate::migrations::migrate_up;
use crate::print::say;
use crate::settings::Settings;
use crate::traces::Traces;
use crate::{http, start};

/// Serves until the process is told to stop.
pub async fn serve(settings: Settings, traces: Option<&Traces>) -> Result<()> {
    let listener = connections::listen(settings.bind).map_err(|error| format!("BIND {}: {error}", settings.bind))?;
    let address = listener.local_addr().map_err(text)?;
    let public_url = match &settings.public_url {
        Some(url) => url.clone(),
        None => Url::parse(&format!("http://localhost:{}", address.port())).map_err(text)?,
    };
    if settings.smtp_url.is_none() && !settings.is_local() {
        return Err("SMTP_URL is not set: with a PUBLIC_URL other than localhost, mail has to reach people.".to_owned());
    }
    if !settings.clock_offset.is_zero() {
        tracing::warn!(seconds = settings.clock_offset.num_seconds(), "the clock is moved (CLOCK_OFFSET)");
    }
    start::wait_for_database(&settings).await?;
    migrate_up(&settings).await?;
    let service = Arc::new(serving(&settings, &public_url, traces.cloned()).await?);
    let metrics = Arc::new(Metrics::new(&service.metrics));
    if let Some(bind) = settings.metrics_bind {
        metrics::serve(bind, metrics.clone(), service.clone()).await?;
    }
    sealed::register(&service).await.map_err(text)?;
    let origins = std::iter::once(&public_url).chain(&settings.allowed_origins);
    let origins = origins.map(|url| url.origin().ascii_serialization()).collect();
    let mut background = JoinSet::new();
    background.spawn(purge_what_expires(service.clone()));
    background.spawn(work_through(service.clone(), "mail", async |service| Ok(service::mail::deliver(&service).await? > 0)));
    background.spawn(work_through(service.clone(), "exports", async |service| data_export::make_next(&service).await));
    let options = http::Options {
        origins,
        proxies: Proxies::new(settings.trusted_proxies),
        limits: settings.limits,
        requests_at_once: settings.requests_at_once,
        trusted_documents: settings.trusted_documents,
        graphiql: settings.graphiql,
        observe: Observe {
            metrics,
            log_requests: settings.log_requests,
            slow: settings.slow_operation,
            has_traces: traces.is_some(),
        },
    };
    let router = http::router(service.clone(), options).map_err(text)?;
    if settings.graphiql {
        say!("GraphiQL: http://{address}/");
    } else {
        say!("GraphQL: http://{address}/graphql");
    }
    tracing::info!(%address, "serving");
    connections::serve(listener, router, connections::within_system(settings.connections), told_to_stop()).await;
    // What one had begun is begun again by the next start, or by another instance.
    background.shutdown().await;
    tracing::info!("stopped");
    service.database.clone().close().await.map_err(text)
}

/// Once a minute, on every instance: removing twice what is gone does nothing.
async fn purge_what_expires(service: Arc<Service>) {
    let mut minutes = tokio::time::interval(Duration::from_mins(1));
    loop {
        minutes.tick().await;
        if let Err(error) = start::job(&service, "expire", service::expired::purge(&service)).await {
            tracing::warn!(error = error.cause(), "what has expired was not removed; trying again in a minute");
        }
    }
}

/// Looks every second whether there is something to do, on every instance; at once again while there is more. `next` does one thing, and says
/// whether there was one.
async fn work_through<F>(service: Arc<Service>, task: &'static str, next: impl Fn(Arc<Service>) -> F)
where
    F: Future<Output = std::result::Result<bool, Error>>,
{
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        seconds.tick().await;
        while match start::job(&service, task, next(service.clone())).await {
            Ok(was_done) => was_done,
            Err(error) => {
                tracing::warn!(task, error = error.cause(), "what waits could not be done; trying again in a second");
                false
            }
        } {}
    }
}

/// SIGTERM or SIGINT: no new connections, requests in flight finish.
async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        },
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
    tracing::info!("told to stop: finishing what is under way");
}
