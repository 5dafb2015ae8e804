//! Bytes and documents that nobody thought of: no panic, no fault of ours, and what is accepted comes back as it was sent.

use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::harness::client::answer;
use crate::harness::game::{GAMES, session};
use crate::harness::{Answer, Client, Engine, Server, on_both_engines};

on_both_engines!(no_bytes_are_a_fault_of_ours);

/// Pieces that parsers trip over.
const PIECES: [&str; 24] = [
    "{",
    "}",
    "[",
    "]",
    "\"",
    ":",
    ",",
    "null",
    "true",
    "-",
    "1e308",
    "1e-400",
    "0.1e1",
    "18446744073709551616",
    "\\u0000",
    "\\ud800",
    "\\",
    "é",
    "\u{feff}",
    "$serde_json::private::RawValue",
    "/* */",
    "\u{0}",
    "{\"room\":",
    "\"mode\":\"REPLACE\",",
];

#[derive(Clone, Debug)]
enum Change {
    Flip(prop::sample::Index, u8),
    Cut(prop::sample::Index, u8),
    Insert(prop::sample::Index, usize),
    Repeat(prop::sample::Index, u8),
}

/// A request of a real save with some of its bytes changed.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let change = prop_oneof![
        (any::<prop::sample::Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Flip(at, byte)),
        (any::<prop::sample::Index>(), 1_u8..20).prop_map(|(at, count)| Change::Cut(at, count)),
        (any::<prop::sample::Index>(), 0..PIECES.len()).prop_map(|(at, piece)| Change::Insert(at, piece)),
        (any::<prop::sample::Index>(), 1_u8..40).prop_map(|(at, count)| Change::Repeat(at, count)),
    ];
    (0..GAMES.len(), vec(change, 1..6)).prop_map(|(game, changes)| {
        let game = &GAMES[game];
        let input = session()["games"][game.name].to_string();
        // Most changes are to hit the input.
        let head = format!(r#"{{"query":{},"variables":{{"input":"#, json!(game.query()));
        let mut bytes = input.into_bytes();
        for change in changes {
            match change {
                Change::Flip(at, byte) if !bytes.is_empty() => {
                    let at = at.index(bytes.len());
                    bytes[at] ^= byte;
                }
                Change::Cut(at, count) if !bytes.is_empty() => {
                    let at = at.index(bytes.len());
                    let end = (at + usize::from(count)).min(bytes.len());
                    bytes.drain(at..end);
                }
                Change::Insert(at, piece) => {
                    let at = at.index(bytes.len() + 1);
                    bytes.splice(at..at, PIECES[piece].bytes());
                }
                Change::Repeat(at, count) if !bytes.is_empty() => {
                    let at = at.index(bytes.len());
                    let byte = bytes[at];
                    bytes.splice(at..at, std::iter::repeat_n(byte, usize::from(count)));
                }
                _ => {}
            }
        }
        [head.as_bytes(), &bytes, b"}}"].concat()
    })
}

/// Any document, with the keys and words of the games more often than others.
fn document() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        prop::sample::select(vec![
            "1",
            "2",
            "Strong",
            "Weak",
            "Unknow",
            "Dessin",
            "like",
            "success",
            "wpm",
            "accuracy",
            "errors",
            "room",
            "objectType",
            "position",
            "x",
            "noiseVolume",
            "userFeedback",
            "calm",
            "empathy",
            "empathie",
            "timeouts",
            "",
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0..12).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 60, 8, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..8).prop_map(Value::from),
            vec((word.clone(), inner), 0..8).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A document that is valid for the field of this place, in whatever words.
fn valid(place: usize) -> BoxedStrategy<Value> {
    let name = || "\\PC{1,40}";
    let object = |members: BoxedStrategy<Value>| {
        vec((name(), members), 0..12).prop_map(|members| Value::Object(members.into_iter().collect()))
    };
    let number = || prop_oneof![(0..1000).prop_map(Value::from), (0.0..1000.0).prop_map(Value::from)].boxed();
    match place {
        0 => object((0..1_000_000).prop_map(Value::from).boxed()).boxed(),
        1 => object(number()).boxed(),
        3 => object(prop::sample::select(vec!["like", "dislike", "unknown"]).prop_map(Value::from).boxed()).boxed(),
        6 => object(Just(json!({})).boxed()).prop_map(|labels| json!({ "Strong": labels })).boxed(),
        7 => vec((name(), document(), number()), 0..4)
            .prop_map(|items| items.into_iter().map(|(room, more, x)| json!([{ "room": room, "commentary": room, "more": more }, { "objectType": room, "position": { "x": x } }])).next().unwrap_or(json!([])))
            .boxed(),
        _ => document().boxed(),
    }
}

/// The answer is one that a client can work with.
fn check(answer: &Answer, sent: &str) {
    let known = ["INVALID_INPUT", "CONFLICT", "NOT_FOUND", "TOO_COMPLEX"];
    assert!(answer.status < 500, "{} {}\n{sent}", answer.status, answer.text);
    assert!(answer.body.is_object(), "{}\n{sent}", answer.text);
    assert!(answer.codes().iter().all(|code| known.contains(code)), "{}\n{sent}", answer.text);
}

async fn send_bytes(somebody: &Client, bytes: Vec<u8>) {
    let sent = bytes.escape_ascii().to_string();
    let request = somebody.raw(reqwest::Method::POST, "/graphql").header("content-type", "application/json");
    check(&answer(request.bearer_auth(somebody.access_token.as_ref().unwrap()).body(bytes)).await, &sent);
}

/// Saves a document as it is, and gives whether it was accepted.
async fn send_document(somebody: &Client, place: usize, document: Value) -> bool {
    let fields: Vec<_> = GAMES
        .iter()
        .flat_map(|game| game.holds.iter().filter(|field| **field != "currentLevel").map(move |field| (game, *field)))
        .collect();
    let (game, field) = fields[place];
    let sent = document.to_string();
    let answer = game.save(somebody, json!({ field: document, "mode": "REPLACE" })).await;
    check(&answer, &sent);
    if answer.codes().is_empty() {
        assert_eq!(answer.data()["play"][field].to_string(), sent, "{field}");
    }
    answer.codes().is_empty()
}

/// How many JSON fields the games have.
const PLACES: usize = 8;

/// Runs until the time is up or as many rounds of three were tried; gives how many requests that were, and how many saves were accepted.
async fn fuzz(server: &Server, rounds: usize, time: Duration) -> (usize, usize) {
    let somebody = server.somebody().await;
    let mut runner = TestRunner::new(Config::default());
    let (bytes, document) = (bytes(), document());
    let valid: Vec<_> = (0..PLACES).map(valid).collect();
    let (begun, mut round, mut accepted) = (Instant::now(), 0, 0);
    while round < rounds && begun.elapsed() < time {
        let place = round % PLACES;
        send_bytes(&somebody, bytes.new_tree(&mut runner).unwrap().current()).await;
        send_document(&somebody, place, document.new_tree(&mut runner).unwrap().current()).await;
        accepted += usize::from(send_document(&somebody, place, valid[place].new_tree(&mut runner).unwrap().current()).await);
        round += 1;
    }
    // What was accepted meanwhile can be read, and read as what it means.
    somebody.data("{ me { progress { completion } insights { traits { ranked { name } } logic { score } typing { accuracy } jobs { liked }
        skills { strong } room { preferred { room } difficult { room } tried { room } objects { name } } } } }").await;
    assert!(!server.log().contains("panicked"), "{}", server.log());
    (3 * round, accepted)
}

async fn no_bytes_are_a_fault_of_ours(engine: Engine) {
    let server = Server::start(engine).await;
    let (_, accepted) = fuzz(&server, 200, Duration::MAX).await;
    assert!(accepted > 50, "only {accepted} of the valid ones were accepted");
}

/// `FUZZ_SECONDS` says for how long.
#[tokio::test]
#[ignore = "takes as long as it is told"]
async fn fuzz_for_long() {
    let seconds = std::env::var("FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(600);
    let (mut tried, mut accepted, begun) = (0, 0, Instant::now());
    while begun.elapsed() < Duration::from_secs(seconds) {
        let engine = if (begun.elapsed().as_secs() / 60).is_multiple_of(2) { Engine::Sqlite } else { Engine::Postgres };
        let server =
            Server::start_on(std::sync::Arc::new(crate::harness::Home::migrated(engine).await), &[("LOG", "warn")]).await;
        // A server a minute: an access token is good for fifteen.
        let (more, accepted_of_them) = fuzz(&server, usize::MAX, Duration::from_mins(1)).await;
        (tried, accepted) = (tried + more, accepted + accepted_of_them);
    }
    println!(
        "{tried} requests in {:?}; of the third that is mostly valid {accepted} were accepted and came back as sent",
        begun.elapsed()
    );
}
