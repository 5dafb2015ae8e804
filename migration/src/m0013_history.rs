//! The history of one game by the index, in its order: a page of it costs the same however many plays there are.

use sea_orm_migration::prelude::*;

use crate::column::index;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in GAMES {
            manager.create_index(index(table, &COLUMNS)).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in GAMES {
            let name = format!("idx_{table}_{}", COLUMNS.join("_"));
            manager.drop_index(Index::drop().name(name).table(table).to_owned()).await?;
        }
        Ok(())
    }
}

/// None of them changes when a play is saved again, so that a save leaves the index alone.
const COLUMNS: [&str; 3] = ["user_id", "date_created", "id"];

const GAMES: [&str; 7] = [
    "scenario_game_data",
    "shape_sequence_game_data",
    "jobs_game_data",
    "speed_game_data",
    "abilities_game_data",
    "skills_game_data",
    "room_env_game_data",
];
