//! What has expired goes: ceremonies, sessions, and the revocations of tokens that are good no more anyway.

use chrono::TimeDelta;
use entity::{ceremony, revoked_token, session};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::{Error, Service};

/// Removes it. Several instances may do so at once.
pub async fn purge(service: &Service) -> Result<(), Error> {
    // The clocks of instances differ: what has just expired here may be good on another.
    let now = service.clock.now() - TimeDelta::minutes(1);
    let pool = service.database.pool();
    ceremony::Entity::delete_many().filter(ceremony::Column::Expires.lte(now)).exec(pool).await?;
    session::Entity::delete_many().filter(session::Column::Expires.lte(now)).exec(pool).await?;
    revoked_token::Entity::delete_many().filter(revoked_token::Column::DataExpires.lte(now)).exec(pool).await?;
    Ok(())
}
