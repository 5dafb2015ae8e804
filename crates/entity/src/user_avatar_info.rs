//! How a person chose to appear.

use sea_orm::entity::prelude::*;
use serde::Deserialize;

/// One row of `user_avatar_infos`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Deserialize)]
#[sea_orm(table_name = "user_avatar_infos")]
pub struct Model {
    /// The row's id; never reused.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The person it belongs to; goes when they go.
    #[sea_orm(unique)]
    pub user_id: i64,
    /// Gender shown.
    pub avatar_gender: Option<String>,
    /// Accessories worn.
    pub avatar_accessories: Option<String>,
    /// Colour scheme.
    pub avatar_color: Option<String>,
    /// Passions shown.
    pub avatar_passions: Option<String>,
    /// Expression of the face.
    pub avatar_expression: Option<String>,
}

/// None: relations are loaded by owner, in batches (see the loaders of the api).
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
