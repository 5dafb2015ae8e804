//! What has expired goes: ceremonies, sessions, recoveries, the links of addresses that were not verified (the address stays), the
//! counts of brakes, the ids of saves, exports, the revocations of tokens that are good no more anyway, and what happened to accounts long ago.
//! Mail goes when it is sent.

use chrono::TimeDelta;
use entity::{account_recovery, ceremony, data_export, rate_limit, revoked_token, save, session, unverified_detail};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::{Error, Service, audit_log};

/// For how long a save that is sent again is known to be the same.
const SAVES_ARE_KNOWN: TimeDelta = TimeDelta::days(30);

/// Removes it. Several instances may do so at once.
pub async fn purge(service: &Service) -> Result<(), Error> {
    // The clocks of instances differ: what has just expired here may be good on another.
    let now = service.clock.now() - TimeDelta::minutes(1);
    let pool = service.database.pool();
    ceremony::Entity::delete_many().filter(ceremony::Column::Expires.lte(now)).exec(pool).await?;
    session::Entity::delete_many().filter(session::Column::Expires.lte(now)).exec(pool).await?;
    revoked_token::Entity::delete_many().filter(revoked_token::Column::DataExpires.lte(now)).exec(pool).await?;
    account_recovery::Entity::delete_many().filter(account_recovery::Column::TokenExpires.lte(now)).exec(pool).await?;
    rate_limit::Entity::delete_many().filter(rate_limit::Column::Arrival.lte(now.timestamp_micros())).exec(pool).await?;
    save::Entity::delete_many().filter(save::Column::DateCreated.lte(now - SAVES_ARE_KNOWN)).exec(pool).await?;
    data_export::Entity::delete_many().filter(data_export::Column::Expires.lte(now)).exec(pool).await?;
    unverified_detail::Entity::update_many()
        .col_expr(unverified_detail::Column::TokenHash, Expr::null())
        .col_expr(unverified_detail::Column::Expires, Expr::null())
        .filter(unverified_detail::Column::Expires.lte(now))
        .exec(pool)
        .await?;
    audit_log::purge(service).await?;
    service.remembered.forget_old(service.clock.now());
    service.database.scrub().await;
    Ok(())
}
