//! The database: SQLite or PostgreSQL, one set of entities and rules. What one engine does in another way than the other is here.

mod reach;

use std::fmt;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sea_orm::sea_query::{Expr, ExprTrait, Func, IntoColumnRef, Query};
use sea_orm::{
    ConnAcquireErr, ConnectOptions, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, RuntimeErr,
    SqliteTransactionMode, TransactionOptions, TransactionTrait, Value,
};
use tracing::Instrument;

use reach::Reach;

/// A pool of connections.
#[derive(Clone, Debug)]
pub struct Database {
    pools: Arc<Pools>,
    /// `None`: nobody looks whether it answers.
    reach: Option<Arc<Reach>>,
    /// How long a statement may take on PostgreSQL; `None`: as long as it likes.
    statement: Option<Duration>,
}

/// The pool in use, and those that were given up: a connection that hangs can't be taken out of a pool alone.
struct Pools {
    options: ConnectOptions,
    first: DatabaseConnection,
    /// Those that came after it, each in the next place, so that the one in use is lent without a lock.
    later: Box<[OnceLock<DatabaseConnection>]>,
    /// How many of the places are taken.
    count: AtomicUsize,
}

/// The most pools after the first in a process's life: the last stays, whatever happens.
const LATER_POOLS: usize = 1000;

/// For how long a statement waits for a connection, once other requests have them all or the server takes none. With what notices that the
/// server hangs ([`Reach`]) it keeps an answer below two seconds.
const ACQUIRE: Duration = Duration::from_millis(1500);
/// The same where nobody else waits, or where the one writer of SQLite is waited for.
const ACQUIRE_PATIENTLY: Duration = Duration::from_secs(5);
/// A connection whose last statement was given up may take so long to end it before it is closed.
const ENDS: Duration = Duration::from_secs(2);
/// How often it is looked whether what a statement waits for is still there.
pub const LOOKS: Duration = Duration::from_millis(250);

impl Database {
    /// Opens a pool of at most `connections` on `url` (`sqlite://…` or `postgres://…`), for a command.
    pub async fn connect(url: &str, connections: u32) -> Result<Self, DbErr> {
        Self::open(options(url, connections, None)).await
    }

    /// The same to serve requests: nothing waits for long. `statement` is how long PostgreSQL may take for one. On PostgreSQL a task looks
    /// whether the server answers, until the process ends.
    pub async fn connect_to_serve(url: &str, connections: u32, statement: Duration) -> Result<Self, DbErr> {
        let mut database = Self::open(options(url, connections, Some(statement))).await?;
        if database.backend() == DbBackend::Postgres {
            database.statement = Some(statement);
            let reach = Arc::new(Reach::new());
            database.reach = Some(reach.clone());
            tokio::spawn(reach.watch(url.to_owned(), database.clone()));
        }
        Ok(database)
    }

    async fn open(options: ConnectOptions) -> Result<Self, DbErr> {
        let first = sea_orm::Database::connect(options.clone()).await?;
        let later = (0..LATER_POOLS).map(|_| OnceLock::new()).collect();
        Ok(Self { pools: Arc::new(Pools { options, first, later, count: AtomicUsize::new(0) }), reach: None, statement: None })
    }

    /// The pool itself. Not to begin a transaction: that is [`Self::write`].
    #[must_use]
    pub fn pool(&self) -> &DatabaseConnection {
        self.pools.in_use()
    }

    /// Gives all connections up, those that hang among them, and begins with none; unless that was done since there were so many pools.
    async fn begin_anew(&self, pools: usize) {
        if self.pools.count.load(Ordering::Acquire) > pools {
            return;
        }
        let mut options = self.pools.options.clone();
        // Opened when they are wanted.
        options.connect_lazy(true);
        match sea_orm::Database::connect(options).await {
            Ok(pool) => {
                if let Some(old) = self.pools.put(pool) {
                    // Waits for those that are in use, for ever for one that hangs.
                    tokio::spawn(old.close());
                }
            }
            Err(error) => tracing::warn!(%error, "no other pool of connections could be made"),
        }
    }

    /// Closes every connection, after what they are doing.
    pub async fn close(self) -> Result<(), DbErr> {
        self.pool().close_by_ref().await
    }

    /// Whether the server does not answer, as far as is known.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.reach.as_ref().is_some_and(|reach| reach.is_silent())
    }

    /// Runs what changes nothing, once more on another connection where the one it was given broke: mostly while nobody used it, and others with
    /// it, as when the server was started anew. So all connections are given up first, and it is looked whether the server answers.
    pub(crate) async fn again_if_broken<T, F>(&self, statement: impl Fn() -> F) -> Result<T, DbErr>
    where
        F: Future<Output = Result<T, DbErr>>,
    {
        let pools = self.pools.count.load(Ordering::Acquire);
        match (statement().await, &self.reach) {
            (Err(error), Some(reach)) if is_broken(&error) && reach.look(pools).await => statement().await,
            (done, _) => done,
        }
    }

    /// What a statement comes to, or an error where it was given up.
    pub(crate) async fn while_it_answers<T>(&self, statement: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
        self.answered(statement).await.unwrap_or_else(|| Err(silent()))
    }

    /// What a statement comes to, or `None` where it was given up: since the server does not answer, or not on this connection, where it would
    /// have ended the statement by itself. A connection may hang for as long as TCP has patience, a quarter of an hour and more.
    async fn answered<T>(&self, statement: impl Future<Output = T>) -> Option<T> {
        let done = self.unless_silent(statement);
        match self.statement {
            Some(time) => tokio::time::timeout(time + ENDS, done).await.ok().flatten(),
            None => done.await,
        }
    }

    /// What this comes to, or `None`, at once, where the server does not answer.
    pub async fn unless_silent<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        while !self.is_silent() {
            if let Ok(done) = tokio::time::timeout(LOOKS, &mut work).await {
                return Some(done);
            }
        }
        None
    }

    /// Answers when the database does.
    pub async fn ping(&self) -> Result<(), DbErr> {
        self.while_it_answers(self.pool().ping()).await
    }

    /// Begins a transaction that writes. On SQLite the write lock is taken at once: two that read first and write later would fail.
    pub(crate) async fn write(&self) -> Result<DatabaseTransaction, DbErr> {
        let options =
            TransactionOptions { sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate), ..Default::default() };
        self.again_if_broken(|| self.begin(options)).await
    }

    async fn begin(&self, options: TransactionOptions) -> Result<DatabaseTransaction, DbErr> {
        let database = self.clone();
        // In a task of its own: sqlx counts a transaction as begun once BEGIN is answered. Who breaks off before would put a connection back
        // that is in a transaction, and what others write on it then is gone when it ends.
        let begun = async move {
            let pools = database.pools.count.load(Ordering::Acquire);
            let mut begin = pin!(database.pool().begin_with_options(options));
            let begun = database.answered(begin.as_mut()).await;
            if let (None, Some(reach)) = (&begun, &database.reach) {
                // For the same reason: its pool is given up before it is broken off.
                reach.look(pools).await;
            }
            begun.unwrap_or_else(|| Err(silent()))
        };
        let begun = tokio::spawn(begun.in_current_span());
        begun.await.map_err(|error| DbErr::Custom(error.to_string()))?
    }

    /// Which engine it is.
    pub(crate) fn backend(&self) -> DbBackend {
        self.pool().get_database_backend()
    }

    /// SQLite: whoever writes is alone.
    pub(crate) fn has_one_writer(&self) -> bool {
        self.backend() == DbBackend::Sqlite
    }

    /// On SQLite what was deleted still stands in the write-ahead log until that begins anew: has it do so. Where somebody reads just
    /// now it may not; the next time it will.
    pub(crate) async fn scrub(&self) {
        if self.pool().get_database_backend() == DbBackend::Sqlite
            && let Err(error) = self.pool().execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)").await
        {
            tracing::warn!(%error, "the write-ahead log was not emptied; trying again in a minute");
        }
    }

    /// Between two transactions of a command that writes much: SQLite's lock is not fair, and who waits for it asks again after up to
    /// 100 ms only, so that others would wait until they give up.
    pub(crate) async fn let_others_write(&self) {
        if self.pool().get_database_backend() == DbBackend::Sqlite {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// `column` is one of `ids`, as one parameter: the statement's text is the same however many there are.
    pub(crate) fn is_any(&self, column: impl IntoColumnRef, ids: &[i64]) -> Expr {
        let column = Expr::col(column);
        let ids = self.ids(ids);
        match self.pool().get_database_backend() {
            DbBackend::Postgres => column.eq(Func::cust("ANY").arg(ids)),
            _ => {
                column.in_subquery(Query::select().column("value").from_function(Func::cust("json_each").arg(ids), "ids").take())
            }
        }
    }

    /// The same as text, for a statement that is written out: `ids` is the parameter's name, its value comes from [`Self::ids`].
    pub(crate) fn is_any_text(&self, column: &str, ids: &str) -> String {
        match self.pool().get_database_backend() {
            DbBackend::Postgres => format!("{column} = ANY({ids})"),
            _ => format!("{column} IN (SELECT value FROM json_each({ids}))"),
        }
    }

    /// The first of the rows that each person has in `table`, as text: `$1` is the ids of the people ([`Self::ids`]), and `rest` says
    /// which rows (`AND …`), in which order and how many. `columns` are those of `found`. However many a person has, no more are looked at where an index has that
    /// order. In which order the rows come is not said.
    pub(crate) fn of_each_person(&self, columns: &str, table: &str, rest: &str) -> String {
        match self.pool().get_database_backend() {
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
        match self.pool().get_database_backend() {
            DbBackend::Postgres => ids.to_vec().into(),
            _ => serde_json::json!(ids).to_string().into(),
        }
    }
}

impl Pools {
    fn in_use(&self) -> &DatabaseConnection {
        let last = self.count.load(Ordering::Acquire).checked_sub(1);
        last.and_then(|last| self.later.get(last)?.get()).unwrap_or(&self.first)
    }

    /// Puts a pool in the place of the one in use, and gives that. One task alone does so.
    fn put(&self, pool: DatabaseConnection) -> Option<DatabaseConnection> {
        let old = self.in_use().clone();
        let count = self.count.load(Ordering::Acquire);
        self.later.get(count)?.set(pool).ok()?;
        self.count.store(count + 1, Ordering::Release);
        Some(old)
    }
}

impl fmt::Debug for Pools {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.in_use().fmt(formatter)
    }
}

/// Whether a connection broke, or was given up, rather than that there was none.
fn is_broken(error: &DbErr) -> bool {
    use sea_orm::sqlx::Error as Sqlx;
    let error = match error {
        DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => error,
        DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed) => return true,
        _ => return false,
    };
    match &**error {
        Sqlx::Io(_) | Sqlx::Tls(_) => true,
        // The server is stopped, or somebody ended this connection: PostgreSQL says so once before it closes it.
        Sqlx::Database(database) => database.code().is_some_and(|code| ["57P01", "57P02", "57P03", "08006"].contains(&&*code)),
        _ => false,
    }
}

/// What is said of a statement that was given up.
fn silent() -> DbErr {
    DbErr::Conn(RuntimeErr::Internal("the database does not answer".to_owned()))
}

/// `statement`: how long one may take on PostgreSQL where requests are served.
fn options(url: &str, connections: u32, statement: Option<Duration>) -> ConnectOptions {
    let is_postgres = !url.starts_with("sqlite:");
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .acquire_timeout(if is_postgres && statement.is_some() { ACQUIRE } else { ACQUIRE_PATIENTLY })
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
                Some(time) => options.options([("statement_timeout", time.as_millis().to_string())]),
                None => options,
            }
        })
        .map_sqlx_postgres_pool_opts(|options| {
            // sqlx waits for ever for the end of a statement that was given up before a connection is lent again. No round trip where there is
            // no such statement.
            options.after_release(|connection, _| {
                use sea_orm::sqlx::Connection as _;
                Box::pin(async move {
                    let ends = tokio::time::timeout(ENDS, connection.flush()).await;
                    ends.unwrap_or_else(|_| Err(sea_orm::sqlx::Error::PoolTimedOut)).map(|()| true)
                })
            })
        })
        .map_sqlx_sqlite_pool_opts(|options| {
            use sea_orm::sqlx::Connection as _;
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
