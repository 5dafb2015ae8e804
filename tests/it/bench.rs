//! Benchmarks: they print figures, and are not part of a run of the tests: `tests/run --release bench --ignored --nocapture`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::game::game;
use crate::harness::{Client, Engine, Home, Server, unique_email};
use crate::statements::play_before;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a benchmark"]
async fn bench_me_while_200_sign_in_sqlite() {
    me_while_200_sign_in(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a benchmark"]
async fn bench_me_while_200_sign_in_postgres() {
    me_while_200_sign_in(Engine::Postgres).await;
}

const ME: &str = "{ me { username role { roleName } detail { firstName } avatar { avatarColor } passions { passionText } \
    scenarioGame { traits } shapeSequenceGame { levelResults } jobsGame { jobChoices } speedGame { levelStats } \
    abilitiesGame { skillAssessment } skillsGame { skillsAssessment } roomEnvGame { roomData } } }";

async fn time_of_me(client: &Client) -> Duration {
    let begun = Instant::now();
    client.send(ME, Value::Null).await.data();
    begun.elapsed()
}

fn show(what: &str, times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    let (median, late) = (times[times.len() / 2], times[times.len() * 95 / 100]);
    println!("{what}: {} answers, median {median:?}, 95th percentile {late:?}", times.len());
    median
}

async fn me_while_200_sign_in(engine: Engine) {
    let home = Arc::new(Home::migrated(engine).await);
    let server = Server::start_on(home, &[("TRUSTED_PROXIES", "127.0.0.0/8"), ("LOG", "warn")]).await;
    let client = server.somebody().await;
    let emails: Vec<_> = (0..200).map(|_| unique_email("bench")).collect();
    let caller = |number: usize| server.client().with_header("x-forwarded-for", &format!("198.51.100.{}", number + 1));
    for (number, email) in emails.iter().enumerate() {
        caller(number).sign_up(email).await;
    }
    // Nothing else to do: the mails of signing up are sent.
    server.queue_is_empty().await;
    let mut idle = Vec::new();
    for _ in 0..300 {
        idle.push(time_of_me(&client).await);
    }
    let begun = Instant::now();
    let waiting: Vec<_> = emails
        .iter()
        .enumerate()
        .map(|(number, email)| {
            let (client, email) = (caller(number), email.clone());
            tokio::spawn(async move {
                let query = "mutation ($input: SignInInput!) { signIn(input: $input) { accessToken } }";
                let input = json!({ "input": { "email": email, "password": "trois petits chats" } });
                client.send(query, input).await.data();
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut busy = Vec::new();
    while !waiting.iter().all(tokio::task::JoinHandle::is_finished) {
        busy.push(time_of_me(&client).await);
    }
    for sign_in in waiting {
        sign_in.await.unwrap();
    }
    println!("{engine:?}: 200 sign-ins by password took {:?}", begun.elapsed());
    let idle = show("me while nothing else is asked", &mut idle);
    let busy = show("me while 200 sign in", &mut busy);
    println!("{engine:?}: the median is {:.2} times as long", busy.as_secs_f64() / idle.as_secs_f64());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a benchmark"]
async fn bench_save_after_many_plays_sqlite() {
    save_after_many_plays(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a benchmark"]
async fn bench_save_after_many_plays_postgres() {
    save_after_many_plays(Engine::Postgres).await;
}

/// Rows that PostgreSQL has read so far, once it says the same for two seconds: its processes report late.
async fn rows_read(server: &Server) -> i64 {
    let sum = "SELECT CAST(SUM(COALESCE(seq_tup_read, 0) + COALESCE(idx_tup_fetch, 0)) AS TEXT) FROM pg_stat_user_tables";
    let (mut before, mut since) = (-1, Instant::now());
    loop {
        let now = server.sql(sum).await[0].parse().unwrap();
        if now != before {
            (before, since) = (now, Instant::now());
        } else if since.elapsed() > Duration::from_secs(2) {
            return now;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn save_after_many_plays(engine: Engine) {
    const SAVES: u32 = 300;
    for plays in [1, 100, 10_000] {
        let server = Server::start_on(Arc::new(Home::migrated(engine).await), &[("LOG", "warn")]).await;
        let somebody = server.somebody().await;
        play_before(&server, plays).await;
        if engine == Engine::Postgres {
            // What PostgreSQL would do by itself, at a time of its own.
            server.sql("VACUUM ANALYZE").await;
            server.sql("CHECKPOINT").await;
        }
        let save = |number: u32| {
            let somebody = &somebody;
            async move {
                let input = json!({ "saveId": number.to_string(), "traits": { "audace": number } });
                game("scenario").save(somebody, input).await.data();
            }
        };
        for number in 0..20 {
            save(number).await;
        }
        let before = if engine == Engine::Postgres { rows_read(&server).await } else { 0 };
        let mut times = Vec::new();
        for number in 20..20 + SAVES {
            let begun = Instant::now();
            save(number).await;
            times.push(begun.elapsed());
        }
        show(&format!("{engine:?}: a save after {plays} plays"), &mut times);
        if engine == Engine::Postgres {
            let read = rows_read(&server).await - before;
            println!("{engine:?}: {read} rows read for {SAVES} saves");
        }
    }
}
