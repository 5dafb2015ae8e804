//! The database stops, breaks or hangs under load, and comes back. What fails is `UNAVAILABLE`, within two seconds; what was acknowledged is
//! there; and the rate is as before within five seconds. Each is a test of seconds, and a benchmark as long as the real thing that prints
//! figures: `tests/run --release bench_fault --ignored --nocapture`.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, block_in_place};

use crate::harness::cluster::Cluster;
use crate::harness::game::game;
use crate::harness::load::{Connection, Outcomes, post};
use crate::harness::postgres::Postgres;
use crate::harness::wire::{Line, Wire};
use crate::harness::{Client, Engine, Home, Server};

const PEOPLE: usize = 8;
/// Those at the service beside it.
const BESIDE: usize = 2;
const ME: &str = "{ me { username role { roleName } passions { passionText } scenarioGame { traits } jobsGame { jobChoices } } }";

/// What one person does: saves one answer after the other, and looks at it.
struct Stream {
    outcomes: Outcomes,
    /// The last value of each answer that was acknowledged.
    acknowledged: HashMap<String, i64>,
}

async fn save_and_look(somebody: Client, url: String, begun: Instant, ends: Arc<AtomicBool>) -> Stream {
    let mut stream = Stream { outcomes: Outcomes::default(), acknowledged: HashMap::new() };
    let mut connection = Connection::to(&url);
    let token = somebody.access_token.as_deref();
    let look = post(token, &json!({ "query": ME }));
    let query = game("scenario").query();
    let mut number = 0;
    while !ends.load(Ordering::Relaxed) {
        number += 1;
        let key = format!("answer{}", number % 100);
        let input = json!({ "saveId": format!("save{number}"), "traits": { &key: number } });
        let save = post(token, &json!({ "query": query, "variables": { "input": input } }));
        // Until it is taken: what fails is sent again, under its id.
        loop {
            let sent = Instant::now();
            let reply = connection.send(&save).await;
            stream.outcomes.add(begun, sent, &reply);
            if reply.is_ok_and(|reply| reply.body.contains("\"revision\"")) {
                stream.acknowledged.insert(key, number);
                break;
            }
            if ends.load(Ordering::Relaxed) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let sent = Instant::now();
        let reply = connection.send(&look).await;
        stream.outcomes.add(begun, sent, &reply);
    }
    stream
}

/// People who save and look, until they are told to end.
struct Load {
    begun: Instant,
    ends: Arc<AtomicBool>,
    people: Vec<(Client, JoinHandle<Stream>)>,
}

impl Load {
    async fn on(server: &Server, count: usize) -> Self {
        let (begun, ends) = (Instant::now(), Arc::new(AtomicBool::new(false)));
        let mut people = Vec::new();
        for _ in 0..count {
            people.push(server.somebody().await);
        }
        let begins = |somebody: Client| {
            let task = save_and_look(somebody.clone(), server.url.clone(), begun, ends.clone());
            (somebody, tokio::spawn(task))
        };
        let people = people.into_iter().map(begins).collect();
        Self { begun, ends, people }
    }

    /// Ends, and looks whether all that was acknowledged is there.
    async fn end(self) -> Outcomes {
        self.ends.store(true, Ordering::Relaxed);
        let mut all = Outcomes::default();
        for (somebody, task) in self.people {
            let stream = task.await.unwrap();
            let play = game("scenario").newest(&somebody).await;
            for (key, number) in &stream.acknowledged {
                let stored = play["traits"][key].as_i64().unwrap_or_default();
                assert!(stored >= *number, "{key}: {number} was acknowledged, and {stored} is there");
            }
            all.0.extend(stream.outcomes.0);
        }
        all
    }
}

/// How long things are as they should be, broken, and as they should be again.
#[derive(Clone, Copy)]
struct Times {
    before: Duration,
    broken: Duration,
    after: Duration,
}

const SHORT: Times = Times { before: Duration::from_secs(2), broken: Duration::from_secs(4), after: Duration::from_secs(6) };
const LONG: Times = Times { before: Duration::from_secs(10), broken: Duration::from_secs(20), after: Duration::from_secs(15) };

/// How many were answered a second.
fn rate(outcomes: &Outcomes, from: Duration, to: Duration) -> usize {
    outcomes.between(from, to).of("OK").0.len() * 1000 / usize::try_from(to.saturating_sub(from).as_millis()).unwrap().max(1)
}

/// Breaks something under load and mends it. A service beside it, to which nothing happens, shows what the machine has left for either.
async fn ride_out(what: &str, server: &Server, times: Times, breaks: impl FnOnce(), mends: impl FnOnce()) -> Outcomes {
    let control = Server::start(Engine::Postgres).await;
    let beside = Load::on(&control, BESIDE).await;
    let load = Load::on(server, PEOPLE).await;
    let (begun, earlier) = (load.begun, load.begun - beside.begun);
    let first = begun.elapsed();
    tokio::time::sleep(times.before).await;
    let broken = begun.elapsed();
    block_in_place(breaks);
    tokio::time::sleep(times.broken).await;
    block_in_place(mends);
    let mended = begun.elapsed();
    tokio::time::sleep(times.after).await;
    let last = begun.elapsed();
    let outcomes = load.end().await;
    let beside = beside.end().await;
    let before = rate(&outcomes, first, broken);
    // From which second after it was mended the rate is nine tenths of what it was.
    let half = Duration::from_millis(500);
    let back = (0..).map(|step| mended + half * step).take_while(|from| *from + half <= last);
    let back =
        back.into_iter().find(|from| rate(&outcomes, *from, *from + half) * 10 >= before * 9).map(|at| at.saturating_sub(mended));
    let fifth_second = mended + Duration::from_secs(5).min(times.after / 2);
    let fifth = rate(&outcomes, fifth_second, last);
    let beside_before = rate(&beside, first + earlier, broken + earlier);
    let beside_fifth = rate(&beside, fifth_second + earlier, last + earlier);
    println!("{what}: {before} requests/s before, {fifth} after; back at nine tenths {back:?} after it was mended");
    println!("  beside: {beside_before} requests/s before, {beside_fifth} after; {}", beside.told());
    println!("  before: {}", outcomes.between(first, broken).told());
    println!("  broken: {}", outcomes.between(broken, mended).told());
    println!("  after:  {}", outcomes.between(mended, last).told());
    assert!(before > 0 && beside_fifth > 0);
    let came_back = fifth * beside_before * 2 > before * beside_fifth;
    assert!(came_back, "the rate did not come back: {before}, then {fifth}; beside it {beside_before}, then {beside_fifth}");
    let failed = outcomes.failed();
    assert_eq!(failed.0.len(), failed.of("UNAVAILABLE").0.len(), "not all failures are UNAVAILABLE");
    assert!(failed.quantile(1.0) < Duration::from_secs(2), "a failure took {:?}", failed.quantile(1.0));
    let code = server.log().matches("panicked").count();
    assert_eq!(code, 0, "something panicked");
    outcomes
}

/// A service over a PostgreSQL that can be stopped.
async fn stops(times: Times) {
    let postgres = block_in_place(Postgres::start);
    let home = Arc::new(Home::migrated(Engine::Postgres).await);
    let server = Server::start_on(home, &[("DATABASE_URL", &postgres.url()), ("LOG", "info")]).await;
    let outcomes = ride_out("stopped", &server, times, || postgres.stop(), || postgres.resume()).await;
    assert!(!outcomes.failed().0.is_empty());
}

/// The same behind pgbouncer, which keeps its clients meanwhile.
async fn stops_behind_a_pooler(times: Times) {
    let cluster = Cluster::start().await;
    let home = Arc::new(Home::at(&format!("{}/postgres", cluster.primary)));
    let url = format!("{}/postgres", cluster.pooler);
    let server = Server::start_on(home, &[("DATABASE_URL", &url), ("LOG", "info")]).await;
    let does = |verb| Handle::current().block_on(cluster.does(verb));
    let what = "stopped, behind pgbouncer";
    let outcomes = ride_out(what, &server, times, || does("stop-primary"), || does("start-primary")).await;
    assert!(!outcomes.failed().0.is_empty());
}

/// A service whose database is at the end of a wire.
async fn on_a_wire(what: &str, times: Times, broken: Wire) -> Outcomes {
    let home = Arc::new(Home::migrated(Engine::Postgres).await);
    let line = Line::to(&home.database_url).await;
    let url = line.url(&home.database_url);
    let server = Server::start_on(home, &[("DATABASE_URL", &url), ("LOG", "info")]).await;
    ride_out(what, &server, times, || line.is(broken), || line.is(Wire::Passes)).await
}

const FAR: Wire = Wire::Slow(Duration::from_millis(100));

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_stopped_and_started() {
    stops(SHORT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_behind_a_pooler_that_is_stopped_and_started() {
    stops_behind_a_pooler(SHORT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wire_to_the_database_that_is_cut() {
    assert!(!on_a_wire("cut", SHORT, Wire::Cut).await.failed().0.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wire_to_the_database_that_hangs() {
    assert!(!on_a_wire("hanging", SHORT, Wire::Hangs).await.failed().0.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_far_away() {
    let outcomes = on_a_wire("200 ms away", SHORT, FAR).await;
    assert!(outcomes.failed().0.is_empty(), "{}", outcomes.told());
}

/// Connections that are ended while nobody uses them: the next request finds out, and nobody else does.
#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_ended_one_by_one() {
    // Past a pooler, which has connections of its own to lose, and may lend two lost ones in a row.
    let home = Arc::new(Home::migrated(Engine::Postgres).await);
    let url = home.database_url.clone();
    let server = Server::start_on(home, &[("DATABASE_URL", &url)]).await;
    let somebody = server.somebody().await;
    for round in 0..5 {
        let one = "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity \
            WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'autrement'";
        assert!(!server.sql(one).await.is_empty());
        somebody.send(ME, serde_json::Value::Null).await.data();
        server.sql(one).await;
        game("scenario").save(&somebody, json!({ "traits": { "a": round } })).await.data();
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a benchmark"]
async fn bench_fault_stopped() {
    stops(LONG).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a benchmark"]
async fn bench_fault_stopped_behind_a_pooler() {
    stops_behind_a_pooler(LONG).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a benchmark"]
async fn bench_fault_cut() {
    on_a_wire("cut", LONG, Wire::Cut).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a benchmark"]
async fn bench_fault_hanging() {
    on_a_wire("hanging", LONG, Wire::Hangs).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a benchmark"]
async fn bench_fault_far_away() {
    on_a_wire("200 ms away", LONG, FAR).await;
}
