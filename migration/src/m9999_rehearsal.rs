//! A step of no release: it adds columns, one without a value and one with a default, to tables that are read and written all the time.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let optional = ColumnDef::new("rehearsal").text().null().take();
        let with_default = ColumnDef::new("rehearsal").integer().not_null().default(7).take();
        for (table, column) in [("users", optional), ("scenario_game_data", with_default)] {
            manager.alter_table(Table::alter().table(table).add_column(column).to_owned()).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["users", "scenario_game_data"] {
            manager.alter_table(Table::alter().table(table).drop_column("rehearsal").to_owned()).await?;
        }
        Ok(())
    }
}
