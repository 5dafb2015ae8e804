//! A part of an export's archive.

use sea_orm::entity::prelude::*;

/// One row of `data_export_parts`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "data_export_parts")]
pub struct Model {
    /// Of which export; goes when it goes.
    #[sea_orm(primary_key, auto_increment = false)]
    pub export_id: Uuid,
    /// From 0.
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i32,
    /// The bytes, sealed.
    pub bytes: Vec<u8>,
}

/// None: parts are read one after the other.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
