//! The database: SQLite or PostgreSQL, one set of entities and rules. What one engine does in another way than the other is here.

use std::time::{Duration, Instant};

use sea_orm::metric::Info;
use sea_orm::sea_query::{Expr, ExprTrait, Func, IntoColumnRef, Query};
use sea_orm::sqlx::{self, Connection, PgConnection};
use sea_orm::{
    AccessMode, ConnectOptions, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, IsolationLevel,
    SqliteTransactionMode, TransactionOptions, TransactionTrait, Value,
};
use tracing::Instrument;

/// For how long [`Database::reach`] waits.
const REACH: Duration = Duration::from_secs(5);

/// Why a database takes no connection.
#[derive(Debug)]
pub struct Unreached {
    /// Whether it is worth trying again: it may be starting. A wrong password, or a name that is not there, stays.
    pub may_pass: bool,
    /// In the database's words, or the system's: for operators alone.
    pub reason: String,
}

fn may_pass(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => true,
        // PostgreSQL's classes 08 (connection), 53 (resources), 55 (not in the state for it) and 57 (operator intervention, and starting).
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| ["08", "53", "55", "57"].iter().any(|class| code.starts_with(class)))
        }
        _ => false,
    }
}

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

/// A pool of connections.
#[derive(Clone, Debug)]
pub struct Database {
    pool: DatabaseConnection,
}

impl Database {
    /// Says whether the database at `url` takes a connection now. What a pool says of that is that its time ran out; this says why.
    pub async fn reach(url: &str) -> Result<(), Unreached> {
        if url.starts_with("sqlite:") {
            return Ok(());
        }
        let connected = tokio::time::timeout(REACH, PgConnection::connect(url)).await;
        let connection = match connected {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => return Err(Unreached { may_pass: may_pass(&error), reason: error.to_string() }),
            Err(_) => return Err(Unreached { may_pass: true, reason: format!("no answer within {} s", REACH.as_secs()) }),
        };
        // It has answered; how it says good-bye is no matter.
        let _ = connection.close().await;
        Ok(())
    }

    /// Opens a pool of at most `connections` on `url` (`sqlite://…` or `postgres://…`).
    pub async fn connect(url: &str, connections: u32) -> Result<Self, DbErr> {
        Ok(Self { pool: sea_orm::Database::connect(Self::options(url, connections)).await? })
    }

    /// The same for one that is asked only where it answers: connected to when it is first asked, and given up soon.
    pub(crate) async fn connect_lazily(url: &str, connections: u32) -> Result<Self, DbErr> {
        let mut options = Self::options(url, connections);
        options.connect_lazy(true).acquire_timeout(Duration::from_secs(1));
        Ok(Self { pool: sea_orm::Database::connect(options).await? })
    }

    fn options(url: &str, connections: u32) -> ConnectOptions {
        let mut options = ConnectOptions::new(url);
        options
            .max_connections(connections)
            .acquire_timeout(Duration::from_secs(5))
            // Asks the server before each use otherwise: a round trip a request. A broken connection fails one statement instead.
            .test_before_acquire(false)
            // Statements, never their values, at level debug.
            .sqlx_logging_level(log::LevelFilter::Debug)
            .map_sqlx_postgres_opts(|options| {
                // A statement with an array parameter is planned anew at each call otherwise.
                options.application_name("autrement").options([
                    ("plan_cache_mode", "force_generic_plan"),
                    // Nothing here waits in the middle of a transaction for as long.
                    ("idle_in_transaction_session_timeout", "60s"),
                ])
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

    /// The pool itself, for migrating.
    #[must_use]
    pub fn pool(&self) -> &DatabaseConnection {
        &self.pool
    }

    /// Tells `observer` of each statement when it has ended. For an instance that starts: who has a hold of the pool already goes unobserved.
    pub fn observe(&mut self, observer: impl Fn(&Info<'_>) + Send + Sync + 'static) {
        self.pool.set_metric_callback(observer);
    }

    /// How the pool is used.
    #[must_use]
    pub fn pool_use(&self) -> PoolUse {
        macro_rules! of {
            ($pool:expr) => {{
                let pool = $pool;
                PoolUse { open: pool.size(), idle: pool.num_idle(), most: pool.options().get_max_connections() }
            }};
        }
        if self.has_one_writer() {
            of!(self.pool.get_sqlite_connection_pool())
        } else {
            of!(self.pool.get_postgres_connection_pool())
        }
    }

    /// For how long one has to wait for a connection; `None`: none came in time.
    pub async fn pool_wait(&self) -> Option<Duration> {
        let began = Instant::now();
        let is_there = if self.has_one_writer() {
            self.pool.get_sqlite_connection_pool().acquire().await.is_ok()
        } else {
            self.pool.get_postgres_connection_pool().acquire().await.is_ok()
        };
        is_there.then(|| began.elapsed())
    }

    /// Closes every connection, after what they are doing.
    pub async fn close(self) -> Result<(), DbErr> {
        self.pool.close().await
    }

    /// Answers when the database does.
    pub async fn ping(&self) -> Result<(), DbErr> {
        self.pool.ping().await
    }

    /// Begins a transaction that writes. On SQLite the write lock is taken at once: two that read first and write later would fail.
    pub(crate) async fn write(&self) -> Result<DatabaseTransaction, DbErr> {
        let options =
            TransactionOptions { sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate), ..Default::default() };
        let pool = self.pool.clone();
        // In a task of its own: sqlx counts a transaction as begun once BEGIN is answered. Who breaks off before would put a connection back
        // that is in a transaction, and what others write on it then is gone when it ends.
        let begun = tokio::spawn(async move { pool.begin_with_options(options).await }.in_current_span());
        begun.await.map_err(|error| DbErr::Custom(error.to_string()))?
    }

    /// Begins a transaction that reads the database as it is now, however long that takes. On SQLite nobody else writes meanwhile.
    pub(crate) async fn hold(&self) -> Result<DatabaseTransaction, DbErr> {
        let options = match self.backend() {
            DbBackend::Sqlite => return self.write().await,
            _ => TransactionOptions {
                isolation_level: Some(IsolationLevel::RepeatableRead),
                access_mode: Some(AccessMode::ReadOnly),
                ..Default::default()
            },
        };
        self.pool.begin_with_options(options).await
    }

    /// Which engine it is.
    pub(crate) fn backend(&self) -> DbBackend {
        self.pool.get_database_backend()
    }

    /// SQLite: whoever writes is alone.
    pub(crate) fn has_one_writer(&self) -> bool {
        self.backend() == DbBackend::Sqlite
    }

    /// On SQLite what was deleted still stands in the write-ahead log until that begins anew: has it do so. Where somebody reads just
    /// now it may not; the next time it will.
    pub(crate) async fn scrub(&self) {
        if self.pool.get_database_backend() == DbBackend::Sqlite
            && let Err(error) = self.pool.execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)").await
        {
            tracing::warn!(%error, "the write-ahead log was not emptied; trying again in a minute");
        }
    }

    /// Between two transactions of a command that writes much: SQLite's lock is not fair, and who waits for it asks again after up to
    /// 100 ms only, so that others would wait until they give up.
    pub(crate) async fn let_others_write(&self) {
        if self.pool.get_database_backend() == DbBackend::Sqlite {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// `column` is one of `ids`, as one parameter: the statement's text is the same however many there are.
    pub(crate) fn is_any(&self, column: impl IntoColumnRef, ids: &[i64]) -> Expr {
        let column = Expr::col(column);
        let ids = self.ids(ids);
        match self.pool.get_database_backend() {
            DbBackend::Postgres => column.eq(Func::cust("ANY").arg(ids)),
            _ => {
                column.in_subquery(Query::select().column("value").from_function(Func::cust("json_each").arg(ids), "ids").take())
            }
        }
    }

    /// The same as text, for a statement that is written out: `ids` is the parameter's name, its value comes from [`Self::ids`].
    pub(crate) fn is_any_text(&self, column: &str, ids: &str) -> String {
        match self.pool.get_database_backend() {
            DbBackend::Postgres => format!("{column} = ANY({ids})"),
            _ => format!("{column} IN (SELECT value FROM json_each({ids}))"),
        }
    }

    /// The first of the rows that each person has in `table`, as text: `$1` is the ids of the people ([`Self::ids`]), and `rest` says
    /// which rows (`AND …`), in which order and how many. `columns` are those of `found`. However many a person has, no more are looked at where an index has that
    /// order. In which order the rows come is not said.
    pub(crate) fn of_each_person(&self, columns: &str, table: &str, rest: &str) -> String {
        match self.pool.get_database_backend() {
            DbBackend::Postgres => format!(
                "SELECT {columns} FROM unnest($1::bigint[]) AS person (id) \
                 CROSS JOIN LATERAL (SELECT * FROM {table} WHERE user_id = person.id {rest}) AS found"
            ),
            // It has no LATERAL.
            _ => format!(
                "SELECT {columns} FROM json_each($1) AS person \
                 JOIN {table} AS found ON found.id IN (SELECT id FROM {table} WHERE user_id = person.value {rest})"
            ),
        }
    }

    /// Ids as one parameter.
    pub(crate) fn ids(&self, ids: &[i64]) -> Value {
        match self.pool.get_database_backend() {
            DbBackend::Postgres => ids.to_vec().into(),
            _ => serde_json::json!(ids).to_string().into(),
        }
    }
}
