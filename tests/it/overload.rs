//! More comes than can be answered: connections that do nothing, headers and bodies that never end, and more requests than the processors can
//! do. `bench_overload.rs` has the long forms, which print figures.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, TransactionTrait};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::errors::hold;
use crate::harness::load::{Connection, Outcomes, memory, post};
use crate::harness::{Engine, Home, Server, on_both_engines, unique_email};

on_both_engines!(
    what_is_too_much_is_refused_at_once,
    who_is_refused_while_they_send_reads_it,
    a_place_is_not_held_by_who_waits,
    who_waits_elsewhere_has_left_their_place
);

pub const ME: &str = "{ me { username role { roleName } detail { firstName } avatar { avatarColor } passions { passionText } \
    scenarioGame { traits } shapeSequenceGame { levelResults } jobsGame { jobChoices } speedGame { levelStats } \
    abilitiesGame { skillAssessment } skillsGame { skillsAssessment } roomEnvGame { roomData } } }";

async fn start(settings: &[(&str, &str)]) -> Server {
    Server::start_on(Arc::new(Home::migrated(Engine::Sqlite).await), settings).await
}

pub async fn connect(server: &Server) -> TcpStream {
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

/// Bodies that come bit by bit are of as little use: whoever comes makes some of them go.
#[tokio::test]
async fn slow_bodies_make_room() {
    let server = start(&[("MAX_CONNECTIONS", "20")]).await;
    let mut slow = Vec::new();
    for _ in 0..30 {
        let mut stream = connect(&server).await;
        let head = "POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{";
        let _ = stream.write_all(head.as_bytes()).await;
        slow.push(tokio::spawn(async move {
            while stream.write_all(b" ").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }));
    }
    for _ in 0..5 {
        assert_eq!(server.client().send("{ terms { version } }", Value::Null).await.status, 200);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let closed = slow.iter().filter(|slow| slow.is_finished()).count();
    assert!(closed >= 10, "{closed} were closed");
    slow.iter().for_each(tokio::task::JoinHandle::abort);
}

/// A person whom somebody else holds keeps the others from nothing.
#[tokio::test]
async fn a_row_that_is_locked_is_given_up() {
    let home = Arc::new(Home::migrated(Engine::Postgres).await);
    // Behind a pooler it is set for the role.
    let url = home.database_url.clone();
    let server = Server::start_on(home, &[("DATABASE_CONNECTIONS", "3"), ("DATABASE_URL", &url)]).await;
    let (one, other) = (server.somebody().await, server.somebody().await);
    let database = server.home.database().await;
    let holds = database.begin().await.unwrap();
    holds.execute_unprepared("SELECT * FROM users ORDER BY id LIMIT 1 FOR UPDATE").await.unwrap();
    let begun = Instant::now();
    let waiting: Vec<_> = (0..3)
        .map(|_| {
            let one = one.clone();
            tokio::spawn(async move { one.send("mutation { setPassions(passions: [\"the sea\"]) { id } }", Value::Null).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    other.data("{ me { id } }").await;
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    for waiting in waiting {
        assert_eq!(waiting.await.unwrap().codes(), ["UNAVAILABLE"]);
    }
    holds.rollback().await.unwrap();
    one.data("mutation { setPassions(passions: [\"the sea\"]) { id } }").await;
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

/// Sends on many connections, one request after the other on each, which is always the same.
pub async fn rush(url: &str, requests: &[Vec<u8>], connections: usize, time: Duration) -> Outcomes {
    let begun = Instant::now();
    let tasks = (0..connections).map(|number| {
        let (mut connection, request) = (Connection::to(url), requests[number % requests.len()].clone());
        let is_of_page = request.windows(8).any(|part| part == b"origin: ");
        tokio::spawn(async move {
            let mut outcomes = Outcomes::default();
            while begun.elapsed() < time {
                let sent = Instant::now();
                let reply = connection.send(&request).await;
                if let Ok(reply) = &reply
                    && reply.code().is_some()
                {
                    assert_eq!(reply.code(), Some("UNAVAILABLE"), "{reply:?}");
                    // Not where it was let in, and found too many writing to SQLite.
                    if !reply.body.contains("\"data\"") {
                        assert!(reply.status == 503 && reply.head.contains("retry-after: 1"), "{reply:?}");
                    }
                    assert!(reply.head.contains("x-request-id: "), "{reply:?}");
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
    let outcomes = rush(&server.url, std::slice::from_ref(&request), 160, Duration::from_secs(2)).await;
    // Pages may read that they were refused.
    let of_page = String::from_utf8(request.clone()).unwrap().replace("host:", &format!("origin: {}\r\nhost:", server.origin));
    let of_pages = rush(&server.url, &[of_page.into_bytes()], 160, Duration::from_secs(1)).await;
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
    let others = tokio::spawn(async move { rush(&url, &[request], 160, Duration::from_secs(3)).await });
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

/// Many more than there are places come to write, or to have a password checked: each has left its place to the next, and none is refused.
async fn who_waits_elsewhere_has_left_their_place(engine: Engine) {
    let home = Arc::new(Home::migrated(engine).await);
    let server = Server::start_on(home, &[("REQUESTS_AT_ONCE", "1")]).await;
    let class = (0..24).map(|_| {
        let client = server.client();
        tokio::spawn(async move { client.sign_up(&unique_email("classmate")).await })
    });
    for classmate in class.collect::<Vec<_>>() {
        classmate.await.unwrap();
    }
    if engine != Engine::Sqlite {
        return;
    }
    let somebody = server.somebody().await;
    let locked = hold(&server, engine).await;
    let passions = "mutation { setPassions(passions: [\"the sea\"]) { id } }";
    let saves: Vec<_> = (0..24)
        .map(|_| {
            let somebody = somebody.clone();
            tokio::spawn(async move { somebody.send(passions, Value::Null).await })
        })
        .collect();
    // Longer than anybody waits for a place.
    tokio::time::sleep(Duration::from_secs(1)).await;
    locked.rollback().await.unwrap();
    for save in saves {
        save.await.unwrap().data();
    }
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
