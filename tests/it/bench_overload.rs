//! How it is under four times the load that it holds, and with ten thousand connections that do nothing; prints figures:
//! `RUST_TEST_THREADS=1 tests/run --release bench_overload --ignored --nocapture`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::AsyncWriteExt;

use crate::harness::game::{game, play_session};
use crate::harness::load::{Connection, Outcomes, memory, post};
use crate::harness::{Engine, Home, Server};
use crate::overload::{ME, connect, rush};

/// What people ask for.
#[derive(Clone, Copy, Debug)]
enum Ask {
    /// All that is theirs.
    Me,
    /// To save an answer.
    Save,
    /// Half of them one, half the other.
    Both,
}

/// Those who ask: enough that they do not wait for each other.
const PEOPLE: usize = 64;

async fn requests(server: &Server, ask: Ask) -> Vec<Vec<u8>> {
    let save = game("scenario").query();
    let mut requests = Vec::new();
    for number in 0..PEOPLE {
        let somebody = server.somebody().await;
        play_session(&somebody).await;
        let body = match (ask, number % 2) {
            (Ask::Me, _) | (Ask::Both, 0) => json!({ "query": ME }),
            _ => json!({ "query": save, "variables": { "input": { "traits": { "answer": number } } } }),
        };
        requests.push(post(somebody.access_token.as_deref(), &body));
    }
    requests
}

/// As many requests a second as wanted, on so many connections; a connection whose turn comes before it has its answer is late.
async fn at_rate(url: &str, requests: &[Vec<u8>], rate: f64, connections: u32, time: Duration) -> Outcomes {
    let begun = Instant::now();
    let pause = Duration::from_secs_f64(f64::from(connections) / rate);
    let tasks: Vec<_> = (0..connections)
        .map(|number| {
            let (mut connection, request) = (Connection::to(url), requests[number as usize % requests.len()].clone());
            tokio::spawn(async move {
                let mut outcomes = Outcomes::default();
                let mut turns = tokio::time::interval_at((begun + pause * number / connections).into(), pause);
                turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
                while begun.elapsed() < time {
                    turns.tick().await;
                    let sent = Instant::now();
                    let reply = connection.send(&request).await;
                    outcomes.add(begun, sent, &reply);
                }
                outcomes
            })
        })
        .collect();
    let mut all = Outcomes::default();
    for task in tasks {
        all.0.extend(task.await.unwrap().0);
    }
    all
}

/// What it holds, then four times as much, then nothing: who is let in is answered as fast as ever.
async fn overload(engine: Engine, ask: Ask) {
    let home = Arc::new(Home::migrated(engine).await);
    let server = Server::start_on(home, &[("LOG", "warn"), ("DATABASE_CONNECTIONS", "10"), ("REQUESTS_AT_ONCE", "")]).await;
    let process = server.children[0].id().unwrap();
    let requests = requests(&server, ask).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    println!("{engine:?}, {ask:?}: idle, {} MB", memory(process).0 / 1_000_000);
    let idle = at_rate(&server.url, &requests, 50.0, 4, Duration::from_secs(10)).await;
    println!("  50 requests/s: {}", idle.told());
    let full = rush(&server.url, &requests, 24, Duration::from_secs(8)).await;
    #[allow(clippy::cast_precision_loss, reason = "a rate")]
    let holds = full.of("OK").0.len() as f64 / 8.0;
    println!("  it holds {holds:.0} requests/s: {}", full.told());
    let time = time();
    let more = at_rate(&server.url, &requests, holds * 4.0, 400, time).await;
    let seconds = time.as_secs();
    println!("  four times as much for {time:?}: {} sent/s, {}", more.0.len() as u64 / seconds, more.told());
    println!("  answered each second: {:?}", more.per_second(seconds));
    println!("  refused: median {:?}, p99 {:?}", more.failed().quantile(0.5), more.failed().quantile(0.99));
    println!("  memory at most {} MB", memory(process).1 / 1_000_000);
    let again = rush(&server.url, &requests, 24, Duration::from_secs(5)).await;
    println!("  at once afterwards, each second: {:?}; {}", again.per_second(5), again.told());
    let idle_again = at_rate(&server.url, &requests, 50.0, 4, Duration::from_secs(5)).await;
    println!("  50 requests/s: {}; memory {} MB", idle_again.told(), memory(process).0 / 1_000_000);
    let (under_load, idle) = (more.of("OK").quantile(0.99), idle.quantile(0.99));
    println!(
        "  p99 of who was let in: {under_load:?}, {:.1} times the idle {idle:?}",
        under_load.as_secs_f64() / idle.as_secs_f64()
    );
}

/// How long there is four times as much: `OVERLOAD_SECONDS`, 120 otherwise.
fn time() -> Duration {
    let seconds = std::env::var("OVERLOAD_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(120))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a benchmark"]
async fn me_on_sqlite() {
    overload(Engine::Sqlite, Ask::Me).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a benchmark"]
async fn saves_on_sqlite() {
    overload(Engine::Sqlite, Ask::Save).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a benchmark"]
async fn both_on_sqlite() {
    overload(Engine::Sqlite, Ask::Both).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a benchmark"]
async fn me_on_postgres() {
    overload(Engine::Postgres, Ask::Me).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a benchmark"]
async fn saves_on_postgres() {
    overload(Engine::Postgres, Ask::Save).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a benchmark"]
async fn both_on_postgres() {
    overload(Engine::Postgres, Ask::Both).await;
}

/// Ten thousand who say nothing, and five hundred who never come to the end of their headers.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a benchmark: it wants 22,000 file descriptors, ulimit -n"]
async fn idle_connections() {
    let home = Arc::new(Home::migrated(Engine::Postgres).await);
    let server = Server::start_on(home, &[("LOG", "warn"), ("MAX_CONNECTIONS", "12000"), ("REQUESTS_AT_ONCE", "")]).await;
    let process = server.children[0].id().unwrap();
    let somebody = server.somebody().await;
    play_session(&somebody).await;
    let before = memory(process).0;
    let mut idle = Vec::new();
    for _ in 0..10_000 {
        idle.push(connect(&server).await);
    }
    let mut loris = Vec::new();
    for _ in 0..500 {
        let mut stream = connect(&server).await;
        stream.write_all(b"POST /graphql HTTP/1.1\r\nhost: localhost\r\n").await.unwrap();
        loris.push(tokio::spawn(async move {
            while stream.write_all(b"x-more: 1\r\n").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }));
    }
    let request = post(somebody.access_token.as_deref(), &json!({ "query": ME }));
    let outcomes = at_rate(&server.url, std::slice::from_ref(&request), 50.0, 4, Duration::from_secs(20)).await;
    let after = memory(process).0;
    println!("10,000 idle, 500 slow-loris: me {}", outcomes.told());
    println!(
        "  longest {:?}; memory {} MB, {} MB with the connections",
        outcomes.quantile(1.0),
        before / 1_000_000,
        after / 1_000_000
    );
    let slow = outcomes.0.iter().filter(|outcome| outcome.took > Duration::from_millis(25));
    println!("  slower than 25 ms, and when: {:?}", slow.map(|outcome| (outcome.took, outcome.ended)).collect::<Vec<_>>());
    let mut others = Outcomes::default();
    for _ in 0..50 {
        let sent = Instant::now();
        let reply = Connection::to(&server.url).send(&request).await;
        others.add(sent, sent, &reply);
    }
    println!("  each on a new connection: {}", others.told());
    assert!(outcomes.failed().0.is_empty() && outcomes.quantile(1.0) < Duration::from_millis(50));
    loris.iter().for_each(tokio::task::JoinHandle::abort);
}
