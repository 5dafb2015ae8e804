//! Reads that a streaming replica of PostgreSQL bears: an administrator's lists and counts, and the rows of an export, which are long
//! and seldom. What a person opens, plays and saves is read where it is written.
//!
//! Whoever wrote finds what they wrote, on whichever instance: before each such read the primary says how far it has written, and the
//! replica is asked only once it has come as far. Where it takes too long, is down, or breaks off, the primary is read. Nothing is
//! remembered of who wrote; what is kept in memory is that a replica was down or behind a moment ago.
//!
//! To let another read bear it: `service.read_long(|pool| async move { … })` in place of `service.database.pool()`. For what is asked often it is no
//! gain, since asking the primary how far it is costs a statement.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, Statement};

use crate::database::{Database, Observer, PoolUse};
use crate::{Error, Service};

/// How long a list waits for the replica to come as far: it is faster to read the primary then.
const PATIENCE: Duration = Duration::from_millis(100);
/// How often it is asked meanwhile.
const STEP: Duration = Duration::from_millis(5);
/// For how long one that was down, or behind, is left alone.
const REST: Duration = Duration::from_secs(5);

/// A replica, and whether it was down a moment ago.
#[derive(Debug)]
pub struct Replica {
    database: Database,
    down_since: Mutex<Option<Instant>>,
}

impl Replica {
    /// One that may be down: it is connected to when it is first asked.
    pub async fn new(url: &str, connections: u32, observer: Option<Observer>) -> Result<Self, DbErr> {
        Ok(Self { database: Database::connect_lazily(url, connections, observer).await?, down_since: Mutex::default() })
    }

    /// How its pool is used.
    #[must_use]
    pub fn pool_use(&self) -> Option<PoolUse> {
        self.database.pool_uses().first().map(|(_, used)| *used)
    }

    fn is_down(&self) -> bool {
        self.down_since.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|since| since.elapsed() < REST)
    }

    fn note_down(&self, error: &dyn std::fmt::Display) {
        tracing::warn!(%error, "the replica is left alone for a while: the primary is read");
        *self.down_since.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether it came as far as the primary is now, within `patience`.
    async fn has_caught_up(&self, primary: &DatabaseConnection, patience: Duration) -> Result<bool, DbErr> {
        let backend = primary.get_database_backend();
        let now = Statement::from_string(backend, "SELECT pg_current_wal_flush_lsn()::text AS place");
        let Some(row) = primary.query_one_raw(now).await? else { return Ok(false) };
        let place: String = row.try_get("", "place")?;
        // Not in recovery: it was promoted, and goes a way of its own.
        let sql = "SELECT pg_is_in_recovery() AND pg_last_wal_replay_lsn() >= $1::text::pg_lsn AS is_there";
        let begun = Instant::now();
        loop {
            let asked = Statement::from_sql_and_values(backend, sql, [place.as_str().into()]);
            let row = self.database.pool().query_one_raw(asked).await.inspect_err(|error| self.note_down(error))?;
            if row.map(|row| row.try_get::<Option<bool>>("", "is_there")).transpose()?.flatten() == Some(true) {
                return Ok(true);
            }
            if begun.elapsed() >= patience {
                return Ok(false);
            }
            tokio::time::sleep(STEP).await;
        }
    }
}

impl Service {
    /// The replica, where it bears a long read within `patience`; `None`: the primary does.
    async fn replica_to_read(&self, patience: Duration) -> Option<&Replica> {
        let replica = self.replica.as_ref()?;
        let came_to = if replica.is_down() {
            "left_alone"
        } else {
            match replica.has_caught_up(self.database.pool(), patience).await {
                Ok(true) => "replica",
                Ok(false) => {
                    // So that not each of them waits in vain.
                    replica.note_down(&"it is behind");
                    "behind"
                }
                Err(_) if replica.is_down() => "down",
                // It was the primary that did not say how far it is.
                Err(_) => return None,
            }
        };
        self.metrics.long_read(came_to);
        (came_to == "replica").then_some(replica)
    }

    /// Where a long read goes, within `patience`: to the replica, or else to the primary.
    pub(crate) async fn to_read(&self, patience: Duration) -> DatabaseConnection {
        let replica = self.replica_to_read(patience).await;
        replica.map_or(&self.database, |replica| &replica.database).pool().clone()
    }

    /// Runs a long read on the replica; on the primary where there is none that will do, or where it breaks off.
    pub(crate) async fn read_long<T, F>(&self, read: impl Fn(DatabaseConnection) -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        if let Some(replica) = self.replica_to_read(PATIENCE).await {
            match read(replica.database.pool().clone()).await {
                // A replica also ends what it reads where the primary has removed it meanwhile.
                Err(error @ (Error::Unavailable(_) | Error::Internal(_))) => {
                    replica.note_down(&error.cause());
                    self.metrics.long_read("broke_off");
                }
                done => return done,
            }
        }
        read(self.database.pool().clone()).await
    }
}
