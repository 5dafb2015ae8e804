//! Finding out who presents a token, with what is going to be asked of them: see [`crate::foreseen`]. Those who ask at the same moment share
//! a statement ([`crate::together`]).

use std::sync::{Arc, LazyLock};

use entity::{role, user};
use sea_orm::{DbErr, IdenStatic, Iterable, QueryResult};

use crate::foreseen::{Foreseen, Part};
use crate::together::Sql;
use crate::viewer::Bearer;
use crate::{Error, Service};

/// What the columns of the person and of their role are called in the statement.
const USER: &str = "user_";
const ROLE: &str = "role_";

static PERSON: LazyLock<String> = LazyLock::new(|| {
    let of = |prefix, table, column: &str| format!("{table}.{column} AS {prefix}{column}");
    let user = user::Column::iter().map(|column| of(USER, "users", column.as_str()));
    let role = role::Column::iter().map(|column| of(ROLE, "roles", column.as_str()));
    user.chain(role).collect::<Vec<_>>().join(", ")
});

/// A person who is let in.
pub(crate) struct Found {
    row: QueryResult,
    parts: Vec<Part>,
}

/// Looks who came with this token, and at these parts of what is theirs. `None`: they are not let in.
pub(crate) async fn find(service: &Service, bearer: &Bearer, parts: &[Part]) -> Result<Option<Found>, Arc<Error>> {
    let backend = service.database.backend();
    let mut sql = Sql::default();
    let [user_id, session, token] = bearer.values().map(|value| sql.bind(backend, value));
    let is_let_in = Bearer::is_let_in([&user_id, &session, &token]);
    let selects = parts.iter().filter_map(|part| Some((*part, part.select(backend)?)));
    let (parts, selects): (Vec<_>, Vec<_>) = selects.unzip();
    let selects: String = selects.into_iter().flat_map(|select| [", ", select]).collect();
    let from = " FROM users JOIN roles ON roles.id = users.role_id WHERE ";
    sql.select(backend, &["SELECT ", &PERSON, &selects, from, &is_let_in]);
    Ok(service.together.row(sql).await?.map(|row| Found { row, parts }))
}

impl Found {
    /// Who, what they may do, and what was foreseen of them.
    pub(crate) fn read(self) -> Result<(user::Model, role::Model, Foreseen), DbErr> {
        let Self { row, parts } = self;
        let first = user::Column::iter().count() + role::Column::iter().count();
        let read = (first..).zip(&parts).map(|(place, _)| row.try_get_by_index(place));
        let foreseen = Foreseen::new(parts.clone(), read.collect::<Result<_, _>>()?);
        Ok((user(&row)?, role(&row)?, foreseen))
    }
}

/// The first columns, in their order: looking for each by its name takes as long as all the rest of reading a row.
fn user(row: &QueryResult) -> Result<user::Model, DbErr> {
    Ok(user::Model {
        id: row.try_get_by_index(0)?,
        username: row.try_get_by_index(1)?,
        date_created: row.try_get_by_index(2)?,
        is_active: row.try_get_by_index(3)?,
        last_login: row.try_get_by_index(4)?,
        is_passkey: row.try_get_by_index(5)?,
        onboarding_complete: row.try_get_by_index(6)?,
        role_id: row.try_get_by_index(7)?,
        webauthn_user_handle: row.try_get_by_index(8)?,
        language: row.try_get_by_index(9)?,
    })
}

/// Those after them.
fn role(row: &QueryResult) -> Result<role::Model, DbErr> {
    Ok(role::Model {
        id: row.try_get_by_index(10)?,
        role_name: row.try_get_by_index(11)?,
        description: row.try_get_by_index(12)?,
    })
}
