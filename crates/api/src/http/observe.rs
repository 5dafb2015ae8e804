//! What an operator sees of requests: they are counted, timed and, where settings ask for it, logged one by one and traced. The names and
//! codes of an operation are told, and the hash of its document; never its variables, nor its text, which may hold values too.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::http::{Method, StatusCode};
use tracing::Span;
use tracing::field::Empty;

use super::answer::Refused;
use crate::graphql::document::Known;
use crate::log::REQUEST;
use crate::metrics::{Metrics, UnderWay};
use crate::traces;

/// What is watched, and how.
pub struct Observe {
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Whether each request has its line in the log.
    pub log_requests: bool,
    /// Operations that take this long are logged.
    pub slow: Duration,
    /// Whether spans go anywhere.
    pub has_traces: bool,
}

/// A request that is watched.
pub(super) struct Watched {
    under_way: UnderWay,
    method: &'static str,
}

impl Observe {
    /// A request of this id has come. Its span is there whatever the log's level: a warning without the id leads nowhere.
    pub(super) fn begin(&self, id: &str, request: &Request) -> (Span, Watched) {
        let span = tracing::error_span!(target: REQUEST, "request", id, trace_id = Empty, operation = Empty, outcome = Empty);
        let under_way = self.metrics.begin(request.uri().path());
        let method = method(request.method());
        if self.has_traces {
            traces::begin(&span, method, under_way.route, request.headers());
        }
        (span, Watched { under_way, method })
    }

    /// It is answered; to be called within its span.
    pub(super) fn end(&self, Watched { under_way, method }: Watched, status: StatusCode) {
        if self.has_traces {
            traces::end(&Span::current(), status);
        }
        // Not its path: people put addresses and tokens there.
        let route = under_way.route;
        let took = milliseconds(under_way.answered(status));
        let status = status.as_u16();
        if self.log_requests {
            tracing::info!(target: REQUEST, method, route, status, ms = took, "answered");
        } else {
            tracing::debug!(target: REQUEST, method, route, status, ms = took, "answered");
        }
    }

    /// It was refused before it was looked at: no span, which costs more than to refuse, and a line only where each request has one.
    pub(super) fn declined(&self, id: &str, under_way: UnderWay, status: StatusCode) {
        let took = milliseconds(under_way.answered(status));
        if self.log_requests {
            tracing::info!(target: REQUEST, id, status = status.as_u16(), ms = took, "refused: there was no place");
        }
    }

    /// An operation of a document has ended. `ran`: the document is a valid one.
    pub(super) fn ran(&self, known: Option<&Known>, name: Option<&str>, took: Duration, outcome: &'static str, ran: bool) {
        self.metrics.operations.ended(name, took, outcome, ran);
        if self.log_requests {
            let span = Span::current();
            span.record("operation", name).record("outcome", outcome);
        }
        if self.has_traces {
            traces::operation(&Span::current(), name, outcome);
        }
        if took >= self.slow {
            let document = known.map(Known::hash);
            tracing::warn!(operation = name, document, outcome, ms = milliseconds(took), "a slow operation");
        }
    }

    /// Nothing of a request ran.
    pub(super) fn refused(&self, refused: &Refused) {
        let (code, status) = refused.reason();
        self.metrics.refused(code, status);
    }
}

/// A method that HTTP has; any other is what the client likes, and told as OpenTelemetry asks for.
fn method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        _ => "_OTHER",
    }
}

/// To a hundredth.
fn milliseconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 100_000.0).round() / 100.0
}
