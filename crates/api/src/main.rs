//! The service: GraphQL, loaders, HTTP, configuration, commands.
//!
//! A request goes `http` -> `graphql/<noun>` -> `service::<noun>` -> `entity` and back, nothing else in between.

mod command;
mod graphql;
mod http;
mod secrets;
mod settings;

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match command::run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
