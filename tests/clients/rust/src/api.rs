//! What build.rs makes of the operations, and what it calls the scalars.

#![allow(warnings, clippy::all, clippy::pedantic, reason = "generated")]

pub type DateTime = chrono::DateTime<chrono::Utc>;
pub type JSON = serde_json::Value;
/// Null stands where the file of a multipart request goes.
pub type Upload = ();

include!(concat!(env!("OUT_DIR"), "/api.rs"));
