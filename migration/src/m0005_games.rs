//! The seven games: what every play has, and what is each game's own.

use sea_orm_migration::prelude::*;

use crate::column::{self, big, cascade, id, index, time};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for game in GAMES {
            let mut table = Table::create().table(game.table).col(id()).col(big("user_id")).to_owned();
            if game.has_levels {
                table.col(ColumnDef::new("current_level").integer().not_null().default(0));
            }
            table.col(ColumnDef::new("completion").double().not_null().default(0.0));
            for column in game.json {
                table.col(ColumnDef::new(*column).json().not_null());
            }
            table
                .col(ColumnDef::new("schema_version").integer().not_null().default(1))
                .col(ColumnDef::new("revision").integer().not_null().default(1))
                .col(time("date_created"))
                .col(time("date_updated"))
                .foreign_key(&mut cascade("user_id", "users"));
            // Serves the foreign key, the newest play and the history alike.
            column::create(manager, vec![table], vec![index(game.table, &["user_id", "id"])]).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for game in GAMES {
            column::drop(manager, &[game.table]).await?;
        }
        Ok(())
    }
}

pub(crate) struct Game {
    pub(crate) table: &'static str,
    has_levels: bool,
    json: &'static [&'static str],
}

/// The seven of this step. A later game has a step of its own: what has run is never changed.
pub(crate) const GAMES: [Game; 7] = [
    Game { table: "scenario_game_data", has_levels: true, json: &["traits", "penalties"] },
    Game { table: "shape_sequence_game_data", has_levels: true, json: &["level_results"] },
    Game { table: "jobs_game_data", has_levels: false, json: &["job_choices"] },
    Game { table: "speed_game_data", has_levels: true, json: &["level_stats"] },
    Game { table: "abilities_game_data", has_levels: false, json: &["skill_assessment"] },
    Game { table: "skills_game_data", has_levels: false, json: &["skills_assessment"] },
    Game { table: "room_env_game_data", has_levels: false, json: &["room_data"] },
];
