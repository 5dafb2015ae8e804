//! Addresses that are not verified yet: a link is sent to the address, and whoever is signed in and has the link has shown that it
//! is theirs.
//!
//! The link alone is not enough: a mistyped address belongs to a stranger, who must not get at the account; and somebody who gets
//! a link for an account that another person made with their address can't be led to vouch for it.

use chrono::TimeDelta;
use entity::unverified_detail::{ActiveModel, Column, Entity, Model};
use entity::{user, user_detail as detail};
use message::message;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, ModelTrait, QueryFilter};

use crate::audit_log::{self, Entry};
use crate::caller::Caller;
use crate::keyed_hash::token_hash;
use crate::mail::{self, Event, Kind};
use crate::text::Checks;
use crate::viewer::Viewer;
use crate::{Error, Missing, Service, account_recovery, brake, sealed, user as people, user_detail};

const LIFETIME: TimeDelta = TimeDelta::hours(24);

/// That somebody says an address is theirs.
pub(crate) struct Claim {
    pub(crate) email: String,
    /// See [`Model`].
    pub(crate) selector: Option<i32>,
    /// Whether the address is sent a link. Without one it can be asked for later.
    pub(crate) is_mailed: bool,
}

/// Writes down that somebody says this address is theirs, and queues the mail with its link. The newest link counts.
pub(crate) async fn write(
    service: &Service,
    connection: &impl ConnectionTrait,
    user: &user::Model,
    user_detail_id: i64,
    claim: Claim,
    caller: &Caller,
) -> Result<(), Error> {
    let now = service.clock.now();
    let mut token = None;
    if claim.is_mailed {
        let language = mail::language_of(user, caller.language());
        let mail = mail::queue(service, connection, Kind::Verification, Some(user.id), claim.email.clone(), language).await?;
        token = Some(token_hash(&service.keyed_hash.mail_token(mail)));
    }
    let mut row = ActiveModel {
        user_detail_id: Set(user_detail_id),
        email_index: Set(service.keyed_hash.email_index(&claim.email)),
        email: Set(claim.email),
        expires: Set(token.as_ref().map(|_| now + LIFETIME)),
        token_hash: Set(token),
        selector: Set(claim.selector),
        date_created: Set(now),
        ..Default::default()
    };
    sealed::seal::<Entity>(service, &mut row, &user_detail_id.to_string())?;
    let replaced = [Column::Email, Column::EmailIndex, Column::TokenHash, Column::Expires, Column::Selector];
    let newest = OnConflict::column(Column::UserDetailId).update_columns(replaced).to_owned();
    Entity::insert(row).on_conflict(newest).exec_without_returning(connection).await?;
    Ok(())
}

/// Takes back what a person waits to show.
pub(crate) async fn forget(service: &Service, connection: &impl ConnectionTrait, user_id: i64) -> Result<(), Error> {
    if let (_, Some(waiting)) = of_person(service, connection, user_id).await? {
        waiting.delete(connection).await?;
    }
    Ok(())
}

/// How many mails somebody may have sent, whether they reach anybody or not.
async fn slow_down(service: &Service, email: &str) -> Result<(), Error> {
    brake::take(service, &brake::MAILS_TO_ADDRESS, &service.keyed_hash.email_index(email)).await
}

/// Whether this person still waits to show that an address is theirs with the token of this hash.
pub(crate) async fn is_waiting(service: &Service, user_id: i64, token_hash: &str) -> Result<bool, Error> {
    let waiting = Entity::find()
        .inner_join(detail::Entity)
        .filter(detail::Column::UserId.eq(user_id))
        .filter(Column::TokenHash.eq(token_hash))
        .one(service.database.pool())
        .await?;
    Ok(waiting.is_some())
}

/// What a person still waits to show, in a transaction that has locked them.
async fn of_person(
    service: &Service,
    connection: &impl ConnectionTrait,
    user_id: i64,
) -> Result<(detail::Model, Option<Model>), Error> {
    let found = detail::Entity::find().filter(detail::Column::UserId.eq(user_id)).one(connection).await?;
    let detail = found.ok_or(Error::NotFound(Missing::Person))?;
    let claim = Entity::find().filter(Column::UserDetailId.eq(detail.id)).one(connection).await?;
    let claim = claim.map(|claim| sealed::open::<Entity>(&service.keys, claim)).transpose()?;
    Ok((sealed::open::<detail::Entity>(&service.keys, detail)?, claim))
}

/// Changes the viewer's address. The one that they have verified stays until they have verified the new one; naming it again takes
/// back a change that waits.
pub async fn change_email(service: &Service, viewer: &Viewer, email: String, caller: &Caller) -> Result<(), Error> {
    let mut checks = Checks::default();
    checks.email("/email", &email);
    checks.finish()?;
    brake::take(service, &brake::MAILS_OF_PERSON, &viewer.user().id.to_string()).await?;
    slow_down(service, &email).await?;
    let transaction = service.database.write().await?;
    let user = people::lock_viewer(&transaction, viewer).await?;
    let (detail, waiting) = of_person(service, &transaction, user.id).await?;
    if detail.email_index.as_ref() == Some(&service.keyed_hash.email_index(&email)) {
        if let Some(waiting) = waiting {
            waiting.delete(&transaction).await?;
        }
    } else {
        // Who mends an address before it is verified signs in by the new one as they did by the old one.
        let selector = waiting.and_then(|waiting| waiting.selector);
        let claim = Claim { email, selector, is_mailed: true };
        write(service, &transaction, &user, detail.id, claim, caller).await?;
        audit_log::record(service, &transaction, user.id, Entry::by_person(audit_log::Kind::EmailChangeBegun, caller)).await?;
    }
    Ok(transaction.commit().await?)
}

/// Sends the link anew; the one before stops working.
pub async fn resend(service: &Service, viewer: &Viewer, caller: &Caller) -> Result<(), Error> {
    brake::take(service, &brake::MAILS_OF_PERSON, &viewer.user().id.to_string()).await?;
    let (_, waiting) = of_person(service, service.database.pool(), viewer.user().id).await?;
    let nothing = || Error::conflict(message!("No address waits to be verified: it is verified already, or there is none."));
    slow_down(service, &waiting.ok_or_else(nothing)?.email).await?;
    let transaction = service.database.write().await?;
    let user = people::lock_viewer(&transaction, viewer).await?;
    let (detail, waiting) = of_person(service, &transaction, user.id).await?;
    let Model { email, selector, .. } = waiting.ok_or_else(nothing)?;
    write(service, &transaction, &user, detail.id, Claim { email, selector, is_mailed: true }, caller).await?;
    Ok(transaction.commit().await?)
}

/// Shows that an address is the viewer's, with the token that was sent there. It becomes what they sign in with; the one before is
/// told, and links back in that were sent there stop working.
pub async fn verify(service: &Service, viewer: &Viewer, token: &str, caller: &Caller) -> Result<user::Model, Error> {
    let subject = viewer.user().id.to_string();
    brake::take(service, &brake::WRONG_TOKENS, &subject).await?;
    let transaction = service.database.write().await?;
    let user = people::lock_viewer(&transaction, viewer).await?;
    let (detail, waiting) = of_person(service, &transaction, user.id).await?;
    let hash = token_hash(token);
    let waiting = waiting
        .filter(|waiting| waiting.token_hash.as_ref() == Some(&hash))
        .filter(|waiting| waiting.expires.is_some_and(|expires| expires > service.clock.now()))
        .ok_or_else(|| {
            Error::invalid(
                "/token",
                message!("is not good (any more): it is of another account or an older mail, or 24 hours have passed. Ask for another with resendVerification."),
            )
        })?;
    let old = detail.email.clone();
    let email = waiting.email.clone();
    waiting.delete(&transaction).await?;
    user_detail::set_email(service, &transaction, detail, email).await?;
    account_recovery::forget(service, &transaction, user.id).await?;
    audit_log::record(service, &transaction, user.id, Entry::by_person(audit_log::Kind::EmailVerified, caller)).await?;
    if let Some(old) = old {
        let language = mail::language_of(&user, caller.language());
        mail::queue(service, &transaction, Kind::Event(Event::EmailChanged), Some(user.id), old, language).await?;
    }
    transaction.commit().await?;
    brake::give_back(service, &[(&brake::WRONG_TOKENS, subject.as_str())]).await;
    Ok(user)
}
