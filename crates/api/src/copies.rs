//! `backup` and `copy-database`: the database, once more.

use std::path::Path;

use clap::Args;
use service::diagnosis::sqlite_file;

use crate::assemble::connect;
use crate::command::{Result, text};
use crate::print::say;
use crate::settings::{Settings, database_url};

/// What `copy-database` is told.
#[derive(Args)]
pub(crate) struct CopyDatabase {
    /// The database that is there: sqlite://… or postgres://…
    #[arg(long)]
    from: String,
    /// The one that gets everything: new and empty
    #[arg(long)]
    to: String,
}

/// Not by clap, which would print what was given, password included.
fn url(argument: &str, text: &str) -> Result<String> {
    database_url(text).ok_or_else(|| format!("{argument} is not a URL of sqlite:// (of a file) or postgres://"))
}

/// Writes a backup of an SQLite database.
pub(crate) async fn backup(settings: &Settings, file: &Path) -> Result<()> {
    if !settings.is_sqlite() {
        return Err("The database is PostgreSQL: back it up with pg_dump --format=custom, as docs/OPERATIONS.md says.".to_owned());
    }
    has_file(settings)?;
    let database = connect(settings, 1).await?;
    service::backup::backup(&database, file).await.map_err(text)?;
    say!(
        "The backup is in {}. What is encrypted in it opens only with the keys: keep secrets.toml too, elsewhere.",
        file.display()
    );
    database.close().await.map_err(text)
}

/// Copies a database into an empty one.
pub(crate) async fn copy_database(settings: Settings, CopyDatabase { from, to }: CopyDatabase) -> Result<()> {
    let from = Settings { database_url: url("--from", &from)?, ..settings.clone() };
    let to = Settings { database_url: url("--to", &to)?, ..settings };
    if from.database_url == to.database_url {
        return Err("--from and --to are the same database.".to_owned());
    }
    has_file(&from)?;
    let source = connect(&from, 1).await?;
    let standing = migration::standing(source.pool()).await.map_err(text)?;
    if standing != migration::Standing::default() {
        return Err(format!(
            "{} is not at the schema of this release: run `autrement migrate up` on it with the release that is to serve it.",
            from.database_name()
        ));
    }
    let target = connect(&to, 1).await?;
    migration::up(target.pool()).await.map_err(|error| format!("{} can't be migrated: {error}", to.database_name()))?;
    let rows = service::copy::copy(&source, &target, |table, rows| say!("{table}: {rows} rows")).await.map_err(text)?;
    say!(
        "Copied {rows} rows and compared them: both databases hold the same. Start the service on the new one, with the same keys."
    );
    source.close().await.map_err(text)?;
    target.close().await.map_err(text)
}

/// Otherwise connecting would make an empty one.
fn has_file(settings: &Settings) -> Result<()> {
    match sqlite_file(&settings.database_url) {
        Some(file) if !file.exists() => Err(format!("There is no database {}.", file.display())),
        _ => Ok(()),
    }
}
