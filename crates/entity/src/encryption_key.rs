//! A key that fields are encrypted with, or were: not the key, but proof of it.

use sea_orm::entity::prelude::*;

/// One row of `encryption_keys`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "encryption_keys")]
pub struct Model {
    /// The key's name in the ring.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// A known text, sealed with it: another key of that name does not open it.
    pub proof: String,
    /// When an instance first started with it.
    pub date_created: DateTimeUtc,
}

/// None: rows are found by their keys.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
