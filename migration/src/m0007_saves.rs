//! The saves that clients named.

use sea_orm_migration::prelude::*;

use crate::column::{self, big, cascade, index, text, time};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let saves = Table::create()
            .table("saves")
            .col(big("user_id"))
            .col(text("save_id"))
            .col(ColumnDef::new("game").integer().not_null())
            .col(big("play_id"))
            .col(text("content_hash"))
            .col(time("date_created"))
            .primary_key(Index::create().col("user_id").col("save_id"))
            .foreign_key(&mut cascade("user_id", "users"))
            .to_owned();
        column::create(manager, vec![saves], vec![index("saves", &["date_created"])]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        column::drop(manager, &["saves"]).await
    }
}
