//! From one key to the next: what is sealed with an older key, or not at all, is sealed with the newest, while the service runs.

use entity::Sealed;
use sea_orm::sea_query::{Alias, Condition, Expr, ExprTrait, Func, LockType};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityName, EntityTrait, ModelTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    Value,
};

use super::key_ring::prefix;
use super::known_keys::{self, Fault};
use super::{for_each_sealed, is_json, open_columns, seal_columns, set_columns};
use crate::{Error, Service};

/// How many rows of a table use a key.
#[derive(Debug, PartialEq, Eq)]
pub struct Usage {
    /// Which table.
    pub table: String,
    /// How many rows.
    pub rows: u64,
}

/// What a key is not retired for.
#[derive(Debug, thiserror::Error)]
pub enum Kept {
    /// It is the only one, or the newest.
    #[error("The newest key stays: add another one first, and start every instance again.")]
    Newest,
    /// Rows use it.
    #[error("The key still encrypts {}: run `autrement keys rotate` first.", told(.0))]
    InUse(Vec<Usage>),
}

fn told(usage: &[Usage]) -> String {
    usage.iter().map(|Usage { table, rows }| format!("{rows} rows of {table}")).collect::<Vec<_>>().join(", ")
}

/// A column's value begins with this (or, where `begins` is false, with something else).
fn begins<E: Sealed>(column: E::Column, prefix: &str, begins: bool) -> Expr {
    let prefix = if is_json(column) { format!("\"{prefix}") } else { prefix.to_owned() };
    let length = i32::try_from(prefix.len()).unwrap_or(i32::MAX);
    let text = Expr::col((E::default(), column)).cast_as(Alias::new("text"));
    let head: Expr = Func::cust("substr").arg(text).arg(1_i32).arg(length).into();
    if begins { head.eq(prefix) } else { head.ne(prefix) }
}

fn any<E: Sealed>(condition: impl Fn(E::Column) -> Expr) -> Condition {
    // What is null is neither: the comparison is null, too.
    E::SEALED.iter().fold(Condition::any(), |all, column| all.add(condition(*column)))
}

/// Seals everything with the newest key, `batch` rows in a transaction, and tells after each batch which table and how many rows of it
/// that are. It may be interrupted and begun again, and runs beside the service: each row is locked while it is sealed anew. The
/// numbers: the rows sealed anew, and those that did not open, which are told in the log and stay.
pub async fn rotate(service: &Service, batch: u64, mut progress: impl FnMut(&str, u64)) -> Result<(u64, u64), Fault> {
    known_keys::newest_is_in_use(service).await?;
    let (mut sealed, mut left) = (0, 0);
    for_each_sealed!(Table => {
        let (more, closed) = rotate_table::<Table>(service, batch, &mut progress).await?;
        sealed += more;
        left += closed;
    });
    Ok((sealed, left))
}

async fn rotate_table<E: Sealed>(
    service: &Service,
    batch: u64,
    progress: &mut impl FnMut(&str, u64),
) -> Result<(u64, u64), Error> {
    let newest = prefix(service.keys.newest());
    let (mut sealed, mut left) = (0, 0);
    let mut last = None;
    loop {
        let mut older = E::find().filter(any::<E>(|column| begins::<E>(column, &newest, false)));
        if let Some(last) = last.take() {
            older = older.filter(E::KEY.gt::<Value>(last));
        }
        let transaction = service.database.write().await?;
        let older = older.order_by_asc(E::KEY).limit(Ord::max(batch, 1)).lock(LockType::NoKeyUpdate).all(&transaction).await?;
        let Some(end) = older.last() else { return Ok((sealed, left)) };
        last = Some(end.get(E::KEY));
        for row in older {
            match reseal::<E>(service, row) {
                Ok((key, values)) => {
                    set_columns::<E>(&values, E::SEALED).filter(E::KEY.eq(key)).exec(&transaction).await?;
                    sealed += 1;
                }
                Err(error) => {
                    tracing::error!(error = error.cause(), "a row stays as it is");
                    left += 1;
                }
            }
        }
        transaction.commit().await?;
        progress(E::default().table_name(), sealed);
        service.database.let_others_write().await;
    }
}

/// The key of a row and its sealed columns, sealed with the newest key.
fn reseal<E: Sealed>(service: &Service, mut row: E::Model) -> Result<(Value, E::ActiveModel), Error> {
    let (key, sealed_to) = (row.get(E::KEY), E::sealed_to(&row));
    open_columns::<E>(&service.keys, &mut row, E::SEALED, &sealed_to)?;
    let plain: Vec<_> = E::SEALED.iter().map(|column| (*column, row.get(*column))).collect();
    let mut values = <E::ActiveModel as ActiveModelTrait>::default();
    for (column, value) in plain.into_iter().filter(|(_, value)| !matches!(value, Value::String(None))) {
        values.set(column, value);
    }
    seal_columns::<E>(service, &mut values, E::SEALED, &sealed_to)?;
    Ok((key, values))
}

/// How many rows of each table use the key of this name.
pub async fn usage(service: &Service, id: &str) -> Result<Vec<Usage>, Error> {
    let prefix = prefix(id);
    let mut usage = Vec::new();
    for_each_sealed!(Table => {
        let rows = Table::find().filter(any::<Table>(|column| begins::<Table>(column, &prefix, true))).count(service.database.pool()).await?;
        if rows > 0 {
            usage.push(Usage { table: Table::default().table_name().to_owned(), rows });
        }
    });
    Ok(usage)
}

/// Forgets a key that nothing is sealed with any more.
pub async fn retire(service: &Service, id: &str) -> Result<Result<(), Kept>, Error> {
    if service.keys.newest() == id {
        return Ok(Err(Kept::Newest));
    }
    let usage = usage(service, id).await?;
    if !usage.is_empty() {
        return Ok(Err(Kept::InUse(usage)));
    }
    known_keys::forget(service, id).await?;
    Ok(Ok(()))
}
