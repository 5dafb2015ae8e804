//! The list of all people, for administrators.

use entity::user::{Column, Entity, Model};
use entity::{unverified_detail, user_detail};
use sea_orm::sea_query::{Expr, ExprTrait, Func};
use sea_orm::{ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, QueryTrait, Select};

use crate::page::{self, Page, PageRequest};
use crate::viewer::{Admin, Owner};
use crate::{Error, Service, role};

/// Which people; what is `None` lets everybody through.
#[derive(Clone, Debug, Default)]
pub struct UserFilter {
    /// Their username begins like this, as it is written.
    pub username: Option<String>,
    /// They have this address, verified or not.
    pub email: Option<String>,
    /// They have the role of this name.
    pub role_name: Option<String>,
    /// They get in, or don't.
    pub is_active: Option<bool>,
    /// Their first steps are done, or aren't.
    pub onboarding_complete: Option<bool>,
}

/// A page of the people whom the filter lets through, by when their account was made.
pub async fn page(
    service: &Service,
    admin: &Admin<'_>,
    filter: &UserFilter,
    newest_first: bool,
    request: PageRequest<i64>,
) -> Result<Page<(Model, Owner)>, Error> {
    let people = filtered(service, filter).await?;
    let Page { items, has_previous, has_next } =
        page::by_id(service.database.pool(), people, Column::Id, newest_first, &request).await?;
    let owners = admin.see(service, &items.iter().map(|user| user.id).collect::<Vec<_>>()).await?;
    Ok(Page { items: items.into_iter().zip(owners).collect(), has_previous, has_next })
}

/// How many the filter lets through.
pub async fn count(service: &Service, _: &Admin<'_>, filter: &UserFilter) -> Result<u64, Error> {
    Ok(filtered(service, filter).await?.count(service.database.pool()).await?)
}

async fn filtered(service: &Service, filter: &UserFilter) -> Result<Select<Entity>, Error> {
    let mut people = Entity::find();
    if let Some(beginning) = &filter.username {
        // Not LIKE: it takes capitals for small letters on SQLite only.
        let length = i32::try_from(beginning.chars().count()).unwrap_or(i32::MAX);
        let begins = Func::cust("substr").arg(Expr::col((Entity, Column::Username))).arg(1).arg(length);
        people = people.filter(Expr::expr(begins).eq(beginning.as_str()));
    }
    if let Some(email) = &filter.email {
        let index = service.keyed_hash.email_index(email);
        let details = || user_detail::Entity::find().select_only().column(user_detail::Column::UserId);
        let claims = unverified_detail::Entity::find()
            .select_only()
            .column(unverified_detail::Column::UserDetailId)
            .filter(unverified_detail::Column::EmailIndex.eq(&index));
        let verified = details().filter(user_detail::Column::EmailIndex.eq(&index)).into_query();
        let claimed = details().filter(user_detail::Column::Id.in_subquery(claims.into_query())).into_query();
        people = people.filter(Condition::any().add(Column::Id.in_subquery(verified)).add(Column::Id.in_subquery(claimed)));
    }
    if let Some(name) = &filter.role_name {
        let role = role::find(service, name).await.map_err(|error| error.under("/filter"))?;
        people = people.filter(Column::RoleId.eq(role));
    }
    if let Some(is_active) = filter.is_active {
        people = people.filter(Column::IsActive.eq(is_active));
    }
    if let Some(is_done) = filter.onboarding_complete {
        people = people.filter(Column::OnboardingComplete.eq(is_done));
    }
    Ok(people)
}
