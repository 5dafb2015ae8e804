//! Global ids: opaque to clients, the type and the row's id to us.

use std::fmt::Write;
use std::str::FromStr;

use async_graphql::ID;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use service::{Error, Missing};

/// As long as almost all are.
const LENGTH: usize = 64;

/// The id of a row of this type.
pub fn global(type_name: &str, id: impl std::fmt::Display) -> ID {
    // A page has hundreds: in one piece of memory each, which `format!` would grow into.
    let mut text = String::with_capacity(LENGTH);
    let _ = write!(text, "{type_name}:{id}");
    ID(URL_SAFE_NO_PAD.encode(text))
}

/// The type and the row's id of a global id, if it is one.
pub fn parse<T: FromStr>(id: &ID) -> Option<(String, T)> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(id.as_str()).ok()?).ok()?;
    let (type_name, id) = text.split_once(':')?;
    Some((type_name.to_owned(), id.parse().ok()?))
}

/// The row's id of a global id of this type; of another one there is no such thing.
pub fn row<T: FromStr>(id: &ID, type_name: &str, what: Missing) -> Result<T, Error> {
    parse(id).filter(|(name, _)| name == type_name).map(|(_, id)| id).ok_or(Error::NotFound(what))
}
