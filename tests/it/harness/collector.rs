//! A collector of traces: takes OTLP over HTTP, and keeps it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What came.
#[derive(Clone, Default)]
pub struct Collector {
    pub url: String,
    bodies: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Collector {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let collector = Self { url: format!("http://{}", listener.local_addr().unwrap()), ..Self::default() };
        let kept = collector.bodies.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(take(stream, kept.clone()));
            }
        });
        collector
    }

    /// All bytes that came.
    pub fn bytes(&self) -> Vec<u8> {
        self.bodies.lock().unwrap().concat()
    }

    /// All spans that came.
    pub fn spans(&self) -> Vec<Span> {
        let bodies = self.bodies.lock().unwrap();
        let requests = bodies.iter().map(|body| ExportTraceServiceRequest::decode(&body[..]).unwrap());
        let scopes = requests.flat_map(|request| request.resource_spans).flat_map(|spans| {
            let resource = spans.resource.unwrap();
            assert!(resource.attributes.iter().any(|attribute| attribute.key == "service.name"), "{resource:?}");
            spans.scope_spans
        });
        scopes.flat_map(|scope| scope.spans).collect()
    }

    /// The spans of a trace, once it is whole: the span of the request ends last.
    pub async fn trace(&self, id: &str) -> Vec<Span> {
        for _ in 0..400 {
            let spans: Vec<_> = self.spans().into_iter().filter(|span| hex(&span.trace_id) == id).collect();
            if spans.iter().any(|span| span.parent_span_id.is_empty()) {
                return spans;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("the trace {id} is not whole: {:?}", self.spans());
    }
}

/// An id as it is written.
pub fn hex(bytes: &[u8]) -> String {
    super::plain::hex(bytes)
}

/// An attribute of a span, as text.
pub fn attribute(span: &Span, key: &str) -> String {
    let found = span.attributes.iter().find(|attribute| attribute.key == key);
    match found.and_then(|attribute| attribute.value.as_ref()?.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    }
}

/// Requests of one connection, each answered with nothing.
async fn take(stream: TcpStream, kept: Arc<Mutex<Vec<Vec<u8>>>>) {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut length, mut first, mut is_protobuf) = (0, String::new(), false);
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            let line = line.trim_end().to_lowercase();
            if first.is_empty() {
                first.clone_from(&line);
            }
            match line.split_once(": ") {
                Some(("content-length", value)) => length = value.parse().unwrap(),
                Some(("content-type", value)) => is_protobuf = value == "application/x-protobuf",
                None if line.is_empty() => break,
                _ => {}
            }
        }
        let mut body = vec![0; length];
        if stream.read_exact(&mut body).await.is_err() {
            return;
        }
        assert!(first.starts_with("post /v1/traces ") && is_protobuf, "{first}");
        kept.lock().unwrap().push(body);
        let answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
        if stream.write_all(answer).await.is_err() {
            return;
        }
    }
}
