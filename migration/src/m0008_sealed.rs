//! What encrypting fields needs: proof of each key, and, for mails, what their recipient is found by. The fields themselves stay as they
//! are until they are written next, or `autrement keys rotate` goes over them. Going back leaves them encrypted, which the
//! release before shows as they are: it is for a database without people.

use sea_orm_migration::prelude::*;

use crate::column::{self, index, optional_text, text, time};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let keys = Table::create()
            .table("encryption_keys")
            .col(text("id").primary_key())
            .col(text("proof"))
            .col(time("date_created"))
            .to_owned();
        for column in [optional_text("recipient_index"), ColumnDef::new("content").json().null().take()] {
            manager.alter_table(Table::alter().table("mails").add_column(column).to_owned()).await?;
        }
        column::create(manager, vec![keys], vec![index("mails", &["recipient_index"])]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        column::drop(manager, &["encryption_keys"]).await?;
        manager.drop_index(Index::drop().name("idx_mails_recipient_index").table("mails").to_owned()).await?;
        for column in ["content", "recipient_index"] {
            manager.alter_table(Table::alter().table("mails").drop_column(column).to_owned()).await?;
        }
        Ok(())
    }
}
