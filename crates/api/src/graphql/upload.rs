//! Files, as they come with a request of several parts.

use async_graphql::{InputValueResult, Name, Scalar, ScalarType, Value};
use bytes::Bytes;
use service::Error;
use service::user_picture::File;

use super::error::Result;

/// A file, sent by a GraphQL multipart request. Not the library's own: that one ends the request's task where a client writes down what
/// stands for a file.
pub struct Upload(Option<File>);

const NAME: &str = "name";
const MEDIA_TYPE: &str = "mediaType";
const CONTENT: &str = "content";

/// The value of a variable that is a file. No JSON can say this: bytes are no part of it.
pub fn value(name: String, media_type: Option<String>, content: Bytes) -> Value {
    let members = [
        (NAME, Value::String(name)),
        (MEDIA_TYPE, media_type.map_or(Value::Null, Value::String)),
        (CONTENT, Value::Binary(content)),
    ];
    Value::Object(members.into_iter().map(|(name, value)| (Name::new(name), value)).collect())
}

/// A file. Send it by a GraphQL multipart request: `multipart/form-data` with the parts `operations`, `map` and the file, and a header
/// `GraphQL-Require-Preflight`. 5 MiB at most.
#[Scalar(specified_by_url = "https://github.com/jaydenseric/graphql-multipart-request-spec")]
impl ScalarType for Upload {
    /// Anything else is taken for a file that is missing: the resolver says so in words that help.
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::Object(mut members) = value else { return Ok(Self(None)) };
        let mut take = |name: &str| members.swap_remove(name);
        let file = match (take(NAME), take(MEDIA_TYPE), take(CONTENT)) {
            (Some(Value::String(name)), media_type, Some(Value::Binary(bytes))) => {
                let media_type = if let Some(Value::String(media_type)) = media_type { Some(media_type) } else { None };
                Some(File { name, media_type, bytes })
            }
            _ => None,
        };
        Ok(Self(file))
    }

    fn to_value(&self) -> Value {
        Value::Null
    }
}

impl Upload {
    /// The file, if one came for the argument at `pointer`.
    pub fn file(self, pointer: &str) -> Result<File> {
        let missing = || {
            let message = "is no file. Send it by multipart/form-data, as the GraphQL multipart request specification says, with null in \
                its place in operations.";
            Error::invalid(pointer, message)
        };
        Ok(self.0.ok_or_else(missing)?)
    }
}
