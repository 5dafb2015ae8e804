//! Which versions of the terms a person accepted, and when.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use entity::terms_version::{Column as TermsColumn, Entity as Terms};
use entity::user_terms_agreement::{ActiveModel, Column, Entity, Model};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait, PostgresQueryBuilder, Query, SelectStatement};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::audit_log::{self, Entry, Kind};
use crate::caller::Caller;
use crate::viewer::{Owner, Viewer, by_owner, user_ids};
use crate::{Error, Missing, Service, terms_version, user};

/// The agreements of each of these people, the oldest first.
pub async fn by_owners(service: &Service, owners: &[Owner]) -> Result<HashMap<Owner, Vec<Arc<Model>>>, Error> {
    let rows = Entity::find()
        .filter(service.database.is_any(Column::UserId, &user_ids(owners)))
        .order_by_asc(Column::Id)
        .all(service.database.pool())
        .await?;
    Ok(by_owner(owners, rows.into_iter().map(Arc::new).collect(), |row| row.user_id))
}

/// Accepts a version for the viewer. Again changes nothing: the first date stands. A version that is not active any more can't be
/// accepted, unless it was before.
pub async fn accept(service: &Service, viewer: &Viewer, version: &str, caller: &Caller) -> Result<Model, Error> {
    let terms = terms_version::find(service, Some(version)).await?.ok_or(Error::NotFound(Missing::TermsVersion))?;
    let transaction = service.database.write().await?;
    let user_id = user::lock(&transaction, viewer.owner()).await?.id;
    let stored = Entity::find().filter(Column::UserId.eq(user_id)).filter(Column::TermsId.eq(terms.id)).one(&transaction).await?;
    if let Some(agreement) = stored {
        return Ok(agreement);
    }
    terms_version::keep_active(&transaction, terms.id).await?;
    let row = ActiveModel {
        user_id: Set(user_id),
        terms_id: Set(terms.id),
        date_agreed: Set(service.clock.now()),
        ..Default::default()
    };
    let agreement = row.insert(&transaction).await?;
    let entry = Entry::by_person(Kind::TermsAccepted, caller).with_detail(&terms.version);
    audit_log::record(service, &transaction, user_id, entry).await?;
    transaction.commit().await?;
    Ok(agreement)
}

/// The name of the active version where the person of a row of `users` has not accepted it, for a statement.
pub(crate) fn to_accept() -> Expr {
    let accepted = of_person().and_where(Expr::col((Entity, Column::TermsId)).equals((Terms, TermsColumn::Id))).take();
    let active = Query::select()
        .column((Terms, TermsColumn::Version))
        .from(Terms)
        .and_where(TermsColumn::IsActive.eq(true))
        .and_where(Expr::exists(accepted).not())
        .take();
    Expr::SubQuery(None, Box::new(active.into()))
}

/// The same as text, for a statement that is written out.
pub(crate) static TO_ACCEPT: LazyLock<String> = LazyLock::new(|| {
    // Both engines read this one's words.
    let select = Query::select().expr(to_accept()).to_string(PostgresQueryBuilder);
    select.trim_start_matches("SELECT ").to_owned()
});

/// Whether the person of a row of `users` has accepted any version, for a statement.
pub(crate) fn has_accepted() -> Expr {
    Expr::exists(of_person())
}

fn of_person() -> SelectStatement {
    Query::select()
        .expr(Expr::val(1))
        .from(Entity)
        .and_where(Expr::col((Entity, Column::UserId)).equals((entity::user::Entity, entity::user::Column::Id)))
        .take()
}
