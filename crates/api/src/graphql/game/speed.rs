//! The game of typing speed.

use async_graphql::{InputObject, MaybeUndefined, SimpleObject};
use service::entity::game::speed::{Entity, Model};
use service::game::Save;

use super::{GameObject, Play, SaveInput, SaveOptions, given};
use crate::graphql::error::Result;
use crate::graphql::json::Json;
use crate::graphql::loaders::{Games, OfGame};

/// A play of typing speed.
#[derive(SimpleObject)]
pub struct SpeedGameData {
    #[graphql(flatten)]
    pub(super) play: Play,
    /// The level reached, from 0.
    current_level: i32,
    /// Success, words a minute (`wpm`), accuracy (percent) and errors, by level: an object of objects.
    level_stats: Json,
}

impl GameObject for SpeedGameData {
    type Game = Entity;

    fn new(play: Play, row: &Model) -> Self {
        Self { play, current_level: row.current_level, level_stats: row.level_stats.clone().into() }
    }

    fn loaders(games: &Games) -> &OfGame<Entity> {
        &games.speed
    }
}

/// A save of typing speed: what is left out stays as it is stored.
#[derive(InputObject)]
pub struct SaveSpeedGameInput {
    /// The level reached, from 0.
    current_level: MaybeUndefined<i32>,
    /// By level, `{"1": {"success": true, "wpm": 21, "accuracy": 97.5, "errors": 1}}`; accuracy is a percentage.
    level_stats: MaybeUndefined<Json>,
    #[graphql(flatten)]
    options: SaveOptions,
}

impl SaveInput for SaveSpeedGameInput {
    type Object = SpeedGameData;

    fn save(self) -> Result<Save> {
        let json = vec![given("levelStats", self.level_stats)?.map(Json::into_value)];
        self.options.save::<Self::Object>(given("currentLevel", self.current_level)?, json)
    }
}
