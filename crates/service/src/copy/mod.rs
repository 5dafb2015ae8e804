//! A whole database copied into another, on any of the two engines: how one that began on SQLite moves to PostgreSQL.
//!
//! Rows are copied as they are: what is sealed stays sealed, under the same keys, and every id stays. Nobody writes to the old database
//! meanwhile; the new one gets everything or nothing. Before that is committed, all of it is read again and compared.

mod sequence;
mod sum;
mod tables;

use std::collections::BTreeSet;

use futures_util::TryStreamExt;
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, EntityName, EntityTrait, IntoActiveModel, Iterable,
    ModelTrait, PrimaryKeyToColumn, QueryOrder, Statement,
};

use self::sum::Sum;
use self::tables::{SEEDED, for_each_table};
use crate::database::Database;

/// Why nothing was copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// Rows are there already.
    #[error("The target has rows in {0} already: copy into a new, empty database, so that nobody's rows are mixed.")]
    NotEmpty(&'static str),
    /// One that this list does not have.
    #[error("The source has a table {0}, which this release does not know: nothing was copied, since its rows would be lost.")]
    UnknownTable(String),
    /// The target can't hold every text.
    #[error("The target is in the encoding {0}: make a database with ENCODING 'UTF8'; nothing was copied.")]
    Encoding(String),
    /// What was read is not what was written.
    #[error("{table} is not the same after copying ({read} rows read, {written} written): nothing was copied.")]
    Differs {
        /// The table.
        table: &'static str,
        /// Rows of the source.
        read: u64,
        /// Rows of the target.
        written: u64,
    },
    /// A database did not do it.
    #[error("A database refused it: {0}")]
    Database(#[from] DbErr),
}

/// Copies every table, and tells of each once it is written: its name and how many rows it has. Both databases are migrated by this
/// release.
pub async fn copy(from: &Database, to: &Database, mut progress: impl FnMut(&'static str, u64)) -> Result<u64, CopyError> {
    let (source, target) = (from.hold().await?, to.write_now().await?);
    for held in [&source, &target] {
        take_time(held).await?;
    }
    keep_still(&source).await?;
    keeps_every_text(&target).await?;
    know_every_table(&source).await?;
    make_room(&target).await?;
    let mut read = Vec::new();
    for_each_table!(E, rows => {
        let sum = copy_table::<E>(&source, &target, rows).await?;
        sequence::carry::<E>(&source, &target).await?;
        progress(E::default().table_name(), sum.rows());
        read.push(sum);
    });
    let mut sums = read.iter();
    for_each_table!(E, _rows => {
        let (read, written) = (sums.next().copied().unwrap_or_default(), sum_of::<E>(&target).await?);
        if read != written {
            let (table, read, written) = (E::default().table_name(), read.rows(), written.rows());
            return Err(CopyError::Differs { table, read, written });
        }
    });
    target.commit().await?;
    // Until here nobody else wrote.
    drop(source);
    Ok(read.iter().map(|sum| sum.rows()).sum())
}

/// However long a table takes to read, or to be written while the other one waits.
async fn take_time(transaction: &DatabaseTransaction) -> Result<(), DbErr> {
    if transaction.get_database_backend() == DbBackend::Postgres {
        for setting in ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"] {
            transaction.execute_unprepared(&format!("SET LOCAL {setting} = 0")).await?;
        }
    }
    Ok(())
}

/// Nobody writes to the source until this ends. On SQLite nobody does as it is. Before anything is read: what is read is as it was then.
async fn keep_still(source: &DatabaseTransaction) -> Result<(), DbErr> {
    if source.get_database_backend() == DbBackend::Postgres {
        let mut tables = Vec::new();
        for_each_table!(E, _rows => tables.push(E::default().table_name()));
        source.execute_unprepared(&format!("LOCK TABLE {} IN SHARE MODE", tables.join(", "))).await?;
    }
    Ok(())
}

/// In another encoding some texts could not be written, or would not be what they were.
async fn keeps_every_text(target: &DatabaseTransaction) -> Result<(), CopyError> {
    if target.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let statement = Statement::from_string(DbBackend::Postgres, "SELECT current_setting('server_encoding')");
    let encoding: Option<String> = target.query_one_raw(statement).await?.map(|row| row.try_get_by_index(0)).transpose()?;
    match encoding {
        Some(encoding) if encoding != "UTF8" => Err(CopyError::Encoding(encoding)),
        _ => Ok(()),
    }
}

/// A table that is forgotten in the list would be lost in silence.
async fn know_every_table(source: &DatabaseTransaction) -> Result<(), CopyError> {
    let mut known = BTreeSet::from(["seaql_migrations"]);
    for_each_table!(E, _rows => known.insert(E::default().table_name()));
    let sql = match source.get_database_backend() {
        DbBackend::Postgres => {
            "SELECT tablename::text AS name FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename"
        }
        _ => "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
    };
    for row in source.query_all_raw(Statement::from_string(source.get_database_backend(), sql)).await? {
        let name: String = row.try_get("", "name")?;
        if !known.contains(name.as_str()) {
            return Err(CopyError::UnknownTable(name));
        }
    }
    Ok(())
}

/// The target holds what migrating puts there, and no more; that goes, since the source brings its own.
async fn make_room(target: &DatabaseTransaction) -> Result<(), CopyError> {
    for_each_table!(E, _rows => {
        let name = E::default().table_name();
        if !SEEDED.contains(&name) && E::find().one(target).await?.is_some() {
            return Err(CopyError::NotEmpty(name));
        }
    });
    for_each_table!(E, _rows => {
        if SEEDED.contains(&E::default().table_name()) {
            E::delete_many().exec(target).await?;
        }
    });
    Ok(())
}

/// Copies a table, so many rows at a time.
async fn copy_table<E>(source: &DatabaseTransaction, target: &DatabaseTransaction, rows: usize) -> Result<Sum, DbErr>
where
    E: EntityTrait<Model: ModelTrait<Entity = E> + IntoActiveModel<E::ActiveModel>>,
    E::ActiveModel: ActiveModelTrait<Entity = E>,
{
    let (mut sum, mut batch) = (Sum::default(), Vec::with_capacity(rows));
    let mut all = in_order::<E>().stream(source).await?;
    while let Some(row) = all.try_next().await? {
        sum.add(&row);
        batch.push(row.into_active_model());
        if batch.len() == rows {
            E::insert_many(batch.drain(..)).exec_without_returning(target).await?;
        }
    }
    if !batch.is_empty() {
        E::insert_many(batch).exec_without_returning(target).await?;
    }
    Ok(sum)
}

async fn sum_of<E>(target: &DatabaseTransaction) -> Result<Sum, DbErr>
where
    E: EntityTrait<Model: ModelTrait<Entity = E>>,
{
    let mut sum = Sum::default();
    let mut all = in_order::<E>().stream(target).await?;
    while let Some(row) = all.try_next().await? {
        sum.add(&row);
    }
    Ok(sum)
}

/// By the primary key's first column, as the rows most likely lie.
fn in_order<E: EntityTrait>() -> sea_orm::Select<E> {
    E::PrimaryKey::iter().take(1).fold(E::find(), |select, key| select.order_by_asc(key.into_column()))
}
