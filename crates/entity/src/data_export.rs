//! A copy of everything that is held on a person, which they asked for.

use sea_orm::entity::prelude::*;

use crate::Sealed;

/// One row of `data_exports`; a person has one at most.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "data_exports")]
pub struct Model {
    /// Random; part of the link.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is; goes when they go.
    #[sea_orm(unique)]
    pub user_id: i64,
    /// `requested`, `making`, `ready` or `failed`.
    pub state: String,
    /// Percent, 0 to 100.
    pub progress: f64,
    /// How often making it was begun; tells whose the lease is.
    pub tries: i32,
    /// Until when the instance that makes it may go on without a sign; then another begins anew. Null once nothing is left to do.
    pub lease: Option<DateTimeUtc>,
    /// `fr` or `en`: what its page is written in.
    pub language: String,
    /// When it was asked for.
    pub date_requested: DateTimeUtc,
    /// When it goes, once it is ready or has failed.
    pub expires: Option<DateTimeUtc>,
    /// Bytes of the archive, once it is ready.
    pub size: Option<i64>,
    /// What its parts are sealed with; sealed itself.
    pub key: Option<String>,
}

/// None: an export is found by its owner or its id.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Sealed for Entity {
    const KEY: Column = Column::Id;
    const SEALED: &'static [Column] = &[Column::Key];

    fn sealed_to(row: &Model) -> String {
        row.id.to_string()
    }
}
