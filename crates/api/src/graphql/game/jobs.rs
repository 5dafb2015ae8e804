//! The game of jobs.

use async_graphql::{InputObject, MaybeUndefined, SimpleObject};
use service::entity::game::jobs::{Entity, Model};
use service::game::Save;

use super::{GameObject, Play, SaveInput, SaveOptions, given};
use crate::graphql::error::Result;
use crate::graphql::json::Json;
use crate::graphql::loaders::{Games, OfGame};

/// A play of jobs.
#[derive(SimpleObject)]
pub struct JobsGameData {
    #[graphql(flatten)]
    pub(super) play: Play,
    /// `like`, `dislike` or `unknown`, by job: an object.
    job_choices: Json,
}

impl GameObject for JobsGameData {
    type Game = Entity;

    fn new(play: Play, row: &Model) -> Self {
        Self { play, job_choices: row.job_choices.clone().into() }
    }

    fn loaders(games: &Games) -> &OfGame<Entity> {
        &games.jobs
    }
}

/// A save of jobs: what is left out stays as it is stored.
#[derive(InputObject)]
pub struct SaveJobsGameInput {
    /// `like`, `dislike` or `unknown`, by job, `{"Fleuriste": "like"}`.
    job_choices: MaybeUndefined<Json>,
    #[graphql(flatten)]
    options: SaveOptions,
}

impl SaveInput for SaveJobsGameInput {
    type Object = JobsGameData;

    fn save(self) -> Result<Save> {
        let json = vec![given("jobChoices", self.job_choices)?.map(Json::into_value)];
        self.options.save::<Self::Object>(None, json)
    }
}
