//! Passions.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use service::entity::user_passion::Model;

use super::error::Result;
use super::id;
use super::request::Request;

/// Something a person loves.
pub struct UserPassion(pub Arc<Model>);

/// Something a person loves.
#[Object]
impl UserPassion {
    /// Global id.
    async fn id(&self) -> ID {
        id::global("UserPassion", self.0.id)
    }

    /// In their words; at most 200 characters.
    async fn passion_text(&self) -> &str {
        &self.0.passion_text
    }

    /// Its place in their list, from 1.
    async fn order(&self) -> i32 {
        self.0.order
    }
}

/// Choosing passions.
#[derive(Default)]
pub struct UserPassionMutation;

#[Object]
impl UserPassionMutation {
    /// Replaces the viewer's passions by this list, in its order.
    async fn set_passions(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The whole list: three at most, 200 characters each.")] passions: Vec<String>,
    ) -> Result<Vec<UserPassion>> {
        let request = Request::that_writes(context);
        let passions = service::user_passion::set(&request.service, request.viewer().await?, passions).await?;
        Ok(passions.into_iter().map(|passion| UserPassion(Arc::new(passion))).collect())
    }
}
