//! Any object by its global id.

use async_graphql::{Context, ID, Interface, Object};
use message::message;
use service::{Error, Missing};

use super::error::Result;
use super::game::abilities::AbilitiesGameData;
use super::game::jobs::JobsGameData;
use super::game::room_env::RoomEnvGameData;
use super::game::scenario::ScenarioGameData;
use super::game::shape_sequence::ShapeSequenceGameData;
use super::game::skills::SkillsGameData;
use super::game::speed::SpeedGameData;
use super::game::{self, GameData};
use super::id;
use super::request::Request;
use super::terms_version::TermsVersion;
use super::user::User;

/// An object with a global id.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Global id: opaque, stable."))]
pub enum Node {
    /// A person.
    User(User),
    /// A version of the terms.
    TermsVersion(TermsVersion),
    /// A play of workplace scenarios.
    Scenario(ScenarioGameData),
    /// A play of shape sequences.
    ShapeSequence(ShapeSequenceGameData),
    /// A play of jobs.
    Jobs(JobsGameData),
    /// A play of typing speed.
    Speed(SpeedGameData),
    /// A play of abilities.
    Abilities(AbilitiesGameData),
    /// A play of skills.
    Skills(SkillsGameData),
    /// A play of the ideal room.
    RoomEnv(RoomEnvGameData),
}

impl From<GameData> for Node {
    fn from(play: GameData) -> Self {
        match play {
            GameData::Scenario(play) => Self::Scenario(play),
            GameData::ShapeSequence(play) => Self::ShapeSequence(play),
            GameData::Jobs(play) => Self::Jobs(play),
            GameData::Speed(play) => Self::Speed(play),
            GameData::Abilities(play) => Self::Abilities(play),
            GameData::Skills(play) => Self::Skills(play),
            GameData::RoomEnv(play) => Self::RoomEnv(play),
        }
    }
}

/// Reading objects by their ids.
#[derive(Default)]
pub struct NodeQuery;

/// The most ids of one `nodes`.
const MAX_NODES: usize = 100;

#[Object]
impl NodeQuery {
    /// The object with this id. What is not there and what is not the viewer's to see are `NOT_FOUND` alike.
    async fn node(&self, context: &Context<'_>, #[graphql(desc = "A global id.")] id: ID) -> Option<Result<Node>> {
        Some(find(context, &id).await)
    }

    /// The objects with these ids, in their order; null with an error where `node` would have one.
    #[graphql(complexity = "ids.len().saturating_mul(child_complexity)")]
    async fn nodes(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Global ids; 100 at most.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Result<Node>>>> {
        if ids.len() > MAX_NODES {
            return Err(Error::invalid(
                "/ids",
                message!("has {count} ids; ask for {limit} at most at once.", count = ids.len(), limit = MAX_NODES),
            )
            .into());
        }
        let mut nodes = Vec::with_capacity(ids.len());
        for id in &ids {
            nodes.push(Some(find(context, id).await));
        }
        Ok(nodes)
    }
}

async fn find(context: &Context<'_>, id: &ID) -> Result<Node> {
    let request = Request::of(context);
    let parsed = id::parse::<i64>(id);
    if let Some((_, id)) = parsed.as_ref().filter(|(name, _)| name == "TermsVersion") {
        let terms = request.loaders().terms.load(*id).await?;
        return Ok(Node::TermsVersion(TermsVersion(terms.ok_or(Error::NotFound(Missing::TermsVersion))?)));
    }
    let viewer = request.viewer().await?;
    let (name, id) = parsed.ok_or(Error::NotFound(Missing::Object))?;
    if name == "User" {
        let (user, owner) = service::user::find(&request.service, viewer, id).await?;
        return Ok(Node::User(User::new(user, owner)));
    }
    Ok(game::find(context, viewer, &name, id).await?.ok_or(Error::NotFound(Missing::Object))?.into())
}
