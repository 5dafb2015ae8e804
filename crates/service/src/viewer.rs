//! Who asks. Each value here proves something (a `Bearer` only that the token is ours) and can't be made otherwise: a verb
//! that takes one needs no check of its own.

use std::collections::HashMap;
use std::sync::Arc;

use entity::{role, session, user};
use message::{Message, message};
use sea_orm::{ConnectionTrait, EntityTrait, Statement, Value};

use crate::foreseen::{Foreseen, Part};
use crate::token::{Claims, Use};
use crate::{Error, Service, audit_log, lookup};

/// The name of the role that runs the platform.
pub const ADMIN: &str = "admin";

const SIGN_IN_AGAIN: Message = message!("The access token is not good (any more): refresh the session, or sign in again.");

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct Viewer {
    user: Arc<user::Model>,
    role: Arc<role::Model>,
    claims: Claims,
}

/// Proof that the viewer may see what belongs to a person: themselves, or somebody an administrator looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Owner {
    user_id: i64,
    is_viewer: bool,
}

/// Proof that the viewer is that person: for what not even an administrator sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Oneself(Owner);

/// Proof that the viewer is an administrator.
#[derive(Debug)]
pub struct Admin<'a>(&'a Viewer);

/// Somebody with an access token that we signed and that has not expired. Whether they are let in says the statement that does what they
/// want: one less for what is done often.
#[derive(Clone, Debug)]
pub struct Bearer(Claims);

impl Bearer {
    /// Who presents this access token.
    pub fn of(service: &Service, token: &str) -> Result<Self, Error> {
        service.tokens.verify(Use::Access, token, service.clock.now()).map(Self).ok_or_else(Self::refused)
    }

    /// The condition under which they are let in, for a statement over `users`: the person, active; their session; the token not revoked.
    /// It is told what stands for [`Self::values`].
    pub(crate) fn is_let_in([user_id, session, token]: [&str; 3]) -> String {
        format!(
            "users.id = {user_id} AND users.is_active AND (SELECT user_id FROM sessions WHERE id = {session}) = users.id \
             AND NOT EXISTS (SELECT 1 FROM revoked_tokens WHERE jti = {token})"
        )
    }

    /// Whose token it is, its session, and its own id.
    pub(crate) fn values(&self) -> [Value; 3] {
        [self.0.sub.into(), self.0.sid.into(), self.0.jti.to_string().into()]
    }

    /// Whether they are let in now, where there is no other statement to ask.
    pub(crate) async fn ask(&self, service: &Service) -> Result<Owner, Error> {
        let pool = service.database.pool();
        let sql = format!("SELECT 1 FROM users WHERE {}", Self::is_let_in(["$1", "$2", "$3"]));
        let statement = Statement::from_sql_and_values(pool.get_database_backend(), sql, self.values());
        pool.query_one_raw(statement).await?.map(|_| self.let_in()).ok_or_else(Self::refused)
    }

    /// Over their own data, once a statement has let them in.
    pub(crate) fn let_in(&self) -> Owner {
        Owner { user_id: self.0.sub, is_viewer: true }
    }

    /// Whose token it is.
    pub(crate) fn user_id(&self) -> i64 {
        self.0.sub
    }

    /// What is said where they are not let in.
    pub(crate) fn refused() -> Error {
        Error::Unauthenticated(SIGN_IN_AGAIN)
    }
}

impl Viewer {
    /// Who presents this access token, with what is going to be asked of them. One statement: the person, their role, the session, the
    /// token's revocation, and each of the parts.
    pub async fn authenticate(service: &Service, token: &str, parts: &[Part]) -> Result<(Self, Foreseen), Arc<Error>> {
        let bearer = Bearer::of(service, token)?;
        let found = lookup::find(service, &bearer, parts).await?.ok_or_else(Bearer::refused)?;
        let (user, role, foreseen) = found.read().map_err(Error::from)?;
        Ok((Self { user: Arc::new(user), role: Arc::new(role), claims: bearer.0 }, foreseen))
    }

    /// That the session has not ended since, nor the account been closed, in a transaction that has locked the person.
    pub(crate) async fn still_signed_in(&self, connection: &impl ConnectionTrait, locked: &user::Model) -> Result<(), Error> {
        let session = session::Entity::find_by_id(self.claims.sid).one(connection).await?;
        if session.is_some() && locked.is_active { Ok(()) } else { Err(Error::Unauthenticated(SIGN_IN_AGAIN)) }
    }

    /// The viewer's own account.
    #[must_use]
    pub fn user(&self) -> &Arc<user::Model> {
        &self.user
    }

    /// What the viewer may do.
    #[must_use]
    pub fn role(&self) -> &Arc<role::Model> {
        &self.role
    }

    /// The token and session the viewer came with.
    #[must_use]
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// Over the viewer's own data.
    #[must_use]
    pub fn owner(&self) -> Owner {
        Owner { user_id: self.user.id, is_viewer: true }
    }

    /// Whether the viewer may see what belongs to the person with this id.
    pub(crate) fn may_see(&self, user_id: i64) -> bool {
        user_id == self.user.id || self.role.role_name == ADMIN
    }

    /// Over the data of a person who is there, if the viewer may see it. That an administrator does is written down first.
    pub(crate) async fn see(&self, service: &Service, user_id: i64) -> Result<Option<Owner>, Error> {
        if user_id == self.user.id {
            return Ok(Some(self.owner()));
        }
        match self.admin() {
            Ok(admin) => Ok(admin.see(service, &[user_id]).await?.pop()),
            Err(_) => Ok(None),
        }
    }

    /// That the viewer is an administrator.
    pub fn admin(&self) -> Result<Admin<'_>, Error> {
        if self.role.role_name == ADMIN {
            Ok(Admin(self))
        } else {
            Err(Error::Forbidden(message!("This is for administrators.")))
        }
    }
}

impl Owner {
    /// Whose data it is.
    #[must_use]
    pub fn user_id(self) -> i64 {
        self.user_id
    }

    /// That the viewer is this person.
    pub fn oneself(self) -> Result<Oneself, Error> {
        if self.is_viewer { Ok(Oneself(self)) } else { Err(Error::Forbidden(message!("Only the person themselves sees this."))) }
    }

    /// Over the data of somebody who has just proved who they are, by a way to sign in.
    pub(crate) fn proved(user: &user::Model) -> Self {
        Self { user_id: user.id, is_viewer: true }
    }
}

impl Oneself {
    /// Whose data it is.
    #[must_use]
    pub fn owner(self) -> Owner {
        self.0
    }

    /// Their ids, for a statement.
    pub(crate) fn user_ids(people: &[Self]) -> Vec<i64> {
        people.iter().map(|oneself| oneself.0.user_id).collect()
    }
}

impl Admin<'_> {
    /// Which administrator.
    pub(crate) fn viewer(&self) -> &Viewer {
        self.0
    }

    /// Over the data of these people, who are there, each in their place. That the administrator looks at it is written down first.
    pub(crate) async fn see(&self, service: &Service, people: &[i64]) -> Result<Vec<Owner>, Error> {
        let oneself = self.0.user.id;
        let others: Vec<_> = people.iter().copied().filter(|person| *person != oneself).collect();
        audit_log::record_reading(service, oneself, &others).await?;
        Ok(people.iter().map(|user_id| Owner { user_id: *user_id, is_viewer: *user_id == oneself }).collect())
    }
}

/// The ids of the owners, for a statement.
pub(crate) fn user_ids(owners: &[Owner]) -> Vec<i64> {
    owners.iter().map(|owner| owner.user_id).collect()
}

/// Puts the one row of each owner under them.
pub(crate) fn one_by_owner<T>(owners: &[Owner], rows: Vec<T>, user_id: impl Fn(&T) -> i64) -> HashMap<Owner, Option<Arc<T>>> {
    let grouped = by_owner(owners, rows, user_id).into_iter();
    grouped.map(|(owner, rows)| (owner, rows.into_iter().next().map(Arc::new))).collect()
}

/// Puts rows under the people who are their owners.
pub(crate) fn by_oneself<T>(people: &[Oneself], rows: Vec<T>, user_id: impl Fn(&T) -> i64) -> HashMap<Oneself, Vec<Arc<T>>> {
    let owners: Vec<_> = people.iter().map(|oneself| oneself.0).collect();
    let grouped = by_owner(&owners, rows, user_id).into_iter();
    grouped.map(|(owner, rows)| (Oneself(owner), rows.into_iter().map(Arc::new).collect())).collect()
}

/// Puts rows under their owners; a row of nobody among them goes nowhere.
pub(crate) fn by_owner<T>(owners: &[Owner], rows: Vec<T>, user_id: impl Fn(&T) -> i64) -> HashMap<Owner, Vec<T>> {
    let owners: HashMap<i64, Owner> = owners.iter().map(|owner| (owner.user_id, *owner)).collect();
    let mut grouped = HashMap::<Owner, Vec<T>>::new();
    for row in rows {
        if let Some(owner) = owners.get(&user_id(&row)) {
            grouped.entry(*owner).or_default().push(row);
        }
    }
    grouped
}
