//! A person with an account.

use sea_orm::entity::prelude::*;

/// One row of `users`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    /// The row's id; never reused.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Unique where given; for display.
    pub username: Option<String>,
    /// When the account was made.
    pub date_created: DateTimeUtc,
    /// False: nobody gets in, from the next request on.
    pub is_active: bool,
    /// The last time somebody signed in.
    pub last_login: Option<DateTimeUtc>,
    /// Has a passkey, and so signs in without a password.
    pub is_passkey: bool,
    /// The first steps are done.
    pub onboarding_complete: bool,
    /// What they may do.
    pub role_id: i64,
    /// What an authenticator stores to name the person (`user.id` of WebAuthn): random, so that it tells nothing.
    pub webauthn_user_handle: Uuid,
    /// The language that they chose, `fr` or `en`; without a choice it is what their client asks for.
    pub language: Option<String>,
}

/// The one relation that is joined: the viewer's role decides what they may do.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// What they may do.
    #[sea_orm(belongs_to = "super::role::Entity", from = "Column::RoleId", to = "super::role::Column::Id")]
    Role,
}

impl Related<super::role::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Role.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
