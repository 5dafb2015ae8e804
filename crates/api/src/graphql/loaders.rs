//! Every relation goes through a loader: however many objects ask, one statement answers. One set a request.
//!
//! To add a relation: a verb of the service that answers many keys at once, a line in `relations!`, and, where a page of people asks for it, one in
//! `ahead::load`.

use std::collections::HashMap;
use std::fmt::Debug;
use std::future::Future;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use dataloader::BatchFn;
use dataloader::cached::Loader;
use service::data_export::DataExport;
use service::entity::{
    audit_entry, passkey_credential, role, session, terms_version, user, user_avatar_info, user_passion, user_terms_agreement,
};
use service::foreseen::Foreseen;
use service::game::{Game, PlayCursor, PlayRef};
use service::page::{Page, PageRequest};
use service::terms_version::TermsChange;
use service::user_detail::UserDetail;
use service::viewer::{Oneself, Owner, Viewer};
use service::{Error, Service};
use tracing::Instrument;

use super::error::{ApiError, Result};
use crate::traces::SPANS;

/// What a loader does: the verb that answers many keys at once. A key without an answer gets the default: nothing, or an empty list.
pub trait Relation: Send + 'static {
    /// What is asked with.
    type Key: Copy + Debug + Eq + Hash + Send + Sync + 'static;
    /// What is answered.
    type Value: Clone + Default + Send + Sync + 'static;
    /// What it is called where batches are counted.
    const NAME: &'static str;
    /// The verb.
    fn load(
        service: &Service,
        keys: &[Self::Key],
    ) -> impl Future<Output = std::result::Result<HashMap<Self::Key, Self::Value>, Error>> + Send;
}

/// The service as the loaders of one request share it: they count their own holds, not one that all requests of all threads change.
type Shared = Arc<Arc<Service>>;

/// A batch of a relation.
pub struct Batch<R> {
    service: Shared,
    relation: PhantomData<fn() -> R>,
}

type Answer<R> = std::result::Result<<R as Relation>::Value, Arc<Error>>;

impl<R: Relation> BatchFn<R::Key, Answer<R>> for Batch<R> {
    async fn load(&mut self, keys: &[R::Key]) -> HashMap<R::Key, Answer<R>> {
        self.service.metrics.loaded(R::NAME, keys.len());
        let span = tracing::trace_span!(target: SPANS, "load", otel.name = R::NAME, keys = keys.len());
        match R::load(&self.service, keys).instrument(span).await {
            Ok(mut found) => keys.iter().map(|key| (*key, Ok(found.remove(key).unwrap_or_default()))).collect(),
            Err(error) => {
                let error = Arc::new(error);
                keys.iter().map(|key| (*key, Err(error.clone()))).collect()
            }
        }
    }
}

/// The loader of a relation.
pub struct Of<R: Relation> {
    service: Shared,
    /// What was put in for one key; for most requests that is the viewer's, and all that is asked of it.
    primed: Mutex<Option<(R::Key, R::Value)>>,
    // Made when it is first needed: most requests need few.
    loader: OnceLock<Loader<R::Key, Answer<R>, Batch<R>>>,
}

impl<R: Relation> Of<R> {
    fn new(service: &Shared) -> Self {
        Self { service: service.clone(), primed: Mutex::default(), loader: OnceLock::new() }
    }

    fn primed(&self) -> MutexGuard<'_, Option<(R::Key, R::Value)>> {
        self.primed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn loader(&self) -> &Loader<R::Key, Answer<R>, Batch<R>> {
        self.loader.get_or_init(|| {
            let batch = Batch { service: self.service.clone(), relation: PhantomData };
            // The siblings of a selection register in the same pass over it; one pass more lets those of other branches come along.
            Loader::new(batch).with_yield_count(2).with_max_batch_size(1000)
        })
    }

    /// The answer for this key.
    pub async fn load(&self, key: R::Key) -> Result<R::Value> {
        let primed = self.primed().as_ref().filter(|(of, _)| *of == key).map(|(_, value)| value.clone());
        if let Some(value) = primed {
            return Ok(value);
        }
        let answer = self.loader().try_load(key).await.map_err(Error::internal)?;
        answer.map_err(ApiError::from)
    }

    /// Has the answers for these keys ready, where it is known that they are going to be asked for: whoever asks then waits for nobody.
    pub async fn load_ahead(&self, keys: Vec<R::Key>) {
        if keys.is_empty() {
            return;
        }
        // What fails is told to who asks.
        let _ = self.loader().try_load_many(keys).await;
    }

    /// Puts in what is known already of many.
    pub async fn prime_many(&self, known: impl Iterator<Item = (R::Key, R::Value)>) {
        self.loader().prime_many(known.map(|(key, value)| (key, Ok(value)))).await;
    }

    /// Puts in what is known already of one key, in place of what was put in before.
    pub fn prime(&self, key: R::Key, value: R::Value) {
        *self.primed() = Some((key, value));
    }
}

macro_rules! relations {
    ($($(#[$doc:meta])* $name:ident: $relation:ident($key:ty => $value:ty) = $verb:path;)*) => {
        $(
            $(#[$doc])*
            pub enum $relation {}

            impl Relation for $relation {
                const NAME: &'static str = stringify!($name);
                type Key = $key;
                type Value = $value;

                async fn load(service: &Service, keys: &[$key]) -> std::result::Result<HashMap<$key, $value>, Error> {
                    $verb(service, keys).await
                }
            }
        )*

        /// The loaders of one request.
        pub struct Loaders {
            $($(#[$doc])* pub $name: Of<$relation>,)*
            /// The games.
            pub games: Games,
        }

        impl Loaders {
            /// New ones, which know nothing.
            pub fn new(service: &Arc<Service>) -> Self {
                let service = &Arc::new(service.clone());
                Self {
                    $($name: Of::new(service),)*
                    games: Games::new(service),
                }
            }
        }
    };
}

relations! {
    /// A person's account.
    user: UserRelation(Owner => Option<Arc<user::Model>>) = service::user::by_owners;
    /// A role.
    role: RoleRelation(i64 => Option<Arc<role::Model>>) = by_ids::roles;
    /// Who a person is.
    detail: DetailRelation(Owner => Option<Arc<UserDetail>>) = service::user_detail::by_owners;
    /// How a person chose to appear.
    avatar: AvatarRelation(Owner => Option<Arc<user_avatar_info::Model>>) = service::user_avatar_info::by_owners;
    /// What a person loves.
    passions: PassionsRelation(Owner => Vec<Arc<user_passion::Model>>) = service::user_passion::by_owners;
    /// A person's pictures, without their bytes.
    pictures: PicturesRelation(Owner => Vec<Arc<service::user_picture::UserPicture>>) = service::user_picture::by_owners;
    /// The viewer's own passkeys.
    passkeys: PasskeysRelation(Oneself => Vec<Arc<passkey_credential::Model>>) = service::passkey::of_oneself;
    /// The viewer's own signed-in devices.
    sessions: SessionsRelation(Oneself => Vec<Arc<session::Model>>) = service::session::of_oneself;
    /// The viewer's own export.
    data_export: DataExportRelation(Oneself => Option<DataExport>) = service::data_export::of_oneself;
    /// What a person agreed to.
    terms_agreements: TermsAgreementsRelation(Owner => Vec<Arc<user_terms_agreement::Model>>) = service::user_terms_agreement::by_owners;
    /// A version of the terms.
    terms: TermsRelation(i64 => Option<Arc<terms_version::Model>>) = by_ids::terms;
    /// The active version of the terms.
    active_terms: ActiveTermsRelation(() => Option<Arc<terms_version::Model>>) = by_ids::active_terms;
    /// What changed between two versions of the terms.
    terms_changes: TermsChangesRelation((i64, i64) => Option<Arc<Vec<TermsChange>>>) = service::terms_version::changes;
    /// A page of what happened to a person's account.
    audit_log: AuditLogRelation((Owner, PageRequest<i64>) => Page<Arc<audit_entry::Model>>) = service::audit_log::by_requests;
    /// A page of a person's plays of all games.
    plays: PlaysRelation((Owner, PageRequest<PlayCursor>) => Page<PlayRef>) = service::game::plays_by_requests;
    /// How far a person has come.
    progress: ProgressRelation(Owner => service::game::Progress) = service::game::progress_by_owners;
}

/// The loaders of a game.
pub struct OfGame<G: Game> {
    /// The newest play of a person.
    pub newest: Of<Newest<G>>,
    /// Plays by their ids.
    pub plays: Of<Plays<G>>,
    /// A page of a person's plays.
    pub pages: Of<Pages<G>>,
}

macro_rules! games {
    ($($game:ident)*) => {
        /// The loaders of each game.
        pub struct Games {
            $(#[doc = concat!("Of `", stringify!($game), "`.")] pub $game: OfGame<service::entity::game::$game::Entity>,)*
        }

        impl Games {
            fn new(service: &Shared) -> Self {
                Self { $($game: OfGame { newest: Of::new(service), plays: Of::new(service), pages: Of::new(service) },)* }
            }

            fn prime(&self, service: &Service, owner: Owner, foreseen: &Foreseen) {
                $(if let Some(newest) = foreseen.newest::<service::entity::game::$game::Entity>(service) {
                    self.$game.newest.prime(owner, newest);
                })*
            }
        }
    };
}
games!(scenario shape_sequence jobs speed abilities skills room_env);

/// The newest play of a game.
pub struct Newest<G>(PhantomData<fn() -> G>);

impl<G: Game> Relation for Newest<G> {
    const NAME: &'static str = "newest_play";
    type Key = Owner;
    type Value = Option<Arc<G::Model>>;

    async fn load(service: &Service, keys: &[Owner]) -> std::result::Result<HashMap<Owner, Self::Value>, Error> {
        service::game::newest_by_owners::<G>(service, keys).await
    }
}

/// Pages of the plays of a game.
pub struct Pages<G>(PhantomData<fn() -> G>);

impl<G: Game> Relation for Pages<G> {
    const NAME: &'static str = "plays_of_game";
    type Key = (Owner, PageRequest<PlayCursor>);
    type Value = Page<Arc<G::Model>>;

    async fn load(service: &Service, keys: &[Self::Key]) -> std::result::Result<HashMap<Self::Key, Self::Value>, Error> {
        service::game::plays_of_game_by_requests::<G>(service, keys).await
    }
}

/// Plays of a game by their ids.
pub struct Plays<G>(PhantomData<fn() -> G>);

impl<G: Game> Relation for Plays<G> {
    const NAME: &'static str = "plays_by_id";
    type Key = (Owner, i64);
    type Value = Option<Arc<G::Model>>;

    async fn load(service: &Service, keys: &[Self::Key]) -> std::result::Result<HashMap<Self::Key, Self::Value>, Error> {
        Ok(some(service::game::by_ids::<G>(service, keys).await?))
    }
}

impl Loaders {
    /// Puts in what finding the viewer has read already.
    pub fn prime_viewer(&self, viewer: &Viewer, foreseen: &Foreseen) {
        let (service, owner) = (&self.detail.service, viewer.owner());
        if let Some(detail) = foreseen.detail() {
            self.detail.prime(owner, detail);
        }
        if let Some(avatar) = foreseen.avatar() {
            self.avatar.prime(owner, avatar);
        }
        if let Some(passions) = foreseen.passions() {
            self.passions.prime(owner, passions);
        }
        self.games.prime(service, owner, foreseen);
        self.role.prime(viewer.role().id, Some(viewer.role().clone()));
        self.user.prime(viewer.owner(), Some(viewer.user().clone()));
    }
}

fn some<K: Eq + Hash, V>(found: HashMap<K, V>) -> HashMap<K, Option<V>> {
    found.into_iter().map(|(key, value)| (key, Some(value))).collect()
}

/// Verbs whose answers are there or not.
mod by_ids {
    use super::{Arc, Error, HashMap, Service, role, some, terms_version};

    type Found<M> = Result<HashMap<i64, Option<Arc<M>>>, Error>;

    pub(super) async fn roles(service: &Service, ids: &[i64]) -> Found<role::Model> {
        Ok(some(service::role::by_ids(service, ids).await?))
    }

    pub(super) async fn terms(service: &Service, ids: &[i64]) -> Found<terms_version::Model> {
        Ok(some(service::terms_version::by_ids(service, ids).await?))
    }

    pub(super) async fn active_terms(
        service: &Service,
        _: &[()],
    ) -> Result<HashMap<(), Option<Arc<terms_version::Model>>>, Error> {
        Ok(HashMap::from([((), service::terms_version::find(service, None).await?.map(Arc::new))]))
    }
}
