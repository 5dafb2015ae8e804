//! Who a person is, and how they sign in by password. Personal columns are read and written by `service::user_detail` alone.

use sea_orm::entity::prelude::*;
use serde::Deserialize;

use crate::Sealed;

/// One row of `user_details`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Deserialize)]
#[sea_orm(table_name = "user_details")]
pub struct Model {
    /// The row's id; never reused.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The person it belongs to; goes when they go.
    #[sea_orm(unique)]
    pub user_id: i64,
    /// Personal; sealed.
    pub first_name: Option<String>,
    /// Personal; sealed.
    pub last_name: Option<String>,
    /// In years.
    pub age: Option<i32>,
    /// Personal; sealed.
    pub phone_number: Option<String>,
    /// Personal; sealed.
    pub address: Option<String>,
    /// Personal; sealed; only an address that was shown to be theirs (see `unverified_details` for the others).
    pub email: Option<String>,
    /// Blind index of the normalised address, unique.
    pub email_index: Option<String>,
    /// Argon2id in the PHC string format, parameters included.
    pub password_hash: Option<String>,
}

/// The address that waits to be verified is read along.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// The address that is not verified yet.
    #[sea_orm(has_one = "super::unverified_detail::Entity")]
    Unverified,
}

impl Related<super::unverified_detail::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Unverified.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}

impl Sealed for Entity {
    const KEY: Column = Column::Id;
    const SEALED: &'static [Column] = &[Column::FirstName, Column::LastName, Column::PhoneNumber, Column::Address, Column::Email];

    fn sealed_to(row: &Model) -> String {
        row.user_id.to_string()
    }
}
