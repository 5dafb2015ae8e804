//! What the micro-benchmarks (`cargo bench`) run: parts of what a request costs besides the database.

use async_graphql::{Request, Response, ScalarType, Value};
use service::entity::JsonText;

use crate::graphql::document::{self, Spent};
use crate::graphql::json::Json;
use crate::graphql::limits::Limits;
use crate::graphql::{Schema, schema};

/// The schema, with the limits as they are unless set otherwise.
pub struct Micro {
    schema: Schema,
    limits: Limits,
}

impl Default for Micro {
    fn default() -> Self {
        let limits = Limits::default();
        Self { schema: schema(&limits), limits }
    }
}

impl Micro {
    /// What is looked at in a document before the library gets it: its text, then what was parsed. Whether it is taken.
    #[must_use]
    pub fn check_size(&self, query: &str) -> bool {
        document::prepare(&mut Request::new(query), &self.limits, &mut Spent::default()).is_ok()
    }

    /// Parses and validates a document, and runs nothing: the operation that is asked for is none of it. Gives what is said then.
    pub async fn validate(&self, query: &str) -> String {
        let response = self.schema.execute(Request::new(query).operation_name("NoneOfThem")).await;
        response.errors.into_iter().map(|error| error.message).collect()
    }
}

/// A stored document on its way into an answer.
#[must_use]
pub fn pass_json(text: &str) -> Value {
    Json::from(JsonText::from_json(text.to_owned())).to_value()
}

/// The body of an answer.
#[must_use]
pub fn serialise(response: &Response) -> Vec<u8> {
    serde_json::to_vec(response).unwrap_or_default()
}
