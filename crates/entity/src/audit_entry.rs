//! That something happened to an account. Rows are added and never changed: the database refuses it.

use sea_orm::entity::prelude::*;

/// One row of `audit_log`. It holds no personal value: what was changed, not to what.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_log")]
pub struct Model {
    /// The row's id; never reused. Later entries have greater ones.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The person it belongs to; goes when they go.
    pub user_id: i64,
    /// What happened: see the service's `audit_log::Kind`.
    pub kind: String,
    /// The id of the administrator who did it; none where it was the person themselves. The account may be gone.
    pub actor: Option<i64>,
    /// By what way, to which role, which version: what that is, the kind says.
    pub detail: Option<String>,
    /// The network that the person's request came from, an IPv4 /24 or an IPv6 /48; never an administrator's.
    pub address: Option<String>,
    /// The day (UTC) of an administrator's reading, of which there is one row a day; none for all else.
    pub read_on: Option<String>,
    /// When.
    pub date_created: DateTimeUtc,
}

/// None: relations are loaded by owner, in batches (see the loaders of the api).
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
