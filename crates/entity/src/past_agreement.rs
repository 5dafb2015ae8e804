//! That somebody who is gone accepted a version of the terms: for the law, without the person.

use sea_orm::entity::prelude::*;

/// One row of `past_agreements`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "past_agreements")]
pub struct Model {
    /// The row's id; never reused.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Which version.
    pub terms_id: i64,
    /// On which day, UTC: a moment could be found again in a log.
    pub day: Date,
}

/// None: rows are counted.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
