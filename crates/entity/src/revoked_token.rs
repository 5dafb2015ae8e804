//! A token that ended before its time; kept until it would have expired.

use sea_orm::entity::prelude::*;

/// One row of `revoked_tokens`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "revoked_tokens")]
pub struct Model {
    /// The token's id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub jti: String,
    /// When it was revoked.
    pub date_revoked: DateTimeUtc,
    /// When the token expires by itself and the row can go.
    pub data_expires: DateTimeUtc,
    /// `access`, `refresh`, or `recovery`, whose id is the hash of the token.
    #[sea_orm(column_name = "type")]
    pub kind: String,
}

/// None: rows are found by their keys.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
