//! The verbs of every game, written once over [`Game`]. How to add a game is said in [`entity::game`].

mod plays;
mod save;

use std::collections::HashMap;
use std::sync::Arc;

pub use entity::game::{Game, GameKind, PlayRow, Row};
pub use plays::{PlayCursor, PlayRef, PlaysRequest, plays_by_requests};
pub use save::{Save, SaveMode, save};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, QueryFilter};

use crate::viewer::{Owner, Viewer, by_owner, one_by_owner, user_ids};
use crate::{Error, Service, user};

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
    let rows = G::find().filter(G::ID.in_subquery(ids)).all(service.database.pool()).await?;
    Ok(one_by_owner(owners, rows, PlayRow::user_id))
}

/// The plays with these ids, each only if it is of the owner beside it.
pub async fn by_ids<G: Game>(service: &Service, plays: &[(Owner, i64)]) -> Result<HashMap<(Owner, i64), Arc<G::Model>>, Error> {
    let (owners, ids): (Vec<_>, Vec<_>) = plays.iter().copied().unzip();
    let rows = G::find()
        .filter(service.database.is_any(G::ID, &ids))
        .filter(service.database.is_any(G::USER_ID, &user_ids(&owners)))
        .all(service.database.pool())
        .await?;
    let grouped = by_owner(&owners, rows, PlayRow::user_id).into_iter();
    Ok(grouped.flat_map(|(owner, rows)| rows.into_iter().map(move |row| ((owner, row.id()), Arc::new(row)))).collect())
}

/// The play with this id, if the viewer may see it, and proof that they may.
pub async fn find<G: Game>(service: &Service, viewer: &Viewer, id: i64) -> Result<(Arc<G::Model>, Owner), Error> {
    let play = G::find().filter(G::ID.eq(id)).one(service.database.pool()).await?;
    let seen = play.and_then(|play| viewer.may_see(play.user_id()).map(|owner| (Arc::new(play), owner)));
    seen.ok_or(Error::NotFound("play"))
}

/// Deletes one of the viewer's own plays.
pub async fn delete<G: Game>(service: &Service, viewer: &Viewer, id: i64) -> Result<(), Error> {
    let transaction = service.database.write().await?;
    let user_id = user::lock(&transaction, viewer.owner()).await?.id;
    let deleted = G::delete_many().filter(G::ID.eq(id)).filter(G::USER_ID.eq(user_id)).exec(&transaction).await?;
    transaction.commit().await?;
    if deleted.rows_affected == 0 { Err(Error::NotFound("play")) } else { Ok(()) }
}
