//! `autrement doctor`: what it finds, what it says to do, and that it changes nothing.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use sea_orm::ConnectionTrait;

use crate::harness::{Engine, Home, Server, on_both_engines};

on_both_engines!(a_service_that_runs_is_well, a_key_that_is_not_the_databases_is_found, a_schema_that_is_behind_is_found);

/// Whether it ends well, and what it prints.
pub async fn doctor(home: &Home, settings: &[(&str, &str)]) -> (bool, String) {
    let mut command = home.command(&["doctor"]);
    command.envs(settings.iter().copied());
    let output = command.output().await.unwrap();
    let printed = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    assert!(home.personal.told_by(printed.as_bytes()).is_none(), "{printed}");
    (output.status.success(), printed)
}

/// What is to be mended, but for what the tests' own PostgreSQL does to be fast.
fn bad(printed: &str) -> Vec<&str> {
    let bad = printed.lines().filter_map(|line| line.strip_prefix("FAIL  "));
    bad.filter(|line| !line.contains("fsync is off") && !line.contains("full_page_writes is off")).collect()
}

/// A key of the index of addresses, so that no file of secrets is needed.
const INDEX_KEY: (&str, &str) = ("EMAIL_INDEX_KEY", "dGVzdHMgaW5kZXggd2l0aCB0aGlydHktdHdvIGJ5dGU");

async fn a_service_that_runs_is_well(engine: Engine) {
    let home = Arc::new(Home::migrated(engine).await);
    let server = Server::start_on(home.clone(), &[INDEX_KEY]).await;
    let address = server.url.trim_start_matches("http://").to_owned();
    let (is_well, printed) = doctor(&home, &[INDEX_KEY, ("BIND", &address)]).await;
    assert!(printed.contains(&format!("the service answers at {address}")), "{printed}");
    assert_eq!(bad(&printed), [] as [&str; 0], "{printed}");
    assert_eq!(is_well, !printed.contains("FAIL"), "{printed}");
    if engine == Engine::Sqlite {
        assert!(is_well, "{printed}");
    }
    for subject in ["settings", "disk", "keys", "database", "clock", "schema", "mail"] {
        assert!(printed.lines().any(|line| line.starts_with("ok    ") && line[6..].starts_with(subject)), "{subject}: {printed}");
    }
}

async fn a_key_that_is_not_the_databases_is_found(engine: Engine) {
    let home = Arc::new(Home::migrated(engine).await);
    drop(Server::start_on(home.clone(), &[INDEX_KEY]).await);
    let other = "tests:b3RoZXIgZW5jcnlwdCB3aXRoIHRoaXJ0eSBieXRlcy4u";
    let (is_well, printed) = doctor(&home, &[INDEX_KEY, ("ENCRYPTION_KEYS", other)]).await;
    assert!(!is_well && bad(&printed).iter().any(|line| line.contains("tests is not the one")), "{printed}");
    let renamed = "another:b3RoZXIgZW5jcnlwdCB3aXRoIHRoaXJ0eSBieXRlcy4u";
    let (is_well, printed) = doctor(&home, &[INDEX_KEY, ("ENCRYPTION_KEYS", renamed)]).await;
    assert!(!is_well && bad(&printed).iter().any(|line| line.contains("tests of the database is not set")), "{printed}");
    assert!(!printed.contains("b3RoZXI"), "{printed}");
}

async fn a_schema_that_is_behind_is_found(engine: Engine) {
    let home = Home::migrated(engine).await;
    let output = home.command(&["migrate", "down", "--steps", "1"]).output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    let (_, printed) = doctor(&home, &[INDEX_KEY]).await;
    assert!(printed.contains("1 migrations are missing, from m0013"), "{printed}");
    let output = home.command(&["migrate", "down"]).output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    let (_, printed) = doctor(&home, &[INDEX_KEY]).await;
    assert!(printed.contains("13 migrations are missing"), "{printed}");
}

#[tokio::test]
async fn before_the_first_start_it_makes_nothing() {
    let home = Home::empty(Engine::Sqlite).await;
    let folder = home.folder.join("not-there");
    let file = format!("sqlite://{}", folder.join("a.db").display());
    let settings = [("DATA_DIR", folder.to_str().unwrap()), ("DATABASE_URL", file.as_str()), ("TOKEN_KEYS", "")];
    let (is_well, printed) = doctor(&home, &settings).await;
    assert!(is_well && printed.contains("the first start makes it"), "{printed}");
    assert!(!folder.exists());
}

/// What a start would run into is told before.
#[tokio::test]
async fn what_keeps_a_start_from_going_is_told() {
    let home = Home::empty(Engine::Sqlite).await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listens = taken.local_addr().unwrap().to_string();
    let link = home.folder.join("link.db");
    std::os::unix::fs::symlink("nowhere", &link).unwrap();
    let link = format!("sqlite://{}", link.display());
    for (setting, value, found) in [
        ("MAIL_FROM", "nobody", "MAIL_FROM is not"),
        ("RELYING_PARTY_ID", "example.org", "RELYING_PARTY_ID example.org is neither"),
        ("BIND", &listens, "something else listens"),
        ("BIND", "192.0.2.1:80", "FAIL  address"),
        ("DATABASE_URL", "sqlite:///nowhere/at/all.db", "can't be made"),
        ("DATABASE_URL", &link, "leads nowhere"),
        ("DATABASE_URL", "sqlite::memory:", "DATABASE_URL is not"),
        ("DATABASE_URL", "sqlite:///tmp/a.db?mode=memory", "DATABASE_URL is not"),
        ("DATABASE_URL", "sqlite:///tmp/a.db?mode=ro", "DATABASE_URL is not"),
        ("METRICS_BIND", "192.0.2.1:80", "for metrics"),
        ("DATA_DIR", "/dev/null/nothing", "can't be made"),
    ] {
        let (is_well, printed) = doctor(&home, &[INDEX_KEY, (setting, value)]).await;
        assert!(!is_well && printed.contains(found), "{setting} {value}: {printed}");
    }
    let (is_well, printed) = doctor(&home, &[INDEX_KEY]).await;
    assert!(is_well && printed.contains("BIND has port 0"), "{printed}");
    drop(taken);
    let (_, printed) = doctor(&home, &[INDEX_KEY, ("BIND", &listens)]).await;
    assert!(printed.contains("is free: no service runs there"), "{printed}");
}

/// Somebody else's, say, or one that was left where it should not be.
#[tokio::test]
async fn a_database_of_others_is_told_and_not_touched() {
    let home = Home::empty(Engine::Sqlite).await;
    let file = home.folder.join("test.db");
    let database = sea_orm::Database::connect(format!("sqlite://{}?mode=rwc", file.display())).await.unwrap();
    database.execute_unprepared("CREATE TABLE users (name TEXT)").await.unwrap();
    database.close().await.unwrap();
    let before = std::fs::read(&file).unwrap();
    let files = || std::fs::read_dir(&home.folder).unwrap().map(|file| file.unwrap().file_name()).collect::<BTreeSet<_>>();
    let all = files();
    let (is_well, printed) = doctor(&home, &[INDEX_KEY]).await;
    assert_eq!(files(), all);
    assert!(!is_well && printed.contains("tables that this service did not make"), "{printed}");
    assert_eq!(std::fs::read(&file).unwrap(), before);
    std::fs::write(home.folder.join("secrets.toml"), "token_keys = []\nemail_index_key = \"\"\n").unwrap();
    let (is_well, printed) = doctor(&home, &[]).await;
    assert!(!is_well && printed.contains("holds a key that is not"), "{printed}");
    assert!(!home.folder.join("secrets.lock").exists());
}

/// SQLite makes files beside one that is only read, otherwise.
#[tokio::test]
async fn a_database_that_nobody_has_open_is_not_touched() {
    let home = Arc::new(Home::migrated(Engine::Sqlite).await);
    drop(Server::start_on(home.clone(), &[INDEX_KEY]).await);
    let folder = home.folder.join("stopped");
    std::fs::create_dir(&folder).unwrap();
    let url = format!("sqlite://{}", folder.join("a%20copy.db").display());
    let output = home.command(&["backup", folder.join("a copy.db").to_str().unwrap()]).output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    // As the service leaves it.
    let database = sea_orm::Database::connect(&url).await.unwrap();
    database.execute_unprepared("PRAGMA journal_mode = WAL").await.unwrap();
    database.close().await.unwrap();
    let (is_well, printed) = doctor(&home, &[INDEX_KEY, ("DATABASE_URL", &url)]).await;
    assert!(is_well && printed.contains("every migration of this release is applied"), "{printed}");
    let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files, ["a copy.db"]);
}

/// `doctor | head -1`, or on a full disk.
#[tokio::test]
async fn what_nobody_reads_ends_nothing() {
    let home = Arc::new(Home::migrated(Engine::Sqlite).await);
    let into_nothing = async |arguments: &[&str]| {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = home.command(arguments);
        let child = command.env(INDEX_KEY.0, INDEX_KEY.1).stdout(full).stderr(std::process::Stdio::piped()).spawn().unwrap();
        let output = child.wait_with_output().await.unwrap();
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    };
    let (went, printed) = into_nothing(&["doctor"]).await;
    assert!(went, "{printed}");
    let (went, printed) = into_nothing(&["schema"]).await;
    assert!(!went && printed.contains("No space"), "{printed}");
    let (went, printed) = into_nothing(&["admin", "create", "--email", "admin@example.org"]).await;
    assert!(!went && printed.contains("could not be printed"), "{printed}");
}

#[tokio::test]
async fn settings_that_are_not_valid_are_all_told() {
    let home = Home::empty(Engine::Sqlite).await;
    let (is_well, printed) =
        doctor(&home, &[("BIND", "here"), ("METRICS_BIND", "there"), ("OTEL_TRACES_SAMPLER_ARG", "2")]).await;
    assert!(!is_well, "{printed}");
    for fault in ["BIND is not", "METRICS_BIND is not", "OTEL_TRACES_SAMPLER_ARG is not"] {
        assert!(printed.contains(fault), "{printed}");
    }
}

#[tokio::test]
async fn settings_that_do_not_go_together_are_told() {
    let home = Home::migrated(Engine::Sqlite).await;
    let settings =
        [INDEX_KEY, ("PUBLIC_URL", "http://service.example.org"), ("SMTP_URL", ""), ("RELYING_PARTY_ID", "elsewhere.org")];
    let (is_well, printed) = doctor(&home, &settings).await;
    assert!(!is_well, "{printed}");
    for found in ["without TLS", "SMTP_URL is not set", "neither service.example.org nor above it", "TRUSTED_PROXIES is not set"]
    {
        assert!(printed.contains(found), "{found}: {printed}");
    }
}

#[tokio::test]
async fn a_database_out_of_reach_is_told_with_the_way_out() {
    let home = Home::empty(Engine::Postgres).await;
    let url = "postgres://somebody:hidden-word@127.0.0.1:1/nowhere";
    let (is_well, printed) = doctor(&home, &[INDEX_KEY, ("DATABASE_URL", url)]).await;
    assert!(!is_well && printed.contains("does not answer: ") && printed.contains("host and port"), "{printed}");
    assert!(!printed.contains("hidden-word"), "{printed}");
    let (is_well, printed) = doctor(&home, &[INDEX_KEY, ("DATABASE_URL", &format!("{}_of_nobody", home.database_url))]).await;
    assert!(!is_well && printed.contains("does not let the service in: "), "{printed}");
    let (is_well, printed) = doctor(&home, &[INDEX_KEY, ("DATABASE_CONNECTIONS", "1000")]).await;
    assert!(!is_well && printed.contains("max_connections"), "{printed}");
}

#[tokio::test]
async fn a_mailserver_that_does_not_let_in_is_told_with_the_way_out() {
    let home = Home::migrated(Engine::Sqlite).await;
    let (is_well, printed) = doctor(&home, &[INDEX_KEY, ("SMTP_URL", "smtp://127.0.0.1:1")]).await;
    assert!(!is_well && printed.contains("the server can't be reached") && printed.contains("host and port"), "{printed}");
    // One that speaks no TLS.
    let smtp = crate::harness::mailbox::smtp_url();
    let (is_well, printed) = doctor(&home, &[INDEX_KEY, ("SMTP_URL", &format!("{smtp}?tls=required"))]).await;
    assert!(!is_well && printed.contains("FAIL  mail"), "{printed}");
}

#[tokio::test]
async fn a_clock_that_is_not_the_databases_is_told() {
    let home = Home::migrated(Engine::Postgres).await;
    for (offset, word) in [("0", "ok  "), ("10", "warn"), ("-3600", "FAIL")] {
        let (_, printed) = doctor(&home, &[INDEX_KEY, ("CLOCK_OFFSET", offset)]).await;
        assert!(printed.contains(&format!("{word}  clock ")), "{offset}: {printed}");
    }
}

#[tokio::test]
async fn a_file_that_is_damaged_is_told() {
    let home = Home::migrated(Engine::Sqlite).await;
    let file = home.folder.join("test.db");
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8192].fill(0xa5);
    std::fs::write(&file, bytes).unwrap();
    let (is_well, printed) = doctor(&home, &[INDEX_KEY]).await;
    assert!(!is_well && printed.contains("FAIL  database"), "{printed}");
}

#[tokio::test]
async fn secrets_that_others_can_read_are_told() {
    let home = Arc::new(Home::migrated(Engine::Sqlite).await);
    let settings = [("TOKEN_KEYS", "")];
    drop(Server::start_on(home.clone(), &settings).await);
    let (is_well, printed) = doctor(&home, &settings).await;
    assert!(is_well && printed.contains("secrets.toml is there"), "{printed}");
    let file = home.folder.join("secrets.toml");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let (is_well, printed) = doctor(&home, &settings).await;
    assert!(!is_well && printed.contains("can be read by others"), "{printed}");
    std::fs::write(&file, "nothing = 1").unwrap();
    let (is_well, printed) = doctor(&home, &settings).await;
    assert!(!is_well && printed.contains("is not the TOML"), "{printed}");
}
