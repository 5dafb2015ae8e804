//! How far a caller or an account is ahead of what it may try.

use sea_orm::entity::prelude::*;

/// One row of `rate_limits`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "rate_limits")]
pub struct Model {
    /// What is limited, and a keyed hash of whom.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    /// The theoretical arrival time of the generic cell rate algorithm (ITU-T I.371), in microseconds since 1970, UTC.
    pub arrival: i64,
}

/// None: rows are found by their keys.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
