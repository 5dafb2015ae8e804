//! Signing in with a passkey: no name is asked, the device knows which passkeys it has.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entity::passkey_credential::{Column, Entity};
use entity::user;
use sea_orm::sea_query::LockType;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;
use webauthn_rs::prelude::{DiscoverableAuthentication, DiscoverableKey, PublicKeyCredential, WebauthnError};

use super::ceremony::{Challenge, Finish, NOT_ACCEPTED, Purpose, begin, not_accepted, public_key_options, take};
use super::record::passkey_of;
use crate::audit_log::{BY_PASSKEY, Entry};
use crate::caller::Caller;
use crate::mail::Event;
use crate::session::{self, SignedIn};
use crate::{Error, Service, brake, mail};

/// Begins signing in.
pub async fn start_sign_in(service: &Service, caller: &Caller) -> Result<Challenge, Error> {
    let (options, state) = service.passkeys.webauthn.start_discoverable_authentication().map_err(Error::internal)?;
    begin(service, Purpose::SignIn, None, public_key_options(&options)?, &state, caller).await
}

/// Finishes signing in. Wrong answers count against the caller, never against the account: nobody locks somebody else's passkey out.
pub async fn finish_sign_in(service: &Service, finish: Finish, caller: &Caller) -> Result<SignedIn, Error> {
    let (ceremony_id, answer, _) = finish.read()?;
    let network = caller.network();
    let tries = [(&brake::WRONG_PASSKEYS, network.as_str())];
    brake::take_all(service, &tries).await?;
    let signed_in = verify(service, ceremony_id, &answer, caller).await;
    if !matches!(signed_in, Err(Error::Unauthenticated(_))) {
        brake::give_back(service, &tries).await;
    }
    signed_in
}

async fn verify(service: &Service, ceremony_id: Uuid, answer: &PublicKeyCredential, caller: &Caller) -> Result<SignedIn, Error> {
    let webauthn = &service.passkeys.webauthn;
    let (_, state) = take::<DiscoverableAuthentication>(service, Purpose::SignIn, ceremony_id, None).await?;
    let (handle, credential_id) = webauthn.identify_discoverable_authentication(answer).map_err(|error| not_accepted(&error))?;
    let refused = || Error::Unauthenticated(NOT_ACCEPTED);

    let transaction = service.database.write().await?;
    // Locked, so that a passkey that is being removed, or an account that is being closed, is seen as it is in the end.
    let user = user::Entity::find()
        .filter(user::Column::WebauthnUserHandle.eq(handle))
        .filter(user::Column::IsActive.eq(true))
        .lock(LockType::NoKeyUpdate)
        .one(&transaction)
        .await?
        .ok_or_else(refused)?;
    let stored = Entity::find()
        .filter(Column::CredentialId.eq(URL_SAFE_NO_PAD.encode(credential_id)))
        .filter(Column::UserId.eq(user.id))
        .one(&transaction)
        .await?
        .ok_or_else(refused)?;
    let passkey = passkey_of(&stored)?;

    let result = match webauthn.finish_discoverable_authentication_v2(answer, state, DiscoverableKey::from(&passkey)) {
        Ok(result) => result,
        Err(error) => {
            tracing::warn!(passkey = stored.id, user = user.id, "a known passkey gave an answer that is not right");
            // Only once the signature was found right does the library look at the counter.
            if matches!(error, WebauthnError::CredentialPossibleCompromise) {
                mail::notify(service, &transaction, Event::PasskeySuspect, &user, caller.language()).await?;
                transaction.commit().await?;
            }
            return Err(not_accepted(&error));
        }
    };
    if !result.user_verified() {
        return Err(refused());
    }
    // Compare and set: of two answers of an authenticator that counts, made with the same counter, one at most gets in.
    let updated = Entity::update_many()
        .col_expr(Column::SignCount, i64::from(result.counter()).into())
        .col_expr(Column::BackupState, result.backup_state().into())
        .col_expr(Column::LastUsed, Some(service.clock.now()).into())
        .filter(Column::Id.eq(stored.id))
        .filter(Column::SignCount.eq(stored.sign_count))
        .exec(&transaction)
        .await?;
    if updated.rows_affected == 0 {
        return Err(refused());
    }
    let signed_in = session::open(service, &transaction, user, Entry::signed_in(BY_PASSKEY, caller), caller).await?;
    transaction.commit().await?;
    Ok(signed_in)
}
