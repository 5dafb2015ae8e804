//! What a person loves, in their order.

use std::collections::HashMap;
use std::sync::Arc;

use entity::user_passion::{ActiveModel, Column, Entity, Model};
use message::message;
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::text::Checks;
use crate::viewer::{Owner, Viewer, by_owner, user_ids};
use crate::{Error, Service, user};

/// The most passions of a person.
pub const MAX_PASSIONS: usize = 3;
const LENGTH: usize = 200;

/// The passions of each of these people, in their order.
pub async fn by_owners(service: &Service, owners: &[Owner]) -> Result<HashMap<Owner, Vec<Arc<Model>>>, Error> {
    let rows = Entity::find()
        .filter(service.database.is_any(Column::UserId, &user_ids(owners)))
        .order_by_asc(Column::Order)
        .all(service.database.pool())
        .await?;
    Ok(by_owner(owners, rows.into_iter().map(Arc::new).collect(), |row| row.user_id))
}

/// Replaces the viewer's passions by this list, in its order. A text that stays in its place keeps its id.
pub async fn set(service: &Service, viewer: &Viewer, passions: Vec<String>) -> Result<Vec<Model>, Error> {
    if passions.len() > MAX_PASSIONS {
        let message =
            message!("has {count} passions; choose the {limit} that matter most.", count = passions.len(), limit = MAX_PASSIONS);
        return Err(Error::invalid("/passions", message));
    }
    let mut checks = Checks::default();
    for (place, passion) in passions.iter().enumerate() {
        checks.text(&format!("/passions/{place}"), passion, LENGTH);
    }
    checks.finish()?;
    let transaction = service.database.write().await?;
    let user_id = user::lock_first_step(&transaction, viewer).await?.id;
    let stored = Entity::find().filter(Column::UserId.eq(user_id)).all(&transaction).await?;
    let wanted: Vec<_> = (1..).zip(passions).collect();
    let stays = |row: &Model| wanted.iter().any(|(order, text)| *order == row.order && *text == row.passion_text);
    let gone: Vec<_> = stored.iter().filter(|row| !stays(row)).map(|row| row.id).collect();
    if !gone.is_empty() {
        Entity::delete_many().filter(service.database.is_any(Column::Id, &gone)).exec(&transaction).await?;
    }
    let new: Vec<_> = wanted.iter().filter(|(order, _)| !stored.iter().any(|row| row.order == *order && stays(row))).collect();
    if !new.is_empty() {
        let rows = new.into_iter().map(|(order, text)| ActiveModel {
            user_id: Set(user_id),
            passion_text: Set(text.clone()),
            order: Set(*order),
            ..Default::default()
        });
        Entity::insert_many(rows).exec(&transaction).await?;
    }
    let passions = Entity::find().filter(Column::UserId.eq(user_id)).order_by_asc(Column::Order).all(&transaction).await?;
    transaction.commit().await?;
    Ok(passions)
}
