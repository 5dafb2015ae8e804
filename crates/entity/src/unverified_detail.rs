//! An address that somebody says is theirs and has not shown to be. Several people may claim the same one: an answer never tells whether it is taken.

use sea_orm::entity::prelude::*;
use serde::Deserialize;

use crate::Sealed;

/// One row of `unverified_details`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Deserialize)]
#[sea_orm(table_name = "unverified_details")]
pub struct Model {
    /// The row's id; never reused.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Whose claim it is.
    #[sea_orm(unique)]
    pub user_detail_id: i64,
    /// Personal; sealed.
    pub email: String,
    /// Blind index of the normalised address; not unique.
    pub email_index: String,
    /// Of the token that was sent to the address; the token itself is not stored.
    #[sea_orm(unique)]
    pub token_hash: Option<String>,
    /// When that token stops working.
    pub expires: Option<DateTimeUtc>,
    /// Eight bits of a keyed hash of the password that it was claimed with, or that was set since: whose claim a
    /// password may belong to. Null where it came without a password, and does not sign in until it is verified.
    pub selector: Option<i32>,
    /// When it was claimed.
    pub date_created: DateTimeUtc,
}

/// To the details it waits to be part of.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// Whose claim it is.
    #[sea_orm(belongs_to = "super::user_detail::Entity", from = "Column::UserDetailId", to = "super::user_detail::Column::Id")]
    Detail,
}

impl Related<super::user_detail::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Detail.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}

impl Sealed for Entity {
    const KEY: Column = Column::Id;
    const SEALED: &'static [Column] = &[Column::Email];

    fn sealed_to(row: &Model) -> String {
        row.user_detail_id.to_string()
    }
}
