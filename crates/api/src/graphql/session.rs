//! Sessions: what signing in gives, refreshing and ending it.

use async_graphql::{Context, Object, SimpleObject};
use chrono::{DateTime, Utc};
use service::Error;
use service::session::SignedIn;

use super::error::Result;
use super::request::{REFRESH_COOKIE, Request};
use super::user::User;

/// What somebody gets who signs in.
#[derive(SimpleObject)]
pub struct AuthPayload {
    /// Who it is.
    user: User,
    /// To send with each request, as `Authorization: Bearer …`; lasts 15 minutes.
    access_token: String,
    /// When the access token expires.
    access_token_expires: DateTime<Utc>,
    /// For the next access token; good once, within 30 days. Null for browsers, which get it as a cookie.
    refresh_token: Option<String>,
}

impl AuthPayload {
    /// Browsers (a request with an origin) get the refresh token as a cookie that no script reads; others get it here.
    pub fn new(context: &Context<'_>, signed_in: SignedIn) -> Self {
        let refresh_token = if Request::of(context).caller.is_browser {
            set_cookie(context, &signed_in.refresh_token, signed_in.refresh_lifetime.num_seconds());
            None
        } else {
            Some(signed_in.refresh_token)
        };
        Self {
            user: User::new(signed_in.user, signed_in.owner),
            access_token: signed_in.access_token,
            access_token_expires: signed_in.access_token_expires,
            refresh_token,
        }
    }
}

fn set_cookie(context: &Context<'_>, token: &str, seconds: i64) {
    let cookie = format!("{REFRESH_COOKIE}={token}; HttpOnly; Secure; SameSite=Strict; Path=/graphql; Max-Age={seconds}");
    context.append_http_header("set-cookie", cookie);
}

/// Refreshing and ending sessions.
#[derive(Default)]
pub struct SessionMutation;

#[Object]
impl SessionMutation {
    /// New tokens for a refresh token, which is spent by it. A refresh token that is used twice ends its session.
    async fn refresh_session(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The refresh token; the one of the cookie when left out.")] refresh_token: Option<String>,
    ) -> Result<AuthPayload> {
        let request = Request::that_writes(context);
        let token = refresh_token.as_ref().or(request.caller.refresh_cookie.as_ref());
        let token = token.ok_or(Error::Unauthenticated("There is no refresh token, neither given nor as a cookie: sign in."))?;
        let signed_in = service::session::refresh(&request.service, token).await?;
        Ok(AuthPayload::new(context, signed_in))
    }

    /// Ends the viewer's session: its tokens are good no more, on every instance, from now on.
    async fn sign_out(&self, context: &Context<'_>) -> Result<bool> {
        let request = Request::that_writes(context);
        service::session::sign_out(&request.service, request.viewer().await?).await?;
        request.sign_out();
        if request.caller.is_browser {
            set_cookie(context, "", 0);
        }
        Ok(true)
    }
}
