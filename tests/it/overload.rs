//! More comes than can be answered: connections that do nothing, headers and bodies that never end, and more requests than the processors can
//! do. The long forms print figures: `tests/run --release bench_overload --ignored --nocapture`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::errors::hold;
use crate::harness::load::{Connection, Outcomes, memory, post};
use crate::harness::{Client, Engine, Home, Server, on_both_engines};

on_both_engines!(what_is_too_much_is_refused_at_once, who_is_refused_while_they_send_reads_it, a_place_is_not_held_by_who_waits);

const ME: &str = "{ me { username role { roleName } detail { firstName } avatar { avatarColor } passions { passionText } \
    scenarioGame { traits } shapeSequenceGame { levelResults } jobsGame { jobChoices } speedGame { levelStats } \
    abilitiesGame { skillAssessment } skillsGame { skillsAssessment } roomEnvGame { roomData } } }";

async fn start(settings: &[(&str, &str)]) -> Server {
    Server::start_on(Arc::new(Home::migrated(Engine::Sqlite).await), settings).await
}

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.url.trim_start_matches("http://")).await.unwrap()
}

/// Whether the service has closed a connection, or does so in this time.
async fn closes(stream: &mut TcpStream, within: Duration) -> bool {
    matches!(tokio::time::timeout(within, stream.read_u8()).await, Ok(Err(_)))
}

#[tokio::test]
async fn connections_of_no_use_are_closed() {
    let server = start(&[("IDLE_SECONDS", "2")]).await;
    let mut says_nothing = connect(&server).await;
    let mut never_ends = connect(&server).await;
    never_ends.write_all(b"POST /graphql HTTP/1.1\r\nhost: localhost\r\n").await.unwrap();
    let mut is_of_use = Connection::to(&server.url);
    let request = post(None, &json!({ "query": "{ terms { version } }" }));
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(5) {
        // A header more each time: it is as idle all the same.
        let _ = never_ends.write_all(b"x-more: 1\r\n").await;
        is_of_use.open().await.unwrap().set_nodelay(true).unwrap();
        assert_eq!(is_of_use.send(&request).await.unwrap().status, 200);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let at_once = Duration::from_millis(100);
    assert!(closes(&mut says_nothing, at_once).await, "it said nothing for five seconds");
    assert!(closes(&mut never_ends, at_once).await, "its headers did not end for five seconds");
}

#[tokio::test]
async fn the_longest_idle_make_room() {
    let server = start(&[("MAX_CONNECTIONS", "20")]).await;
    let mut idle = Vec::new();
    for _ in 0..60 {
        idle.push(connect(&server).await);
        // One after the other: the service tells them apart by milliseconds.
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    assert_eq!(server.client().send("{ terms { version } }", Value::Null).await.status, 200);
    let mut closed = Vec::new();
    for stream in &mut idle {
        closed.push(closes(stream, Duration::from_millis(50)).await);
    }
    assert!(closed[..40].iter().all(|closed| *closed) && !closed[45..].iter().any(|closed| *closed), "{closed:?}");
}

/// Whoever comes while the service is busy for a moment is connected: a try again would come a second later.
#[tokio::test]
async fn a_class_that_comes_at_once_is_connected() {
    let server = start(&[]).await;
    server.signal("-STOP");
    let mut class = Vec::new();
    // More than the 128 that are usual.
    for _ in 0..300 {
        let connected = tokio::time::timeout(Duration::from_millis(900), connect(&server)).await;
        class.push(connected.unwrap_or_else(|_| panic!("{} were connected", class.len())));
    }
    server.signal("-CONT");
    assert_eq!(server.client().send("{ terms { version } }", Value::Null).await.status, 200);
}

/// Bodies that are sent slowly hold their connections, and none of the places.
#[tokio::test]
async fn slow_bodies_hold_no_place() {
    let server = start(&[("REQUESTS_AT_ONCE", "1"), ("REQUEST_SECONDS", "2")]).await;
    let mut slow = Vec::new();
    for _ in 0..40 {
        let mut stream = connect(&server).await;
        let head =
            b"POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{";
        stream.write_all(head).await.unwrap();
        slow.push(stream);
    }
    assert_eq!(server.client().send("{ terms { version } }", Value::Null).await.status, 200);
    let mut answer = [0; 12];
    for mut stream in slow {
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 408");
    }
}

/// What has arrived of bodies takes 64 MiB at most, however many there are.
#[tokio::test]
async fn bodies_take_bounded_memory() {
    let server = start(&[("LOG", "info")]).await;
    let process = server.children[0].id().unwrap();
    let before = memory(process).0;
    let almost = vec![b' '; 1024 * 1024 - 1];
    let mut open = Vec::new();
    for _ in 0..100 {
        let mut stream = connect(&server).await;
        let head =
            b"POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 1048576\r\n\r\n";
        stream.write_all(head).await.unwrap();
        // It is cut short where there is no room.
        let _ = stream.write_all(&almost).await;
        open.push(stream);
    }
    let mut refused = 0;
    for stream in &mut open {
        let mut answer = [0; 12];
        let answered = tokio::time::timeout(Duration::from_millis(50), stream.read_exact(&mut answer)).await;
        if answered.is_ok_and(|read| read.is_err() || &answer == b"HTTP/1.1 503") {
            refused += 1;
        }
    }
    assert!((30..=40).contains(&refused), "{refused} of 100 were refused");
    let taken = memory(process).1 - before;
    assert!(taken < 160_000_000, "they took {taken} bytes");
    drop(open);
    assert_eq!(server.client().send("{ terms { version } }", Value::Null).await.status, 200);
}

/// Sends the same on many connections, one request after the other on each.
async fn rush(url: &str, request: &[u8], connections: usize, time: Duration) -> Outcomes {
    let begun = Instant::now();
    let is_of_page = request.windows(8).any(|part| part == b"origin: ");
    let tasks = (0..connections).map(|_| {
        let (mut connection, request) = (Connection::to(url), request.to_vec());
        tokio::spawn(async move {
            let mut outcomes = Outcomes::default();
            while begun.elapsed() < time {
                let sent = Instant::now();
                let reply = connection.send(&request).await;
                if let Ok(reply) = &reply
                    && reply.code().is_some()
                {
                    assert_eq!((reply.status, reply.code()), (503, Some("UNAVAILABLE")), "{reply:?}");
                    assert!(reply.head.contains("retry-after: 1") && reply.head.contains("x-request-id: "), "{reply:?}");
                    assert_eq!(reply.head.contains("access-control-allow-origin: http"), is_of_page, "{reply:?}");
                }
                outcomes.add(begun, sent, &reply);
            }
            outcomes
        })
    });
    let tasks: Vec<_> = tasks.collect();
    let mut all = Outcomes::default();
    for task in tasks {
        all.0.extend(task.await.unwrap().0);
    }
    all
}

async fn what_is_too_much_is_refused_at_once(engine: Engine) {
    let home = Arc::new(Home::migrated(engine).await);
    let server = Server::start_on(home, &[("REQUESTS_AT_ONCE", "1"), ("LOG", "info")]).await;
    let somebody = server.somebody().await;
    let request = post(somebody.access_token.as_deref(), &json!({ "query": ME }));
    let outcomes = rush(&server.url, &request, 64, Duration::from_secs(2)).await;
    // Pages may read that they were refused.
    let of_page = String::from_utf8(request.clone()).unwrap().replace("host:", &format!("origin: {}\r\nhost:", server.origin));
    let of_pages = rush(&server.url, of_page.as_bytes(), 64, Duration::from_secs(1)).await;
    let (answered, refused) = (of_pages.of("OK").0.len(), of_pages.of("UNAVAILABLE").0.len());
    assert!(answered > 0 && refused > 0 && answered + refused == of_pages.0.len(), "{}", of_pages.told());
    println!("{engine:?}: {}", outcomes.told());
    let (answered, refused) = (outcomes.of("OK").0.len(), outcomes.of("UNAVAILABLE").0.len());
    assert!(answered > 0 && refused > 0 && answered + refused == outcomes.0.len(), "{}", outcomes.told());
    // At once again.
    somebody.send(ME, Value::Null).await.data();
}

/// Whoever is refused while they still send reads the answer, and their connection is as good as before.
async fn who_is_refused_while_they_send_reads_it(engine: Engine) {
    let home = Arc::new(Home::migrated(engine).await);
    let server = Server::start_on(home, &[("REQUESTS_AT_ONCE", "1"), ("LOG", "info"), ("LOG_REQUESTS", "on")]).await;
    let somebody = server.somebody().await;
    let (url, request) = (server.url.clone(), post(somebody.access_token.as_deref(), &json!({ "query": ME })));
    let others = tokio::spawn(async move { rush(&url, &request, 64, Duration::from_secs(3)).await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    let query = format!("{{ terms {{ version }} }} {}", "#".repeat(20_000));
    let large = post(None, &json!({ "query": query }));
    let head = large.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    let mut stream = connect(&server).await;
    let mut refused = 0;
    for _ in 0..10 {
        stream.write_all(&large[..head]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        stream.write_all(&large[head..]).await.unwrap();
        let (mut bytes, mut length) = (Vec::new(), usize::MAX);
        while bytes.len() < length {
            assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "the connection was closed");
            let text = String::from_utf8_lossy(&bytes);
            if let Some((head, _)) = text.split_once("\r\n\r\n") {
                let of_body = head.split("content-length: ").nth(1).unwrap().split("\r\n").next().unwrap();
                length = head.len() + 4 + of_body.parse::<usize>().unwrap();
            }
        }
        refused += usize::from(bytes.starts_with(b"HTTP/1.1 503"));
        // A page could not even read that it was refused, were its browser's question refused.
        let origin = &server.origin;
        let asks = format!(
            "OPTIONS /graphql HTTP/1.1\r\nhost: localhost\r\norigin: {origin}\r\naccess-control-request-method: POST\r\n\r\n"
        );
        let may = Connection::to(&server.url).send(asks.as_bytes()).await.unwrap();
        assert!(may.status == 200 && may.head.contains(&format!("access-control-allow-origin: {origin}")), "{may:?}");
    }
    assert!(refused > 0, "nobody was refused");
    others.await.unwrap();
    // Each is in the log where each request is, though nothing of it was looked at.
    server.lines("refused: there was no place", 1).await;
}

/// People who wait for the database, or for a password's hash, are not those who compute.
async fn a_place_is_not_held_by_who_waits(engine: Engine) {
    let home = Arc::new(Home::migrated(engine).await);
    let server = Server::start_on(home, &[("REQUESTS_AT_ONCE", "1")]).await;
    let somebody = server.somebody().await;
    let locked = hold(&server, engine).await;
    let waiting: Vec<_> = (0..4)
        .map(|_| {
            let client = somebody.clone();
            tokio::spawn(
                async move { client.send("mutation { setPassions(passions: [\"the sea\"]) { id } }", Value::Null).await },
            )
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(server.client().send("{ __typename }", Value::Null).await.status, 200);
    locked.rollback().await.unwrap();
    for waiting in waiting {
        waiting.await.unwrap();
    }
}

async fn player(server: &Server) -> Client {
    let somebody = server.somebody().await;
    crate::harness::game::play_session(&somebody).await;
    somebody
}

/// As many requests a second as wanted, on so many connections; a connection whose turn comes before it has its answer is late.
async fn at_rate(url: &str, request: &[u8], rate: f64, connections: u32, time: Duration) -> Outcomes {
    let begun = Instant::now();
    let pause = Duration::from_secs_f64(f64::from(connections) / rate);
    let tasks: Vec<_> = (0..connections)
        .map(|number| {
            let (mut connection, request) = (Connection::to(url), request.to_vec());
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
async fn overload(engine: Engine, time: Duration) {
    let home = Arc::new(Home::migrated(engine).await);
    let server = Server::start_on(home, &[("LOG", "warn"), ("DATABASE_CONNECTIONS", "10"), ("REQUESTS_AT_ONCE", "")]).await;
    let process = server.children[0].id().unwrap();
    let somebody = player(&server).await;
    let request = post(somebody.access_token.as_deref(), &json!({ "query": ME }));
    tokio::time::sleep(Duration::from_secs(1)).await;
    println!("{engine:?}: idle, {} MB", memory(process).0 / 1_000_000);
    let idle = at_rate(&server.url, &request, 50.0, 4, Duration::from_secs(10)).await;
    println!("  50 requests/s: {}", idle.told());
    let full = rush(&server.url, &request, 24, Duration::from_secs(8)).await;
    #[allow(clippy::cast_precision_loss, reason = "a rate")]
    let holds = full.of("OK").0.len() as f64 / 8.0;
    println!("  it holds {holds:.0} requests/s: {}", full.told());
    let more = at_rate(&server.url, &request, holds * 4.0, 400, time).await;
    let seconds = time.as_secs();
    println!("  four times as much for {time:?}: {} sent/s, {}", more.0.len() as u64 / seconds, more.told());
    let per_second = more.per_second(seconds);
    println!("  answered each second: {per_second:?}");
    println!("  refused: median {:?}, p99 {:?}", more.failed().quantile(0.5), more.failed().quantile(0.99));
    println!("  memory at most {} MB", memory(process).1 / 1_000_000);
    let again = rush(&server.url, &request, 24, Duration::from_secs(5)).await;
    println!("  at once afterwards, each second: {:?}; {}", again.per_second(5), again.told());
    let idle_again = at_rate(&server.url, &request, 50.0, 4, Duration::from_secs(5)).await;
    println!("  50 requests/s: {}; memory {} MB", idle_again.told(), memory(process).0 / 1_000_000);
    println!(
        "  p99 of who was let in: {:?}, {:.1} times the idle {:?}",
        more.of("OK").quantile(0.99),
        more.of("OK").quantile(0.99).as_secs_f64() / idle.quantile(0.99).as_secs_f64(),
        idle.quantile(0.99)
    );
}

/// How long the long forms take: `OVERLOAD_SECONDS`.
fn seconds(default: u64) -> Duration {
    let seconds = std::env::var("OVERLOAD_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(default))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a benchmark"]
async fn bench_overload_sqlite() {
    overload(Engine::Sqlite, seconds(120)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a benchmark"]
async fn bench_overload_postgres() {
    overload(Engine::Postgres, seconds(120)).await;
}

/// Ten thousand who say nothing, and five hundred who never come to the end of their headers.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a benchmark: it wants 22,000 file descriptors, ulimit -n"]
async fn bench_overload_idle_connections() {
    let home = Arc::new(Home::migrated(Engine::Postgres).await);
    let server = Server::start_on(home, &[("LOG", "warn"), ("MAX_CONNECTIONS", "12000"), ("REQUESTS_AT_ONCE", "")]).await;
    let process = server.children[0].id().unwrap();
    let somebody = player(&server).await;
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
    let outcomes = at_rate(&server.url, &request, 50.0, 4, Duration::from_secs(20)).await;
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
