//! Two instances behind haproxy: one is killed again and again, or both are replaced by a newer release, while people play.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::game::game;
use crate::harness::haproxy::Haproxy;
use crate::harness::{Client, Engine, Home, Server, binary};

const PEOPLE: usize = 16;

/// Two instances behind haproxy.
struct Pair {
    haproxy: Haproxy,
    home: Arc<Home>,
    servers: Vec<Server>,
}

impl Pair {
    async fn start() -> Self {
        let home = Arc::new(Home::migrated(Engine::Postgres).await);
        let haproxy = Haproxy::start(&home.folder).await;
        let mut pair = Self { haproxy, home, servers: Vec::new() };
        for number in 0..2 {
            let server = pair.instance(number, &binary()).await;
            pair.servers.push(server);
        }
        pair.haproxy.is_up("one").await;
        pair.haproxy.is_up("two").await;
        pair
    }

    /// Starts an instance of this binary where this number is to listen.
    async fn instance(&self, number: usize, binary: &Path) -> Server {
        let public = self.haproxy.url.replace("127.0.0.1", "localhost");
        let settings = [
            ("BIND", self.haproxy.binds[number].as_str()),
            ("PUBLIC_URL", &public),
            ("TRUSTED_PROXIES", "127.0.0.1"),
            ("LOG", "warn"),
        ];
        Server::start_binary(binary, self.home.clone(), &settings).await
    }

    fn client(&self) -> Client {
        self.servers[0].client().at(&self.haproxy.url)
    }

    fn name(number: usize) -> &'static str {
        ["one", "two"][number]
    }
}

/// What all people had so far.
#[derive(Default)]
struct Count {
    requests: AtomicUsize,
    /// When, and what there was in place of an answer.
    failed: Mutex<Vec<(Duration, String)>>,
    is_over: AtomicBool,
}

/// Sends until there is an answer with data; gives it, and how many tries failed.
async fn send(client: &Client, query: &str, variables: &Value, count: &Count) -> (Value, usize) {
    let body = json!({ "query": query, "variables": variables });
    for failed in 0.. {
        count.requests.fetch_add(1, Ordering::Relaxed);
        let asked = Instant::now();
        let request =
            client.raw(reqwest::Method::POST, "/graphql").json(&body).bearer_auth(client.access_token.as_ref().unwrap());
        let text = match request.send().await {
            Ok(answer) => answer.text().await.unwrap_or_default(),
            Err(error) => error.to_string(),
        };
        let answer: Value = serde_json::from_str(&text).unwrap_or_default();
        if answer["data"].is_object() && answer["errors"].is_null() {
            return (answer["data"].clone(), failed);
        }
        let begin: String = text.chars().take(60).collect();
        count.failed.lock().unwrap().push((asked.elapsed(), begin));
        // As a client should: an instance that is being killed may still take a connection, for some milliseconds.
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(failed < 3, "the fourth failure of one request: {text}");
    }
    unreachable!()
}

/// Saves and looks, until told; each save is there at the next look. Gives how many saves were acknowledged, and the most failures of one
/// request.
async fn play(client: Client, count: Arc<Count>) -> (usize, usize) {
    let (query, look) = (game("scenario").query(), "{ me { scenarioGame { revision traits } } }");
    let (mut saves, mut worst) = (0, 0);
    while !count.is_over.load(Ordering::Relaxed) {
        let key = format!("s{saves}");
        let input = json!({ "input": { "saveId": key, "traits": { format!("t{}", saves % 50): saves } } });
        let (_, failed) = send(&client, &query, &input, &count).await;
        saves += 1;
        let (seen, failed_too) = send(&client, look, &Value::Null, &count).await;
        let game = &seen["me"]["scenarioGame"];
        assert_eq!(game["revision"], saves, "each save counted once");
        assert_eq!(game["traits"][format!("t{}", (saves - 1) % 50)], saves - 1, "what was acknowledged is there");
        worst = worst.max(failed).max(failed_too);
    }
    (saves, worst)
}

/// People who play, through haproxy, until `change` is done; afterwards all of them are still signed in. Gives the sums.
async fn while_people_play(pair: &mut Pair, change: impl AsyncFnOnce(&mut Pair)) -> Sums {
    let count = Arc::new(Count::default());
    let (mut people, mut playing) = (Vec::new(), Vec::new());
    for number in 0..PEOPLE {
        let person = pair.client().with_header("x-forwarded-for", &format!("198.51.100.{number}"));
        people.push(person.sign_up(&crate::harness::unique_email("behind")).await);
    }
    let begun = Instant::now();
    for person in &people {
        playing.push(tokio::spawn(play(person.clone(), count.clone())));
    }
    change(pair).await;
    count.is_over.store(true, Ordering::Relaxed);
    let (mut saves, mut worst) = (0, 0);
    for playing in playing {
        let (theirs, failures) = playing.await.unwrap();
        (saves, worst) = (saves + theirs, worst.max(failures));
    }
    let seconds = begun.elapsed().as_secs_f64();
    for person in &people {
        let refresh = "mutation ($token: String) { payload: refreshSession(refreshToken: $token) { accessToken refreshToken } }";
        let again = person.signed_in(&person.send(refresh, json!({ "token": person.refresh_token })).await);
        assert!(again.data("{ me { id } }").await["me"]["id"].is_string(), "no session is lost");
    }
    let failures = count.failed.lock().unwrap();
    let mut kinds = BTreeMap::new();
    for (_, text) in failures.iter() {
        *kinds.entry(text.clone()).or_default() += 1;
    }
    let longest = failures.iter().map(|(time, _)| *time).max().unwrap_or_default();
    let (requests, failed) = (count.requests.load(Ordering::Relaxed), failures.len());
    Sums { saves, requests, failed, kinds, longest, worst, seconds }
}

#[derive(Debug)]
#[expect(dead_code, reason = "they are printed")]
struct Sums {
    saves: usize,
    requests: usize,
    failed: usize,
    kinds: BTreeMap<String, usize>,
    longest: Duration,
    worst: usize,
    seconds: f64,
}

async fn kill_again_and_again(kills: usize, pause: Duration) {
    let mut pair = Pair::start().await;
    let sums = while_people_play(&mut pair, async |pair| {
        for kill in 0..kills {
            tokio::time::sleep(pause).await;
            let number = kill % 2;
            let server = pair.servers.remove(number);
            server.kill().await;
            let again = pair.instance(number, &binary()).await;
            pair.servers.insert(number, again);
            pair.haproxy.is_up(Pair::name(number)).await;
        }
    })
    .await;
    println!("{kills} kills: {sums:?}");
    assert!(sums.failed <= kills * PEOPLE, "more failed than can have been in flight: {sums:?}");
    assert!(sums.worst <= 1, "who tries again gets through: {sums:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_is_killed_and_only_what_was_in_flight_fails() {
    kill_again_and_again(4, Duration::from_millis(1500)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a benchmark of five minutes"]
async fn bench_one_of_two_is_killed_every_10_s() {
    kill_again_and_again(30, Duration::from_secs(10)).await;
}

/// `tests/upgrade` builds the newer release: this one with a step more, which adds a column.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a newer release: tests/upgrade"]
async fn a_rolling_upgrade_fails_no_request() {
    let newer = PathBuf::from(std::env::var("TEST_NEWER_BINARY").expect("TEST_NEWER_BINARY is not set: run tests/upgrade"));
    let mut pair = Pair::start().await;
    let column = "SELECT column_name::text FROM information_schema.columns WHERE column_name = 'rehearsal' ORDER BY table_name";
    assert!(pair.servers[0].sql(column).await.is_empty());
    let sums = while_people_play(&mut pair, async |pair| {
        for number in 0..2 {
            tokio::time::sleep(Duration::from_secs(2)).await;
            pair.haproxy.drain(Pair::name(number)).await;
            let mut old = pair.servers.remove(number);
            old.terminate();
            assert!(old.children[0].wait().await.unwrap().success());
            // It adds the column, under load; the other one is still of the release before.
            let new = pair.instance(number, &newer).await;
            assert_eq!(new.sql(column).await.len(), 2);
            pair.servers.insert(number, new);
            pair.haproxy.undrain(Pair::name(number)).await;
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    })
    .await;
    println!("rolling upgrade: {sums:?}");
    assert_eq!(sums.failed, 0, "{sums:?}");
}
