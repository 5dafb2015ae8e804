//! Roles.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use service::entity::role::Model;

use super::error::Result;
use super::id;
use super::request::Request;

/// What a person may do beyond their own data.
pub struct Role(pub Arc<Model>);

/// What a person may do beyond their own data.
#[Object]
impl Role {
    /// Global id.
    async fn id(&self) -> ID {
        id::global("Role", self.0.id)
    }

    /// Unique: `user`, `admin`.
    async fn role_name(&self) -> &str {
        &self.0.role_name
    }

    /// For people who choose a role.
    async fn description(&self) -> &str {
        &self.0.description
    }
}

/// Reading roles.
#[derive(Default)]
pub struct RoleQuery;

#[Object]
impl RoleQuery {
    /// All roles. For administrators.
    async fn roles(&self, context: &Context<'_>) -> Result<Vec<Role>> {
        let request = Request::of(context);
        let roles = service::role::all(&request.service, &request.viewer().await?.admin()?).await?;
        Ok(roles.into_iter().map(|role| Role(Arc::new(role))).collect())
    }
}
