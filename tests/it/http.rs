//! GraphQL over HTTP, and the pages beside it.

use std::fmt::Write as _;

use reqwest::Method;
use serde_json::json;

use crate::harness::client::answer;
use crate::harness::game::game;
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
async fn documents_that_would_cost_too_much_are_refused_before_they_are_read() {
    let server = Server::start(Engine::Sqlite).await;
    let lists = format!("{{ terms(version: {}1{}) {{ id }} }}", "[".repeat(5000), "]".repeat(5000));
    let objects = format!("{{ terms(version: {}1{}) {{ id }} }}", "{a:".repeat(5000), "}".repeat(5000));
    let fields = "{ me ".repeat(5000);
    let mut spreads = "query { me { ...F0 } }".to_owned();
    for number in 0..40 {
        let next = number + 1;
        write!(spreads, " fragment F{number} on User {{ id ...F{next} ...F{next} }}").unwrap();
    }
    spreads += " fragment F40 on User { id }";
    // To the parser a block string that has no end is an empty string, with something after it.
    let hidden = format!("{{ terms(version: [\"\"\"x\" {}{}]) {{ id }} }}", "[".repeat(600), "]".repeat(600));
    let wide = format!("{{ {} }} fragment F on Query {{ {} }}", "...F ".repeat(400), "__typename ".repeat(5000));
    for query in [lists, objects, fields, spreads, hidden, wide] {
        let began = std::time::Instant::now();
        let refused = answer(server.client().raw(Method::POST, "/graphql").json(&json!({ "query": query }))).await;
        assert_eq!((refused.status, refused.codes()), (400, vec!["TOO_COMPLEX"]), "{}", &query[..60]);
        assert!(began.elapsed() < std::time::Duration::from_secs(2), "{:?}", began.elapsed());
    }
    // Many variables are read in a time that grows with their number.
    let mut variables = "query (".to_owned();
    for number in 0..40_000 {
        write!(variables, "$a{number}: Int ").unwrap();
    }
    variables += ") { __typename }";
    let began = std::time::Instant::now();
    answer(server.client().raw(Method::POST, "/graphql").json(&json!({ "query": variables }))).await;
    assert!(began.elapsed() < std::time::Duration::from_secs(3), "{:?}", began.elapsed());
    // As deep as is read, in one part and in a chain of them.
    let deepest = format!("{{ terms(version: {}1{}) {{ id }} }}", "[".repeat(62), "]".repeat(62));
    let mut chain = "query { me { ...F0 } }".to_owned();
    for number in 0..50 {
        let next = number + 1;
        write!(chain, " fragment F{number} on User {{ plays {{ nodes {{ user {{ ...F{next} }} }} }} }}").unwrap();
    }
    chain += " fragment F50 on User { id }";
    for query in [deepest, chain] {
        let refused = answer(server.client().raw(Method::POST, "/graphql").json(&json!({ "query": query }))).await;
        assert!(refused.status == 200 && !refused.codes().is_empty(), "{} {}", refused.status, refused.text);
    }
    // A fragment that leads to itself is validation's to refuse.
    let circle = "query { me { ...A } } fragment A on User { id ...B } fragment B on User { ...A }";
    let refused = answer(server.client().raw(Method::POST, "/graphql").json(&json!({ "query": circle }))).await;
    assert_eq!(refused.codes().first(), Some(&"INVALID_INPUT"), "{}", refused.text);
    assert_eq!(server.client().data("{ terms { version } }").await["terms"]["version"], "1.0", "it is still there");
}

#[tokio::test]
async fn lists_in_lists_are_refused_before_a_statement_runs() {
    let server = Server::start(Engine::Sqlite).await;
    let somebody = server.somebody().await;
    let levels = |count: usize| {
        let open = "plays(first: 10) { nodes { user { ".repeat(count);
        format!("{{ me {{ {open} id {} }} }}", "} } }".repeat(count))
    };
    let refused = somebody.send(&levels(5), serde_json::Value::Null).await;
    assert_eq!(refused.codes(), ["TOO_COMPLEX"], "{}", refused.text);
    assert_eq!(server.statements(&refused).await, Vec::<String>::new());
    somebody.send(&levels(2), serde_json::Value::Null).await.data();
}

/// However often a query asks for the same under other names, what it gives is bounded.
#[tokio::test]
async fn what_was_played_is_given_up_to_a_bound() {
    let server = Server::start(Engine::Sqlite).await;
    let somebody = server.somebody().await;
    for save in 0..9 {
        let traits = (0..450).map(|key| (format!("trait{:04}", save * 450 + key), json!(1))).collect::<serde_json::Map<_, _>>();
        game("scenario").save(&somebody, json!({ "traits": traits })).await.data();
    }
    let asked = |count: usize, field: &str| {
        let fields = (0..count).fold(String::new(), |mut fields, number| {
            let _ = write!(fields, "a{number}: {field} ");
            fields
        });
        let somebody = &somebody;
        async move { somebody.send(&format!("{{ me {{ {fields} }} }}"), serde_json::Value::Null).await }
    };
    for (count, field) in [(20, "insights { traits { ranked { name points } } }"), (200, "scenarioGame { traits }")] {
        asked(count, field).await.data();
        let refused = asked(5 * count, field).await;
        assert!(refused.codes().contains(&"TOO_COMPLEX"), "{}", &refused.text[..200]);
        assert!(refused.text.len() < 32 * 1024 * 1024, "{} bytes", refused.text.len());
    }
    // What anybody may ask, too.
    let schemas = (0..300).map(|number| format!("a{number}: gameCatalogue {{ jsonSchemas }}")).collect::<Vec<_>>().join(" ");
    assert_eq!(server.client().send(&format!("{{ {schemas} }}"), serde_json::Value::Null).await.codes(), ["TOO_COMPLEX"]);
    let name = server.client().send(&format!("{{ {} }}", "x".repeat(300_000)), serde_json::Value::Null).await;
    assert!(name.codes() == ["TOO_COMPLEX"] && name.text.len() < 300, "{}", name.text.len());
    let saves = |count: usize| {
        (0..count).map(|number| format!("a{number}: saveJobsGame(input: {{}}) {{ id }}")).collect::<Vec<_>>().join(" ")
    };
    somebody.data(&format!("mutation {{ {} }}", saves(50))).await;
    let refused = somebody.send(&format!("mutation {{ {} }}", saves(101)), serde_json::Value::Null).await;
    assert_eq!(refused.codes(), ["TOO_COMPLEX"]);
    assert_eq!(game("jobs").newest(&somebody).await["revision"], 50, "a request that is refused saves nothing");
}
