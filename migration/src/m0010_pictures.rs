//! What is known of a picture without its bytes.

use sea_orm_migration::prelude::*;

use crate::column::{integer, text};

#[derive(DeriveMigrationName)]
pub struct Migration;

/// No release before this one wrote a picture; a column that is added wants a default all the same.
fn additions() -> [ColumnDef; 4] {
    [
        integer("width").default(0).take(),
        integer("height").default(0).take(),
        text("media_type").default("").take(),
        text("content_hash").default("").take(),
    ]
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in additions() {
            manager.alter_table(Table::alter().table("user_pictures").add_column(column).to_owned()).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in additions().into_iter().rev() {
            let name = Alias::new(column.get_column_name());
            manager.alter_table(Table::alter().table("user_pictures").drop_column(name).to_owned()).await?;
        }
        Ok(())
    }
}
