//! The exports that people ask for, in parts.

use sea_orm_migration::prelude::*;

use crate::column::{self, big, cascade, index, optional_text, optional_time, text, time, unique};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let exports = Table::create()
            .table("data_exports")
            .col(ColumnDef::new("id").uuid().not_null().primary_key())
            .col(big("user_id"))
            .col(text("state"))
            .col(ColumnDef::new("progress").double().not_null().default(0.0))
            .col(ColumnDef::new("tries").integer().not_null().default(0))
            .col(optional_time("lease"))
            .col(text("language"))
            .col(time("date_requested"))
            .col(optional_time("expires"))
            .col(ColumnDef::new("size").big_integer().null())
            .col(optional_text("key"))
            .foreign_key(&mut cascade("user_id", "users"))
            .to_owned();
        let parts = Table::create()
            .table("data_export_parts")
            .col(ColumnDef::new("export_id").uuid().not_null())
            .col(ColumnDef::new("position").integer().not_null())
            .col(ColumnDef::new("bytes").binary().not_null())
            .primary_key(Index::create().col("export_id").col("position"))
            .foreign_key(&mut cascade("export_id", "data_exports"))
            .to_owned();
        let indexes =
            vec![unique("data_exports", &["user_id"]), index("data_exports", &["lease"]), index("data_exports", &["expires"])];
        column::create(manager, vec![exports, parts], indexes).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        column::drop(manager, &["data_export_parts", "data_exports"]).await
    }
}
