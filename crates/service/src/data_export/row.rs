//! A row as JSON and back, by what the entity says of its columns; and the JSON Schema of a table's file.

use std::collections::HashMap;
use std::io::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat, Utc};
use sea_orm::sea_query::ColumnType;
use sea_orm::{ColumnTrait, EntityTrait, IdenStatic, Iterable, ModelTrait, Value};
use serde_json::json;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::tables::{Kept, Table};
use crate::Error;

/// What rows are written with instead of the numbers of other rows. Eight bytes a play: a million of them are 8 MB.
#[derive(Default)]
pub(super) struct Known {
    /// The name of the person's role.
    pub(super) role: String,
    /// The names of the versions of the terms.
    pub(super) terms: HashMap<i64, String>,
    /// The plays of each game (`GameKind` as a number), in the order of their ids.
    pub(super) plays: HashMap<i32, Vec<i64>>,
    /// The files of pictures, by their rows.
    pub(super) files: HashMap<i64, String>,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    Text,
    Json,
    Integer,
    Number,
    Boolean,
    Time,
    Uuid,
    Bytes,
}

impl Holds {
    fn of(column: impl ColumnTrait) -> Self {
        match column.def().get_column_type() {
            // How `JsonText` says what it is.
            ColumnType::Enum { .. } | ColumnType::Json | ColumnType::JsonBinary => Self::Json,
            ColumnType::TinyInteger | ColumnType::SmallInteger | ColumnType::Integer | ColumnType::BigInteger => Self::Integer,
            ColumnType::Float | ColumnType::Double => Self::Number,
            ColumnType::Boolean => Self::Boolean,
            ColumnType::DateTime | ColumnType::Timestamp | ColumnType::TimestampWithTimeZone => Self::Time,
            ColumnType::Uuid => Self::Uuid,
            ColumnType::Blob | ColumnType::Binary(_) | ColumnType::VarBinary(_) => Self::Bytes,
            _ => Self::Text,
        }
    }

    fn schema(self) -> serde_json::Value {
        match self {
            Self::Text => json!({ "type": "string" }),
            Self::Json => json!({ "description": "What was played or stored, as it was sent." }),
            Self::Integer => json!({ "type": "integer" }),
            Self::Number => json!({ "type": "number" }),
            Self::Boolean => json!({ "type": "boolean" }),
            Self::Time => json!({ "type": "string", "format": "date-time", "description": "RFC 3339, UTC." }),
            Self::Uuid => json!({ "type": "string", "format": "uuid" }),
            Self::Bytes => json!({ "type": "string", "contentEncoding": "base64" }),
        }
    }
}

/// The JSON Schema (2020-12) of a table's file.
pub(super) fn schema<E: EntityTrait>(table: &Table<E>) -> serde_json::Value {
    let (mut properties, mut withheld) = (serde_json::Map::new(), serde_json::Map::new());
    for column in E::Column::iter() {
        let name = column.as_str();
        let kept = table.kept(name);
        if let Some(reason) = kept.and_then(Kept::reason) {
            withheld.insert(name.to_owned(), reason.into());
            continue;
        }
        let mut schema = match kept {
            None => Holds::of(column).schema(),
            Some(Kept::Number(_)) => {
                json!({ "type": "integer", "minimum": 1, "description": "Which play of this game, the first is 1." })
            }
            Some(Kept::Play) => json!({
                "type": ["integer", "null"],
                "minimum": 1,
                "description": "Which play of that game; null where it is deleted.",
            }),
            Some(Kept::File) => json!({ "type": ["string", "null"], "description": "The file in this archive that has it." }),
            Some(_) => json!({ "type": "string" }),
        };
        if column.def().is_null()
            && let Some(of_type) = schema.get_mut("type")
        {
            *of_type = json!([of_type.take(), "null"]);
        }
        properties.insert(kept.and_then(Kept::name).unwrap_or(name).to_owned(), schema);
    }
    let required: Vec<_> = properties.keys().cloned().collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": table.name(),
        "type": "array",
        "items": { "type": "object", "properties": properties, "required": required, "additionalProperties": false },
        "x-withheld": withheld,
    })
}

/// Writes a row as a JSON object.
pub(super) fn write<E: EntityTrait>(table: &Table<E>, row: &E::Model, known: &mut Known, out: &mut Vec<u8>) -> Result<(), Error> {
    let mut before = b'{';
    for column in E::Column::iter() {
        let name = column.as_str();
        let kept = table.kept(name);
        if kept.is_some_and(|kept| kept.name().is_none()) {
            continue;
        }
        out.push(before);
        before = b',';
        text(out, kept.and_then(Kept::name).unwrap_or(name))?;
        out.push(b':');
        match kept {
            None => value(out, Holds::of(column), row.get(column))?,
            Some(kept) => {
                serde_json::to_writer(&mut *out, &stands_for::<E>(kept, row, column, known)).map_err(Error::internal)?;
            }
        }
    }
    if before == b'{' {
        out.push(b'{');
    }
    out.push(b'}');
    Ok(())
}

/// What is written instead of a number of the database, or of bytes.
fn stands_for<E: EntityTrait>(kept: Kept, row: &E::Model, column: E::Column, known: &mut Known) -> serde_json::Value {
    let number = |name: &str| {
        let column = E::Column::iter().find(|column| column.as_str() == name);
        column.map_or(0, |column| integer(&row.get(column)))
    };
    match kept {
        Kept::Role => known.role.clone().into(),
        Kept::Terms => known.terms.get(&integer(&row.get(column))).cloned().into(),
        Kept::Number(kind) => {
            let plays = known.plays.entry(kind as i32).or_default();
            plays.push(integer(&row.get(column)));
            plays.len().into()
        }
        Kept::Play => {
            let game = i32::try_from(number("game")).unwrap_or_default();
            let plays = known.plays.get(&game).map(Vec::as_slice).unwrap_or_default();
            plays.binary_search(&integer(&row.get(column))).ok().map(|at| at + 1).into()
        }
        Kept::File => known.files.get(&number("id")).cloned().into(),
        Kept::Row | Kept::Person | Kept::Details | Kept::Withheld(_) | Kept::IndexOf(_) => serde_json::Value::Null,
    }
}

/// A number of whatever size; 0 where there is none.
pub(super) fn integer(value: &Value) -> i64 {
    match value {
        Value::BigInt(Some(number)) => *number,
        Value::Int(Some(number)) => i64::from(*number),
        _ => 0,
    }
}

fn text(out: &mut Vec<u8>, text: &str) -> Result<(), Error> {
    serde_json::to_writer(out, text).map_err(Error::internal)
}

fn value(out: &mut Vec<u8>, holds: Holds, value: Value) -> Result<(), Error> {
    match value {
        // Byte for byte. What is not JSON, which only somebody at the database itself can have written, is told as text.
        Value::String(Some(json)) if holds == Holds::Json && serde_json::from_str::<&RawValue>(&json).is_ok() => {
            out.extend_from_slice(json.as_bytes());
            Ok(())
        }
        Value::String(Some(string)) => text(out, &string),
        Value::BigInt(Some(number)) => write!(out, "{number}").map_err(Error::internal),
        Value::Int(Some(number)) => write!(out, "{number}").map_err(Error::internal),
        Value::SmallInt(Some(number)) => write!(out, "{number}").map_err(Error::internal),
        Value::Bool(Some(is)) => write!(out, "{is}").map_err(Error::internal),
        Value::Double(Some(number)) => serde_json::to_writer(out, &number).map_err(Error::internal),
        Value::ChronoDateTimeUtc(Some(time)) => text(out, &time.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
        Value::Uuid(Some(uuid)) => text(out, &uuid.to_string()),
        Value::Bytes(Some(bytes)) => text(out, &STANDARD.encode(bytes)),
        Value::BigInt(None)
        | Value::Int(None)
        | Value::SmallInt(None)
        | Value::Bool(None)
        | Value::Double(None)
        | Value::String(None)
        | Value::ChronoDateTimeUtc(None)
        | Value::Uuid(None)
        | Value::Bytes(None) => {
            out.extend_from_slice(b"null");
            Ok(())
        }
        other => Err(Error::internal(format!("an export can't write a value of this type yet: {:?}", other.type_name_of()))),
    }
}

/// Names a type without its value.
trait TypeName {
    fn type_name_of(&self) -> String;
}

impl TypeName for Value {
    fn type_name_of(&self) -> String {
        format!("{:?}", std::mem::discriminant(self))
    }
}

/// What stands in a column that may not be missing where an archive does not tell.
pub(super) fn empty(column: impl ColumnTrait) -> Value {
    match Holds::of(column) {
        Holds::Boolean => false.into(),
        Holds::Integer if matches!(column.def().get_column_type(), ColumnType::BigInteger) => 0_i64.into(),
        Holds::Integer => 0_i32.into(),
        _ => String::new().into(),
    }
}

fn of<'a, T: serde::Deserialize<'a>>(json: &'a str) -> Result<Option<T>, String> {
    serde_json::from_str(json).map_err(|error| format!("is not what it should be: {error}"))
}

/// What a column is to hold, of what stands in an archive; what is wrong with it where that can't be.
pub(super) fn read(column: impl ColumnTrait, raw: &RawValue) -> Result<Value, String> {
    let holds = Holds::of(column);
    let json = raw.get();
    let is_null = json == "null" && (holds != Holds::Json || column.def().is_null());
    if is_null && !column.def().is_null() {
        return Err("is missing".to_owned());
    }
    Ok(match holds {
        Holds::Json => Value::String((!is_null).then(|| json.to_owned())),
        Holds::Text => {
            let text: Option<String> = of(json)?;
            if text.as_ref().is_some_and(|text| text.contains('\0')) {
                return Err("holds a NUL character (U+0000), which can't be stored".to_owned());
            }
            Value::String(text)
        }
        Holds::Integer if matches!(column.def().get_column_type(), ColumnType::BigInteger) => Value::BigInt(of(json)?),
        Holds::Integer => Value::Int(of(json)?),
        Holds::Number => Value::Double(of(json)?),
        Holds::Boolean => Value::Bool(of(json)?),
        Holds::Time => {
            let text: Option<String> = of(json)?;
            let time = text.map(|text| DateTime::parse_from_rfc3339(&text).map(|time| time.with_timezone(&Utc))).transpose();
            Value::ChronoDateTimeUtc(time.map_err(|_| "is no time (RFC 3339)".to_owned())?)
        }
        Holds::Uuid => Value::Uuid(of::<Uuid>(json)?),
        Holds::Bytes => {
            let text: Option<String> = of(json)?;
            Value::Bytes(text.map(|text| STANDARD.decode(text)).transpose().map_err(|_| "is no base64".to_owned())?)
        }
    })
}
