//! Roles: what a person may do beyond their own data.

use std::collections::HashMap;
use std::sync::Arc;

use entity::role::{Column, Entity, Model};
use message::message;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use crate::viewer::Admin;
use crate::{Error, Service};

/// The role of everybody who signs up.
pub const DEFAULT_ROLE: &str = "user";

/// The roles with these ids. A role is nobody's data: only which one a person has is.
pub async fn by_ids(service: &Service, ids: &[i64]) -> Result<HashMap<i64, Arc<Model>>, Error> {
    let rows = Entity::find().filter(service.database.is_any(Column::Id, ids)).all(service.database.pool()).await?;
    Ok(rows.into_iter().map(|role| (role.id, Arc::new(role))).collect())
}

/// All roles.
pub async fn all(service: &Service, _: &Admin<'_>) -> Result<Vec<Model>, Error> {
    Ok(Entity::find().all(service.database.pool()).await?)
}

/// The id of the role that an administrator names.
pub(crate) async fn find(service: &Service, role_name: &str) -> Result<i64, Error> {
    // PostgreSQL takes no NUL.
    let role_name = Some(role_name).filter(|name| !name.contains('\0'));
    let role = Entity::find().filter(Column::RoleName.eq(role_name)).one(service.database.pool()).await?;
    role.map(|role| role.id)
        .ok_or_else(|| Error::invalid("/roleName", message!("is not the name of a role; `roles` lists them.")))
}

pub(crate) async fn id_of(connection: &impl ConnectionTrait, role_name: &str) -> Result<i64, Error> {
    let role = Entity::find().filter(Column::RoleName.eq(role_name)).one(connection).await?;
    role.map(|role| role.id).ok_or_else(|| Error::internal(format!("the role {role_name} is missing: migrate the database")))
}
