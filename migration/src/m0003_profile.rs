//! Pictures, avatars and passions.

use sea_orm_migration::prelude::*;

use crate::column::{self, big, cascade, id, optional_text, text, time, unique};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let pictures = Table::create()
            .table("user_pictures")
            .col(id())
            .col(big("user_id"))
            .col(ColumnDef::new("picture_data").binary().not_null())
            .col(time("date_updated"))
            .col(text("type"))
            .foreign_key(&mut cascade("user_id", "users"))
            .to_owned();
        let avatars = Table::create()
            .table("user_avatar_infos")
            .col(id())
            .col(big("user_id"))
            .col(optional_text("avatar_gender"))
            .col(optional_text("avatar_accessories"))
            .col(optional_text("avatar_color"))
            .col(optional_text("avatar_passions"))
            .col(optional_text("avatar_expression"))
            .foreign_key(&mut cascade("user_id", "users"))
            .to_owned();
        let passions = Table::create()
            .table("user_passions")
            .col(id())
            .col(big("user_id"))
            .col(text("passion_text"))
            .col(ColumnDef::new("order").integer().not_null())
            .foreign_key(&mut cascade("user_id", "users"))
            .to_owned();
        let indexes = vec![
            unique("user_pictures", &["user_id", "type"]),
            unique("user_avatar_infos", &["user_id"]),
            unique("user_passions", &["user_id", "order"]),
        ];
        column::create(manager, vec![pictures, avatars, passions], indexes).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        column::drop(manager, &["user_passions", "user_avatar_infos", "user_pictures"]).await
    }
}
