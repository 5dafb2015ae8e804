//! Applies the steps, one process at a time, however many instances start at once; and undoes them.
//!
//! Each step is one transaction that begins by taking the lock: on PostgreSQL an advisory lock that ends with the transaction (so it
//! holds behind a pooler as well, which hands sessions around), on SQLite the write lock. Who gets the lock looks anew what is missing, so
//! whoever comes second finds the step applied.

use std::collections::HashSet;
use std::time::Duration;

use sea_orm_migration::MigratorTrait;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::sqlx::error::DatabaseError;
use sea_orm_migration::sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbBackend, EntityTrait, RuntimeErr, SqliteTransactionMode, Statement,
    TransactionOptions, TransactionTrait,
};
use sea_orm_migration::seaql_migrations;
use tracing::{info, warn};

use crate::Migrator;

/// What only migrating asks for: any number will do that nothing else in the database uses.
const LOCK: i64 = 0x6175_7472_656d_656e;

/// How long a step waits for what requests hold: what comes after it waits behind it, so it gives way and tries again.
const PATIENCE: &str = "1s";
/// How often it tries, and how long it lets others go first.
const TRIES: u32 = 60;
const BREATH: Duration = Duration::from_secs(2);

/// How the database stands to the steps of this release.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Steps that are to be applied, in order.
    pub missing: Vec<String>,
    /// Steps that this release does not know: one that is newer has applied them. It runs all the same, as in a rolling upgrade.
    pub unknown: Vec<String>,
}

/// Looks how the database stands; changes nothing.
pub async fn standing(db: &impl ConnectionTrait) -> Result<Standing, DbErr> {
    // Probed before: a statement that fails ends a transaction on PostgreSQL.
    let sql = match db.get_database_backend() {
        DbBackend::Postgres => "SELECT 1 AS found WHERE to_regclass('seaql_migrations') IS NOT NULL",
        _ => "SELECT 1 AS found FROM sqlite_master WHERE name = 'seaql_migrations'",
    };
    let is_there = !db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await?.is_empty();
    let rows = if is_there { seaql_migrations::Entity::find().all(db).await? } else { Vec::new() };
    let applied: HashSet<_> = rows.into_iter().map(|row| row.version).collect();
    let known: Vec<_> = Migrator::migrations().iter().map(|step| step.name().to_owned()).collect();
    let mut unknown: Vec<_> = applied.iter().filter(|name| !known.contains(name)).cloned().collect();
    unknown.sort_unstable();
    Ok(Standing { missing: known.into_iter().filter(|name| !applied.contains(name)).collect(), unknown })
}

/// Applies every step that is missing. Where a newer release has been here and nothing is missing, nothing is done.
pub async fn up(db: &DatabaseConnection) -> Result<Standing, DbErr> {
    let mut tries = 0;
    loop {
        let standing = standing(db).await?;
        if standing.missing.is_empty() {
            return Ok(standing);
        }
        if !standing.unknown.is_empty() {
            let (unknown, missing) = (standing.unknown.join(", "), standing.missing.join(", "));
            return Err(DbErr::Custom(format!(
                "it has steps that this release does not know ({unknown}) and lacks steps that it needs ({missing}): \
                 run the release that made them, or go back to a backup"
            )));
        }
        match apply_next(db).await {
            Ok(()) => tries = 0,
            Err(error) if is_busy(&error) && tries < TRIES => {
                tries += 1;
                warn!(%error, "a step could not get hold of its tables; trying again");
                tokio::time::sleep(BREATH).await;
            }
            Err(error) => return Err(error),
        }
    }
}

async fn apply_next(db: &DatabaseConnection) -> Result<(), DbErr> {
    let transaction = locked(db).await?;
    let next = standing(&transaction).await?;
    if next.unknown.is_empty()
        && let Some(step) = next.missing.first()
    {
        info!(step, "migrating");
        Migrator::up(&transaction, Some(1)).await?;
    }
    transaction.commit().await
}

/// Undoes this many steps, the last first, or all.
pub async fn down(db: &DatabaseConnection, steps: Option<u32>) -> Result<(), DbErr> {
    let transaction = locked(db).await?;
    Migrator::down(&transaction, steps).await?;
    transaction.commit().await
}

/// A transaction that no other process that migrates has at the same time.
async fn locked(db: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    if db.get_database_backend() == DbBackend::Sqlite {
        // As long as another instance may need for a step; who serves waits for five seconds only.
        db.execute_unprepared("PRAGMA busy_timeout = 600000").await?;
    }
    let mode = Some(SqliteTransactionMode::Immediate);
    let transaction = db.begin_with_options(TransactionOptions { sqlite_transaction_mode: mode, ..Default::default() }).await?;
    if db.get_database_backend() == DbBackend::Postgres {
        transaction.execute_unprepared("SET LOCAL statement_timeout = 0").await?;
        transaction.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({LOCK})")).await?;
        transaction.execute_unprepared(&format!("SET LOCAL lock_timeout = '{PATIENCE}'")).await?;
    }
    Ok(transaction)
}

/// PostgreSQL gave up waiting for a lock (55P03), or gave way to somebody else (40P01).
fn is_busy(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause))) = error else { return false };
    let code = cause.as_database_error().and_then(DatabaseError::code);
    matches!(code.as_deref(), Some("55P03" | "40P01"))
}
