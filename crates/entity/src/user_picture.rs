//! A picture of a person, or behind them.

use sea_orm::entity::prelude::*;

/// One row of `user_pictures`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "user_pictures")]
pub struct Model {
    /// The row's id; never reused.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The person it belongs to; goes when they go.
    pub user_id: i64,
    /// The image file, as it is given out.
    pub picture_data: Vec<u8>,
    /// When it was last replaced.
    pub date_updated: DateTimeUtc,
    /// `profile` or `cover`; one of each a person.
    #[sea_orm(column_name = "type")]
    pub kind: String,
    /// From left to right, in pixels.
    pub width: i32,
    /// From top to bottom, in pixels.
    pub height: i32,
    /// `image/jpeg` or `image/png`.
    pub media_type: String,
    /// SHA-256 of the file, in base64url: changes with it.
    pub content_hash: String,
}

/// None: relations are loaded by owner, in batches (see the loaders of the api).
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
