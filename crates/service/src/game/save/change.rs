//! What a save changes, written only where everything still is as it was found.

use chrono::{DateTime, Utc};
use entity::game::Game;
use sea_orm::{
    ActiveModelTrait, ActiveValue, ColumnTrait, DatabaseTransaction, DbBackend, IdenStatic, Iterable, SqlErr, TryIntoModel, Value,
};

use crate::together::{Run, Sql};
use crate::user_terms_agreement::TO_ACCEPT;
use crate::viewer::Bearer;
use crate::{Error, Service, sealed};

/// A play as it is to be.
pub(super) struct Change<'a, G: Game> {
    /// Whose.
    pub user_id: i64,
    /// What is set in it is written; the JSON in the clear.
    pub row: G::ActiveModel,
    /// What it is built on.
    pub base: Base,
    /// What else the statement has to ask, where nobody has looked before. Only on a play that goes on.
    pub unseen: Option<Unseen<'a>>,
    /// The save's id, if it has one.
    pub named: Option<&'a Named>,
    /// When it is saved.
    pub now: DateTime<Utc>,
}

/// What a change is built on: where it is not so any more, nothing is written.
#[derive(Clone, Copy)]
pub(super) enum Base {
    /// A play that goes on. The version tells, too, whether it is as it was found: plays are brought up without a new revision.
    Play { id: i64, revision: i32, schema_version: i32 },
    /// There is no play of this game.
    NoPlay,
    /// Whatever there is: another play begins.
    Anything,
}

/// What a look would have found out.
#[derive(Clone, Copy)]
pub(super) struct Unseen<'a> {
    /// Whether they are let in, and have accepted the terms.
    pub bearer: &'a Bearer,
    /// The play has to be the newest of its game.
    pub is_newest: bool,
}

/// The id that a client gave to a save, and what tells other content under the same id.
pub(super) struct Named {
    pub save_id: String,
    pub content_hash: String,
}

impl<G: Game> Change<'_, G> {
    /// Writes it, and gives the play as it is then. `None`, and nothing is written, where somebody came between, or, together with others,
    /// is just now about the same person or play.
    pub(super) async fn go_on(self, service: &Service, run: Run<'_>) -> Result<Option<G::Model>, Error> {
        let Base::Play { id, .. } = self.base else { return Ok(None) };
        let mut row = self.row.clone();
        sealed::seal_columns::<G>(service, &mut row, G::SEALED, &id.to_string())?;
        match self.write_row(run, &row).await? {
            Some(_) => Ok(Some(self.row.try_into_model()?)),
            None => Ok(None),
        }
    }

    /// The same where a play begins, in a transaction that has locked the person: two saves at once would begin two.
    pub(super) async fn begin(self, service: &Service, transaction: &DatabaseTransaction) -> Result<Option<G::Model>, Error> {
        let mut row = self.row.clone();
        // What is sealed to the play's id waits for that id.
        let held = sealed::hold_back::<G>(&mut row, G::SEALED);
        let Some(id) = self.write_row(Run::Alone(transaction), &row).await? else { return Ok(None) };
        sealed::put_back::<G>(service, transaction, held, G::ID.eq(id), &id.to_string()).await?;
        let mut row = self.row;
        row.set(G::ID, id.into());
        Ok(Some(row.try_into_model()?))
    }

    /// The play, then the save's id: one statement on PostgreSQL. It locks who saves and their play; together with others, it passes over
    /// those that somebody else has locked, and waits for nobody.
    async fn write_row(&self, run: Run<'_>, row: &G::ActiveModel) -> Result<Option<i64>, Error> {
        let backend = run.backend();
        let mut sql = Sql::default();
        let user_id = sql.bind(backend, self.user_id);
        let mut set = Vec::new();
        for column in G::Column::iter() {
            if let ActiveValue::Set(value) = row.get(column) {
                let name = column.as_str();
                let value = sql.bind(backend, value);
                let is_cast = backend == DbBackend::Postgres && G::JSON.iter().any(|json| json.column.as_str() == name);
                set.push((name, if is_cast { format!("CAST({value} AS json)") } else { value }));
            }
        }
        if backend != DbBackend::Postgres {
            self.play(&mut sql, backend, &user_id, &set);
            let Some(row) = run.row(sql).await? else { return Ok(None) };
            let id = row.try_get_by_index(0)?;
            if let Some(named) = self.named {
                let mut sql = Sql::default();
                let (user_id, play) = (sql.bind(backend, self.user_id), sql.bind(backend, id));
                self.record(&mut sql, backend, named, [&user_id, &play], "");
                run.row(sql).await?;
            }
            return Ok(Some(id));
        }
        let passes_over = if matches!(run, Run::Together(_)) { " SKIP LOCKED" } else { "" };
        self.writer(&mut sql, backend, &user_id, passes_over);
        sql.push(&[", play AS ("]);
        self.play(&mut sql, backend, &user_id, &set);
        if let Some(named) = self.named {
            sql.push(&["), record AS ("]);
            let from = " FROM play JOIN asked ON asked.place = play.place";
            self.record(&mut sql, backend, named, [&user_id, "play.id"], from);
        }
        sql.push(&[") SELECT place, id FROM play"]);
        match run.row(sql).await {
            Ok(row) => Ok(row.map(|row| row.try_get("", "id")).transpose()?),
            // An id that another save has taken at this moment: the transaction has failed, and who looks again in a new one finds it.
            Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Those of `asked` who still are there, with the play as it was found.
    fn writer(&self, sql: &mut Sql, backend: DbBackend, user_id: &str, passes_over: &str) {
        sql.push(&[", writer AS (SELECT asked.place, "]);
        if let Base::Play { id, revision, schema_version } = self.base {
            let values = [id.into(), revision.into(), schema_version.into()];
            let [id, revision, version] = values.map(|value: Value| sql.bind(backend, value));
            let table = G::default();
            sql.push(&[
                "stored.id FROM asked JOIN users ON users.id = ",
                user_id,
                " AND users.is_active JOIN ",
                table.table_name(),
            ]);
            sql.push(&[
                " AS stored ON stored.id = ",
                &id,
                " AND stored.user_id = ",
                user_id,
                " AND stored.revision = ",
                &revision,
            ]);
            sql.push(&[" AND stored.schema_version = ", &version]);
            if let Some(unseen) = self.unseen {
                self.ask(sql, backend, unseen, user_id, table.table_name());
            }
            sql.push(&[" FOR NO KEY UPDATE OF users, stored", passes_over, ")"]);
        } else {
            sql.push(&["users.id FROM asked JOIN users ON users.id = ", user_id, " AND users.is_active)"]);
        }
    }

    /// That they are let in, the terms are accepted, this was not saved before, and no other play was begun.
    fn ask(&self, sql: &mut Sql, backend: DbBackend, unseen: Unseen<'_>, user_id: &str, table: &str) {
        let [_, session, token] = unseen.bearer.values();
        let [session, token] = [session, token].map(|value| sql.bind(backend, value));
        let is_let_in = Bearer::is_let_in([user_id, &session, &token]);
        sql.push(&[" AND ", &is_let_in, " AND (", &TO_ACCEPT, ") IS NULL"]);
        if let Some(named) = self.named {
            let save_id = sql.bind(backend, named.save_id.as_str());
            sql.push(&[
                " AND NOT EXISTS (SELECT 1 FROM saves WHERE saves.user_id = ",
                user_id,
                " AND saves.save_id = ",
                &save_id,
                ")",
            ]);
        }
        if unseen.is_newest {
            sql.push(&[" AND stored.id = (SELECT MAX(id) FROM ", table, " WHERE user_id = ", user_id, ")"]);
        }
    }

    fn play(&self, sql: &mut Sql, backend: DbBackend, user_id: &str, set: &[(&str, String)]) {
        let entity = G::default();
        let table = entity.table_name();
        let is_shared = backend == DbBackend::Postgres;
        if let Base::Play { id, revision, schema_version } = self.base {
            let set: Vec<_> = set.iter().map(|(column, value)| format!("{column} = {value}")).collect();
            sql.push(&["UPDATE ", table, " AS play SET ", &set.join(", ")]);
            if is_shared {
                // `writer` has seen to everything, and has the play locked.
                sql.push(&[" FROM writer JOIN asked ON asked.place = writer.place WHERE play.id = writer.id"]);
                sql.push(&[" RETURNING play.id, writer.place"]);
            } else {
                let values = [id.into(), revision.into(), schema_version.into()];
                let [id, revision, version] = values.map(|value: Value| sql.bind(backend, value));
                sql.push(&[" WHERE id = ", &id, " AND user_id = ", user_id, " AND revision = ", &revision]);
                sql.push(&[" AND schema_version = ", &version, " RETURNING id"]);
            }
            return;
        }
        let (columns, values): (Vec<_>, Vec<_>) = set.iter().map(|(column, value)| (*column, value.as_str())).unzip();
        sql.push(&["INSERT INTO ", table, " (", &columns.join(", "), ") SELECT ", &values.join(", ")]);
        if is_shared {
            sql.push(&[" FROM asked JOIN writer ON writer.place = asked.place"]);
        }
        if matches!(self.base, Base::NoPlay) {
            sql.push(&[" WHERE NOT EXISTS (SELECT 1 FROM ", table, " WHERE user_id = ", user_id, ")"]);
        }
        // Whose it is, where it is one of one.
        sql.push(&[" RETURNING id", if is_shared { ", CAST(1 AS bigint) AS place" } else { "" }]);
    }

    fn record(&self, sql: &mut Sql, backend: DbBackend, named: &Named, [user_id, play_id]: [&str; 2], from: &str) {
        let values = [named.save_id.clone().into(), (G::KIND as i32).into(), named.content_hash.clone().into(), self.now.into()];
        let [save_id, game, content_hash, now] = values.map(|value: Value| sql.bind(backend, value));
        sql.push(&["INSERT INTO saves (user_id, save_id, game, play_id, content_hash, date_created) SELECT "]);
        sql.push(&[&[user_id, &save_id, &game, play_id, &content_hash, &now].join(", "), from]);
    }
}
