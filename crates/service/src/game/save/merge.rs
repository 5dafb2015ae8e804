//! How the JSON of a save meets what is stored.

use entity::game::{Game, PlayRow};
use serde_json::Value;

use super::SaveMode;
use crate::game::valid::{self, Merged};
use crate::text::Checks;
use crate::{Error, Service};

/// The text of each JSON column to be written; `None` where it stays.
pub(super) fn texts<G: Game>(
    service: &Service,
    stored: Option<&G::Model>,
    given: &[Option<Value>],
    mode: SaveMode,
) -> Result<Vec<Option<String>>, Error> {
    let mut checks = Checks::default();
    let stored = stored.map(PlayRow::json);
    let mut given = given.iter();
    let mut texts = Vec::with_capacity(G::JSON.len());
    for (place, column) in G::JSON.iter().enumerate() {
        let before = stored.as_ref().and_then(|json| json.get(place)).map(|json| json.as_str());
        let Some(value) = given.next().and_then(Option::as_ref) else {
            texts.push(before.is_none().then(|| column.empty.to_owned()));
            continue;
        };
        let merged_into = before.filter(|_| mode == SaveMode::Merge);
        let after = match mode {
            SaveMode::Merge => {
                let mut after = serde_json::from_str(merged_into.unwrap_or(column.empty)).map_err(Error::internal)?;
                merge_patch(&mut after, value);
                after
            }
            SaveMode::Replace => value.clone(),
        };
        let text = after.to_string();
        let schema = service.schemas.current(G::KIND, column.name);
        let schema = schema.ok_or_else(|| Error::internal(format!("{} has no schema", column.name)))?;
        let merged = Merged { kind: G::KIND, field: column.name, before: merged_into, after: &after, text: &text };
        valid::check_merged(&mut checks, schema, &merged);
        texts.push(Some(text));
    }
    checks.finish()?;
    Ok(texts)
}

/// JSON Merge Patch, RFC 7396.
fn merge_patch(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        target.clone_from(patch);
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Value::Object(target) = target else { return };
    for (key, value) in patch {
        if value.is_null() {
            // Not `remove`, which puts the last key in its place: the others keep their order.
            target.shift_remove(key);
        } else {
            merge_patch(target.entry(key.as_str()).or_insert(Value::Null), value);
        }
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
            merge_patch(&mut target, &patch);
            assert_eq!(target, result, "{what}");
        }
    }
}
