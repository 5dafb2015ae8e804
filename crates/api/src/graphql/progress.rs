//! How far somebody has come.

use async_graphql::{Object, SimpleObject};
use chrono::{DateTime, Utc};
use service::game;

use super::game::Kind;

/// How far somebody has come, and whether their first steps are done.
pub struct Progress {
    /// Over the games.
    pub games: game::Progress,
    /// The first steps are done.
    pub onboarding_complete: bool,
}

/// How far somebody has come, over the seven games.
#[Object]
impl Progress {
    /// How many games they have begun, 0 to 7.
    async fn games_started(&self) -> usize {
        self.games.started()
    }

    /// How many games they have played to their end, 0 to 7.
    async fn games_completed(&self) -> usize {
        self.games.completed()
    }

    /// The mean over the seven games: a percentage, 0 to 100.
    async fn completion(&self) -> f64 {
        self.games.completion()
    }

    /// The first steps are done.
    async fn onboarding(&self) -> bool {
        self.onboarding_complete
    }

    /// Each of the seven games, in the order they are offered.
    async fn games(&self) -> Vec<GameProgress> {
        self.games.games().map(GameProgress::from).collect()
    }

    /// What to play next: the first of the seven, in the order they are offered, that was not played to its end; null when all were.
    async fn next_game(&self) -> Option<Kind> {
        self.games.next_game().map(Kind::from)
    }
}

/// How far somebody has come in a game.
#[derive(SimpleObject)]
pub struct GameProgress {
    /// Which game.
    game: Kind,
    /// A percentage, 0 to 100: the furthest that any of their plays came, so that beginning anew takes nothing away. How far the newest
    /// came is `completion` of that play.
    completion: f64,
    /// When a play of it was last saved; null before the first.
    date_updated: Option<DateTime<Utc>>,
}

impl From<game::GameProgress> for GameProgress {
    fn from(progress: game::GameProgress) -> Self {
        Self { game: progress.game.into(), completion: progress.completion, date_updated: progress.date_updated }
    }
}
