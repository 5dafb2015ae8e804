//! What a save finds when it comes, in one statement.

use entity::game::{Game, PlayRow};
use sea_orm::{FromQueryResult, IdenStatic, Iterable};

use super::Save;
use crate::Error;
use crate::together::{Run, Sql};
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

/// Looks for it. `None`: they are not let in.
pub(super) async fn find<G: Game>(run: Run<'_>, bearer: &Bearer, save: &Save) -> Result<Option<Found<G>>, Error> {
    let found = look::<G>(run, bearer, save, save.play_id).await?;
    match found.as_ref().and_then(|found| found.before.as_ref().zip(found.play.as_ref())) {
        // A play was begun since.
        Some((before, play)) if play.id() != before.play_id => look::<G>(run, bearer, save, Some(before.play_id)).await,
        _ => Ok(found),
    }
}

async fn look<G: Game>(run: Run<'_>, bearer: &Bearer, save: &Save, play_id: Option<i64>) -> Result<Option<Found<G>>, Error> {
    let backend = run.backend();
    let mut sql = Sql::default();
    let [user_id, session, token] = bearer.values().map(|value| sql.bind(backend, value));
    let mut select = format!("SELECT {} AS to_accept", *TO_ACCEPT);
    for column in G::Column::iter() {
        let name = column.as_str();
        let is_json = G::JSON.iter().any(|json| json.column.as_str() == name);
        let (cast, end) = if is_json { ("CAST(", " AS text)") } else { ("", "") };
        select.extend([", ", cast, "plays.", name, end, " AS ", PLAY, name]);
    }
    let mut from = " FROM users".to_owned();
    if let Some(save_id) = &save.save_id {
        let save_id = sql.bind(backend, save_id.as_str());
        select.push_str(", saves.content_hash, saves.play_id AS saved_into");
        from.extend([" LEFT JOIN saves ON saves.user_id = ", &user_id, " AND saves.save_id = ", &save_id]);
    }
    let plays = G::default();
    from.extend([" LEFT JOIN (SELECT * FROM ", plays.table_name(), " WHERE user_id = ", &user_id]);
    if let Some(play_id) = play_id {
        from.extend([" AND id = ", &sql.bind(backend, play_id)]);
    }
    from.push_str(" ORDER BY id DESC LIMIT 1) AS plays ON TRUE WHERE ");
    let is_let_in = Bearer::is_let_in([&user_id, &session, &token]);
    sql.select(backend, &[&select, &from, &is_let_in]);

    let Some(row) = run.row(sql).await? else { return Ok(None) };
    let before = if save.save_id.is_some() {
        let content_hash: Option<String> = row.try_get("", "content_hash")?;
        let play_id: Option<i64> = row.try_get("", "saved_into")?;
        content_hash.zip(play_id).map(|(content_hash, play_id)| Before { content_hash, play_id })
    } else {
        None
    };
    let is_there = row.try_get::<Option<i64>>(PLAY, G::ID.as_str())?.is_some();
    Ok(Some(Found {
        owner: bearer.let_in(),
        to_accept: row.try_get("", "to_accept")?,
        before,
        play: is_there.then(|| G::Model::from_query_result(&row, PLAY)).transpose()?,
    }))
}
