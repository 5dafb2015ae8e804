//! Sessions: a signed-in device, its access and its refresh tokens.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{revoked_token, session, user};
use sea_orm::ActiveValue::Set;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, ModelTrait, QueryFilter, QuerySelect, TryInsertResult,
};
use uuid::Uuid;

use crate::random;
use crate::token::{Claims, Use};
use crate::viewer::{Owner, Viewer};
use crate::{Error, Service};

const SIGN_IN_AGAIN: &str = "The refresh token is not good (any more): sign in again.";
const DEVICE_LENGTH: usize = 200;

/// What somebody gets who has just signed in.
#[derive(Debug)]
pub struct SignedIn {
    /// Who it is.
    pub user: user::Model,
    /// Proof of it.
    pub owner: Owner,
    /// For each request; 15 minutes.
    pub access_token: String,
    /// When the access token expires, UTC.
    pub access_token_expires: DateTime<Utc>,
    /// For the next access token; good once, for 30 days.
    pub refresh_token: String,
    /// How long the refresh token lasts.
    pub refresh_lifetime: TimeDelta,
}

/// Begins a session for somebody who has just proved who they are, in the transaction that saw the proof.
pub(crate) async fn open(
    service: &Service,
    connection: &impl ConnectionTrait,
    user: user::Model,
    device: &str,
) -> Result<SignedIn, Error> {
    let now = service.clock.now();
    let mut user: user::ActiveModel = user.into();
    user.last_login = Set(Some(now));
    let user = user.update(connection).await?;
    let id = random::uuid(&*service.random)?;
    let (signed_in, refresh) = sign(service, user, id, now)?;
    let row = session::ActiveModel {
        id: Set(id),
        user_id: Set(signed_in.user.id),
        device: Set(device.chars().filter(|c| !c.is_control()).take(DEVICE_LENGTH).collect()),
        date_created: Set(now),
        last_seen: Set(now),
        refresh_jti: Set(refresh.to_string()),
        expires: Set(now + Use::Refresh.lifetime()),
    };
    session::Entity::insert(row).exec_without_returning(connection).await?;
    Ok(signed_in)
}

fn sign(service: &Service, user: user::Model, sid: Uuid, now: DateTime<Utc>) -> Result<(SignedIn, Uuid), Error> {
    let token = |token_use: Use| {
        let expires = now + token_use.lifetime();
        let claims = Claims { sub: user.id, sid, jti: random::uuid(&*service.random)?, exp: expires.timestamp() };
        Ok::<_, Error>((service.tokens.sign(token_use, &claims, now)?, claims.jti, expires))
    };
    let (access_token, _, access_token_expires) = token(Use::Access)?;
    let (refresh_token, refresh_jti, _) = token(Use::Refresh)?;
    let owner = Owner::proved(&user);
    let refresh_lifetime = Use::Refresh.lifetime();
    Ok((SignedIn { user, owner, access_token, access_token_expires, refresh_token, refresh_lifetime }, refresh_jti))
}

/// New tokens for a refresh token, which is spent by it. A token that is spent already ends its whole session: two parties have it.
pub async fn refresh(service: &Service, refresh_token: &str) -> Result<SignedIn, Error> {
    let now = service.clock.now();
    let refused = || Error::Unauthenticated(SIGN_IN_AGAIN);
    let claims = service.tokens.verify(Use::Refresh, refresh_token, now).ok_or_else(refused)?;
    let transaction = service.database.write().await?;
    let first_use = revoke(&transaction, Use::Refresh, claims.jti.to_string(), claims.exp, now).await?;
    let session = session::Entity::find_by_id(claims.sid)
        .filter(session::Column::UserId.eq(claims.sub))
        .lock_exclusive()
        .one(&transaction)
        .await?;
    let user = user::Entity::find_by_id(claims.sub).filter(user::Column::IsActive.eq(true)).one(&transaction).await?;
    let (Some(session), Some(user)) = (session, user) else {
        return Err(refused());
    };
    if !first_use || session.refresh_jti != claims.jti.to_string() {
        tracing::warn!(session = %session.id, "a refresh token was used twice: its session is ended");
        session.delete(&transaction).await?;
        transaction.commit().await?;
        return Err(refused());
    }
    let (signed_in, next) = sign(service, user, session.id, now)?;
    let mut session: session::ActiveModel = session.into();
    session.last_seen = Set(now);
    session.refresh_jti = Set(next.to_string());
    session.expires = Set(now + Use::Refresh.lifetime());
    session.update(&transaction).await?;
    transaction.commit().await?;
    Ok(signed_in)
}

/// Ends the viewer's session: the access token that asks and the session's refresh token are revoked, the session is gone.
pub async fn sign_out(service: &Service, viewer: &Viewer) -> Result<(), Error> {
    let claims = viewer.claims();
    let now = service.clock.now();
    let transaction = service.database.write().await?;
    revoke(&transaction, Use::Access, claims.jti.to_string(), claims.exp, now).await?;
    if let Some(session) = session::Entity::find_by_id(claims.sid).one(&transaction).await? {
        revoke(&transaction, Use::Refresh, session.refresh_jti.clone(), session.expires.timestamp(), now).await?;
        session.delete(&transaction).await?;
    }
    Ok(transaction.commit().await?)
}

/// Puts a token on the list of those that ended before their time; false when it stood there already.
async fn revoke(
    connection: &impl ConnectionTrait,
    token: Use,
    jti: String,
    expires: i64,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let row = revoked_token::ActiveModel {
        jti: Set(jti),
        date_revoked: Set(now),
        data_expires: Set(DateTime::from_timestamp(expires, 0).unwrap_or(now)),
        kind: Set(token.name().to_owned()),
    };
    let inserted = revoked_token::Entity::insert(row)
        .on_conflict_do_nothing_on([revoked_token::Column::Jti])
        .exec_without_returning(connection)
        .await?;
    Ok(matches!(inserted, TryInsertResult::Inserted(1..)))
}
