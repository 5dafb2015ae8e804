//! A whole database moved to the other engine: nothing is lost, and everybody goes on where they were.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, DbBackend, Statement, TransactionTrait};
use serde_json::json;

use crate::data_export::{self, Files, follow, rows, unpack, whole_person};
use crate::harness::game::game;
use crate::harness::{Client, Engine, Home, Server, on_both_engines};

on_both_engines!(everything_moves_to_the_other_engine, a_copy_goes_into_an_empty_database_alone);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a benchmark"]
async fn bench_move_of_10_000_people_to_postgres() {
    move_people(Engine::Sqlite, 10_000).await;
}

async fn everything_moves_to_the_other_engine(engine: Engine) {
    move_people(engine, 60).await;
}

/// What is on its way into a PostgreSQL when a copy of it begins is waited for, and what comes later waits.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_writes_to_what_is_copied() {
    let from = Arc::new(Home::migrated(Engine::Postgres).await);
    let to = Home::migrated(Engine::Sqlite).await;
    let database = from.database().await;
    let transaction = database.begin().await.unwrap();
    transaction.execute_unprepared("UPDATE roles SET description = 'changed' WHERE role_name = 'user'").await.unwrap();
    let copying = {
        let (from, to) = (from.clone(), to.database_url.clone());
        tokio::spawn(async move { run(&from, &["copy-database", "--from", &from.database_url, "--to", &to]).await })
    };
    let waits = "SELECT 1 FROM pg_locks JOIN pg_database ON pg_database.oid = database \
        WHERE datname = current_database() AND mode = 'ShareLock' AND NOT granted";
    let begun = Instant::now();
    while database.query_all_raw(Statement::from_string(DbBackend::Postgres, waits)).await.unwrap().is_empty() {
        assert!(!copying.is_finished() && begun.elapsed() < Duration::from_secs(20), "it waits for nobody");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    transaction.commit().await.unwrap();
    let (went, printed) = copying.await.unwrap();
    assert!(went, "{printed}");
    let target = to.database().await;
    let row =
        target.query_one_raw(Statement::from_string(DbBackend::Sqlite, "SELECT description FROM roles WHERE role_name = 'user'"));
    assert_eq!(row.await.unwrap().unwrap().try_get_by_index::<String>(0).unwrap(), "changed");
}

/// Where some of the texts could not be written.
#[tokio::test]
async fn a_database_of_another_encoding_is_refused() {
    let (from, to) = (Home::migrated(Engine::Sqlite).await, Home::empty(Engine::Postgres).await);
    let name = format!("{}_ascii", to.database_url.rsplit('/').next().unwrap());
    let database = to.database().await;
    let create = format!("CREATE DATABASE {name} ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0");
    database.execute_unprepared(&create).await.unwrap();
    let url = format!("{}_ascii", to.database_url);
    let (went, printed) = run(&from, &["copy-database", "--from", &from.database_url, "--to", &url]).await;
    assert!(!went && printed.contains("SQL_ASCII"), "{printed}");
    database.execute_unprepared(&format!("DROP DATABASE {name}")).await.unwrap();
}

fn other(engine: Engine) -> Engine {
    if engine == Engine::Sqlite { Engine::Postgres } else { Engine::Sqlite }
}

/// Invented people who differ in what they have.
fn sample(count: usize) -> String {
    let person = |number: usize| {
        let play = |keys: usize| {
            let traits: serde_json::Map<_, _> = (0..keys).map(|key| (format!("t{key}"), json!(number * key))).collect();
            json!({ "currentLevel": 1 + number % 5, "completion": 12.5, "json": { "traits": traits } })
        };
        json!({
            "username": format!("mover{number}"), "dateCreated": format!("2024-02-29T08:15:{:02}.{number:06}Z", number % 60),
            "onboardingComplete": number.is_multiple_of(2), "role": { "roleName": "user", "description": "Tells of user" },
            "detail": {
                "firstName": format!("Zoë-Invented-{number}"), "lastName": "Sample-Person", "age": 16 + number % 10,
                "email": format!("mover.{number}@example.org")
            },
            "avatar": (!number.is_multiple_of(3)).then(|| json!({ "avatarColor": "teal" })),
            "passions": (0..number % 4).map(|passion| format!("Passion {passion} of {number}")).collect::<Vec<_>>(),
            "plays": {
                "scenario_game_data": (0..number % 3).map(|keys| play(keys * 10)).collect::<Vec<_>>(),
                "jobs_game_data": [{ "completion": 30.1, "json": { "jobChoices": { "Fleuriste": "like", "Électricien": "dislike" } } }],
                "room_env_game_data": [{ "completion": 50, "json": { "roomData": [{ "commentary": format!("plenty of light {number}") }] } }]
            }
        })
        .to_string()
    };
    (0..count).map(person).collect::<Vec<_>>().join("\n")
}

async fn run(home: &Home, arguments: &[&str]) -> (bool, String) {
    let output = home.command(arguments).env("LOG", "warn").output().await.unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap())
}

async fn copy(from: &Home, to: &Home) -> (bool, String) {
    run(from, &["copy-database", "--from", &from.database_url, "--to", &to.database_url]).await
}

/// What an export tells of the person; not when it was made, nor that exports were.
fn told(files: &Files) -> Vec<(String, Vec<u8>)> {
    let told = files.iter().filter(|(name, _)| name.contains('/') && *name != "data/audit_log.json");
    let log = rows(files, "audit_log");
    let log: Vec<_> = log.iter().filter(|row| !row["kind"].as_str().unwrap().contains("export")).collect();
    let log = ("data/audit_log.json".to_owned(), json!(log).to_string().into_bytes());
    told.map(|(name, bytes)| (name.clone(), bytes.clone())).chain([log]).collect()
}

/// The exports of all these people, and the way to each.
async fn exports(server: &Server, people: &[Client]) -> Vec<(String, Vec<(String, Vec<u8>)>)> {
    for client in people {
        data_export::request(client).await;
    }
    let waiting = "SELECT CAST(COUNT(*) AS TEXT) FROM data_exports WHERE state <> 'ready'";
    while server.sql(waiting).await != ["0"] {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mut exports = Vec::new();
    for client in people {
        let export = data_export::ready(server, client).await;
        let url = export["url"].as_str().unwrap().to_owned();
        let (status, _, bytes) = follow(server, &url).await;
        assert_eq!(status, 200);
        exports.push((url.strip_prefix(&server.origin).unwrap().to_owned(), told(&unpack(&bytes))));
    }
    exports
}

async fn move_people(engine: Engine, count: usize) {
    let settings = [("LOG", "warn")];
    let old = Arc::new(Home::empty(engine).await);
    let (file, tokens) = (old.folder.join("people.jsonl"), old.folder.join("tokens"));
    std::fs::write(&file, sample(count)).unwrap();
    let (went, printed) = run(&old, &["sample", "load", file.to_str().unwrap(), "--tokens", tokens.to_str().unwrap()]).await;
    assert!(went, "{printed}");
    let tokens: Vec<_> = std::fs::read_to_string(tokens).unwrap().lines().map(str::to_owned).collect();
    let server = Server::start_on(old.clone(), &settings).await;
    for token in &tokens {
        server.note_secret(token);
    }
    let (whole, email) = whole_person(&server, "mover").await;
    // The last play is deleted: its id is not given again.
    let played = game("skills").save(&whole, json!({ "newPlay": true, "completion": 1 })).await;
    let deleted = played.data()["play"]["id"].clone();
    let last = last_id(&server, "skills_game_data").await;
    whole.data(&format!("mutation {{ deletePlay(id: {deleted}) }}")).await;

    let people = |server: &Server| -> Vec<_> {
        let whole = server.client().with_token(whole.access_token.as_deref());
        tokens.iter().map(|token| server.client().with_token(Some(token))).chain([whole]).collect()
    };
    let begun = Instant::now();
    let before = exports(&server, &people(&server)).await;
    let exporting = begun.elapsed();
    server.terminate();
    let mut server = server;
    assert!(server.children[0].wait().await.unwrap().success());
    drop(server);

    let new = Arc::new(Home::empty(other(engine)).await);
    // The same keys: that of the index of addresses is made in the folder.
    std::fs::copy(old.folder.join("secrets.toml"), new.folder.join("secrets.toml")).unwrap();
    let begun = Instant::now();
    let (went, printed) = copy(&old, &new).await;
    assert!(went && printed.contains("both databases hold the same"), "{printed}");
    let copying = begun.elapsed();
    let server = Server::start_on(new.clone(), &settings).await;
    // Links that were given before still lead to what they led to.
    for (path, told) in [&before[0], &before[count]] {
        let (status, _, bytes) = follow(&server, &format!("{}{path}", server.origin)).await;
        assert_eq!(status, 200);
        assert_eq!(&self::told(&unpack(&bytes)), told);
    }
    let after = exports(&server, &people(&server)).await;
    for ((_, before), (_, after)) in before.iter().zip(&after) {
        for ((name, before), (_, after)) in before.iter().zip(after) {
            assert_eq!(String::from_utf8_lossy(before), String::from_utf8_lossy(after), "{name}");
        }
        assert_eq!(before.len(), after.len());
    }
    println!(
        "{engine:?} to {:?}: {} exports equal; making them took {exporting:?}, copying {copying:?}",
        other(engine),
        after.len()
    );
    println!("{}", printed.lines().last().unwrap());

    // They go on: by password, and in a play of their own.
    let again = server.client().sign_in(&email, "trois petits chats").await;
    let saved = game("skills").save(&again, json!({ "newPlay": true, "completion": 2 })).await;
    assert_ne!(saved.data()["play"]["id"], deleted);
    assert_eq!(last_id(&server, "skills_game_data").await, last + 1);
    server.somebody().await;
}

async fn last_id(server: &Server, table: &str) -> i64 {
    server.sql(&format!("SELECT CAST(MAX(id) AS TEXT) FROM {table}")).await[0].parse().unwrap()
}

async fn a_copy_goes_into_an_empty_database_alone(engine: Engine) {
    let old = Home::migrated(engine).await;
    let new = Arc::new(Home::migrated(other(engine)).await);
    let server = Server::start_on(new.clone(), &[]).await;
    server.somebody().await;
    let (went, printed) = copy(&old, &new).await;
    assert!(!went && printed.contains("The target has rows in users already"), "{printed}");
    assert_eq!(server.sql("SELECT role_name FROM roles ORDER BY id").await, ["user", "admin"]);

    let new = Home::empty(other(engine)).await;
    old.database().await.execute_unprepared("CREATE TABLE notes (id INTEGER)").await.unwrap();
    let (went, printed) = copy(&old, &new).await;
    assert!(!went && printed.contains("a table notes, which this release does not know"), "{printed}");
    let (went, printed) = copy(&old, &old).await;
    assert!(!went && printed.contains("are the same database"), "{printed}");
}
