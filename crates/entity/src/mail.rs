//! A mail that waits to be sent. The row goes once it is.

use sea_orm::entity::prelude::*;

use crate::{JsonText, Sealed};

/// One row of `mails`. It holds what is to be told, not the text: links are made when it is sent, so that no token is stored.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "mails")]
pub struct Model {
    /// Random; the `Message-ID`, the same at each try, and what the token of its link is made from.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whom it is about, where somebody is known; goes when they go.
    pub user_id: Option<i64>,
    /// What it tells: see the service's `mail::Kind`.
    pub kind: String,
    /// The address that it goes to. Personal; sealed.
    pub recipient: String,
    /// Blind index of that address; null in mails from before it was kept.
    pub recipient_index: Option<String>,
    /// What it says besides its kind, where that differs: how much of what was erased.
    pub content: Option<JsonText>,
    /// `fr` or `en`.
    pub language: String,
    /// When it was queued.
    pub date_created: DateTimeUtc,
    /// How often sending was begun.
    pub tries: i32,
    /// When sending is to be tried; moved ahead before each try, so that no two instances send it at once.
    pub next_try: DateTimeUtc,
}

/// None: rows are found by their keys.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Sealed for Entity {
    const KEY: Column = Column::Id;
    const SEALED: &'static [Column] = &[Column::Recipient];

    fn sealed_to(row: &Model) -> String {
        row.id.to_string()
    }
}
