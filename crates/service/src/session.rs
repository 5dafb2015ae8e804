//! Sessions: a signed-in device, its access and its refresh tokens.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use entity::{revoked_token, session, user};
use message::{Message, message};
use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, ModelTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::audit_log::Entry;
use crate::caller::Caller;
use crate::random;
use crate::token::{Claims, Use};
use crate::viewer::{Oneself, Owner, Viewer, by_oneself};
use crate::{Error, Missing, Service, audit_log, user as people};

const SIGN_IN_AGAIN: Message = message!("The refresh token is not good (any more): sign in again.");
const DEVICE_LENGTH: usize = 200;
/// How long a client that lost the answer may send the token again that it has just spent.
const RETRY: TimeDelta = TimeDelta::seconds(30);

/// What somebody gets who has just signed in.
#[derive(Debug)]
pub struct SignedIn {
    /// Who it is.
    pub user: user::Model,
    /// Proof of it.
    pub owner: Owner,
    /// The session that they have now.
    pub session_id: Uuid,
    /// For each request; 15 minutes.
    pub access_token: String,
    /// When the access token expires, UTC.
    pub access_token_expires: DateTime<Utc>,
    /// For the next access token; good once, for 30 days.
    pub refresh_token: String,
    /// How long the refresh token lasts.
    pub refresh_lifetime: TimeDelta,
}

/// Begins a session for somebody who has just proved who they are, in the transaction that saw the proof. `entry` says how they did.
pub(crate) async fn open(
    service: &Service,
    connection: &impl ConnectionTrait,
    user: user::Model,
    entry: Entry<'_>,
    caller: &Caller,
) -> Result<SignedIn, Error> {
    audit_log::record(service, connection, user.id, entry).await?;
    let now = service.clock.now();
    let mut user: user::ActiveModel = user.into();
    user.last_login = Set(Some(now));
    let user = user.update(connection).await?;
    let id = random::uuid(&*service.random)?;
    let refresh = RefreshToken { jti: random::uuid(&*service.random)?, expires: now + Use::Refresh.lifetime() };
    let signed_in = sign(service, user, id, &refresh, now)?;
    let row = session::ActiveModel {
        id: Set(id),
        user_id: Set(signed_in.user.id),
        device: Set(device(caller)),
        date_created: Set(now),
        last_seen: Set(now),
        refresh_jti: Set(refresh.jti.to_string()),
        expires: Set(refresh.expires),
        previous_refresh_jti: Set(None),
        date_refreshed: Set(None),
    };
    session::Entity::insert(row).exec_without_returning(connection).await?;
    Ok(signed_in)
}

/// The client's own words, as they are kept.
fn device(caller: &Caller) -> String {
    caller.device.chars().filter(|c| !c.is_control()).take(DEVICE_LENGTH).collect()
}

struct RefreshToken {
    jti: Uuid,
    expires: DateTime<Utc>,
}

fn sign(service: &Service, user: user::Model, sid: Uuid, refresh: &RefreshToken, now: DateTime<Utc>) -> Result<SignedIn, Error> {
    let token = |token_use: Use, jti: Uuid, expires: DateTime<Utc>| {
        let claims = Claims { sub: user.id, sid, jti, exp: expires.timestamp() };
        service.tokens.sign(token_use, &claims, now)
    };
    let access_token_expires = now + Use::Access.lifetime();
    let access_token = token(Use::Access, random::uuid(&*service.random)?, access_token_expires)?;
    let refresh_token = token(Use::Refresh, refresh.jti, refresh.expires)?;
    let owner = Owner::proved(&user);
    Ok(SignedIn {
        user,
        owner,
        session_id: sid,
        access_token,
        access_token_expires,
        refresh_token,
        refresh_lifetime: refresh.expires - now,
    })
}

/// New tokens for a refresh token, which is spent by it.
///
/// A spent token ends its whole session: two parties have it. One case is no theft: a client that lost the answer sends the same
/// token again. The same client (`User-Agent`) may do so for 30 seconds, as long as the answer's token is not used, and gets that
/// same token. A thief who is as quick shares it with the owner, and the second of them to use it later gives them away.
pub async fn refresh(service: &Service, refresh_token: &str, caller: &Caller) -> Result<SignedIn, Error> {
    let now = service.clock.now();
    let refused = || Error::Unauthenticated(SIGN_IN_AGAIN);
    let claims = service.tokens.verify(Use::Refresh, refresh_token, now).ok_or_else(refused)?;
    let jti = claims.jti.to_string();
    let transaction = service.database.write().await?;
    let session = session::Entity::find_by_id(claims.sid)
        .filter(session::Column::UserId.eq(claims.sub))
        .lock_exclusive()
        .one(&transaction)
        .await?
        .ok_or_else(refused)?;
    let user = user::Entity::find_by_id(claims.sub).filter(user::Column::IsActive.eq(true)).one(&transaction).await?;
    let user = user.ok_or_else(refused)?;
    if session.refresh_jti == jti {
        revoke(&transaction, Use::Refresh.name(), jti.clone(), claims.exp, now).await?;
        let refresh = RefreshToken { jti: random::uuid(&*service.random)?, expires: now + Use::Refresh.lifetime() };
        let signed_in = sign(service, user, session.id, &refresh, now)?;
        let mut session: session::ActiveModel = session.into();
        session.last_seen = Set(now);
        session.refresh_jti = Set(refresh.jti.to_string());
        session.expires = Set(refresh.expires);
        session.previous_refresh_jti = Set(Some(jti));
        session.date_refreshed = Set(Some(now));
        session.device = Set(device(caller));
        session.update(&transaction).await?;
        transaction.commit().await?;
        return Ok(signed_in);
    }
    let is_retry = session.previous_refresh_jti.as_ref() == Some(&jti)
        && session.date_refreshed.is_some_and(|spent| now - spent <= RETRY)
        && session.device == device(caller);
    if is_retry {
        let jti = session.refresh_jti.parse().map_err(Error::internal)?;
        return sign(service, user, session.id, &RefreshToken { jti, expires: session.expires }, now);
    }
    tracing::warn!(session = %session.id, "a refresh token was used twice: its session is ended");
    session.delete(&transaction).await?;
    transaction.commit().await?;
    Err(refused())
}

/// Ends the viewer's session: the access token that asks and the session's refresh token are revoked, the session is gone.
pub async fn sign_out(service: &Service, viewer: &Viewer) -> Result<(), Error> {
    let claims = viewer.claims();
    let now = service.clock.now();
    let transaction = service.database.write().await?;
    // Locked first, as refreshing does: the other way round the two would wait for each other.
    let session = session::Entity::find_by_id(claims.sid).lock_exclusive().one(&transaction).await?;
    revoke(&transaction, Use::Access.name(), claims.jti.to_string(), claims.exp, now).await?;
    if let Some(session) = session {
        revoke(&transaction, Use::Refresh.name(), session.refresh_jti.clone(), session.expires.timestamp(), now).await?;
        session.delete(&transaction).await?;
    }
    Ok(transaction.commit().await?)
}

/// Ends all of the viewer's sessions, and gives how many there were.
pub async fn sign_out_everywhere(service: &Service, viewer: &Viewer) -> Result<u64, Error> {
    let transaction = service.database.write().await?;
    people::lock(&transaction, viewer.owner()).await?;
    let ended = end_all(&transaction, viewer.user().id, None).await?;
    transaction.commit().await?;
    Ok(ended)
}

/// Ends one of the viewer's own sessions.
pub async fn end(service: &Service, viewer: &Viewer, id: Uuid) -> Result<(), Error> {
    let ended = session::Entity::delete_by_id(id)
        .filter(session::Column::UserId.eq(viewer.user().id))
        .exec(service.database.pool())
        .await?;
    if ended.rows_affected == 0 { Err(Error::NotFound(Missing::Session)) } else { Ok(()) }
}

/// Ends all sessions of a person but the one to be kept, in a transaction that has locked them: none is opened meanwhile.
pub(crate) async fn end_all(connection: &impl ConnectionTrait, user_id: i64, kept: Option<Uuid>) -> Result<u64, Error> {
    let mut theirs = session::Entity::delete_many().filter(session::Column::UserId.eq(user_id));
    if let Some(kept) = kept {
        theirs = theirs.filter(session::Column::Id.ne(kept));
    }
    Ok(theirs.exec(connection).await?.rows_affected)
}

/// Each of these people's own sessions, the last seen first.
pub async fn of_oneself(service: &Service, people: &[Oneself]) -> Result<HashMap<Oneself, Vec<Arc<session::Model>>>, Error> {
    let rows = session::Entity::find()
        .filter(service.database.is_any(session::Column::UserId, &Oneself::user_ids(people)))
        .filter(session::Column::Expires.gt(service.clock.now()))
        .order_by_desc(session::Column::LastSeen)
        .order_by_asc(session::Column::Id)
        .all(service.database.pool())
        .await?;
    Ok(by_oneself(people, rows, |row| row.user_id))
}

/// Puts a token on the list of those that ended before their time.
pub(crate) async fn revoke(
    connection: &impl ConnectionTrait,
    kind: &str,
    jti: String,
    expires: i64,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let row = revoked_token::ActiveModel {
        jti: Set(jti),
        date_revoked: Set(now),
        data_expires: Set(DateTime::from_timestamp(expires, 0).unwrap_or(now)),
        kind: Set(kind.to_owned()),
    };
    revoked_token::Entity::insert(row)
        .on_conflict_do_nothing_on([revoked_token::Column::Jti])
        .exec_without_returning(connection)
        .await?;
    Ok(())
}
