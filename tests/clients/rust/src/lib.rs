//! A client that is generated from `schema.graphql` and `docs/operations`, and a journey with it.

pub mod api;
mod client;
mod journey;

pub use client::{ApiError, Client, Error, Extensions, Problem};
pub use journey::journey;
