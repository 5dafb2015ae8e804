//! What requests count, for Prometheus, beside what the rules count (`service::metrics`). What each means to an operator is in
//! `docs/OBSERVABILITY.md`.
//!
//! Whoever sends requests must not be able to make series: labels have values of the source, fields of the schema, and names of
//! operations within bounds (`operations`).
//!
//! To add a metric: a field here, its name and help in [`Metrics::new`], a row in `docs/OBSERVABILITY.md` (a test wants it there).

mod listener;
mod operations;
mod process;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use service::metrics::{Histograms, OneMore, seconds};

pub use listener::serve;
pub use operations::{OK, Operations};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    route: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refusal {
    code: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Field {
    field: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Connections {
    pool: &'static str,
    state: &'static str,
}

/// What nginx writes where a client went before it was answered.
const CLIENT_WENT: u16 = 499;

/// Everything that is counted of requests, and the registry that shows it with the rest.
pub struct Metrics {
    registry: Registry,
    answered: Family<Answered, Counter>,
    under_way: Gauge,
    refused: Family<Refusal, Counter>,
    /// Operations by name.
    pub operations: Operations,
    /// Fields of the root.
    pub fields: RootFields,
    connections: Family<Connections, Gauge>,
    process: process::Process,
}

impl Metrics {
    /// With what the rules count.
    pub fn new(rules: &service::metrics::Metrics) -> Self {
        let mut registry = Registry::default();
        rules.register(&mut registry);
        let (answered, under_way, refused) = (Family::default(), Gauge::default(), Family::default());
        let connections = Family::default();
        registry.register(
            "autrement_http_requests",
            "Answered requests by route and status; 499: the client went",
            answered.clone(),
        );
        registry.register("autrement_http_requests_under_way", "Requests that are not answered yet", under_way.clone());
        registry.register(
            "autrement_refused",
            "GraphQL requests of which nothing ran, by the error's code and the status",
            refused.clone(),
        );
        registry.register(
            "autrement_pool_connections",
            "Connections to the database: used, idle, and the most (limit)",
            connections.clone(),
        );
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("autrement_build", "The release that runs", build);
        Self {
            operations: Operations::new(&mut registry),
            fields: RootFields::new(&mut registry),
            process: process::Process::new(&mut registry),
            registry,
            answered,
            under_way,
            refused,
            connections,
        }
    }

    /// A request has come, and is under way until it is answered or dropped.
    pub fn begin(self: &Arc<Self>, path: &str) -> UnderWay {
        UnderWay {
            metrics: self.clone(),
            route: route(path),
            began: Instant::now(),
            status: CLIENT_WENT,
            _one: OneMore::of(&self.under_way),
        }
    }

    /// Nothing of a GraphQL request ran.
    pub fn refused(&self, code: &'static str, status: Option<StatusCode>) {
        let status = status.map_or(0, |status| status.as_u16());
        self.refused.get_or_create(&Refusal { code, status }).inc();
    }

    /// As Prometheus reads it, in the form that it calls open metrics.
    fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.registry)?;
        Ok(text)
    }

    fn pool(&self, pool: &'static str, used: service::database::PoolUse) {
        let idle = i64::try_from(used.idle).unwrap_or(i64::MAX);
        for (state, count) in [("idle", idle), ("used", (i64::from(used.open) - idle).max(0)), ("limit", used.most.into())] {
            self.connections.get_or_create(&Connections { pool, state }).set(count);
        }
    }
}

/// The route of a path, one of few.
fn route(path: &str) -> &'static str {
    match path.split('/').nth(1) {
        Some("graphql") => "/graphql",
        Some("pictures") => "/pictures",
        Some("exports") => "/exports",
        Some("health") => "/health",
        _ => "other",
    }
}

/// A request that is not answered yet. Dropped before that, it is one whose client went.
pub struct UnderWay {
    metrics: Arc<Metrics>,
    /// Its route.
    pub route: &'static str,
    began: Instant,
    status: u16,
    _one: OneMore,
}

impl UnderWay {
    /// It is answered; gives how long that took.
    pub fn answered(mut self, status: StatusCode) -> Duration {
        self.status = status.as_u16();
        self.began.elapsed()
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let Self { metrics, route, status, .. } = self;
        metrics.answered.get_or_create(&Answered { route, status: *status }).inc();
    }
}

/// The times of the fields of the root, each known by the schema.
#[derive(Clone)]
pub struct RootFields {
    family: Histograms<Field>,
    /// The same, found without making a label of each name.
    known: Arc<RwLock<HashMap<String, Histogram>>>,
}

impl RootFields {
    /// Shown in this registry.
    pub fn new(registry: &mut Registry) -> Self {
        let fields = Self::default();
        registry.register(
            "autrement_field_seconds",
            "Time until a field of the root was resolved, with everything below it",
            fields.family.clone(),
        );
        fields
    }

    /// A field took so long. Its name is one of the schema's: it was resolved.
    pub fn observe(&self, name: &str, took: Duration) {
        if let Some(histogram) = self.known.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return histogram.observe(took.as_secs_f64());
        }
        let histogram = self.family.get_or_create_owned(&Field { field: name.to_owned() });
        histogram.observe(took.as_secs_f64());
        self.known.write().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), histogram);
    }
}

impl Default for RootFields {
    fn default() -> Self {
        Self { family: Family::new_with_constructor(seconds), known: Arc::default() }
    }
}
