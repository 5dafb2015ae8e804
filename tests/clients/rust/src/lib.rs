//! A client that is generated from `schema.graphql` and `docs/operations`, and a journey with it.

mod client;
mod journey;

pub use client::{ApiError, Client, Error, Extensions, Problem};
pub use journey::journey;

/// What build.rs makes of the operations, and what it calls the scalars.
#[allow(warnings, clippy::all, clippy::pedantic, missing_docs, reason = "generated")]
pub mod api {
    pub type DateTime = chrono::DateTime<chrono::Utc>;
    pub type JSON = serde_json::Value;
    /// Null stands where the file of a multipart request goes.
    pub type Upload = ();

    include!(concat!(env!("OUT_DIR"), "/api.rs"));
}
