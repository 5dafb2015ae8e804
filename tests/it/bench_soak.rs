//! Half an hour of an ordinary day: memory is drawn, and does not grow. `SOAK_SECONDS=1800 tests/run --release bench_soak --ignored --nocapture`;
//! the plot goes to `SOAK_PLOT` (an SVG).

use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::game::{game, play_session};
use crate::harness::load::{Connection, Outcomes, memory, post};
use crate::harness::{Client, Engine, Home, Server};

const PEOPLE: usize = 16;
/// The most by which the last quarter may be above the second.
const GROWTH: u64 = 10_000_000;

fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a benchmark"]
async fn bench_soak_postgres() {
    soak(Engine::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a benchmark"]
async fn bench_soak_sqlite() {
    soak(Engine::Sqlite).await;
}

async fn soak(engine: Engine) {
    let time = Duration::from_secs(setting("SOAK_SECONDS").map_or(1800, |seconds| seconds.parse().unwrap()));
    let home = Arc::new(Home::migrated(engine).await);
    let server = Server::start_on(home, &[("LOG", "warn"), ("DATABASE_CONNECTIONS", "10"), ("REQUESTS_AT_ONCE", "")]).await;
    let process = server.children[0].id().unwrap();
    // Until what starting took is given back.
    tokio::time::sleep(Duration::from_secs(10)).await;
    let idle = memory(process).0;
    let begun = Instant::now();
    let mut people = Vec::new();
    for _ in 0..PEOPLE {
        let somebody = server.somebody().await;
        play_session(&somebody).await;
        people.push(somebody);
    }
    let tasks: Vec<_> =
        people.into_iter().map(|somebody| tokio::spawn(a_day(somebody, server.url.clone(), begun, time))).collect();
    let mut samples = Vec::new();
    while begun.elapsed() < time {
        tokio::time::sleep(Duration::from_secs(1)).await;
        samples.push(memory(process).0);
    }
    let mut all = Outcomes::default();
    for task in tasks {
        all.0.extend(task.await.unwrap().0);
    }
    let path = setting("SOAK_PLOT").map_or_else(|| std::env::temp_dir().join(format!("soak-{engine:?}.svg")), PathBuf::from);
    std::fs::write(&path, plot(&samples, engine)).unwrap();
    let quarter = samples.len() / 4;
    let mean = |samples: &[u64]| samples.iter().sum::<u64>() / samples.len().max(1) as u64;
    let (second, last) = (mean(&samples[quarter..2 * quarter]), mean(&samples[3 * quarter..]));
    let most = memory(process).1;
    println!("{engine:?}: {time:?}, {}", all.told());
    println!("  memory in MB: idle {}, second quarter {}, last {}, at most {}", mega(idle), mega(second), mega(last), mega(most));
    println!("  plot: {}", path.display());
    assert!(last < second + GROWTH, "memory grew from {second} to {last}");
    assert!(idle < 40_000_000 && most < 200_000_000, "idle {idle}, at most {most}");
}

fn mega(bytes: u64) -> u64 {
    bytes / 1_000_000
}

/// One person's: mostly looks, now and then a save, a little pause; every five minutes the session is refreshed.
async fn a_day(mut somebody: Client, url: String, begun: Instant, time: Duration) -> Outcomes {
    const ME: &str = "{ me { username detail { firstName } scenarioGame { traits } jobsGame { jobChoices } } }";
    let refresh = "mutation ($token: String) { payload: refreshSession(refreshToken: $token) { accessToken refreshToken } }";
    let (mut connection, mut outcomes, mut refreshed) = (Connection::to(&url), Outcomes::default(), Instant::now());
    for number in 0.. {
        if begun.elapsed() >= time {
            break;
        }
        if refreshed.elapsed() > Duration::from_mins(5) {
            let token = json!({ "token": somebody.refresh_token });
            somebody = somebody.signed_in(&somebody.send(refresh, token).await);
            refreshed = Instant::now();
        }
        let save = json!({ "input": { "saveId": format!("soak{number}"), "traits": { format!("a{}", number % 50): number } } });
        let save = json!({ "query": game("scenario").query(), "variables": save });
        let request = if number % 5 == 0 { save } else { json!({ "query": ME }) };
        let sent = Instant::now();
        let reply = connection.send(&post(somebody.access_token.as_deref(), &request)).await;
        outcomes.add(begun, sent, &reply);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    outcomes
}

/// Memory over time.
#[allow(clippy::cast_precision_loss, reason = "a picture")]
fn plot(samples: &[u64], engine: Engine) -> String {
    let (width, height, most) = (900.0, 300.0, samples.iter().max().copied().unwrap_or(1).max(1) as f64 * 1.1);
    let mut points = String::new();
    for (second, bytes) in samples.iter().enumerate() {
        let (x, y) = (width * second as f64 / samples.len() as f64, height * (1.0 - *bytes as f64 / most));
        let _ = write!(points, "{x:.1},{y:.1} ");
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\">\
         <title>Memory of the service on {engine:?}</title><rect width=\"100%\" height=\"100%\" fill=\"white\"/>\
         <polyline points=\"{points}\" fill=\"none\" stroke=\"navy\"/>\
         <text x=\"10\" y=\"20\">{engine:?}: {:.0} MB at the top, {} seconds from left to right</text></svg>\n",
        most / 1e6,
        samples.len()
    )
}
