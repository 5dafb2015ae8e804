//! A service of its own for each test, over a database of its own.

pub mod authenticator;
pub mod browser;
pub mod client;
pub mod cluster;
pub mod collector;
pub mod game;
pub mod haproxy;
pub mod load;
pub mod mailbox;
pub mod metrics;
pub mod operations;
pub mod plain;
pub mod postgres;
pub mod proxy;
pub mod token;
pub mod wire;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::OnceCell;

use client::Secrets;
pub use client::{Answer, Client};

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
    /// PostgreSQL with two instances of the service behind a proxy that gives each connection to the next one.
    Pair,
}

/// Makes a test of each function for each engine.
macro_rules! on_both_engines {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name(crate::harness::Engine::Sqlite).await;
            })*
        }
        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                super::$name(crate::harness::Engine::Postgres).await;
            })*
        }
    };
}
pub(crate) use on_both_engines;

/// The same, and on two instances.
macro_rules! on_both_engines_and_two_instances {
    ($($name:ident),* $(,)?) => {
        crate::harness::on_both_engines!($($name),*);
        mod pair {
            $(#[tokio::test]
            async fn $name() {
                super::$name(crate::harness::Engine::Pair).await;
            })*
        }
    };
}
pub(crate) use on_both_engines_and_two_instances;

/// The secret of the tokens in the tests, so that they can make tokens too.
pub const TOKEN_SECRET: &[u8; 32] = b"tests sign with thirty-two bytes";
const TOKEN_KEYS: &str = "tests:dGVzdHMgc2lnbiB3aXRoIHRoaXJ0eS10d28gYnl0ZXM";
/// The key of the encrypted fields in the tests.
pub const ENCRYPTION_KEYS: &str = "tests:dGVzdHMgZW5jcnlwdCB3aXRoIHRoaXJ0eSBieXRlcy4u";

/// Where cargo put the binary: beside this one.
pub fn binary() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let binary = here.parent().and_then(Path::parent).unwrap().join("autrement");
    assert!(binary.exists(), "{} is missing: run tests/run, or cargo build first", binary.display());
    binary
}

/// A folder and a database, gone when dropped.
pub struct Home {
    pub folder: PathBuf,
    pub database_url: String,
    engine: Engine,
    /// On the server of all tests, which may be reached in several ways.
    is_shared: bool,
    secrets: Secrets,
    pub personal: plain::Personal,
}

impl Home {
    /// An empty database.
    pub async fn empty(engine: Engine) -> Self {
        let folder = new_folder();
        std::fs::create_dir(&folder).unwrap();
        let name = folder.file_name().unwrap().to_str().unwrap();
        let database_url = match engine {
            Engine::Sqlite => format!("sqlite://{}", folder.join("test.db").display()),
            Engine::Postgres | Engine::Pair => {
                administer(&format!("CREATE DATABASE {name}")).await;
                format!("{}/{name}", postgres_url())
            }
        };
        Self { folder, database_url, engine, is_shared: true, secrets: Secrets::default(), personal: plain::Personal::default() }
    }

    /// A PostgreSQL database of a server of the test's own.
    pub fn at(database_url: &str) -> Self {
        let folder = new_folder();
        std::fs::create_dir(&folder).unwrap();
        let (engine, database_url) = (Engine::Postgres, database_url.to_owned());
        Self { folder, database_url, engine, is_shared: false, secrets: Secrets::default(), personal: plain::Personal::default() }
    }

    /// A migrated database: made once, copied for each test.
    pub async fn migrated(engine: Engine) -> Self {
        static SQLITE: OnceCell<Home> = OnceCell::const_new();
        static POSTGRES: OnceCell<Home> = OnceCell::const_new();
        let template = match engine {
            Engine::Sqlite => &SQLITE,
            Engine::Postgres | Engine::Pair => &POSTGRES,
        };
        let template = template
            .get_or_init(|| async {
                let home = Self::empty(engine).await;
                // Not through a pooler, whose sessions stay, since a database in use is not copied.
                let output = home.command(&["migrate", "up"]).env("DATABASE_URL", &home.database_url).output().await.unwrap();
                assert!(output.status.success(), "{output:?}");
                home
            })
            .await;
        let home = Self::empty(engine).await;
        match engine {
            Engine::Sqlite => {
                std::fs::copy(template.folder.join("test.db"), home.folder.join("test.db")).unwrap();
            }
            Engine::Postgres | Engine::Pair => {
                let name = |home: &Self| home.database_url.rsplit('/').next().unwrap().to_owned();
                administer(&format!("DROP DATABASE {}", name(&home))).await;
                administer(&format!("CREATE DATABASE {} TEMPLATE {}", name(&home), name(template))).await;
            }
        }
        home
    }

    /// The binary with these arguments, on this database.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(&binary(), arguments)
    }

    /// The same of another binary.
    fn command_of(&self, binary: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary);
        command
            .args(arguments)
            .env_clear()
            .env("DATABASE_URL", self.through("TEST_POOLER_URL").unwrap_or_else(|| self.database_url.clone()))
            .env("DATABASE_REPLICA_URL", self.through("TEST_REPLICA_URL").unwrap_or_default())
            .env("DATABASE_CONNECTIONS", "5")
            .env("DATA_DIR", &self.folder)
            .env("BIND", "127.0.0.1:0")
            .env("TOKEN_KEYS", TOKEN_KEYS)
            .env("ENCRYPTION_KEYS", ENCRYPTION_KEYS)
            .env("SMTP_URL", mailbox::smtp_url())
            .env("LOG", if self.engine == Engine::Pair { "trace" } else { "info,autrement=debug,service=debug,sqlx=debug" })
            .env("LOG_FORMAT", "json")
            // Many more than there are by default: unoptimised, and beside other tests, a request takes ten times as long.
            .env("REQUESTS_AT_ONCE", "320")
            .kill_on_drop(true);
        command
    }

    /// Runs the service until it gives up, as it has to; what it prints.
    pub async fn gives_up(&self, settings: &[(&str, &str)]) -> String {
        let mut command = self.command(&[]);
        command.envs(settings.iter().copied());
        let output = tokio::time::timeout(Duration::from_secs(20), command.output()).await.expect("it serves").unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    }

    /// The same database by way of another server, where the tests are told of one (`tests/run --pooled`).
    fn through(&self, setting: &str) -> Option<String> {
        let url = std::env::var(setting).ok().filter(|_| self.engine != Engine::Sqlite && self.is_shared)?;
        Some(format!("{url}/{}", self.database_url.rsplit('/').next().unwrap()))
    }

    /// Everything that the database holds, as somebody finds it who gets hold of its file or of a dump.
    pub fn bytes(&self) -> Vec<u8> {
        match self.engine {
            Engine::Sqlite => plain::sqlite_bytes(&self.folder.join("test.db")),
            Engine::Postgres | Engine::Pair => plain::postgres_dump(&self.database_url),
        }
    }

    /// PostgreSQL lets nobody into the database any more and cuts off who is there, or lets everybody in again.
    pub async fn let_in(&self, is_open: bool) {
        let name = self.database_url.rsplit('/').next().unwrap();
        administer(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {is_open}")).await;
        if !is_open {
            let theirs = format!("FROM pg_stat_activity WHERE datname = '{name}'");
            administer(&format!("SELECT pg_terminate_backend(pid) {theirs}")).await;
        }
    }

    /// A connection to the database itself.
    pub async fn database(&self) -> DatabaseConnection {
        Database::connect(&self.database_url).await.unwrap()
    }
}

fn new_folder() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    std::env::temp_dir().join(format!("autrement_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)))
}

/// Nothing personal that was sent is in the database in the clear.
impl Drop for Home {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let told = self.personal.told_by(&self.bytes());
            assert!(told.is_none(), "the database tells {told:?}");
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn postgres_url() -> String {
    std::env::var("TEST_POSTGRES_URL").expect("TEST_POSTGRES_URL is not set: run tests/run, which starts a PostgreSQL")
}

async fn administer(statement: &str) {
    let database = Database::connect(format!("{}/postgres", postgres_url())).await.unwrap();
    // Copying a template is refused while another copy of it is being made.
    for _ in 0..200 {
        match database.execute_unprepared(statement).await {
            Ok(_) => return database.close().await.unwrap(),
            Err(error) if error.to_string().contains("being accessed by other users") => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Err(error) => panic!("{statement}: {error}"),
        }
    }
    panic!("{statement}: the template stayed in use");
}

/// A running service.
pub struct Server {
    pub home: Arc<Home>,
    pub url: String,
    /// What browsers of this service send as their origin.
    pub origin: String,
    /// The process, or both.
    pub children: Vec<Child>,
    log: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// On a migrated database.
    pub async fn start(engine: Engine) -> Self {
        Self::start_on(Arc::new(Home::migrated(engine).await), &[]).await
    }

    /// On this database, with further settings.
    pub async fn start_on(home: Arc<Home>, settings: &[(&str, &str)]) -> Self {
        let log = Arc::new(Mutex::new(Vec::new()));
        if home.engine != Engine::Pair {
            let (child, url) = start_one(&binary(), &home, settings, log.clone()).await;
            let origin = url.replace("127.0.0.1", "localhost");
            return Self { home, url, origin, children: vec![child], log };
        }
        let proxy = proxy::Proxy::bind().await;
        let (url, origin) = (proxy.url("127.0.0.1"), proxy.url("localhost"));
        let mut all = vec![("PUBLIC_URL", origin.as_str())];
        all.extend(settings);
        let (one, to_one) = start_one(&binary(), &home, &all, log.clone()).await;
        let (two, to_two) = start_one(&binary(), &home, &all, log.clone()).await;
        proxy.serve(vec![to_one, to_two]);
        Self { home, url, origin, children: vec![one, two], log }
    }

    /// One instance of this binary.
    pub async fn start_binary(binary: &Path, home: Arc<Home>, settings: &[(&str, &str)]) -> Self {
        let log = Arc::new(Mutex::new(Vec::new()));
        let (child, url) = start_one(binary, &home, settings, log.clone()).await;
        let origin = url.replace("127.0.0.1", "localhost");
        Self { home, url, origin, children: vec![child], log }
    }

    /// A client that is nobody yet.
    pub fn client(&self) -> Client {
        Client::new(&self.url, self.home.secrets.clone(), self.home.personal.clone())
    }

    /// Somebody who has just signed up by password, and accepted the terms.
    pub async fn somebody(&self) -> Client {
        self.newcomer().await.accepting().await
    }

    /// Somebody who has just signed up by password, and has not come to the terms yet.
    pub async fn newcomer(&self) -> Client {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let email = format!("person{}@example.org", COUNT.fetch_add(1, Ordering::Relaxed));
        self.client().sign_up_only(&email).await
    }

    /// An administrator, made by the operator's command; they have accepted the terms.
    pub async fn admin(&self) -> Client {
        let email = "admin@example.org";
        let output = self.home.command(&["admin", "create", "--email", email]).output().await.unwrap();
        assert!(output.status.success(), "{output:?}");
        let printed = String::from_utf8(output.stdout).unwrap();
        let password = printed.lines().find_map(|line| line.strip_prefix("Password: ")).unwrap();
        self.client().sign_in(email, password).await.accepting().await
    }

    /// The statements that a request ran, from the service's own log.
    pub async fn statements(&self, answer: &Answer) -> Vec<String> {
        for _ in 0..200 {
            let lines: Vec<Value> = self.log.lock().unwrap().iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
            let of_request: Vec<_> = lines.iter().filter(|line| line["span"]["id"] == answer.request_id.as_str()).collect();
            if of_request.iter().any(|line| line["fields"]["message"] == "answered") {
                let statements = of_request.iter().filter(|line| line["target"] == "sqlx::query");
                let texts = statements.map(|line| line["fields"]["summary"].as_str().unwrap_or_default().to_owned());
                // A connection that the pool opens meanwhile sets itself up: no part of the request. Nor is how far a replica is.
                let apart = ["PRAGMA journal_mode", "SELECT pg_current_wal", "SELECT pg_is_in_recovery"];
                return texts.filter(|text| !apart.iter().any(|begin| text.starts_with(begin))).collect();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the log never says that request {} was answered", answer.request_id);
    }

    /// Waits until every mail is sent.
    pub async fn queue_is_empty(&self) {
        for _ in 0..400 {
            if self.sql("SELECT kind FROM mails").await.is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("mails are left: {:?}", self.sql("SELECT kind FROM mails").await);
    }

    /// Something else that the log must not tell.
    pub fn note_secret(&self, secret: &str) {
        self.home.secrets.note(secret);
    }

    /// How often a request logged this message.
    pub fn logged(&self, answer: &Answer, message: &str) -> usize {
        let (id, message) = (format!("\"{}\"", answer.request_id), format!("\"{message}\""));
        self.log.lock().unwrap().iter().filter(|line| line.contains(&id) && line.contains(&message)).count()
    }

    /// The lines with this message, once there are as many.
    pub async fn lines(&self, message: &str, count: usize) -> Vec<Value> {
        for _ in 0..400 {
            let lines: Vec<Value> = self.log.lock().unwrap().iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
            let found: Vec<_> = lines.into_iter().filter(|line| line["fields"]["message"] == message).collect();
            if found.len() >= count {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("there are no {count} lines that say {message:?}: {}", self.log());
    }

    /// Everything logged so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    /// SIGTERM.
    pub fn terminate(&self) {
        self.signal("-TERM");
    }

    /// SIGKILL: nothing is finished. The machine itself goes on.
    pub async fn kill(mut self) {
        self.signal("-KILL");
        for child in &mut self.children {
            child.wait().await.unwrap();
        }
    }

    /// Sends it to the process, or both.
    pub fn signal(&self, signal: &str) {
        for child in &self.children {
            let id = child.id().unwrap().to_string();
            assert!(std::process::Command::new("kill").args([signal, &id]).status().unwrap().success());
        }
    }

    /// Sends a statement to the database itself, and gives the first column of what it answers as text.
    pub async fn sql(&self, sql: &str) -> Vec<String> {
        let database = self.home.database().await;
        let statement = sea_orm::Statement::from_string(database.get_database_backend(), sql);
        if !sql.starts_with("SELECT") {
            database.execute_raw(statement).await.unwrap();
            return Vec::new();
        }
        let rows = database.query_all_raw(statement).await.unwrap();
        rows.iter().map(|row| row.try_get_by_index::<Option<String>>(0).unwrap().unwrap_or_default()).collect()
    }

    /// What the database says of how it would run a statement.
    pub async fn plan(&self, explain: &str) -> String {
        let database = self.home.database().await;
        let statement = sea_orm::Statement::from_string(database.get_database_backend(), explain);
        let rows = database.query_all_raw(statement).await.unwrap();
        let text =
            |row: &sea_orm::QueryResult| row.try_get("", "detail").or_else(|_| row.try_get::<String>("", "QUERY PLAN")).unwrap();
        rows.iter().map(text).collect::<Vec<String>>().join("\n")
    }

    /// The mails to an address, once there are as many; the tokens of their links are secrets.
    pub async fn mails(&self, email: &str, count: usize) -> Vec<mailbox::Mail> {
        let mails = mailbox::wait(email, count).await;
        mails.iter().filter_map(|mail| mail.token.as_ref()).for_each(|token| self.home.secrets.note(token));
        mails
    }
}

/// No secret that was used is in the log, whatever its level. What the service warned of is shown where a test fails.
impl Drop for Server {
    fn drop(&mut self) {
        let log = self.log();
        if std::thread::panicking() {
            let is_warning = |line: &&str| line.contains(r#""level":"WARN""#) || line.contains(r#""level":"ERROR""#);
            let warnings: Vec<_> = log.lines().filter(is_warning).collect();
            eprintln!("the service warned {} times, and of these last:", warnings.len());
            // The rest would hide what the test says.
            warnings.iter().rev().take(20).rev().for_each(|line| eprintln!("{line}"));
        } else if let Some(secret) = self.home.secrets.told_by(&log) {
            let line = log.lines().find(|line| line.contains(&secret));
            panic!("the log tells {secret}: {line:?}");
        }
    }
}

async fn start_one(binary: &Path, home: &Home, settings: &[(&str, &str)], log: Arc<Mutex<Vec<String>>>) -> (Child, String) {
    let mut child = home
        .command_of(binary, &[])
        .envs(settings.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let kept = log.clone();
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            kept.lock().unwrap().push(line);
        }
    });
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = output.next_line().await.unwrap();
    let printed = first.as_ref().and_then(|line| line.strip_prefix("GraphiQL: ").or(line.strip_prefix("GraphQL: ")));
    let Some(url) = printed else {
        tokio::time::sleep(Duration::from_millis(200)).await;
        panic!("the service did not start: {:?}", log.lock().unwrap());
    };
    (child, url.trim_end_matches("graphql").trim_end_matches('/').to_owned())
}

/// An address that no other test writes to.
pub fn unique_email(name: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{name}.{}.{}@example.org", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}
