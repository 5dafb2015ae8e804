//! Passkeys, and signing up and in with them.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use message::message;
use service::entity::passkey_credential::Model;
use service::entity::user;
use service::passkey::{Challenge, Finish, PasskeySignUp};
use service::{Error, Missing, Service};

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

    /// The credential's own id, base64url.
    async fn credential_id(&self) -> &str {
        &self.0.credential_id
    }

    /// What its owner calls it; at most 100 characters.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// `singleDevice`: it is lost with its device, so add a second one. `multiDevice`: it can be kept by the owner's other devices too;
    /// whether it is, `isBackedUp` says.
    async fn device_type(&self) -> Option<&str> {
        self.0.device_type.as_deref()
    }

    /// Whether it was kept elsewhere too when it was last used.
    async fn is_backed_up(&self) -> bool {
        self.0.backup_state
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

/// What a person's browser should know of their passkeys: what `PublicKeyCredential.signalAllAcceptedCredentials` takes, so that it
/// offers those alone that still sign in. To be asked for after adding or removing one.
#[derive(SimpleObject)]
pub struct PasskeySignal {
    /// The relying party's id.
    rp_id: String,
    /// The user handle, base64url.
    user_id: String,
    /// The ids of all their passkeys, base64url.
    all_accepted_credential_ids: Vec<String>,
}

impl PasskeySignal {
    /// Of this person, who has these passkeys.
    pub fn new(service: &Service, user: &user::Model, passkeys: &[Arc<Model>]) -> Self {
        Self {
            rp_id: service.passkeys.id().to_owned(),
            user_id: service::passkey::user_handle(user),
            all_accepted_credential_ids: passkeys.iter().map(|passkey| passkey.credential_id.clone()).collect(),
        }
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
    /// As the service takes it.
    pub fn read(self) -> Result<Finish> {
        let ceremony_id =
            self.ceremony_id.parse().map_err(|_| Error::invalid("/ceremonyId", message!("is not the id of a ceremony.")))?;
        Ok(Finish { ceremony_id, credential: self.credential.into_value(), name: self.name })
    }
}

/// Signing up and in with passkeys, and looking after them.
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
        Ok(service::passkey::start_sign_up(&request.service, person, request.caller()).await?.into())
    }

    /// Finishes signing up with a passkey: makes the account, and signs in.
    async fn finish_passkey_sign_up(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The device's answer.")] input: FinishPasskeyInput,
    ) -> Result<AuthPayload> {
        let request = Request::that_writes(context);
        let signed_in = service::passkey::finish_sign_up(&request.service, input.read()?, request.caller()).await;
        AuthPayload::of(context, "sign_up_passkey", signed_in)
    }

    /// Begins signing in with a passkey. No name is asked: the device knows its passkeys.
    async fn start_passkey_sign_in(&self, context: &Context<'_>) -> Result<PasskeyChallenge> {
        let request = Request::that_writes(context);
        Ok(service::passkey::start_sign_in(&request.service, request.caller()).await?.into())
    }

    /// Finishes signing in with a passkey.
    async fn finish_passkey_sign_in(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The device's answer.")] input: FinishPasskeyInput,
    ) -> Result<AuthPayload> {
        let request = Request::that_writes(context);
        let signed_in = service::passkey::finish_sign_in(&request.service, input.read()?, request.caller()).await;
        AuthPayload::of(context, "passkey", signed_in)
    }

    /// Begins adding a passkey to the viewer's account. A device that has one of theirs already says so (`excludeCredentials`).
    async fn start_passkey_add(&self, context: &Context<'_>) -> Result<PasskeyChallenge> {
        let request = Request::that_writes(context);
        let viewer = request.viewer().await?;
        Ok(service::passkey::start_add(&request.service, viewer, request.caller()).await?.into())
    }

    /// Finishes adding a passkey. `CONFLICT` where there are twenty already, or where it has an account.
    async fn finish_passkey_add(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The device's answer.")] input: FinishPasskeyInput,
    ) -> Result<PasskeyCredential> {
        let request = Request::that_writes(context);
        let viewer = request.viewer().await?;
        let finished = service::passkey::finish_add(&request.service, viewer, input.read()?, request.caller()).await?;
        Ok(PasskeyCredential(Arc::new(finished)))
    }

    /// Calls one of the viewer's passkeys something else.
    async fn rename_passkey(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Of the passkey.")] id: ID,
        #[graphql(desc = "1 to 100 characters.")] name: String,
    ) -> Result<PasskeyCredential> {
        let request = Request::that_writes(context);
        let viewer = request.viewer().await?;
        let passkey = id::row(&id, "PasskeyCredential", Missing::Passkey)?;
        Ok(PasskeyCredential(Arc::new(service::passkey::rename(&request.service, viewer, passkey, name).await?)))
    }

    /// Removes one of the viewer's passkeys. `CONFLICT` for their last way in: the last passkey goes only where a verified address
    /// and a password stay.
    async fn remove_passkey(&self, context: &Context<'_>, #[graphql(desc = "Of the passkey.")] id: ID) -> Result<bool> {
        let request = Request::that_writes(context);
        let viewer = request.viewer().await?;
        let passkey = id::row(&id, "PasskeyCredential", Missing::Passkey)?;
        service::passkey::remove(&request.service, viewer, passkey, request.caller()).await?;
        Ok(true)
    }
}
