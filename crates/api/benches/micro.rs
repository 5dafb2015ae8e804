//! What the parts of a request cost, besides the database: `cargo bench`. Each looks at what came out, so that nothing is measured that
//! does not work.

#![allow(clippy::unwrap_used, reason = "a benchmark stops where something is not as it should be")]

use async_graphql::{Name, Response, Value};
use autrement::micro::{self, Micro};
use divan::{Bencher, black_box};
use serde_json::json;

/// The screen that every front end opens with: twelve relations.
const ME: &str = include_str!("../../../bench/peers/autrement/queries/me.graphql");

fn main() {
    divan::main();
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

#[divan::bench]
fn parse_me(bencher: Bencher) {
    bencher.bench(|| async_graphql_parser::parse_query(black_box(ME)).unwrap());
}

#[divan::bench]
fn parse_me_and_check_its_size(bencher: Bencher) {
    let micro = Micro::default();
    assert!(micro.check_size(ME));
    bencher.bench(|| micro.check_size(black_box(ME)));
}

#[divan::bench]
fn take_me_as_a_known_document(bencher: Bencher) {
    let micro = Micro::default();
    micro.keep(ME);
    assert!(micro.check_known(ME));
    bencher.bench(|| micro.check_known(black_box(ME)));
}

#[divan::bench]
fn parse_and_validate_me(bencher: Bencher) {
    let (micro, runtime) = (Micro::default(), runtime());
    // Valid: it got as far as looking for the operation.
    assert_eq!(runtime.block_on(micro.validate(ME)), "Unknown operation named \"NoneOfThem\"");
    bencher.bench(|| runtime.block_on(micro.validate(black_box(ME))));
}

/// What metrics cost: alone, and where the two processors of a small machine count at once.
#[divan::bench(threads = [1, 2])]
fn count_a_request(bencher: Bencher) {
    let counts = micro::Counts::default();
    bencher.bench(|| counts.one());
}

#[divan::bench]
fn verify_a_token(bencher: Bencher) {
    let micro = service::micro::Micro::new("").unwrap();
    assert_eq!(micro.verify_token(), Some(1000));
    bencher.bench(|| micro.verify_token());
}

/// Fields of so many bytes: a name, an address, what a room holds.
#[divan::bench(args = [12, 60, 1000])]
fn open_a_sealed_field(bencher: Bencher, length: usize) {
    let micro = service::micro::Micro::new(&"x".repeat(length)).unwrap();
    assert_eq!(micro.open_field().unwrap().len(), length);
    bencher.bench(|| micro.open_field().unwrap());
}

/// What a play holds: `count` objects of some 60 bytes.
fn played(count: usize) -> String {
    let objects = (0..count).map(|level| json!({ "level": level, "correct": true, "attempts": 2, "timeMs": 12_345 }));
    serde_json::Value::Array(objects.collect()).to_string()
}

/// An answer like that of `me`: seven plays, whose JSON goes through as it is stored.
fn answer(json: &str) -> Response {
    let play = |number: usize| {
        let fields = [("id", Value::from("am9iczox")), ("completion", Value::from(37.5)), ("json", micro::pass_json(json))];
        (
            Name::new(format!("game{number}")),
            Value::Object(fields.into_iter().map(|(name, value)| (Name::new(name), value)).collect()),
        )
    };
    let plays = (1..=7).map(play);
    Response::new(Value::Object(plays.collect()))
}

#[divan::bench(args = [1, 10, 100])]
fn pass_stored_json(bencher: Bencher, count: usize) {
    let json = played(count);
    bencher.bench(|| micro::pass_json(black_box(&json)));
}

#[divan::bench(args = [1, 10, 100])]
fn serialise_seven_plays(bencher: Bencher, count: usize) {
    let json = played(count);
    let response = answer(&json);
    let body = String::from_utf8(micro::serialise(&response)).unwrap();
    assert_eq!(body.matches(&json).count(), 7, "{body}");
    bencher.bench(|| micro::serialise(black_box(&response)));
}
