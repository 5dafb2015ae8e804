//! Who a person is. The personal columns (names, phone, address, email) are sealed when they are written and opened when they are
//! read, here alone. Addresses that are not verified yet are in `unverified_detail`, those that mail goes to in `mail`.

use std::collections::HashMap;
use std::sync::Arc;

use entity::user_detail::{ActiveModel, Column, Entity, Model};
use entity::{Sealed, unverified_detail, user};
use message::message;
use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, SqlErr};

use crate::caller::Caller;
use crate::sealed::{self, KeyRing};
use crate::text::{Change, Checks};
use crate::unverified_detail::{self as claims, Claim};
use crate::viewer::{Owner, one_by_owner, user_ids};
use crate::{Error, Missing, Service};

/// What a sealed column says. One that does not open is an error of its own, and keeps nobody from the others.
pub type Opened = Result<Option<String>, Error>;

/// Who a person is. What is sealed is opened when it is asked for: a page of people asks for little of each.
#[derive(Clone, Debug)]
pub struct UserDetail {
    row: Model,
    claim: Option<unverified_detail::Model>,
}

impl UserDetail {
    /// Of what is stored: their row, and the address that they claim.
    pub(crate) fn of(row: Model, claim: Option<unverified_detail::Model>) -> Self {
        Self { row, claim }
    }

    /// First name.
    pub fn first_name(&self, service: &Service) -> Opened {
        self.opened(service, Column::FirstName)
    }

    /// Last name.
    pub fn last_name(&self, service: &Service) -> Opened {
        self.opened(service, Column::LastName)
    }

    /// In years.
    #[must_use]
    pub fn age(&self) -> Option<i32> {
        self.row.age
    }

    /// Phone number, as they write it.
    pub fn phone_number(&self, service: &Service) -> Opened {
        self.opened(service, Column::PhoneNumber)
    }

    /// Where they live.
    pub fn address(&self, service: &Service) -> Opened {
        self.opened(service, Column::Address)
    }

    /// Their address for mail and signing in.
    pub fn email(&self, service: &Service) -> Opened {
        if self.email_verified() { self.opened(service, Column::Email) } else { claimed(&service.keys, self.claim.as_ref()) }
    }

    /// Whether they have shown that mail to it reaches them.
    #[must_use]
    pub fn email_verified(&self) -> bool {
        self.row.email.is_some()
    }

    /// Whether they have a password.
    #[must_use]
    pub fn has_password(&self) -> bool {
        self.row.password_hash.is_some()
    }

    /// The address that is to take its place, once they have shown that mail to it reaches them.
    pub fn pending_email(&self, service: &Service) -> Opened {
        if self.email_verified() { claimed(&service.keys, self.claim.as_ref()) } else { Ok(None) }
    }

    fn opened(&self, service: &Service, column: Column) -> Opened {
        open(&service.keys, &self.row, column)
    }
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

fn open(keys: &KeyRing, row: &Model, column: Column) -> Opened {
    sealed::open_column::<Entity>(keys, row, column, &Entity::sealed_to(row))
}

/// The address that somebody claims.
fn claimed(keys: &KeyRing, claim: Option<&unverified_detail::Model>) -> Opened {
    use unverified_detail::{Column, Entity};
    claim.map_or(Ok(None), |claim| sealed::open_column::<Entity>(keys, claim, Column::Email, &Entity::sealed_to(claim)))
}

/// The details of each of these people.
pub async fn by_owners(service: &Service, owners: &[Owner]) -> Result<HashMap<Owner, Option<Arc<UserDetail>>>, Error> {
    let rows = Entity::find()
        .find_also_related(unverified_detail::Entity)
        .filter(service.database.is_any((Entity, Column::UserId), &user_ids(owners)))
        .all(service.database.pool())
        .await?;
    let details = rows.into_iter().map(|(row, claim)| UserDetail::of(row, claim)).collect();
    Ok(one_by_owner(owners, details, |detail: &UserDetail| detail.row.user_id))
}

/// Writes the details of a new account. The address of somebody who signs up by themselves waits to be verified; several people
/// may claim the same one, so that no answer tells whether it is taken.
pub(crate) async fn create(
    service: &Service,
    connection: &impl ConnectionTrait,
    user: &user::Model,
    changes: DetailChanges,
    way_in: Option<PasswordWayIn>,
    caller: &Caller,
) -> Result<(), Error> {
    let mut row = ActiveModel { user_id: Set(user.id), ..Default::default() };
    changes.write(&mut row);
    let mut claim = None;
    if let Some(PasswordWayIn { email, password_hash, selector, is_mailed, verified }) = way_in {
        row.password_hash = Set(Some(password_hash));
        if verified {
            row.email_index = Set(Some(service.keyed_hash.email_index(&email)));
            row.email = Set(Some(email));
        } else {
            claim = Some(Claim { email, selector: Some(selector), is_mailed });
        }
    }
    sealed::seal::<Entity>(service, &mut row, &user.id.to_string())?;
    let row = row.insert(connection).await?;
    if let Some(claim) = claim {
        claims::write(service, connection, user, row.id, claim, caller).await?;
    }
    Ok(())
}

/// Signing in by address and password.
#[derive(Debug)]
pub(crate) struct PasswordWayIn {
    pub(crate) email: String,
    pub(crate) password_hash: String,
    /// See [`unverified_detail::Model`].
    pub(crate) selector: i32,
    /// Whether their claim is mailed a link.
    pub(crate) is_mailed: bool,
    /// Whether somebody vouches for the address already.
    pub(crate) verified: bool,
}

/// Applies changes, in a transaction that has locked the person.
pub(crate) async fn update(
    service: &Service,
    connection: &impl ConnectionTrait,
    owner: Owner,
    changes: DetailChanges,
) -> Result<(), Error> {
    let stored = Entity::find().filter(Column::UserId.eq(owner.user_id())).one(connection).await?;
    let mut row: ActiveModel = stored.ok_or(Error::NotFound(Missing::Person))?.into();
    changes.write(&mut row);
    sealed::seal::<Entity>(service, &mut row, &owner.user_id().to_string())?;
    if row.is_changed() {
        row.update(connection).await?;
    }
    Ok(())
}

/// How many people one address and password are looked for among: whoever has verified the address, and of those who claim it with a
/// password of the same selector, the first.
pub(crate) const MOST_WAYS_IN: u64 = 3;

/// Who may sign in with this address and password, each with the hash of theirs: whoever has verified it, and those who claim it. An
/// attacker who claims somebody's address signs in by it whether it has an account or not, so that tells them nothing; and to stand
/// in somebody's way they would have to hit the selector of a password that they do not know.
pub(crate) async fn ways_in(service: &Service, email: &str, password: &str) -> Result<Vec<(i64, Option<String>)>, Error> {
    let email_index = service.keyed_hash.email_index(email);
    let pool = service.database.pool();
    let verified = Entity::find().filter(Column::EmailIndex.eq(&email_index)).one(pool).await?;
    let claimed = unverified_detail::Entity::find()
        .find_also_related(Entity)
        .filter(unverified_detail::Column::EmailIndex.eq(&email_index))
        .filter(unverified_detail::Column::Selector.eq(service.keyed_hash.selector(password)))
        .order_by_asc(unverified_detail::Column::Id)
        .limit(MOST_WAYS_IN - 1)
        .all(pool)
        .await?;
    let rows = verified.into_iter().chain(claimed.into_iter().filter_map(|(_, row)| row));
    Ok(rows.map(|row| (row.user_id, row.password_hash)).collect())
}

/// Whether addresses are found by the index key that is set, tried on one that is stored; also where there is none, or none that opens.
pub async fn is_found_by_index_key(service: &Service) -> Result<bool, Error> {
    let pool = service.database.pool();
    let verified = Entity::find().filter(Column::EmailIndex.is_not_null()).order_by_asc(Column::EmailIndex).one(pool).await?;
    let stored = if let Some(row) = verified {
        open(&service.keys, &row, Column::Email).ok().flatten().zip(row.email_index)
    } else {
        let claim = unverified_detail::Entity::find().order_by_asc(unverified_detail::Column::Id).one(pool).await?;
        let email = claimed(&service.keys, claim.as_ref()).ok().flatten();
        email.zip(claim.map(|claim| claim.email_index))
    };
    Ok(stored.is_none_or(|(email, index)| service.keyed_hash.email_index(&email) == index))
}

/// Who has verified this address, and how they write it. Mail goes there, never to another spelling that is found under the same index.
pub(crate) async fn verified_owner(service: &Service, email: &str) -> Result<Option<(i64, String)>, Error> {
    let email_index = service.keyed_hash.email_index(email);
    let stored = Entity::find().filter(Column::EmailIndex.eq(email_index)).one(service.database.pool()).await?;
    let Some(row) = stored else { return Ok(None) };
    Ok(open(&service.keys, &row, Column::Email)?.map(|email| (row.user_id, email)))
}

/// What a person signs in with by password.
#[derive(Debug, Default)]
pub(crate) struct Credentials {
    pub(crate) password_hash: Option<String>,
    verified: Option<String>,
    claimed: Option<String>,
}

impl Credentials {
    /// The addresses that they have, verified or not.
    pub(crate) fn emails(&self) -> Vec<&str> {
        self.verified.iter().chain(&self.claimed).map(String::as_str).collect()
    }

    /// The selector of a new password, for the address that waits to be verified.
    pub(crate) fn selector(&self, service: &Service, password: &str) -> Option<i32> {
        self.claimed.as_ref().map(|_| service.keyed_hash.selector(password))
    }

    /// Whether they can sign in by password for certain: with an address that nobody else can take.
    pub(crate) fn is_way_in(&self) -> bool {
        self.password_hash.is_some() && self.verified.is_some()
    }
}

/// What this person signs in with by password.
pub(crate) async fn credentials(
    service: &Service,
    connection: &impl ConnectionTrait,
    user_id: i64,
) -> Result<Credentials, Error> {
    let found =
        Entity::find().find_also_related(unverified_detail::Entity).filter(Column::UserId.eq(user_id)).one(connection).await?;
    let (row, claim) = found.ok_or(Error::NotFound(Missing::Person))?;
    let (verified, claimed) = (open(&service.keys, &row, Column::Email)?, claimed(&service.keys, claim.as_ref())?);
    Ok(Credentials { password_hash: row.password_hash, verified, claimed })
}

/// The address that this person has verified.
pub(crate) async fn verified_email(
    service: &Service,
    connection: &impl ConnectionTrait,
    user_id: i64,
) -> Result<Option<String>, Error> {
    Ok(credentials(service, connection, user_id).await?.verified)
}

/// The hash of their password, if they have one.
pub(crate) async fn password_hash(connection: &impl ConnectionTrait, user_id: i64) -> Result<Option<String>, Error> {
    let row = Entity::find().filter(Column::UserId.eq(user_id)).one(connection).await?;
    Ok(row.and_then(|row| row.password_hash))
}

/// Whether this person has an address, and whether this is one of theirs: told by the blind index, whether it opens or not.
pub(crate) async fn is_email_of(
    service: &Service,
    connection: &impl ConnectionTrait,
    user_id: i64,
    typed: &str,
) -> Result<(bool, bool), Error> {
    let found =
        Entity::find().find_also_related(unverified_detail::Entity).filter(Column::UserId.eq(user_id)).one(connection).await?;
    let (row, claim) = found.ok_or(Error::NotFound(Missing::Person))?;
    let indexes: Vec<_> = row.email_index.into_iter().chain(claim.map(|claim| claim.email_index)).collect();
    Ok((!indexes.is_empty(), indexes.contains(&service.keyed_hash.email_index(typed))))
}

/// Their first name.
pub(crate) async fn first_name(
    service: &Service,
    connection: &impl ConnectionTrait,
    user_id: i64,
) -> Result<Option<String>, Error> {
    let row = Entity::find().filter(Column::UserId.eq(user_id)).one(connection).await?;
    let Some(row) = row else { return Ok(None) };
    open(&service.keys, &row, Column::FirstName)
}

/// Sets a password, whatever there was.
pub(crate) async fn set_password(connection: &impl ConnectionTrait, user_id: i64, hash: String) -> Result<(), Error> {
    let set = Entity::update_many().col_expr(Column::PasswordHash, hash.into()).filter(Column::UserId.eq(user_id));
    set.exec(connection).await?;
    Ok(())
}

/// Sets a password where the one before is still what it was; false where it is not. An address that is not verified signs in with
/// the new one as it did with the old one.
pub(crate) async fn replace_password(
    connection: &impl ConnectionTrait,
    user_id: i64,
    known: &Credentials,
    hash: String,
    selector: Option<i32>,
) -> Result<bool, Error> {
    let stored = Entity::find().filter(Column::UserId.eq(user_id)).one(connection).await?;
    let row = stored.ok_or(Error::NotFound(Missing::Person))?;
    if row.password_hash != known.password_hash {
        return Ok(false);
    }
    unverified_detail::Entity::update_many()
        .col_expr(unverified_detail::Column::Selector, selector.into())
        .filter(unverified_detail::Column::UserDetailId.eq(row.id))
        .exec(connection)
        .await?;
    set_password(connection, user_id, hash).await?;
    Ok(true)
}

/// Makes an address the verified one, unless somebody else was first.
pub(crate) async fn set_email(
    service: &Service,
    connection: &impl ConnectionTrait,
    row: Model,
    email: String,
) -> Result<(), Error> {
    let sealed_to = Entity::sealed_to(&row);
    let mut row: ActiveModel = row.into();
    row.email_index = Set(Some(service.keyed_hash.email_index(&email)));
    row.email = Set(Some(email));
    sealed::seal::<Entity>(service, &mut row, &sealed_to)?;
    row.update(connection).await.map_err(|error| match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => {
            Error::conflict(message!("Another account has this address already: sign in to that one, or choose another address."))
        }
        _ => error.into(),
    })?;
    Ok(())
}
