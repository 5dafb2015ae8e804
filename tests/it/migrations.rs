//! Migrating where there is more than one: instances, releases, and requests that hold what a step wants.

use std::process::Stdio;
use std::sync::Arc;

use sea_orm::{ConnectionTrait, TransactionTrait};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::harness::{Engine, Home, Server, on_both_engines};

on_both_engines!(
    four_instances_that_start_at_once_migrate_once,
    a_release_runs_beside_a_newer_one_that_has_migrated,
    a_database_that_lacks_steps_and_has_unknown_ones_is_refused,
);

const STEPS: usize = 13;

async fn four_instances_that_start_at_once_migrate_once(engine: Engine) {
    let home = Arc::new(Home::empty(engine).await);
    let starts: Vec<_> = (0..4).map(|_| tokio::spawn(start(home.clone()))).collect();
    let mut servers = Vec::new();
    for start in starts {
        servers.push(start.await.unwrap());
    }
    let applied: usize = servers.iter().map(|server| server.log().matches("\"message\":\"migrating\"").count()).sum();
    assert_eq!(applied, STEPS, "each step once, whoever applied it");
    // What one of them writes the others read.
    let token = servers[0].somebody().await.access_token;
    for server in &servers {
        let me = server.client().with_token(token.as_deref()).data("{ me { id } }").await;
        assert!(me["me"]["id"].is_string());
    }
}

async fn start(home: Arc<Home>) -> Server {
    Server::start_on(home, &[("LOG", "info")]).await
}

async fn a_release_runs_beside_a_newer_one_that_has_migrated(engine: Engine) {
    let home = Arc::new(Home::migrated(engine).await);
    newer_step(&home).await;
    let server = Server::start_on(home.clone(), &[]).await;
    assert!(server.log().contains("m9999_of_a_newer_release"), "it is told");
    server.somebody().await;
    let output = home.command(&["migrate", "status"]).output().await.unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed.contains("m9999_of_a_newer_release Applied by a newer release"), "{printed}");
}

async fn a_database_that_lacks_steps_and_has_unknown_ones_is_refused(engine: Engine) {
    let home = Home::migrated(engine).await;
    assert!(home.command(&["migrate", "down", "--steps", "1"]).output().await.unwrap().status.success());
    newer_step(&home).await;
    let output = home.command(&[]).output().await.unwrap();
    let printed = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(printed.contains("(m9999_of_a_newer_release) and lacks steps that it needs (m0013_history)"), "{printed}");
}

async fn newer_step(home: &Home) {
    let database = home.database().await;
    let insert = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_of_a_newer_release', 0)";
    database.execute_unprepared(insert).await.unwrap();
}

/// A step that waits for a table makes everybody wait who comes after it: so it gives way, and tries again.
#[tokio::test]
async fn a_step_gives_way_to_who_holds_its_table() {
    let home = Home::migrated(Engine::Postgres).await;
    assert!(home.command(&["migrate", "down", "--steps", "1"]).output().await.unwrap().status.success());
    let holder = home.database().await.begin().await.unwrap();
    holder.execute_unprepared("LOCK TABLE scenario_game_data IN ROW EXCLUSIVE MODE").await.unwrap();

    let mut migrating = home.command(&["migrate", "up"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(migrating.stderr.take().unwrap()).lines();
    let told = loop {
        let line = lines.next_line().await.unwrap().expect("it gave up");
        if line.contains("trying again") {
            break line;
        }
    };
    assert!(told.contains("lock timeout"), "{told}");
    holder.execute_unprepared("UPDATE users SET username = username").await.unwrap();
    holder.commit().await.unwrap();
    assert!(migrating.wait().await.unwrap().success());
}
