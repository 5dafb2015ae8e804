//! `migrate`: the schema, changed or looked at.

use clap::Subcommand;
use migration::{Migrator, MigratorTrait, Standing};

use crate::assemble::connect;
use crate::command::{Result, text};
use crate::print::say;
use crate::settings::Settings;
use crate::start;

#[derive(Subcommand)]
pub(crate) enum Migrate {
    /// Apply every step that is missing
    Up,
    /// Undo steps, the last first: all of them, data included, unless told how many
    Down {
        /// How many steps
        #[arg(long)]
        steps: Option<u32>,
    },
    /// Say which steps are applied
    Status,
}

/// Applies what is missing, on a connection of its own; another instance that does the same is waited for.
pub(crate) async fn migrate_up(settings: &Settings) -> Result<()> {
    let database = connect(settings, 1).await?;
    let Standing { unknown, .. } =
        migration::up(database.pool()).await.map_err(|error| format!("The database can't be migrated: {error}"))?;
    if !unknown.is_empty() {
        tracing::warn!(steps = unknown.join(", "), "a newer release has migrated the database: this one runs beside it");
    }
    database.close().await.map_err(text)
}

/// Does what the command says, then tells how the schema stands.
pub(crate) async fn run(settings: &Settings, migrate: &Migrate) -> Result<()> {
    start::wait_for_database(settings).await?;
    let database = connect(settings, 1).await?;
    match migrate {
        Migrate::Up => migration::up(database.pool()).await.map(|_| ()).map_err(text)?,
        Migrate::Down { steps } => migration::down(database.pool(), *steps).await.map_err(text)?,
        Migrate::Status => {}
    }
    let standing = migration::standing(database.pool()).await.map_err(text)?;
    for step in Migrator::migrations() {
        let is_missing = standing.missing.iter().any(|name| name == step.name());
        say!("{} {}", step.name(), if is_missing { "Pending" } else { "Applied" });
    }
    for name in standing.unknown {
        say!("{name} Applied by a newer release");
    }
    database.close().await.map_err(text)
}
