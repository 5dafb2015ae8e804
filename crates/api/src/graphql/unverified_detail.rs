//! Changing an address, and showing that it is one's own.

use async_graphql::{Context, Object};

use super::error::Result;
use super::request::Request;
use super::user::User;

/// Changing and verifying an address.
#[derive(Default)]
pub struct UnverifiedDetailMutation;

#[Object]
impl UnverifiedDetailMutation {
    /// Changes the viewer's address, and sends a link there. The address that they have verified stays until the new one is
    /// (`detail.pendingEmail`), and is told then; naming it again takes back a change that waits.
    async fn change_email(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The new address; at most 254 characters.")] email: String,
    ) -> Result<User> {
        let request = Request::that_writes(context);
        let viewer = request.viewer().await?;
        service::unverified_detail::change_email(&request.service, viewer, email, request.caller()).await?;
        Ok(User::of(viewer))
    }

    /// Sends the link to verify an address anew; the one before stops working. `CONFLICT` where no address waits.
    async fn resend_verification(&self, context: &Context<'_>) -> Result<bool> {
        let request = Request::that_writes(context);
        service::unverified_detail::resend(&request.service, request.viewer().await?, request.caller()).await?;
        Ok(true)
    }

    /// Shows that an address is the viewer's, with the token of the link that was sent there, within 24 hours. The viewer has to be
    /// signed in: a mistyped address belongs to a stranger, who gets the link as well. `CONFLICT` where another account
    /// has verified the address meanwhile.
    async fn verify_email(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What follows `#token=` in the link.")] token: String,
    ) -> Result<User> {
        let request = Request::that_writes(context);
        let viewer = request.viewer().await?;
        let user = service::unverified_detail::verify(&request.service, viewer, &token, request.caller()).await?;
        Ok(User::new(user, viewer.owner()))
    }
}
