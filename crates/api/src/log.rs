//! The log: lines of text or JSON on standard error. A line that belongs to a request has the request's id and, where traces are sent, the
//! trace's. What is logged says nothing of people: `tests/it/harness` reads every line that any test causes.

use std::io::IsTerminal;

use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::settings::{LogFormat, Settings};
use crate::traces::{SPANS, Traces};

/// Starts it as the settings say, and sends spans to where traces go.
pub fn start(settings: &Settings, traces: Option<&Traces>) {
    let filter = settings.log.clone().with_target(SPANS, LevelFilter::OFF);
    let Some(traces) = traces else {
        // One filter for all: cheaper than one for each layer.
        return tracing_subscriber::registry().with(filter).with(lines(settings.log_format)).init();
    };
    let spans = tracing_opentelemetry::layer().with_tracer(traces.tracer());
    let spans = spans.with_location(false).with_threads(false).with_tracked_inactivity(false);
    // Requests, and what is for traces alone.
    let spans = spans.with_filter(filter_fn(|metadata| metadata.is_span() && [SPANS, REQUEST].contains(&metadata.target())));
    tracing_subscriber::registry().with(lines(settings.log_format).with_filter(filter)).with(spans).init();
}

/// The target of the span of a request, and of the line that says that it was answered.
pub const REQUEST: &str = "autrement::request";

fn lines<S: Subscriber + for<'a> LookupSpan<'a>>(format: LogFormat) -> Box<dyn Layer<S> + Send + Sync> {
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    match format {
        LogFormat::Text => Box::new(lines),
        LogFormat::Json => Box::new(lines.json()),
    }
}
