//! Passkeys: the registration and authentication ceremonies of WebAuthn (Level 3), for discoverable credentials.
//!
//! `webauthn-rs` checks an answer against a challenge; what it leaves to its caller is in [`ceremony`]: a challenge is kept by the
//! server, used once, for the purpose and the person it was made for, within five minutes.
//!
//! To add a ceremony: a [`Purpose`], and a file with its `start` and `finish`.

mod add;
mod ceremony;
mod record;
mod sign_in;
mod sign_up;

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entity::passkey_credential::{ActiveModel, Column, Entity, Model};
use entity::user;
use message::message;
use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, ModelTrait, QueryFilter, QueryOrder};
use url::Url;
use webauthn_rs::prelude::{Webauthn, WebauthnBuilder, WebauthnError};

pub use add::{finish_add, start_add};
pub use ceremony::{Challenge, Finish};
pub(crate) use ceremony::{Purpose, Registration, begin, finish_registration, forget_ceremonies, start_registration_of, take};
pub(crate) use record::add;
pub use sign_in::{finish_sign_in, start_sign_in};
pub use sign_up::{PasskeySignUp, finish_sign_up, start_sign_up};

use crate::audit_log::{self, Entry, Kind};
use crate::caller::Caller;
use crate::mail::Event;
use crate::text::Checks;
use crate::viewer::{Oneself, Viewer, by_oneself};
use crate::{Error, Missing, Service, mail, user as people, user_detail};

const RELYING_PARTY_NAME: &str = "Autrement Capable";
const NAME_LENGTH: usize = 100;

/// The relying party: for which origins passkeys are made.
pub struct RelyingParty {
    webauthn: Webauthn,
    id: String,
}

impl RelyingParty {
    /// For the origin that browsers see, and for those of the others that are under `id`: its host, or a domain above it. The id
    /// stays: passkeys made for another do not work.
    pub fn new(id: &str, origin: &Url, others: &[Url]) -> Result<Self, WebauthnError> {
        let builder = WebauthnBuilder::new(id, origin)?.rp_name(RELYING_PARTY_NAME).allow_subdomains(false).allow_any_port(false);
        let is_under = |url: &&Url| url.domain().is_some_and(|host| host == id || host.ends_with(&format!(".{id}")));
        let builder = others.iter().filter(is_under).fold(builder, WebauthnBuilder::append_allowed_origin);
        Ok(Self { webauthn: builder.build()?, id: id.to_owned() })
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// The user handle as browsers have it, base64url.
#[must_use]
pub fn user_handle(user: &user::Model) -> String {
    URL_SAFE_NO_PAD.encode(user.webauthn_user_handle.as_bytes())
}

/// Each of these people's own passkeys, the oldest first.
pub async fn of_oneself(service: &Service, people: &[Oneself]) -> Result<HashMap<Oneself, Vec<Arc<Model>>>, Error> {
    let rows = Entity::find()
        .filter(service.database.is_any(Column::UserId, &Oneself::user_ids(people)))
        .order_by_asc(Column::Id)
        .all(service.database.pool())
        .await?;
    Ok(by_oneself(people, rows, |row| row.user_id))
}

/// Calls one of the viewer's passkeys something else.
pub async fn rename(service: &Service, viewer: &Viewer, id: i64, name: String) -> Result<Model, Error> {
    let mut checks = Checks::default();
    checks.text("/name", &name, NAME_LENGTH);
    checks.finish()?;
    let transaction = service.database.write().await?;
    people::lock_viewer(&transaction, viewer).await?;
    let theirs = Entity::find_by_id(id).filter(Column::UserId.eq(viewer.user().id)).one(&transaction).await?;
    let mut row: ActiveModel = theirs.ok_or(Error::NotFound(Missing::Passkey))?.into();
    row.name = Set(name);
    let row = row.update(&transaction).await?;
    transaction.commit().await?;
    Ok(row)
}

/// Removes one of the viewer's passkeys; never their last way in.
pub async fn remove(service: &Service, viewer: &Viewer, id: i64, caller: &Caller) -> Result<(), Error> {
    let transaction = service.database.write().await?;
    let user = people::lock_viewer(&transaction, viewer).await?;
    let theirs = Entity::find().filter(Column::UserId.eq(user.id)).all(&transaction).await?;
    let (removed, kept): (Vec<_>, Vec<_>) = theirs.into_iter().partition(|passkey| passkey.id == id);
    let removed = removed.into_iter().next().ok_or(Error::NotFound(Missing::Passkey))?;
    let known = user_detail::credentials(service, &transaction, user.id).await?;
    if kept.is_empty() && !known.is_way_in() {
        return Err(Error::conflict(message!(
            "This passkey is your last way in. Add another one first, or verify your address and set a password."
        )));
    }
    removed.delete(&transaction).await?;
    audit_log::record(service, &transaction, user.id, Entry::by_person(Kind::PasskeyRemoved, caller)).await?;
    mail::notify(service, &transaction, Event::PasskeyRemoved, &user, caller.language()).await?;
    let mut user: user::ActiveModel = user.into();
    user.is_passkey = Set(!kept.is_empty());
    user.update(&transaction).await?;
    Ok(transaction.commit().await?)
}
