//! Field encryption: personal columns are sealed before they are written and opened after they are read, here and nowhere else, so
//! that who gets hold of the database, a dump or a backup reads none of them.
//!
//! What is stored is `enc1:`, the key's name, `:`, and in base64url a random nonce of 24 bytes, the text encrypted by
//! XChaCha20-Poly1305, and its tag. The name of the key, table and column and what the row is known by are authenticated along: a value
//! that is moved elsewhere does not open. A value without that beginning is from before fields were encrypted: it is read as it
//! is, until it is written next or [`rotate`] has gone over it.
//!
//! To seal a column: list it in its entity's [`Sealed`], seal and open where its rows are written and read ([`seal`], [`open`]),
//! and name a new entity in [`for_each_sealed!`].

mod key_ring;
mod known_keys;
mod rotation;

use std::any::Any;

use entity::{JsonText, Sealed};
pub use key_ring::{KeyRing, RingKey};
pub use known_keys::{Fault, KeyState, check, check_to_write, has_known_keys, look, register};
pub use rotation::{Kept, Usage, retire, rotate, usage};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ActiveValue, ColumnTrait, ColumnType, ConnectionTrait, EntityTrait, IdenStatic, ModelTrait, QueryFilter,
    UpdateMany, Value,
};

use crate::{Error, Service};

/// What every sealed value begins with.
const PREFIX: &str = "enc1:";

/// Runs `$body` with `$entity` as each entity that has sealed columns.
macro_rules! for_each_sealed {
    ($entity:ident => $body:expr) => {{
        $crate::sealed::for_each_sealed!(@ $entity, $body, user_detail, unverified_detail, mail, ceremony, data_export, game::room_env)
    }};
    (@ $entity:ident, $body:expr, $($($module:ident)::+),*) => {{
        $({
            type $entity = entity::$($module)::+::Entity;
            $body;
        })*
    }};
}
pub(crate) use for_each_sealed;

/// Where a value belongs.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) table: &'a str,
    pub(crate) column: &'a str,
    /// What the row is known by.
    pub(crate) row: &'a str,
}

impl Place<'_> {
    /// None of the parts but the last, which ends the text, holds a NUL.
    fn associated_data(&self, key: &str) -> String {
        [PREFIX, key, self.table, self.column, self.row].join("\0")
    }
}

/// Whether this is a sealed value: one that could not be opened, where it is met outside of here.
#[must_use]
pub fn is_sealed(text: &JsonText) -> bool {
    text.as_str().strip_prefix('"').is_some_and(|text| text.starts_with(PREFIX))
}

/// Seals what is set in the sealed columns, for the row that is known by `row`.
pub(crate) fn seal<E: Sealed>(service: &Service, values: &mut E::ActiveModel, row: &str) -> Result<(), Error> {
    seal_columns::<E>(service, values, E::SEALED, row)
}

/// The same for some columns of any table.
pub(crate) fn seal_columns<E: EntityTrait>(
    service: &Service,
    values: &mut E::ActiveModel,
    columns: &[E::Column],
    row: &str,
) -> Result<(), Error> {
    for column in columns {
        if let ActiveValue::Set(Value::String(Some(plain))) = values.get(*column) {
            let place = Place { table: E::default().table_name(), column: column.as_str(), row };
            let sealed = service.keys.seal(&*service.random, place, &plain)?;
            values.set(*column, if is_json(*column) { format!("\"{sealed}\"") } else { sealed }.into());
        }
    }
    Ok(())
}

/// Opens the sealed columns of a row.
pub(crate) fn open<E: Sealed>(keys: &KeyRing, mut row: E::Model) -> Result<E::Model, Error> {
    let sealed_to = E::sealed_to(&row);
    open_columns::<E>(keys, &mut row, E::SEALED, &sealed_to)?;
    Ok(row)
}

/// The same for some columns of any table. Those that do not open stay sealed; the error tells of the first.
pub(crate) fn open_columns<E: EntityTrait>(
    keys: &KeyRing,
    values: &mut E::Model,
    columns: &[E::Column],
    row: &str,
) -> Result<(), Error> {
    let mut first = Ok(());
    for column in columns {
        match open_column::<E>(keys, values, *column, row) {
            Ok(Some(plain)) => values.set(*column, plain.into()),
            Ok(None) => {}
            Err(error) => first = first.and(Err(error)),
        }
    }
    first
}

/// What a column says in the clear; `None` where it holds nothing.
pub(crate) fn open_column<E: EntityTrait>(
    keys: &KeyRing,
    values: &E::Model,
    column: E::Column,
    row: &str,
) -> Result<Option<String>, Error> {
    let Value::String(Some(stored)) = values.get(column) else { return Ok(None) };
    let unquoted = stored.strip_prefix('"').and_then(|text| text.strip_suffix('"')).filter(|_| is_json(column));
    let place = Place { table: E::default().table_name(), column: column.as_str(), row };
    match unquoted.unwrap_or(&stored) {
        sealed if sealed.starts_with(PREFIX) => keys.open(place, sealed).map(Some),
        _ => Ok(Some(stored)),
    }
}

/// Opens the sealed columns of a row of any table, if it has such columns. What does not open is told in the log and left empty: it keeps
/// nobody from the rest.
pub(crate) fn open_any<M: ModelTrait + 'static>(keys: &KeyRing, mut row: M) -> M {
    for_each_sealed!(Table => if let Some(row) = (&mut row as &mut dyn Any).downcast_mut::<<Table as EntityTrait>::Model>() {
        let sealed_to = Table::sealed_to(row);
        for column in Table::SEALED {
            match open_column::<Table>(keys, row, *column, &sealed_to) {
                Ok(Some(plain)) => row.set(*column, plain.into()),
                Ok(None) => {}
                Err(error) => {
                    tracing::error!(error = error.cause(), "a value is left out");
                    row.set(*column, empty(*column));
                }
            }
        }
    });
    row
}

/// What a column holds that holds nothing.
fn empty(column: impl ColumnTrait) -> Value {
    match (column.def().is_null(), is_json(column)) {
        (true, _) => Value::String(None),
        (false, true) => "[]".into(),
        (false, false) => "".into(),
    }
}

/// The values of columns that wait until their row is there: they are sealed to something that it gets then, such as its id.
pub(crate) struct HeldBack<C>(Vec<(C, Value)>);

/// Takes the values of these columns out of a row that is about to be inserted, which begins empty there.
pub(crate) fn hold_back<E: EntityTrait>(values: &mut E::ActiveModel, columns: &[E::Column]) -> HeldBack<E::Column> {
    let mut held = Vec::new();
    for column in columns {
        if let ActiveValue::Set(value @ Value::String(Some(_))) = values.get(*column) {
            values.set(*column, empty(*column));
            held.push((*column, value));
        }
    }
    HeldBack(held)
}

/// Writes what was held back into the row, which is there now and known by `row`; `of_row` finds it.
pub(crate) async fn put_back<E: EntityTrait>(
    service: &Service,
    connection: &impl ConnectionTrait,
    held: HeldBack<E::Column>,
    of_row: Expr,
    row: &str,
) -> Result<(), Error> {
    let columns: Vec<_> = held.0.iter().map(|(column, _)| *column).collect();
    if columns.is_empty() {
        return Ok(());
    }
    let mut values = <E::ActiveModel as ActiveModelTrait>::default();
    for (column, value) in held.0 {
        values.set(column, value);
    }
    seal_columns::<E>(service, &mut values, &columns, row)?;
    set_columns::<E>(&values, &columns).filter(of_row).exec(connection).await?;
    Ok(())
}

/// What is held back of a row of any table: a [`HeldBack`] of that table, if it has sealed columns.
pub(crate) struct AnyHeldBack(Option<Box<dyn Any + Send>>);

/// [`hold_back`] for a row of any table, if it has sealed columns.
pub(crate) fn hold_back_any<A: ActiveModelTrait + 'static>(values: &mut A) -> AnyHeldBack {
    for_each_sealed!(Table => if let Some(values) = (values as &mut dyn Any).downcast_mut::<<Table as EntityTrait>::ActiveModel>() {
        return AnyHeldBack(Some(Box::new(hold_back::<Table>(values, Table::SEALED))));
    });
    AnyHeldBack(None)
}

/// [`put_back`] for a row of any table.
pub(crate) async fn put_back_any<M: ModelTrait + Sync + 'static>(
    service: &Service,
    connection: &impl ConnectionTrait,
    held: AnyHeldBack,
    row: &M,
) -> Result<(), Error> {
    let Some(held) = held.0 else { return Ok(()) };
    for_each_sealed!(Table => if let Some(row) = (row as &dyn Any).downcast_ref::<<Table as EntityTrait>::Model>() {
        let held = held.downcast().map_err(|_| Error::internal("what was held back is of another table"))?;
        let (of_row, sealed_to) = (Table::KEY.eq(row.get(Table::KEY)), Table::sealed_to(row));
        return put_back::<Table>(service, connection, *held, of_row, &sealed_to).await;
    });
    Ok(())
}

/// A statement that sets these columns to what the values have set.
pub(crate) fn set_columns<E: EntityTrait>(values: &E::ActiveModel, columns: &[E::Column]) -> UpdateMany<E> {
    columns.iter().fold(E::update_many(), |update, column| match values.get(*column) {
        ActiveValue::Set(value) => update.col_expr(*column, column.save_as(Expr::val(value))),
        _ => update,
    })
}

/// [`JsonText`] says that it is an enumeration: see there.
fn is_json(column: impl ColumnTrait) -> bool {
    matches!(column.def().get_column_type(), ColumnType::Enum { .. })
}
