//! How a person chose to appear; one avatar each.

use std::collections::HashMap;
use std::sync::Arc;

use entity::user_avatar_info::{ActiveModel, Column, Entity, Model};
use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter};

use crate::text::{Change, Checks};
use crate::viewer::{Owner, Viewer, one_by_owner, user_ids};
use crate::{Error, Service, user};

const LENGTH: usize = 500;

/// Changes to an avatar.
#[derive(Debug, Default)]
pub struct AvatarChanges {
    /// Gender shown.
    pub gender: Change<String>,
    /// Accessories worn.
    pub accessories: Change<String>,
    /// Colour scheme.
    pub color: Change<String>,
    /// Passions shown.
    pub passions: Change<String>,
    /// Expression of the face.
    pub expression: Change<String>,
}

/// The avatar of each of these people.
pub async fn by_owners(service: &Service, owners: &[Owner]) -> Result<HashMap<Owner, Option<Arc<Model>>>, Error> {
    let rows =
        Entity::find().filter(service.database.is_any(Column::UserId, &user_ids(owners))).all(service.database.pool()).await?;
    Ok(one_by_owner(owners, rows, |row| row.user_id))
}

/// Changes the viewer's avatar, or makes it: what is absent stays.
pub async fn set(service: &Service, viewer: &Viewer, changes: AvatarChanges) -> Result<Model, Error> {
    let mut checks = Checks::default();
    checks.optional("/avatarGender", changes.gender.value(), LENGTH);
    checks.optional("/avatarAccessories", changes.accessories.value(), LENGTH);
    checks.optional("/avatarColor", changes.color.value(), LENGTH);
    checks.optional("/avatarPassions", changes.passions.value(), LENGTH);
    checks.optional("/avatarExpression", changes.expression.value(), LENGTH);
    checks.finish()?;
    let transaction = service.database.write().await?;
    let user_id = user::lock_first_step(&transaction, viewer).await?.id;
    let stored = Entity::find().filter(Column::UserId.eq(user_id)).one(&transaction).await?;
    let is_new = stored.is_none();
    let mut row = stored.map_or_else(|| ActiveModel { user_id: Set(user_id), ..Default::default() }, Into::into);
    changes.gender.apply(&mut row.avatar_gender);
    changes.accessories.apply(&mut row.avatar_accessories);
    changes.color.apply(&mut row.avatar_color);
    changes.passions.apply(&mut row.avatar_passions);
    changes.expression.apply(&mut row.avatar_expression);
    let avatar = if is_new { row.insert(&transaction).await? } else { row.update(&transaction).await? };
    transaction.commit().await?;
    Ok(avatar)
}
