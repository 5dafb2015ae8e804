//! What a JSON field may hold: limits on what a save brings, then the schema and the rules that a schema can't say on what it comes to.

use entity::game::GameKind;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{JsonType, ValidationError, Validator};
use serde_json::Value;

use crate::text::Checks;

/// The most bytes of a JSON field, as it is stored.
pub const JSON_BYTES: usize = 64 * 1024;
/// The deepest that arrays and objects of a JSON field are nested.
pub const JSON_DEPTH: usize = 16;
/// The most keys that a save brings for a JSON field, at all its levels together.
pub const JSON_KEYS: usize = 500;
/// The most characters of a text within a JSON field.
pub const TEXT_LENGTH: usize = 10_000;
/// The most characters of a key within a JSON field.
pub const KEY_LENGTH: usize = 200;
/// Numbers of this size and more are not kept: integers would come back as others than they were.
const NUMBER_BOUND: f64 = 18_446_744_073_709_551_616.0;

/// Checks what a save brings for the field at `pointer`, before anything is read or merged.
pub(super) fn check_given(checks: &mut Checks, pointer: &str, empty: &str, value: &Value) {
    let (is_right, kind) = if empty == "{}" { (value.is_object(), "an object") } else { (value.is_array(), "an array") };
    if !is_right {
        return checks.problem(pointer, format!("is not {kind}; send one, such as {empty}."));
    }
    let depth = depth(value);
    if depth > JSON_DEPTH {
        return checks.problem(pointer, format!("is nested {depth} deep; at most {JSON_DEPTH} are kept. Keep it flatter."));
    }
    let keys = keys(value);
    if keys > JSON_KEYS {
        return checks
            .problem(pointer, format!("has {keys} keys; a save brings {JSON_KEYS} at most. Send the others by a further save."));
    }
    check_parts(checks, pointer, value);
}

/// How deep arrays and objects are nested in each other. What can be sent is bounded, so the stack is.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or_default(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

fn keys(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(keys).sum(),
        Value::Object(members) => members.len() + members.values().map(keys).sum::<usize>(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// The pointer (RFC 6901) of a member or an item.
fn within(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

fn check_parts(checks: &mut Checks, pointer: &str, value: &Value) {
    match value {
        Value::String(text) => check_text(checks, pointer, text, TEXT_LENGTH, "characters"),
        Value::Number(number) => {
            if number.as_f64().is_some_and(|number| number.abs() >= NUMBER_BOUND) && !number.is_u64() {
                checks.problem(
                    pointer,
                    "is a number beyond 64 bits, which would come back as another; send a smaller one, or a text.",
                );
            }
        }
        Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                check_parts(checks, &format!("{pointer}/{place}"), item);
            }
        }
        Value::Object(members) => {
            for (key, value) in members {
                let pointer = within(pointer, key);
                check_text(checks, &pointer, key, KEY_LENGTH, "characters in its key");
                check_parts(checks, &pointer, value);
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

fn check_text(checks: &mut Checks, pointer: &str, text: &str, limit: usize, what: &str) {
    if text.contains('\0') {
        checks.problem(pointer, "holds a NUL character (U+0000), which can't be stored.");
    } else if text.len() > limit {
        let length = text.chars().count();
        if length > limit {
            checks.problem(pointer, format!("has {length} {what}; at most {limit} are kept."));
        }
    }
}

/// Checks what a field comes to, once merged: `text` is what would be stored of `value`.
pub(super) fn check_merged(checks: &mut Checks, kind: GameKind, pointer: &str, schema: &Validator, value: &Value, text: &str) {
    if text.len() > JSON_BYTES {
        let length = text.len();
        return checks.problem(
            pointer,
            format!("comes to {length} bytes with what is stored; at most {JSON_BYTES} are kept. Leave out what is not needed, or begin a new play."),
        );
    }
    if schema.is_valid(value) {
        return check_rules(checks, kind, pointer, value);
    }
    for fault in schema.iter_errors(value) {
        explain(checks, pointer, &fault);
    }
}

/// A fault in our words: the limit and the way out, never the value itself, which may be long.
fn explain(checks: &mut Checks, pointer: &str, fault: &ValidationError<'_>) {
    use ValidationErrorKind as Kind;
    let at = format!("{pointer}{}", fault.instance_path().as_str());
    let message = match fault.kind() {
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            for name in unexpected {
                checks.problem(within(&at, name), "is not a key that stands here; gameCatalogue has the JSON Schema.");
            }
            return;
        }
        Kind::PropertyNames { error } => {
            let name = error.instance().as_str().unwrap_or_default();
            let message = match error.kind() {
                Kind::MinLength { .. } => "has an empty key; name it.".to_owned(),
                Kind::MaxLength { limit } => format!("has a key of more than {limit} characters; name it shorter."),
                _ => "has a key that can't stand here; gameCatalogue has the JSON Schema.".to_owned(),
            };
            return checks.problem(within(&at, name), message);
        }
        Kind::Type { kind: TypeKind::Single(kind) } => format!("is not {}.", noun(*kind)),
        Kind::Type { kind: TypeKind::Multiple(kinds) } => {
            format!("is not {}.", kinds.iter().map(noun).collect::<Vec<_>>().join(" or "))
        }
        Kind::Minimum { limit } => format!("is below {limit}, the least there can be."),
        Kind::Maximum { limit } => format!("is above {limit}, the most there can be."),
        Kind::MinLength { limit } => format!("has fewer than {limit} characters."),
        Kind::MaxLength { limit } => format!("has more than {limit} characters, the most that are kept."),
        Kind::MaxItems { limit } => format!("has more than {limit} items, the most that are kept."),
        Kind::Enum { options } => format!("is not one of {options}."),
        Kind::Required { property } => format!("lacks {property}."),
        _ => "is not what the JSON Schema of gameCatalogue says.".to_owned(),
    };
    checks.problem(at, message);
}

fn noun(kind: JsonType) -> &'static str {
    match kind {
        JsonType::Array => "an array",
        JsonType::Boolean => "true or false",
        JsonType::Integer => "a whole number",
        JsonType::Null => "null",
        JsonType::Number => "a number",
        JsonType::Object => "an object",
        JsonType::String => "a text",
    }
}

/// What a schema can't say: a skill or an ability stands once.
fn check_rules(checks: &mut Checks, kind: GameKind, pointer: &str, value: &Value) {
    let way_out = match kind {
        GameKind::Skills => "give null where it stood",
        GameKind::Abilities => "send the list that it stood in as well, without it",
        _ => return,
    };
    let mut stands = std::collections::HashMap::new();
    for (standing, label) in standings(value) {
        if let Some(other) = stands.insert(label, standing) {
            checks.problem(
                pointer,
                format!("has “{label}” under {other} and under {standing}; it can stand once. To move it, {way_out}."),
            );
        }
    }
}

/// The labels of skills or abilities, each with where it stands.
pub(super) fn standings(value: &Value) -> impl Iterator<Item = (&str, &str)> {
    let buckets = value.as_object().into_iter().flatten();
    buckets.flat_map(|(standing, bucket)| {
        let keys = bucket.as_object().into_iter().flat_map(|members| members.keys().map(String::as_str));
        let items = bucket.as_array().into_iter().flatten().filter_map(Value::as_str);
        keys.chain(items).map(move |label| (standing.as_str(), label))
    })
}
