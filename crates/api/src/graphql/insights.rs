//! What was played, read as what it means. The reading itself is [`service::game::insights`].

use async_graphql::futures_util::future::try_join;
use async_graphql::{Context, Enum, Object, SimpleObject};
use serde_json::Value;
use service::entity::JsonText;
use service::game::Row;
use service::game::insights::{jobs, logic, room, skills, traits, typing};
use service::viewer::Owner;

use super::error::Result;
use super::game::GameObject;
use super::game::abilities::AbilitiesGameData;
use super::game::jobs::JobsGameData;
use super::game::room_env::RoomEnvGameData;
use super::game::scenario::ScenarioGameData;
use super::game::shape_sequence::ShapeSequenceGameData;
use super::game::skills::SkillsGameData;
use super::game::speed::SpeedGameData;
use super::json::Json;
use super::request::Request;

/// A byte of JSON becomes about as many, read and written out in fields.
const WEIGHT: usize = 10;

/// Of this person.
pub struct Insights(pub Owner);

impl Insights {
    /// A JSON field of the newest play, where there is one.
    async fn field<O: GameObject>(&self, context: &Context<'_>, field: fn(&Row<O::Game>) -> &JsonText) -> Result<Option<Value>> {
        let loaders = Request::of(context).loaders();
        let Some(row) = O::loaders(&loaders.games).newest.load(self.0).await? else { return Ok(None) };
        let text = field(&row);
        Request::of(context).spend(WEIGHT * text.as_str().len())?;
        Ok(Some(Json::from(text.clone()).into_value()))
    }

    /// What a JSON field of the newest play says.
    async fn part<O: GameObject, I, T: From<I>>(
        &self,
        context: &Context<'_>,
        field: fn(&Row<O::Game>) -> &JsonText,
        read: fn(&Value) -> Option<I>,
    ) -> Option<Result<T>> {
        let stored = self.field::<O>(context, field).await;
        stored.map(|stored| stored.and_then(|stored| read(&stored)).map(T::from)).transpose()
    }
}

/// What somebody's newest plays say of them, strengths first. Each part is null until its game holds an answer.
#[Object]
impl Insights {
    /// The traits that showed in workplace scenarios.
    async fn traits(&self, context: &Context<'_>) -> Option<Result<TraitInsights>> {
        self.part::<ScenarioGameData, _, _>(context, |row| &row.traits, traits::of).await
    }

    /// How shape sequences went.
    async fn logic(&self, context: &Context<'_>) -> Option<Result<LogicInsights>> {
        self.part::<ShapeSequenceGameData, _, _>(context, |row| &row.level_results, logic::of).await
    }

    /// How typing went.
    async fn typing(&self, context: &Context<'_>) -> Option<Result<TypingInsights>> {
        self.part::<SpeedGameData, _, _>(context, |row| &row.level_stats, typing::of).await
    }

    /// Jobs by what they think of them.
    async fn jobs(&self, context: &Context<'_>) -> Option<Result<JobInsights>> {
        self.part::<JobsGameData, _, _>(context, |row| &row.job_choices, jobs::of).await
    }

    /// Skills and abilities together, by how they see their own.
    async fn skills(&self, context: &Context<'_>) -> Option<Result<SkillInsights>> {
        let both = try_join(
            self.field::<SkillsGameData>(context, |row| &row.skills_assessment),
            self.field::<AbilitiesGameData>(context, |row| &row.skill_assessment),
        );
        let read = |(skills, abilities): (Option<_>, Option<_>)| skills::of(skills.as_ref(), abilities.as_ref());
        both.await.map(|both| read(both).map(SkillInsights::from)).transpose()
    }

    /// The conditions in which they felt well, and in which not.
    async fn room(&self, context: &Context<'_>) -> Option<Result<RoomInsights>> {
        self.part::<RoomEnvGameData, _, _>(context, |row| &row.room_data, room::of).await
    }
}

/// What traits have to do with.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "service::game::insights::traits::TraitGroup")]
pub enum TraitGroup {
    /// Saying and hearing.
    Communication,
    /// Being with others.
    Relationships,
    /// Meeting what is new.
    Adaptability,
    /// Taking care of what is to be done.
    Organisation,
    /// Going one's own way.
    Autonomy,
    /// Traits that are not among the 29 of the game.
    Other,
}

/// The traits that showed.
#[derive(SimpleObject)]
pub struct TraitInsights {
    /// The strongest first.
    ranked: Vec<TraitInsight>,
    /// What they have to do with, the strongest first.
    groups: Vec<TraitGroupInsight>,
}

/// A trait that showed.
#[derive(SimpleObject)]
pub struct TraitInsight {
    /// As the game names it, such as `empathie`.
    name: String,
    /// What it has to do with.
    group: TraitGroup,
    /// Its points, added up over the scenarios; from 1.
    points: i32,
    /// 1 for the strongest; traits with the same points share a rank.
    rank: i32,
}

/// The traits of a group together.
#[derive(SimpleObject)]
pub struct TraitGroupInsight {
    /// Which group.
    group: TraitGroup,
    /// The points of its traits added up.
    points: i32,
}

impl From<traits::Traits> for TraitInsights {
    fn from(traits: traits::Traits) -> Self {
        let ranked = traits.ranked.into_iter().map(|one| TraitInsight {
            name: one.name,
            group: one.group.into(),
            points: one.points,
            rank: one.rank,
        });
        let groups = traits.groups.into_iter().map(|(group, points)| TraitGroupInsight { group: group.into(), points });
        Self { ranked: ranked.collect(), groups: groups.collect() }
    }
}

/// How shape sequences went.
#[derive(SimpleObject)]
pub struct LogicInsights {
    /// Levels solved.
    solved: i32,
    /// Levels played.
    played: i32,
    /// Solved of those played: a percentage, 0 to 100.
    score: f64,
    /// The most levels solved one after the other.
    longest_run: i32,
    /// Each level played, in their order.
    course: Vec<LogicLevel>,
}

/// A level of shape sequences.
#[derive(SimpleObject)]
pub struct LogicLevel {
    /// Its number, from 1.
    level: i32,
    /// It was solved.
    solved: bool,
}

impl From<logic::Logic> for LogicInsights {
    fn from(logic: logic::Logic) -> Self {
        let logic::Logic { solved, played, score, longest_run, course } = logic;
        let course = course.into_iter().map(|(level, solved)| LogicLevel { level, solved }).collect();
        Self { solved, played, score, longest_run, course }
    }
}

/// How typing went.
#[derive(SimpleObject)]
pub struct TypingInsights {
    /// The highest level played.
    level_reached: i32,
    /// Levels passed.
    levels_passed: i32,
    /// The most words a minute, of the levels that were passed, or of all where none was; null where none says.
    words_per_minute: Option<f64>,
    /// The greatest accuracy of the same levels: a percentage, 0 to 100; null where none says.
    accuracy: Option<f64>,
    /// Each level played, in their order.
    course: Vec<TypingLevel>,
}

/// A level of typing.
#[derive(SimpleObject)]
pub struct TypingLevel {
    /// Its number, from 1.
    level: i32,
    /// It was passed; null where it does not say.
    passed: Option<bool>,
    /// Words a minute; null where it does not say.
    words_per_minute: Option<f64>,
    /// A percentage, 0 to 100; null where it does not say.
    accuracy: Option<f64>,
}

impl From<typing::Typing> for TypingInsights {
    fn from(typing: typing::Typing) -> Self {
        let typing::Typing { level_reached, levels_passed, words_per_minute, accuracy, course } = typing;
        let course = course.into_iter().map(|typing::Level { level, passed, words_per_minute, accuracy }| TypingLevel {
            level,
            passed,
            words_per_minute,
            accuracy,
        });
        Self { level_reached, levels_passed, words_per_minute, accuracy, course: course.collect() }
    }
}

/// Jobs by what somebody thinks of them, each by the name that it was saved under.
#[derive(SimpleObject)]
pub struct JobInsights {
    /// Those they like.
    liked: Vec<String>,
    /// Those they have not made up their mind about.
    undecided: Vec<String>,
    /// Those they would rather not do.
    disliked: Vec<String>,
}

impl From<jobs::Jobs> for JobInsights {
    fn from(jobs::Jobs { liked, undecided, disliked }: jobs::Jobs) -> Self {
        Self { liked, undecided, disliked }
    }
}

/// Skills and abilities by how somebody sees their own. Each stands once: where the two games say two things of one, the stronger
/// counts.
#[derive(SimpleObject)]
pub struct SkillInsights {
    /// What they are good at (`Strong`).
    strong: Vec<String>,
    /// What they want to learn (`WantToLearn`).
    want_to_learn: Vec<String>,
    /// What goes better with some support (`Weak`).
    with_support: Vec<String>,
    /// What there is to discover (`Unknown`, `Unknow`).
    to_discover: Vec<String>,
    /// What they left for later (`Skipped`).
    left_for_later: Vec<String>,
}

impl From<skills::Skills> for SkillInsights {
    fn from(skills: skills::Skills) -> Self {
        let skills::Skills { strong, want_to_learn, with_support, to_discover, left_for_later } = skills;
        Self { strong, want_to_learn, with_support, to_discover, left_for_later }
    }
}

/// The rooms that somebody tried, by how they felt there, as far as their words tell without a doubt.
#[derive(SimpleObject)]
pub struct RoomInsights {
    /// Conditions in which they felt well.
    preferred: Vec<RoomConditions>,
    /// Conditions in which they did not.
    difficult: Vec<RoomConditions>,
    /// Conditions of which they said neither.
    tried: Vec<RoomConditions>,
    /// Objects that they put into the room.
    objects: Vec<RoomObject>,
}

/// The settings of a room; null where they were not chosen.
#[derive(SimpleObject)]
pub struct RoomConditions {
    /// The room's name.
    room: String,
    /// How bright the light is.
    light_intensity: Option<String>,
    /// The light's colour.
    light_color: Option<String>,
    /// The room's colour.
    room_color: Option<String>,
    /// What is to be heard.
    noise_type: Option<String>,
    /// How loud, 0 to 10.
    noise_volume: Option<f64>,
    /// How many others are there.
    people_in_room: Option<i32>,
    /// How it felt, as they said it.
    feedback: Option<String>,
    /// What else they had to say.
    commentary: Option<String>,
}

/// An object that somebody put into the room.
#[derive(SimpleObject)]
pub struct RoomObject {
    /// What kind of object, such as `lighting`.
    object_type: String,
    /// Which one, such as `desk`; null where it is not said.
    name: Option<String>,
    /// How it is set, such as `bright`; null where it is not said.
    setting: Option<String>,
}

impl From<room::Conditions> for RoomConditions {
    fn from(conditions: room::Conditions) -> Self {
        Self {
            room: conditions.room,
            light_intensity: conditions.light_intensity,
            light_color: conditions.light_color,
            room_color: conditions.room_color,
            noise_type: conditions.noise_type,
            noise_volume: conditions.noise_volume,
            people_in_room: conditions.people_in_room,
            feedback: conditions.feedback,
            commentary: conditions.commentary,
        }
    }
}

impl From<room::Room> for RoomInsights {
    fn from(room: room::Room) -> Self {
        let all = |conditions: Vec<room::Conditions>| conditions.into_iter().map(RoomConditions::from).collect();
        let objects = room.objects.into_iter();
        Self {
            preferred: all(room.preferred),
            difficult: all(room.difficult),
            tried: all(room.tried),
            objects: objects
                .map(|room::Object { object_type, name, setting }| RoomObject { object_type, name, setting })
                .collect(),
        }
    }
}
