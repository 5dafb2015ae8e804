//! That a person accepted a version of the terms.

use sea_orm::entity::prelude::*;

/// One row of `user_terms_agreements`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "user_terms_agreements")]
pub struct Model {
    /// The row's id; never reused.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The person it belongs to; goes when they go.
    pub user_id: i64,
    /// Which version.
    pub terms_id: i64,
    /// When.
    pub date_agreed: DateTimeUtc,
}

/// None: relations are loaded by owner, in batches (see the loaders of the api).
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
