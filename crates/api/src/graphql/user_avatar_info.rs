//! Avatars.

use std::sync::Arc;

use async_graphql::{Context, InputObject, MaybeUndefined, Object};
use service::entity::user_avatar_info::Model;
use service::user_avatar_info::AvatarChanges;

use super::error::Result;
use super::request::Request;
use super::user::change;

/// How a person chose to appear.
pub struct UserAvatarInfo(pub Arc<Model>);

/// How a person chose to appear.
#[Object]
impl UserAvatarInfo {
    /// Gender shown.
    async fn avatar_gender(&self) -> Option<&str> {
        self.0.avatar_gender.as_deref()
    }

    /// Accessories worn.
    async fn avatar_accessories(&self) -> Option<&str> {
        self.0.avatar_accessories.as_deref()
    }

    /// Colour scheme.
    async fn avatar_color(&self) -> Option<&str> {
        self.0.avatar_color.as_deref()
    }

    /// Passions shown.
    async fn avatar_passions(&self) -> Option<&str> {
        self.0.avatar_passions.as_deref()
    }

    /// Expression of the face.
    async fn avatar_expression(&self) -> Option<&str> {
        self.0.avatar_expression.as_deref()
    }
}

/// Changes to an avatar: what is left out stays, null clears. At most 500 characters each.
#[derive(InputObject)]
#[expect(clippy::struct_field_names, reason = "the names of the contract")]
pub struct AvatarInput {
    /// Gender shown.
    avatar_gender: MaybeUndefined<String>,
    /// Accessories worn.
    avatar_accessories: MaybeUndefined<String>,
    /// Colour scheme.
    avatar_color: MaybeUndefined<String>,
    /// Passions shown.
    avatar_passions: MaybeUndefined<String>,
    /// Expression of the face.
    avatar_expression: MaybeUndefined<String>,
}

/// Choosing an avatar.
#[derive(Default)]
pub struct UserAvatarInfoMutation;

#[Object]
impl UserAvatarInfoMutation {
    /// Changes the viewer's avatar: what is left out stays, null clears.
    async fn set_avatar(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What changes.")] input: AvatarInput,
    ) -> Result<UserAvatarInfo> {
        let request = Request::that_writes(context);
        let changes = AvatarChanges {
            gender: change(input.avatar_gender),
            accessories: change(input.avatar_accessories),
            color: change(input.avatar_color),
            passions: change(input.avatar_passions),
            expression: change(input.avatar_expression),
        };
        let avatar = service::user_avatar_info::set(&request.service, request.viewer().await?, changes).await?;
        Ok(UserAvatarInfo(Arc::new(avatar)))
    }
}
