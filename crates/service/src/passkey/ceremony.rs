//! Ceremonies under way. They are in the database: any instance finishes what another began.

use chrono::{DateTime, TimeDelta, Utc};
use entity::passkey_credential as stored;
use entity::{JsonText, ceremony, user};
use message::{Message, message};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, SqlErr};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;
use webauthn_rs::prelude::{CredentialID, Passkey, PasskeyRegistration, RegisterPublicKeyCredential, WebauthnError};

use super::record::credential_id;
use super::{NAME_LENGTH, RELYING_PARTY_NAME};
use crate::caller::Caller;
use crate::text::Checks;
use crate::{Error, Service, brake, random, sealed, user_detail};

const LIFETIME: TimeDelta = TimeDelta::minutes(5);

const CHALLENGE_GONE: Message = message!("The ceremony is over: it was used, or five minutes have passed. Begin it again.");
pub(super) const NOT_ACCEPTED: Message = message!("The passkey's answer was not accepted. Begin the ceremony again.");

/// What a ceremony is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    SignUp,
    SignIn,
    Add,
    Recovery,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::SignUp => "sign_up",
            Self::SignIn => "sign_in",
            Self::Add => "add",
            Self::Recovery => "recovery",
        }
    }
}

/// A ceremony that has begun.
#[derive(Debug)]
pub struct Challenge {
    /// To hand back when it is finished.
    pub ceremony_id: Uuid,
    /// What `PublicKeyCredential.parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON` takes.
    pub options: Value,
    /// When it ends, UTC.
    pub expires: DateTime<Utc>,
}

/// The end of a ceremony, as a client gives it.
#[derive(Debug)]
pub struct Finish {
    /// Of the challenge.
    pub ceremony_id: Uuid,
    /// What `toJSON()` of the browser's `PublicKeyCredential` gives.
    pub credential: Value,
    /// What a new passkey is to be called.
    pub name: Option<String>,
}

impl Finish {
    /// The ceremony, the browser's answer and the name, if all is of the right form.
    pub(crate) fn read<C: DeserializeOwned>(self) -> Result<(Uuid, C, Option<String>), Error> {
        let mut checks = Checks::default();
        checks.optional("/name", self.name.as_ref(), NAME_LENGTH);
        checks.finish()?;
        let answer = serde_json::from_value(self.credential).map_err(|_| {
            Error::invalid("/credential", message!("is not what toJSON() of the browser's PublicKeyCredential gives."))
        })?;
        Ok((self.ceremony_id, answer, self.name))
    }
}

/// A registration that has begun: the library's state.
#[derive(Serialize, Deserialize)]
pub(crate) struct Registration(PasskeyRegistration);

/// Browsers take what is inside `publicKey`; `mediation` is the page's to choose.
pub(super) fn public_key_options(options: &impl Serialize) -> Result<Value, Error> {
    let mut options = serde_json::to_value(options).map_err(Error::internal)?;
    Ok(options["publicKey"].take())
}

/// Begins the registration of a passkey that devices show under this name.
pub(super) fn start_registration(
    service: &Service,
    handle: Uuid,
    name: Option<&str>,
    exclude: Vec<CredentialID>,
) -> Result<(Value, Registration), Error> {
    let name = name.unwrap_or(RELYING_PARTY_NAME);
    let exclude = Some(exclude).filter(|ids| !ids.is_empty());
    let (options, registration) =
        service.passkeys.webauthn.start_passkey_registration(handle, name, name, exclude).map_err(Error::internal)?;
    let mut options = public_key_options(&options)?;
    // The library asks for keys that need a name to sign in with; ours are found by the device.
    let selection = &mut options["authenticatorSelection"];
    selection["residentKey"] = json!("required");
    selection["requireResidentKey"] = json!(true);
    Ok((options, Registration(registration)))
}

/// Begins the registration of a further passkey: a device that has one of them already says so.
pub(crate) async fn start_registration_of(service: &Service, user: &user::Model) -> Result<(Value, Registration), Error> {
    let pool = service.database.pool();
    let known = stored::Entity::find().filter(stored::Column::UserId.eq(user.id)).all(pool).await?;
    let exclude = known.iter().map(credential_id).collect::<Result<_, _>>()?;
    let first_name = user_detail::first_name(service, pool, user.id).await?;
    let name = user.username.as_deref().or(first_name.as_deref());
    start_registration(service, user.webauthn_user_handle, name, exclude)
}

/// The passkey that a registration has made.
pub(crate) fn finish_registration(
    service: &Service,
    answer: &RegisterPublicKeyCredential,
    registration: &Registration,
) -> Result<Passkey, Error> {
    // Where the browser does not say, it is as we asked for.
    if answer.extensions.cred_props.as_ref().and_then(|properties| properties.rk) == Some(false) {
        return Err(Error::invalid(
            "/credential",
            message!(
                "is a passkey that its device does not keep (credProps.rk is false): it could not sign in. Choose another device."
            ),
        ));
    }
    service.passkeys.webauthn.finish_passkey_registration(answer, &registration.0).map_err(|error| not_accepted(&error))
}

/// Begins a ceremony of a person, or of somebody who is not known yet.
pub(crate) async fn begin(
    service: &Service,
    purpose: Purpose,
    user_id: Option<i64>,
    options: Value,
    state: &impl Serialize,
    caller: &Caller,
) -> Result<Challenge, Error> {
    brake::take(service, &brake::CEREMONIES, &caller.network()).await?;
    let ceremony_id = random::uuid(&*service.random)?;
    let expires = service.clock.now() + LIFETIME;
    let mut row = ceremony::ActiveModel {
        id: Set(ceremony_id),
        purpose: Set(purpose.name().to_owned()),
        user_id: Set(user_id),
        state: Set(JsonText::from_json(serde_json::to_string(state).map_err(Error::internal)?)),
        expires: Set(expires),
    };
    sealed::seal::<ceremony::Entity>(service, &mut row, &ceremony_id.to_string())?;
    let begun = ceremony::Entity::insert(row).exec_without_returning(service.database.pool()).await;
    begun.map_err(|error| match error.sql_err() {
        // Deleted at this moment.
        Some(SqlErr::ForeignKeyConstraintViolation(_)) => crate::user::ACCOUNT_GONE,
        _ => error.into(),
    })?;
    Ok(Challenge { ceremony_id, options, expires })
}

/// Takes a ceremony's state out, whatever comes of it: it is used once, for its purpose, by the person it was made for.
pub(crate) async fn take<S: DeserializeOwned>(
    service: &Service,
    purpose: Purpose,
    ceremony_id: Uuid,
    user_id: Option<i64>,
) -> Result<(Option<i64>, S), Error> {
    let mut theirs = ceremony::Entity::delete_many()
        .filter(ceremony::Column::Id.eq(ceremony_id))
        .filter(ceremony::Column::Purpose.eq(purpose.name()))
        .filter(ceremony::Column::Expires.gt(service.clock.now()));
    if let Some(user_id) = user_id {
        theirs = theirs.filter(ceremony::Column::UserId.eq(user_id));
    }
    let taken = theirs.exec_with_returning(service.database.pool()).await?;
    let row = taken.into_iter().next().ok_or(Error::Unauthenticated(CHALLENGE_GONE))?;
    let row = sealed::open::<ceremony::Entity>(&service.keys, row)?;
    Ok((row.user_id, serde_json::from_str(row.state.as_str()).map_err(Error::internal)?))
}

/// Ends what is under way for a person.
pub(crate) async fn forget_ceremonies(connection: &impl ConnectionTrait, user_id: i64) -> Result<(), Error> {
    ceremony::Entity::delete_many().filter(ceremony::Column::UserId.eq(user_id)).exec(connection).await?;
    Ok(())
}

pub(super) fn not_accepted(error: &WebauthnError) -> Error {
    tracing::warn!(reason = %error, "a passkey's answer was refused");
    Error::Unauthenticated(NOT_ACCEPTED)
}
