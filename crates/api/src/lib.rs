//! The service: GraphQL, loaders, HTTP, configuration, commands.
//!
//! A request goes `http` -> `graphql/<noun>` -> `service::<noun>` -> `entity` and back, nothing else in between.

mod assemble;
mod command;
mod copies;
mod doctor;
mod graphql;
mod health;
mod http;
mod log;
mod metrics;
#[doc(hidden)]
pub mod micro;
mod migrations;
mod print;
mod sample;
mod secrets;
mod serve;
mod settings;
mod start;
mod traces;

pub use command::run;
pub use settings::worker_threads;
