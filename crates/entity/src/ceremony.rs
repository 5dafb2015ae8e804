//! A WebAuthn ceremony under way: the challenge is the server's, used once, for one purpose.

use sea_orm::entity::prelude::*;

use crate::{JsonText, Sealed};

/// One row of `webauthn_ceremonies`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webauthn_ceremonies")]
pub struct Model {
    /// What the client hands back.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// `sign_up`, `sign_in`, `add` or `recovery`.
    pub purpose: String,
    /// Who it was made for, where somebody was known.
    pub user_id: Option<i64>,
    /// The library's state, and what waits to be stored when it is finished: a name, perhaps. Sealed.
    pub state: JsonText,
    /// Five minutes after it began.
    pub expires: DateTimeUtc,
}

/// None: rows are found by their keys.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Sealed for Entity {
    const KEY: Column = Column::Id;
    const SEALED: &'static [Column] = &[Column::State];

    fn sealed_to(row: &Model) -> String {
        row.id.to_string()
    }
}
