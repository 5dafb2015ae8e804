//! Global ids: opaque to clients, the type and the row's id to us.

use async_graphql::ID;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The id of a row of this type.
pub fn global(type_name: &str, id: impl std::fmt::Display) -> ID {
    ID(URL_SAFE_NO_PAD.encode(format!("{type_name}:{id}")))
}

/// The type and the row's id of a global id, if it is one.
pub fn parse(id: &ID) -> Option<(String, i64)> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(id.as_str()).ok()?).ok()?;
    let (type_name, id) = text.split_once(':')?;
    Some((type_name.to_owned(), id.parse().ok()?))
}
