//! What happened to an account, for the person and for administrators: written in the transaction of what it is about, never changed
//! (a trigger refuses it), gone with the person or after some days (a setting).
//!
//! An administrator's reading is written down before anything is given: [`Viewer::see`] and [`Admin::see`], which are how they get the
//! proof that reading takes, do it. Once for each administrator, person and day, so that the log stays one that people can read.
//!
//! To add a kind: a [`Kind`], its line in [`KINDS`], and [`record`] where it happens.
//!
//! [`Viewer::see`]: crate::viewer::Viewer::see
//! [`Admin::see`]: crate::viewer::Admin::see

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{NaiveDate, TimeDelta};
use entity::audit_entry::{ActiveModel, Column, Entity, Model};
use entity::user;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, LockType, OnConflict, Order, Query};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Statement,
    Value,
};

use crate::caller::Caller;
use crate::page::{self, Page, PageRequest};
use crate::viewer::{Owner, by_owner, user_ids};
use crate::{Error, Service};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// They made an account, by the way that the detail says.
    SignedUp,
    /// They signed in, by the way that the detail says.
    SignedIn,
    /// A passkey was added.
    PasskeyAdded,
    /// A passkey was removed.
    PasskeyRemoved,
    /// A password was set or changed.
    PasswordChanged,
    /// They named another address, which waits to be verified.
    EmailChangeBegun,
    /// An address was shown to be theirs: they sign in with it.
    EmailVerified,
    /// They were given the role that the detail names.
    RoleChanged,
    /// They were kept out.
    KeptOut,
    /// They were let in again.
    LetIn,
    /// They accepted the version of the terms that the detail names.
    TermsAccepted,
    /// They asked for a copy of their data.
    ExportRequested,
    /// A copy of their data was fetched.
    ExportDownloaded,
    /// An administrator looked at their data; the first time of a day.
    DataRead,
    /// Something that only a newer release knows.
    Other,
}

/// Each kind as `audit_log.kind` says it.
const KINDS: [(Kind, &str); 15] = [
    (Kind::SignedUp, "signed_up"),
    (Kind::SignedIn, "signed_in"),
    (Kind::PasskeyAdded, "passkey_added"),
    (Kind::PasskeyRemoved, "passkey_removed"),
    (Kind::PasswordChanged, "password_changed"),
    (Kind::EmailChangeBegun, "email_change_begun"),
    (Kind::EmailVerified, "email_verified"),
    (Kind::RoleChanged, "role_changed"),
    (Kind::KeptOut, "kept_out"),
    (Kind::LetIn, "let_in"),
    (Kind::TermsAccepted, "terms_accepted"),
    (Kind::ExportRequested, "export_requested"),
    (Kind::ExportDownloaded, "export_downloaded"),
    (Kind::DataRead, "data_read"),
    (Kind::Other, "other"),
];

impl Kind {
    fn name(self) -> Result<&'static str, Error> {
        let known = KINDS.iter().find(|(kind, _)| *kind == self).map(|(_, name)| *name);
        known.ok_or_else(|| Error::internal(format!("{self:?} is missing from the kinds of the audit log")))
    }

    /// What a row says; what this release does not know is [`Self::Other`].
    #[must_use]
    pub fn of(row: &Model) -> Self {
        KINDS.iter().find(|(_, known)| *known == row.kind).map_or(Self::Other, |(kind, _)| *kind)
    }
}

/// The ways to sign in, as the detail of an entry says them.
pub(crate) const BY_PASSWORD: &str = "password";
pub(crate) const BY_PASSKEY: &str = "passkey";
/// By the link of a recovery.
pub(crate) const BY_RECOVERY: &str = "recovery";

/// Something that happened to somebody, about to be written down.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    kind: Kind,
    detail: Option<&'a str>,
    actor: Option<i64>,
    caller: Option<&'a Caller>,
}

impl<'a> Entry<'a> {
    /// What the person did themselves, from where they called.
    pub(crate) fn by_person(kind: Kind, caller: &'a Caller) -> Self {
        Self { kind, detail: None, actor: None, caller: Some(caller) }
    }

    /// That they made an account, by this way.
    pub(crate) fn signed_up(way: &'a str, caller: &'a Caller) -> Self {
        Self::by_person(Kind::SignedUp, caller).with_detail(way)
    }

    /// That they signed in, by this way.
    pub(crate) fn signed_in(way: &'a str, caller: &'a Caller) -> Self {
        Self::by_person(Kind::SignedIn, caller).with_detail(way)
    }

    /// What an administrator did; their address is not the person's to see.
    pub(crate) fn by_admin(kind: Kind, actor: i64) -> Self {
        Self { kind, detail: None, actor: Some(actor), caller: None }
    }

    /// That the operator made the account.
    pub(crate) fn made_by_operator() -> Self {
        Self { kind: Kind::SignedUp, detail: Some("operator"), actor: None, caller: None }
    }

    /// With what the kind says that its detail is: never a personal value.
    pub(crate) fn with_detail(self, detail: &'a str) -> Self {
        Self { detail: Some(detail), ..self }
    }
}

/// Writes it down, in the transaction of what it is about.
pub(crate) async fn record(
    service: &Service,
    connection: &impl ConnectionTrait,
    user_id: i64,
    entry: Entry<'_>,
) -> Result<(), Error> {
    let row = ActiveModel {
        user_id: Set(user_id),
        kind: Set(entry.kind.name()?.to_owned()),
        actor: Set(entry.actor),
        detail: Set(entry.detail.map(str::to_owned)),
        address: Set(entry.caller.map(Caller::truncated_address)),
        read_on: Set(None),
        date_created: Set(service.clock.now()),
        ..Default::default()
    };
    Entity::insert(row).exec_without_returning(connection).await?;
    Ok(())
}

/// How long entries are kept, and who was written down today as read.
#[derive(Debug)]
pub struct AuditLog {
    kept: TimeDelta,
    reads: Mutex<Reads>,
}

/// The most readings that an instance remembers; an administrator reads some hundred people a day.
const MOST_REMEMBERED: usize = 100_000;

/// Administrator and person of the readings that are in the database for this day: looking again costs no statement.
#[derive(Debug, Default)]
struct Reads {
    day: NaiveDate,
    pairs: HashSet<(i64, i64)>,
}

impl AuditLog {
    /// Keeps entries for as long.
    #[must_use]
    pub fn new(kept: TimeDelta) -> Self {
        Self { kept, reads: Mutex::default() }
    }

    fn reads(&self, day: NaiveDate) -> std::sync::MutexGuard<'_, Reads> {
        let mut reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        if reads.day != day || reads.pairs.len() > MOST_REMEMBERED {
            *reads = Reads { day, pairs: HashSet::new() };
        }
        reads
    }
}

/// Writes down that an administrator looks at the data of these people, who are there: one statement for all, none for those who are
/// written down already.
pub(crate) async fn record_reading(service: &Service, actor: i64, people: &[i64]) -> Result<(), Error> {
    let now = service.clock.now();
    let day = now.date_naive();
    let new: Vec<i64> = {
        let reads = service.audit_log.reads(day);
        people.iter().copied().filter(|person| !reads.pairs.contains(&(actor, *person))).collect()
    };
    if new.is_empty() {
        return Ok(());
    }
    // From `users`, held, so that who is removed meanwhile is left out; in the order of their ids, so that no two who look at the same
    // people wait for each other.
    let rows = Query::select()
        .column((user::Entity, user::Column::Id))
        .expr(Expr::val(Kind::DataRead.name()?))
        .expr(Expr::val(actor))
        .expr(Expr::val(day.to_string()))
        .expr(Expr::val(now))
        .from(user::Entity)
        .and_where(service.database.is_any((user::Entity, user::Column::Id), &new))
        .order_by((user::Entity, user::Column::Id), Order::Asc)
        .lock(LockType::KeyShare)
        .take();
    let insert = Query::insert()
        .into_table(Entity)
        .columns([Column::UserId, Column::Kind, Column::Actor, Column::ReadOn, Column::DateCreated])
        .select_from(rows)
        .map_err(Error::internal)?
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .to_owned();
    service.database.pool().execute(&insert).await?;
    service.audit_log.reads(day).pairs.extend(new.into_iter().map(|person| (actor, person)));
    Ok(())
}

/// Writes down that somebody fetches a copy of this person's data: once for each network and day, however often they do.
pub(crate) async fn record_download(service: &Service, user_id: i64, caller: &Caller) -> Result<(), Error> {
    let pool = service.database.pool();
    let today = service.clock.now().date_naive().and_time(chrono::NaiveTime::MIN).and_utc();
    let known = Entity::find()
        .filter(Column::UserId.eq(user_id))
        .filter(Column::Kind.eq(Kind::ExportDownloaded.name()?))
        .filter(Column::Address.eq(caller.truncated_address()))
        .filter(Column::DateCreated.gte(today));
    if known.one(pool).await?.is_some() {
        return Ok(());
    }
    record(service, pool, user_id, Entry::by_person(Kind::ExportDownloaded, caller)).await
}

/// How many entries are removed at once: others write meanwhile.
const BATCH: u64 = 1000;

/// Removes what has been kept long enough.
pub(crate) async fn purge(service: &Service) -> Result<(), Error> {
    let kept_until = service.clock.now() - service.audit_log.kept;
    loop {
        let old = Entity::find().select_only().column(Column::Id).filter(Column::DateCreated.lte(kept_until));
        let old = old.order_by_asc(Column::DateCreated).limit(BATCH).into_query();
        let removed = Entity::delete_many().filter(Column::Id.in_subquery(old)).exec(service.database.pool()).await?;
        if removed.rows_affected < BATCH {
            return Ok(());
        }
    }
}

/// The pages asked for, for each person, the newest first: one statement for all people of whom the same page is asked.
pub async fn by_requests(
    service: &Service,
    requests: &[(Owner, PageRequest<i64>)],
) -> Result<HashMap<(Owner, PageRequest<i64>), Page<Arc<Model>>>, Error> {
    let mut pages = HashMap::new();
    for (request, owners) in page::alike(requests) {
        let rows = Model::find_by_statement(statement(service, &owners, &request)).all(service.database.pool()).await?;
        for (owner, rows) in by_owner(&owners, rows, |row| row.user_id) {
            pages.insert((owner, request), request.page(rows.into_iter().map(Arc::new).collect()));
        }
    }
    Ok(pages)
}

fn statement(service: &Service, owners: &[Owner], request: &PageRequest<i64>) -> Statement {
    let limit = i64::try_from(request.limit).unwrap_or(i64::MAX).saturating_add(1);
    // Newest first: what comes after a cursor is older.
    let (after, before) = (request.after.unwrap_or(i64::MAX), request.before.unwrap_or(i64::MIN));
    let values: [Value; 4] = [service.database.ids(&user_ids(owners)), limit.into(), after.into(), before.into()];
    let theirs = service.database.is_any_text("user_id", "$1");
    let order = if request.backwards { "id" } else { "id DESC" };
    let sql = format!(
        "SELECT id, user_id, kind, actor, detail, address, read_on, date_created FROM (\
         SELECT *, ROW_NUMBER() OVER (PARTITION BY user_id ORDER BY {order}) AS place FROM audit_log \
         WHERE {theirs} AND id < $3 AND id > $4) AS placed WHERE place <= $2 ORDER BY user_id, place"
    );
    Statement::from_sql_and_values(service.database.pool().get_database_backend(), sql, values)
}

#[cfg(test)]
mod tests {
    use super::KINDS;

    #[test]
    fn every_kind_has_a_name_of_its_own() {
        let names: std::collections::HashSet<_> = KINDS.iter().map(|(_, name)| *name).collect();
        assert_eq!(names.len(), KINDS.len());
        assert!(KINDS.iter().all(|(kind, name)| kind.name().is_ok_and(|known| known == *name)));
    }
}
