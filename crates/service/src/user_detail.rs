//! Who a person is. The one place where personal columns (names, phone, address, email) are read and written, so that how they
//! are kept can change here alone.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entity::user_detail::{ActiveModel, Column, Entity, Model};
use entity::{unverified_detail, user};
use hmac::{Hmac, KeyInit, Mac};
use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use sha2::Sha256;

use crate::text::{Change, Checks};
use crate::viewer::{Owner, by_owner, user_ids};
use crate::{Error, Service};

/// Turns an address into what it is found by: HMAC-SHA-256 of the normalised address, so that the table does not tell it.
pub struct EmailIndex(Hmac<Sha256>);

impl EmailIndex {
    /// With a key of any length. The key never changes: what was stored would not be found any more.
    pub fn new(key: &[u8]) -> Result<Self, Error> {
        Ok(Self(Hmac::new_from_slice(key).map_err(Error::internal)?))
    }

    fn of(&self, email: &str) -> String {
        let normalised = email.to_lowercase();
        URL_SAFE_NO_PAD.encode(self.0.clone().chain_update(normalised).finalize().into_bytes())
    }
}

/// Who a person is, in the clear.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserDetail {
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// In years.
    pub age: Option<i32>,
    /// Phone number, as they write it.
    pub phone_number: Option<String>,
    /// Where they live.
    pub address: Option<String>,
    /// Their address for mail and signing in.
    pub email: Option<String>,
    /// Whether they have shown that mail to it reaches them.
    pub email_verified: bool,
}

/// Changes to who a person is.
#[derive(Clone, Debug, Default)]
pub struct DetailChanges {
    /// First name.
    pub first_name: Change<String>,
    /// Last name.
    pub last_name: Change<String>,
    /// In years.
    pub age: Change<i32>,
    /// Phone number.
    pub phone_number: Change<String>,
    /// Where they live.
    pub address: Change<String>,
}

impl DetailChanges {
    /// Names have at most 100 characters, a phone number 40, an address 500.
    pub(crate) fn check(&self, checks: &mut Checks) {
        checks.optional("/firstName", self.first_name.value(), 100);
        checks.optional("/lastName", self.last_name.value(), 100);
        checks.optional("/phoneNumber", self.phone_number.value(), 40);
        checks.optional("/address", self.address.value(), 500);
        checks.age(self.age.value().copied());
    }

    fn write(self, row: &mut ActiveModel) {
        self.first_name.apply(&mut row.first_name);
        self.last_name.apply(&mut row.last_name);
        self.age.apply(&mut row.age);
        self.phone_number.apply(&mut row.phone_number);
        self.address.apply(&mut row.address);
    }
}

fn read(row: Model, unverified: Option<unverified_detail::Model>) -> UserDetail {
    let email_verified = row.email.is_some();
    UserDetail {
        first_name: row.first_name,
        last_name: row.last_name,
        age: row.age,
        phone_number: row.phone_number,
        address: row.address,
        email: row.email.or(unverified.map(|claim| claim.email)),
        email_verified,
    }
}

/// The details of each of these people.
pub async fn by_owners(service: &Service, owners: &[Owner]) -> Result<HashMap<Owner, Option<Arc<UserDetail>>>, Error> {
    let rows = Entity::find()
        .find_also_related(unverified_detail::Entity)
        .filter(service.database.is_any((Entity, Column::UserId), &user_ids(owners)))
        .all(service.database.pool())
        .await?;
    let grouped = by_owner(owners, rows, |(row, _)| row.user_id).into_iter();
    Ok(grouped.map(|(owner, rows)| (owner, rows.into_iter().next().map(|(row, claim)| Arc::new(read(row, claim))))).collect())
}

/// Writes the details of a new account. The address of somebody who signs up by themselves waits to be verified; several people
/// may claim the same one, so that no answer tells whether it is taken.
pub(crate) async fn create(
    service: &Service,
    connection: &impl ConnectionTrait,
    user: &user::Model,
    changes: DetailChanges,
    way_in: Option<PasswordWayIn>,
) -> Result<(), Error> {
    let mut row = ActiveModel { user_id: Set(user.id), ..Default::default() };
    changes.write(&mut row);
    let mut claim = None;
    if let Some(PasswordWayIn { email, password_hash, verified }) = way_in {
        let email_index = service.email_index.of(&email);
        row.password_hash = Set(Some(password_hash));
        if verified {
            (row.email, row.email_index) = (Set(Some(email)), Set(Some(email_index)));
        } else {
            claim = Some((email, email_index));
        }
    }
    let row = row.insert(connection).await?;
    if let Some((email, email_index)) = claim {
        let claim = unverified_detail::ActiveModel {
            user_detail_id: Set(row.id),
            email: Set(email),
            email_index: Set(email_index),
            date_created: Set(service.clock.now()),
            ..Default::default()
        };
        unverified_detail::Entity::insert(claim).exec_without_returning(connection).await?;
    }
    Ok(())
}

/// Signing in by address and password.
#[derive(Debug)]
pub(crate) struct PasswordWayIn {
    pub(crate) email: String,
    pub(crate) password_hash: String,
    /// Whether somebody vouches for the address already.
    pub(crate) verified: bool,
}

/// Applies changes, in a transaction that has locked the person.
pub(crate) async fn update(connection: &impl ConnectionTrait, owner: Owner, changes: DetailChanges) -> Result<(), Error> {
    let stored = Entity::find().filter(Column::UserId.eq(owner.user_id())).one(connection).await?;
    let mut row: ActiveModel = stored.ok_or(Error::NotFound("person"))?.into();
    changes.write(&mut row);
    if row.is_changed() {
        row.update(connection).await?;
    }
    Ok(())
}

/// How many people may sign in by one address that nobody has verified; the later ones can once they have.
pub(crate) const MOST_WAYS_IN: u64 = 3;

/// Who signs in with this address, each with the hash of their password: whoever has verified it, else those who claim it, the first
/// claim first. The password tells them apart, so that a claim takes nobody's way in.
pub(crate) async fn ways_in(service: &Service, email: &str) -> Result<Vec<(i64, Option<String>)>, Error> {
    let email_index = service.email_index.of(email);
    let pool = service.database.pool();
    if let Some(row) = Entity::find().filter(Column::EmailIndex.eq(&email_index)).one(pool).await? {
        return Ok(vec![(row.user_id, row.password_hash)]);
    }
    let claimed = unverified_detail::Entity::find()
        .find_also_related(Entity)
        .filter(unverified_detail::Column::EmailIndex.eq(&email_index))
        .order_by_asc(unverified_detail::Column::Id)
        .limit(MOST_WAYS_IN)
        .all(pool)
        .await?;
    Ok(claimed.into_iter().filter_map(|(_, row)| row).map(|row| (row.user_id, row.password_hash)).collect())
}

/// Whether somebody has verified this address.
pub(crate) async fn is_verified(service: &Service, email: &str) -> Result<bool, Error> {
    let stored = Entity::find().filter(Column::EmailIndex.eq(service.email_index.of(email))).one(service.database.pool()).await?;
    Ok(stored.is_some())
}
