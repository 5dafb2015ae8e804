//! What a save finds when it comes, in one statement.

use std::fmt::Write;

use entity::game::{Game, PlayRow};
use sea_orm::{ConnectionTrait, FromQueryResult, IdenStatic, Iterable, Statement};

use super::Save;
use crate::Error;
use crate::user_terms_agreement::TO_ACCEPT;
use crate::viewer::{Bearer, Owner};

/// What the columns of the play are called in the statement.
const PLAY: &str = "play_";

/// How things stand for a save.
pub(super) struct Found<G: Game> {
    /// Who saves: they are let in.
    pub owner: Owner,
    /// The active version of the terms, where they have not accepted it.
    pub to_accept: Option<String>,
    /// What was saved under this save's id before.
    pub before: Option<Before>,
    /// The play as it is stored: that of the earlier save, else the one that this save names, else the newest.
    pub play: Option<G::Model>,
}

/// An earlier save of the same id.
pub(super) struct Before {
    /// The keyed hash of what was saved.
    pub content_hash: String,
    play_id: i64,
}

/// Looks for it.
pub(super) async fn find<G: Game>(connection: &impl ConnectionTrait, bearer: &Bearer, save: &Save) -> Result<Found<G>, Error> {
    let found = look::<G>(connection, bearer, save, save.play_id).await?;
    match &found.before {
        // A play was begun since.
        Some(before) if found.play.as_ref().is_some_and(|play| play.id() != before.play_id) => {
            let play_id = Some(before.play_id);
            look::<G>(connection, bearer, save, play_id).await
        }
        _ => Ok(found),
    }
}

async fn look<G: Game>(
    connection: &impl ConnectionTrait,
    bearer: &Bearer,
    save: &Save,
    play_id: Option<i64>,
) -> Result<Found<G>, Error> {
    let plays = G::default();
    let mut sql = format!("SELECT {} AS to_accept", *TO_ACCEPT);
    for column in G::Column::iter() {
        let name = column.as_str();
        let is_json = G::JSON.iter().any(|json| json.column.as_str() == name);
        let value = if is_json { format!("CAST(plays.{name} AS text)") } else { format!("plays.{name}") };
        // Writing into a text does not fail.
        let _ = write!(sql, ", {value} AS {PLAY}{name}");
    }
    let mut values = Vec::from(bearer.values());
    let mut from = " FROM users".to_owned();
    if let Some(save_id) = &save.save_id {
        values.push(save_id.as_str().into());
        sql.push_str(", saves.content_hash, saves.play_id AS saved_into");
        let _ = write!(from, " LEFT JOIN saves ON saves.user_id = $1 AND saves.save_id = ${}", values.len());
    }
    let _ = write!(from, " LEFT JOIN (SELECT * FROM {} WHERE user_id = $1", plays.table_name());
    if let Some(play_id) = play_id {
        values.push(play_id.into());
        let _ = write!(from, " AND id = ${}", values.len());
    }
    from.push_str(" ORDER BY id DESC LIMIT 1) AS plays ON TRUE WHERE ");
    sql.push_str(&from);
    sql.push_str(Bearer::IS_LET_IN);

    let statement = Statement::from_sql_and_values(connection.get_database_backend(), sql, values);
    let row = connection.query_one_raw(statement).await?.ok_or_else(Bearer::refused)?;
    let before = if save.save_id.is_some() {
        let content_hash: Option<String> = row.try_get("", "content_hash")?;
        let play_id: Option<i64> = row.try_get("", "saved_into")?;
        content_hash.zip(play_id).map(|(content_hash, play_id)| Before { content_hash, play_id })
    } else {
        None
    };
    let is_there = row.try_get::<Option<i64>>(PLAY, G::ID.as_str())?.is_some();
    Ok(Found {
        owner: bearer.let_in(),
        to_accept: row.try_get("", "to_accept")?,
        before,
        play: is_there.then(|| G::Model::from_query_result(&row, PLAY)).transpose()?,
    })
}
