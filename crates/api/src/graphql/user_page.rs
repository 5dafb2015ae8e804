//! The list of all people, for administrators.

use async_graphql::{Context, Enum, InputObject, Object};
use service::user_page;

use super::ahead::Ahead;
use super::connection::{Connection, Total, Window, connection, cost};
use super::error::Result;
use super::in_turn::InTurn;
use super::request::Request;
use super::user::User;

/// Which people: those for whom everything given is so.
#[derive(InputObject, Default)]
pub struct UserFilter {
    /// Their username begins like this, as it is written.
    username_starts_with: Option<String>,
    /// They have this address, verified or not; capitals do not matter.
    email: Option<String>,
    /// They have the role of this name, one of `roles`.
    role_name: Option<String>,
    /// They get in, or do not.
    is_active: Option<bool>,
    /// Their first steps are done, or are not.
    onboarding_complete: Option<bool>,
}

/// In which order people come.
#[derive(Enum, Clone, Copy, Default, PartialEq, Eq)]
pub enum UserOrder {
    /// The oldest account first.
    #[default]
    OldestFirst,
    /// The newest account first.
    NewestFirst,
}

impl From<UserFilter> for user_page::UserFilter {
    fn from(filter: UserFilter) -> Self {
        let UserFilter { username_starts_with, email, role_name, is_active, onboarding_complete } = filter;
        Self { username_starts_with, email, role_name, is_active, onboarding_complete }
    }
}

/// Reading the list of people.
#[derive(Default)]
pub struct UserPageQuery;

#[Object]
impl UserPageQuery {
    /// Everybody with an account. For administrators.
    #[expect(clippy::too_many_arguments, reason = "those of a connection, and which people")]
    #[graphql(complexity = "cost(first, last, child_complexity)")]
    async fn users(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which people; everybody when left out.")] filter: Option<UserFilter>,
        #[graphql(desc = "In which order; a cursor is good for both.", default)] order_by: UserOrder,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither first nor last is given.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<InTurn<User>>> {
        let request = Request::of(context);
        let viewer = request.viewer().await?;
        let page = Window { first, after, last, before }.request()?;
        let filter = filter.unwrap_or_default().into();
        let newest_first = order_by == UserOrder::NewestFirst;
        let ahead = Ahead::of(context);
        let page = user_page::page(&request.service, &viewer.admin()?, &filter, newest_first, page, ahead.along()).await?;
        let is_ready = ahead.load(&request.loaders(), &page.items).await;
        Ok(connection(page, Total::People(filter), |person| {
            let (id, mut user) = (person.user.id, User::new(person.user, person.owner));
            user.is_ready = is_ready;
            (id, InTurn(user))
        }))
    }
}
