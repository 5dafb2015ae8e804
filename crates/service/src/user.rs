//! People: signing up and in by password, their profile, and the list of them for administrators.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use entity::user::{ActiveModel, Column, Entity, Model};
use message::message;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::LockType;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, EntityTrait, FromQueryResult,
    QueryFilter, QueryOrder, QuerySelect, Select, SqlErr,
};
use uuid::Uuid;

use crate::audit_log::{self, BY_PASSWORD, Entry, Kind};
use crate::caller::Caller;
use crate::language::Language;
use crate::session::SignedIn;
use crate::text::{Change, Checks};
use crate::user_detail::{DetailChanges, PasswordWayIn};
use crate::viewer::{ADMIN, Admin, Bearer, Owner, Viewer, one_by_owner, user_ids};
use crate::{Error, Missing, Service, brake, password, random, role, session, user_detail, user_terms_agreement};

/// The most characters of a username.
pub const USERNAME_LENGTH: usize = 64;

/// What somebody signs up with.
#[derive(Debug)]
pub struct SignUp {
    /// The address they sign in with.
    pub email: String,
    /// 8 to 1,024 characters.
    pub password: String,
    /// Unique, at most 64 characters.
    pub username: Option<String>,
    /// Who they are, as far as they say.
    pub detail: DetailChanges,
}

/// Changes to a profile.
#[derive(Debug, Default)]
pub struct ProfileChanges {
    /// Unique, at most 64 characters.
    pub username: Change<String>,
    /// Who they are.
    pub detail: DetailChanges,
    /// The first steps are done.
    pub onboarding_complete: Option<bool>,
    /// What they are written to in.
    pub language: Change<Language>,
}

/// A person who is about to get an account.
#[derive(Debug)]
pub(crate) struct NewUser {
    pub(crate) username: Option<String>,
    pub(crate) handle: Uuid,
    pub(crate) detail: DetailChanges,
    pub(crate) way_in: Option<PasswordWayIn>,
    pub(crate) role_name: &'static str,
}

/// Checks the username and details of a person who signs up.
pub(crate) fn check(checks: &mut Checks, username: Option<&String>, detail: &DetailChanges) {
    checks.optional("/username", username, USERNAME_LENGTH);
    detail.check(checks);
}

/// Makes an account, in the transaction that its way in is made in.
pub(crate) async fn create(
    service: &Service,
    connection: &impl ConnectionTrait,
    new: NewUser,
    caller: &Caller,
) -> Result<Model, Error> {
    let row = ActiveModel {
        username: Set(new.username),
        date_created: Set(service.clock.now()),
        is_active: Set(true),
        last_login: Set(None),
        is_passkey: Set(false),
        onboarding_complete: Set(false),
        role_id: Set(role::id_of(connection, new.role_name).await?),
        webauthn_user_handle: Set(new.handle),
        language: Set(None),
        ..Default::default()
    };
    let user = row.insert(connection).await.map_err(username_taken)?;
    user_detail::create(service, connection, &user, new.detail, new.way_in, caller).await?;
    Ok(user)
}

/// Whether nobody has this username now; the database decides when the account is made.
pub(crate) async fn is_free(service: &Service, username: Option<&str>) -> Result<(), Error> {
    let Some(username) = username else { return Ok(()) };
    let taken = Entity::find().filter(Column::Username.eq(username)).one(service.database.pool()).await?;
    if taken.is_some() { Err(taken_username()) } else { Ok(()) }
}

fn username_taken(error: DbErr) -> Error {
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(constraint)) if constraint.contains("username") => taken_username(),
        _ => error.into(),
    }
}

fn taken_username() -> Error {
    Error::invalid("/username", message!("is taken; choose another one."))
}

/// Makes an account with an address and a password, and signs in. The answer is the same whether the address is taken or not.
pub async fn sign_up(service: &Service, input: SignUp, caller: &Caller) -> Result<SignedIn, Error> {
    let mut checks = Checks::default();
    checks.email("/email", &input.email);
    password::check(&mut checks, "/password", &input.password, &[&input.email]);
    check(&mut checks, input.username.as_ref(), &input.detail);
    checks.finish()?;
    is_free(service, input.username.as_deref()).await?;
    brake::take(service, &brake::SIGN_UPS, &caller.network()).await?;
    // However often an address is named, whoever it belongs to can sign up; only the mails have a bound.
    let email_index = service.keyed_hash.email_index(&input.email);
    let is_mailed = match brake::take(service, &brake::MAILS_BY_SIGN_UP, &email_index).await {
        Err(Error::RateLimited { .. }) => false,
        taken => taken.map(|()| true)?,
    };
    let selector = service.keyed_hash.selector(&input.password);
    let password_hash = service.passwords.hash(input.password, &*service.random).await?;
    let new = NewUser {
        username: input.username,
        handle: random::uuid(&*service.random)?,
        detail: input.detail,
        way_in: Some(PasswordWayIn { email: input.email, password_hash, selector, is_mailed, verified: false }),
        role_name: role::DEFAULT_ROLE,
    };
    let transaction = service.database.write().await?;
    let user = create(service, &transaction, new, caller).await?;
    let signed_in = session::open(service, &transaction, user, Entry::signed_up(BY_PASSWORD, caller), caller).await?;
    transaction.commit().await?;
    Ok(signed_in)
}

/// Signs in with an address and a password. The same work and the same answer whatever is wrong; wrong ones count against the
/// caller and the address.
pub async fn sign_in(service: &Service, email: &str, password: String, caller: &Caller) -> Result<SignedIn, Error> {
    let (network, account) = (caller.network(), service.keyed_hash.email_index(email));
    let tries = [(&brake::PASSWORDS_OF_CALLER, network.as_str()), (&brake::PASSWORDS_OF_ACCOUNT, account.as_str())];
    brake::take_all(service, &tries).await?;
    let signed_in = sign_in_by_password(service, email, password, caller).await;
    if !matches!(signed_in, Err(Error::Unauthenticated(_))) {
        brake::give_back(service, &tries).await;
    }
    signed_in
}

async fn sign_in_by_password(service: &Service, email: &str, password: String, caller: &Caller) -> Result<SignedIn, Error> {
    let refused = || Error::Unauthenticated(message!("The address or the password is not right."));
    let (user_id, stored) = find_by_password(service, email, &password).await?.ok_or_else(refused)?;
    let raised =
        if service.passwords.is_weak(&stored) { Some(service.passwords.hash(password, &*service.random).await?) } else { None };
    let transaction = service.database.write().await?;
    let user = lock_by_id(&transaction, user_id).await?;
    // Locked, and looked at again: a password that was changed meanwhile opens no session.
    let now = user_detail::password_hash(&transaction, user.id).await?;
    if !user.is_active || now.as_ref() != Some(&stored) {
        return Err(refused());
    }
    if let Some(raised) = raised {
        user_detail::set_password(&transaction, user.id, raised).await?;
    }
    let signed_in = session::open(service, &transaction, user, Entry::signed_in(BY_PASSWORD, caller), caller).await?;
    transaction.commit().await?;
    Ok(signed_in)
}

/// Whose password this is, with its hash.
async fn find_by_password(service: &Service, email: &str, password: &str) -> Result<Option<(i64, String)>, Error> {
    if password.len() > 4 * password::MAX_PASSWORD {
        return Ok(None);
    }
    let mut ways = user_detail::ways_in(service, email, password).await?.into_iter();
    // As many hashes for an address that nobody has, so that the time tells nothing; a right password may be quicker.
    for _ in 0..user_detail::MOST_WAYS_IN {
        let (id, stored) = ways.next().unzip();
        let stored = stored.flatten();
        if service.passwords.verify(password.to_owned(), stored.clone()).await? {
            return Ok(id.zip(stored));
        }
    }
    Ok(None)
}

/// Makes an administrator: the operator's command, not something that a client can ask for. The operator vouches for the address.
pub async fn create_admin(service: &Service, email: String, password: String, username: Option<String>) -> Result<Model, Error> {
    let mut checks = Checks::default();
    checks.email("/email", &email);
    password::check(&mut checks, "/password", &password, &[&email]);
    checks.optional("/username", username.as_ref(), USERNAME_LENGTH);
    checks.finish()?;
    if user_detail::verified_owner(service, &email).await?.is_some() {
        return Err(Error::conflict(message!("An account with this address exists already.")));
    }
    let password_hash = service.passwords.hash(password, &*service.random).await?;
    let new = NewUser {
        username,
        handle: random::uuid(&*service.random)?,
        detail: DetailChanges::default(),
        way_in: Some(PasswordWayIn { email, password_hash, selector: 0, is_mailed: false, verified: true }),
        role_name: ADMIN,
    };
    let transaction = service.database.write().await?;
    let here = Caller { device: String::new(), address: Ipv4Addr::LOCALHOST.into(), wished: None };
    let user = create(service, &transaction, new, &here).await?;
    audit_log::record(service, &transaction, user.id, Entry::made_by_operator()).await?;
    transaction.commit().await?;
    Ok(user)
}

/// Changes the viewer's own profile: what is absent stays.
pub async fn update_profile(service: &Service, viewer: &Viewer, changes: ProfileChanges) -> Result<Model, Error> {
    let mut checks = Checks::default();
    check(&mut checks, changes.username.value(), &changes.detail);
    checks.finish()?;
    let transaction = service.database.write().await?;
    let user = lock_first_step(&transaction, viewer).await?;
    viewer.still_signed_in(&transaction, &user).await?;
    user_detail::update(service, &transaction, viewer.owner(), changes.detail).await?;
    let mut row: ActiveModel = user.into();
    changes.username.apply(&mut row.username);
    let language = match changes.language {
        Change::Keep => Change::Keep,
        Change::Clear => Change::Clear,
        Change::Set(language) => Change::Set(language.tag().to_owned()),
    };
    language.apply(&mut row.language);
    if let Some(done) = changes.onboarding_complete {
        row.onboarding_complete = Set(done);
    }
    let user = row.update(&transaction).await.map_err(username_taken)?;
    transaction.commit().await?;
    Ok(user)
}

// Who is locked, and what is asked of them in the same breath:
//
// - `lock`: nothing else;
// - `lock_viewer`: that their session is still there, for what changes an account or its ways in;
// - `lock_writer`: that they have accepted the active terms, for what is theirs to write;
// - `lock_first_step`: the same, but who has never accepted any may;
// - `lock_bearer`: nothing either; what comes next asks whether they are let in at all;
// - `lock_by_id`: whoever it is, who is just proving it;
// - `lock_by_admin`: somebody else, for an administrator, who still is one.

/// Locks a person's row, so that what is read next in this transaction stays as it is until the end. On SQLite a writing
/// transaction is alone anyway.
pub(crate) async fn lock(transaction: &DatabaseTransaction, owner: Owner) -> Result<Model, Error> {
    let user = find_to_lock(owner.user_id()).one(transaction).await?;
    user.ok_or(ACCOUNT_GONE)
}

/// The same for who presents a token, and may be gone: what is read next says so.
pub(crate) async fn lock_bearer(transaction: &DatabaseTransaction, bearer: &Bearer) -> Result<(), Error> {
    if transaction.get_database_backend() != DbBackend::Sqlite {
        find_to_lock(bearer.user_id()).select_only().column(Column::Id).into_tuple::<i64>().one(transaction).await?;
    }
    Ok(())
}

/// The same for a viewer who changes their account: a session that was ended meanwhile, or a person who was kept out, changes nothing.
pub(crate) async fn lock_viewer(transaction: &DatabaseTransaction, viewer: &Viewer) -> Result<Model, Error> {
    let user = lock(transaction, viewer.owner()).await?;
    viewer.still_signed_in(transaction, &user).await?;
    Ok(user)
}

/// The same for somebody who is just proving who they are.
pub(crate) async fn lock_by_id(transaction: &DatabaseTransaction, user_id: i64) -> Result<Model, Error> {
    find_to_lock(user_id).one(transaction).await?.ok_or(Error::NotFound(Missing::Person))
}

fn find_to_lock(user_id: i64) -> Select<Entity> {
    Entity::find_by_id(user_id).lock(LockType::NoKeyUpdate)
}

/// Deleted since the viewer was found.
pub(crate) const ACCOUNT_GONE: Error = Error::Unauthenticated(message!("The account is gone."));

/// A person who is about to write, and how they stand to the terms.
#[derive(FromQueryResult)]
struct Writer {
    #[sea_orm(nested)]
    user: Model,
    /// The active version, where they have not accepted it.
    to_accept: Option<String>,
    /// Some version, at some time.
    has_accepted: bool,
}

/// The same for a viewer who writes what is theirs: refused where they have not accepted the active terms. Every verb that writes a
/// person's content begins with it, but for a save, which asks the same by a statement of its own. Asked in the statement that locks, so it costs nothing; terms that are published while that waits
/// count from the next write on.
pub(crate) async fn lock_writer(transaction: &DatabaseTransaction, viewer: &Viewer) -> Result<Model, Error> {
    let Writer { user, to_accept, .. } = find_writer(transaction, viewer).await?;
    to_accept.map_or(Ok(user), |version| Err(Error::TermsNotAccepted { version }))
}

/// The same for the first steps (profile, avatar, passions), which come before the terms: whoever has never accepted any is not held
/// up.
pub(crate) async fn lock_first_step(transaction: &DatabaseTransaction, viewer: &Viewer) -> Result<Model, Error> {
    let Writer { user, to_accept, has_accepted } = find_writer(transaction, viewer).await?;
    match to_accept {
        Some(version) if has_accepted => Err(Error::TermsNotAccepted { version }),
        _ => Ok(user),
    }
}

/// Whether the viewer would be let write now; the lock asks again.
pub(crate) async fn may_write(service: &Service, viewer: &Viewer) -> Result<(), Error> {
    let Writer { to_accept, .. } = find_writer(service.database.pool(), viewer).await?;
    to_accept.map_or(Ok(()), |version| Err(Error::TermsNotAccepted { version }))
}

async fn find_writer(connection: &impl ConnectionTrait, viewer: &Viewer) -> Result<Writer, Error> {
    let writer = find_to_lock(viewer.user().id)
        .expr_as(user_terms_agreement::to_accept(), "to_accept")
        .expr_as(user_terms_agreement::has_accepted(), "has_accepted")
        .into_model::<Writer>()
        .one(connection)
        .await?;
    writer.ok_or(ACCOUNT_GONE)
}

/// Lets a person in or keeps them out, from the next request on. Keeping them out ends their sessions.
pub async fn set_active(service: &Service, admin: &Admin<'_>, user_id: i64, is_active: bool) -> Result<(Model, Owner), Error> {
    change_by_admin(service, admin, user_id, async |transaction, row| {
        if row.is_active.as_ref() != &is_active {
            let kind = if is_active { Kind::LetIn } else { Kind::KeptOut };
            audit_log::record(service, transaction, user_id, Entry::by_admin(kind, admin.viewer().user().id)).await?;
        }
        row.is_active = Set(is_active);
        if !is_active {
            session::end_all(transaction, user_id, None).await?;
        }
        Ok(())
    })
    .await
}

/// Gives a person another role, from the next request on.
pub async fn set_role(service: &Service, admin: &Admin<'_>, user_id: i64, role_name: &str) -> Result<(Model, Owner), Error> {
    let role_id = role::find(service, role_name).await?;
    change_by_admin(service, admin, user_id, async |transaction, row| {
        if row.role_id.as_ref() != &role_id {
            let entry = Entry::by_admin(Kind::RoleChanged, admin.viewer().user().id).with_detail(role_name);
            audit_log::record(service, transaction, user_id, entry).await?;
        }
        row.role_id = Set(role_id);
        Ok(())
    })
    .await
}

/// Changes somebody else's account; not one's own, so that an administrator always stays. Two who change each other come one after
/// the other, and the second is no administrator any more.
async fn change_by_admin(
    service: &Service,
    admin: &Admin<'_>,
    user_id: i64,
    change: impl AsyncFnOnce(&DatabaseTransaction, &mut ActiveModel) -> Result<(), Error>,
) -> Result<(Model, Owner), Error> {
    let transaction = service.database.write().await?;
    let user = lock_by_admin(&transaction, admin, user_id).await?;
    let mut row: ActiveModel = user.into();
    change(&transaction, &mut row).await?;
    let user = row.update(&transaction).await?;
    transaction.commit().await?;
    let owner = admin.see(service, &[user_id]).await?.pop().ok_or(Error::NotFound(Missing::Person))?;
    Ok((user, owner))
}

/// Locks somebody else for an administrator, who still is one.
pub(crate) async fn lock_by_admin(transaction: &DatabaseTransaction, admin: &Admin<'_>, user_id: i64) -> Result<Model, Error> {
    let acting = admin.viewer().user().id;
    if acting == user_id {
        return Err(Error::Forbidden(message!("Another administrator changes this of yours.")));
    }
    // In the order of their ids, so that no two wait for each other.
    let first = lock_by_id(transaction, acting.min(user_id)).await?;
    let second = lock_by_id(transaction, acting.max(user_id)).await?;
    let (acting, user) = if acting < user_id { (first, second) } else { (second, first) };
    still_admin(transaction, admin, &acting).await?;
    Ok(user)
}

/// That, where the viewer is an administrator who goes, another one stays, who is locked along: two who go at once come one after
/// the other.
pub(crate) async fn another_admin_stays(transaction: &DatabaseTransaction, viewer: &Viewer, locked: &Model) -> Result<(), Error> {
    if viewer.role().role_name != ADMIN || locked.role_id != viewer.role().id {
        return Ok(());
    }
    let admins = Entity::find().filter(Column::RoleId.eq(locked.role_id)).filter(Column::IsActive.eq(true));
    let admins = admins.order_by_asc(Column::Id).lock(LockType::NoKeyUpdate).all(transaction).await?;
    if admins.iter().any(|admin| admin.id != locked.id) {
        return Ok(());
    }
    Err(Error::conflict(message!(
        "You are the last administrator: make somebody else one first (setUserRole), then delete your account."
    )))
}

/// That whoever acts has not lost the role meanwhile, in a transaction that has locked them.
pub(crate) async fn still_admin(transaction: &DatabaseTransaction, admin: &Admin<'_>, locked: &Model) -> Result<(), Error> {
    admin.viewer().still_signed_in(transaction, locked).await?;
    if locked.role_id == admin.viewer().role().id {
        Ok(())
    } else {
        Err(Error::Forbidden(message!("This is for administrators.")))
    }
}

/// The person with this id, if the viewer may see them.
pub async fn find(service: &Service, viewer: &Viewer, id: i64) -> Result<(Arc<Model>, Owner), Error> {
    let nobody = || Error::NotFound(Missing::Person);
    if id == viewer.user().id {
        return Ok((viewer.user().clone(), viewer.owner()));
    }
    if !viewer.may_see(id) {
        return Err(nobody());
    }
    let user = Entity::find_by_id(id).one(service.database.pool()).await?.ok_or_else(nobody)?;
    let owner = viewer.see(service, id).await?.ok_or_else(nobody)?;
    Ok((Arc::new(user), owner))
}

/// The accounts of these people.
pub async fn by_owners(service: &Service, owners: &[Owner]) -> Result<HashMap<Owner, Option<Arc<Model>>>, Error> {
    let rows = Entity::find().filter(service.database.is_any(Column::Id, &user_ids(owners))).all(service.database.pool()).await?;
    Ok(one_by_owner(owners, rows, |user| user.id))
}
