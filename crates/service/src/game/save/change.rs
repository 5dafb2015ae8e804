//! What a save changes, written only where everything still is as it was found.

use chrono::{DateTime, Utc};
use entity::game::Game;
use sea_orm::{
    ActiveModelTrait, ActiveValue, ColumnTrait, ConnectionTrait, DbBackend, IdenStatic, Iterable, SqlErr, Statement,
    TryIntoModel, Value,
};

use crate::user_terms_agreement::TO_ACCEPT;
use crate::viewer::Bearer;
use crate::{Error, Service, sealed};

/// A play as it is to be.
pub(super) struct Change<'a, G: Game> {
    /// Who saves.
    pub bearer: &'a Bearer,
    /// What is set in it is written; the JSON in the clear.
    pub row: G::ActiveModel,
    /// What it is built on.
    pub base: Base,
    /// The save's id, if it has one.
    pub named: Option<&'a Named>,
    /// When it is saved.
    pub now: DateTime<Utc>,
}

/// What a change is built on: where it is not so any more, nothing is written.
#[derive(Clone, Copy)]
pub(super) enum Base {
    /// A play that goes on. The version tells, too, whether it is as it was found: plays are brought up without a new revision.
    Play {
        id: i64,
        revision: i32,
        schema_version: i32,
        /// It was not looked for: see [`super::recent`].
        recent: Option<Recent>,
    },
    /// There is no play of this game.
    NoPlay,
    /// Whatever there is: another play begins.
    Anything,
}

/// A play as it was remembered, without a look at how things stand.
#[derive(Clone, Copy)]
pub(super) struct Recent {
    /// When it was saved: a revision may come twice, where a backup was put back.
    pub date_updated: DateTime<Utc>,
    /// The save goes on with the newest play, whichever that is.
    pub is_newest: bool,
}

/// The id that a client gave to a save, and what tells other content under the same id.
pub(super) struct Named {
    pub save_id: String,
    pub content_hash: String,
}

impl<G: Game> Change<'_, G> {
    /// Writes it, and gives the play as it is then. `None`, and nothing is written, where somebody came between, or is just now about
    /// the same person.
    pub(super) async fn write(self, service: &Service, connection: &impl ConnectionTrait) -> Result<Option<G::Model>, Error> {
        let mut row = self.row.clone();
        let held = if let Base::Play { id, .. } = self.base {
            sealed::seal_columns::<G>(service, &mut row, G::SEALED, &id.to_string())?;
            None
        } else {
            // What is sealed to the play's id waits for that id.
            Some(sealed::hold_back::<G>(&mut row, G::SEALED))
        };
        let Some(id) = self.write_row(connection, &row).await? else { return Ok(None) };
        if let Some(held) = held {
            sealed::put_back::<G>(service, connection, held, G::ID.eq(id), &id.to_string()).await?;
        }
        let mut row = self.row;
        row.set(G::ID, id.into());
        Ok(Some(row.try_into_model()?))
    }

    /// The play, then the save's id. On PostgreSQL one statement, which is whole without a transaction; it locks the person, and passes
    /// over one whom somebody else has locked, or erased.
    async fn write_row(&self, connection: &impl ConnectionTrait, row: &G::ActiveModel) -> Result<Option<i64>, Error> {
        let backend = connection.get_database_backend();
        let mut sql = Sql::default();
        if backend != DbBackend::Postgres {
            self.play(&mut sql, row, backend, "", "");
            let Some(id) = run(connection, sql).await? else { return Ok(None) };
            if let Some(named) = self.named {
                let mut sql = Sql::default();
                let play = sql.bind(id);
                self.record(&mut sql, named, &play, "");
                connection.execute_raw(sql.statement(backend)).await?;
            }
            return Ok(Some(id));
        }
        sql.push(&["WITH writer AS (SELECT id FROM users WHERE "]);
        if let Base::Play { recent: Some(_), .. } = self.base {
            sql.values.extend(self.bearer.values());
            sql.push(&[Bearer::IS_LET_IN, " AND ", &TO_ACCEPT, " IS NULL"]);
        } else {
            let user_id = sql.bind(self.bearer.user_id());
            sql.push(&["id = ", &user_id, " AND is_active"]);
        }
        sql.push(&[" FOR NO KEY UPDATE SKIP LOCKED), play AS ("]);
        self.play(&mut sql, row, backend, " FROM writer", " AND EXISTS (SELECT 1 FROM writer)");
        if let Some(named) = self.named {
            sql.push(&["), record AS ("]);
            self.record(&mut sql, named, "play.id", " FROM play");
        }
        sql.push(&[") SELECT id FROM play"]);
        run(connection, sql).await
    }

    fn play(&self, sql: &mut Sql, row: &G::ActiveModel, backend: DbBackend, from: &str, only_if: &str) {
        let json_of = |column: &str| G::JSON.iter().any(|json| json.column.as_str() == column);
        let mut set = Vec::new();
        for column in G::Column::iter() {
            if let ActiveValue::Set(value) = row.get(column) {
                let place = sql.bind(value);
                let is_cast = backend == DbBackend::Postgres && json_of(column.as_str());
                set.push((column.as_str(), if is_cast { format!("CAST({place} AS json)") } else { place }));
            }
        }
        let entity = G::default();
        let table = entity.table_name();
        let user_id = sql.bind(self.bearer.user_id());
        if let Base::Play { id, revision, schema_version, recent } = self.base {
            let set: Vec<_> = set.iter().map(|(column, value)| format!("{column} = {value}")).collect();
            let (id, revision, version) = (sql.bind(id), sql.bind(revision), sql.bind(schema_version));
            sql.push(&["UPDATE ", table, " SET ", &set.join(", "), " WHERE id = ", &id, " AND user_id = ", &user_id]);
            sql.push(&[" AND revision = ", &revision, " AND schema_version = ", &version, only_if]);
            if let Some(recent) = recent {
                let saved = sql.bind(recent.date_updated);
                sql.push(&[" AND date_updated = ", &saved]);
            }
            if recent.is_some_and(|recent| recent.is_newest) {
                sql.push(&[" AND NOT EXISTS (SELECT 1 FROM ", table, " AS newer WHERE newer.user_id = ", &user_id]);
                sql.push(&[" AND newer.id > ", &id, ")"]);
            }
        } else {
            let (columns, values): (Vec<_>, Vec<_>) = set.into_iter().unzip();
            sql.push(&["INSERT INTO ", table, " (", &columns.join(", "), ") SELECT ", &values.join(", "), from]);
            if matches!(self.base, Base::NoPlay) {
                sql.push(&[" WHERE NOT EXISTS (SELECT 1 FROM ", table, " WHERE user_id = ", &user_id, ")"]);
            }
        }
        sql.push(&[" RETURNING id"]);
    }

    fn record(&self, sql: &mut Sql, named: &Named, play_id: &str, from: &str) {
        let values = [
            self.bearer.user_id().into(),
            named.save_id.clone().into(),
            (G::KIND as i32).into(),
            named.content_hash.clone().into(),
            self.now.into(),
        ];
        let [user_id, save_id, game, content_hash, now] = values.map(|value: Value| sql.bind(value));
        sql.push(&["INSERT INTO saves (user_id, save_id, game, play_id, content_hash, date_created) SELECT "]);
        sql.push(&[&[&*user_id, &save_id, &game, play_id, &content_hash, &now].join(", "), from]);
    }
}

/// The id of the play that was written, if one was.
async fn run(connection: &impl ConnectionTrait, sql: Sql) -> Result<Option<i64>, Error> {
    match connection.query_one_raw(sql.statement(connection.get_database_backend())).await {
        Ok(row) => Ok(row.map(|row| row.try_get_by_index(0)).transpose()?),
        // An id that another save has taken at this moment: who looks again finds it.
        Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A statement that is being written out, with its values.
#[derive(Default)]
struct Sql {
    text: String,
    values: Vec<Value>,
}

impl Sql {
    fn push(&mut self, parts: &[&str]) {
        self.text.extend(parts.iter().copied());
    }

    /// Takes a value, and gives what stands for it.
    fn bind(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    fn statement(self, backend: DbBackend) -> Statement {
        Statement::from_sql_and_values(backend, self.text, self.values)
    }
}
