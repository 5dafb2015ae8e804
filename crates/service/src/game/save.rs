//! Saving a play: small, atomic, checked before anything is written.

use entity::JsonText;
use entity::game::{Game, JsonColumn, PlayRow};
use sea_orm::{ActiveModelTrait, ColumnTrait, IntoActiveModel, QueryFilter, QueryOrder};
use serde_json::Value;

use crate::text::Checks;
use crate::viewer::Viewer;
use crate::{Error, Service, user};

/// The version that JSON is written in.
const SCHEMA_VERSION: i32 = 1;
/// The most bytes of a JSON field.
const JSON_BYTES: usize = 64 * 1024;

/// The deepest that arrays and objects of a JSON field are nested.
const JSON_DEPTH: usize = 16;

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
    /// Refused when the stored play is at another revision.
    pub expected_revision: Option<i32>,
}

/// Saves a play of the viewer's. One transaction with the person locked: two saves at once come one after the other.
pub async fn save<G: Game>(service: &Service, viewer: &Viewer, save: Save) -> Result<G::Model, Error> {
    check::<G>(&save)?;
    let now = service.clock.now();
    let transaction = service.database.write().await?;
    let user_id = user::lock(&transaction, viewer.owner()).await?.id;
    let newest = G::find().filter(G::USER_ID.eq(user_id)).order_by_desc(G::ID).one(&transaction).await?;
    let stored = newest.filter(|_| !save.new_play);
    let stored_revision = stored.as_ref().map_or(0, PlayRow::revision);
    if save.expected_revision.is_some_and(|expected| expected != stored_revision) {
        return Err(Error::Conflict {
            message: format!(
                "Another save came first: the play is at revision {stored_revision}. Read it, then save again with that revision."
            ),
            stored_revision: Some(stored_revision),
        });
    }
    let json = merged::<G>(stored.as_ref(), save.json, save.mode)?;
    let is_new = stored.is_none();
    let mut row = stored.map_or_else(<G::ActiveModel as ActiveModelTrait>::default, IntoActiveModel::into_active_model);
    if let (Some(column), Some(level)) = (G::LEVEL, save.current_level.or(is_new.then_some(0))) {
        row.set(column, level.into());
    }
    if let Some(completion) = save.completion.or(is_new.then_some(0.0)) {
        row.set(G::COMPLETION, completion.into());
    }
    for (column, text) in G::JSON.iter().zip(json) {
        if let Some(text) = text {
            row.set(column.column, JsonText::from_json(text).into());
        }
    }
    row.set(G::SCHEMA_VERSION, SCHEMA_VERSION.into());
    row.set(G::REVISION, (stored_revision + 1).into());
    row.set(G::DATE_UPDATED, now.into());
    let play = if is_new {
        row.set(G::USER_ID, user_id.into());
        row.set(G::DATE_CREATED, now.into());
        row.insert(&transaction).await?
    } else {
        row.update(&transaction).await?
    };
    transaction.commit().await?;
    Ok(play)
}

fn check<G: Game>(save: &Save) -> Result<(), Error> {
    let mut checks = Checks::default();
    if save.current_level.is_some_and(|level| level < 0) {
        checks.problem("/currentLevel", "is below 0; levels count from 0.");
    }
    if save.completion.is_some_and(|completion| !(0.0..=100.0).contains(&completion)) {
        checks.problem("/completion", "is not a percentage, 0 to 100.");
    }
    if save.new_play && save.expected_revision.is_some_and(|revision| revision != 0) {
        checks.problem("/expectedRevision", "can't be other than 0 with newPlay, which builds on no earlier save.");
    }
    for (column, value) in G::JSON.iter().zip(&save.json) {
        let Some(value) = value else { continue };
        let (is_right, kind) =
            if column.empty == "{}" { (value.is_object(), "an object") } else { (value.is_array(), "an array") };
        if !is_right {
            checks.problem(format!("/{}", column.name), format!("is not {kind}; send one, such as {}.", column.empty));
        } else if depth(value) > JSON_DEPTH {
            checks.problem(format!("/{}", column.name), format!("is nested deeper than {JSON_DEPTH}; keep it flatter."));
        } else if holds_nul(value) {
            checks.problem(format!("/{}", column.name), "holds a NUL character (U+0000), which can't be stored.");
        }
    }
    checks.finish()
}

/// The text of each JSON column to be written; `None` where it stays.
fn merged<G: Game>(stored: Option<&G::Model>, given: Vec<Option<Value>>, mode: SaveMode) -> Result<Vec<Option<String>>, Error> {
    let mut checks = Checks::default();
    let stored = stored.map(PlayRow::json);
    let mut given = given.into_iter();
    let mut texts = Vec::with_capacity(G::JSON.len());
    for (place, JsonColumn { name, empty, .. }) in G::JSON.iter().enumerate() {
        let before = stored.as_ref().and_then(|json| json.get(place)).map(|json| json.as_str());
        let text = match (given.next().flatten(), before) {
            (None, Some(_)) => None,
            (None, None) => Some((*empty).to_owned()),
            (Some(value), _) if mode == SaveMode::Replace => Some(value.to_string()),
            (Some(patch), before) => {
                let mut target = serde_json::from_str(before.unwrap_or(empty)).map_err(Error::internal)?;
                merge_patch(&mut target, patch);
                Some(target.to_string())
            }
        };
        if let Some(length) = text.as_ref().map(String::len).filter(|length| *length > JSON_BYTES) {
            checks.problem(
                format!("/{name}"),
                format!("comes to {length} bytes with what is stored; at most {JSON_BYTES} are kept. Leave out what is not needed, or begin a new play."),
            );
        }
        texts.push(text);
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

/// How deep arrays and objects are nested in each other. What can be sent is bounded, so the stack is.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or_default(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(holds_nul),
        Value::Object(members) => members.iter().any(|(key, value)| key.contains('\0') || holds_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::merge_patch;

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
