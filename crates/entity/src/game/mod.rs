//! The seven games: concrete rows, one trait over them.
//!
//! # To add an eighth game
//!
//! Saving, resuming, history, deletion, loaders and ids are written once over [`Game`]; a new game says what is its own:
//!
//! 1. its row here, one file like `jobs.rs` (or `speed.rs`, where it has levels): the module below, a [`GameKind`] with a number of
//!    its own, and its name in [`GameKind::ALL`] and [`for_each_game!`](crate::for_each_game);
//! 2. its table: a new step of the `migration` crate that makes it like those of `m0005_games.rs`, with the index of
//!    `m0013_history.rs`;
//! 3. its words for clients: in the api's `graphql/game/` one file like `jobs.rs` with the object and the input. Searching the api
//!    for `Jobs` and `jobs` shows the other places: in `graphql/game/mod.rs` the kind, the variant of `GameData`, its line in
//!    `in_turn`, the list `objects!` (imported by name in `plays.rs`) and the mutation; the variant in `node.rs`; the list `games!`
//!    in `loaders.rs`; the field in `user.rs`;
//! 4. in the service a JSON Schema of each of its JSON fields (`schemas/`, and a line in `game/schemas.rs`), and its title
//!    (`game/catalogue.rs`);
//! 5. `schema.graphql`, printed anew, and in the tests its names (`harness/game.rs`), a play of it (`fixtures/session-1.json`)
//!    and ten faults (`fixtures/invalid-2.json`).
//!
//! Tests fail where a list was forgotten (`service::game::plays`, the api's `graphql::game`), and `tests/it/games.rs` adds up what
//! a game costs.

pub mod abilities;
pub mod jobs;
pub mod room_env;
pub mod scenario;
pub mod shape_sequence;
pub mod skills;
pub mod speed;

use sea_orm::entity::prelude::*;
use sea_orm::{ActiveModelBehavior, IntoActiveModel, TryIntoModel};

use crate::JsonText;

/// Which game. The number is part of ids and cursors that clients keep: it never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum GameKind {
    /// Workplace scenarios.
    Scenario = 1,
    /// Shape sequences.
    ShapeSequence = 2,
    /// Jobs.
    Jobs = 3,
    /// Typing speed.
    Speed = 4,
    /// Abilities.
    Abilities = 5,
    /// Skills.
    Skills = 6,
    /// Ideal room.
    RoomEnv = 7,
}

impl GameKind {
    /// Every game, in the order they are offered.
    pub const ALL: [Self; 7] =
        [Self::Scenario, Self::ShapeSequence, Self::Jobs, Self::Speed, Self::Abilities, Self::Skills, Self::RoomEnv];

    /// The game of this number, if there is one.
    #[must_use]
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as i32 == number)
    }
}

/// Runs `$body` with `$game` as the entity of each game in turn.
#[macro_export]
macro_rules! for_each_game {
    ($game:ident => $body:expr) => {{
        $crate::for_each_game!(@ $game, $body, scenario shape_sequence jobs speed abilities skills room_env)
    }};
    (@ $game:ident, $body:expr, $($module:ident)*) => {{
        $({
            type $game = $crate::game::$module::Entity;
            $body;
        })*
    }};
}

/// A JSON column of a game.
#[derive(Debug)]
pub struct JsonColumn<C> {
    /// The column.
    pub column: C,
    /// Its name for clients, and in the pointers of problems.
    pub name: &'static str,
    /// What it holds before anything was saved: `{}` or `[]`. What is saved is of the same kind.
    pub empty: &'static str,
}

/// A game: where its rows keep what every play has, and what is its own.
pub trait Game:
    EntityTrait<
        Model: PlayRow + IntoActiveModel<Self::ActiveModel>,
        ActiveModel: ActiveModelBehavior + TryIntoModel<Self::Model> + Clone + Send + Sync,
    >
{
    /// Which one it is.
    const KIND: GameKind;
    /// The level, where it has levels.
    const LEVEL: Option<Self::Column>;
    /// Its JSON columns, in the order of [`PlayRow::json`].
    const JSON: &'static [JsonColumn<Self::Column>];
    /// Those of the JSON columns that are sealed to the play's id: see [`crate::Sealed`], which such a game is, too.
    const SEALED: &'static [Self::Column] = &[];
    /// The play's id.
    const ID: Self::Column;
    /// Who played.
    const USER_ID: Self::Column;
    /// Percent, 0 to 100.
    const COMPLETION: Self::Column;
    /// Of the JSON as it is stored.
    const SCHEMA_VERSION: Self::Column;
    /// Counts the saves, from 1.
    const REVISION: Self::Column;
    /// When the play began.
    const DATE_CREATED: Self::Column;
    /// When it was last saved.
    const DATE_UPDATED: Self::Column;
}

/// The row of a game.
pub type Row<G> = <G as EntityTrait>::Model;

/// What can be read of a play of any game.
pub trait PlayRow: ModelTrait + Clone + Send + Sync + 'static {
    /// The play's id.
    fn id(&self) -> i64;
    /// Who played.
    fn user_id(&self) -> i64;
    /// Percent, 0 to 100.
    fn completion(&self) -> f64;
    /// Of the JSON as it is stored.
    fn schema_version(&self) -> i32;
    /// Counts the saves, from 1.
    fn revision(&self) -> i32;
    /// When the play began.
    fn date_created(&self) -> DateTimeUtc;
    /// When it was last saved.
    fn date_updated(&self) -> DateTimeUtc;
    /// The JSON columns, in the order of [`Game::JSON`].
    fn json(&self) -> Vec<&JsonText>;
}

macro_rules! columns_of_every_play {
    () => {
        const ID: Column = Column::Id;
        const USER_ID: Column = Column::UserId;
        const COMPLETION: Column = Column::Completion;
        const SCHEMA_VERSION: Column = Column::SchemaVersion;
        const REVISION: Column = Column::Revision;
        const DATE_CREATED: Column = Column::DateCreated;
        const DATE_UPDATED: Column = Column::DateUpdated;
    };
}
use columns_of_every_play;

macro_rules! values_of_every_play {
    () => {
        super::values_of_every_play!(
            id: i64, user_id: i64, completion: f64, schema_version: i32, revision: i32,
            date_created: DateTimeUtc, date_updated: DateTimeUtc
        );
    };
    ($($value:ident: $type:ty),*) => {
        $(fn $value(&self) -> $type {
            self.$value
        })*
    };
}
use values_of_every_play;
