//! What accounts need besides their ways in: the queue of mail, the brakes, a language, and the last rotation of a session.

use sea_orm_migration::prelude::*;

use crate::column::{self, big, cascade, index, optional_text, optional_time, text, time};

#[derive(DeriveMigrationName)]
pub struct Migration;

/// Table and column of what is added to tables that exist.
fn additions() -> [(&'static str, ColumnDef); 4] {
    [
        ("unverified_details", ColumnDef::new("selector").integer().null().take()),
        ("users", optional_text("language")),
        ("sessions", optional_text("previous_refresh_jti")),
        ("sessions", optional_time("date_refreshed")),
    ]
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in additions() {
            manager.alter_table(Table::alter().table(table).add_column(column).to_owned()).await?;
        }
        let mails = Table::create()
            .table("mails")
            .col(ColumnDef::new("id").uuid().not_null().primary_key())
            .col(ColumnDef::new("user_id").big_integer().null())
            .col(text("kind"))
            .col(text("recipient"))
            .col(text("language"))
            .col(time("date_created"))
            .col(ColumnDef::new("tries").integer().not_null().default(0))
            .col(time("next_try"))
            .foreign_key(&mut cascade("user_id", "users"))
            .to_owned();
        let limits = Table::create().table("rate_limits").col(text("key").primary_key()).col(big("arrival")).to_owned();
        let indexes = vec![index("mails", &["user_id"]), index("mails", &["next_try"]), index("rate_limits", &["arrival"])];
        column::create(manager, vec![mails, limits], indexes).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        column::drop(manager, &["rate_limits", "mails"]).await?;
        for (table, column) in additions().into_iter().rev() {
            let name = Alias::new(column.get_column_name());
            manager.alter_table(Table::alter().table(table).drop_column(name).to_owned()).await?;
        }
        Ok(())
    }
}
