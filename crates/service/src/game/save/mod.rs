//! Saving a play: small, atomic, once, checked before anything is written.

mod change;
mod found;
mod merge;
mod remembered;

use chrono::{DateTime, Utc};
use entity::JsonText;
use entity::game::{Game, GameKind, PlayRow};
use message::message;
use sea_orm::{ActiveModelTrait, DatabaseTransaction, IdenStatic, IntoActiveModel, ModelTrait};
use serde_json::{Value, json};

use self::change::{Base, Change, Named, Unseen};
use self::found::Found;
pub use self::remembered::Remembered;
use super::evolution::{bring_up, current_version};
use super::{StoredPlay, open, valid};
use crate::error::Stored;
use crate::text::Checks;
use crate::together::Run;
use crate::viewer::{Bearer, Owner};
use crate::{Error, Missing, Service, user};

/// The most characters of a save's id.
const SAVE_ID_LENGTH: usize = 100;

/// How JSON meets what is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SaveMode {
    /// By RFC 7396: keys given are set, null removes a key, the others stay.
    #[default]
    Merge,
    /// What was stored goes.
    Replace,
}

/// One save. What is absent stays as it is stored.
#[derive(Clone, Debug, Default)]
pub struct Save {
    /// The level reached, from 0, where the game has levels.
    pub current_level: Option<i32>,
    /// Percent, 0 to 100.
    pub completion: Option<f64>,
    /// The JSON fields, in the order of [`Game::JSON`].
    pub json: Vec<Option<Value>>,
    /// How JSON meets what is stored.
    pub mode: SaveMode,
    /// Begins a new play; otherwise the newest goes on, or the first begins.
    pub new_play: bool,
    /// The play to go on with, where it is not to be the newest whichever that is.
    pub play_id: Option<i64>,
    /// Refused when the stored play is at another revision.
    pub expected_revision: Option<i32>,
    /// Named by the client: sent again, it changes nothing and answers with the same play.
    pub save_id: Option<String>,
}

/// Saves a play of the viewer's, and says who they are.
///
/// A save looks at how things stand, in one statement ([`found`]), and writes where they still stand so ([`change`]). On PostgreSQL it
/// shares both with other saves at the same moment ([`crate::together`]), and needs no look where this instance wrote the play
/// last ([`Remembered`]). Where somebody came between, so that nothing was written, where a play begins, and on SQLite, it is done in
/// a transaction that has locked the person: those saves come one after the other.
pub async fn save<G: Game>(service: &Service, bearer: &Bearer, save: Save) -> Result<(Owner, G::Model), Error> {
    if let Err(invalid) = check::<G>(&save) {
        // Who is not let in is told that, and no more.
        bearer.ask(service).await?;
        return Err(invalid);
    }
    let named = save.save_id.clone().map(|save_id| {
        let content_hash = service.keyed_hash.content(&content(G::KIND, &save));
        Named { save_id, content_hash }
    });
    let saving = Saving { service, bearer, save, named, now: service.clock.now() };
    if service.database.has_one_writer() {
        return saving.alone::<G>().await;
    }
    let mut saved = saving.without_a_look::<G>().await?;
    if saved.is_none() {
        saved = saving.together::<G>().await?;
    }
    let (owner, play) = match saved {
        Some(saved) => saved,
        None => saving.alone::<G>().await?,
    };
    service.remembered.put::<G>(&play, saving.now);
    Ok((owner, play))
}

/// How often a save that has locked the person looks again. All that can come between is `games upgrade`, once.
const ATTEMPTS: usize = 3;

/// A save under way.
struct Saving<'a> {
    service: &'a Service,
    bearer: &'a Bearer,
    save: Save,
    named: Option<Named>,
    now: DateTime<Utc>,
}

/// What a save comes to.
enum Outcome<'a, G: Game> {
    /// It was saved before, into this play.
    Before(G::Model),
    /// This is to be written.
    Change(Change<'a, G>),
}

impl Saving<'_> {
    /// Writes without a look. `None`, and nothing is written, where that can't be, for whatever reason: who looks finds out which.
    async fn without_a_look<G: Game>(&self) -> Result<Option<(Owner, G::Model)>, Error> {
        let Self { service, bearer, save, .. } = self;
        let Some(play) = service.remembered.take::<G>(bearer.user_id(), self.now) else { return Ok(None) };
        if save.new_play || save.play_id.is_some_and(|id| id != play.id()) {
            return Ok(None);
        }
        let owner = bearer.let_in();
        let found = Found { owner, to_accept: None, before: None, play: Some(play) };
        let Ok(Outcome::Change(mut change)) = self.outcome::<G>(found) else { return Ok(None) };
        change.unseen = Some(Unseen { bearer, is_newest: save.play_id.is_none() });
        let run = Run::Together(&service.together);
        Ok(change.go_on(service, run).await?.map(|play| (owner, play)))
    }

    /// Looks and writes. `None`, and nothing is written, where somebody came between, or a play begins after one has looked.
    async fn together<G: Game>(&self) -> Result<Option<(Owner, G::Model)>, Error> {
        let run = Run::Together(&self.service.together);
        let Some(found) = found::find::<G>(run, self.bearer, &self.save).await? else { return Ok(None) };
        let owner = found.owner;
        let play = match self.outcome(found)? {
            Outcome::Before(play) => Some(play),
            Outcome::Change(change) if matches!(change.base, Base::Play { .. }) => change.go_on(self.service, run).await?,
            Outcome::Change(change) => {
                let transaction = self.lock().await?;
                let play = change.begin(self.service, &transaction).await?;
                // Where nothing was written, this only ends it.
                transaction.commit().await?;
                play
            }
        };
        Ok(play.map(|play| (owner, play)))
    }

    /// The same for who has waited for their turn.
    async fn alone<G: Game>(&self) -> Result<(Owner, G::Model), Error> {
        let transaction = self.lock().await?;
        let run = Run::Alone(&transaction);
        for _ in 0..ATTEMPTS {
            let found = found::find::<G>(run, self.bearer, &self.save).await?.ok_or_else(Bearer::refused)?;
            let owner = found.owner;
            let play = match self.outcome(found)? {
                Outcome::Before(play) => Some(play),
                Outcome::Change(change) if matches!(change.base, Base::Play { .. }) => change.go_on(self.service, run).await?,
                Outcome::Change(change) => change.begin(self.service, &transaction).await?,
            };
            if let Some(play) = play {
                transaction.commit().await?;
                return Ok((owner, play));
            }
        }
        Err(Error::Busy)
    }

    async fn lock(&self) -> Result<DatabaseTransaction, Error> {
        let transaction = self.service.database.write().await?;
        user::lock_bearer(&transaction, self.bearer).await?;
        Ok(transaction)
    }

    fn outcome<G: Game>(&self, found: Found<G>) -> Result<Outcome<'_, G>, Error> {
        let Self { service, save, .. } = self;
        if let Some(version) = found.to_accept {
            return Err(Error::TermsNotAccepted { version });
        }
        if let (Some(before), Some(named)) = (&found.before, &self.named) {
            let is_same = before.content_hash == named.content_hash;
            return Ok(Outcome::Before(play_before::<G>(service, found.play, is_same)?));
        }
        let found = if save.new_play { None } else { target::<G>(service, found.play, save)? };
        let current = current_version(G::KIND);
        let base = match &found {
            Some(play) => Base::Play { id: play.id(), revision: play.revision(), schema_version: play.schema_version() },
            None if save.new_play => Base::Anything,
            None => Base::NoPlay,
        };
        let stored_version = found.as_ref().map_or(current, PlayRow::schema_version);
        if stored_version > current {
            tracing::warn!(stored_version, "a play was written by a newer release, and this one can't save it");
            return Err(Error::Newer);
        }
        let stored = found.map(bring_up::<G>);
        expect_revision::<G>(stored.as_ref(), save.expected_revision)?;
        let texts = merge::texts::<G>(service, stored.as_ref(), &save.json, save.mode)?;

        let is_new = stored.is_none();
        // Not the current one where it could not be brought up.
        let version = stored.as_ref().map_or(current, PlayRow::schema_version);
        let revision = stored.as_ref().map_or(0, PlayRow::revision).saturating_add(1);
        let user_id = self.bearer.user_id();
        let mut row = stored.map_or_else(<G::ActiveModel as ActiveModelTrait>::default, IntoActiveModel::into_active_model);
        if let (Some(column), Some(level)) = (G::LEVEL, save.current_level.or(is_new.then_some(0))) {
            row.set(column, level.into());
        }
        if let Some(completion) = save.completion.or(is_new.then_some(0.0)) {
            row.set(G::COMPLETION, completion.into());
        }
        for (column, text) in G::JSON.iter().zip(texts) {
            // What was brought up is written along, whether it was given or not. What is neither is not written at all: it may be sealed
            // anew meanwhile.
            let brought_up = || row.get(column.column).into_value().filter(|_| stored_version < version);
            if let Some(text) = text.map(|text| JsonText::from_json(text).into()).or_else(brought_up) {
                row.set(column.column, text);
            }
        }
        row.set(G::SCHEMA_VERSION, version.into());
        row.set(G::REVISION, revision.into());
        row.set(G::DATE_UPDATED, self.now.into());
        if is_new {
            row.set(G::USER_ID, user_id.into());
            row.set(G::DATE_CREATED, self.now.into());
        }
        Ok(Outcome::Change(Change { user_id, row, base, unseen: None, named: self.named.as_ref(), now: self.now }))
    }
}

/// What a save says, the same text for the same content: the order of keys aside, and without the revision it expects, which is no
/// content. The form stays as it is: under another one, saves that are sent again after an update would be refused for 30 days.
fn content(kind: GameKind, save: &Save) -> String {
    let Save { current_level, completion, json, mode, new_play, play_id, expected_revision: _, save_id: _ } = save;
    let mode = *mode == SaveMode::Replace;
    let mut content = json!([kind as i32, current_level, completion, json, mode, new_play, play_id]);
    content.sort_all_objects();
    content.to_string()
}

/// The play that this save went into, as it is now.
fn play_before<G: Game>(service: &Service, play: Option<G::Model>, is_same: bool) -> Result<G::Model, Error> {
    if !is_same {
        return Err(Error::conflict(message!(
            "Something else was saved under this saveId before. Choose another id for each save."
        )));
    }
    let mut play = play.ok_or(Error::NotFound(Missing::Play))?;
    open::<G>(&service.keys, &mut play)?;
    Ok(bring_up::<G>(play))
}

/// The play that a save goes on with, if there is one, opened.
fn target<G: Game>(service: &Service, play: Option<G::Model>, save: &Save) -> Result<Option<G::Model>, Error> {
    let Some(mut play) = play else {
        return if save.play_id.is_some() { Err(Error::NotFound(Missing::Play)) } else { Ok(None) };
    };
    // What does not open is not merged into; it may be written over by who means to.
    if let Err(error) = open::<G>(&service.keys, &mut play) {
        for (column, given) in G::JSON
            .iter()
            .zip(&save.json)
            .filter(|(column, _)| G::SEALED.iter().any(|sealed| sealed.as_str() == column.column.as_str()))
        {
            if save.mode != SaveMode::Replace || given.is_none() {
                return Err(error);
            }
            play.set(column.column, JsonText::from_json(column.empty.to_owned()).into());
        }
    }
    Ok(Some(play))
}

fn expect_revision<G: Game>(stored: Option<&G::Model>, expected: Option<i32>) -> Result<(), Error> {
    let revision = stored.map_or(0, PlayRow::revision);
    if expected.is_none_or(|expected| expected == revision) {
        return Ok(());
    }
    let message = match stored {
        Some(_) => message!(
            "Another save came first: the play is at revision {revision}. Look at it (storedPlay), then save again with that revision.",
            revision
        ),
        None => message!("There is no play yet. Save again with expectedRevision 0, or without it."),
    };
    Err(Error::Conflict {
        message,
        stored: Some(Stored { revision, play: stored.map(|row| Box::new(StoredPlay::of::<G>(row))) }),
    })
}

fn check<G: Game>(save: &Save) -> Result<(), Error> {
    let mut checks = Checks::default();
    if save.current_level.is_some_and(|level| level < 0) {
        checks.problem("/currentLevel", message!("is below 0; levels count from 0."));
    }
    if save.completion.is_some_and(|completion| !(0.0..=100.0).contains(&completion)) {
        checks.problem("/completion", message!("is not a percentage, 0 to 100."));
    }
    if save.new_play && save.expected_revision.is_some_and(|revision| revision != 0) {
        checks.problem("/expectedRevision", message!("can't be other than 0 with newPlay, which builds on no earlier save."));
    }
    if save.new_play && save.play_id.is_some() {
        checks.problem("/playId", message!("can't stand with newPlay, which begins another play; leave one of them out."));
    }
    checks.optional("/saveId", save.save_id.as_ref(), SAVE_ID_LENGTH);
    for (column, value) in G::JSON.iter().zip(&save.json) {
        if let Some(value) = value {
            valid::check_given(&mut checks, &format!("/{}", column.name), column.empty, value);
        }
    }
    checks.finish()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{GameKind, Save, SaveMode, content};

    #[test]
    fn the_content_of_a_save_keeps_its_form() {
        let save = Save {
            current_level: Some(3),
            completion: Some(37.5),
            json: vec![Some(json!({ "b": 1, "a": { "d": null, "c": [2, 1] } })), None],
            mode: SaveMode::Replace,
            new_play: false,
            play_id: Some(7),
            expected_revision: Some(9),
            save_id: Some("s".to_owned()),
        };
        let text = r#"[1,3,37.5,[{"a":{"c":[2,1],"d":null},"b":1},null],true,false,7]"#;
        assert_eq!(content(GameKind::Scenario, &save), text);
        assert_eq!(content(GameKind::Speed, &Save::default()), "[4,null,null,[],false,false,null]");
    }
}
