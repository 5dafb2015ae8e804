//! Saving a play: small, atomic, once, checked before anything is written.

use entity::JsonText;
use entity::game::{Game, GameKind, PlayRow};
use entity::save as record;
use message::message;
use sea_orm::sea_query::ValueType;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, EntityTrait, IdenStatic, IntoActiveModel, ModelTrait, QueryFilter,
    QueryOrder,
};
use serde_json::{Value, json};

use super::evolution::{bring_up, current_version};
use super::valid::{self, Merged};
use super::{StoredPlay, open};
use crate::error::Stored;
use crate::text::Checks;
use crate::viewer::Viewer;
use crate::{Error, Missing, Service, sealed, user};

/// The most characters of a save's id.
const SAVE_ID_LENGTH: usize = 100;

/// How JSON meets what is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SaveMode {
    /// By RFC 7396: keys given are set, null removes a key, the others stay.
    #[default]
    Merge,
    /// What was stored goes.
    Replace,
}

/// One save. What is absent stays as it is stored.
#[derive(Clone, Debug, Default)]
pub struct Save {
    /// The level reached, from 0, where the game has levels.
    pub current_level: Option<i32>,
    /// Percent, 0 to 100.
    pub completion: Option<f64>,
    /// The JSON fields, in the order of [`Game::JSON`].
    pub json: Vec<Option<Value>>,
    /// How JSON meets what is stored.
    pub mode: SaveMode,
    /// Begins a new play; otherwise the newest goes on, or the first begins.
    pub new_play: bool,
    /// The play to go on with, where it is not to be the newest whichever that is.
    pub play_id: Option<i64>,
    /// Refused when the stored play is at another revision.
    pub expected_revision: Option<i32>,
    /// Named by the client: sent again, it changes nothing and answers with the same play.
    pub save_id: Option<String>,
}

/// Saves a play of the viewer's. One transaction with the person locked: two saves at once come one after the other.
pub async fn save<G: Game>(service: &Service, viewer: &Viewer, save: Save) -> Result<G::Model, Error> {
    check::<G>(&save)?;
    let named = save.save_id.clone().map(|id| (id, service.keyed_hash.content(&content(G::KIND, &save))));
    let now = service.clock.now();
    let transaction = service.database.write().await?;
    let user_id = user::lock_writer(&transaction, viewer).await?.id;
    if let Some((save_id, content_hash)) = &named
        && let Some(record) = record::Entity::find_by_id((user_id, save_id.clone())).one(&transaction).await?
    {
        return saved_before::<G>(service, &transaction, &record, content_hash).await;
    }
    let found = if save.new_play { None } else { target::<G>(service, &transaction, user_id, &save).await? };
    let stored_version = found.as_ref().map_or(current_version(G::KIND), PlayRow::schema_version);
    if stored_version > current_version(G::KIND) {
        tracing::warn!(stored_version, "a play was written by a newer release, and this one can't save it");
        return Err(Error::Newer);
    }
    let stored = found.map(bring_up::<G>);
    expect_revision::<G>(stored.as_ref(), save.expected_revision)?;
    let texts = merged::<G>(service, stored.as_ref(), save.json, save.mode)?;

    let is_new = stored.is_none();
    // Not the current one where it could not be brought up.
    let version = stored.as_ref().map_or(current_version(G::KIND), PlayRow::schema_version);
    let revision = stored.as_ref().map_or(0, PlayRow::revision).saturating_add(1);
    let mut row = stored.map_or_else(<G::ActiveModel as ActiveModelTrait>::default, IntoActiveModel::into_active_model);
    if let (Some(column), Some(level)) = (G::LEVEL, save.current_level.or(is_new.then_some(0))) {
        row.set(column, level.into());
    }
    if let Some(completion) = save.completion.or(is_new.then_some(0.0)) {
        row.set(G::COMPLETION, completion.into());
    }
    for (column, text) in G::JSON.iter().zip(texts) {
        // What was brought up is written along, whether it was given or not.
        let brought_up = || row.get(column.column).into_value().filter(|_| stored_version < version);
        if let Some(text) = text.map(|text| JsonText::from_json(text).into()).or_else(brought_up) {
            row.set(column.column, text);
        }
    }
    row.set(G::SCHEMA_VERSION, version.into());
    row.set(G::REVISION, revision.into());
    row.set(G::DATE_UPDATED, now.into());
    let mut play = if is_new {
        row.set(G::USER_ID, user_id.into());
        row.set(G::DATE_CREATED, now.into());
        insert::<G>(service, &transaction, row).await?
    } else {
        let id = row.get(G::ID).into_value().and_then(|id| <i64 as ValueType>::try_from(id).ok()).unwrap_or_default();
        sealed::seal_columns::<G>(service, &mut row, G::SEALED, &id.to_string())?;
        row.update(&transaction).await?
    };
    open::<G>(&service.keys, &mut play)?;
    if let Some((save_id, content_hash)) = named {
        let row = record::Model { user_id, save_id, game: G::KIND as i32, play_id: play.id(), content_hash, date_created: now };
        record::Entity::insert(row.into_active_model()).exec_without_returning(&transaction).await?;
    }
    transaction.commit().await?;
    Ok(play)
}

/// Writes a new play. What is sealed to its id waits for that id: the row begins empty there.
async fn insert<G: Game>(
    service: &Service,
    transaction: &DatabaseTransaction,
    mut row: G::ActiveModel,
) -> Result<G::Model, Error> {
    let held = sealed::hold_back::<G>(&mut row, G::SEALED);
    let mut play = row.insert(transaction).await?;
    let id = play.id();
    let plain = held.values();
    sealed::put_back::<G>(service, transaction, held, G::ID.eq(id), &id.to_string()).await?;
    for (column, value) in plain {
        play.set(column, value);
    }
    Ok(play)
}

/// What a save says, the same text for the same content: the order of keys aside, and without the revision it expects, which is no
/// content. The form stays as it is: under another one, saves that are sent again after an update would be refused for 30 days.
fn content(kind: GameKind, save: &Save) -> String {
    let Save { current_level, completion, json, mode, new_play, play_id, expected_revision: _, save_id: _ } = save;
    let mode = *mode == SaveMode::Replace;
    let mut content = json!([kind as i32, current_level, completion, json, mode, new_play, play_id]);
    content.sort_all_objects();
    content.to_string()
}

/// The play that this save went into, as it is now.
async fn saved_before<G: Game>(
    service: &Service,
    transaction: &DatabaseTransaction,
    record: &record::Model,
    content_hash: &str,
) -> Result<G::Model, Error> {
    if record.content_hash != content_hash {
        return Err(Error::conflict(message!(
            "Something else was saved under this saveId before. Choose another id for each save."
        )));
    }
    let play = of_owner::<G>(record.user_id).filter(G::ID.eq(record.play_id)).one(transaction).await?;
    let mut play = play.ok_or(Error::NotFound(Missing::Play))?;
    open::<G>(&service.keys, &mut play)?;
    Ok(bring_up::<G>(play))
}

/// The play that a save goes on with, if there is one: the one that it names, or the newest.
async fn target<G: Game>(
    service: &Service,
    transaction: &DatabaseTransaction,
    user_id: i64,
    save: &Save,
) -> Result<Option<G::Model>, Error> {
    let plays = of_owner::<G>(user_id);
    let mut found = match save.play_id {
        Some(id) => Some(plays.filter(G::ID.eq(id)).one(transaction).await?.ok_or(Error::NotFound(Missing::Play))?),
        None => plays.order_by_desc(G::ID).one(transaction).await?,
    };
    // What does not open is not merged into; it may be written over by who means to.
    if let Some(play) = &mut found
        && let Err(error) = open::<G>(&service.keys, play)
    {
        for (column, given) in G::JSON
            .iter()
            .zip(&save.json)
            .filter(|(column, _)| G::SEALED.iter().any(|sealed| sealed.as_str() == column.column.as_str()))
        {
            if save.mode != SaveMode::Replace || given.is_none() {
                return Err(error);
            }
            play.set(column.column, JsonText::from_json(column.empty.to_owned()).into());
        }
    }
    Ok(found)
}

fn of_owner<G: Game>(user_id: i64) -> sea_orm::Select<G> {
    G::find().filter(G::USER_ID.eq(user_id))
}

fn expect_revision<G: Game>(stored: Option<&G::Model>, expected: Option<i32>) -> Result<(), Error> {
    let revision = stored.map_or(0, PlayRow::revision);
    if expected.is_none_or(|expected| expected == revision) {
        return Ok(());
    }
    let message = match stored {
        Some(_) => message!(
            "Another save came first: the play is at revision {revision}. Look at it (storedPlay), then save again with that revision.",
            revision
        ),
        None => message!("There is no play yet. Save again with expectedRevision 0, or without it."),
    };
    Err(Error::Conflict {
        message,
        stored: Some(Stored { revision, play: stored.map(|row| Box::new(StoredPlay::of::<G>(row))) }),
    })
}

fn check<G: Game>(save: &Save) -> Result<(), Error> {
    let mut checks = Checks::default();
    if save.current_level.is_some_and(|level| level < 0) {
        checks.problem("/currentLevel", message!("is below 0; levels count from 0."));
    }
    if save.completion.is_some_and(|completion| !(0.0..=100.0).contains(&completion)) {
        checks.problem("/completion", message!("is not a percentage, 0 to 100."));
    }
    if save.new_play && save.expected_revision.is_some_and(|revision| revision != 0) {
        checks.problem("/expectedRevision", message!("can't be other than 0 with newPlay, which builds on no earlier save."));
    }
    if save.new_play && save.play_id.is_some() {
        checks.problem("/playId", message!("can't stand with newPlay, which begins another play; leave one of them out."));
    }
    checks.optional("/saveId", save.save_id.as_ref(), SAVE_ID_LENGTH);
    for (column, value) in G::JSON.iter().zip(&save.json) {
        if let Some(value) = value {
            valid::check_given(&mut checks, &format!("/{}", column.name), column.empty, value);
        }
    }
    checks.finish()
}

/// The text of each JSON column to be written; `None` where it stays.
fn merged<G: Game>(
    service: &Service,
    stored: Option<&G::Model>,
    given: Vec<Option<Value>>,
    mode: SaveMode,
) -> Result<Vec<Option<String>>, Error> {
    let mut checks = Checks::default();
    let stored = stored.map(PlayRow::json);
    let mut given = given.into_iter();
    let mut texts = Vec::with_capacity(G::JSON.len());
    for (place, column) in G::JSON.iter().enumerate() {
        let before = stored.as_ref().and_then(|json| json.get(place)).map(|json| json.as_str());
        let Some(value) = given.next().flatten() else {
            texts.push(before.is_none().then(|| column.empty.to_owned()));
            continue;
        };
        let merged_into = before.filter(|_| mode == SaveMode::Merge);
        let stored: Value = serde_json::from_str(merged_into.unwrap_or(column.empty)).map_err(Error::internal)?;
        let mut after = stored.clone();
        match mode {
            SaveMode::Merge => merge_patch(&mut after, value),
            SaveMode::Replace => after = value,
        }
        let text = after.to_string();
        let schema = service.schemas.current(G::KIND, column.name);
        let schema = schema.ok_or_else(|| Error::internal(format!("{} has no schema", column.name)))?;
        let (pointer, before) = (format!("/{}", column.name), merged_into.map(|text| (text, stored)));
        valid::check_merged(&mut checks, schema, &Merged { kind: G::KIND, pointer, before, after: &after, text: &text });
        texts.push(Some(text));
    }
    checks.finish()?;
    Ok(texts)
}

/// JSON Merge Patch, RFC 7396.
fn merge_patch(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Value::Object(target) = target else { return };
    for (key, value) in patch {
        if value.is_null() {
            // Not `remove`, which puts the last key in its place: the others keep their order.
            target.shift_remove(&key);
        } else {
            merge_patch(target.entry(key).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{GameKind, Save, SaveMode, content, merge_patch};

    #[test]
    fn the_content_of_a_save_keeps_its_form() {
        let save = Save {
            current_level: Some(3),
            completion: Some(37.5),
            json: vec![Some(json!({ "b": 1, "a": { "d": null, "c": [2, 1] } })), None],
            mode: SaveMode::Replace,
            new_play: false,
            play_id: Some(7),
            expected_revision: Some(9),
            save_id: Some("s".to_owned()),
        };
        let text = r#"[1,3,37.5,[{"a":{"c":[2,1],"d":null},"b":1},null],true,false,7]"#;
        assert_eq!(content(GameKind::Scenario, &save), text);
        assert_eq!(content(GameKind::Speed, &Save::default()), "[4,null,null,[],false,false,null]");
    }

    /// The examples of RFC 7396, appendix A.
    #[test]
    fn merges_as_the_rfc_says() {
        let examples = [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a": "b"}), json!(["c"]), json!(["c"])),
            (json!({"a": "foo"}), json!(null), json!(null)),
            (json!({"a": "foo"}), json!("bar"), json!("bar")),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!([1, 2]), json!({"a": "b", "c": null}), json!({"a": "b"})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ];
        for (mut target, patch, result) in examples {
            let what = format!("{target} with {patch}");
            merge_patch(&mut target, patch);
            assert_eq!(target, result, "{what}");
        }
    }
}
