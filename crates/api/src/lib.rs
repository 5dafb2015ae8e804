//! The service: GraphQL, loaders, HTTP, configuration, commands.
//!
//! A request goes `http` -> `graphql/<noun>` -> `service::<noun>` -> `entity` and back, nothing else in between.

mod command;
mod copies;
mod graphql;
mod health;
mod http;
#[doc(hidden)]
pub mod micro;
mod migrations;
mod sample;
mod secrets;
mod settings;

pub use command::run;
pub use settings::worker_threads;
