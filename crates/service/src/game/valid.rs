//! What a JSON field may hold: limits on what a save brings, then the schema and the rules that a schema can't say on what it comes to.

use std::cell::LazyCell;
use std::collections::{HashMap, HashSet};
use std::fmt;

use entity::game::GameKind;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{JsonType, ValidationError, Validator};
use message::{Message, message};
use serde_json::Value;

use crate::Problem;
use crate::text::Checks;

/// The most bytes of a JSON field, as it is stored.
pub const JSON_BYTES: usize = 64 * 1024;
/// The deepest that arrays and objects of a JSON field are nested.
pub const JSON_DEPTH: usize = 16;
/// The most keys of an object that a save brings. What it is merged into may come to more, up to its size.
pub const JSON_KEYS: usize = 500;
/// The most characters of a text within a JSON field.
pub const TEXT_LENGTH: usize = 10_000;
/// The most characters of a key within a JSON field.
pub const KEY_LENGTH: usize = 200;
/// 2^63: numbers of this size and more that are no 64-bit integer are not kept, since integers among them would come back as others.
const NUMBER_BOUND: f64 = 9_223_372_036_854_775_808.0;

/// Checks what a save brings for the field at `pointer`, before anything is read or merged.
pub(super) fn check_given(checks: &mut Checks, pointer: &str, empty: &str, value: &Value) {
    if empty == "{}" && !value.is_object() {
        return checks.problem(pointer, message!("is not an object; send one, such as {example}.", example = empty));
    }
    if empty == "[]" && !value.is_array() {
        return checks.problem(pointer, message!("is not an array; send one, such as {example}.", example = empty));
    }
    let depth = depth(value);
    if depth > JSON_DEPTH {
        return checks.problem(
            pointer,
            message!("is nested {depth} deep; at most {limit} are kept. Keep it flatter.", depth, limit = JSON_DEPTH),
        );
    }
    let told = checks.count();
    check_parts(checks, &Path::Field(pointer), value);
    let length = value.to_string().len();
    // A text that is too long was told by its own place.
    if checks.count() == told && length > JSON_BYTES {
        let told =
            message!("has {length} bytes; at most {limit} are kept. Leave out what is not needed.", length, limit = JSON_BYTES);
        checks.problem(pointer, told);
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

/// Where a part of a field stands; written out only where there is a fault.
enum Path<'a> {
    Field(&'a str),
    Key(&'a Self, &'a str),
    Item(&'a Self, usize),
}

/// As a JSON Pointer (RFC 6901).
impl fmt::Display for Path<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(pointer) => formatter.write_str(pointer),
            Self::Key(within, key) => write!(formatter, "{within}/{}", key.replace('~', "~0").replace('/', "~1")),
            Self::Item(within, place) => write!(formatter, "{within}/{place}"),
        }
    }
}

fn check_parts(checks: &mut Checks, path: &Path<'_>, value: &Value) {
    match value {
        Value::String(text) => check_text(checks, path, text),
        Value::Number(number) => {
            let is_integer = number.is_i64() || number.is_u64();
            if !is_integer && number.as_f64().is_none_or(|number| number.abs() >= NUMBER_BOUND) {
                checks.problem(path.to_string(), message!("is a number beyond 64 bits; send a smaller one, or a text."));
            }
        }
        Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                check_parts(checks, &Path::Item(path, place), item);
            }
        }
        Value::Object(members) => {
            let keys = members.len();
            if keys > JSON_KEYS {
                let problem = message!(
                    "has {keys} keys; a save brings {limit} at most. Send the others by a further save.",
                    keys,
                    limit = JSON_KEYS
                );
                return checks.problem(path.to_string(), problem);
            }
            for (key, value) in members {
                let length = if key.len() > KEY_LENGTH { key.chars().count() } else { 0 };
                if length > KEY_LENGTH {
                    // At the object: a pointer would repeat the key.
                    let told =
                        message!("has a key of {length} characters; at most {limit} are kept.", length, limit = KEY_LENGTH);
                    checks.problem(path.to_string(), told);
                    continue;
                }
                let path = Path::Key(path, key);
                if key.contains('\0') {
                    checks.problem(path.to_string(), message!("holds a NUL character (U+0000), which can't be stored."));
                }
                check_parts(checks, &path, value);
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

fn check_text(checks: &mut Checks, path: &Path<'_>, text: &str) {
    if text.contains('\0') {
        checks.problem(path.to_string(), message!("holds a NUL character (U+0000), which can't be stored."));
    } else if text.len() > TEXT_LENGTH {
        let length = text.chars().count();
        if length > TEXT_LENGTH {
            let told = message!("has {length} characters; at most {limit} are kept.", length, limit = TEXT_LENGTH);
            checks.problem(path.to_string(), told);
        }
    }
}

/// A JSON field, before a save and after it.
pub(super) struct Merged<'a> {
    /// Which game's.
    pub kind: GameKind,
    /// Its name.
    pub field: &'a str,
    /// The text of what it was, where it is merged into. It is JSON.
    pub before: Option<&'a str>,
    /// What it comes to.
    pub after: &'a Value,
    /// The same as it would be stored.
    pub text: &'a str,
}

/// Checks what a field comes to. A save answers for what it brings: a fault that was stored before there was a check, and that the save
/// leaves as it is, keeps no answer out.
pub(super) fn check_merged(checks: &mut Checks, schema: &Validator, merged: &Merged<'_>) {
    let Merged { kind, field, before, after, text } = merged;
    let pointer = &*format!("/{field}");
    let stored_bytes = before.map_or(0, str::len);
    if text.len() > JSON_BYTES.max(stored_bytes) {
        let length = text.len();
        return checks.problem(
            pointer,
            message!(
                "comes to {length} bytes with what is stored; at most {limit} are kept. Leave out what is not needed, or begin a new play.",
                length,
                limit = JSON_BYTES
            ),
        );
    }
    let mut problems = Vec::new();
    // Seldom needed.
    let before = LazyCell::new(|| before.and_then(|text| serde_json::from_str::<Value>(text).ok()));
    if !schema.is_valid(after) {
        let faults = |value| {
            let mut faults = Vec::new();
            schema.iter_errors(value).for_each(|fault| explain(&mut faults, pointer, &fault));
            faults
        };
        let stored: HashSet<Problem> = before.iter().flat_map(faults).collect();
        let was_there = |problem: &Problem| {
            let at = problem.pointer.strip_prefix(pointer).unwrap_or_default();
            let unchanged = before.as_ref().is_some_and(|before| before.pointer(at) == after.pointer(at));
            stored.contains(problem) && (unchanged || at.is_empty())
        };
        problems.extend(faults(after).into_iter().filter(|problem| !was_there(problem)));
    }
    if problems.is_empty() && matches!(kind, GameKind::Skills | GameKind::Abilities) {
        check_labels(&mut problems, pointer, before.as_ref(), after);
    }
    for problem in problems {
        checks.problem(problem.pointer, problem.message);
    }
}

/// A fault in our words: the limit and the way out, never the value itself, which may be long.
fn explain(problems: &mut Vec<Problem>, pointer: &str, fault: &ValidationError<'_>) {
    use ValidationErrorKind as Kind;
    let at = format!("{pointer}{}", fault.instance_path().as_str());
    let message = match fault.kind() {
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            for name in unexpected {
                let at = Path::Key(&Path::Field(&at), name).to_string();
                problems.push(Problem::new(at, message!("is not a key that stands here; gameCatalogue has the JSON Schema.")));
            }
            return;
        }
        Kind::PropertyNames { error } => {
            let name = error.instance().as_str().unwrap_or_default();
            let message = match error.kind() {
                Kind::MinLength { .. } => message!("has an empty key; name it."),
                Kind::MaxLength { limit } => message!("has a key of more than {limit} characters; name it shorter.", limit),
                _ => message!("has a key that can't stand here; gameCatalogue has the JSON Schema."),
            };
            return problems.push(Problem::new(Path::Key(&Path::Field(&at), name).to_string(), message));
        }
        Kind::Type { kind: TypeKind::Single(kind) } => is_not(*kind),
        // Where there are several, one is null.
        Kind::Type { kind: TypeKind::Multiple(kinds) } => {
            is_not(kinds.iter().find(|kind| *kind != JsonType::Null).unwrap_or(JsonType::Null))
        }
        Kind::Minimum { limit } => message!("is below {limit}, the least there can be.", limit),
        Kind::Maximum { limit } => message!("is above {limit}, the most there can be.", limit),
        Kind::MinLength { limit } => message!("has fewer than {limit} characters.", limit),
        Kind::MaxLength { limit } => message!("has more than {limit} characters, the most that are kept.", limit),
        Kind::MaxItems { limit } => message!("has more than {limit} items, the most that are kept.", limit),
        Kind::Enum { options } => message!("is not one of {options}.", options),
        Kind::Required { property } => message!("lacks {property}.", property),
        _ => message!("is not what the JSON Schema of gameCatalogue says."),
    };
    problems.push(Problem::new(at, message));
}

fn is_not(kind: JsonType) -> Message {
    match kind {
        JsonType::Array => message!("is not an array."),
        JsonType::Boolean => message!("is not true or false."),
        JsonType::Integer => message!("is not a whole number."),
        JsonType::Null => message!("is not null."),
        JsonType::Number => message!("is not a number."),
        JsonType::Object => message!("is not an object."),
        JsonType::String => message!("is not a text."),
    }
}

/// What a schema can't say: a skill or an ability stands once. One that stood as often before is nobody's fault now.
fn check_labels(problems: &mut Vec<Problem>, pointer: &str, before: Option<&Value>, after: &Value) {
    let by_label = |value| {
        let mut places = HashMap::<_, Vec<_>>::new();
        standings(value).for_each(|(standing, label)| places.entry(label).or_default().push(standing));
        places
    };
    let (before, mut after_by_label) = (before.map(by_label).unwrap_or_default(), by_label(after));
    for (_, label) in standings(after) {
        // Each label once, in the order they stand.
        let Some(places) = after_by_label.remove(label) else { continue };
        let stood = before.get(label).map_or(1, Vec::len);
        match places[..] {
            [first, second, ..] if places.len() > stood => problems.push(Problem::new(
                pointer,
                if first == second {
                    message!("has “{label}” twice under {first}; give it once.", label, first)
                } else {
                    message!(
                        "has “{label}” under {first} and under {second}; it can stand once. To move it, take it out where it stood by \
                         the same save: null for its key, or the list without it.",
                        label,
                        first,
                        second
                    )
                },
            )),
            _ => {}
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
