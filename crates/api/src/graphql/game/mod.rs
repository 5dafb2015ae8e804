//! The seven games for clients: seven types, inputs and mutations with words of their own, over verbs written once. How to add a
//! game is said in [`service::entity::game`].

pub mod abilities;
mod catalogue;
pub mod jobs;
mod plays;
pub mod room_env;
pub mod scenario;
pub mod shape_sequence;
pub mod skills;
pub mod speed;

use std::borrow::Cow;
use std::ops::Deref;

use async_graphql::parser::types::Field;
use async_graphql::{
    Context, ContextSelectionSet, Enum, ID, InputObject, Interface, MaybeUndefined, Name, Object, OutputType, Positioned,
    ScalarType, ServerResult, Value,
};
use chrono::{DateTime, Utc};
use message::message;
use service::game::{Game, GameKind, PlayRow, Row, Save, StoredPlay};
use service::viewer::Owner;
use service::{Error, Missing};

use self::abilities::{AbilitiesGameData, SaveAbilitiesGameInput};
pub use self::catalogue::GameQuery;
use self::jobs::{JobsGameData, SaveJobsGameInput};
pub use self::plays::{find, load_newest_ahead, load_plays_ahead, newest, newest_of, plays};
use self::room_env::{RoomEnvGameData, SaveRoomEnvGameInput};
use self::scenario::{SaveScenarioGameInput, ScenarioGameData};
use self::shape_sequence::{SaveShapeSequenceGameInput, ShapeSequenceGameData};
use self::skills::{SaveSkillsGameInput, SkillsGameData};
use self::speed::{SaveSpeedGameInput, SpeedGameData};
use super::connection::Connection;
use super::error::Result;
use super::id;
use super::in_turn::{self, InTurn, Small};
use super::json::within_error;
use super::loaders::{Games, OfGame};
use super::request::Request;
use super::user::User;

/// Which game.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(name = "GameKind", remote = "service::game::GameKind")]
pub enum Kind {
    /// Emotional intelligence in workplace scenarios.
    Scenario,
    /// Logical thinking: which shape comes next.
    ShapeSequence,
    /// Jobs explored.
    Jobs,
    /// Typing speed and motor skills.
    Speed,
    /// Soft skills as a person sees their own.
    Abilities,
    /// Technical and professional skills.
    Skills,
    /// The room a person would work in.
    RoomEnv,
}

/// What every play has.
pub struct Play {
    type_name: Cow<'static, str>,
    owner: Owner,
    kind: GameKind,
    id: i64,
    completion: f64,
    schema_version: i32,
    revision: i32,
    date_created: DateTime<Utc>,
    date_updated: DateTime<Utc>,
}

impl Play {
    fn of<O: GameObject>(row: &Row<O::Game>, owner: Owner) -> Self {
        Self {
            type_name: O::type_name(),
            owner,
            kind: O::Game::KIND,
            id: row.id(),
            completion: row.completion(),
            schema_version: row.schema_version(),
            revision: row.revision(),
            date_created: row.date_created(),
            date_updated: row.date_updated(),
        }
    }
}

/// What every play has.
#[Object]
impl Play {
    /// Global id.
    pub async fn id(&self) -> ID {
        id::global(&self.type_name, self.id)
    }

    /// Which game was played.
    pub async fn game(&self) -> Kind {
        self.kind.into()
    }

    /// Who played.
    pub async fn user(&self, context: &Context<'_>) -> Result<User> {
        User::load(context, self.owner).await
    }

    /// How much of the game is done: a percentage, 0 to 100.
    pub async fn completion(&self) -> f64 {
        self.completion
    }

    /// Of the JSON as it is given here: the current one, whenever it was saved (while a release is rolled out, a play of the newer one as
    /// it is).
    pub async fn schema_version(&self) -> i32 {
        self.schema_version
    }

    /// 1 on the first save, one more on each later one.
    pub async fn revision(&self) -> i32 {
        self.revision
    }

    /// When the play began.
    pub async fn date_created(&self) -> DateTime<Utc> {
        self.date_created
    }

    /// When it was last saved.
    pub async fn date_updated(&self) -> DateTime<Utc> {
        self.date_updated
    }
}

/// A play of any game.
#[derive(Interface)]
#[expect(clippy::duplicated_attributes, reason = "two fields of one type are not one field twice")]
#[graphql(
    field(name = "id", ty = "ID", desc = "Global id."),
    field(name = "game", ty = "Kind", desc = "Which game was played."),
    field(name = "user", ty = "User", desc = "Who played."),
    field(name = "completion", ty = "f64", desc = "How much of the game is done: a percentage, 0 to 100."),
    field(
        name = "schema_version",
        ty = "i32",
        desc = "Of the JSON as it is given here: the current one, whenever it was saved (while a release is rolled out, a play of the newer one as it is)."
    ),
    field(name = "revision", ty = "i32", desc = "1 on the first save, one more on each later one."),
    field(name = "date_created", ty = "DateTime<Utc>", desc = "When the play began."),
    field(name = "date_updated", ty = "DateTime<Utc>", desc = "When it was last saved.")
)]
pub enum GameData {
    /// Of workplace scenarios.
    Scenario(ScenarioGameData),
    /// Of shape sequences.
    ShapeSequence(ShapeSequenceGameData),
    /// Of jobs.
    Jobs(JobsGameData),
    /// Of typing speed.
    Speed(SpeedGameData),
    /// Of abilities.
    Abilities(AbilitiesGameData),
    /// Of skills.
    Skills(SkillsGameData),
    /// Of the ideal room.
    RoomEnv(RoomEnvGameData),
}

impl Small for GameData {
    async fn in_turn(&self, context: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        match self {
            Self::Scenario(play) => in_turn::fields(play, context, field).await,
            Self::ShapeSequence(play) => in_turn::fields(play, context, field).await,
            Self::Jobs(play) => in_turn::fields(play, context, field).await,
            Self::Speed(play) => in_turn::fields(play, context, field).await,
            Self::Abilities(play) => in_turn::fields(play, context, field).await,
            Self::Skills(play) => in_turn::fields(play, context, field).await,
            Self::RoomEnv(play) => in_turn::fields(play, context, field).await,
        }
    }
}

/// Somebody's plays.
pub type Plays = InTurn<Connection<InTurn<GameData>>>;

/// The GraphQL object of a game.
pub trait GameObject: Sized + OutputType + Into<GameData> {
    /// The game.
    type Game: Game;
    /// Of a row.
    fn new(play: Play, row: &Row<Self::Game>) -> Self;
    /// Where its rows are loaded.
    fn loaders(games: &Games) -> &OfGame<Self::Game>;
}

/// A save of a game, as its input says it.
trait SaveInput {
    /// What is saved.
    type Object: GameObject;
    /// As the service takes it; null is refused, since it could mean to leave or to clear.
    fn save(self) -> Result<Save>;
}

/// Hands the GraphQL objects of the games to a macro, after what else it is given.
macro_rules! objects {
    ($then:ident $($arguments:tt)*) => {
        $then!($($arguments)* ScenarioGameData ShapeSequenceGameData JobsGameData SpeedGameData AbilitiesGameData SkillsGameData RoomEnvGameData);
    };
}

/// Runs `$body` with `$object` as the GraphQL object of each game in turn.
macro_rules! for_each_object {
    ($object:ident => $body:expr) => {
        objects!(for_each_object @ $object, $body,)
    };
    (@ $object:ident, $body:expr, $($type:ident)*) => {
        $({
            type $object = $type;
            $body;
        })*
    };
}

use {for_each_object, objects};

/// A play as an error shows it: like the type of its game, but for `user` and `__typename`.
pub fn stored_play(play: &StoredPlay) -> Value {
    let mut type_name = Cow::Borrowed("");
    for_each_object!(Object => if <Object as GameObject>::Game::KIND == play.kind {
        type_name = Object::type_name();
    });
    let kind = async_graphql::resolver_utils::enum_value(Kind::from(play.kind));
    let mut members = vec![
        ("id", Value::from(id::global(&type_name, play.id).0)),
        ("game", kind),
        ("revision", play.revision.into()),
        ("completion", play.completion.into()),
        ("schemaVersion", play.schema_version.into()),
        ("dateCreated", DateTime::to_value(&play.date_created)),
        ("dateUpdated", DateTime::to_value(&play.date_updated)),
    ];
    members.extend(play.current_level.map(|level| ("currentLevel", level.into())));
    members.extend(play.json.iter().map(|(name, text)| (*name, within_error(text))));
    Value::Object(members.into_iter().map(|(name, value)| (Name::new(name), value)).collect())
}

/// What the interfaces ask of each of the seven is answered by what every play has.
macro_rules! plays {
    ($($object:ident)*) => {
        $(impl Deref for $object {
            type Target = Play;

            fn deref(&self) -> &Play {
                &self.play
            }
        })*
    };
}
objects!(plays);

/// How JSON given meets what is stored.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(name = "SaveMode", remote = "service::game::SaveMode")]
pub enum Mode {
    /// By RFC 7396: keys given are set, null removes a key, the others stay. Arrays are replaced.
    Merge,
    /// What was stored goes.
    Replace,
}

/// What every save may say.
#[derive(InputObject)]
pub struct SaveOptions {
    /// How much of the game is done: a percentage, 0 to 100.
    completion: MaybeUndefined<f64>,
    /// How JSON given meets what is stored.
    #[graphql(default_with = "Some(Mode::Merge)")]
    mode: Option<Mode>,
    /// True begins a new play; false goes on with the one of `playId`, else with the newest, or begins the first.
    #[graphql(default_with = "Some(false)")]
    new_play: Option<bool>,
    /// The revision that the save builds on (0 before the first save, and with `newPlay`): refused with `CONFLICT` when another save came
    /// first.
    expected_revision: Option<i32>,
    /// The play that the save goes on with, even where another one was begun meanwhile: so no answers of two plays are mixed. The
    /// newest play when left out. Not with `newPlay`; `NOT_FOUND` where there is no such play of the viewer's.
    play_id: Option<ID>,
    /// An id of the client's own for this save, at most 100 characters, such as a UUID. For at least 30 days, the same id again
    /// changes nothing and answers with the same play as it is by then (`NOT_FOUND` where it is deleted); with other content it is
    /// refused with `CONFLICT`.
    save_id: Option<ID>,
}

impl SaveOptions {
    fn save<O: GameObject>(self, current_level: Option<i32>, json: Vec<Option<serde_json::Value>>) -> Result<Save> {
        Ok(Save {
            current_level,
            completion: given("completion", self.completion)?,
            json,
            mode: self.mode.unwrap_or(Mode::Merge).into(),
            new_play: self.new_play.unwrap_or(false),
            play_id: self.play_id.map(|id| id::row(&id, &O::type_name(), Missing::Play)).transpose()?,
            expected_revision: self.expected_revision,
            save_id: self.save_id.map(|id| id.0),
        })
    }
}

/// A value that is given or left out, but not null.
fn given<T>(name: &str, value: MaybeUndefined<T>) -> Result<Option<T>> {
    match value {
        MaybeUndefined::Undefined => Ok(None),
        MaybeUndefined::Value(value) => Ok(Some(value)),
        MaybeUndefined::Null => {
            Err(Error::invalid(format!("/{name}"), message!("is null; leave it out to keep what is stored.")).into())
        }
    }
}

async fn save<I: SaveInput>(context: &Context<'_>, input: I) -> Result<I::Object> {
    let request = Request::that_writes(context);
    let save = match input.save() {
        Ok(save) => save,
        Err(error) => {
            // Who is not let in is told that, and no more.
            request.viewer().await?;
            return Err(error);
        }
    };
    let (owner, row) = service::game::save::<<I::Object as GameObject>::Game>(&request.service, &request.bearer()?, save).await?;
    // Not counted: what is stored is answered, and a request holds some hundred saves at most.
    Ok(I::Object::new(Play::of::<I::Object>(&row, owner), &row))
}

/// What a save counts for in a query's complexity: some hundred in one request are too many.
const SAVE: usize = 500;

/// Saving and deleting plays.
#[derive(Default)]
pub struct GameMutation;

#[Object]
impl GameMutation {
    /// Saves workplace scenarios.
    #[graphql(complexity = "SAVE + child_complexity")]
    async fn save_scenario_game(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What to save.")] input: SaveScenarioGameInput,
    ) -> Result<ScenarioGameData> {
        save(context, input).await
    }

    /// Saves shape sequences.
    #[graphql(complexity = "SAVE + child_complexity")]
    async fn save_shape_sequence_game(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What to save.")] input: SaveShapeSequenceGameInput,
    ) -> Result<ShapeSequenceGameData> {
        save(context, input).await
    }

    /// Saves jobs.
    #[graphql(complexity = "SAVE + child_complexity")]
    async fn save_jobs_game(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What to save.")] input: SaveJobsGameInput,
    ) -> Result<JobsGameData> {
        save(context, input).await
    }

    /// Saves typing speed.
    #[graphql(complexity = "SAVE + child_complexity")]
    async fn save_speed_game(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What to save.")] input: SaveSpeedGameInput,
    ) -> Result<SpeedGameData> {
        save(context, input).await
    }

    /// Saves abilities.
    #[graphql(complexity = "SAVE + child_complexity")]
    async fn save_abilities_game(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What to save.")] input: SaveAbilitiesGameInput,
    ) -> Result<AbilitiesGameData> {
        save(context, input).await
    }

    /// Saves skills.
    #[graphql(complexity = "SAVE + child_complexity")]
    async fn save_skills_game(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What to save.")] input: SaveSkillsGameInput,
    ) -> Result<SkillsGameData> {
        save(context, input).await
    }

    /// Saves the ideal room.
    #[graphql(complexity = "SAVE + child_complexity")]
    async fn save_room_env_game(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What to save.")] input: SaveRoomEnvGameInput,
    ) -> Result<RoomEnvGameData> {
        save(context, input).await
    }

    /// Deletes one of the viewer's own plays, for good.
    #[graphql(complexity = "SAVE")]
    async fn delete_play(&self, context: &Context<'_>, #[graphql(desc = "The play's id.")] id: ID) -> Result<bool> {
        let request = Request::that_writes(context);
        let viewer = request.viewer().await?;
        let (name, row) = id::parse(&id).ok_or(Error::NotFound(Missing::Play))?;
        for_each_object!(Object => if name == Object::type_name() {
            service::game::delete::<<Object as GameObject>::Game>(&request.service, viewer, row).await?;
            return Ok(true);
        });
        Err(Error::NotFound(Missing::Play).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_game_has_its_object() {
        let mut kinds = Vec::new();
        for_each_object!(Object => kinds.push(<Object as GameObject>::Game::KIND));
        assert_eq!(kinds, GameKind::ALL);
    }
}
