//! How the platform is used: counts, never a person's data.

use chrono::TimeDelta;
use entity::game::GameKind;
use entity::{user, user_terms_agreement};
use sea_orm::sea_query::{Expr, ExprTrait, Func};
use sea_orm::{
    ColumnTrait, DatabaseConnection, EntityTrait, FromQueryResult, PaginatorTrait, QueryFilter, QuerySelect, Statement,
};

use crate::game::tables;
use crate::viewer::Admin;
use crate::{Error, Service, terms_version};

/// What counts as lately.
const LATELY: TimeDelta = TimeDelta::days(30);

/// Counts over everybody.
#[derive(Debug)]
pub struct Statistics {
    /// Of people.
    pub people: People,
    /// How many have accepted the active terms.
    pub agreed: u64,
    /// Of plays; every game, in the order they are offered.
    pub games: Vec<GameStatistics>,
}

/// Counts of people.
#[derive(Debug, FromQueryResult)]
pub struct People {
    /// With an account.
    pub accounts: i64,
    /// Who get in.
    pub active: i64,
    /// Whose first steps are done.
    pub onboarded: i64,
    /// With a passkey.
    pub with_passkey: i64,
    /// Whose account was made in the last 30 days.
    pub new_lately: i64,
    /// Who signed in in the last 30 days.
    pub signed_in_lately: i64,
}

/// Counts of a game's plays.
#[derive(Clone, Copy, Debug)]
pub struct GameStatistics {
    /// Which game.
    pub game: GameKind,
    /// People who have begun it.
    pub players: i64,
    /// Plays.
    pub plays: i64,
    /// Plays that came to 100 percent.
    pub completed: i64,
}

#[derive(FromQueryResult)]
struct Row {
    game: i32,
    players: i64,
    plays: i64,
    completed: i64,
}

/// Counts everything anew: four statements, each over a whole table or all of the games'.
pub async fn read(service: &Service, _: &Admin<'_>) -> Result<Statistics, Error> {
    service.read_long(|pool| async move { count(service, &pool).await }).await
}

async fn count(service: &Service, pool: &DatabaseConnection) -> Result<Statistics, Error> {
    let since = service.clock.now() - LATELY;
    let count_if = |condition: Expr| Func::coalesce([Expr::case(condition, 1).finally(0).sum().cast_as("bigint"), Expr::val(0)]);
    let people = user::Entity::find()
        .select_only()
        .column_as(user::Column::Id.count(), "accounts")
        .expr_as(count_if(user::Column::IsActive.eq(true)), "active")
        .expr_as(count_if(user::Column::OnboardingComplete.eq(true)), "onboarded")
        .expr_as(count_if(user::Column::IsPasskey.eq(true)), "with_passkey")
        .expr_as(count_if(user::Column::DateCreated.gte(since)), "new_lately")
        .expr_as(count_if(user::Column::LastLogin.gte(since)), "signed_in_lately")
        .into_model::<People>()
        .one(pool)
        .await?
        .ok_or_else(|| Error::internal("an aggregate gave no row"))?;
    let agreed = match terms_version::find(service, None).await? {
        Some(active) => {
            let agreements = user_terms_agreement::Entity::find().filter(user_terms_agreement::Column::TermsId.eq(active.id));
            agreements.count(pool).await?
        }
        None => 0,
    };
    let games: Vec<_> = tables()
        .iter()
        .map(|(kind, table)| {
            format!(
                "SELECT {} AS game, COUNT(DISTINCT user_id) AS players, COUNT(*) AS plays, \
                 COUNT(CASE WHEN completion >= 100 THEN 1 END) AS completed FROM {table}",
                *kind as i32
            )
        })
        .collect();
    let statement = Statement::from_string(pool.get_database_backend(), games.join(" UNION ALL "));
    let rows = Row::find_by_statement(statement).all(pool).await?;
    let games = GameKind::ALL.into_iter().filter_map(|game| {
        let row = rows.iter().find(|row| row.game == game as i32)?;
        Some(GameStatistics { game, players: row.players, plays: row.plays, completed: row.completed })
    });
    Ok(Statistics { people, agreed, games: games.collect() })
}
