//! Plays as they were last written here. Who plays saves again soon, and needs no look then: the statement that writes asks whether
//! everything still is so, and where it is not, or where another instance wrote last, the save looks as ever. So what is remembered
//! can be old, and nothing depends on it.

use std::any::Any;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use entity::game::{Game, GameKind, PlayRow};
use lru::LruCache;

/// The most plays, and the most bytes that they have together.
const PLAYS: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();
const BYTES: usize = 16 * 1024 * 1024;
/// What a play takes besides its JSON.
const PLAY_BYTES: usize = 400;
/// For how long: nobody's answers stay for long in the memory of an instance that they have left.
const FOR: TimeDelta = TimeDelta::minutes(5);

/// Plays that were written of late, the newest of each person and game. None of a game with sealed columns.
#[derive(Default)]
pub struct Remembered(Mutex<Plays>);

struct Plays {
    plays: LruCache<(i64, i32), Play>,
    bytes: usize,
}

impl Default for Plays {
    fn default() -> Self {
        Self { plays: LruCache::new(PLAYS), bytes: 0 }
    }
}

struct Play {
    row: Box<dyn Any + Send + Sync>,
    bytes: usize,
    since: DateTime<Utc>,
}

impl Remembered {
    fn plays(&self) -> MutexGuard<'_, Plays> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a play out: whoever writes it puts it in again.
    pub(super) fn take<G: Game>(&self, user_id: i64, now: DateTime<Utc>) -> Option<G::Model> {
        let play = self.plays().take(&(user_id, G::KIND as i32))?;
        if now - play.since > FOR {
            return None;
        }
        play.row.downcast().ok().map(|row| *row)
    }

    /// Puts in a play that was written.
    pub(super) fn put<G: Game>(&self, play: &G::Model, now: DateTime<Utc>) {
        if !G::SEALED.is_empty() {
            return;
        }
        let bytes = play.json().iter().map(|json| json.as_str().len()).sum::<usize>() + PLAY_BYTES;
        let key = (play.user_id(), G::KIND as i32);
        let mut plays = self.plays();
        plays.take(&key);
        plays.bytes += bytes;
        let mut dropped = plays.plays.push(key, Play { row: Box::new(play.clone()), bytes, since: now });
        loop {
            if let Some((_, play)) = dropped {
                plays.bytes -= play.bytes;
            }
            if plays.bytes <= BYTES {
                return;
            }
            dropped = plays.plays.pop_lru();
        }
    }

    /// A person is gone.
    pub(crate) fn forget(&self, user_id: i64) {
        let mut plays = self.plays();
        for kind in GameKind::ALL {
            plays.take(&(user_id, kind as i32));
        }
    }

    /// What was written too long ago goes.
    pub(crate) fn forget_old(&self, now: DateTime<Utc>) {
        let mut plays = self.plays();
        while let Some((key, _)) = plays.plays.peek_lru().filter(|(_, play)| now - play.since > FOR) {
            let key = *key;
            plays.take(&key);
        }
    }
}

impl Plays {
    fn take(&mut self, key: &(i64, i32)) -> Option<Play> {
        let play = self.plays.pop(key)?;
        self.bytes -= play.bytes;
        Some(play)
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};
    use entity::JsonText;
    use entity::game::{abilities, speed};

    use super::{BYTES, FOR, Remembered};

    fn play(user_id: i64, length: usize) -> speed::Model {
        let level_stats = JsonText::from_json("x".repeat(length));
        let date = DateTime::<Utc>::UNIX_EPOCH;
        speed::Model {
            id: user_id * 10,
            user_id,
            current_level: 1,
            completion: 0.0,
            level_stats,
            schema_version: 1,
            revision: 1,
            date_created: date,
            date_updated: date,
        }
    }

    fn take(remembered: &Remembered, user_id: i64, seconds: i64) -> Option<i64> {
        let now = DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds);
        remembered.take::<speed::Entity>(user_id, now).map(|play| play.id)
    }

    fn put(remembered: &Remembered, user_id: i64, length: usize) {
        remembered.put::<speed::Entity>(&play(user_id, length), DateTime::UNIX_EPOCH);
    }

    #[test]
    fn a_play_is_taken_once_and_for_its_person_and_game() {
        let remembered = Remembered::default();
        put(&remembered, 1, 5);
        assert!(remembered.take::<abilities::Entity>(1, DateTime::UNIX_EPOCH).is_none());
        assert_eq!([take(&remembered, 2, 0), take(&remembered, 1, 0), take(&remembered, 1, 0)], [None, Some(10), None]);
        assert_eq!(remembered.plays().bytes, 0);
    }

    #[test]
    fn it_is_gone_with_its_person_and_after_a_while() {
        let remembered = Remembered::default();
        let late = FOR.num_seconds() + 1;
        (1..=4).for_each(|user_id| put(&remembered, user_id, 5));
        remembered.forget(1);
        assert_eq!([take(&remembered, 1, 0), take(&remembered, 2, late), take(&remembered, 3, late - 1)], [None, None, Some(30)]);
        remembered.forget_old(DateTime::UNIX_EPOCH + TimeDelta::seconds(late));
        let left = remembered.plays();
        assert_eq!((left.plays.len(), left.bytes), (0, 0));
    }

    #[test]
    fn the_ones_of_late_are_kept_within_bounds() {
        let remembered = Remembered::default();
        (1..=20).for_each(|user_id| put(&remembered, user_id, BYTES / 10));
        let kept: Vec<_> = (1..=20).filter(|user_id| take(&remembered, *user_id, 0).is_some()).collect();
        assert_eq!(kept, (12..=20).collect::<Vec<_>>());
    }
}
