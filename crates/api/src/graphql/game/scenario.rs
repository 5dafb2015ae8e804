//! The game of workplace scenarios.

use async_graphql::{InputObject, MaybeUndefined, SimpleObject};
use service::entity::game::scenario::{Entity, Model};
use service::game::Save;

use super::{GameObject, Play, SaveInput, SaveOptions, given};
use crate::graphql::error::Result;
use crate::graphql::json::Json;
use crate::graphql::loaders::{Games, OfGame};

/// A play of workplace scenarios.
#[derive(SimpleObject)]
pub struct ScenarioGameData {
    #[graphql(flatten)]
    pub(super) play: Play,
    /// The level reached, from 0.
    current_level: i32,
    /// Points by trait, added up over the scenarios: an object of integers from 0.
    traits: Json,
    /// How often something went otherwise, by what it was: an object of numbers from 0.
    penalties: Json,
}

impl GameObject for ScenarioGameData {
    type Game = Entity;

    fn new(play: Play, row: &Model) -> Self {
        Self {
            play,
            current_level: row.current_level,
            traits: row.traits.clone().into(),
            penalties: row.penalties.clone().into(),
        }
    }

    fn loaders(games: &Games) -> &OfGame<Entity> {
        &games.scenario
    }
}

/// A save of workplace scenarios: what is left out stays as it is stored.
#[derive(InputObject)]
pub struct SaveScenarioGameInput {
    /// The level reached, from 0.
    current_level: MaybeUndefined<i32>,
    /// Points by trait, added up over the scenarios, `{"empathie": 4}`: integers from 0.
    traits: MaybeUndefined<Json>,
    /// How often something went otherwise, `{"timeouts": 1}`: numbers from 0.
    penalties: MaybeUndefined<Json>,
    #[graphql(flatten)]
    options: SaveOptions,
}

impl SaveInput for SaveScenarioGameInput {
    type Object = ScenarioGameData;

    fn save(self) -> Result<Save> {
        let json =
            vec![given("traits", self.traits)?.map(Json::into_value), given("penalties", self.penalties)?.map(Json::into_value)];
        self.options.save::<Self::Object>(given("currentLevel", self.current_level)?, json)
    }
}
