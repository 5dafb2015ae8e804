//! What the micro-benchmarks (`cargo bench`) run: parts of what a request costs besides the database.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Request, Response, ScalarType, ValidationMode, Value};
use axum::http::StatusCode;
use service::entity::JsonText;

use crate::graphql::document::{self, KnownDocuments, Spent};
use crate::graphql::json::Json;
use crate::graphql::limits::Limits;
use crate::graphql::{Schema, schema};
use crate::http::body;
use crate::metrics::{Metrics, OK, RootFields};

/// The schema, with the limits as they are unless set otherwise.
pub struct Micro {
    schema: Schema,
    limits: Limits,
    known: KnownDocuments,
}

impl Default for Micro {
    fn default() -> Self {
        let limits = Limits::default();
        Self { schema: schema(&limits, ValidationMode::Strict, &RootFields::default()), limits, known: KnownDocuments::new() }
    }
}

impl Micro {
    /// What is looked at in a document before the library gets it: its text, then what was parsed. Whether it is taken.
    #[must_use]
    pub fn check_size(&self, query: &str) -> bool {
        self.prepare(query, &KnownDocuments::new())
    }

    /// The same for a document that ran before.
    #[must_use]
    pub fn check_known(&self, query: &str) -> bool {
        self.prepare(query, &self.known)
    }

    /// Keeps a document, as if it had run.
    pub fn keep(&self, query: &str) {
        let prepared = document::prepare(&mut Request::new(query), &self.limits, &mut Spent::default(), &self.known);
        if let Ok(document::Prepared { known: Some(known), .. }) = prepared {
            self.known.keep(&known);
        }
    }

    fn prepare(&self, query: &str, known: &KnownDocuments) -> bool {
        document::prepare(&mut Request::new(query), &self.limits, &mut Spent::default(), known).is_ok()
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
    body::write(response).unwrap_or_default()
}

/// What requests are counted by.
pub struct Counts {
    metrics: Arc<Metrics>,
    rules: service::metrics::Metrics,
}

impl Default for Counts {
    fn default() -> Self {
        let rules = service::metrics::Metrics::default();
        Self { metrics: Arc::new(Metrics::new(&rules)), rules }
    }
}

impl Counts {
    /// Everything that is counted of a request that asks for one field by one statement.
    pub fn one(&self) {
        let under_way = self.metrics.begin("/graphql");
        let took = Duration::from_micros(400);
        self.rules.statement("WITH asked AS (SELECT 1) SELECT 1", took, false);
        self.metrics.fields.observe("me", took);
        self.metrics.operations.ended(Some("Home"), took, OK, true);
        under_way.answered(StatusCode::OK);
    }
}
