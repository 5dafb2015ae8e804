//! The binary as an operator meets it.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Engine, Home, Server, on_both_engines};

on_both_engines!(
    migrations_go_down_to_nothing_and_up_again,
    what_is_stored_outlives_a_restart,
    requests_in_flight_finish_when_it_is_told_to_stop,
    health_is_told
);

async fn run(home: &Home, arguments: &[&str]) -> (bool, String) {
    let output = home.command(arguments).output().await.unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap())
}

async fn migrations_go_down_to_nothing_and_up_again(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    somebody.data(r#"mutation { saveJobsGame(input: { completion: 1 }) { id } setPassions(passions: ["a"]) { id } }"#).await;
    let home = server.home.clone();
    drop(server);

    let (went, printed) = run(&home, &["migrate", "down"]).await;
    assert!(went, "{printed}");
    let (_, status) = run(&home, &["migrate", "status"]).await;
    assert_eq!((status.matches("Pending").count(), status.matches("Applied").count()), (13, 0), "{status}");
    let (went, printed) = run(&home, &["migrate", "up"]).await;
    assert!(went, "{printed}");
    let (_, status) = run(&home, &["migrate", "status"]).await;
    assert_eq!((status.matches("Pending").count(), status.matches("Applied").count()), (0, 13), "{status}");

    let server = Server::start_on(home, &[]).await;
    let somebody = server.somebody().await;
    assert_eq!(somebody.data("{ me { jobsGame { id } role { roleName } } terms { version } }").await["terms"]["version"], "1.0");
}

async fn what_is_stored_outlives_a_restart(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    somebody.data(r#"mutation { saveJobsGame(input: { jobChoices: { Fleuriste: "like" } }) { id } }"#).await;
    let home = server.home.clone();
    drop(server);
    let server = Server::start_on(home, &[]).await;
    let again = server.client().with_token(somebody.access_token.as_deref());
    assert_eq!(
        again.data("{ me { jobsGame { jobChoices } } }").await["me"]["jobsGame"]["jobChoices"],
        json!({ "Fleuriste": "like" })
    );
}

async fn requests_in_flight_finish_when_it_is_told_to_stop(engine: Engine) {
    let home = Arc::new(Home::migrated(engine).await);
    let mut server = Server::start_on(home, &[("HASHING_PLACES", "1")]).await;
    let clients: Vec<_> = (0..12).map(|number| (server.client(), format!("flight{number}@example.org"))).collect();
    let under_way: Vec<_> =
        clients.into_iter().map(|(client, email)| tokio::spawn(async move { client.sign_up_only(&email).await })).collect();
    // Until the first is through, so that the others are there and wait for their hash.
    while !under_way.iter().any(tokio::task::JoinHandle::is_finished) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    server.terminate();
    for request in under_way {
        assert!(request.await.unwrap().access_token.is_some());
    }
    let status = tokio::time::timeout(Duration::from_secs(10), server.children[0].wait()).await.unwrap().unwrap();
    assert!(status.success());
}

async fn health_is_told(engine: Engine) {
    let server = Server::start(engine).await;
    for path in ["/health/live", "/health/ready"] {
        let response = server.client().raw(reqwest::Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
    }
}

#[tokio::test]
async fn secrets_are_made_once_and_only_their_owner_reads_them() {
    let home = Arc::new(Home::empty(Engine::Sqlite).await);
    let folder = home.folder.join("made");
    let settings = [("TOKEN_KEYS", ""), ("DATA_DIR", folder.to_str().unwrap())];
    let server = Server::start_on(home.clone(), &settings).await;
    let somebody = server.somebody().await;
    drop(server);
    let file = folder.join("secrets.toml");
    let mode = |path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&file), mode(&folder)), (0o600, 0o700));
    assert_eq!(mode(&home.folder.join("test.db")), 0o600);
    let before = std::fs::read_to_string(&file).unwrap();

    let server = Server::start_on(home.clone(), &settings).await;
    let again = server.client().with_token(somebody.access_token.as_deref());
    assert!(again.data("{ me { id } }").await["me"]["id"].is_string());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), before);
    let secret = before.split('"').find(|part| part.starts_with("first:")).unwrap().trim_start_matches("first:");
    assert!(!server.log().contains(secret));
}

#[tokio::test]
async fn wrong_settings_are_refused_all_at_once() {
    let home = Home::empty(Engine::Sqlite).await;
    let config = home.folder.join("config.toml");
    std::fs::write(&config, "log_format = \"xml\"\nno_such_setting = 1\n").unwrap();
    let mut command = home.command(&[]);
    command.env("BIND", "here").env("DATABASE_URL", "mysql://x").env("PUBLIC_URL", "https://example.org/path");
    command.env("TOKEN_KEYS", "short:c2VjcmV0").env("CONFIG", &config).env_remove("LOG_FORMAT");
    let output = command.output().await.unwrap();
    let printed = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    for fault in
        ["BIND is not", "DATABASE_URL is not", "PUBLIC_URL is not", "TOKEN_KEYS is not", "LOG_FORMAT is not", "no_such_setting"]
    {
        assert!(printed.contains(fault), "{fault}: {printed}");
    }
    assert!(!printed.contains("c2VjcmV0"), "a secret is printed: {printed}");
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_named_without_its_password() {
    let home = Home::empty(Engine::Sqlite).await;
    let mut command = home.command(&[]);
    command.env("DATABASE_URL", "postgres://somebody:hidden-word@127.0.0.1:1/nowhere").env("DATABASE_WAIT_SECONDS", "1");
    let output = tokio::time::timeout(Duration::from_secs(30), command.output()).await.unwrap().unwrap();
    let printed = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(printed.contains("somebody@127.0.0.1:1/nowhere does not answer"), "{printed}");
    assert!(!printed.contains("hidden-word"), "{printed}");
}

/// As if it were not set, it would serve another database.
#[tokio::test]
async fn a_setting_that_is_not_text_is_refused() {
    use std::os::unix::ffi::OsStrExt;
    let home = Home::empty(Engine::Sqlite).await;
    let output =
        home.command(&[]).env("DATABASE_URL", std::ffi::OsStr::from_bytes(b"postgres://a\xff/b")).output().await.unwrap();
    let printed = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && printed.contains("DATABASE_URL is not UTF-8"), "{printed}");
}

/// Wherever they stand.
#[tokio::test]
async fn passwords_of_databases_are_never_printed() {
    let home = Home::empty(Engine::Sqlite).await;
    let url = "postgres://127.0.0.1:1/nowhere?user=somebody&password=hidden-word";
    for arguments in [&["doctor"][..], &[], &["copy-database", "--from", "mysql://a:hidden-word@b/c", "--to", url]] {
        let mut command = home.command(arguments);
        let output = command.env("DATABASE_URL", url).env("DATABASE_WAIT_SECONDS", "0").output().await.unwrap();
        let printed = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && !printed.contains("hidden-word"), "{printed}");
    }
}

#[tokio::test]
async fn the_clock_is_a_setting() {
    let home = Arc::new(Home::migrated(Engine::Sqlite).await);
    let server = Server::start_on(home, &[("CLOCK_OFFSET", "-31536000")]).await;
    let somebody = server.somebody().await;
    let created = somebody.data("{ me { dateCreated } }").await["me"]["dateCreated"].as_str().unwrap().to_owned();
    let created = chrono::DateTime::parse_from_rfc3339(&created).unwrap();
    #[expect(clippy::disallowed_methods, reason = "the tests stand outside the service")]
    let year_ago = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() - 31_536_000;
    assert!(created.timestamp().abs_diff(i64::try_from(year_ago).unwrap()) < 60, "{created}");
}

#[tokio::test]
async fn administrators_are_made_by_the_operator() {
    let server = Server::start(Engine::Sqlite).await;
    let admin = server.admin().await;
    assert_eq!(admin.data("{ me { role { roleName } detail { emailVerified } } }").await["me"]["role"]["roleName"], "admin");
    let (went, printed) = run(&server.home, &["admin", "create", "--email", "admin@example.org"]).await;
    assert!(!went && printed.contains("exists already"), "{printed}");
    let answer = admin.send("{ roles { roleName } users { nodes { username } } }", Value::Null).await;
    let names: Vec<_> = answer.data()["roles"].as_array().unwrap().iter().map(|role| role["roleName"].clone()).collect();
    assert_eq!(names, ["user", "admin"]);
}
