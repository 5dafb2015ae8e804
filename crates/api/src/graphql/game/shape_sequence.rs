//! The game of shape sequences.

use async_graphql::{InputObject, MaybeUndefined, SimpleObject};
use service::entity::game::shape_sequence::{Entity, Model};
use service::game::Save;

use super::{GameObject, Play, SaveInput, SaveOptions, given};
use crate::graphql::error::Result;
use crate::graphql::json::Json;
use crate::graphql::loaders::{Games, OfGame};

/// A play of shape sequences.
#[derive(SimpleObject)]
pub struct ShapeSequenceGameData {
    #[graphql(flatten)]
    pub(super) play: Play,
    /// The level reached, from 0.
    current_level: i32,
    /// Passed or not, by level: an object of booleans.
    level_results: Json,
}

impl GameObject for ShapeSequenceGameData {
    type Game = Entity;

    fn new(play: Play, row: &Model) -> Self {
        Self { play, current_level: row.current_level, level_results: row.level_results.clone().into() }
    }

    fn loaders(games: &Games) -> &OfGame<Entity> {
        &games.shape_sequence
    }
}

/// A save of shape sequences: what is left out stays as it is stored.
#[derive(InputObject)]
pub struct SaveShapeSequenceGameInput {
    /// The level reached, from 0.
    current_level: MaybeUndefined<i32>,
    /// Passed or not, by level, `{"1": true}`.
    level_results: MaybeUndefined<Json>,
    #[graphql(flatten)]
    options: SaveOptions,
}

impl SaveInput for SaveShapeSequenceGameInput {
    type Object = ShapeSequenceGameData;

    fn save(self) -> Result<Save> {
        let json = vec![given("levelResults", self.level_results)?.map(Json::into_value)];
        self.options.save::<Self::Object>(given("currentLevel", self.current_level)?, json)
    }
}
