//! GraphQL over HTTP, and the pages beside it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::client::answer;
use crate::harness::load::Connection;
use crate::harness::{Engine, Server};

const GRAPHQL_RESPONSE: &str = "application/graphql-response+json";

#[tokio::test]
async fn queries_run_by_get_and_mutations_do_not() {
    let server = Server::start(Engine::Sqlite).await;
    let get = |query: &'static str| {
        let request = server.client().raw(Method::GET, &format!("/graphql?query={}", query.replace(' ', "%20")));
        async move { answer(request).await }
    };
    assert_eq!(get("{ terms { version } }").await.data()["terms"]["version"], "1.0");
    let refused = get("mutation { signOut }").await;
    assert_eq!((refused.status, refused.codes()), (405, vec!["INVALID_INPUT"]));
    assert_eq!(get("mutation { startPasskeySignIn { ceremonyId } }").await.status, 405);
    assert_eq!(get("mutation Named { startPasskeySignIn { ceremonyId } }").await.status, 405);
    assert_eq!(
        get("query A { terms { id } } mutation B { startPasskeySignIn { ceremonyId } }&operationName=B").await.status,
        405
    );
    assert_eq!(
        get("query A { terms { version } } query B { terms { id } }&operationName=A").await.data()["terms"]["version"],
        "1.0"
    );
    let empty = answer(server.client().raw(Method::GET, "/graphql")).await;
    assert_eq!((empty.status, empty.codes()), (400, vec!["INVALID_INPUT"]));
}

#[tokio::test]
async fn only_json_is_taken() {
    let server = Server::start(Engine::Sqlite).await;
    let body = r#"{"query":"{ terms { version } }"}"#;
    for (kind, status) in [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("text/plain", 415),
        ("multipart/form-data; boundary=x", 415),
        ("application/x-www-form-urlencoded", 415),
    ] {
        let request = server.client().raw(Method::POST, "/graphql").header("content-type", kind).body(body);
        assert_eq!(answer(request).await.status, status, "{kind}");
    }
    assert_eq!(answer(server.client().raw(Method::POST, "/graphql").body(body)).await.status, 415);
    for body in ["", "{", "[]", "null", "{}", r#"{"query":1}"#] {
        let request = server.client().raw(Method::POST, "/graphql").header("content-type", "application/json").body(body);
        let answer = answer(request).await;
        assert_eq!(answer.codes(), ["INVALID_INPUT"], "{body:?}: {} {}", answer.status, answer.text);
    }
    let large = format!(r#"{{"query":"{{ terms {{ version }} }}","variables":{{"a":"{}"}}}}"#, "x".repeat(1024 * 1024));
    let request = server.client().raw(Method::POST, "/graphql").header("content-type", "application/json").body(large);
    assert_eq!(answer(request).await.status, 413);
}

/// What is wrong with it is not its size.
#[tokio::test]
async fn a_body_that_is_no_body_is_told_so() {
    let server = Server::start(Engine::Sqlite).await;
    let head =
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    let reply = Connection::to(&server.url).send(format!("{head}no number\r\n").as_bytes()).await.unwrap();
    assert_eq!((reply.status, reply.code()), (400, Some("INVALID_INPUT")), "{reply:?}");
    assert!(reply.body.contains("broke off"), "{reply:?}");
}

#[tokio::test]
async fn a_request_that_is_at_fault_is_told_so() {
    let server = Server::start(Engine::Sqlite).await;
    let send = |query: &'static str, accept: &'static str| {
        let request = server.client().raw(Method::POST, "/graphql").header("accept", accept).json(&json!({ "query": query }));
        async move { answer(request).await }
    };
    let invalid = send("{ nope }", GRAPHQL_RESPONSE).await;
    assert_eq!((invalid.status, invalid.codes()), (400, vec!["INVALID_INPUT"]));
    assert!(invalid.body.get("data").is_none(), "nothing ran: {}", invalid.text);
    assert_eq!(send("{ nope }", "application/json").await.status, 200);
    assert_eq!(send("{", GRAPHQL_RESPONSE).await.status, 400);
    let deep = format!("{{ me {{ plays {{ nodes {{ {} id {} }} }} }} }}", "user { plays { nodes { ".repeat(8), "} } }".repeat(8));
    let too_deep = answer(server.client().raw(Method::POST, "/graphql").json(&json!({ "query": deep }))).await;
    assert_eq!(too_deep.codes(), ["TOO_COMPLEX"], "{}", too_deep.text);
    // It ran, and a field failed.
    let failed = send("{ roles { id } }", GRAPHQL_RESPONSE).await;
    assert_eq!((failed.status, failed.codes()), (200, vec!["UNAUTHENTICATED"]));
}

#[tokio::test]
async fn pages_elsewhere_can_not_call() {
    let server = Server::start(Engine::Sqlite).await;
    let home = server.home.clone();
    let allowing = Server::start_on(home, &[("ALLOWED_ORIGINS", "https://app.example.org")]).await;
    let send = |server: &Server, origin: &str| {
        let request = server
            .client()
            .raw(Method::POST, "/graphql")
            .header("origin", origin)
            .json(&json!({ "query": "{ terms { version } }" }));
        async move { answer(request).await.status }
    };
    assert_eq!(send(&server, "https://app.example.org").await, 403);
    assert_eq!(send(&server, "null").await, 403);
    let rebound =
        server.client().raw(Method::POST, "/graphql").header("origin", "http://evil.example").header("host", "evil.example");
    assert_eq!(answer(rebound.json(&json!({ "query": "{ terms { version } }" }))).await.status, 403, "a name that points at us");
    assert_eq!(send(&server, &server.origin).await, 200);
    assert_eq!(send(&server, &server.url).await, 200, "GraphiQL under the address that was printed");
    assert_eq!(send(&allowing, "https://app.example.org").await, 200);
    let preflight = allowing
        .client()
        .raw(Method::OPTIONS, "/graphql")
        .header("origin", "https://app.example.org")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type,authorization")
        .send()
        .await
        .unwrap();
    assert_eq!(preflight.headers()["access-control-allow-origin"], "https://app.example.org");
    assert_eq!(preflight.headers()["access-control-allow-credentials"], "true");
}

#[tokio::test]
async fn a_batch_is_answered_one_after_the_other() {
    let server = Server::start(Engine::Sqlite).await;
    let somebody = server.somebody().await;
    let post = |body: serde_json::Value| {
        somebody.send_as(somebody.raw(Method::POST, "/graphql").header("accept", GRAPHQL_RESPONSE).json(&body))
    };
    let save = |completion: u8| json!({ "query": format!("mutation {{ saveJobsGame(input: {{ completion: {completion} }}) {{ revision }} }}") });
    let read = json!({ "query": "{ me { jobsGame { completion revision } } }" });
    let batch = post(json!([save(10), read, { "query": "{ nope }" }, { "query": "" }, save(101), save(20), read])).await;
    assert_eq!(batch.status, 200);
    let answers = batch.body.as_array().unwrap();
    assert_eq!(answers.len(), 7);
    assert_eq!(answers[1]["data"]["me"]["jobsGame"], json!({ "completion": 10.0, "revision": 1 }));
    for failed in [2, 3, 4] {
        assert_eq!(answers[failed]["errors"][0]["extensions"]["code"], "INVALID_INPUT", "{}", answers[failed]);
    }
    assert_eq!(answers[6]["data"]["me"]["jobsGame"], json!({ "completion": 20.0, "revision": 2 }), "what fails stops none");
    // Signing out ends what comes after it, as in requests of their own.
    let batch = post(json!([{ "query": "mutation { signOut }" }, { "query": "{ me { id } }" }])).await;
    assert_eq!(batch.body[1]["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{}", batch.text);
    for empty in [json!([]), json!([1]), json!(["{ __typename }"]), json!([{ "query": 1 }])] {
        let refused = post(empty).await;
        assert_eq!((refused.status, refused.codes()), (400, vec!["INVALID_INPUT"]));
    }
    let other = answer(server.client().raw(Method::PUT, "/graphql").body("{}")).await;
    assert_eq!((other.status, other.codes()), (405, vec!["INVALID_INPUT"]));
    // Each that signs in has its own cookie.
    let other = "{ __typename }";
    let signed_out = server.client().raw(Method::POST, "/graphql").header("origin", &server.origin);
    let batch = answer(signed_out.json(&json!([{ "query": sign_up("a") }, { "query": other }, { "query": sign_up("b") }]))).await;
    assert_eq!(batch.cookies.len(), 2, "{}", batch.text);
}

fn sign_up(name: &str) -> String {
    let email = crate::harness::unique_email(name);
    format!(r#"mutation {{ signUp(input: {{ email: "{email}", password: "trois petits chats" }}) {{ accessToken }} }}"#)
}

#[tokio::test]
async fn the_media_type_is_the_one_that_is_liked_better() {
    let server = Server::start(Engine::Sqlite).await;
    for (accept, newer) in [
        ("application/graphql-response+json", true),
        ("application/graphql-response+json, application/json;q=0.9", true),
        ("application/json;q=0.9, Application/GraphQL-Response+JSON", true),
        ("application/json, application/graphql-response+json;q=0.5", false),
        ("application/graphql-response+json;q=0, application/json", false),
        ("application/json", false),
        ("*/*", false),
    ] {
        let request = server.client().raw(Method::POST, "/graphql").header("accept", accept);
        let response = request.json(&json!({ "query": "{ __typename }" })).send().await.unwrap();
        let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
        assert_eq!(kind.starts_with(GRAPHQL_RESPONSE), newer, "{accept}: {kind}");
    }
    let head = server.client().raw(Method::HEAD, "/graphql?query=%7B__typename%7D").send().await.unwrap();
    assert_eq!(head.status(), 200);
}

/// A document that ran is kept, and is not looked at anew; the values that come with it are.
#[tokio::test]
async fn values_are_looked_at_each_time() {
    let server = Server::start(Engine::Sqlite).await;
    let somebody = server.somebody().await;
    let save = "mutation ($input: SaveScenarioGameInput!) { saveScenarioGame(input: $input) { id } }";
    let plays = "query ($first: Int, $after: String) { me { plays(first: $first, after: $after) { nodes { id } } } }";
    let kind = "query ($game: GameKind = JOBS, $id: ID!) { node(id: $id) { id } me { plays(game: $game) { nodes { id } } } }";
    let none = "VXNlcjox";
    // What is left out of them is as if its argument was not there, and so is what is wrong with it.
    let typo = "mutation ($l: Int) { saveScenarioGame(input: { completion: 5, currentLvl: $l }) { currentLevel } }";
    let unknown = "query ($f: Int) { terms(nope: $f) { version } }";
    let twice = "query ($f: Int) { me { plays(first: $f, first: 5) { nodes { id } } } }";
    let other = "query ($f: Int) { terms(version: $f) { version } }";
    let included = "query ($f: Boolean) { me { id @include(if: $f) } }";
    for (document, good, wrong) in [
        (
            save,
            json!({ "input": { "completion": 5 } }),
            vec![json!({}), json!({ "input": null }), json!({ "input": { "completion": "5" } })],
        ),
        (
            save,
            json!({ "input": { "traits": { "a": 1 } } }),
            vec![json!({ "input": { "traits": { "a": -1 } } }), json!({ "input": { "other": 1 } })],
        ),
        (
            plays,
            json!({ "first": 5 }),
            vec![json!({ "first": "5" }), json!({ "first": 500 }), json!({ "after": 1 }), json!({ "after": "x" })],
        ),
        (typo, json!({}), vec![json!({ "l": 7 })]),
        (unknown, json!({}), vec![json!({ "f": 5 })]),
        (twice, json!({}), vec![json!({ "f": 5 })]),
        (other, json!({}), vec![json!({ "f": 5 })]),
        (included, json!({ "f": true }), vec![json!({ "f": null })]),
        (kind, json!({ "game": "SPEED", "id": none }), vec![json!({ "game": "CHESS", "id": none }), json!({ "id": null })]),
    ] {
        for wrong in wrong {
            somebody.send(document, good.clone()).await.data();
            let known = somebody.send(document, wrong.clone()).await;
            // Another text, which was never seen.
            let new = somebody.send(&format!("{document} # {wrong}"), wrong.clone()).await;
            assert!(!known.codes().is_empty(), "{document} {wrong}: {}", known.text);
            assert_eq!((known.status, &known.text), (new.status, &new.text));
        }
    }
    // What is not in the schema is not kept.
    for _ in 0..2 {
        assert_eq!(somebody.send("{ me { shoeSize } }", Value::Null).await.codes(), ["INVALID_INPUT"]);
    }
}
