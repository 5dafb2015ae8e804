//! Statements that requests share.
//!
//! On PostgreSQL a statement costs more to send, to begin and to commit than to run, so requests that come while statements are on their
//! way share the next one. Nobody waits for others to come: where no statement of its kind is on its way, it goes at once. On SQLite nothing is sent, and one
//! writes at a time: each request has its own statements.
//!
//! A statement that is shared reads its values from a table `asked`, a row for each request, and answers with the `place` of whom a row is
//! for. What one of them runs into is everybody's: so it waits for no lock, and who writes and gets no answer tries alone. Where the
//! connection breaks after such a statement was committed, trying alone finds what was saved: under its `saveId` it counts once.
//!
//! To share a statement: values by [`Sql::bind`] only, so that its text is the same for all; a column `place`; no lock that is waited for.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, QueryResult, Statement, Value};
use tokio::sync::oneshot;
use tracing::{Instrument, Span};

use crate::Error;
use crate::database::Database;

/// The most requests that share a statement.
const TOGETHER: usize = 32;

/// The row of a request, if there is one; or why the statement failed, which is the same for all who share it.
type Answer = Result<Option<QueryResult>, Arc<Error>>;

/// How a statement runs.
#[derive(Clone, Copy)]
pub(crate) enum Run<'a> {
    /// Along with those of other requests, without a transaction: on PostgreSQL.
    Together(&'a Together),
    /// In a transaction of its own.
    Alone(&'a DatabaseTransaction),
}

impl Run<'_> {
    pub(crate) fn backend(self) -> DbBackend {
        match self {
            Self::Together(_) => DbBackend::Postgres,
            Self::Alone(transaction) => transaction.get_database_backend(),
        }
    }

    /// Runs a statement over `asked`, and gives the row of this request. `None` also where it has to try alone.
    pub(crate) async fn row(self, sql: Sql) -> Result<Option<QueryResult>, DbErr> {
        match self {
            Self::Together(together) => {
                let row = together.shared(sql, false).await;
                // Two saves of one id at once are usual.
                let row = row.inspect_err(|error| tracing::debug!(error = error.cause(), "what failed together goes alone"));
                Ok(row.ok().flatten())
            }
            Self::Alone(transaction) => transaction.query_one_raw(statement(self.backend(), &[&sql])).await,
        }
    }
}

/// A statement that is being written out, with its values.
#[derive(Debug, Default)]
pub(crate) struct Sql {
    pub(crate) text: String,
    values: Vec<Value>,
}

impl Sql {
    pub(crate) fn push(&mut self, parts: &[&str]) {
        self.text.extend(parts.iter().copied());
    }

    /// A select of at most one row, for each of those who ask.
    pub(crate) fn select(&mut self, backend: DbBackend, parts: &[&str]) {
        if backend != DbBackend::Postgres {
            return self.push(parts);
        }
        self.push(&["SELECT found.*, asked.place FROM asked CROSS JOIN LATERAL ("]);
        self.push(parts);
        // `LIMIT` keeps the planner to one look into each index for each of them.
        self.push(&[" LIMIT 1) AS found"]);
    }

    /// Takes a value, and gives what stands for it.
    pub(crate) fn bind(&mut self, backend: DbBackend, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        let place = self.values.len();
        if backend == DbBackend::Postgres { format!("asked.v{place}") } else { format!("${place}") }
    }
}

/// One statement for all of these, which have the same text.
fn statement(backend: DbBackend, together: &[&Sql]) -> Statement {
    let Some(first) = together.first() else { return Statement::from_string(backend, String::new()) };
    if backend != DbBackend::Postgres {
        return Statement::from_sql_and_values(backend, first.text.as_str(), first.values.clone());
    }
    let columns = first.values.iter().enumerate().map(|(place, value)| {
        let column = together.iter().filter_map(|sql| sql.values.get(place).cloned()).collect();
        Value::Array(value.array_type(), Some(Box::new(column)))
    });
    let places = 1..=first.values.len();
    let (parameters, names): (Vec<_>, Vec<_>) = places.map(|place| (format!("${place}"), format!("v{place}"))).unzip();
    let asked = format!(
        "WITH asked AS (SELECT * FROM unnest({}) WITH ORDINALITY AS asked ({}, place)) {}",
        parameters.join(", "),
        names.join(", "),
        first.text
    );
    Statement::from_sql_and_values(backend, asked, columns)
}

/// Where statements that are shared wait.
pub struct Together(Arc<Inner>);

struct Inner {
    database: Database,
    /// The most statements at once.
    at_once: usize,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    /// One for each text.
    lines: VecDeque<Line>,
    /// How many look after the lines.
    workers: usize,
}

/// Those who can share a statement.
struct Line {
    text: String,
    waiting: VecDeque<Waiting>,
    /// How many statements of this text are on their way.
    running: usize,
}

impl Line {
    /// One statement at a time, so that as many as can be share the next one; another where it would be full.
    fn may_begin(&self) -> bool {
        !self.waiting.is_empty() && (self.running == 0 || self.waiting.len() >= TOGETHER)
    }
}

struct Waiting {
    sql: Sql,
    /// The same for all of one text.
    only_reads: bool,
    answer: oneshot::Sender<Answer>,
    /// Of the request, for the log.
    span: Span,
}

impl Queue {
    /// Puts somebody into their line. Whether somebody has to come and look after it.
    fn push(&mut self, waiting: Waiting, at_once: usize) -> bool {
        let place = self.lines.iter().position(|line| line.text == waiting.sql.text).unwrap_or_else(|| {
            self.lines.push_back(Line { text: waiting.sql.text.clone(), waiting: VecDeque::new(), running: 0 });
            self.lines.len() - 1
        });
        let Some(line) = self.lines.get_mut(place) else { return false };
        line.waiting.push_back(waiting);
        let begins = self.workers < at_once && line.may_begin();
        self.workers += usize::from(begins);
        begins
    }

    /// Those who share the next statement; their line goes behind the others.
    fn next(&mut self) -> Option<Vec<Waiting>> {
        let place = self.lines.iter().position(Line::may_begin)?;
        let mut line = self.lines.remove(place)?;
        let together = line.waiting.drain(..line.waiting.len().min(TOGETHER)).collect();
        line.running += 1;
        self.lines.push_back(line);
        Some(together)
    }

    /// A statement is answered.
    fn done(&mut self, text: &str) {
        if let Some(place) = self.lines.iter().position(|line| line.text == text)
            && let Some(line) = self.lines.get_mut(place)
        {
            line.running -= 1;
            if line.running == 0 && line.waiting.is_empty() {
                self.lines.remove(place);
            }
        }
    }
}

impl Together {
    /// With a quarter of the connections of this pool.
    #[must_use]
    pub fn new(database: &Database, connections: u32) -> Self {
        let at_once = usize::try_from(connections / 4).unwrap_or_default().max(1);
        Self(Arc::new(Inner { database: database.clone(), at_once, queue: Mutex::default() }))
    }

    /// Runs a statement that only reads, and gives the row of this request: along with others where that is better.
    pub(crate) async fn row(&self, sql: Sql) -> Answer {
        let pool = self.0.database.pool();
        match pool.get_database_backend() {
            DbBackend::Postgres => self.shared(sql, true).await,
            backend => pool.query_one_raw(statement(backend, &[&sql])).await.map_err(|error| Arc::new(error.into())),
        }
    }

    async fn shared(&self, sql: Sql, only_reads: bool) -> Answer {
        let inner = &self.0;
        let (answer, found) = oneshot::channel();
        let begins = inner.queue().push(Waiting { sql, only_reads, answer, span: Span::current() }, inner.at_once);
        if begins {
            tokio::spawn(inner.clone().work());
        }
        found.await.unwrap_or_else(|_| Err(Arc::new(Error::internal("a statement that was shared ended without an answer"))))
    }
}

impl Inner {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers those who wait, until nobody does.
    async fn work(self: Arc<Self>) {
        while let Some(together) = self.next() {
            let Some(first) = together.first() else { continue };
            let (text, span) = (first.sql.text.clone(), first.span.clone());
            // Should it panic, the others are answered all the same.
            let _ = AssertUnwindSafe(self.answer(together).instrument(span)).catch_unwind().await;
            self.queue().done(&text);
        }
    }

    /// `None`: this one is done.
    fn next(&self) -> Option<Vec<Waiting>> {
        let mut queue = self.queue();
        let together = queue.next();
        queue.workers -= usize::from(together.is_none());
        together
    }

    async fn answer(&self, mut together: Vec<Waiting>) {
        // Whoever has gone meanwhile wants nothing any more.
        together.retain(|waiting| !waiting.answer.is_closed());
        let mut answers: Vec<Answer> = together.iter().map(|_| Ok(None)).collect();
        let rows = if together.first().is_some_and(|first| first.only_reads) {
            self.database.again_if_broken(|| self.rows(&together)).await
        } else {
            self.rows(&together).await
        };
        match rows {
            Ok(rows) => {
                for (place, row) in rows {
                    if let Some(answer) = answers.get_mut(place) {
                        *answer = Ok(Some(row));
                    }
                }
            }
            Err(error) => {
                let error: Arc<Error> = Arc::new(error.into());
                answers.fill_with(|| Err(error.clone()));
            }
        }
        for (waiting, answer) in together.into_iter().zip(answers) {
            let _ = waiting.answer.send(answer);
        }
    }

    async fn rows(&self, together: &[Waiting]) -> Result<Vec<(usize, QueryResult)>, DbErr> {
        if together.is_empty() {
            return Ok(Vec::new());
        }
        let sqls: Vec<_> = together.iter().map(|waiting| &waiting.sql).collect();
        let rows = self.database.pool().query_all_raw(statement(DbBackend::Postgres, &sqls));
        let rows = self.database.while_it_answers(rows).await?;
        let placed = rows.into_iter().map(|row| {
            let place: i64 = row.try_get("", "place")?;
            Ok((usize::try_from(place - 1).unwrap_or(usize::MAX), row))
        });
        placed.collect()
    }
}
