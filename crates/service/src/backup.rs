//! A backup of an SQLite database, taken while others read and write it.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use sea_orm::{ConnectOptions, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement};

use crate::database::Database;

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// It would take the place of another.
    #[error("{0} is there already: give the backup another name.")]
    Exists(String),
    /// SQLite takes names as text.
    #[error("The name of the backup is not UTF-8.")]
    Name,
    /// The file could not be written.
    #[error("The backup can't be written: {0}")]
    File(#[from] io::Error),
    /// What was written does not hold together.
    #[error("The backup is not sound ({0}) and was removed: check the disk, then the database itself.")]
    Unsound(String),
    /// The database did not do it.
    #[error("The database can't be backed up: {0}")]
    Database(#[from] DbErr),
}

/// Writes the database as it is at one moment into `file`, for its owner alone: whole and on the disk, or not at all. Nobody waits
/// for it.
pub async fn backup(database: &Database, file: &Path) -> Result<(), BackupError> {
    if file.exists() {
        return Err(BackupError::Exists(file.display().to_string()));
    }
    // Under another name until it is whole. Nobody else makes that one.
    let draft = file.with_added_extension("new");
    let name = draft.to_str().ok_or(BackupError::Name)?.to_owned();
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(BackupError::Exists(name)),
        opened => opened?,
    };
    let written = write(database, &name, &draft).await;
    let done = match written {
        Ok(()) => std::fs::rename(&draft, file).and_then(|()| File::open(folder(file))?.sync_all()).map_err(BackupError::from),
        Err(error) => Err(error),
    };
    if done.is_err() {
        let _ = std::fs::remove_file(&draft);
    }
    done
}

fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

async fn write(database: &Database, name: &str, draft: &Path) -> Result<(), BackupError> {
    let pool = database.pool();
    // Takes an empty file, and leaves its mode.
    pool.execute_raw(Statement::from_sql_and_values(DbBackend::Sqlite, "VACUUM INTO $1", [name.into()])).await?;
    let copy = reader(draft).await?;
    let row = copy.query_one_raw(Statement::from_string(DbBackend::Sqlite, "PRAGMA quick_check(1)")).await?;
    let found: Option<String> = row.map(|row| row.try_get_by_index(0)).transpose()?;
    copy.close().await?;
    match found.as_deref() {
        Some("ok") => Ok(File::open(draft)?.sync_all()?),
        told => Err(BackupError::Unsound(told.unwrap_or("no answer").to_owned())),
    }
}

/// Reads a file that nobody writes, and changes nothing beside it.
async fn reader(file: &Path) -> Result<DatabaseConnection, DbErr> {
    let file = file.to_owned();
    let mut options = ConnectOptions::new("sqlite::memory:");
    options.max_connections(1).map_sqlx_sqlite_opts(move |options| {
        options.in_memory(false).shared_cache(false).filename(&file).read_only(true).immutable(true)
    });
    sea_orm::Database::connect(options).await
}
