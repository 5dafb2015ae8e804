//! Benchmarks: they print figures, and are not part of a run of the tests: `tests/run --release bench --ignored --nocapture`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::data_export::{self, JPEG, PNG, picture, put_pictures};
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

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a benchmark"]
async fn bench_export_sqlite() {
    export(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a benchmark"]
async fn bench_export_postgres() {
    export(Engine::Postgres).await;
}

/// Kibibytes of memory that the service has now (`VmRSS`), or had at most since the last [`forget_peak`] (`VmHWM`).
pub fn memory(server: &Server, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.children[0].id().unwrap())).unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Begins to measure `VmHWM` anew.
pub fn forget_peak(server: &Server) {
    std::fs::write(format!("/proc/{}/clear_refs", server.children[0].id().unwrap()), "5").unwrap();
}

/// An export of 10,000 plays, a fifth of them as large as a play may be, and two pictures of 5 MB; then it is downloaded.
async fn export(engine: Engine) {
    const MOST: u64 = 64 * 1024;
    let server = Server::start_on(Arc::new(Home::migrated(engine).await), &[("LOG", "warn")]).await;
    let somebody = server.somebody().await;
    play_before(&server, 8_000).await;
    // Longer than PostgreSQL would compress away in one go, of 60 KiB each.
    let answers: Vec<_> = (0..1_500).map(|number| format!("\"trait{number}\":{}", number * 7_919)).collect();
    let json = format!("{{{},\"last\":\"{}\"}}", answers.join(","), "é".repeat(14_000));
    server
        .sql(&format!(
            "INSERT INTO scenario_game_data
            (user_id, current_level, completion, traits, penalties, schema_version, revision, date_created, date_updated)
            SELECT user_id, 1, 75.0, '{json}', '{json}', 2, 1, date_created, date_updated FROM scenario_game_data
            ORDER BY id LIMIT 2000"
        ))
        .await;
    put_pictures(&server, &[("profile", picture(PNG, 5_000_000)), ("cover", picture(JPEG, 5_000_000))]).await;
    server.queue_is_empty().await;
    let idle = memory(&server, "VmRSS");
    forget_peak(&server);
    let begun = Instant::now();
    data_export::request(&somebody).await;
    let export = loop {
        let export = data_export::state(&somebody).await;
        if export["state"] == "READY" {
            break export;
        }
        assert_ne!(export["state"], "FAILED");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    let (time, peak) = (begun.elapsed(), memory(&server, "VmHWM"));
    forget_peak(&server);
    let begun = Instant::now();
    let (_, _, bytes) = data_export::follow(&server, export["url"].as_str().unwrap()).await;
    let (download, second) = (begun.elapsed(), memory(&server, "VmHWM"));
    println!(
        "{engine:?}: idle {idle} KiB; making it {time:?}, {} KiB above at most; {} bytes; giving it out {download:?}, {} KiB above at most",
        peak.saturating_sub(idle),
        bytes.len(),
        second.saturating_sub(idle),
    );
    assert!(peak < idle + MOST && second < idle + MOST, "more than 64 MiB above idle");
    let files = data_export::unpack(&bytes);
    let unpacked: usize = files.values().map(Vec::len).sum();
    assert_eq!(data_export::rows(&files, "scenario_game_data").len(), 10_000);
    println!("{engine:?}: {unpacked} bytes unpacked");
    let home = Home::migrated(engine).await;
    let file = home.folder.join("export.zip");
    std::fs::write(&file, &bytes).unwrap();
    let begun = Instant::now();
    let mut command = home.command(&["import", file.to_str().unwrap()]);
    let mut importing = command.env("LOG", "warn").stdout(std::process::Stdio::null()).spawn().unwrap();
    let mut most = 0;
    while importing.try_wait().unwrap().is_none() {
        if let Some(id) = importing.id()
            && let Ok(status) = std::fs::read_to_string(format!("/proc/{id}/status"))
            && let Some(line) = status.lines().find(|line| line.starts_with("VmHWM"))
        {
            most = line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(importing.wait().await.unwrap().success());
    println!("{engine:?}: importing it {:?}, {most} KiB at most", begun.elapsed());
}
