//! Which keys fields may be sealed with: each has its proof in the database, so that a key that is missing or another one is told at
//! the start, and not by the first name that does not open.

use entity::encryption_key::{ActiveModel, Column, Entity, Model};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, QueryOrder, Statement};

use super::{Place, rotation};
use crate::database::Database;
use crate::{Error, Service, user_detail};

const PROVED: &str = "autrement";

/// What is wrong with the keys that are set.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Fields are sealed with a key that is not set.
    #[error(
        "The encryption key {0} is missing: personal fields are encrypted with it, or were. Put it back into ENCRYPTION_KEYS, or \
         secrets.toml from a backup; `autrement keys retire` takes a key out once nothing is encrypted with it."
    )]
    Missing(String),
    /// Fields are sealed with another key of that name.
    #[error(
        "The encryption key {0} is not the one that personal fields are encrypted with: put that one back, from a backup perhaps, \
         and give a new key a name of its own."
    )]
    Other(String),
    /// Addresses are found by another key.
    #[error(
        "EMAIL_INDEX_KEY (email_index_key of secrets.toml) is not the key that addresses are found by: nobody could sign in by theirs, and it could be \
         taken once more. Put that one back, from a backup perhaps."
    )]
    Index,
    /// No instance has started with the newest key yet.
    #[error(
        "No instance has started with the encryption key {0} yet: start every instance again first, since one that does not have \
         it could not read what is encrypted with it."
    )]
    Unknown(String),
    /// The database did not answer.
    #[error("The encryption keys can't be checked: {}", .0.cause())]
    Unchecked(#[from] Error),
}

fn place(id: &str) -> Place<'_> {
    Place { table: "encryption_keys", column: "proof", row: id }
}

/// What there is to say of a key that fields may be sealed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It is the one that is set.
    Good,
    /// It is not set: what is sealed with it, if anything is, can't be read here.
    Missing,
    /// Another key is set under its name.
    Other,
}

/// Whether anything may be sealed in this database; not where it has no tables yet.
pub async fn has_known_keys(database: &Database) -> Result<bool, Error> {
    let has_table = match database.backend() {
        DbBackend::Postgres => "SELECT 1 WHERE to_regclass('encryption_keys') IS NOT NULL",
        _ => "SELECT 1 FROM sqlite_master WHERE name = 'encryption_keys'",
    };
    let has_table = Statement::from_string(database.backend(), has_table);
    let has_table = database.pool().query_one_raw(has_table).await?.is_some();
    Ok(has_table && Entity::find().one(database.pool()).await?.is_some())
}

/// Looks at each key that fields may be sealed with, and changes nothing.
pub async fn look(service: &Service) -> Result<Vec<(String, KeyState)>, Error> {
    let known = Entity::find().order_by_asc(Column::DateCreated).all(service.database.pool()).await?;
    let state = |Model { id, proof, .. }: &Model| {
        if !service.keys.ids().any(|key| key == id) {
            KeyState::Missing
        } else if service.keys.open(place(id), proof).is_ok_and(|text| text == PROVED) {
            KeyState::Good
        } else {
            KeyState::Other
        }
    };
    Ok(known.iter().map(|key| (key.id.clone(), state(key))).collect())
}

/// That each key that fields may be sealed with is there, and is the right one; gives those.
pub async fn check(service: &Service) -> Result<Vec<Model>, Fault> {
    let mut known = Entity::find().order_by_asc(Column::DateCreated).all(service.database.pool()).await.map_err(Error::from)?;
    for Model { id, proof, .. } in &known {
        if !service.keys.ids().any(|key| key == id) {
            // It may be out of the ring once nothing is sealed with it, whether it was retired or not.
            if !rotation::usage(service, id).await?.is_empty() {
                return Err(Fault::Missing(id.clone()));
            }
            forget(service, id).await?;
            continue;
        }
        if !service.keys.open(place(id), proof).is_ok_and(|text| text == PROVED) {
            return Err(Fault::Other(id.clone()));
        }
    }
    known.retain(|key| service.keys.ids().any(|id| id == key.id));
    if user_detail::is_found_by_index_key(service).await? { Ok(known) } else { Err(Fault::Index) }
}

/// The same, for a command that writes beside the service: it seals with no key that no instance has. The first of all may be one.
pub async fn check_to_write(service: &Service) -> Result<(), Fault> {
    if check(service).await?.is_empty() { register(service).await } else { newest_is_in_use(service).await }
}

/// The same, for an instance that starts: from now on fields may be sealed with its keys.
pub async fn register(service: &Service) -> Result<(), Fault> {
    let known = check(service).await?;
    let mut is_new = false;
    for id in service.keys.ids().filter(|id| known.iter().all(|key| key.id != *id)) {
        let proof = service.keys.seal_with(id, &*service.random, place(id), PROVED)?;
        let row = ActiveModel { id: Set(id.to_owned()), proof: Set(proof), date_created: Set(service.clock.now()) };
        let once = OnConflict::column(Column::Id).do_nothing().to_owned();
        let insert = Entity::insert(row).on_conflict(once).exec_without_returning(service.database.pool());
        insert.await.map_err(Error::from)?;
        is_new = true;
    }
    // Two instances may start at once, each with a key of its own under one name: one of them was first.
    if is_new {
        check(service).await?;
    }
    Ok(())
}

/// That an instance has started with the newest key.
pub(super) async fn newest_is_in_use(service: &Service) -> Result<(), Fault> {
    let newest = service.keys.newest();
    if check(service).await?.iter().any(|key| key.id == newest) { Ok(()) } else { Err(Fault::Unknown(newest.to_owned())) }
}

/// Nothing is sealed with this key any more.
pub(super) async fn forget(service: &Service, id: &str) -> Result<(), Error> {
    Entity::delete_by_id(id.to_owned()).exec(service.database.pool()).await?;
    Ok(())
}
