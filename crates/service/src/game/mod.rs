//! The verbs of every game, written once over [`Game`]. How to add a game is said in [`entity::game`].

pub mod catalogue;
pub mod evolution;
pub mod insights;
mod plays;
mod progress;
mod save;
mod schemas;
mod valid;

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::JsonText;
pub use entity::game::{Game, GameKind, PlayRow, Row};
pub(crate) use plays::tables;
pub use plays::{PlayCursor, PlayRef, plays_by_requests, plays_of_game_by_requests, within_answer};
pub use progress::{GameProgress, Progress, progress_by_owners};
pub use save::{Remembered, Save, SaveMode, save};
pub use schemas::Schemas;
use sea_orm::sea_query::{Expr, ExprTrait, Query, ValueType};
use sea_orm::{ColumnTrait, ModelTrait, QueryFilter, Select};

use self::evolution::bring_up;
use crate::sealed::{self, KeyRing};
use crate::viewer::{Owner, Viewer, by_owner, one_by_owner, user_ids};
use crate::{Error, Missing, Service, user};

/// A play as it is stored, of whichever game.
#[derive(Clone, Debug)]
pub struct StoredPlay {
    /// Which game.
    pub kind: GameKind,
    /// The play's id among those of that game.
    pub id: i64,
    /// The level reached, where the game has levels.
    pub current_level: Option<i32>,
    /// Percent, 0 to 100.
    pub completion: f64,
    /// The JSON fields with their names, in the version that `schema_version` says.
    pub json: Vec<(&'static str, JsonText)>,
    /// Of the JSON.
    pub schema_version: i32,
    /// Counts the saves, from 1.
    pub revision: i32,
    /// When the play began.
    pub date_created: DateTime<Utc>,
    /// When it was last saved.
    pub date_updated: DateTime<Utc>,
}

impl StoredPlay {
    fn of<G: Game>(row: &G::Model) -> Self {
        Self {
            kind: G::KIND,
            id: row.id(),
            current_level: G::LEVEL.and_then(|column| <i32 as ValueType>::try_from(row.get(column)).ok()),
            completion: row.completion(),
            json: G::JSON.iter().zip(row.json()).map(|(column, text)| (column.name, text.clone())).collect(),
            schema_version: row.schema_version(),
            revision: row.revision(),
            date_created: row.date_created(),
            date_updated: row.date_updated(),
        }
    }
}

/// What is read leaves here opened and in the current version, but for plays of a newer release. A play that does not open stays
/// sealed, which is told in the log, and keeps nobody from the others.
async fn read<G: Game>(service: &Service, plays: Select<G>) -> Result<Vec<G::Model>, Error> {
    let rows = plays.all(service.database.pool()).await?;
    Ok(rows.into_iter().map(|row| opened::<G>(service, row)).collect())
}

pub(crate) fn opened<G: Game>(service: &Service, mut row: G::Model) -> G::Model {
    if let Err(error) = open::<G>(&service.keys, &mut row) {
        tracing::error!(error = error.cause(), "a play does not open");
    }
    bring_up::<G>(row)
}

/// Opens what is sealed in a play.
fn open<G: Game>(keys: &KeyRing, row: &mut G::Model) -> Result<(), Error> {
    let id = row.id().to_string();
    sealed::open_columns::<G>(keys, row, G::SEALED, &id)
}

/// The newest play of each of these people.
pub async fn newest_by_owners<G: Game>(
    service: &Service,
    owners: &[Owner],
) -> Result<HashMap<Owner, Option<Arc<G::Model>>>, Error> {
    use entity::user::{Column, Entity};
    // One look into the index for each person, however many plays they have.
    let newest = Query::select()
        .column(("newest", G::ID))
        .from_as(G::default(), "newest")
        .and_where(Expr::col(("newest", G::USER_ID)).equals((Entity, Column::Id)))
        .order_by(("newest", G::ID), sea_orm::Order::Desc)
        .limit(1)
        .take();
    let ids = Query::select()
        .expr(Expr::SubQuery(None, Box::new(newest.into())))
        .from(Entity)
        .and_where(service.database.is_any((Entity, Column::Id), &user_ids(owners)))
        .take();
    let rows = read(service, G::find().filter(G::ID.in_subquery(ids))).await?;
    Ok(one_by_owner(owners, rows, PlayRow::user_id))
}

/// The plays with these ids, each only if it is of the owner beside it.
pub async fn by_ids<G: Game>(service: &Service, plays: &[(Owner, i64)]) -> Result<HashMap<(Owner, i64), Arc<G::Model>>, Error> {
    let (owners, ids): (Vec<_>, Vec<_>) = plays.iter().copied().unzip();
    let plays =
        G::find().filter(service.database.is_any(G::ID, &ids)).filter(service.database.is_any(G::USER_ID, &user_ids(&owners)));
    let rows = read(service, plays).await?;
    let grouped = by_owner(&owners, rows, PlayRow::user_id).into_iter();
    Ok(grouped.flat_map(|(owner, rows)| rows.into_iter().map(move |row| ((owner, row.id()), Arc::new(row)))).collect())
}

/// The play with this id, if the viewer may see it, and proof that they may.
pub async fn find<G: Game>(service: &Service, viewer: &Viewer, id: i64) -> Result<(Arc<G::Model>, Owner), Error> {
    let play = read(service, G::find().filter(G::ID.eq(id))).await?.pop().ok_or(Error::NotFound(Missing::Play))?;
    let owner = viewer.see(service, play.user_id()).await?.ok_or(Error::NotFound(Missing::Play))?;
    Ok((Arc::new(play), owner))
}

/// Deletes one of the viewer's own plays.
pub async fn delete<G: Game>(service: &Service, viewer: &Viewer, id: i64) -> Result<(), Error> {
    let transaction = service.database.write().await?;
    let user_id = user::lock(&transaction, viewer.owner()).await?.id;
    let deleted = G::delete_many().filter(G::ID.eq(id)).filter(G::USER_ID.eq(user_id)).exec(&transaction).await?;
    transaction.commit().await?;
    if deleted.rows_affected == 0 { Err(Error::NotFound(Missing::Play)) } else { Ok(()) }
}
