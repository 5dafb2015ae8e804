//! Getting back into an account by mail: a link, good once, for 30 minutes, that sets a password or adds a passkey.
//!
//! Only an address that was verified gets a link: with one that was not, whoever a mistyped address belongs to would get in.

use chrono::TimeDelta;
use entity::account_recovery::{ActiveModel, Column, Entity};
use entity::{mail as mail_row, revoked_token, user};
use message::{Message, message};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};
use serde::{Deserialize, Serialize};

use crate::audit_log::{self, BY_RECOVERY, Entry};
use crate::caller::Caller;
use crate::keyed_hash::token_hash;
use crate::mail::{Event, Kind};
use crate::passkey::{self, Challenge, Finish, Purpose, Registration};
use crate::session::{self, SignedIn};
use crate::text::Checks;
use crate::viewer::Owner;
use crate::{Error, Service, brake, mail, password, unverified_detail, user as people, user_detail};

const LIFETIME: TimeDelta = TimeDelta::minutes(30);
const LINK_GONE: Message = message!("The link is not good (any more): it was used, or 30 minutes have passed. Ask for another.");

/// Asks for a link back into the account of this address. Whether there is one is looked up when the mail is sent: here the work
/// and the answer are the same.
pub async fn request(service: &Service, email: String, caller: &Caller) -> Result<(), Error> {
    let mut checks = Checks::default();
    checks.email("/email", &email);
    checks.finish()?;
    let (network, account) = (caller.network(), service.keyed_hash.email_index(&email));
    let tries = [(&brake::RECOVERIES_OF_CALLER, network.as_str()), (&brake::RECOVERIES_OF_ACCOUNT, account.as_str())];
    brake::take_all(service, &tries).await?;
    mail::queue(service, service.database.pool(), Kind::Recovery, None, email, caller.language()).await?;
    Ok(())
}

/// Makes the token good that is about to be sent, 30 minutes from now. False where nobody gets in with it: the address is this
/// person's no more, the account is closed, or an earlier try did arrive and the token is used.
pub(crate) async fn begin(service: &Service, user_id: i64, mail: &mail_row::Model, token: &str) -> Result<bool, Error> {
    let hash = token_hash(token);
    let transaction = service.database.write().await?;
    let user = people::lock_by_id(&transaction, user_id).await?;
    let email = user_detail::verified_email(service, &transaction, user_id).await?;
    let is_theirs =
        email.is_some_and(|email| service.keyed_hash.email_index(&email) == service.keyed_hash.email_index(&mail.recipient));
    let is_used = revoked_token::Entity::find_by_id(hash.clone()).one(&transaction).await?.is_some();
    if !is_theirs || !user.is_active || is_used {
        return Ok(false);
    }
    let row = ActiveModel {
        reset_token: Set(hash),
        token_expires: Set(service.clock.now() + LIFETIME),
        date_requested: Set(mail.date_created),
        user_id: Set(user_id),
        ..Default::default()
    };
    // Sent again since the answer of the mail server was lost: the same token.
    let again = OnConflict::column(Column::ResetToken).update_column(Column::TokenExpires).to_owned();
    Entity::insert(row).on_conflict(again).exec_without_returning(&transaction).await?;
    transaction.commit().await?;
    Ok(true)
}

/// Whose token this is. Wrong ones count against the caller; a right one is taken whoever else is on their network.
async fn find(service: &Service, token: &str, caller: &Caller) -> Result<user::Model, Error> {
    let pool = service.database.pool();
    let row = Entity::find()
        .filter(Column::ResetToken.eq(token_hash(token)))
        .filter(Column::TokenExpires.gt(service.clock.now()))
        .one(pool)
        .await?;
    let Some(row) = row else {
        brake::take(service, &brake::WRONG_TOKENS, &caller.network()).await?;
        return Err(Error::Unauthenticated(LINK_GONE));
    };
    let user = user::Entity::find_by_id(row.user_id).filter(user::Column::IsActive.eq(true)).one(pool).await?;
    user.ok_or(Error::Unauthenticated(LINK_GONE))
}

/// Uses the token, once: locks its person, and ends every session, every other recovery and every change of address that is under
/// way: whoever was in before is out.
async fn consume(service: &Service, transaction: &DatabaseTransaction, hash: &str, user_id: i64) -> Result<user::Model, Error> {
    let user = people::lock_by_id(transaction, user_id).await?;
    let stored = Entity::find()
        .filter(Column::ResetToken.eq(hash))
        .filter(Column::UserId.eq(user_id))
        .filter(Column::TokenExpires.gt(service.clock.now()))
        .one(transaction)
        .await?;
    if stored.is_none() || !user.is_active {
        return Err(Error::Unauthenticated(LINK_GONE));
    }
    forget(service, transaction, user_id).await?;
    unverified_detail::forget(service, transaction, user_id).await?;
    session::end_all(transaction, user_id, None).await?;
    passkey::forget_ceremonies(transaction, user_id).await?;
    Ok(user)
}

/// Ends the recoveries of a person who is locked: they got in, or the address that the links were sent to is theirs no more. They
/// are remembered as long as a mail may be sent again, so that it does not bring one back.
pub(crate) async fn forget(service: &Service, transaction: &DatabaseTransaction, user_id: i64) -> Result<(), Error> {
    let now = service.clock.now();
    for row in Entity::find().filter(Column::UserId.eq(user_id)).all(transaction).await? {
        let remembered = (now + mail::GIVEN_UP + LIFETIME).timestamp();
        session::revoke(transaction, "recovery", row.reset_token, remembered, now).await?;
    }
    Entity::delete_many().filter(Column::UserId.eq(user_id)).exec(transaction).await?;
    Ok(())
}

/// Sets a new password with a token, and signs in. All that was signed in before is not any more.
pub async fn reset_password(service: &Service, token: &str, password: String, caller: &Caller) -> Result<SignedIn, Error> {
    let found = find(service, token, caller).await?;
    let known = user_detail::credentials(service, service.database.pool(), found.id).await?;
    let mut checks = Checks::default();
    password::check(&mut checks, "/password", &password, &known.emails());
    checks.finish()?;
    let password_hash = service.passwords.hash(password, &*service.random).await?;
    let transaction = service.database.write().await?;
    let user = consume(service, &transaction, &token_hash(token), found.id).await?;
    user_detail::set_password(&transaction, user.id, password_hash).await?;
    let entry = Entry::by_person(audit_log::Kind::PasswordChanged, caller).with_detail(BY_RECOVERY);
    audit_log::record(service, &transaction, user.id, entry).await?;
    sign_in(service, transaction, user, caller).await
}

#[derive(Serialize, Deserialize)]
struct RecoveryState {
    registration: Registration,
    token_hash: String,
}

/// Begins adding a passkey with a token, which is used when that is finished.
pub async fn start_passkey(service: &Service, token: &str, caller: &Caller) -> Result<Challenge, Error> {
    let user = find(service, token, caller).await?;
    let (options, registration) = passkey::start_registration_of(service, &user).await?;
    let state = RecoveryState { registration, token_hash: token_hash(token) };
    passkey::begin(service, Purpose::Recovery, Some(user.id), options, &state, caller).await
}

/// Finishes adding a passkey with a token, and signs in. All that was signed in before is not any more.
pub async fn finish_passkey(service: &Service, finish: Finish, caller: &Caller) -> Result<SignedIn, Error> {
    let (ceremony_id, answer, name) = finish.read()?;
    let (user_id, state) = passkey::take::<RecoveryState>(service, Purpose::Recovery, ceremony_id, None).await?;
    let user_id = user_id.ok_or(Error::Unauthenticated(LINK_GONE))?;
    let passkey = passkey::finish_registration(service, &answer, &state.registration)?;
    let transaction = service.database.write().await?;
    let user = consume(service, &transaction, &state.token_hash, user_id).await?;
    let (user, _) = passkey::add(service, &transaction, user, passkey, name).await?;
    let entry = Entry::by_person(audit_log::Kind::PasskeyAdded, caller).with_detail(BY_RECOVERY);
    audit_log::record(service, &transaction, user.id, entry).await?;
    sign_in(service, transaction, user, caller).await
}

async fn sign_in(
    service: &Service,
    transaction: DatabaseTransaction,
    user: user::Model,
    caller: &Caller,
) -> Result<SignedIn, Error> {
    mail::notify(service, &transaction, Event::Recovered, &user, caller.language()).await?;
    let owner = Owner::proved(&user);
    let signed_in = session::open(service, &transaction, user, Entry::signed_in(BY_RECOVERY, caller), caller).await?;
    transaction.commit().await?;
    tracing::info!(user = owner.user_id(), "an account was recovered by mail");
    Ok(signed_in)
}
