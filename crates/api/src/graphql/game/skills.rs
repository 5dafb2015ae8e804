//! The game of skills.

use async_graphql::{InputObject, MaybeUndefined, SimpleObject};
use service::entity::game::skills::{Entity, Model};
use service::game::Save;

use super::{GameObject, Play, SaveInput, SaveOptions, given};
use crate::graphql::error::Result;
use crate::graphql::json::Json;
use crate::graphql::loaders::{Games, OfGame};

/// A play of skills.
#[derive(SimpleObject)]
pub struct SkillsGameData {
    #[graphql(flatten)]
    pub(super) play: Play,
    /// Skills as keys of objects, by standing: an object of objects.
    skills_assessment: Json,
}

impl GameObject for SkillsGameData {
    type Game = Entity;

    fn new(play: Play, row: &Model) -> Self {
        Self { play, skills_assessment: row.skills_assessment.clone().into() }
    }

    fn loaders(games: &Games) -> &OfGame<Entity> {
        &games.skills
    }
}

/// A save of skills: what is left out stays as it is stored.
#[derive(InputObject)]
pub struct SaveSkillsGameInput {
    /// Skills as keys of objects, by standing, `{"Strong": {"Dessin": {}}}`.
    skills_assessment: MaybeUndefined<Json>,
    #[graphql(flatten)]
    options: SaveOptions,
}

impl SaveInput for SaveSkillsGameInput {
    type Object = SkillsGameData;

    fn save(self) -> Result<Save> {
        let json = vec![given("skillsAssessment", self.skills_assessment)?.map(Json::into_value)];
        self.options.save::<Self::Object>(None, json)
    }
}
