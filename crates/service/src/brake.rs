//! Brakes: how often something may be tried, by one caller or on one account. Counted in the database, so by all instances together.
//!
//! Each is a bucket of `burst` tries that fills by one `every` so often: the generic cell rate algorithm (ITU-T I.371), which keeps
//! one number a subject and changes it in one statement. Wrong passwords have buckets of their own: however many there are, the
//! owner's passkey and recovery by mail stay open.
//!
//! To add a brake: a constant below, and [`take`] where the try begins.

use chrono::TimeDelta;
use entity::rate_limit::{ActiveModel, Column, Entity};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::clock::CLOCKS_DIFFER;
use crate::{Error, Service};

/// How often something may be tried.
#[derive(Debug)]
pub(crate) struct Limit {
    name: &'static str,
    burst: i64,
    every: TimeDelta,
}

const fn limit(name: &'static str, burst: i64, every: TimeDelta) -> Limit {
    Limit { name, burst, every }
}

/// Wrong passwords for one address, known or not; and, counted apart, wrong current ones of one person who changes it.
pub(crate) const PASSWORDS_OF_ACCOUNT: Limit = limit("passwords_of_account", 10, TimeDelta::minutes(2));
/// Wrong passwords from one caller: a school is one.
pub(crate) const PASSWORDS_OF_CALLER: Limit = limit("passwords_of_caller", 50, TimeDelta::seconds(10));
/// Sign-ups tried by one caller: two classes of a school at once.
pub(crate) const SIGN_UPS: Limit = limit("sign_ups", 100, TimeDelta::seconds(10));
/// WebAuthn ceremonies begun by one caller.
pub(crate) const CEREMONIES: Limit = limit("ceremonies", 200, TimeDelta::seconds(2));
/// Passkeys' answers that did not sign in, from one caller.
pub(crate) const WRONG_PASSKEYS: Limit = limit("wrong_passkeys", 50, TimeDelta::seconds(10));
/// Recoveries asked for one address, known or not.
pub(crate) const RECOVERIES_OF_ACCOUNT: Limit = limit("recoveries_of_account", 3, TimeDelta::minutes(10));
/// Recoveries asked for by one caller.
pub(crate) const RECOVERIES_OF_CALLER: Limit = limit("recoveries_of_caller", 30, TimeDelta::minutes(1));
/// Tokens of mails that were not right: of recoveries from one caller, of verifications by one person.
pub(crate) const WRONG_TOKENS: Limit = limit("wrong_tokens", 20, TimeDelta::minutes(1));
/// Mails to one address that sign-ups send; further ones come without.
pub(crate) const MAILS_BY_SIGN_UP: Limit = limit("mails_by_sign_up", 3, TimeDelta::minutes(10));
/// Verification mails to one address that people who are signed in ask for.
pub(crate) const MAILS_TO_ADDRESS: Limit = limit("mails_to_address", 5, TimeDelta::minutes(10));
/// Verification mails asked for by one person.
pub(crate) const MAILS_OF_PERSON: Limit = limit("mails_of_person", 10, TimeDelta::minutes(10));
/// Pictures sent by one person, good or not: each is work.
pub(crate) const PICTURES: Limit = limit("pictures", 30, TimeDelta::minutes(2));

/// Exports of their data that one person has made: five at once, five a day in the long run.
pub(crate) const EXPORTS: Limit = limit("exports", 5, TimeDelta::minutes(24 * 60 / 5));

/// Takes one try, or says how long to wait for the next.
pub(crate) async fn take(service: &Service, limit: &Limit, subject: &str) -> Result<(), Error> {
    service.database.waits_to_write();
    let now = service.clock.now().timestamp_micros();
    let (every, ahead) = (micros(limit.every), micros(limit.every) * (limit.burst - 1));
    let key = key(service, limit, subject);
    let stored = || Expr::col((Entity, Column::Arrival));
    // Further ahead than any try puts it: the clock was set back since. Instances whose clocks differ a little are not that.
    let set_back = stored().gt(now + ahead + every + micros(CLOCKS_DIFFER));
    let later: Expr = Expr::case(set_back.clone(), now + ahead).case(stored().gt(now), stored()).finally(now).into();
    let taken = Entity::insert(ActiveModel { key: Set(key.clone()), arrival: Set(now + every) })
        .on_conflict(
            OnConflict::column(Column::Key)
                .value(Column::Arrival, later.add(every))
                .action_and_where(stored().lte(now + ahead).or(set_back))
                .to_owned(),
        )
        .exec_without_returning(service.database.pool())
        .await?;
    if taken > 0 {
        return Ok(());
    }
    let row = Entity::find_by_id(key).one(service.database.pool()).await?;
    let wait = row.map_or(0, |row| row.arrival - ahead - now);
    service.metrics.braked(limit.name);
    Err(Error::RateLimited { retry_after: wait.div_euclid(1_000_000) + 1 })
}

/// Takes one try of each of several, or none.
pub(crate) async fn take_all(service: &Service, tries: &[(&Limit, &str)]) -> Result<(), Error> {
    for (at, (limit, subject)) in tries.iter().enumerate() {
        if let Err(error) = take(service, limit, subject).await {
            give_back(service, &tries[..at]).await;
            return Err(error);
        }
    }
    Ok(())
}

/// Gives tries back that were right: only wrong ones count. They are taken before, so that many at once do not slip through.
pub(crate) async fn give_back(service: &Service, tries: &[(&Limit, &str)]) {
    for (limit, subject) in tries {
        let given = Entity::update_many()
            .col_expr(Column::Arrival, Expr::col(Column::Arrival).sub(micros(limit.every)))
            .filter(Column::Key.eq(key(service, limit, subject)))
            .exec(service.database.pool())
            .await;
        if let Err(error) = given {
            // What was done is done: the try counts, and comes back with time.
            tracing::warn!(%error, limit = limit.name, "a try was not given back");
        }
    }
}

fn key(service: &Service, limit: &Limit, subject: &str) -> String {
    format!("{}:{}", limit.name, service.keyed_hash.subject(subject))
}

fn micros(time: TimeDelta) -> i64 {
    time.num_microseconds().unwrap_or(i64::MAX)
}
