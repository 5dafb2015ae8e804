//! What there is to know of a database before one relies on it: for `autrement doctor`.

use std::path::PathBuf;
use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::sqlx::sqlite::SqliteConnectOptions;
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement};

use crate::{Error, Service};

/// What was found.
#[derive(Debug, Default)]
pub struct Facts {
    /// Which database, in which version.
    pub what: String,
    /// Settings that keep what was acknowledged, or read it as it was written: name, as it is, as it should be.
    pub settings: Vec<(&'static str, String, &'static str)>,
    /// What is wrong with the file itself.
    pub fault: Option<String>,
    /// It takes no writes.
    pub is_read_only: bool,
    /// Its user may make tables.
    pub may_make_tables: bool,
    /// It has a table of the name that people are in, whoever made it.
    pub has_people: bool,
    /// The most connections that it takes, for this user where they have fewer than others.
    pub most_connections: Option<i64>,
    /// How far this machine's clock is ahead of its; `None`: it is the same.
    pub ahead: Option<TimeDelta>,
}

/// The file of a database of SQLite, if it is one with a file: what is in memory alone has none.
#[must_use]
pub fn sqlite_file(url: &str) -> Option<PathBuf> {
    let (path, query) = url.strip_prefix("sqlite:")?.split_once('?').unwrap_or((url.strip_prefix("sqlite:")?, ""));
    let has_file = !["", "//", ":memory:", "//:memory:"].contains(&path) && !query.split('&').any(|part| part == "mode=memory");
    // As who opens it understands it.
    has_file.then(|| SqliteConnectOptions::from_str(url).ok()).flatten().map(|options| options.get_filename().to_owned())
}

/// Looks at the database.
pub async fn look(service: &Service) -> Result<Facts, Error> {
    match service.database.backend() {
        DbBackend::Postgres => postgres(service).await,
        _ => sqlite(service).await,
    }
}

async fn row(service: &Service, sql: &str) -> Result<QueryResult, Error> {
    let statement = Statement::from_string(service.database.backend(), sql);
    let row = service.database.pool().query_one_raw(statement).await?;
    row.ok_or_else(|| Error::internal("the database answered nothing"))
}

async fn postgres(service: &Service) -> Result<Facts, Error> {
    // What a superuser sets is read by everybody, but for paths.
    let before = service.clock.now();
    let row = row(
        service,
        "SELECT current_setting('server_version') AS version, clock_timestamp() AS now, \
         current_setting('server_encoding') AS encoding, current_setting('fsync') AS fsync, \
         current_setting('full_page_writes') AS full_page_writes, current_setting('synchronous_commit') AS synchronous_commit, \
         LEAST(current_setting('max_connections')::bigint, \
          (SELECT NULLIF(rolconnlimit, -1) FROM pg_roles WHERE rolname = current_user), \
          (SELECT NULLIF(datconnlimit, -1) FROM pg_database WHERE datname = current_database()))::bigint AS max_connections, \
         COALESCE(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_make_tables, \
         to_regclass('users') IS NOT NULL AS has_people, \
         pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on' AS read_only",
    )
    .await?;
    let after = service.clock.now();
    let text = |name: &str| row.try_get::<String>("", name);
    let now: DateTime<Utc> = row.try_get("", "now")?;
    let mut settings = vec![
        ("the encoding of the database", text("encoding")?, "UTF8"),
        ("fsync", text("fsync")?, "on"),
        ("full_page_writes", text("full_page_writes")?, "on"),
    ];
    // Its other values (local, remote_write, remote_apply) all wait for the disk.
    if text("synchronous_commit")? == "off" {
        settings.push(("synchronous_commit", "off".to_owned(), "on"));
    }
    Ok(Facts {
        what: format!("PostgreSQL {}, answers within {:.1} ms", text("version")?, (after - before).as_seconds_f64() * 1000.0),
        settings,
        is_read_only: row.try_get("", "read_only")?,
        may_make_tables: row.try_get("", "may_make_tables")?,
        has_people: row.try_get("", "has_people")?,
        most_connections: Some(row.try_get("", "max_connections")?),
        ahead: Some(before + (after - before) / 2 - now),
        ..Facts::default()
    })
}

async fn sqlite(service: &Service) -> Result<Facts, Error> {
    let version: String = row(service, "SELECT sqlite_version()").await?.try_get_by_index(0)?;
    let encoding: String = row(service, "PRAGMA encoding").await?.try_get_by_index(0)?;
    let people = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'users')";
    let has_people: bool = row(service, people).await?.try_get_by_index(0)?;
    let check: String = row(service, "PRAGMA quick_check(1)").await?.try_get_by_index(0)?;
    Ok(Facts {
        what: format!("SQLite {version}"),
        // How it is written, each connection of the service says itself.
        settings: vec![("the encoding of the database", encoding, "UTF-8")],
        may_make_tables: true,
        has_people,
        fault: (check != "ok").then_some(check),
        ..Facts::default()
    })
}
