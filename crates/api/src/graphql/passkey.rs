//! Passkeys, and signing up and in with them.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use service::entity::passkey_credential::Model;
use service::passkey::{Challenge, PasskeySignUp};
use service::{Error, Uuid};

use super::error::Result;
use super::id;
use super::json::Json;
use super::request::Request;
use super::session::AuthPayload;

/// A passkey.
pub struct PasskeyCredential(pub Arc<Model>);

/// A passkey: a public key credential of WebAuthn. Only its owner sees it.
#[Object]
impl PasskeyCredential {
    /// Global id.
    async fn id(&self) -> ID {
        id::global("PasskeyCredential", self.0.id)
    }

    /// What its owner calls it; at most 100 characters.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// `singleDevice`: it is lost with its device, so add a second one. `multiDevice`: it is kept by the owner's other devices too.
    async fn device_type(&self) -> Option<&str> {
        self.0.device_type.as_deref()
    }

    /// When it was added.
    async fn date_created(&self) -> DateTime<Utc> {
        self.0.date_created
    }

    /// When it last signed in; null before the first time.
    async fn last_used(&self) -> Option<DateTime<Utc>> {
        self.0.last_used
    }
}

/// A WebAuthn ceremony that has begun.
#[derive(SimpleObject)]
pub struct PasskeyChallenge {
    /// To hand back when it is finished.
    ceremony_id: ID,
    /// What the browser's `PublicKeyCredential.parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON` takes.
    options: Json,
    /// When it ends: five minutes after it began.
    expires: DateTime<Utc>,
}

impl From<Challenge> for PasskeyChallenge {
    fn from(challenge: Challenge) -> Self {
        Self { ceremony_id: challenge.ceremony_id.into(), options: challenge.options.into(), expires: challenge.expires }
    }
}

/// Who signs up, as far as they say. It waits with the challenge, five minutes at most; there is no account until it is finished.
#[derive(InputObject, Default)]
pub struct PasskeySignUpInput {
    /// For display; unique, at most 64 characters. Devices show it beside the passkey.
    username: Option<String>,
    /// At most 100 characters.
    first_name: Option<String>,
    /// At most 100 characters.
    last_name: Option<String>,
    /// In years, 0 to 150.
    age: Option<i32>,
}

/// The end of a ceremony.
#[derive(InputObject)]
pub struct FinishPasskeyInput {
    /// Of the challenge.
    ceremony_id: ID,
    /// What `toJSON()` of the browser's `PublicKeyCredential` gives.
    credential: Json,
    /// What to call a new passkey; at most 100 characters. "Passkey" when left out.
    name: Option<String>,
}

impl FinishPasskeyInput {
    fn ceremony(&self) -> Result<Uuid> {
        Ok(self.ceremony_id.parse().map_err(|_| Error::invalid("/ceremonyId", "is not the id of a ceremony."))?)
    }
}

/// Signing up and in with passkeys.
#[derive(Default)]
pub struct PasskeyMutation;

#[Object]
impl PasskeyMutation {
    /// Begins signing up with a passkey.
    async fn start_passkey_sign_up(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Who signs up, as far as they say.")] input: Option<PasskeySignUpInput>,
    ) -> Result<PasskeyChallenge> {
        let request = Request::that_writes(context);
        let PasskeySignUpInput { username, first_name, last_name, age } = input.unwrap_or_default();
        let person = PasskeySignUp { username, first_name, last_name, age };
        Ok(service::passkey::start_sign_up(&request.service, person).await?.into())
    }

    /// Finishes signing up with a passkey: makes the account, and signs in.
    async fn finish_passkey_sign_up(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The device's answer.")] input: FinishPasskeyInput,
    ) -> Result<AuthPayload> {
        let request = Request::that_writes(context);
        let ceremony = input.ceremony()?;
        let credential = input.credential.into_value();
        let signed_in =
            service::passkey::finish_sign_up(&request.service, ceremony, credential, input.name, &request.caller.device).await?;
        Ok(AuthPayload::new(context, signed_in))
    }

    /// Begins signing in with a passkey. No name is asked: the device knows its passkeys.
    async fn start_passkey_sign_in(&self, context: &Context<'_>) -> Result<PasskeyChallenge> {
        let request = Request::that_writes(context);
        Ok(service::passkey::start_sign_in(&request.service).await?.into())
    }

    /// Finishes signing in with a passkey.
    async fn finish_passkey_sign_in(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The device's answer.")] input: FinishPasskeyInput,
    ) -> Result<AuthPayload> {
        let request = Request::that_writes(context);
        let ceremony = input.ceremony()?;
        let credential = input.credential.into_value();
        let signed_in = service::passkey::finish_sign_in(&request.service, ceremony, credential, &request.caller.device).await?;
        Ok(AuthPayload::new(context, signed_in))
    }
}
