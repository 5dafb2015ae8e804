use sea_orm::sea_query::{ArrayType, Nullable, ValueType, ValueTypeErr};
use sea_orm::{ColIdx, ColumnType, IntoActiveValue, QueryResult, TryGetError, TryGetable, Value};
use serde::Deserialize;

/// A JSON document as its text.
///
/// The column is `json` on PostgreSQL and text on SQLite. Neither is built into a tree on the way from the database to a client,
/// and what was written is what is read: the order of keys, `1.0` as `1.0` (`jsonb` would sort the keys).
///
/// PostgreSQL takes text for a `json` column only with a cast, SQLite would make a number of one. `SeaORM` casts enumerations on
/// PostgreSQL alone, so to it this type is an enumeration named `json`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct JsonText(String);

impl JsonText {
    /// Takes text that is known to be JSON: a serialiser's output, or a literal.
    #[must_use]
    pub fn from_json(text: String) -> Self {
        Self(text)
    }

    /// The document's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<JsonText> for Value {
    fn from(json: JsonText) -> Self {
        json.0.into()
    }
}

impl Nullable for JsonText {
    fn null() -> Value {
        String::null()
    }
}

impl IntoActiveValue<JsonText> for JsonText {
    fn into_active_value(self) -> sea_orm::ActiveValue<JsonText> {
        sea_orm::ActiveValue::Set(self)
    }
}

impl TryGetable for JsonText {
    fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
        String::try_get_by(row, index).map(Self)
    }
}

impl ValueType for JsonText {
    fn try_from(value: Value) -> Result<Self, ValueTypeErr> {
        <String as ValueType>::try_from(value).map(Self)
    }

    fn type_name() -> String {
        "JsonText".to_owned()
    }

    fn array_type() -> ArrayType {
        ArrayType::String
    }

    fn column_type() -> ColumnType {
        ColumnType::Enum { name: "json".into(), variants: Vec::new() }
    }
}
