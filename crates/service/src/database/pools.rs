//! The connections to the database: how they are made, and how all of them are given up.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sea_orm::metric::Info;
use sea_orm::sqlx::Connection;
use sea_orm::{ConnectOptions, DatabaseConnection, DbBackend, DbErr};

use crate::diagnosis::sqlite_file;

/// Is told of each statement.
pub type Observer = Arc<dyn Fn(&Info<'_>) + Send + Sync>;

/// How a pool is used.
#[derive(Clone, Copy, Debug)]
pub struct PoolUse {
    /// Connections that are open.
    pub open: u32,
    /// Those of them that nobody uses.
    pub idle: usize,
    /// The most that may be open.
    pub most: u32,
}

/// The name of the pool of those who write on SQLite.
pub(super) const WRITER: &str = "writer";
/// The most pools after the first in a process's life: the last stays, whatever happens.
const LATER_POOLS: usize = 1000;

/// For how long a statement waits for a connection while others have them all. Where the server is gone, or hangs, nobody waits as long: that
/// is noticed before ([`super::Reach`]).
pub(super) const ACQUIRE: Duration = Duration::from_secs(5);
/// For how long a request waits on PostgreSQL for a row or a table that somebody else has locked.
const LOCKED: Duration = Duration::from_secs(2);
/// A connection whose last statement was given up may take so long to end it before it is closed.
pub(super) const ENDS: Duration = Duration::from_secs(2);

/// The pool in use, and those that were given up: a connection that hangs can't be taken out of a pool alone.
pub(super) struct Pools {
    options: ConnectOptions,
    observer: Option<Observer>,
    first: DatabaseConnection,
    /// On SQLite: the one connection of those who begin to write. Its lock is not fair, and who waits for it asks again after up to 100 ms;
    /// a pool is, and tells whoever is next at once.
    writer: Option<DatabaseConnection>,
    /// Those that came after it, each in the next place, so that the one in use is lent without a lock.
    later: Box<[OnceLock<DatabaseConnection>]>,
    /// How many of the places are taken.
    count: AtomicUsize,
}

impl Pools {
    pub(super) async fn open(options: ConnectOptions, observer: Option<Observer>) -> Result<Self, DbErr> {
        let first = make(options.clone(), observer.as_ref()).await?;
        let writer = if first.get_database_backend() == DbBackend::Sqlite {
            let mut one = options.clone();
            one.max_connections(1).connect_lazy(true);
            Some(make(one, observer.as_ref()).await?)
        } else {
            None
        };
        let later = (0..LATER_POOLS).map(|_| OnceLock::new()).collect();
        Ok(Self { options, observer, first, writer, later, count: AtomicUsize::new(0) })
    }

    pub(super) fn in_use(&self) -> &DatabaseConnection {
        let last = self.count().checked_sub(1);
        last.and_then(|last| self.later.get(last)?.get()).unwrap_or(&self.first)
    }

    /// Where transactions that write begin.
    pub(super) fn to_write(&self) -> &DatabaseConnection {
        self.writer.as_ref().unwrap_or_else(|| self.in_use())
    }

    /// Each of them, by the name that metrics have for it.
    pub(super) fn by_name(&self) -> impl Iterator<Item = (&'static str, &DatabaseConnection)> {
        [("main", self.in_use())].into_iter().chain(self.writer.iter().map(|writer| (WRITER, writer)))
    }

    /// Closes every connection, after what they are doing.
    pub(super) async fn close(&self) -> Result<(), DbErr> {
        if let Some(writer) = &self.writer {
            writer.close_by_ref().await?;
        }
        self.in_use().close_by_ref().await
    }

    /// How many came after the first.
    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    /// Gives all connections up, those that hang among them, and begins with none; unless that was done since there were so many pools. One
    /// task alone does so.
    pub(super) async fn begin_anew(&self, count: usize) {
        if self.count() > count {
            return;
        }
        let Some(place) = self.later.get(count) else { return };
        let mut options = self.options.clone();
        // Opened when they are wanted.
        options.connect_lazy(true);
        match make(options, self.observer.as_ref()).await {
            Ok(pool) => {
                let old = self.in_use().clone();
                if place.set(pool).is_ok() {
                    self.count.store(count + 1, Ordering::Release);
                    // Waits for those that are in use, for ever for one that hangs.
                    tokio::spawn(old.close());
                }
            }
            Err(error) => tracing::warn!(%error, "no other pool of connections could be made"),
        }
    }
}

impl fmt::Debug for Pools {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.in_use().fmt(formatter)
    }
}

async fn make(options: ConnectOptions, observer: Option<&Observer>) -> Result<DatabaseConnection, DbErr> {
    let mut pool = sea_orm::Database::connect(options).await?;
    if let Some(observer) = observer.cloned() {
        pool.set_metric_callback(move |info| observer(info));
    }
    Ok(pool)
}

/// The pool of either engine, which are of two types.
macro_rules! of_either {
    ($connection:ident, $pool:ident => $does:expr) => {
        if $connection.get_database_backend() == DbBackend::Sqlite {
            let $pool = $connection.get_sqlite_connection_pool();
            $does
        } else {
            let $pool = $connection.get_postgres_connection_pool();
            $does
        }
    };
}

pub(super) fn used(connection: &DatabaseConnection) -> PoolUse {
    of_either!(connection, pool => PoolUse {
        open: pool.size(),
        idle: pool.num_idle(),
        most: pool.options().get_max_connections(),
    })
}

/// Waits for a connection; whether one comes in time.
pub(super) async fn comes(connection: &DatabaseConnection) -> bool {
    of_either!(connection, pool => pool.acquire().await.is_ok())
}

/// For who looks and changes nothing.
pub(super) fn options_to_look(url: &str) -> ConnectOptions {
    let mut options = options(url, 1, None);
    // In the place of those of the others. A file that nobody has open is taken for one that does not change: SQLite makes files beside it otherwise.
    let is_open = sqlite_file(url).is_some_and(|mut file| {
        file.as_mut_os_string().push("-wal");
        file.exists()
    });
    options.map_sqlx_sqlite_opts(move |options| options.read_only(true).immutable(!is_open));
    options
}

/// `statement`: how long one may take on PostgreSQL where requests are served.
pub(super) fn options(url: &str, connections: u32, statement: Option<Duration>) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .acquire_timeout(ACQUIRE)
        // Asks the server before each use otherwise: a round trip a request. A broken connection fails one statement instead.
        .test_before_acquire(false)
        // But for one that was not used for long: firewalls and balancers forget such, without a word to either side.
        .test_before_acquire_if_idle_for(Duration::from_mins(1))
        // Statements, never their values, at level debug.
        .sqlx_logging_level(log::LevelFilter::Debug)
        .map_sqlx_postgres_opts(move |options| {
            // A statement with an array parameter is planned anew at each call otherwise.
            let options = options.application_name("autrement").options([
                ("plan_cache_mode", "force_generic_plan"),
                // Nothing here waits in the middle of a transaction for as long.
                ("idle_in_transaction_session_timeout", "60s"),
            ]);
            match statement {
                Some(time) => options.options([
                    ("statement_timeout", time.as_millis().to_string()),
                    // Whoever waits for a row that somebody holds keeps a connection from the others.
                    ("lock_timeout", LOCKED.as_millis().to_string()),
                ]),
                None => options,
            }
        })
        .map_sqlx_postgres_pool_opts(|options| {
            // sqlx waits for ever for the end of a statement that was given up before a connection is lent again. No round trip where there is
            // no such statement.
            options.after_release(|connection, _| {
                Box::pin(async move {
                    let ends = tokio::time::timeout(ENDS, connection.flush()).await;
                    ends.unwrap_or_else(|_| Err(sea_orm::sqlx::Error::PoolTimedOut)).map(|()| true)
                })
            })
        })
        .map_sqlx_sqlite_pool_opts(|options| {
            // Where a disk is full SQLite ends the transaction by itself. sqlx goes on counting it, and what is begun on that connection would
            // be inside of one that is not there. A transaction that was dropped ends before a ping is answered.
            options.after_release(|connection, _| {
                Box::pin(async move {
                    if connection.is_in_transaction() {
                        connection.ping().await?;
                    }
                    Ok(!connection.is_in_transaction())
                })
            })
        })
        .map_sqlx_sqlite_opts(|options| {
            use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
            // FULL: what was acknowledged is there after a power cut.
            options
                .create_if_missing(true)
                .foreign_keys(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                // What is deleted is overwritten, not only given free.
                .pragma("secure_delete", "ON")
                .busy_timeout(Duration::from_secs(5))
        });
    options
}
