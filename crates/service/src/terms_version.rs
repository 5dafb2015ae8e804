//! The terms, in versions; exactly one is active. They are public.

use std::collections::HashMap;
use std::sync::Arc;

use entity::terms_version::{Column, Entity, Model};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::page::{self, Page, PageRequest};
use crate::{Error, Service};

/// The version of this name; the active one when none is named.
pub async fn find(service: &Service, version: Option<&str>) -> Result<Option<Model>, Error> {
    if version.is_some_and(|version| version.contains('\0')) {
        // PostgreSQL has no such text.
        return Ok(None);
    }
    let condition = version.map_or(Column::IsActive.eq(true), |version| Column::Version.eq(version));
    Ok(Entity::find().filter(condition).one(service.database.pool()).await?)
}

/// The versions with these ids.
pub async fn by_ids(service: &Service, ids: &[i64]) -> Result<HashMap<i64, Arc<Model>>, Error> {
    let rows = Entity::find().filter(service.database.is_any(Column::Id, ids)).all(service.database.pool()).await?;
    Ok(rows.into_iter().map(|version| (version.id, Arc::new(version))).collect())
}

/// A page of the versions, the newest first.
pub async fn page(service: &Service, request: PageRequest<i64>) -> Result<Page<Model>, Error> {
    page::by_id::<Entity>(service.database.pool(), Column::Id, true, &request).await
}
