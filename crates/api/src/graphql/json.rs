//! JSON within GraphQL.

use async_graphql::{InputValueError, InputValueResult, Name, Scalar, ScalarType, Value};
use async_graphql_value::RAW_VALUE_TOKEN;
use bytes::Bytes;
use service::Error;
use service::entity::JsonText;
use service::sealed::is_sealed;

use super::error::Result;

/// A JSON document.
#[derive(Clone)]
pub struct Json(Document);

#[derive(Clone)]
enum Document {
    /// As it is stored, on its way out without being built.
    Text(JsonText),
    Value(serde_json::Value),
}

impl Json {
    /// The document as a tree.
    pub fn into_value(self) -> serde_json::Value {
        match self.0 {
            Document::Value(value) => value,
            Document::Text(text) => serde_json::from_str(text.as_str()).unwrap_or_default(),
        }
    }
}

impl From<JsonText> for Json {
    fn from(text: JsonText) -> Self {
        Self(Document::Text(text))
    }
}

impl From<serde_json::Value> for Json {
    fn from(value: serde_json::Value) -> Self {
        Self(Document::Value(value))
    }
}

/// A JSON document: an object, an array, a string, a number, true, false or null. What is given back is what was sent: texts, the
/// order of keys, and numbers (integers of 64 bits, and doubles below 2^63, written the shortest way: `1e2` comes back as `100.0`).
///
/// In a save: at most 64 KiB a field, merged with what is stored; at most 500 keys in an object of one save; nested 16 deep at most; texts of
/// at most 10,000 characters, keys of at most 200. No key stands twice in an object. The JSON Schema of each field is in
/// `gameCatalogue`.
#[Scalar(name = "JSON", specified_by_url = "https://datatracker.ietf.org/doc/html/rfc8259")]
impl ScalarType for Json {
    fn parse(value: Value) -> InputValueResult<Self> {
        if holds(&value, &|value| matches!(value, Value::Binary(_))) {
            return Err(InputValueError::custom("JSON holds a file; a file goes where an Upload is taken."));
        }
        if holds(&value, &|value| matches!(value, Value::Object(members) if members.contains_key(RAW_VALUE_TOKEN))) {
            return Err(InputValueError::custom("JSON holds a key that this service uses itself; name it otherwise."));
        }
        value.into_json().map(Self::from).map_err(|_| InputValueError::custom("The value is not JSON."))
    }

    fn to_value(&self) -> Value {
        // Bytes are written into the answer as they are: see `http/body.rs`.
        Value::Binary(match &self.0 {
            Document::Text(text) => Bytes::copy_from_slice(text.as_str().as_bytes()),
            Document::Value(value) => value.to_string().into(),
        })
    }
}

/// The document within an error, which a serialiser writes.
pub fn within_error(text: &JsonText) -> Value {
    Value::Object([(Name::new(RAW_VALUE_TOKEN), Value::from(text.as_str()))].into_iter().collect())
}

/// Whether such a value stands anywhere: a file, or the key by which text is passed through, which would come back as something else
/// than it was.
fn holds(value: &Value, such: &dyn Fn(&Value) -> bool) -> bool {
    such(value)
        || match value {
            Value::Object(members) => members.values().any(|value| holds(value, such)),
            Value::List(items) => items.iter().any(|value| holds(value, such)),
            _ => false,
        }
}

/// A stored document, if it opens.
pub fn opened(text: &JsonText) -> Result<Json> {
    if is_sealed(text) {
        // What does not open was told when it was read.
        return Err(Error::internal("a play that did not open").into());
    }
    Ok(text.clone().into())
}
