//! Plays as they are read: the newest of a person, pages of them, and one by its id.

use async_graphql::futures_util::future::join_all;
use async_graphql::{Context, OutputType};
use service::game::{Game, GameKind, PlayCursor, PlayRef, PlayRow, Row};
use service::page::{Page, PageRequest};
use service::viewer::{Owner, Viewer};

use super::{
    AbilitiesGameData, GameData, GameObject, JobsGameData, Play, Plays, RoomEnvGameData, ScenarioGameData, ShapeSequenceGameData,
    SkillsGameData, SpeedGameData, for_each_object, objects,
};
use crate::graphql::connection::{Total, connection};
use crate::graphql::error::Result;
use crate::graphql::in_turn::InTurn;
use crate::graphql::loaders::Loaders;
use crate::graphql::request::Request;

fn object<O: GameObject>(context: &Context<'_>, row: &Row<O::Game>, owner: Owner) -> Result<O> {
    Request::of(context).spend(row.json().iter().map(|text| text.as_str().len()).sum())?;
    Ok(O::new(Play::of::<O>(row, owner), row))
}

/// The newest play of a person.
pub async fn newest<O: GameObject>(context: &Context<'_>, owner: Owner) -> Option<Result<O>> {
    let loaders = Request::of(context).loaders();
    let row = O::loaders(&loaders.games).newest.load(owner).await;
    row.and_then(|row| row.map(|row| object::<O>(context, &row, owner)).transpose()).transpose()
}

/// A page of somebody's plays, of one game or of all.
pub async fn plays(
    context: &Context<'_>,
    owner: Owner,
    game: Option<GameKind>,
    request: PageRequest<PlayCursor>,
) -> Result<Plays> {
    for_each_object!(Object => if game == Some(<Object as GameObject>::Game::KIND) {
        return plays_of_game::<Object>(context, owner, request).await;
    });
    plays_of_all_games(context, owner, request).await
}

/// Has such a page of each of these people ready.
pub async fn load_plays_ahead(loaders: &Loaders, owners: &[Owner], game: Option<GameKind>, request: PageRequest<PlayCursor>) {
    let keys: Vec<_> = owners.iter().map(|owner| (*owner, request)).collect();
    for_each_object!(Object => if game == Some(<Object as GameObject>::Game::KIND) {
        return Object::loaders(&loaders.games).pages.load_ahead(keys).await;
    });
    loaders.plays.load_ahead(keys.clone()).await;
    let mut plays = Vec::new();
    for key in keys {
        // What failed is told to who asks.
        plays.extend(loaders.plays.load(key).await.into_iter().flat_map(|page| page.items));
    }
    for_each_object!(Object => {
        let of_game = plays.iter().filter(|play| play.cursor.game == <Object as GameObject>::Game::KIND);
        let of_game = of_game.map(|play| (play.owner, play.cursor.id)).collect();
        Object::loaders(&loaders.games).plays.load_ahead(of_game).await;
    });
}

/// The game whose newest play this field of a person has: `speedGame` has a `SpeedGameData`.
pub fn newest_of(field: &str) -> Option<GameKind> {
    for_each_object!(Object => if is_newest(field, &Object::type_name()) {
        return Some(<Object as GameObject>::Game::KIND);
    });
    None
}

/// Has the newest play of each of these people ready, of the game that this field of a person has it of. False where that is another
/// field.
pub async fn load_newest_ahead(loaders: &Loaders, owners: &[Owner], field: &str) -> bool {
    for_each_object!(Object => if is_newest(field, &Object::type_name()) {
        Object::loaders(&loaders.games).newest.load_ahead(owners.to_vec()).await;
        return true;
    });
    false
}

fn is_newest(field: &str, type_name: &str) -> bool {
    type_name.strip_suffix("Data").is_some_and(|game| game.eq_ignore_ascii_case(field))
}

async fn plays_of_game<O: GameObject>(context: &Context<'_>, owner: Owner, request: PageRequest<PlayCursor>) -> Result<Plays> {
    let loaders = Request::of(context).loaders();
    let Page { items, has_previous, has_next } = O::loaders(&loaders.games).pages.load((owner, request)).await?;
    let plays = items.iter().map(|row| Ok((PlayCursor::of::<O::Game>(row), object::<O>(context, row, owner)?.into())));
    let items = plays.collect::<Result<Vec<_>>>()?;
    Ok(connection_of(owner, Some(O::Game::KIND), Page { items, has_previous, has_next }))
}

/// What was deleted between the two statements is left out.
async fn plays_of_all_games(context: &Context<'_>, owner: Owner, request: PageRequest<PlayCursor>) -> Result<Plays> {
    let page = Request::of(context).loaders().plays.load((owner, request)).await?;
    let plays = join_all(page.items.iter().map(|play| load(context, *play))).await;
    let mut items = Vec::with_capacity(plays.len());
    for (reference, play) in page.items.into_iter().zip(plays) {
        if let Some(play) = play? {
            items.push((reference.cursor, play));
        }
    }
    let page = Page { items, has_previous: page.has_previous, has_next: page.has_next };
    Ok(connection_of(owner, None, page))
}

fn connection_of(owner: Owner, game: Option<GameKind>, page: Page<(PlayCursor, GameData)>) -> Plays {
    InTurn(connection(page, Total::Plays(owner, game), |(cursor, play)| (cursor, InTurn(play))))
}

async fn load(context: &Context<'_>, play: PlayRef) -> Result<Option<GameData>> {
    for_each_object!(Object => if <Object as GameObject>::Game::KIND == play.cursor.game {
        return load_one::<Object>(context, play).await;
    });
    Ok(None)
}

async fn load_one<O: GameObject>(context: &Context<'_>, play: PlayRef) -> Result<Option<GameData>> {
    let loaders = Request::of(context).loaders();
    let row = O::loaders(&loaders.games).plays.load((play.owner, play.cursor.id)).await?;
    row.map(|row| object::<O>(context, &row, play.owner).map(Into::into)).transpose()
}

/// The play of this type and id, if the viewer may see it; nothing where the type is not a game's.
pub async fn find(context: &Context<'_>, viewer: &Viewer, name: &str, id: i64) -> Result<Option<GameData>> {
    let service = &Request::of(context).service;
    for_each_object!(Object => if name == Object::type_name() {
        let (row, owner) = service::game::find::<<Object as GameObject>::Game>(service, viewer, id).await?;
        return Ok(Some(object::<Object>(context, &row, owner)?.into()));
    });
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_of_the_newest_play_is_known_by_its_type() {
        let schema = crate::graphql::sdl();
        let fields: Vec<_> = schema.lines().filter_map(|line| line.trim().split_once(": ")).collect();
        for_each_object!(Object => {
            let name = Object::type_name();
            assert!(fields.iter().any(|(field, of)| *of == name && is_newest(field, &name)), "{name}");
            assert!(!is_newest("plays", &name));
        });
    }
}
