//! Where a table's ids go on: after the last one that was ever given, which need not be there any more. Ids are never reused.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, EntityTrait, PrimaryKeyTrait, Statement};

/// The target's next id of this table is the one that the source would have given.
pub(super) async fn carry<E: EntityTrait>(source: &DatabaseTransaction, target: &DatabaseTransaction) -> Result<(), DbErr> {
    if !E::PrimaryKey::auto_increment() {
        return Ok(());
    }
    let table = E::default().table_name();
    let last = last(source, table).await?;
    if last > 0 { set_last(target, table, last).await } else { Ok(()) }
}

/// The last id that was given; 0 where none was.
async fn last(source: &DatabaseTransaction, table: &str) -> Result<i64, DbErr> {
    let backend = source.get_database_backend();
    let sql = match backend {
        DbBackend::Postgres => "SELECT pg_sequence_last_value(pg_get_serial_sequence($1, 'id')) AS last",
        _ => "SELECT seq AS last FROM sqlite_sequence WHERE name = $1",
    };
    let row = source.query_one_raw(Statement::from_sql_and_values(backend, sql, [table.into()])).await?;
    Ok(row.map(|row| row.try_get::<Option<i64>>("", "last")).transpose()?.flatten().unwrap_or_default())
}

async fn set_last(target: &DatabaseTransaction, table: &str, last: i64) -> Result<(), DbErr> {
    let backend = target.get_database_backend();
    let run = async |sql| target.execute_raw(Statement::from_sql_and_values(backend, sql, [table.into(), last.into()])).await;
    if backend == DbBackend::Postgres {
        run("SELECT setval(pg_get_serial_sequence($1, 'id'), $2)").await?;
    } else {
        run("DELETE FROM sqlite_sequence WHERE name = $1 AND seq <= $2").await?;
        run("INSERT INTO sqlite_sequence (name, seq) VALUES ($1, $2)").await?;
    }
    Ok(())
}
