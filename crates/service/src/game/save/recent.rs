//! Plays that were saved here a moment ago, so that their next save need not look first: somebody who plays saves again and again.
//!
//! What is remembered is never trusted. The statement that writes asks everything that would have been looked for, and where it finds
//! something else, nothing is written and the save looks: another instance saved, somebody signed out, a play was begun or deleted.

use std::any::Any;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use entity::game::{Game, GameKind, PlayRow};
use lru::LruCache;

use crate::game::evolution::current_version;

/// The most plays: those saved last.
const PLAYS: NonZeroUsize = NonZeroUsize::new(8_000).unwrap();
/// The most bytes of JSON of one.
const BYTES: usize = 4_096;
/// For how long.
const REMEMBERED: TimeDelta = TimeDelta::minutes(10);

/// Those plays, each under its game and its person. None of a game that is sealed: nothing of it stays in memory.
pub struct RecentPlays(Mutex<LruCache<(GameKind, i64), Recent>>);

struct Recent {
    play: Box<dyn Any + Send>,
    since: DateTime<Utc>,
}

impl Default for RecentPlays {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(PLAYS)))
    }
}

impl RecentPlays {
    /// Takes the play out: whoever has saved puts it back.
    pub(super) fn take<G: Game>(&self, user_id: i64) -> Option<G::Model> {
        let recent = self.lock().pop(&(G::KIND, user_id))?;
        recent.play.downcast().ok().map(|play| *play)
    }

    /// Keeps what was saved, opened and in the current version.
    pub(super) fn keep<G: Game>(&self, play: &G::Model, now: DateTime<Utc>) {
        let bytes: usize = play.json().iter().map(|text| text.as_str().len()).sum();
        if G::SEALED.is_empty() && bytes <= BYTES && play.schema_version() == current_version(G::KIND) {
            let recent = Recent { play: Box::new(play.clone()), since: now };
            self.lock().put((G::KIND, play.user_id()), recent);
        }
    }

    /// Forgets a person's plays.
    pub(crate) fn forget(&self, user_id: i64) {
        let mut plays = self.lock();
        for kind in GameKind::ALL {
            plays.pop(&(kind, user_id));
        }
    }

    /// Forgets those that nobody has saved for a while.
    pub(crate) fn forget_old(&self, now: DateTime<Utc>) {
        let mut plays = self.lock();
        while plays.peek_lru().is_some_and(|(_, recent)| recent.since + REMEMBERED <= now) {
            plays.pop_lru();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, LruCache<(GameKind, i64), Recent>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
