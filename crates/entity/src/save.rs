//! The saves that clients named, so that one that is sent again changes nothing.

use sea_orm::entity::prelude::*;

/// One row of `saves`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "saves")]
pub struct Model {
    /// Who saved.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: i64,
    /// The id that their client chose.
    #[sea_orm(primary_key, auto_increment = false)]
    pub save_id: String,
    /// The number of the game ([`crate::game::GameKind`]): for who reads the table, since the play's id alone does not say.
    pub game: i32,
    /// The play that it went into; it may be deleted since.
    pub play_id: i64,
    /// Keyed hash of what was saved, to tell other content under the same id.
    pub content_hash: String,
    /// When it was saved; 30 days later the id may be forgotten.
    pub date_created: DateTimeUtc,
}

/// None: a save is found by its owner and id.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
