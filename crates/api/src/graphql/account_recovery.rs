//! Getting back into an account by mail.

use async_graphql::{Context, Object};

use super::error::Result;
use super::passkey::{FinishPasskeyInput, PasskeyChallenge};
use super::request::Request;
use super::session::AuthPayload;

/// Getting back into an account by mail.
#[derive(Default)]
pub struct AccountRecoveryMutation;

#[Object]
impl AccountRecoveryMutation {
    /// Asks for a link back into the account of this address; it works once, for 30 minutes. True in any case, and in the same time:
    /// whether somebody has verified the address is not told.
    async fn request_account_recovery(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The address of the account.")] email: String,
    ) -> Result<bool> {
        let request = Request::that_writes(context);
        service::account_recovery::request(&request.service, email, request.caller()).await?;
        Ok(true)
    }

    /// Sets a new password with the token of a link, and signs in. Every device that was signed in is not any more; passkeys stay:
    /// show them (`user.passkeys`), so that those that are not known can be removed.
    async fn reset_password(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What follows `#token=` in the link.")] token: String,
        #[graphql(desc = "8 to 1,024 characters, not one of the most common ones nor the address.")] password: String,
    ) -> Result<AuthPayload> {
        let request = Request::that_writes(context);
        let signed_in = service::account_recovery::reset_password(&request.service, &token, password, request.caller()).await;
        AuthPayload::of(context, "recovery_password", signed_in)
    }

    /// Begins adding a passkey with the token of a link. The token is used when it is finished.
    async fn start_passkey_recovery(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What follows `#token=` in the link.")] token: String,
    ) -> Result<PasskeyChallenge> {
        let request = Request::that_writes(context);
        Ok(service::account_recovery::start_passkey(&request.service, &token, request.caller()).await?.into())
    }

    /// Finishes adding a passkey with the token of a link, and signs in. Every device that was signed in is not any more.
    async fn finish_passkey_recovery(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The device's answer.")] input: FinishPasskeyInput,
    ) -> Result<AuthPayload> {
        let request = Request::that_writes(context);
        let signed_in = service::account_recovery::finish_passkey(&request.service, input.read()?, request.caller()).await;
        AuthPayload::of(context, "recovery_passkey", signed_in)
    }
}
