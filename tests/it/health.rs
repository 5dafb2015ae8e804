//! Whether a service can work, and how it starts where its database is not there yet.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::Method;
use sea_orm::ConnectionTrait;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};

use crate::harness::{Engine, Home, Server, on_both_engines};

on_both_engines!(an_older_schema_is_not_ready, a_newer_schema_is, another_key_is_not_ready);

/// What it says, once it says that with this status.
async fn ready(server: &Server, status: u16) -> String {
    for _ in 0..200 {
        let response = server.client().raw(Method::GET, "/health/ready").send().await.unwrap();
        let is = response.status().as_u16();
        let text = response.text().await.unwrap();
        if is == status {
            return text;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it never says {status}");
}

async fn an_older_schema_is_not_ready(engine: Engine) {
    let server = Server::start(engine).await;
    assert_eq!(ready(&server, 200).await, "ready\n");
    server.sql("UPDATE seaql_migrations SET version = 'was_' || version WHERE version LIKE 'm0013%'").await;
    assert!(ready(&server, 503).await.contains("older than this release"));
    // It is for who starts and stops it to judge; the process itself is well.
    assert_eq!(server.client().raw(Method::GET, "/health/live").send().await.unwrap().status(), 200);
    server.sql("UPDATE seaql_migrations SET version = substr(version, 5) WHERE version LIKE 'was_%'").await;
    ready(&server, 200).await;
}

/// Instances of two releases run beside each other while one takes over.
async fn a_newer_schema_is(engine: Engine) {
    let server = Server::start(engine).await;
    server.sql("INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_of_a_later_release', 0)").await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    ready(&server, 200).await;
}

async fn another_key_is_not_ready(engine: Engine) {
    let server = Server::start(engine).await;
    let proof = server.sql("SELECT proof FROM encryption_keys").await.remove(0);
    let (kept, last) = proof.split_at(proof.len() - 2);
    let other = format!("{kept}{}", if last == "AA" { "AQ" } else { "AA" });
    server.sql(&format!("UPDATE encryption_keys SET proof = '{other}'")).await;
    assert!(ready(&server, 503).await.contains("encryption key"));
    server.sql(&format!("UPDATE encryption_keys SET proof = '{proof}'")).await;
    ready(&server, 200).await;
}

#[tokio::test]
async fn a_database_that_goes_and_comes_back_is_told() {
    let server = Server::start(Engine::Postgres).await;
    server.home.let_in(false).await;
    assert_eq!(ready(&server, 503).await, "the database does not answer, or all connections to it are in use\n");
    server.home.let_in(true).await;
    ready(&server, 200).await;
}

/// A primary that has become a replica, or is set to read only: what is read is answered, and what is written is not lost in silence.
#[tokio::test]
async fn a_database_that_takes_no_writes_is_told() {
    // Past a pooler, whose connections stay as they are.
    let home = Arc::new(Home::migrated(Engine::Postgres).await);
    let url = home.database_url.clone();
    let server = Server::start_on(home, &[("DATABASE_URL", &url)]).await;
    let somebody = server.somebody().await;
    let name = server.home.database_url.rsplit('/').next().unwrap().to_owned();
    server.sql(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on")).await;
    let others = format!(
        "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()"
    );
    server.sql(&others).await;
    let told = async { while !ready(&server, 503).await.contains("does not keep what is written") {} };
    tokio::time::timeout(Duration::from_secs(10), told).await.unwrap();
    let passions = "mutation { setPassions(passions: [\"the sea\"]) { id } }";
    assert_eq!(somebody.send(passions, Value::Null).await.codes(), ["UNAVAILABLE"]);
    somebody.data("{ me { id } }").await;
    let (_, printed) = crate::doctor::doctor(&server.home, &[]).await;
    assert!(printed.contains("it takes no writes"), "{printed}");
    let (address, _) = server.home.database_url.rsplit_once('/').unwrap();
    let elsewhere = sea_orm::Database::connect(format!("{address}/postgres")).await.unwrap();
    elsewhere.execute_unprepared(&format!("ALTER DATABASE {name} RESET default_transaction_read_only")).await.unwrap();
    // By itself: no connection of before is used again.
    ready(&server, 200).await;
    for _ in 0..10 {
        somebody.data(passions).await;
    }
}

/// SQLite would go on, and all of it be gone at the next start.
#[tokio::test]
async fn a_file_that_is_removed_is_told() {
    let server = Server::start(Engine::Sqlite).await;
    let (file, kept) = (server.home.folder.join("test.db"), server.home.folder.join("kept.db"));
    ready(&server, 200).await;
    std::fs::rename(&file, &kept).unwrap();
    assert!(ready(&server, 503).await.contains("does not keep what is written"));
    // What would be gone at the next start is not acknowledged.
    let sign_up =
        "mutation { signUp(input: { email: \"too-late@example.org\", password: \"trois petits chats\" }) { accessToken } }";
    assert_eq!(server.client().send(sign_up, Value::Null).await.codes(), ["UNAVAILABLE"]);
    std::fs::copy(&kept, &file).unwrap();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    ready(&server, 503).await;
    std::fs::rename(&kept, &file).unwrap();
    ready(&server, 200).await;
}

/// A way to the database that breaks off as often as told, and then holds. How often it was tried is counted.
async fn way(to: String, breaks: usize) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, tries) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let counted = tries.clone();
    tokio::spawn(async move {
        while let Ok((mut from, _)) = listener.accept().await {
            if counted.fetch_add(1, Ordering::Relaxed) < breaks {
                continue;
            }
            let to = to.clone();
            tokio::spawn(async move {
                if let Ok(mut to) = TcpStream::connect(to).await {
                    let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
                }
            });
        }
    });
    (port, tries)
}

/// Where the database is, and its URL by way of another port.
fn by_way_of(home: &Home, port: impl FnOnce(String) -> u16) -> String {
    let (scheme, rest) = home.database_url.split_once("://").unwrap();
    let (who, rest) = rest.split_once('@').unwrap();
    let (address, name) = rest.split_once('/').unwrap();
    format!("{scheme}://{who}@127.0.0.1:{}/{name}", port(address.to_owned()))
}

#[tokio::test]
async fn a_start_waits_for_the_database() {
    let home = Arc::new(Home::migrated(Engine::Postgres).await);
    let mut address = String::new();
    by_way_of(&home, |found| {
        address = found;
        0
    });
    let (port, tries) = way(address, 3).await;
    let url = by_way_of(&home, |_| port);
    let server = Server::start_on(home, &[("DATABASE_URL", url.as_str())]).await;
    assert!(tries.load(Ordering::Relaxed) > 3);
    let lines = server.lines("the database does not answer yet; trying again", 3).await;
    assert_eq!(lines.len(), 3);
    assert!(lines.iter().all(|line| line["fields"]["reason"].as_str().is_some_and(|reason| !reason.is_empty())), "{lines:?}");
    server.client().data("{ terms { version } }").await;
}

#[tokio::test]
async fn a_start_that_waited_long_enough_says_why() {
    let home = Home::empty(Engine::Postgres).await;
    let printed = home
        .gives_up(&[("DATABASE_URL", "postgres://somebody:hidden-word@127.0.0.1:1/nowhere"), ("DATABASE_WAIT_SECONDS", "1")])
        .await;
    assert!(
        printed.contains("does not answer: ") && printed.contains("refused") && printed.contains("DATABASE_WAIT_SECONDS"),
        "{printed}"
    );
    assert!(!printed.contains("hidden-word"), "{printed}");
}

#[tokio::test]
async fn a_start_does_not_wait_for_what_stays_as_it_is() {
    let home = Home::empty(Engine::Postgres).await;
    let printed =
        home.gives_up(&[("DATABASE_URL", &format!("{}_of_nobody", home.database_url)), ("DATABASE_WAIT_SECONDS", "600")]).await;
    assert!(printed.contains("does not let the service in: ") && printed.contains("does not exist"), "{printed}");
}
