//! Finding out who presents a token, with what is going to be asked of them: see [`crate::foreseen`].
//!
//! On PostgreSQL a statement costs more to send than to run, so requests that arrive while statements are on their way share the next one. Nobody
//! waits for others to come: where a statement may go, it goes at once. On SQLite nothing is sent, and each has its own.

use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use entity::{role, user};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, FromQueryResult, IdenStatic, Iterable, QueryResult, Statement, Value,
};
use tokio::sync::oneshot;
use tracing::{Instrument, Span};

use crate::Error;
use crate::database::Database;
use crate::foreseen::{Foreseen, Part};
use crate::token::Claims;

/// The most people that are looked up by one statement: what is foreseen of one may be some hundred KB.
const TOGETHER: usize = 32;

/// What the columns of the person and of their role are called in the statement.
const USER: &str = "user_";
const ROLE: &str = "role_";

static PERSON: LazyLock<String> = LazyLock::new(|| {
    let of = |prefix, table, column: &str| format!("{table}.{column} AS {prefix}{column}");
    let user = user::Column::iter().map(|column| of(USER, "users", column.as_str()));
    let role = role::Column::iter().map(|column| of(ROLE, "roles", column.as_str()));
    user.chain(role).collect::<Vec<_>>().join(", ")
});

/// Who is there: an active person, in a session that has not ended, by a token that was not revoked.
fn select(backend: DbBackend, parts: &[Part], [user_id, session, token]: [&str; 3]) -> String {
    let parts: String = parts.iter().flat_map(|part| [", ", part.select(backend)]).collect();
    format!(
        "SELECT {}{parts} FROM users JOIN roles ON roles.id = users.role_id WHERE users.id = {user_id} AND users.is_active \
         AND EXISTS (SELECT 1 FROM sessions WHERE sessions.id = {session} AND sessions.user_id = users.id) \
         AND NOT EXISTS (SELECT 1 FROM revoked_tokens WHERE revoked_tokens.jti = {token})",
        *PERSON
    )
}

/// A person who was found.
pub(crate) struct Found(QueryResult);

impl Found {
    /// Who, what they may do, and what was foreseen of them.
    pub(crate) fn read(&self, parts: &[Part]) -> Result<(user::Model, role::Model, Foreseen), DbErr> {
        let first = user::Column::iter().count() + role::Column::iter().count();
        let read = (first..).zip(parts).map(|(place, _)| self.0.try_get_by_index(place));
        let foreseen = Foreseen::new(parts, read.collect::<Result<_, _>>()?);
        Ok((user::Model::from_query_result(&self.0, USER)?, role::Model::from_query_result(&self.0, ROLE)?, foreseen))
    }
}

type Answer = Result<Option<Found>, Arc<Error>>;

/// Looks people up.
pub struct Lookups(Arc<Inner>);

struct Inner {
    pool: DatabaseConnection,
    /// The most statements at once.
    at_once: usize,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Waiting>,
    running: usize,
}

struct Waiting {
    claims: Claims,
    parts: Vec<Part>,
    answer: oneshot::Sender<Answer>,
    /// Of the request, for the log.
    span: Span,
}

impl Lookups {
    /// With half of the connections of this pool, so that there are some for what comes after.
    #[must_use]
    pub fn new(database: &Database, connections: u32) -> Self {
        let at_once = usize::try_from(connections / 2).unwrap_or_default().max(1);
        Self(Arc::new(Inner { pool: database.pool().clone(), at_once, queue: Mutex::default() }))
    }

    /// Who came with these claims, if they may come in.
    pub(crate) async fn find(&self, claims: &Claims, parts: &[Part]) -> Answer {
        let inner = &self.0;
        let backend = inner.pool.get_database_backend();
        if backend != DbBackend::Postgres {
            let sql = select(backend, parts, ["$1", "$2", "$3"]);
            let values = [claims.sub.into(), claims.sid.into(), claims.jti.to_string().into()];
            let row = inner.pool.query_one_raw(Statement::from_sql_and_values(backend, sql, values)).await;
            return Ok(row.map_err(|error| Arc::new(error.into()))?.map(Found));
        }
        let (answer, found) = oneshot::channel();
        let waiting = Waiting { claims: claims.clone(), parts: parts.to_vec(), answer, span: Span::current() };
        let begins = {
            let mut queue = inner.queue();
            queue.waiting.push(waiting);
            let begins = queue.running < inner.at_once;
            queue.running += usize::from(begins);
            begins
        };
        if begins {
            tokio::spawn(inner.clone().work());
        }
        found.await.unwrap_or_else(|_| Err(Arc::new(Error::internal("a lookup ended without an answer"))))
    }
}

impl Inner {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers those who wait, until nobody does.
    async fn work(self: Arc<Self>) {
        while let Some(together) = self.next() {
            let span = together.first().map_or_else(Span::none, |first| first.span.clone());
            // A task of its own: should it panic, the others are answered all the same.
            let _ = tokio::spawn(self.clone().answer(together).instrument(span)).await;
        }
    }

    /// Those who can share a statement with whoever waits longest. `None`: this one is done.
    fn next(&self) -> Option<Vec<Waiting>> {
        let mut queue = self.queue();
        let Some(parts) = queue.waiting.first().map(|first| first.parts.clone()) else {
            queue.running -= 1;
            return None;
        };
        let mut places = TOGETHER;
        let take = |waiting: &mut Waiting| {
            let is_taken = places > 0 && waiting.parts == parts;
            places -= usize::from(is_taken);
            is_taken
        };
        Some(queue.waiting.extract_if(.., take).collect())
    }

    async fn answer(self: Arc<Self>, together: Vec<Waiting>) {
        let mut answers: Vec<Answer> = together.iter().map(|_| Ok(None)).collect();
        match self.look_up(&together).await {
            Ok(rows) => {
                for (place, row) in rows {
                    if let Some(answer) = answers.get_mut(place) {
                        *answer = Ok(Some(Found(row)));
                    }
                }
            }
            Err(error) => {
                let error: Arc<Error> = Arc::new(error.into());
                answers.fill_with(|| Err(error.clone()));
            }
        }
        for (waiting, answer) in together.into_iter().zip(answers) {
            // Whoever has gone meanwhile needs none.
            let _ = waiting.answer.send(answer);
        }
    }

    async fn look_up(&self, together: &[Waiting]) -> Result<Vec<(usize, QueryResult)>, DbErr> {
        let parts = together.first().map_or(&[][..], |first| &first.parts);
        // `LIMIT` keeps the planner to one look into each index for each of them.
        let sql = format!(
            "SELECT found.*, asked.place FROM unnest($1::bigint[], $2::uuid[], $3::text[]) WITH ORDINALITY \
             AS asked (user_id, session, token, place) CROSS JOIN LATERAL ({} LIMIT 1) AS found",
            select(DbBackend::Postgres, parts, ["asked.user_id", "asked.session", "asked.token"])
        );
        let claims = || together.iter().map(|waiting| &waiting.claims);
        let values: [Value; 3] = [
            claims().map(|claims| claims.sub).collect::<Vec<_>>().into(),
            claims().map(|claims| claims.sid).collect::<Vec<_>>().into(),
            claims().map(|claims| claims.jti.to_string()).collect::<Vec<_>>().into(),
        ];
        let rows = self.pool.query_all_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await?;
        let placed = rows.into_iter().map(|row| {
            let place: i64 = row.try_get("", "place")?;
            Ok((usize::try_from(place - 1).unwrap_or(usize::MAX), row))
        });
        placed.collect()
    }
}
