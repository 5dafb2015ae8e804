//! What there is to say of the games themselves.

use async_graphql::{Context, Object};
use service::Error;
use service::game::GameKind;
use service::game::catalogue::{self, info};
use service::game::evolution::current_version;

use super::Kind;
use crate::graphql::error::Result;
use crate::graphql::json::Json;
use crate::graphql::language::Language;
use crate::graphql::request::Request;

/// A game, as it is offered.
pub struct GameInfo(GameKind);

impl GameInfo {
    fn info(&self, context: &Context<'_>, language: Option<Language>) -> catalogue::GameInfo {
        info(self.0, language.map_or(Request::of(context).caller().language(), Into::into))
    }
}

/// A game, as it is offered.
#[Object]
impl GameInfo {
    /// Which game.
    async fn game(&self) -> Kind {
        self.0.into()
    }

    /// Its name.
    async fn title(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "In this language; in the one that the client asks for (`Accept-Language`) when left out.")]
        language: Option<Language>,
    ) -> &'static str {
        self.info(context, language).title
    }

    /// What one does in it, in a sentence.
    async fn description(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "In this language; in the one that the client asks for (`Accept-Language`) when left out.")]
        language: Option<Language>,
    ) -> &'static str {
        self.info(context, language).description
    }

    /// How many levels it has; null where it has none.
    async fn levels(&self, context: &Context<'_>) -> Option<i32> {
        self.info(context, None).levels
    }

    /// The version that its JSON is in, whenever it was saved.
    async fn schema_version(&self) -> i32 {
        current_version(self.0)
    }

    /// The JSON Schema (2020-12) of each of its JSON fields, by version: `{"1": {"traits": {…}}}`. What a save comes to is checked
    /// against that of `schemaVersion`.
    #[graphql(complexity = "200")]
    #[expect(clippy::unused_async, reason = "the library takes no other methods")]
    async fn json_schemas(&self, context: &Context<'_>) -> Result<Json> {
        let request = Request::of(context);
        let schemas = request.service.schemas.by_version(self.0).ok_or_else(|| Error::internal("a game has no schemas"))?;
        request.spend(schemas.as_str().len())?;
        Ok(schemas.clone().into())
    }
}

/// Reading what there is of games.
#[derive(Default)]
pub struct GameQuery;

#[Object]
impl GameQuery {
    /// The seven games, in the order they are offered.
    async fn game_catalogue(&self) -> Vec<GameInfo> {
        GameKind::ALL.into_iter().map(GameInfo).collect()
    }
}
