//! The game of abilities.

use async_graphql::{InputObject, MaybeUndefined, SimpleObject};
use service::entity::game::abilities::{Entity, Model};
use service::game::Save;

use super::{GameObject, Play, SaveInput, SaveOptions, given};
use crate::graphql::error::Result;
use crate::graphql::json::Json;
use crate::graphql::loaders::{Games, OfGame};

/// A play of abilities.
#[derive(SimpleObject)]
pub struct AbilitiesGameData {
    #[graphql(flatten)]
    pub(super) play: Play,
    /// Lists of skills, by standing: an object of arrays.
    skill_assessment: Json,
}

impl GameObject for AbilitiesGameData {
    type Game = Entity;

    fn new(play: Play, row: &Model) -> Self {
        Self { play, skill_assessment: row.skill_assessment.clone().into() }
    }

    fn loaders(games: &Games) -> &OfGame<Entity> {
        &games.abilities
    }
}

/// A save of abilities: what is left out stays as it is stored.
#[derive(InputObject)]
pub struct SaveAbilitiesGameInput {
    /// Lists of skills, by standing, `{"Strong": ["Patience"]}`.
    skill_assessment: MaybeUndefined<Json>,
    #[graphql(flatten)]
    options: SaveOptions,
}

impl SaveInput for SaveAbilitiesGameInput {
    type Object = AbilitiesGameData;

    fn save(self) -> Result<Save> {
        let json = vec![given("skillAssessment", self.skill_assessment)?.map(Json::into_value)];
        self.options.save::<Self::Object>(None, json)
    }
}
