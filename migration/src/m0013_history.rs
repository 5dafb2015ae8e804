//! The history of one game by the index, in its order: a page of it costs the same however many plays there are.

use sea_orm_migration::prelude::*;

use crate::column::index;
use crate::m0005_games::GAMES;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for game in GAMES {
            manager.create_index(index(game.table, &COLUMNS)).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for game in GAMES {
            let name = format!("idx_{}_{}", game.table, COLUMNS.join("_"));
            manager.drop_index(Index::drop().name(name).table(game.table).to_owned()).await?;
        }
        Ok(())
    }
}

/// None of them changes when a play is saved again, so that a save leaves the index alone.
const COLUMNS: [&str; 3] = ["user_id", "date_created", "id"];
