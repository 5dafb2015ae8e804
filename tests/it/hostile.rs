//! JSON that is sent to hurt: refused with a code, and nothing is changed. How quickly, the benchmark below prints.

use std::fmt::Write as _;
use std::time::Instant;

use serde_json::{Value, json};

use crate::harness::client::answer;
use crate::harness::game::game;
use crate::harness::{Answer, Client, Engine, Server, on_both_engines};

on_both_engines!(hostile_json_is_refused_and_changes_nothing);

/// What is sent as the JSON field of a save, by what it is.
fn documents() -> Vec<(&'static str, String)> {
    let keys = |count: usize| {
        let mut text = String::from("{");
        for key in 0..count {
            let _ = write!(text, "{}\"{key:x}\":0", if key == 0 { "" } else { "," });
        }
        text + "}"
    };
    vec![
        ("nested 17 deep", format!(r#"{{"a":{}0{}}}"#, "[".repeat(16), "]".repeat(16))),
        ("nested 100 deep", format!("{}{}", r#"{"a":"#.repeat(100), "0") + &"}".repeat(100)),
        ("nested 100,000 deep", "[".repeat(100_000) + &"]".repeat(100_000)),
        ("opened 300,000 times and never closed", "{\"a\":[".repeat(150_000)),
        ("10 MB of text", format!(r#"{{"a":"{}"}}"#, "x".repeat(10_000_000))),
        ("just under 1 MiB of text", format!(r#"{{"a":"{}"}}"#, "x".repeat(1_040_000))),
        ("a million keys", keys(1_000_000)),
        ("ninety thousand keys", keys(90_000)),
        ("ten thousand keys", keys(9_990)),
        ("501 keys", keys(501)),
        ("a long key over many items", format!(r#"{{"{}":[{}0]}}"#, "k".repeat(500_000), "0,".repeat(250_000))),
        (
            "sixteen long keys over many items",
            format!("{}[{}0]{}", format!(r#"{{"{}":"#, "k".repeat(199)).repeat(15), "\"\",".repeat(300_000), "}".repeat(15)),
        ),
        ("a long key twice", format!(r#"{{"{0}":1,"{0}":2}}"#, "k".repeat(400_000))),
        ("a key twice", r#"{"empathie":1,"patience":2,"empathie":3}"#.to_owned()),
        ("a key twice, once escaped", r#"{"empathie":1,"\u0065mpathie":3}"#.to_owned()),
        ("a key twice, deep", r#"{"a":[{"b":{"c":1,"c":1}}]}"#.to_owned()),
        ("a lone surrogate", r#"{"a":"\ud83d"}"#.to_owned()),
        ("a lone trailing surrogate", r#"{"\udd8a":1}"#.to_owned()),
        ("a number beyond a double", r#"{"a":1e999}"#.to_owned()),
        ("a number of a million digits", format!(r#"{{"a":{}}}"#, "9".repeat(1_000_000))),
        ("a number of thirty digits", r#"{"a":123456789012345678901234567890}"#.to_owned()),
        ("a number below 64 bits", r#"{"a":-9223372036854775809}"#.to_owned()),
        ("a number beyond 64 bits", r#"{"a":18446744073709551616}"#.to_owned()),
        ("a great double", r#"{"a":-1e300}"#.to_owned()),
        ("NaN", r#"{"a":NaN}"#.to_owned()),
        ("Infinity", r#"{"a":-Infinity}"#.to_owned()),
        ("NaN as a text", r#"{"a":"NaN"}"#.to_owned()),
        ("no UTF-8", String::from("{\"a\":\"\u{fffd}\"}")),
        ("NUL", r#"{"a":"\u0000"}"#.to_owned()),
        ("NUL in a key", r#"{"a\u0000":1}"#.to_owned()),
        ("a control character", "{\"a\":\"\u{1}\"}".to_owned()),
        ("an end too much", r#"{"a":1}}"#.to_owned()),
        ("a comma too much", r#"{"a":1,}"#.to_owned()),
        ("single quotes", "{'a':1}".to_owned()),
        ("a comment", "{\"a\":1 /* one */}".to_owned()),
        ("the prototype", r#"{"__proto__":{"a":1}}"#.to_owned()),
        ("the library's own key", r#"{"$serde_json::private::RawValue":"[1]"}"#.to_owned()),
        ("the library's own key for numbers", r#"{"a":{"$serde_json::private::Number":"1"}}"#.to_owned()),
    ]
}

/// Sends the text as it is.
async fn send(somebody: &Client, document: &str) -> Answer {
    let mut body = format!(r#"{{"query":{},"variables":{{"input":{{"traits":{document}}}}}}}"#, json!(game("scenario").query()))
        .into_bytes();
    if let Some(at) = body.windows(3).position(|bytes| bytes == "\u{fffd}".as_bytes()) {
        body.splice(at..at + 3, [0xff]);
    }
    let request = somebody.raw(reqwest::Method::POST, "/graphql").header("content-type", "application/json");
    answer(request.bearer_auth(somebody.access_token.as_ref().unwrap()).body(body)).await
}

async fn hostile_json_is_refused_and_changes_nothing(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    game("scenario").save(&somebody, json!({ "traits": { "empathie": 1 } })).await.data();
    let before = game("scenario").newest(&somebody).await;
    for (what, document) in documents() {
        let refused = send(&somebody, &document).await;
        assert_eq!(refused.codes(), ["INVALID_INPUT"], "{what}: {}", &refused.text.chars().take(300).collect::<String>());
        assert!(refused.text.len() < 4_000, "{what}: {} bytes come back", refused.text.len());
        assert_eq!(game("scenario").newest(&somebody).await, before, "{what}");
    }
    // As literals of the query, and by GET.
    for literal in [
        "{a: 1, a: 2}",
        "{a: {b: 1 b: 2}}",
        "[[{a: 1}, {a: 1, b: 2, a: 1}]]",
        "{a: 1e999}",
        "{a: 123456789012345678901234567890}",
    ] {
        let query = format!("mutation {{ saveScenarioGame(input: {{ traits: {literal} }}) {{ revision }} }}");
        let refused = somebody.send(&query, Value::Null).await;
        assert_eq!(refused.codes(), ["INVALID_INPUT"], "{literal}: {}", refused.text);
    }
    let by_get = "/graphql?query=query%20(%24id%3AID!)%7Bnode(id%3A%24id)%7Bid%7D%7D&variables=%7B%22id%22%3A%22a%22%2C%22id%22%3A%22b%22%7D";
    let by_get = somebody.raw(reqwest::Method::GET, by_get);
    assert_eq!(answer(by_get).await.codes(), ["INVALID_INPUT"]);
    assert_eq!(game("scenario").newest(&somebody).await, before);
    assert!(!server.log().contains("panicked"));
}

#[tokio::test]
#[ignore = "a benchmark"]
async fn bench_hostile_json() {
    let server = Server::start(Engine::Postgres).await;
    let somebody = server.somebody().await;
    let (mut longest, mut which) = (std::time::Duration::ZERO, "");
    for (what, document) in documents() {
        let mut times: Vec<_> = Vec::new();
        for _ in 0..10 {
            let begun = Instant::now();
            send(&somebody, &document).await;
            times.push(begun.elapsed());
        }
        times.sort_unstable();
        println!("{what}: median {:?}, longest {:?}, {} bytes", times[5], times[9], document.len());
        if times[9] > longest {
            (longest, which) = (times[9], what);
        }
    }
    println!("the longest of all: {longest:?}, {which}");
}
