//! The database: SQLite or PostgreSQL, one set of entities and rules. What one engine does in another way than the other is here.

mod file;
mod pools;
mod reach;

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sea_orm::sea_query::{Expr, ExprTrait, Func, IntoColumnRef, Query};
use sea_orm::sqlx::{self, Connection, PgConnection};
use sea_orm::{
    AccessMode, ConnAcquireErr, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, IsolationLevel,
    RuntimeErr, SqliteTransactionMode, TransactionOptions, TransactionTrait, Value,
};
use tokio::time::timeout;
use tracing::Instrument;

use file::OpenFile;
use pools::{ACQUIRE, ENDS, Pools, options, options_to_look};
pub use pools::{Observer, PoolUse};
use reach::Reach;

use crate::diagnosis::sqlite_file;
use crate::error::{Error, ends_connection};
use crate::line::{self, Line};

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

/// A pool of connections.
#[derive(Clone, Debug)]
pub struct Database {
    pools: Arc<Pools>,
    /// `None`: nobody looks whether it answers.
    reach: Option<Arc<Reach>>,
    /// On SQLite: the line of those who begin to write, but for the one who is next, who waits for the connection itself.
    writers: Option<Arc<Line>>,
    /// On SQLite, where requests are served.
    file: Option<Arc<OpenFile>>,
    /// How long a statement may take on PostgreSQL; `None`: as long as it likes.
    statement: Option<Duration>,
}

/// So many wait to write on SQLite, each for about a millisecond, before it may be too much.
const WRITERS: usize = 256;

/// How often it is looked whether what a statement waits for is still there.
pub const LOOKS: Duration = Duration::from_millis(250);

impl Database {
    /// Says whether the database at `url` takes a connection now. What a pool says of that is that its time ran out; this says why.
    pub async fn reach(url: &str) -> Result<(), Unreached> {
        if url.starts_with("sqlite:") {
            return Ok(());
        }
        let connected = timeout(REACH, PgConnection::connect(url)).await;
        let connection = match connected {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => return Err(Unreached { may_pass: may_pass(&error), reason: error.to_string() }),
            Err(_) => return Err(Unreached { may_pass: true, reason: format!("no answer within {} s", REACH.as_secs()) }),
        };
        // It has answered; how it says good-bye is no matter.
        let _ = connection.close().await;
        Ok(())
    }

    /// Opens a pool of at most `connections` on `url` (`sqlite://…` or `postgres://…`), for a command.
    pub async fn connect(url: &str, connections: u32) -> Result<Self, DbErr> {
        Ok(Self::of(Pools::open(options(url, connections, None), None).await?))
    }

    /// The same for one that is not to be changed at all, its mode of journal included.
    pub async fn connect_to_look(url: &str) -> Result<Self, DbErr> {
        Ok(Self::of(Pools::open(options_to_look(url), None).await?))
    }

    /// The same for one that is asked only where it answers: connected to when it is first asked, and given up soon.
    pub(crate) async fn connect_lazily(url: &str, connections: u32, observer: Option<Observer>) -> Result<Self, DbErr> {
        let mut options = options(url, connections, None);
        options.connect_lazy(true).acquire_timeout(Duration::from_secs(1));
        Ok(Self::of(Pools::open(options, observer).await?))
    }

    /// The same to serve requests: nothing waits for long. `statement` is how long PostgreSQL may take for one, and `observer` is told of each
    /// when it has ended. On PostgreSQL a task looks whether the server answers, until the process ends.
    pub async fn connect_to_serve(url: &str, connections: u32, statement: Duration, observer: Observer) -> Result<Self, DbErr> {
        let options = options(url, connections, Some(statement));
        let mut database = Self::of(Pools::open(options, Some(observer)).await?);
        if database.backend() == DbBackend::Postgres {
            database.statement = Some(statement);
            let reach = Arc::new(Reach::new());
            database.reach = Some(reach.clone());
            tokio::spawn(reach.watch(url.to_owned(), database.clone()));
        } else {
            database.file = sqlite_file(url).and_then(OpenFile::at).map(Arc::new);
        }
        Ok(database)
    }

    fn of(pools: Pools) -> Self {
        let has_one_writer = pools.in_use().get_database_backend() == DbBackend::Sqlite;
        let writers = has_one_writer.then(|| Arc::new(Line::new(1, WRITERS)));
        Self { pools: Arc::new(pools), reach: None, writers, file: None, statement: None }
    }

    /// The pool itself. Not to begin a transaction: that is [`Self::write`].
    #[must_use]
    pub fn pool(&self) -> &DatabaseConnection {
        self.pools.in_use()
    }

    /// How each pool is used, by its name: `main`, and on SQLite `writer`, the line of those who write.
    #[must_use]
    pub fn pool_uses(&self) -> Vec<(&'static str, PoolUse)> {
        self.pools.by_name().map(|(name, pool)| (name, pools::used(pool))).collect()
    }

    /// For how long one has to wait for a connection of each pool; `None`: none came in time.
    pub async fn pool_waits(&self) -> Vec<(&'static str, Option<Duration>)> {
        let mut waits = Vec::new();
        for (name, pool) in self.pools.by_name() {
            let began = Instant::now();
            let line = self.writers.as_ref().filter(|_| name == pools::WRITER);
            let place = match line {
                Some(line) => line.place().await.map(Some),
                None => Some(None),
            };
            let has_come = place.is_some() && pools::comes(pool).await;
            waits.push((name, has_come.then(|| began.elapsed())));
        }
        waits
    }

    /// Closes every connection, after what they are doing.
    pub async fn close(self) -> Result<(), DbErr> {
        self.pools.close().await
    }

    /// Whether the server does not answer, as far as is known.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.reach.as_ref().is_some_and(|reach| reach.is_silent())
    }

    /// Why the database would not keep what is written to it now, as far as is known.
    #[must_use]
    pub fn fault(&self) -> Option<&'static str> {
        if self.reach.as_ref().is_some_and(|reach| reach.is_read_only()) {
            return Some("the database takes no writes: a replica, or set to read only");
        }
        self.file.as_ref()?.fault()
    }

    /// Runs what changes nothing, once more on another connection where the one it was given broke: mostly while nobody used it, and others with
    /// it, as when the server was started anew. So all connections are given up first, and it is looked whether the server answers.
    pub(crate) async fn again_if_broken<T, F>(&self, statement: impl Fn() -> F) -> Result<T, DbErr>
    where
        F: Future<Output = Result<T, DbErr>>,
    {
        let pools = self.pools.count();
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
            Some(time) => timeout(time + ENDS, done).await.ok().flatten(),
            None => done.await,
        }
    }

    /// What this comes to, or `None`, at once, where the server does not answer.
    pub async fn unless_silent<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        while !self.is_silent() {
            if let Ok(done) = timeout(LOOKS, &mut work).await {
                return Some(done);
            }
        }
        None
    }

    /// What follows writes: on SQLite that waits for whoever writes now, and needs no place meanwhile.
    pub(crate) fn waits_to_write(&self) {
        if self.writers.is_some() {
            line::elsewhere();
        }
    }

    /// Begins a transaction that writes, for a request. On SQLite one after the other: [`Error::Busy`] where more wait than can be done soon.
    pub(crate) async fn write(&self) -> Result<DatabaseTransaction, Error> {
        if let Some(fault) = self.file.as_ref().and_then(|file| file.is_gone()) {
            // It would be acknowledged, and be gone at the next start.
            return Err(DbErr::Conn(RuntimeErr::Internal(fault.to_owned())).into());
        }
        self.waits_to_write();
        let _next = match &self.writers {
            Some(line) => Some(timeout(ACQUIRE, line.place()).await.ok().flatten().ok_or(Error::Busy)?),
            None => None,
        };
        Ok(self.write_now().await?)
    }

    /// The same without that line: in a command, or in the background, where nobody is told to try again. On SQLite the write lock is taken at once: two that read first and write later would fail.
    pub(crate) async fn write_now(&self) -> Result<DatabaseTransaction, DbErr> {
        let options =
            TransactionOptions { sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate), ..Default::default() };
        self.again_if_broken(|| self.begin(options)).await
    }

    async fn begin(&self, options: TransactionOptions) -> Result<DatabaseTransaction, DbErr> {
        let database = self.clone();
        // In a task of its own: sqlx counts a transaction as begun once BEGIN is answered. Who breaks off before would put a connection back
        // that is in a transaction, and what others write on it then is gone when it ends.
        let begun = async move {
            let pools = database.pools.count();
            let mut statement = pin!(database.pools.to_write().begin_with_options(options));
            let begun = database.answered(statement.as_mut()).await;
            if let (None, Some(reach)) = (&begun, &database.reach) {
                // For the same reason: its pool is given up before it is broken off.
                reach.look(pools).await;
            }
            begun.unwrap_or_else(|| Err(silent()))
        };
        let begun = tokio::spawn(begun.in_current_span());
        begun.await.map_err(|error| DbErr::Custom(error.to_string()))?
    }

    /// Begins a transaction that reads the database as it is now, however long that takes. On SQLite nobody else writes meanwhile.
    pub(crate) async fn hold(&self) -> Result<DatabaseTransaction, DbErr> {
        let options = match self.backend() {
            DbBackend::Sqlite => return self.write_now().await,
            _ => TransactionOptions {
                isolation_level: Some(IsolationLevel::RepeatableRead),
                access_mode: Some(AccessMode::ReadOnly),
                ..Default::default()
            },
        };
        self.pool().begin_with_options(options).await
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

/// Whether a connection broke, or was given up, rather than that there was none.
fn is_broken(error: &DbErr) -> bool {
    use sqlx::Error as Sqlx;
    let error = match error {
        DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => error,
        DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed) => return true,
        _ => return false,
    };
    match &**error {
        Sqlx::Io(_) | Sqlx::Tls(_) => true,
        // The server is stopped, or somebody ended this connection: PostgreSQL, or the pooler before it, says so once before it closes it.
        Sqlx::Database(database) => ends_connection(&**database),
        _ => false,
    }
}

/// What is said of a statement that was given up.
#[must_use]
pub fn silent() -> DbErr {
    DbErr::Conn(RuntimeErr::Internal("the database does not answer".to_owned()))
}
