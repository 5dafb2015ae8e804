//! A version of the terms.

use sea_orm::entity::prelude::*;

/// One row of `terms_versions`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "terms_versions")]
pub struct Model {
    /// The row's id; never reused.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Its name.
    #[sea_orm(unique)]
    pub version: String,
    /// Markdown.
    pub content: String,
    /// The one to accept now; exactly one is.
    pub is_active: bool,
    /// When it was published.
    pub date_created: DateTimeUtc,
}

/// None: rows are found by their keys.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
