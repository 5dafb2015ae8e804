//! People: signing up and in by password, the viewer, the profile.

use std::sync::Arc;

use async_graphql::parser::types::Field;
use async_graphql::{
    Context, ContextSelectionSet, ID, InputObject, MaybeUndefined, Object, OutputType, Positioned, ServerResult, Value,
};
use chrono::{DateTime, Utc};
use service::entity::user::Model;
use service::game::GameKind;
use service::text::Change;
use service::user::{ProfileChanges, SignUp};
use service::user_detail::DetailChanges;
use service::viewer::{Owner, Viewer};
use service::{Error, Missing};

use super::audit_entry::AuditEntry;
use super::connection::{Connection, Total, Window, connection, cost};
use super::data_export::DataExport;
use super::error::Result;
use super::foreseen;
use super::game;
use super::game::abilities::AbilitiesGameData;
use super::game::jobs::JobsGameData;
use super::game::room_env::RoomEnvGameData;
use super::game::scenario::ScenarioGameData;
use super::game::shape_sequence::ShapeSequenceGameData;
use super::game::skills::SkillsGameData;
use super::game::speed::SpeedGameData;
use super::id;
use super::in_turn::{self, InTurn, Items, Small};
use super::insights::Insights;
use super::language::Language;
use super::passkey::{PasskeyCredential, PasskeySignal};
use super::progress::Progress;
use super::request::Request;
use super::role::Role;
use super::session::{AuthPayload, Session};
use super::terms_version::TermsChange;
use super::user_avatar_info::UserAvatarInfo;
use super::user_detail::UserDetail;
use super::user_passion::UserPassion;
use super::user_picture::{PictureType, UserPicture};
use super::user_terms_agreement::UserTermsAgreement;

/// A person with an account. Seen by themselves and by administrators.
pub struct User {
    row: Arc<Model>,
    owner: Owner,
    /// Everything that is asked of them has been loaded: no field waits.
    pub(super) is_ready: bool,
}

impl Small for User {
    async fn in_turn(&self, context: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        if self.is_ready { in_turn::fields(self, context, field).await } else { self.resolve(context, field).await }
    }

    fn is_ready(&self) -> bool {
        self.is_ready
    }
}

impl User {
    /// A person who may be seen.
    pub fn new(row: impl Into<Arc<Model>>, owner: Owner) -> Self {
        Self { row: row.into(), owner, is_ready: false }
    }

    /// The viewer.
    pub fn of(viewer: &Viewer) -> Self {
        Self::new(viewer.user().clone(), viewer.owner())
    }

    /// The person whom a play or an id leads to.
    pub async fn load(context: &Context<'_>, owner: Owner) -> Result<Self> {
        let row = Request::of(context).loaders().user.load(owner).await?;
        Ok(Self::new(row.ok_or(Error::NotFound(Missing::Person))?, owner))
    }
}

/// A person with an account. Seen by themselves and by administrators.
#[Object]
impl User {
    /// Global id.
    pub async fn id(&self) -> ID {
        id::global("User", self.row.id)
    }

    /// For display; unique, at most 64 characters. Null where none was chosen.
    async fn username(&self) -> Option<&str> {
        self.row.username.as_deref()
    }

    /// When the account was made.
    async fn date_created(&self) -> DateTime<Utc> {
        self.row.date_created
    }

    /// False: nobody gets in, from the next request on.
    async fn is_active(&self) -> bool {
        self.row.is_active
    }

    /// The last time they signed in; null before the first.
    async fn last_login(&self) -> Option<DateTime<Utc>> {
        self.row.last_login
    }

    /// Has a passkey.
    async fn is_passkey(&self) -> bool {
        self.row.is_passkey
    }

    /// The first steps are done.
    async fn onboarding_complete(&self) -> bool {
        self.row.onboarding_complete
    }

    /// What they are written to in; null where they have not chosen: it is what their client asks for (`Accept-Language`).
    async fn language(&self) -> Option<Language> {
        self.row.language.as_deref().and_then(Language::of_tag)
    }

    /// What they may do.
    async fn role(&self, context: &Context<'_>) -> Result<InTurn<Role>> {
        let role = Request::of(context).loaders().role.load(self.row.role_id).await?;
        Ok(InTurn(Role(role.ok_or(Error::NotFound(Missing::Role))?)))
    }

    /// Who they are.
    async fn detail(&self, context: &Context<'_>) -> Option<Result<InTurn<UserDetail>>> {
        let detail = Request::of(context).loaders().detail.load(self.owner).await;
        detail.map(|detail| detail.map(|detail| InTurn(UserDetail(detail)))).transpose()
    }

    /// How they chose to appear; null where they did not yet.
    async fn avatar(&self, context: &Context<'_>) -> Option<Result<UserAvatarInfo>> {
        let avatar = Request::of(context).loaders().avatar.load(self.owner).await;
        avatar.map(|avatar| avatar.map(UserAvatarInfo)).transpose()
    }

    /// Their picture for this; null where there is none.
    async fn picture(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What it is for.", default_with = "PictureType::Profile", name = "type")] kind: PictureType,
    ) -> Option<Result<UserPicture>> {
        let pictures = Request::of(context).loaders().pictures.load(self.owner).await;
        let picture = pictures.map(|pictures| pictures.into_iter().find(|picture| picture.is(kind.into())));
        picture.map(|picture| picture.map(UserPicture)).transpose()
    }

    /// All their pictures: one of each type at most.
    async fn pictures(&self, context: &Context<'_>) -> Result<Vec<UserPicture>> {
        let pictures = Request::of(context).loaders().pictures.load(self.owner).await?;
        Ok(pictures.into_iter().map(UserPicture).collect())
    }

    /// What they love, in their order; three at most.
    async fn passions(&self, context: &Context<'_>) -> Result<Items<InTurn<UserPassion>>> {
        let passions = Request::of(context).loaders().passions.load(self.owner).await?;
        Ok(Items(passions.into_iter().map(|passion| InTurn(UserPassion(passion))).collect()))
    }

    /// Their passkeys, the oldest first. Only the person themselves sees them.
    async fn passkeys(&self, context: &Context<'_>) -> Result<Vec<PasskeyCredential>> {
        let passkeys = Request::of(context).loaders().passkeys.load(self.owner.oneself()?).await?;
        Ok(passkeys.into_iter().map(PasskeyCredential).collect())
    }

    /// What their browser should know of their passkeys. Only the person themselves sees it.
    async fn passkey_signal(&self, context: &Context<'_>) -> Result<PasskeySignal> {
        let request = Request::of(context);
        let passkeys = request.loaders().passkeys.load(self.owner.oneself()?).await?;
        Ok(PasskeySignal::new(&request.service, &self.row, &passkeys))
    }

    /// Their signed-in devices, the last seen first. Only the person themselves sees them.
    async fn sessions(&self, context: &Context<'_>) -> Result<Vec<Session>> {
        let sessions = Request::of(context).loaders().sessions.load(self.owner.oneself()?).await?;
        Ok(sessions.into_iter().map(Session).collect())
    }

    /// The newest export of everything that is held on them; null where there is none, or it has expired. Only the person themselves
    /// sees it. To be asked again every second or so while it is made.
    async fn data_export(&self, context: &Context<'_>) -> Option<Result<DataExport>> {
        let oneself = match self.owner.oneself() {
            Ok(oneself) => oneself,
            Err(error) => return Some(Err(error.into())),
        };
        let export = Request::of(context).loaders().data_export.load(oneself).await;
        export.map(|export| export.map(DataExport)).transpose()
    }

    /// Which versions of the terms they accepted, the oldest first.
    async fn terms_agreements(&self, context: &Context<'_>) -> Result<Vec<UserTermsAgreement>> {
        let agreements = Request::of(context).loaders().terms_agreements.load(self.owner).await?;
        Ok(agreements.into_iter().map(UserTermsAgreement::from).collect())
    }

    /// Whether there are active terms that they have not accepted.
    async fn must_accept_terms(&self, context: &Context<'_>) -> Result<bool> {
        let loaders = Request::of(context).loaders();
        let Some(active) = loaders.active_terms.load(()).await? else { return Ok(false) };
        let agreements = loaders.terms_agreements.load(self.owner).await?;
        Ok(!agreements.iter().any(|agreement| agreement.terms_id == active.id))
    }

    /// What changed in the terms since the newest version that they accepted. Null where there is nothing to accept, or they have accepted
    /// none before.
    async fn terms_changes(&self, context: &Context<'_>) -> Result<Option<Vec<TermsChange>>> {
        let request = Request::of(context);
        let loaders = request.loaders();
        let Some(active) = loaders.active_terms.load(()).await? else { return Ok(None) };
        let accepted = loaders.terms_agreements.load(self.owner).await?.iter().map(|agreement| agreement.terms_id).max();
        let Some(accepted) = accepted.filter(|accepted| *accepted != active.id) else { return Ok(None) };
        let Some(changes) = loaders.terms_changes.load((accepted, active.id)).await? else { return Ok(None) };
        request.spend(changes.iter().map(|change| change.text.len()).sum())?;
        Ok(Some(changes.iter().map(TermsChange::from).collect()))
    }

    /// What happened to their account, the newest first: where they signed in from, what was changed, and on which days an administrator
    /// looked at their data. Entries go after some time (a year, unless the operator sets another). Seen by themselves and by administrators.
    #[graphql(complexity = "cost(first, last, child_complexity)")]
    async fn audit_log(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither first nor last is given.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<AuditEntry>> {
        let page = Window { first, after, last, before }.request()?;
        let page = Request::of(context).loaders().audit_log.load((self.owner, page)).await?;
        Ok(connection(page, Total::NotCounted, |row| (row.id, AuditEntry::new(row, self.owner))))
    }

    /// How far they have come, over the seven games.
    async fn progress(&self, context: &Context<'_>) -> Result<Progress> {
        let games = Request::of(context).loaders().progress.load(self.owner).await?;
        Ok(Progress { games, onboarding_complete: self.row.onboarding_complete })
    }

    /// What their newest plays say of them, strengths first.
    async fn insights(&self) -> Insights {
        Insights(self.owner)
    }

    /// The newest play of workplace scenarios; null before the first.
    async fn scenario_game(&self, context: &Context<'_>) -> Option<Result<ScenarioGameData>> {
        game::newest(context, self.owner).await
    }

    /// The newest play of shape sequences; null before the first.
    async fn shape_sequence_game(&self, context: &Context<'_>) -> Option<Result<ShapeSequenceGameData>> {
        game::newest(context, self.owner).await
    }

    /// The newest play of jobs; null before the first.
    async fn jobs_game(&self, context: &Context<'_>) -> Option<Result<JobsGameData>> {
        game::newest(context, self.owner).await
    }

    /// The newest play of typing speed; null before the first.
    async fn speed_game(&self, context: &Context<'_>) -> Option<Result<SpeedGameData>> {
        game::newest(context, self.owner).await
    }

    /// The newest play of abilities; null before the first.
    async fn abilities_game(&self, context: &Context<'_>) -> Option<Result<AbilitiesGameData>> {
        game::newest(context, self.owner).await
    }

    /// The newest play of skills; null before the first.
    async fn skills_game(&self, context: &Context<'_>) -> Option<Result<SkillsGameData>> {
        game::newest(context, self.owner).await
    }

    /// The newest play of the ideal room; null before the first.
    async fn room_env_game(&self, context: &Context<'_>) -> Option<Result<RoomEnvGameData>> {
        game::newest(context, self.owner).await
    }

    /// Every play, the newest first.
    #[graphql(complexity = "cost(first, last, child_complexity)")]
    async fn plays(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Of this game only; of all when left out.")] game: Option<game::Kind>,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither first nor last is given.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<game::Plays> {
        let page = Window { first, after, last, before }.request()?;
        game::plays(context, self.owner, game.map(GameKind::from), page).await
    }
}

/// Reading people.
#[derive(Default)]
pub struct UserQuery;

#[Object]
impl UserQuery {
    /// Who is signed in; null when nobody is. A token that is not good (any more) is an error.
    async fn me(&self, context: &Context<'_>) -> Option<Result<User>> {
        let viewer = Request::of(context).viewer_if_any_foreseeing(&foreseen::parts(context)).await;
        viewer.map(|viewer| viewer.map(User::of)).transpose()
    }
}

/// What somebody signs up with.
#[derive(InputObject)]
pub struct SignUpInput {
    /// Where mail reaches them; what they sign in with.
    email: String,
    /// 8 to 1,024 characters, not one of the most common ones nor the address; a few words are good.
    password: String,
    /// For display; unique, at most 64 characters.
    username: Option<String>,
    /// At most 100 characters.
    first_name: Option<String>,
    /// At most 100 characters.
    last_name: Option<String>,
    /// In years, 0 to 150.
    age: Option<i32>,
    /// At most 40 characters.
    phone_number: Option<String>,
    /// At most 500 characters.
    address: Option<String>,
}

/// What somebody signs in with.
#[derive(InputObject)]
pub struct SignInInput {
    /// Their address: one that they have verified, or one that they signed up with.
    email: String,
    /// Their password.
    password: String,
}

/// Changes to a profile: what is left out stays, null clears.
#[derive(InputObject)]
pub struct UpdateProfileInput {
    /// For display; unique, at most 64 characters.
    username: MaybeUndefined<String>,
    /// At most 100 characters.
    first_name: MaybeUndefined<String>,
    /// At most 100 characters.
    last_name: MaybeUndefined<String>,
    /// In years, 0 to 150.
    age: MaybeUndefined<i32>,
    /// At most 40 characters.
    phone_number: MaybeUndefined<String>,
    /// At most 500 characters.
    address: MaybeUndefined<String>,
    /// The first steps are done; null leaves it as it is. It does not stand for the terms: see `mustAcceptTerms`.
    onboarding_complete: Option<bool>,
    /// What they are written to in; null leaves it to what their client asks for.
    language: MaybeUndefined<Language>,
}

/// As the service says it: left out stays, null clears.
pub fn change<T>(value: MaybeUndefined<T>) -> Change<T> {
    match value {
        MaybeUndefined::Undefined => Change::Keep,
        MaybeUndefined::Null => Change::Clear,
        MaybeUndefined::Value(value) => Change::Set(value),
    }
}

/// Signing up and in by password, and the profile.
#[derive(Default)]
pub struct UserMutation;

#[Object]
impl UserMutation {
    /// Makes an account with an address and a password, signs in, and sends a link to verify the address. The answer is the same
    /// whether the address has an account or not: a mail tells its owner.
    async fn sign_up(&self, context: &Context<'_>, #[graphql(desc = "Who signs up.")] input: SignUpInput) -> Result<AuthPayload> {
        let request = Request::that_writes(context);
        let detail = DetailChanges {
            first_name: input.first_name.into(),
            last_name: input.last_name.into(),
            age: input.age.into(),
            phone_number: input.phone_number.into(),
            address: input.address.into(),
        };
        let sign_up = SignUp { email: input.email, password: input.password, username: input.username, detail };
        let signed_in = service::user::sign_up(&request.service, sign_up, request.caller()).await;
        AuthPayload::of(context, "sign_up_password", signed_in)
    }

    /// Signs in with an address and a password. The answer is the same whichever of them is not right; `RATE_LIMITED` after ten
    /// wrong ones for an address, or fifty of one caller.
    async fn sign_in(&self, context: &Context<'_>, #[graphql(desc = "Who signs in.")] input: SignInInput) -> Result<AuthPayload> {
        let request = Request::that_writes(context);
        let signed_in = service::user::sign_in(&request.service, &input.email, input.password, request.caller()).await;
        AuthPayload::of(context, "password", signed_in)
    }

    /// Changes the viewer's profile: what is left out stays, null clears. Open before the first terms: see
    /// `TERMS_NOT_ACCEPTED`.
    async fn update_profile(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What changes.")] input: UpdateProfileInput,
    ) -> Result<User> {
        let request = Request::that_writes(context);
        let viewer = request.viewer().await?;
        let changes = ProfileChanges {
            username: change(input.username),
            detail: DetailChanges {
                first_name: change(input.first_name),
                last_name: change(input.last_name),
                age: change(input.age),
                phone_number: change(input.phone_number),
                address: change(input.address),
            },
            onboarding_complete: input.onboarding_complete,
            language: change(input.language.map_value(service::language::Language::from)),
        };
        let user = Arc::new(service::user::update_profile(&request.service, viewer, changes).await?);
        // Finding the viewer has put in what was there before.
        request.loaders().user.prime(viewer.owner(), Some(user.clone()));
        Ok(User::new(user, viewer.owner()))
    }

    /// Changes the viewer's password, or sets their first one, and ends their other sessions. `CONFLICT` where they have no address
    /// to sign in with.
    async fn change_password(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The one that they have now; left out by who has none.")] current: Option<String>,
        #[graphql(desc = "8 to 1,024 characters, not one of the most common ones nor their address.")] new: String,
    ) -> Result<bool> {
        let request = Request::that_writes(context);
        let viewer = request.viewer().await?;
        service::password::change(&request.service, viewer, current, new, request.caller()).await?;
        Ok(true)
    }

    /// Lets a person in or keeps them out, from the next request on; keeping them out ends their sessions. For administrators, not
    /// on themselves.
    async fn set_user_active(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Of the person.")] user_id: ID,
        #[graphql(desc = "Whether they get in.")] is_active: bool,
    ) -> Result<User> {
        let request = Request::that_writes(context);
        let admin = request.viewer().await?.admin()?;
        let id = id::row(&user_id, "User", Missing::Person)?;
        let (user, owner) = service::user::set_active(&request.service, &admin, id, is_active).await?;
        Ok(User::new(user, owner))
    }

    /// Gives a person another role, from the next request on. For administrators, not on themselves.
    async fn set_user_role(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Of the person.")] user_id: ID,
        #[graphql(desc = "One of `roles`.")] role_name: String,
    ) -> Result<User> {
        let request = Request::that_writes(context);
        let admin = request.viewer().await?.admin()?;
        let id = id::row(&user_id, "User", Missing::Person)?;
        let (user, owner) = service::user::set_role(&request.service, &admin, id, &role_name).await?;
        Ok(User::new(user, owner))
    }
}
