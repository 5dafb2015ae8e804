//! The game of the ideal room.

use async_graphql::{ComplexObject, InputObject, MaybeUndefined, SimpleObject};
use service::entity::JsonText;
use service::entity::game::room_env::{Entity, Model};
use service::game::Save;

use super::{GameObject, Play, SaveInput, SaveOptions, given};
use crate::graphql::error::Result;
use crate::graphql::json::{Json, opened};
use crate::graphql::loaders::{Games, OfGame};

/// A play of the ideal room.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct RoomEnvGameData {
    #[graphql(flatten)]
    pub(super) play: Play,
    #[graphql(skip)]
    room_data: JsonText,
}

#[ComplexObject]
impl RoomEnvGameData {
    /// The objects in the room or the settings of a room, one item each: an array.
    #[expect(clippy::unused_async, reason = "the library wants it of what may fail")]
    async fn room_data(&self) -> Result<Json> {
        opened(&self.room_data)
    }
}

impl GameObject for RoomEnvGameData {
    type Game = Entity;

    fn new(play: Play, row: &Model) -> Self {
        Self { play, room_data: row.room_data.clone() }
    }

    fn loaders(games: &Games) -> &OfGame<Entity> {
        &games.room_env
    }
}

/// A save of the ideal room: what is left out stays as it is stored.
#[derive(InputObject)]
pub struct SaveRoomEnvGameInput {
    /// The objects in the room or the settings of a room, one item each; an array is replaced, not merged.
    room_data: MaybeUndefined<Json>,
    #[graphql(flatten)]
    options: SaveOptions,
}

impl SaveInput for SaveRoomEnvGameInput {
    type Object = RoomEnvGameData;

    fn save(self) -> Result<Save> {
        let json = vec![given("roomData", self.room_data)?.map(Json::into_value)];
        self.options.save::<Self::Object>(None, json)
    }
}
