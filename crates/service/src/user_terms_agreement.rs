//! Which versions of the terms a person accepted, and when.

use std::collections::HashMap;
use std::sync::Arc;

use entity::user_terms_agreement::{ActiveModel, Column, Entity, Model};
use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::viewer::{Owner, Viewer, by_owner, user_ids};
use crate::{Error, Service, terms_version, user};

/// The agreements of each of these people, the oldest first.
pub async fn by_owners(service: &Service, owners: &[Owner]) -> Result<HashMap<Owner, Vec<Arc<Model>>>, Error> {
    let rows = Entity::find()
        .filter(service.database.is_any(Column::UserId, &user_ids(owners)))
        .order_by_asc(Column::Id)
        .all(service.database.pool())
        .await?;
    Ok(by_owner(owners, rows.into_iter().map(Arc::new).collect(), |row| row.user_id))
}

/// Accepts a version for the viewer. Again changes nothing: the first date stands.
pub async fn accept(service: &Service, viewer: &Viewer, version: &str) -> Result<Model, Error> {
    let terms = terms_version::find(service, Some(version)).await?.ok_or(Error::NotFound("version of the terms"))?;
    let transaction = service.database.write().await?;
    let user_id = user::lock(&transaction, viewer.owner()).await?.id;
    let stored = Entity::find().filter(Column::UserId.eq(user_id)).filter(Column::TermsId.eq(terms.id)).one(&transaction).await?;
    let agreement = if let Some(agreement) = stored {
        agreement
    } else {
        let row = ActiveModel {
            user_id: Set(user_id),
            terms_id: Set(terms.id),
            date_agreed: Set(service.clock.now()),
            ..Default::default()
        };
        row.insert(&transaction).await?
    };
    transaction.commit().await?;
    Ok(agreement)
}
