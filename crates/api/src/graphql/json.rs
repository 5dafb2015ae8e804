//! JSON within GraphQL.

use async_graphql::{InputValueError, InputValueResult, Name, Scalar, ScalarType, Value};
use async_graphql_value::RAW_VALUE_TOKEN;
use service::entity::JsonText;

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
        if is_raw(&value) {
            return Err(InputValueError::custom("JSON holds a key that this service uses itself; name it otherwise."));
        }
        value.into_json().map(Self::from).map_err(|_| InputValueError::custom("The value is not JSON."))
    }

    fn to_value(&self) -> Value {
        match &self.0 {
            Document::Text(text) => {
                Value::Object([(Name::new(RAW_VALUE_TOKEN), Value::from(text.as_str()))].into_iter().collect())
            }
            Document::Value(value) => Value::from_json(value.clone()).unwrap_or_default(),
        }
    }
}

/// Whether the key by which text is passed through stands anywhere: it would come back as something else than it was.
fn is_raw(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.iter().any(|(key, value)| key == RAW_VALUE_TOKEN || is_raw(value)),
        Value::List(items) => items.iter().any(is_raw),
        _ => false,
    }
}
