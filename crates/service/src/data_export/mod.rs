//! Everything that is held on a person, as one file for themselves.
//!
//! It is made in the background (`make`) by any instance, under a lease: one that stops giving signs is followed by another, which
//! begins anew. What goes into it is said by `tables`, how a row is written by `row`, its page is `page`. The archive leaves as it is
//! produced, in sealed parts that are rows of the database (`parts`), so that however much it is, little of it is in memory, and any
//! instance gives it out. `import` takes it into another database.
//!
//! To add a table: a line in `tables`; a test from outside fails while one that leads to a person is missing there.

mod archive;
mod import;
mod make;
mod page;
mod parts;
mod row;
mod tables;
mod unpack;

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use entity::data_export::{ActiveModel, Column, Entity, Model};
use entity::{data_export_part, user};
use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

pub use import::{ImportError, ImportOptions, Imported, import};
pub use make::make_next;

use self::parts::Cipher;
use crate::audit_log::{self, Entry};
use crate::caller::Caller;
use crate::mail::language_of;
use crate::viewer::{Oneself, Viewer};
use crate::{Error, Missing, Service, brake, random, user as people};

/// How long an export is there once it is ready, and its link good.
const KEPT: TimeDelta = TimeDelta::hours(24);

/// How far an export is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It waits for an instance that takes it up, which takes a second.
    Requested,
    /// It is being made.
    Making,
    /// Its link is good.
    Ready,
    /// It could not be made; asking again may help.
    Failed,
}

/// Each state as `data_exports.state` says it.
const STATES: [(State, &str); 4] =
    [(State::Requested, "requested"), (State::Making, "making"), (State::Ready, "ready"), (State::Failed, "failed")];

impl State {
    fn name(self) -> &'static str {
        STATES.iter().find(|(state, _)| *state == self).map_or("failed", |(_, name)| name)
    }

    /// What is not known is taken for what failed: it is asked for again.
    fn of_name(name: &str) -> Self {
        STATES.iter().find(|(_, known)| *known == name).map_or(Self::Failed, |(state, _)| *state)
    }

    fn is_under_way(self) -> bool {
        matches!(self, Self::Requested | Self::Making)
    }
}

/// An export as its owner sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct DataExport {
    /// Its id.
    pub id: Uuid,
    /// How far it is.
    pub state: State,
    /// Percent, 0 to 100.
    pub progress: f64,
    /// When it was asked for.
    pub date_requested: DateTime<Utc>,
    /// The signed link, once it is ready. Whoever has it gets the file.
    pub url: Option<String>,
    /// When it goes, once it is ready or has failed.
    pub expires: Option<DateTime<Utc>>,
    /// Bytes, once it is ready.
    pub size: Option<i64>,
}

impl DataExport {
    fn of(service: &Service, row: &Model) -> Self {
        let state = State::of_name(&row.state);
        let until = row.expires.filter(|_| state == State::Ready);
        Self {
            id: row.id,
            state,
            progress: row.progress,
            date_requested: row.date_requested,
            url: until.map(|expires| link(service, row.id, expires)),
            expires: row.expires,
            size: row.size,
        }
    }
}

fn link(service: &Service, id: Uuid, expires: DateTime<Utc>) -> String {
    let until = expires.timestamp();
    let signature = service.keyed_hash.export_link(id, until);
    let mut url = service.public_url.clone();
    url.set_path(&format!("/exports/{id}"));
    url.query_pairs_mut().append_pair("expires", &until.to_string()).append_pair("signature", &signature);
    url.into()
}

/// The newest export of each of these people; nothing of one that has expired.
pub async fn of_oneself(service: &Service, people: &[Oneself]) -> Result<HashMap<Oneself, Option<DataExport>>, Error> {
    let rows = Entity::find()
        .filter(service.database.is_any(Column::UserId, &Oneself::user_ids(people)))
        .all(service.database.pool())
        .await?;
    let mut of_people: HashMap<i64, Model> = rows.into_iter().map(|row| (row.user_id, row)).collect();
    let found = people.iter().map(|oneself| {
        let row = of_people.remove(&oneself.owner().user_id()).filter(|row| !is_expired(service, row));
        (*oneself, row.map(|row| DataExport::of(service, &row)))
    });
    Ok(found.collect())
}

fn is_expired(service: &Service, row: &Model) -> bool {
    row.expires.is_some_and(|expires| expires <= service.clock.now())
}

/// Asks for an export. While one is under way that is the one; one that is ready, or has failed, makes place for a new one.
pub async fn request(service: &Service, viewer: &Viewer, caller: &Caller) -> Result<DataExport, Error> {
    let user_id = viewer.user().id;
    if let Some(row) = under_way(service.database.pool(), user_id).await? {
        return Ok(DataExport::of(service, &row));
    }
    let tries = [(&brake::EXPORTS, &*user_id.to_string())];
    brake::take_all(service, &tries).await?;
    let transaction = service.database.write().await?;
    let user = people::lock_viewer(&transaction, viewer).await?;
    // Looked at again: two who asked at once come one after the other.
    if let Some(row) = under_way(&transaction, user_id).await? {
        transaction.rollback().await?;
        brake::give_back(service, &tries).await;
        return Ok(DataExport::of(service, &row));
    }
    Entity::delete_many().filter(Column::UserId.eq(user_id)).exec(&transaction).await?;
    let now = service.clock.now();
    let row = ActiveModel {
        id: Set(random::uuid(&*service.random)?),
        user_id: Set(user_id),
        state: Set(State::Requested.name().to_owned()),
        progress: Set(0.0),
        tries: Set(0),
        lease: Set(Some(now)),
        language: Set(language_of(&user, caller.language()).tag().to_owned()),
        date_requested: Set(now),
        expires: Set(None),
        size: Set(None),
        key: Set(None),
    };
    let row = row.insert(&transaction).await?;
    let entry = Entry::by_person(audit_log::Kind::ExportRequested, caller);
    audit_log::record(service, &transaction, user_id, entry).await?;
    transaction.commit().await?;
    Ok(DataExport::of(service, &row))
}

async fn under_way(connection: &impl ConnectionTrait, user_id: i64) -> Result<Option<Model>, Error> {
    let row = Entity::find().filter(Column::UserId.eq(user_id)).one(connection).await?;
    Ok(row.filter(|row| State::of_name(&row.state).is_under_way()))
}

/// An archive that may be given out.
pub struct Download {
    /// Bytes of the whole.
    pub size: u64,
    /// When it was asked for: part of the file's name.
    pub date_requested: DateTime<Utc>,
    export: Uuid,
    cipher: Cipher,
}

/// The archive that a link leads to, if the link is good, has not expired, and the account is open. Anything else is not told apart.
pub async fn download(service: &Service, id: Uuid, expires: i64, signature: &str, caller: &Caller) -> Result<Download, Error> {
    let refused = || Error::NotFound(Missing::Export);
    if !service.keyed_hash.is_export_link(id, expires, signature) || expires <= service.clock.now().timestamp() {
        return Err(refused());
    }
    let pool = service.database.pool();
    let row = Entity::find_by_id(id).one(pool).await?.ok_or_else(refused)?;
    let owner = user::Entity::find_by_id(row.user_id).one(pool).await?;
    let is_open = owner.is_some_and(|owner| owner.is_active);
    let (Some(key), Some(size), true) = (row.key.as_deref(), row.size, is_open && State::of_name(&row.state) == State::Ready)
    else {
        return Err(refused());
    };
    if is_expired(service, &row) {
        return Err(refused());
    }
    audit_log::record_download(service, row.user_id, caller).await?;
    Ok(Download {
        size: size.unsigned_abs(),
        date_requested: row.date_requested,
        export: id,
        cipher: Cipher::new(id, &parts::unwrap_key(service, id, key)?)?,
    })
}

impl Download {
    /// The part at this position, from 0; `None` after the last.
    pub async fn part(&self, service: &Service, position: i32) -> Result<Option<Vec<u8>>, Error> {
        let found = data_export_part::Entity::find_by_id((self.export, position)).one(service.database.pool()).await?;
        found.map(|part| self.cipher.open(position, &part.bytes)).transpose()
    }
}
