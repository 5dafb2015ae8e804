//! The list of all people, for administrators.

use std::collections::HashMap;
use std::sync::Arc;

use entity::user::{Column, Entity, Model, Relation};
use entity::{unverified_detail, user_detail};
use sea_orm::sea_query::{Expr, ExprTrait, Func};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, IdenStatic, Iterable, JoinType, PaginatorTrait,
    QueryFilter, QueryResult, QuerySelect, QueryTrait, RelationDef, RelationTrait, Select,
};

use crate::page::{self, Page, PageRequest};
use crate::text::Checks;
use crate::user::USERNAME_LENGTH;
use crate::user_detail::UserDetail;
use crate::viewer::{Admin, Owner};
use crate::{Error, Service, role};

/// Which people; what is `None` lets everybody through.
#[derive(Clone, Debug, Default)]
pub struct UserFilter {
    /// Their username begins like this, as it is written.
    pub username_starts_with: Option<String>,
    /// They have this address, verified or not.
    pub email: Option<String>,
    /// They have the role of this name.
    pub role_name: Option<String>,
    /// They get in, or don't.
    pub is_active: Option<bool>,
    /// Their first steps are done, or aren't.
    pub onboarding_complete: Option<bool>,
}

/// What of people is read by the statement that finds them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Along {
    /// What they may do.
    pub role: bool,
    /// Who they are.
    pub detail: bool,
}

/// Somebody on a page, with what was read along.
#[derive(Clone, Debug)]
pub struct Person {
    /// Their account.
    pub user: Arc<Model>,
    /// That they may be seen.
    pub owner: Owner,
    /// What they may do, if that was read along.
    pub role: Option<Arc<entity::role::Model>>,
    /// Who they are, if that was read along.
    pub detail: Option<Arc<UserDetail>>,
}

/// A page of the people whom the filter lets through, by when their account was made. That they are looked at is written down before
/// anything of what was read is opened or given.
pub async fn page(
    service: &Service,
    admin: &Admin<'_>,
    filter: &UserFilter,
    newest_first: bool,
    request: PageRequest<i64>,
    along: Along,
) -> Result<Page<Person>, Error> {
    let people = page::part_by_id(filtered(service, filter).await?, Column::Id, newest_first, &request);
    let query = &joined(people, along).into_query();
    let rows = service.read_long(|pool| async move { Ok(pool.query_all(query).await?) }).await?;
    let Page { items, has_previous, has_next } = request.page(rows);
    let users = items.iter().map(|row| Model::from_query_result(row, "")).collect::<Result<Vec<_>, _>>()?;
    let owners = admin.see(service, &users.iter().map(|user| user.id).collect::<Vec<_>>()).await?;
    let mut roles = HashMap::new();
    let people = items.iter().zip(users).zip(owners).map(|((row, user), owner)| -> Result<Person, Error> {
        if along.role && !roles.contains_key(&user.role_id) {
            roles.insert(user.role_id, Arc::new(entity::role::Model::from_query_result(row, ROLE)?));
        }
        let role = roles.get(&user.role_id).cloned();
        let detail = if along.detail { detail(row)? } else { None };
        Ok(Person { user: Arc::new(user), owner, role, detail })
    });
    Ok(Page { items: people.collect::<Result<_, _>>()?, has_previous, has_next })
}

/// What the names of the columns begin with that are read along.
const ROLE: &str = "of_role_";
const DETAIL: &str = "of_detail_";
const CLAIM: &str = "of_claim_";

fn joined(mut people: Select<Entity>, along: Along) -> Select<Entity> {
    if along.role {
        people = with::<entity::role::Entity>(people, Relation::Role.def(), ROLE);
    }
    if along.detail {
        let theirs = Entity::belongs_to(user_detail::Entity).from(Column::Id).to(user_detail::Column::UserId).into();
        people = with::<user_detail::Entity>(people, theirs, DETAIL);
        people = with::<unverified_detail::Entity>(people, user_detail::Relation::Unverified.def(), CLAIM);
    }
    people
}

fn with<R: EntityTrait>(people: Select<Entity>, relation: RelationDef, prefix: &str) -> Select<Entity> {
    let people = people.join(JoinType::LeftJoin, relation);
    R::Column::iter().fold(people, |people, column| people.column_as(column, format!("{prefix}{}", column.as_str())))
}

fn detail(row: &QueryResult) -> Result<Option<Arc<UserDetail>>, Error> {
    let is_there = |prefix| Ok::<_, Error>(row.try_get::<Option<i64>>(prefix, "id")?.is_some());
    if !is_there(DETAIL)? {
        return Ok(None);
    }
    let detail = user_detail::Model::from_query_result(row, DETAIL)?;
    let claim = if is_there(CLAIM)? { Some(unverified_detail::Model::from_query_result(row, CLAIM)?) } else { None };
    Ok(Some(Arc::new(UserDetail::of(detail, claim))))
}

/// How many the filter lets through.
pub async fn count(service: &Service, _: &Admin<'_>, filter: &UserFilter) -> Result<u64, Error> {
    let people = &filtered(service, filter).await?;
    service.read_long(|pool| async move { Ok(people.clone().count(&pool).await?) }).await
}

async fn filtered(service: &Service, filter: &UserFilter) -> Result<Select<Entity>, Error> {
    let mut people = Entity::find();
    if let Some(beginning) = &filter.username_starts_with {
        let mut checks = Checks::default();
        checks.text("/filter/usernameStartsWith", beginning, USERNAME_LENGTH);
        checks.finish()?;
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
