//! The generated clients (tests/clients): each takes the whole journey of session-1.json, and compares what comes back.

use std::path::Path;

use tokio::process::Command;

use crate::harness::game::session;
use crate::harness::{Engine, Server, on_both_engines};

on_both_engines!(
    the_client_in_typescript_goes_all_the_way,
    the_client_in_python_goes_all_the_way,
    the_client_in_rust_goes_all_the_way,
);

async fn the_client_in_typescript_goes_all_the_way(engine: Engine) {
    run(engine, "node", "typescript/build/journey.js").await;
}

async fn the_client_in_python_goes_all_the_way(engine: Engine) {
    run(engine, "python/.venv/bin/python", "python/journey.py").await;
}

async fn the_client_in_rust_goes_all_the_way(engine: Engine) {
    let (server, api) = start(engine).await;
    client::journey(&api, &session()).await.unwrap();
    nobody_is_left(&server).await;
}

/// A service, and where its API is. The journeys do not tell the harness what they send, so it is told here.
async fn start(engine: Engine) -> (Server, String) {
    let server = Server::start(engine).await;
    server.home.personal.note_all(&session());
    server.note_secret("trois petits chats");
    server.note_secret(session()["detail"]["email"].as_str().unwrap());
    let api = format!("{}/graphql", server.url);
    (server, api)
}

/// Runs a journey, as `tests/clients/build` made it.
async fn run(engine: Engine, program: &str, journey: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients");
    let check = Command::new(folder.join("build")).arg("--check").output().await.unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));

    let (server, api) = start(engine).await;
    let program = if program.contains('/') { folder.join(program) } else { program.into() };
    let output = Command::new(program).arg(folder.join(journey)).arg(api).output().await.unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
    nobody_is_left(&server).await;
}

/// The journey ends with the account deleted.
async fn nobody_is_left(server: &Server) {
    assert!(server.sql("SELECT username FROM users").await.is_empty());
}
