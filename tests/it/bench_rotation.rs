//! Turning the key of 100,000 people's fields while 50 requests a second read and write: figures, not a test of time.
//! `tests/run --release bench_rotation --ignored --nocapture`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::game::game;
use crate::harness::{Client, Engine, Home, Server};

const PEOPLE: usize = 100_000;
const FIRST: &str = "first:Zmlyc3Qga2V5IG9mIHRoZSB0ZXN0cywgdGhpcnR5IGJ5dGVz";
const BOTH: &str =
    "second:c2Vjb25kIGtleSBvZiB0aGUgdGVzdHMsIHRoaXJ0eSBieXRl,first:Zmlyc3Qga2V5IG9mIHRoZSB0ZXN0cywgdGhpcnR5IGJ5dGVz";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a benchmark"]
async fn bench_rotation_sqlite() {
    rotation(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a benchmark"]
async fn bench_rotation_postgres() {
    rotation(Engine::Postgres).await;
}

async fn keys(home: &Home, ring: &str, command: &[&str]) -> (Duration, String) {
    let begun = Instant::now();
    let output =
        home.command(&[&["keys"], command].concat()).env("ENCRYPTION_KEYS", ring).env("LOG", "warn").output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    (begun.elapsed(), String::from_utf8(output.stdout).unwrap().lines().last().unwrap().to_owned())
}

/// Reads and writes, 50 times a second, until told to stop; gives how long each took.
async fn load(people: Vec<Client>, stop: Arc<AtomicBool>) -> Vec<Duration> {
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    let mut under_way = tokio::task::JoinSet::new();
    for number in 0_usize.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        ticks.tick().await;
        let person = people[number % people.len()].clone();
        under_way.spawn(async move {
            let begun = Instant::now();
            let answer = match number % 4 {
                0 => {
                    person
                        .send(
                            "mutation ($name: String!) { updateProfile(input: { firstName: $name }) { id } }",
                            json!({ "name": format!("Prénom {number}") }),
                        )
                        .await
                }
                1 => {
                    game("roomEnv")
                        .save(&person, json!({ "roomData": [{ "room": "Focus Room", "commentary": format!("Essai {number}") }] }))
                        .await
                }
                _ => {
                    person
                        .send("{ me { detail { firstName lastName phoneNumber } roomEnvGame { roomData } } }", Value::Null)
                        .await
                }
            };
            answer.data();
            begun.elapsed()
        });
    }
    under_way.join_all().await
}

async fn rotation(engine: Engine) {
    let home = Arc::new(Home::migrated(engine).await);
    let handle = if engine == Engine::Sqlite { "randomblob(16)" } else { "gen_random_uuid()" };
    let numbers = format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {PEOPLE})");
    let server = Server::start_on(home.clone(), &[("ENCRYPTION_KEYS", FIRST), ("LOG", "warn")]).await;
    for fill in [
        format!("INSERT INTO users (date_created, is_active, is_passkey, onboarding_complete, role_id, webauthn_user_handle) {numbers} SELECT '2026-01-01 00:00:00+00:00', true, false, true, (SELECT id FROM roles WHERE role_name = 'user'), {handle} FROM n"),
        "INSERT INTO user_details (user_id, first_name, last_name, phone_number, address, email, email_index) SELECT id, 'Prénom', 'Nom de famille', '+33 6 00 00 00 00', '1, rue de la Paix', 'quelqu''un@example.org', 'index ' || id FROM users".to_owned(),
    ] {
        server.sql(&fill).await;
    }
    let mut people = Vec::new();
    for _ in 0..20 {
        people.push(server.somebody().await);
    }
    let (time, told) = keys(&home, FIRST, &["rotate", "--batch", "10000"]).await;
    println!("{engine:?}: in the clear to the first key: {time:?}; {told}");
    drop(server);

    let server = Server::start_on(home.clone(), &[("ENCRYPTION_KEYS", BOTH), ("LOG", "warn")]).await;
    let people = people.iter().map(|person| server.client().with_token(person.access_token.as_deref())).collect();
    let stop = Arc::new(AtomicBool::new(false));
    let loading = tokio::spawn(load(people, stop.clone()));
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (time, told) = keys(&home, BOTH, &["rotate"]).await;
    stop.store(true, Ordering::Relaxed);
    let mut times = loading.await.unwrap();
    times.sort_unstable();
    let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)];
    println!("{engine:?}: first key to second under load: {time:?}; {told}");
    println!(
        "{engine:?}: {} requests meanwhile, none failed; median {:?}, 95th percentile {:?}, 99th {:?}, longest {:?}",
        times.len(),
        at(50),
        at(95),
        at(99),
        at(100)
    );
    // Refused while a single row still uses it.
    let (_, told) = keys(&home, BOTH, &["retire"]).await;
    println!("{engine:?}: {told}");
}
