//! How the platform is used.

use async_graphql::{Context, Object, SimpleObject};
use service::statistics;

use super::error::Result;
use super::game::Kind;
use super::request::Request;

/// How the platform is used: counts over everybody, never a person's data.
pub struct Statistics(statistics::Statistics);

/// Counts of a game's plays.
#[derive(SimpleObject)]
pub struct GameStatistics {
    /// Which game.
    game: Kind,
    /// How many people have begun it.
    players: i64,
    /// How many plays there are.
    plays: i64,
    /// How many plays came to 100 percent.
    completed: i64,
}

/// How the platform is used: counts over everybody, never a person's data.
#[Object]
impl Statistics {
    /// How many people have an account.
    async fn accounts(&self) -> i64 {
        self.0.people.accounts
    }

    /// How many of them get in (`isActive`).
    async fn active(&self) -> i64 {
        self.0.people.active
    }

    /// How many have done their first steps.
    async fn onboarded(&self) -> i64 {
        self.0.people.onboarded
    }

    /// How many have a passkey.
    async fn with_passkey(&self) -> i64 {
        self.0.people.with_passkey
    }

    /// How many accounts were made in the last 30 days.
    async fn new_lately(&self) -> i64 {
        self.0.people.new_lately
    }

    /// How many people signed in in the last 30 days.
    async fn signed_in_lately(&self) -> i64 {
        self.0.people.signed_in_lately
    }

    /// How many people have accepted the active version of the terms.
    async fn agreed(&self) -> u64 {
        self.0.agreed
    }

    /// Each of the seven games, in the order they are offered.
    async fn games(&self) -> Vec<GameStatistics> {
        let games = self.0.games.iter().map(|game| GameStatistics {
            game: game.game.into(),
            players: game.players,
            plays: game.plays,
            completed: game.completed,
        });
        games.collect()
    }
}

/// Reading statistics.
#[derive(Default)]
pub struct StatisticsQuery;

/// What counting everything costs: as much as a long page.
const COST: usize = 1000;

#[Object]
impl StatisticsQuery {
    /// How the platform is used. Counted anew each time. For administrators.
    #[graphql(complexity = "COST + child_complexity")]
    async fn statistics(&self, context: &Context<'_>) -> Result<Statistics> {
        let request = Request::of(context);
        let viewer = request.viewer().await?;
        Ok(Statistics(statistics::read(&request.service, &viewer.admin()?).await?))
    }
}
