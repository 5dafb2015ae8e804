//! The log: each line of a request has its id, one line a request where a setting asks for it, slow operations by the hash of their document.
//! That no line tells a secret is looked at wherever a server of a test stops (`harness`).

use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::harness::plain::hex;
use crate::harness::{Engine, Home, Server, on_both_engines, unique_email};

on_both_engines!(each_line_of_a_request_has_its_id, a_slow_operation_is_known_by_its_document);

async fn start(engine: Engine, settings: &[(&str, &str)]) -> Server {
    Server::start_on(Arc::new(Home::migrated(engine).await), settings).await
}

/// Also where little is logged: a warning without the id leads nowhere.
async fn each_line_of_a_request_has_its_id(engine: Engine) {
    let server = start(engine, &[("LOG", "warn"), ("SLOW_OPERATION_MS", "1")]).await;
    let answer = server
        .client()
        .send(
            "mutation { signIn(input: { email: \"nobody@example.org\", password: \"trois petits chats\" }) { accessToken } }",
            Value::Null,
        )
        .await;
    assert_eq!(answer.codes(), ["UNAUTHENTICATED"]);
    let line = server.lines("a slow operation", 1).await.remove(0);
    assert_eq!((line["level"].as_str(), line["span"]["id"].as_str()), (Some("WARN"), Some(answer.request_id.as_str())), "{line}");
    assert!(!server.log().contains("answered"));
}

async fn a_slow_operation_is_known_by_its_document(engine: Engine) {
    let server = start(engine, &[("LOG", "info"), ("SLOW_OPERATION_MS", "1")]).await;
    let query = "mutation Enter($input: SignInInput!) { signIn(input: $input) { accessToken } }";
    let (email, password) = (unique_email("slow"), "a word that nobody should read");
    let answer = server.client().send(query, json!({ "input": { "email": email, "password": password } })).await;
    let line = server.lines("a slow operation", 1).await.remove(0);
    let fields = &line["fields"];
    assert_eq!(fields["document"], hex(&Sha256::digest(query)), "{line}");
    assert_eq!((fields["operation"].as_str(), fields["outcome"].as_str()), (Some("Enter"), Some("UNAUTHENTICATED")), "{line}");
    assert!(fields["ms"].as_f64().unwrap() >= 1.0, "{line}");
    assert_eq!(line["span"]["id"], answer.request_id.as_str());
    assert!(!server.log().contains(&email) && !server.log().contains(password) && !server.log().contains("SignInInput"));
}

/// People put addresses and tokens into paths, and clients what they like into methods.
#[tokio::test]
async fn paths_are_not_logged() {
    let server = start(Engine::Sqlite, &[("LOG", "debug"), ("LOG_REQUESTS", "on")]).await;
    for path in ["/reset/somebody@example.org", "/pictures/somebody@example.org", "/graphql?somebody@example.org"] {
        server.client().raw(Method::from_bytes(b"SOMEBODY").unwrap(), path).send().await.unwrap();
        server.client().raw(Method::GET, path).send().await.unwrap();
    }
    let lines = server.lines("answered", 6).await;
    assert!(lines.iter().any(|line| line["fields"]["method"] == "_OTHER" && line["fields"]["route"] == "other"), "{lines:?}");
    assert!(!server.log().to_lowercase().contains("somebody"), "{}", server.log());
}

#[tokio::test]
async fn what_is_not_slow_is_not_logged() {
    let server = start(Engine::Sqlite, &[("LOG", "info")]).await;
    server.somebody().await;
    assert!(!server.log().contains("a slow operation"), "{}", server.log());
    assert!(!server.log().contains("answered"), "a line for each request is for who asks for it: {}", server.log());
}

#[tokio::test]
async fn each_request_has_its_line_where_a_setting_asks_for_it() {
    let server = start(Engine::Sqlite, &[("LOG", "info"), ("LOG_REQUESTS", "on")]).await;
    let person = server.somebody().await;
    let before = server.lines("answered", 1).await.len();
    let good = person.send("query Home { me { id } }", Value::Null).await;
    let bad = person.send("query Bad { roles { id } }", Value::Null).await;
    let lines = server.lines("answered", before + 2).await;
    for (answer, operation, outcome) in [(&good, "Home", "ok"), (&bad, "Bad", "FORBIDDEN")] {
        let of_it: Vec<_> = lines.iter().filter(|line| line["span"]["id"] == answer.request_id.as_str()).collect();
        assert_eq!(of_it.len(), 1, "{lines:?}");
        let line = of_it[0];
        assert_eq!(
            (line["span"]["operation"].as_str(), line["span"]["outcome"].as_str()),
            (Some(operation), Some(outcome)),
            "{line}"
        );
        assert_eq!((line["fields"]["method"].as_str(), line["fields"]["status"].as_u64()), (Some("POST"), Some(200)), "{line}");
        assert!(line["fields"]["ms"].is_number() && line["level"] == "INFO", "{line}");
    }
}

/// What is not set costs no line of another form: text, for people.
#[tokio::test]
async fn text_is_for_people() {
    let server = start(Engine::Sqlite, &[("LOG", "info"), ("LOG_FORMAT", "text"), ("LOG_REQUESTS", "on")]).await;
    let answer = server.client().send("query Look { terms { version } }", Value::Null).await;
    for _ in 0..400 {
        if server.log().contains(&answer.request_id) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let log = server.log();
    let line = log.lines().find(|line| line.contains(&answer.request_id)).unwrap();
    assert!(line.contains("answered") && line.contains("status=200") && line.contains("Look"), "{line}");
}
