//! The room a person would work in.

use sea_orm::entity::prelude::*;
use serde::Deserialize;

use super::{Game, GameKind, JsonColumn, PlayRow};
use crate::{JsonText, Sealed};

/// One play: a row of `room_env_game_data`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Deserialize)]
#[sea_orm(table_name = "room_env_game_data")]
pub struct Model {
    /// The play's id; a later play has a greater one.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Who played.
    pub user_id: i64,
    /// Percent, 0 to 100.
    pub completion: f64,
    /// Array: objects in the room, or settings of a room, one item each. Sealed: what
    /// a person hears, sees and says of a room tells how they perceive.
    pub room_data: JsonText,
    /// Of the JSON as it is stored.
    pub schema_version: i32,
    /// 1 on the first save, one more on each later one.
    pub revision: i32,
    /// When the play began.
    pub date_created: DateTimeUtc,
    /// When it was last saved.
    pub date_updated: DateTimeUtc,
}

/// None: plays are loaded by owner.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Game for Entity {
    const KIND: GameKind = GameKind::RoomEnv;
    const LEVEL: Option<Column> = None;
    const JSON: &'static [JsonColumn<Column>] = &[JsonColumn { column: Column::RoomData, name: "roomData", empty: "[]" }];
    const SEALED: &'static [Column] = &[Column::RoomData];
    super::columns_of_every_play!();
}

impl PlayRow for Model {
    super::values_of_every_play!();

    fn json(&self) -> Vec<&JsonText> {
        vec![&self.room_data]
    }
}

impl Sealed for Entity {
    const KEY: Column = Column::Id;
    const SEALED: &'static [Column] = <Self as Game>::SEALED;

    fn sealed_to(row: &Model) -> String {
        row.id.to_string()
    }
}
