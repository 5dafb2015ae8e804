//! The schema, one step a file, applied in order; the same steps on SQLite and on PostgreSQL. Never imports the entities: a step
//! stays what it was when they change.
//!
//! The release before goes on running beside a new step ("expand, then contract": docs/OPERATIONS.md): a step adds what is new, and what is no
//! longer used goes one release later. A column that is added may be missing, or has a default; large indexes are built by hand before.
//!
//! To add a step: a file `mNNNN_what.rs` with `up` and `down`, and a line in [`Migrator`]. Every foreign key names what happens on
//! delete and has an index; `tests/it/catalogue.rs` asks the databases.

#![allow(missing_docs, reason = "a step is described by its module")]

pub use apply::{Standing, down, standing, up};
pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::prelude::*;
pub use state::{State, state};

mod apply;
mod column;
mod m0001_people;
mod m0002_ways_in;
mod m0003_profile;
mod m0004_terms;
mod m0005_games;
mod m0006_accounts;
mod m0007_saves;
mod m0008_sealed;
mod m0009_audit_log;
mod m0010_pictures;
mod m0011_data_exports;
mod m0012_past_agreements;
mod m0013_history;
#[cfg(feature = "rehearsal")]
mod m9999_rehearsal;
mod state;

/// Every step, in order.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_people::Migration),
            Box::new(m0002_ways_in::Migration),
            Box::new(m0003_profile::Migration),
            Box::new(m0004_terms::Migration),
            Box::new(m0005_games::Migration),
            Box::new(m0006_accounts::Migration),
            Box::new(m0007_saves::Migration),
            Box::new(m0008_sealed::Migration),
            Box::new(m0009_audit_log::Migration),
            Box::new(m0010_pictures::Migration),
            Box::new(m0011_data_exports::Migration),
            Box::new(m0012_past_agreements::Migration),
            Box::new(m0013_history::Migration),
            #[cfg(feature = "rehearsal")]
            Box::new(m9999_rehearsal::Migration),
        ]
    }
}
