//! Who a person is.

use std::sync::Arc;

use async_graphql::{Context, Object};
use service::user_detail::Opened;

use super::error::Result;
use super::request::Request;

/// Who a person is.
pub struct UserDetail(pub Arc<service::user_detail::UserDetail>);

/// Who a person is. Seen by themselves and by administrators.
#[Object]
impl UserDetail {
    /// First name.
    async fn first_name(&self, context: &Context<'_>) -> Option<Result<String>> {
        opened(self.0.first_name(&Request::of(context).service))
    }

    /// Last name.
    async fn last_name(&self, context: &Context<'_>) -> Option<Result<String>> {
        opened(self.0.last_name(&Request::of(context).service))
    }

    /// In years.
    async fn age(&self) -> Option<i32> {
        self.0.age()
    }

    /// Phone number, as they write it.
    async fn phone_number(&self, context: &Context<'_>) -> Option<Result<String>> {
        opened(self.0.phone_number(&Request::of(context).service))
    }

    /// Where they live.
    async fn address(&self, context: &Context<'_>) -> Option<Result<String>> {
        opened(self.0.address(&Request::of(context).service))
    }

    /// The address that they sign in with; mail about their account goes to it once it is verified.
    async fn email(&self, context: &Context<'_>) -> Option<Result<String>> {
        opened(self.0.email(&Request::of(context).service))
    }

    /// Whether they have a password: `changePassword` asks for it then.
    async fn has_password(&self) -> bool {
        self.0.has_password()
    }

    /// The address that takes the place of a verified one once it is verified itself; null where there is none such. The first
    /// address of a person is `email` from the start.
    async fn pending_email(&self, context: &Context<'_>) -> Option<Result<String>> {
        opened(self.0.pending_email(&Request::of(context).service))
    }

    /// Whether they have shown that mail to that address reaches them.
    async fn email_verified(&self) -> bool {
        self.0.email_verified()
    }
}

fn opened(field: Opened) -> Option<Result<String>> {
    field.map_err(Into::into).transpose()
}
