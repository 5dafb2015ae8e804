//! Who a person is.

use std::sync::Arc;

use async_graphql::Object;
use service::user_detail::Opened;

use super::error::Result;

/// Who a person is.
pub struct UserDetail(pub Arc<service::user_detail::UserDetail>);

/// Who a person is. Seen by themselves and by administrators.
#[Object]
impl UserDetail {
    /// First name.
    async fn first_name(&self) -> Option<Result<&str>> {
        opened(&self.0.first_name)
    }

    /// Last name.
    async fn last_name(&self) -> Option<Result<&str>> {
        opened(&self.0.last_name)
    }

    /// In years.
    async fn age(&self) -> Option<i32> {
        self.0.age
    }

    /// Phone number, as they write it.
    async fn phone_number(&self) -> Option<Result<&str>> {
        opened(&self.0.phone_number)
    }

    /// Where they live.
    async fn address(&self) -> Option<Result<&str>> {
        opened(&self.0.address)
    }

    /// The address that they sign in with; mail about their account goes to it once it is verified.
    async fn email(&self) -> Option<Result<&str>> {
        opened(&self.0.email)
    }

    /// Whether they have a password: `changePassword` asks for it then.
    async fn has_password(&self) -> bool {
        self.0.has_password
    }

    /// The address that takes the place of a verified one once it is verified itself; null where there is none such. The first
    /// address of a person is `email` from the start.
    async fn pending_email(&self) -> Option<Result<&str>> {
        opened(&self.0.pending_email)
    }

    /// Whether they have shown that mail to that address reaches them.
    async fn email_verified(&self) -> bool {
        self.0.email_verified
    }
}

fn opened(field: &Opened) -> Option<Result<&str>> {
    field.as_ref().map(Option::as_deref).map_err(|error| Arc::clone(error).into()).transpose()
}
