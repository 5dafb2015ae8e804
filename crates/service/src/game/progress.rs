//! How far somebody has come, over the seven games: the profile completion of the data model, whose query counts as completed what was
//! begun. Here both are told: a game is started with its first play, and completed when a play came to 100 percent.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::game::GameKind;
use sea_orm::{FromQueryResult, Statement};

use super::plays::tables;
use crate::viewer::{Owner, by_owner, user_ids};
use crate::{Error, Service};

/// What counts as done, in percent.
const DONE: f64 = 100.0;

/// How far somebody has come in a game.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GameProgress {
    /// Which game.
    pub game: GameKind,
    /// Percent, 0 to 100: the furthest that any of their plays came, so that beginning anew takes nothing away.
    pub completion: f64,
    /// When a play was last saved; `None` before the first.
    pub date_updated: Option<DateTime<Utc>>,
    /// How many plays there are.
    pub plays: i64,
}

/// How far somebody has come.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress(HashMap<GameKind, GameProgress>);

impl Progress {
    /// Each game, in the order they are offered.
    pub fn games(&self) -> impl Iterator<Item = GameProgress> {
        GameKind::ALL.into_iter().map(|game| {
            self.0.get(&game).copied().unwrap_or(GameProgress { game, completion: 0.0, date_updated: None, plays: 0 })
        })
    }

    /// How many plays there are, of this game or of all.
    #[must_use]
    pub fn plays(&self, game: Option<GameKind>) -> i64 {
        self.games().filter(|played| game.is_none_or(|game| game == played.game)).map(|game| game.plays).sum()
    }

    /// How many games have a play.
    #[must_use]
    pub fn started(&self) -> usize {
        self.0.len()
    }

    /// How many games were played to their end.
    #[must_use]
    pub fn completed(&self) -> usize {
        self.games().filter(|game| game.completion >= DONE).count()
    }

    /// The mean over all games, percent, 0 to 100.
    #[must_use]
    pub fn completion(&self) -> f64 {
        // The count of games is small enough for any float.
        #[expect(clippy::cast_precision_loss, reason = "seven")]
        let count = GameKind::ALL.len() as f64;
        self.games().map(|game| game.completion).sum::<f64>() / count
    }

    /// What to play next: the first game, in the order they are offered, that was not played to its end.
    #[must_use]
    pub fn next_game(&self) -> Option<GameKind> {
        self.games().find(|game| game.completion < DONE).map(|game| game.game)
    }
}

#[derive(FromQueryResult)]
struct Row {
    user_id: i64,
    game: i32,
    completion: f64,
    date_updated: DateTime<Utc>,
    plays: i64,
}

/// The progress of each of these people, by one statement.
pub async fn progress_by_owners(service: &Service, owners: &[Owner]) -> Result<HashMap<Owner, Progress>, Error> {
    let games: Vec<_> = tables()
        .iter()
        .map(|(kind, table)| {
            let theirs = service.database.is_any_text("user_id", "$1");
            format!(
                "SELECT user_id, {} AS game, MAX(completion) AS completion, MAX(date_updated) AS date_updated, COUNT(*) AS plays FROM {table} \
                 WHERE {theirs} GROUP BY user_id",
                *kind as i32
            )
        })
        .collect();
    let pool = service.database.pool();
    let ids = service.database.ids(&user_ids(owners));
    let statement = Statement::from_sql_and_values(pool.get_database_backend(), games.join(" UNION ALL "), [ids]);
    let rows = Row::find_by_statement(statement).all(pool).await?;
    let progress = by_owner(owners, rows, |row| row.user_id).into_iter().map(|(owner, rows)| {
        let games = rows.into_iter().filter_map(|row| {
            let game = GameKind::from_number(row.game)?;
            Some((
                game,
                GameProgress { game, completion: row.completion, date_updated: Some(row.date_updated), plays: row.plays },
            ))
        });
        (owner, Progress(games.collect()))
    });
    Ok(progress.collect())
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::{GameKind, GameProgress, Progress};

    #[test]
    fn the_next_game_is_the_first_that_is_not_done() {
        let played = |games: &[(GameKind, f64)]| {
            let games = games.iter().map(|(game, completion)| {
                (
                    *game,
                    GameProgress { game: *game, completion: *completion, date_updated: DateTime::from_timestamp(0, 0), plays: 1 },
                )
            });
            Progress(games.collect())
        };
        assert_eq!(played(&[]).next_game(), Some(GameKind::Scenario));
        assert_eq!(played(&[(GameKind::Speed, 100.0)]).next_game(), Some(GameKind::Scenario));
        let some = played(&[(GameKind::Scenario, 100.0), (GameKind::ShapeSequence, 99.9), (GameKind::Speed, 0.0)]);
        assert_eq!(some.next_game(), Some(GameKind::ShapeSequence));
        assert_eq!((some.started(), some.completed()), (3, 1));
        assert!((some.completion() - 199.9 / 7.0).abs() < 1e-9);
        let all = played(&GameKind::ALL.map(|game| (game, 100.0)));
        assert_eq!((all.next_game(), all.completed()), (None, 7));
        assert!((all.completion() - 100.0).abs() < 1e-9);
    }
}
