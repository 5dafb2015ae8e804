//! Files, as they come with a request of several parts.

use async_graphql::{InputValueResult, Scalar, ScalarType, Value};
use bytes::Bytes;
use message::message;
use service::Error;
use service::user_picture::File;

use super::error::Result;
use super::request::Request;

/// A file, sent by a GraphQL multipart request. Not the library's own: that one ends the request's task where a client writes down what
/// stands for a file.
pub struct Upload(bool);

/// What stands for the file among the variables, which themselves hold nothing of it: wherever a client puts it, it costs nothing. No
/// JSON can say this: bytes are no part of it.
pub fn placeholder() -> Value {
    Value::Binary(Bytes::from_static(b"file"))
}

/// A file. Send it by a GraphQL multipart request: `multipart/form-data` with the parts `operations`, `map` and the file, and a header
/// `GraphQL-Require-Preflight`. 5 MiB at most.
#[Scalar(specified_by_url = "https://github.com/jaydenseric/graphql-multipart-request-spec")]
impl ScalarType for Upload {
    /// Anything else is taken for a file that is missing: the resolver says so in words that help.
    fn parse(value: Value) -> InputValueResult<Self> {
        Ok(Self(matches!(value, Value::Binary(_))))
    }

    fn to_value(&self) -> Value {
        Value::Null
    }
}

impl Upload {
    /// The file, if one came for the argument at `pointer`.
    pub fn file(&self, request: &Request, pointer: &str) -> Result<File> {
        let missing = || {
            let told = message!(
                "is no file. Send it by multipart/form-data, as the GraphQL multipart request specification says, with null in its \
                 place in operations."
            );
            Error::invalid(pointer, told)
        };
        Ok(request.file().filter(|_| self.0).cloned().ok_or_else(missing)?)
    }
}
