//! A request to get back into an account.

use sea_orm::entity::prelude::*;

/// One row of `account_recoveries`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "account_recoveries")]
pub struct Model {
    /// The row's id; never reused.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Hash of the token that was mailed.
    #[sea_orm(unique)]
    pub reset_token: String,
    /// When it stops working.
    pub token_expires: DateTimeUtc,
    /// When it was asked for.
    pub date_requested: DateTimeUtc,
    /// The person it belongs to; goes when they go.
    pub user_id: i64,
}

/// None: rows are found by their keys.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
