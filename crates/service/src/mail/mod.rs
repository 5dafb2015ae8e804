//! Mail: queued in the transaction of what it is about, sent from there at least once, with backoff, by any instance.
//!
//! A row says what is to be told to whom; the text, and the token of a link, are made when it is sent (`letter`). So a token is
//! never stored, and asking for a recovery does the same work whether somebody has the address or not: who it is, is looked up
//! when the mail is sent.
//!
//! To add a mail: an [`Event`] and its line in [`KINDS`], its text in `text.rs` in each language, and [`queue`] or [`notify`] where it happens.

mod letter;
mod text;
mod transport;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use entity::mail::{ActiveModel, Column, Entity, Model};
use entity::{JsonText, user};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

pub use transport::{Mailer, MailerError, Refused};

use crate::clock::CLOCKS_DIFFER;
use crate::language::Language;
use crate::{Error, Service, erasure, random, sealed, user_detail};

/// What a mail tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A link that shows that an address is theirs; or, where somebody has it already, that they have an account.
    Verification,
    /// A link back into an account, if the address has one.
    Recovery,
    /// What was erased with an account.
    Receipt,
    /// Something happened to an account.
    Event(Event),
}

/// What happened to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A passkey was added.
    PasskeyAdded,
    /// A passkey was removed.
    PasskeyRemoved,
    /// A passkey's counter went back: it may have been copied.
    PasskeySuspect,
    /// The password was changed.
    PasswordChanged,
    /// The address was changed; goes to the old one.
    EmailChanged,
    /// Somebody got back in by mail.
    Recovered,
}

/// Each kind as `mails.kind` says it.
const KINDS: [(Kind, &str); 9] = [
    (Kind::Verification, "verification"),
    (Kind::Recovery, "recovery"),
    (Kind::Receipt, "receipt"),
    (Kind::Event(Event::PasskeyAdded), "passkey_added"),
    (Kind::Event(Event::PasskeyRemoved), "passkey_removed"),
    (Kind::Event(Event::PasskeySuspect), "passkey_suspect"),
    (Kind::Event(Event::PasswordChanged), "password_changed"),
    (Kind::Event(Event::EmailChanged), "email_changed"),
    (Kind::Event(Event::Recovered), "recovered"),
];

impl Kind {
    fn name(self) -> Result<&'static str, Error> {
        let known = KINDS.iter().find(|(kind, _)| *kind == self).map(|(_, name)| *name);
        known.ok_or_else(|| Error::internal(format!("{self:?} is missing from the kinds of mail")))
    }

    fn of_name(name: &str) -> Option<Self> {
        KINDS.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind)
    }
}

/// How many are sent at once by one instance.
const BATCH: u64 = 10;
/// Until the second try; each later wait is twice as long. Longer than a try can take, so that no two instances send the same mail.
const FIRST_WAIT: TimeDelta = TimeDelta::minutes(1);
const LONGEST_WAIT: TimeDelta = TimeDelta::hours(1);
/// After this long it is given up.
pub(crate) const GIVEN_UP: TimeDelta = TimeDelta::days(2);

/// Queues a mail, and gives its id.
pub(crate) async fn queue(
    service: &Service,
    connection: &impl ConnectionTrait,
    kind: Kind,
    user_id: Option<i64>,
    recipient: String,
    language: Language,
) -> Result<Uuid, Error> {
    queue_with(service, connection, kind, user_id, recipient, language, None).await
}

/// Queues the receipt of an account that is erased, to somebody who is nobody here any more.
pub(crate) async fn queue_receipt(
    service: &Service,
    connection: &impl ConnectionTrait,
    recipient: String,
    language: Language,
    erased: &BTreeMap<erasure::Kind, i64>,
) -> Result<(), Error> {
    let names = erasure::KINDS.iter().filter_map(|(kind, name)| Some((*name, erased.get(kind)?)));
    let content = JsonText::from_json(serde_json::to_string(&names.collect::<BTreeMap<_, _>>()).map_err(Error::internal)?);
    queue_with(service, connection, Kind::Receipt, None, recipient, language, Some(content)).await?;
    Ok(())
}

/// Takes back what waits to be sent to an address, and gives how many mails that were.
pub(crate) async fn forget_to(service: &Service, connection: &impl ConnectionTrait, recipient: &str) -> Result<i64, Error> {
    let index = service.keyed_hash.email_index(recipient);
    let nobodys = Entity::delete_many().filter(Column::RecipientIndex.eq(index)).filter(Column::UserId.is_null());
    Ok(i64::try_from(nobodys.exec(connection).await?.rows_affected).unwrap_or(i64::MAX))
}

async fn queue_with(
    service: &Service,
    connection: &impl ConnectionTrait,
    kind: Kind,
    user_id: Option<i64>,
    recipient: String,
    language: Language,
    content: Option<JsonText>,
) -> Result<Uuid, Error> {
    let id = random::uuid(&*service.random)?;
    let now = service.clock.now();
    let mut row = ActiveModel {
        id: Set(id),
        user_id: Set(user_id),
        kind: Set(kind.name()?.to_owned()),
        recipient_index: Set(Some(service.keyed_hash.email_index(&recipient))),
        recipient: Set(recipient),
        content: Set(content),
        language: Set(language.tag().to_owned()),
        date_created: Set(now),
        tries: Set(0),
        next_try: Set(now),
    };
    sealed::seal::<Entity>(service, &mut row, &id.to_string())?;
    Entity::insert(row).exec_without_returning(connection).await?;
    Ok(id)
}

/// Tells a person what happened to their account, at the address that they have verified, if they have one.
pub(crate) async fn notify(
    service: &Service,
    connection: &impl ConnectionTrait,
    event: Event,
    user: &user::Model,
    language: Language,
) -> Result<(), Error> {
    if let Some(email) = user_detail::verified_email(service, connection, user.id).await? {
        queue(service, connection, Kind::Event(event), Some(user.id), email, language_of(user, language)).await?;
    }
    Ok(())
}

/// The language that a person chose, or else the one that their client asks for.
pub(crate) fn language_of(user: &user::Model, wished: Language) -> Language {
    user.language.as_deref().and_then(Language::of_tag).unwrap_or(wished)
}

/// Sends what is due, and gives how many were taken up. Several instances may do so at once: each mail is taken up by one.
pub async fn deliver(service: &Arc<Service>) -> Result<usize, Error> {
    let pool = service.database.pool();
    let now = service.clock.now();
    // Queued in the future: the clock was set back since, and the next try would be as late.
    let is_due = Column::NextTry.lte(now).or(Column::DateCreated.gt(now + CLOCKS_DIFFER));
    let due = Entity::find().filter(is_due).order_by_asc(Column::NextTry).limit(BATCH).all(pool).await?;
    let mut sending = tokio::task::JoinSet::new();
    for mail in due {
        let wait = (FIRST_WAIT * 2_i32.pow(mail.tries.clamp(0, 10).unsigned_abs())).min(LONGEST_WAIT);
        let taken = Entity::update_many()
            .col_expr(Column::NextTry, (now + wait).into())
            .col_expr(Column::DateCreated, Ord::min(mail.date_created, now).into())
            .col_expr(Column::Tries, Expr::col(Column::Tries).add(1))
            .filter(Column::Id.eq(mail.id))
            .filter(Column::Tries.eq(mail.tries))
            .exec(pool)
            .await?;
        if taken.rows_affected == 1 {
            let service = service.clone();
            sending.spawn(async move { send(&service, mail).await });
        }
    }
    let taken_up = sending.len();
    while let Some(sent) = sending.join_next().await {
        match sent {
            Ok(Err(error)) => tracing::warn!(error = error.cause(), "a mail could not be prepared; it is tried again"),
            Err(error) => tracing::error!(%error, "sending a mail failed"),
            Ok(Ok(())) => {}
        }
    }
    Ok(taken_up)
}

async fn send(service: &Service, mail: Model) -> Result<(), Error> {
    let (id, kind) = (mail.id, mail.kind.clone());
    let count = |outcome| service.metrics.mail(known_name(&kind), outcome);
    if mail.date_created + GIVEN_UP <= service.clock.now() {
        tracing::error!(mail = %id, kind, tries = mail.tries, "a mail is given up");
        count("given_up");
        return remove(service, id).await;
    }
    let mail = sealed::open::<Entity>(&service.keys, mail)?;
    let Some(letter) = letter::write(service, &mail).await? else {
        // What it was about is gone, or was never there. Not logged: it would tell which addresses have an account.
        return remove(service, id).await;
    };
    match service.mailer.send(letter).await {
        Ok(()) => {
            tracing::debug!(mail = %id, kind, "sent");
            count("sent");
            remove(service, id).await
        }
        Err(reason) if reason.is_final() => {
            tracing::error!(mail = %id, kind, %reason, "a mail is given up");
            count("given_up");
            remove(service, id).await
        }
        Err(reason) => {
            tracing::warn!(mail = %id, kind, %reason, tries = mail.tries + 1, "a mail was not taken; it is tried again");
            count("not_taken");
            Ok(())
        }
    }
}

/// A kind as it is counted: what a row says that another release wrote is not ours to bound.
fn known_name(name: &str) -> &'static str {
    KINDS.iter().map(|(_, known)| *known).find(|known| *known == name).unwrap_or("other")
}

/// How many mails wait, and when the oldest of them was queued.
pub async fn waiting(service: &Service) -> Result<(i64, Option<DateTime<Utc>>), Error> {
    let pool = service.database.pool();
    let oldest = Entity::find().order_by_asc(Column::DateCreated).one(pool).await?.map(|mail| mail.date_created);
    let count = Entity::find().count(pool).await?;
    Ok((i64::try_from(count).unwrap_or(i64::MAX), oldest))
}

async fn remove(service: &Service, id: Uuid) -> Result<(), Error> {
    Entity::delete_by_id(id).exec(service.database.pool()).await?;
    Ok(())
}
