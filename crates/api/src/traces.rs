//! Traces, by OpenTelemetry's protocol (OTLP, protobuf over HTTP), where a setting says where to. Off, they cost nothing but a look at a flag.
//!
//! A request is a span, with its fields of the root, what loaders load, and its statements (their text, which holds no values) in it. Of
//! values, people and addresses nothing is in a trace.
//!
//! A `traceparent` that a request brings becomes a link, never the parent, whoever sends it: whether a request is recorded is the
//! service's own choice, and no stranger may have all of theirs recorded, or write into a trace that is somebody else's. Many proxies pass the
//! header on as it came, so believing the trusted ones would not keep strangers out.

use std::fmt::Debug;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use axum::http::{HeaderMap, StatusCode};
use hyper_rustls::HttpsConnectorBuilder;
use opentelemetry::KeyValue;
use opentelemetry::trace::{
    Span as _, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer, TracerProvider,
};
use opentelemetry_http::hyper::HyperClient;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use tokio::runtime::Handle;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use url::Url;

/// The target of spans that are for traces alone, not for the log.
pub const SPANS: &str = "otel";

/// A collector that takes longer is not waited for: what does not fit into the queue is dropped.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Where traces go.
#[derive(Clone)]
pub struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

impl Traces {
    /// Sends this share of all traces to the collector at `endpoint`.
    pub fn start(endpoint: &Url, share: f64) -> Result<Self, String> {
        let failed = |error: &dyn std::fmt::Display| format!("OTEL_EXPORTER_OTLP_ENDPOINT: traces can't be sent: {error}");
        let connector = HttpsConnectorBuilder::new().with_native_roots().map_err(|error| failed(&error))?;
        let client = HyperClient::new(connector.https_or_http().enable_http1().build(), TIMEOUT, None);
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(OnRuntime { client, runtime: Handle::current() })
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{}/v1/traces", endpoint.as_str().trim_end_matches('/')))
            .build()
            .map_err(|error| failed(&error))?;
        let service = Resource::builder()
            .with_service_name("autrement")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_sampler(Sampler::TraceIdRatioBased(share))
            .with_resource(service)
            .with_batch_exporter(exporter)
            .build();
        let tracer = provider.tracer("autrement");
        Ok(Self { provider, tracer })
    }

    /// What turns spans into traces.
    pub fn tracer(&self) -> SdkTracer {
        self.tracer.clone()
    }

    /// Sends what is left.
    pub async fn stop(self) {
        // It waits on this thread for what the runtime sends.
        let stopped = tokio::task::spawn_blocking(move || self.provider.shutdown_with_timeout(TIMEOUT)).await;
        if let Ok(Err(error)) = stopped {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }

    /// A statement has ended that took so long: a span within what runs now.
    pub fn statement(&self, sql: &str, took: Duration, has_failed: bool) {
        let context = Span::current().context();
        if !context.span().span_context().is_sampled() {
            return;
        }
        #[expect(clippy::disallowed_methods, reason = "traces tell when something happened, whatever the service takes for now")]
        let end = SystemTime::now();
        let name = sql.split_whitespace().next().unwrap_or("statement").to_owned();
        let mut span = self
            .tracer
            .span_builder(name)
            .with_kind(SpanKind::Client)
            .with_start_time(end.checked_sub(took).unwrap_or(end))
            .with_attributes([KeyValue::new("db.query.text", sql.to_owned())])
            .start_with_context(&self.tracer, &context);
        if has_failed {
            span.set_status(Status::error(""));
        }
        span.end_with_timestamp(end);
    }
}

/// A request begins: notes the id of its trace in the span, for the log, and what it is.
pub fn begin(span: &Span, method: &'static str, route: &'static str, headers: &HeaderMap) {
    let context = span.context();
    span.record("trace_id", tracing::field::display(context.span().span_context().trace_id()));
    span.set_attribute("http.request.method", method);
    span.set_attribute("http.route", route);
    if let Some(caller) = headers.get("traceparent").and_then(|value| linked(value.to_str().ok()?)) {
        span.add_link(caller);
    }
}

/// A request is answered.
pub fn end(span: &Span, status: StatusCode) {
    span.set_attribute("http.response.status_code", i64::from(status.as_u16()));
    if status.is_server_error() {
        span.set_status(Status::error(""));
    }
}

/// What a request is about, once that is known.
pub fn operation(span: &Span, name: Option<&str>, outcome: &'static str) {
    if let Some(name) = name {
        span.set_attribute("graphql.operation.name", name.to_owned());
    }
    span.set_attribute("graphql.outcome", outcome);
}

/// The span that a `traceparent` names (W3C Trace Context, version 00 and what later ones begin with).
fn linked(traceparent: &str) -> Option<SpanContext> {
    let mut parts = traceparent.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    if version.len() != 2 || version == "ff" || trace.len() != 32 || span.len() != 16 || flags.len() != 2 {
        return None;
    }
    let trace = TraceId::from_hex(trace).ok()?;
    let span = SpanId::from_hex(span).ok()?;
    let context = SpanContext::new(trace, span, TraceFlags::default(), true, TraceState::default());
    context.is_valid().then_some(context)
}

/// Sends on the runtime's threads: traces are gathered on a thread of their own, which knows no sockets.
#[derive(Debug)]
struct OnRuntime<C> {
    client: C,
    runtime: Handle,
}

#[async_trait]
impl<C: HttpClient + Clone + 'static> HttpClient for OnRuntime<C> {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        self.runtime.spawn(async move { client.send_bytes(request).await }).await?
    }
}

#[cfg(test)]
mod tests {
    use super::linked;

    #[test]
    fn a_callers_trace_is_read() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let context = linked(good).expect("a context");
        assert_eq!(context.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert!(!context.is_sampled(), "whether it is recorded is not the caller's to say");
        for bad in [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01",
        ] {
            assert!(linked(bad).is_none(), "{bad}");
        }
    }
}
