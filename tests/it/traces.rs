//! Traces by OTLP, as a collector gets them.

use std::sync::Arc;

use serde_json::Value;

use crate::harness::collector::{Collector, attribute, hex};
use crate::harness::{Engine, Home, Server, on_both_engines, unique_email};

on_both_engines!(a_request_is_a_trace);

const CALLER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/// How soon spans are sent: the library's own variable.
const SOON: (&str, &str) = ("OTEL_BSP_SCHEDULE_DELAY", "50");

async fn traced(engine: Engine, settings: &[(&str, &str)]) -> (Server, Collector) {
    let collector = Collector::start().await;
    let settings = [&[("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.as_str()), SOON], settings].concat();
    let server = Server::start_on(Arc::new(Home::migrated(engine).await), &settings).await;
    (server, collector)
}

/// The id of a request's trace, as the log has it.
async fn trace_id(server: &Server, request_id: &str) -> String {
    for _ in 0..400 {
        let lines = server.lines("answered", 1).await;
        if let Some(line) = lines.iter().find(|line| line["span"]["id"] == request_id) {
            return line["span"]["trace_id"].as_str().unwrap_or_default().to_owned();
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{request_id} was never answered");
}

async fn a_request_is_a_trace(engine: Engine) {
    let (server, collector) = traced(engine, &[]).await;
    let email = unique_email("traced");
    let person = server.client().sign_up(&email).await;
    let query = "query Home { me { id username plays { nodes { id } } } }";
    let answer = person.with_header("traceparent", CALLER).send(query, Value::Null).await;
    answer.data();
    let id = trace_id(&server, &answer.request_id).await;
    let spans = collector.trace(&id).await;

    let request = spans.iter().find(|span| span.parent_span_id.is_empty()).unwrap();
    assert_eq!(attribute(request, "http.request.method"), "POST");
    assert_eq!(attribute(request, "http.route"), "/graphql");
    assert_eq!(attribute(request, "http.response.status_code"), "200");
    assert_eq!(attribute(request, "graphql.operation.name"), "Home");
    assert_eq!(attribute(request, "id"), answer.request_id);
    // The caller's is a link, not the parent: whether something is recorded is not theirs to say.
    assert_ne!(id, &CALLER[3..35]);
    assert_eq!(request.links.iter().map(|link| hex(&link.trace_id)).collect::<Vec<_>>(), [&CALLER[3..35]]);

    let field = spans.iter().find(|span| span.name == "me").unwrap();
    assert_eq!(field.parent_span_id, request.span_id);
    let load = spans.iter().find(|span| span.name == "plays").unwrap();
    assert_eq!(load.parent_span_id, field.span_id);
    let statements: Vec<_> = spans.iter().filter(|span| attribute(span, "db.query.text").contains("SELECT")).collect();
    assert!(!statements.is_empty(), "{spans:?}");
    for statement in statements {
        assert!(statement.end_time_unix_nano >= statement.start_time_unix_nano);
        assert!(spans.iter().any(|span| span.span_id == statement.parent_span_id), "{statement:?}");
    }

    // Of people, values and secrets nothing goes out.
    let bytes = collector.bytes();
    let secrets = [email.as_str(), "trois petits chats", person.access_token.as_deref().unwrap()];
    for secret in secrets {
        assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "{secret}");
    }
}

#[tokio::test]
async fn what_is_not_chosen_is_not_sent() {
    let (server, collector) = traced(Engine::Sqlite, &[("OTEL_TRACES_SAMPLER_ARG", "0")]).await;
    let client = server.client().with_header("traceparent", CALLER);
    let mut answer = client.send("{ terms { version } }", Value::Null).await;
    for _ in 0..20 {
        answer = client.send("{ terms { version } }", Value::Null).await;
    }
    assert_eq!(trace_id(&server, &answer.request_id).await.len(), 32, "the log has the id all the same");
    // Stopping sends what is left.
    stop(server).await;
    assert!(collector.spans().is_empty(), "{:?}", collector.spans());
}

#[tokio::test]
async fn what_is_left_is_sent_at_the_end() {
    let (server, collector) = traced(Engine::Sqlite, &[("OTEL_BSP_SCHEDULE_DELAY", "600000")]).await;
    server.client().data("{ terms { version } }").await;
    stop(server).await;
    assert!(collector.spans().iter().any(|span| span.name == "terms"), "{:?}", collector.spans());
}

async fn stop(mut server: Server) {
    server.terminate();
    let status = tokio::time::timeout(std::time::Duration::from_secs(20), server.children[0].wait()).await.unwrap().unwrap();
    assert!(status.success());
}

#[tokio::test]
async fn without_a_collector_the_service_serves() {
    let settings = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"), SOON];
    let server = Server::start_on(Arc::new(Home::migrated(Engine::Sqlite).await), &settings).await;
    for _ in 0..50 {
        server.client().data("{ terms { version } }").await;
    }
    stop(server).await;
}

#[tokio::test]
async fn without_the_setting_there_are_none() {
    let server = Server::start(Engine::Sqlite).await;
    let answer = server.client().with_header("traceparent", CALLER).send("{ terms { version } }", Value::Null).await;
    assert_eq!(trace_id(&server, &answer.request_id).await, "");
    assert!(!server.log().contains(&CALLER[3..35]));
}
