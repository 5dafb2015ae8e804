//! What a person loves, in their order.

use sea_orm::entity::prelude::*;
use serde::Deserialize;

/// One row of `user_passions`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Deserialize)]
#[sea_orm(table_name = "user_passions")]
pub struct Model {
    /// The row's id; never reused.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The person it belongs to; goes when they go.
    pub user_id: i64,
    /// In their words.
    pub passion_text: String,
    /// From 1; unique for each person.
    pub order: i32,
}

/// None: relations are loaded by owner, in batches (see the loaders of the api).
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
