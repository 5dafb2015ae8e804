//! Sessions: what signing in gives, refreshing and ending it.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use message::message;
use service::entity::session::Model;
use service::session::SignedIn;
use service::{Error, Missing};

use super::error::Result;
use super::id;
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
    /// For the next access token; good once, within 30 days. Null for browsers (requests with an
    /// `Origin`), which get it as a cookie.
    refresh_token: Option<String>,
}

impl AuthPayload {
    /// What came of a try to sign in, which is counted under this kind.
    pub fn of(context: &Context<'_>, kind: &'static str, signed_in: std::result::Result<SignedIn, Error>) -> Result<Self> {
        Request::of(context).service.metrics.sign_in(kind, &signed_in);
        Ok(Self::new(context, signed_in?))
    }

    /// Browsers (a request with an origin) get the refresh token as a cookie that no script reads; others get it here.
    fn new(context: &Context<'_>, signed_in: SignedIn) -> Self {
        Request::of(context).sign_in(signed_in.session_id);
        let refresh_token = if Request::of(context).sender.is_browser {
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

/// A signed-in device. Only its owner sees it.
pub struct Session(pub Arc<Model>);

/// A signed-in device. Only its owner sees it.
#[Object]
impl Session {
    /// Global id.
    async fn id(&self) -> ID {
        id::global("Session", self.0.id)
    }

    /// The client's own words (`User-Agent`), cut to 200 characters.
    async fn device(&self) -> &str {
        &self.0.device
    }

    /// When it signed in.
    async fn date_created(&self) -> DateTime<Utc> {
        self.0.date_created
    }

    /// When it last signed in or refreshed, which a client that is used does every 15 minutes.
    async fn last_seen(&self) -> DateTime<Utc> {
        self.0.last_seen
    }

    /// Whether it is the one that asks, or that was opened just now.
    async fn is_current(&self, context: &Context<'_>) -> Result<bool> {
        Ok(Request::of(context).session().await? == Some(self.0.id))
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
    /// New tokens for a refresh token, which is spent by it. A refresh token that is used twice ends its session; but the client
    /// that spent it (the same `User-Agent`) may send it again for 30 seconds, in case it lost the answer, and gets the same one.
    async fn refresh_session(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The refresh token; the one of the cookie when left out.")] refresh_token: Option<String>,
    ) -> Result<AuthPayload> {
        let request = Request::that_writes(context);
        let token = refresh_token.as_ref().or(request.sender.refresh_cookie.as_ref());
        let token = token
            .ok_or(Error::Unauthenticated(message!("There is no refresh token, neither given nor as a cookie: sign in.")))?;
        let signed_in = service::session::refresh(&request.service, token, request.caller()).await;
        AuthPayload::of(context, "refresh", signed_in)
    }

    /// Ends the viewer's session: its tokens are good no more, on every instance, from now on.
    async fn sign_out(&self, context: &Context<'_>) -> Result<bool> {
        let request = Request::that_writes(context);
        service::session::sign_out(&request.service, request.viewer().await?).await?;
        signed_out(context);
        Ok(true)
    }

    /// Ends all of the viewer's sessions, this one too, and gives how many there were.
    async fn sign_out_everywhere(&self, context: &Context<'_>) -> Result<u64> {
        let request = Request::that_writes(context);
        let ended = service::session::sign_out_everywhere(&request.service, request.viewer().await?).await?;
        signed_out(context);
        Ok(ended)
    }

    /// Ends one of the viewer's sessions.
    async fn revoke_session(&self, context: &Context<'_>, #[graphql(desc = "Of the session.")] id: ID) -> Result<bool> {
        let request = Request::that_writes(context);
        let viewer = request.viewer().await?;
        let session = id::row(&id, "Session", Missing::Session)?;
        service::session::end(&request.service, viewer, session).await?;
        if session == viewer.claims().sid {
            signed_out(context);
        }
        Ok(true)
    }
}

/// The session of this request has ended: a browser forgets its cookie.
pub fn signed_out(context: &Context<'_>) {
    let request = Request::of(context);
    request.sign_out();
    if request.sender.is_browser {
        set_cookie(context, "", 0);
    }
}
