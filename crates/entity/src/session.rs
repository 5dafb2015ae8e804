//! A signed-in device.

use sea_orm::entity::prelude::*;

/// One row of `sessions`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sessions")]
pub struct Model {
    /// The `sid` of its tokens.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The person it belongs to; goes when they go.
    pub user_id: i64,
    /// The client's own words (`User-Agent`), cut to 200 characters.
    pub device: String,
    /// When it signed in.
    pub date_created: DateTimeUtc,
    /// When it last signed in or refreshed.
    pub last_seen: DateTimeUtc,
    /// The one refresh token that is good now.
    pub refresh_jti: String,
    /// When that token expires, and the session with it.
    pub expires: DateTimeUtc,
    /// The refresh token that was spent last: a client that lost the answer may send it again at once.
    pub previous_refresh_jti: Option<String>,
    /// When it was spent.
    pub date_refreshed: Option<DateTimeUtc>,
}

/// None: relations are loaded by owner, in batches (see the loaders of the api).
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
