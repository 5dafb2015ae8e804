//! Writes invented people, a batch at a time.

use std::collections::HashMap;
use std::io::Write;

use chrono::{DateTime, TimeDelta, Utc};
use entity::game::{Game, PlayRow};
use entity::{
    JsonText, for_each_game, role, session, terms_version, user, user_avatar_info, user_detail, user_passion,
    user_terms_agreement,
};
use sea_orm::ActiveValue::Set;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel, PrimaryKeyTrait, QueryFilter,
};

use super::SampleError;
use super::person::{Person, Play, Role};
use crate::audit_log::{self, Entry};
use crate::game::evolution::current_version;
use crate::token::{Claims, Use};
use crate::{Service, random, sealed};

/// Rows of a statement: with ten columns or so, SQLite takes three times as many values.
const ROWS: usize = 1000;

/// What every batch needs.
pub(super) struct Batch<'a> {
    service: &'a Service,
    transaction: &'a DatabaseTransaction,
    now: DateTime<Utc>,
    expires: DateTime<Utc>,
    /// The version of the terms that everybody accepts.
    terms_id: Option<i64>,
    /// Those met so far.
    roles: HashMap<String, i64>,
}

impl<'a> Batch<'a> {
    pub(super) async fn begin(
        service: &'a Service,
        transaction: &'a DatabaseTransaction,
        lifetime: TimeDelta,
    ) -> Result<Self, SampleError> {
        let active = terms_version::Entity::find().filter(terms_version::Column::IsActive.eq(true)).one(transaction).await?;
        let now = service.clock.now();
        let (terms_id, roles) = (active.map(|terms| terms.id), HashMap::new());
        Ok(Self { service, transaction, now, expires: now + lifetime, terms_id, roles })
    }

    /// Writes these people and their tokens, and says how many they are.
    pub(super) async fn write(&mut self, people: Vec<Person>, tokens: &mut impl Write) -> Result<u64, SampleError> {
        let ids = self.accounts(&people).await?;
        let agreements = self.terms_id.into_iter().flat_map(|terms_id| ids.iter().map(move |id| (terms_id, *id)));
        let agreements = agreements.map(|(terms_id, user_id)| user_terms_agreement::ActiveModel {
            user_id: Set(user_id),
            terms_id: Set(terms_id),
            date_agreed: Set(self.now),
            ..Default::default()
        });
        self.insert::<user_terms_agreement::Entity>(agreements.collect()).await?;
        for user_id in &ids {
            audit_log::record(self.service, self.transaction, *user_id, Entry::made_by_operator()).await?;
        }
        self.sessions(&ids, tokens).await?;
        self.contents(&people, &ids).await?;
        for_each_game!(G => self.plays::<G>(&people, &ids).await?);
        Ok(people.len() as u64)
    }

    /// Writes a row in each place, and gives the ids in their order.
    async fn insert<E>(&self, mut rows: Vec<E::ActiveModel>) -> Result<Vec<i64>, DbErr>
    where
        E: EntityTrait<Model: IntoActiveModel<E::ActiveModel>, PrimaryKey: PrimaryKeyTrait<ValueType = i64>>,
    {
        let mut ids = Vec::with_capacity(rows.len());
        while !rows.is_empty() {
            let some: Vec<_> = rows.drain(..rows.len().min(ROWS)).collect();
            let mut written = E::insert_many(some).exec_with_returning_keys(self.transaction).await?;
            // Rows get their ids in the order of the statement; SQLite may tell them in another one.
            written.sort_unstable();
            ids.extend(written);
        }
        Ok(ids)
    }

    async fn accounts(&mut self, people: &[Person]) -> Result<Vec<i64>, SampleError> {
        let mut rows = Vec::with_capacity(people.len());
        for person in people {
            rows.push(user::ActiveModel {
                username: Set(person.username.clone()),
                date_created: Set(person.date_created),
                is_active: Set(person.is_active),
                last_login: Set(Some(self.now)),
                is_passkey: Set(false),
                onboarding_complete: Set(person.onboarding_complete),
                role_id: Set(self.role(&person.role).await?),
                webauthn_user_handle: Set(random::uuid(&*self.service.random)?),
                language: Set(None),
                ..Default::default()
            });
        }
        Ok(self.insert::<user::Entity>(rows).await?)
    }

    /// The role of this name, which gets this description, and is made where there is none.
    async fn role(&mut self, role: &Role) -> Result<i64, DbErr> {
        if let Some(id) = self.roles.get(&role.role_name) {
            return Ok(*id);
        }
        let stored = role::Entity::find().filter(role::Column::RoleName.eq(&role.role_name)).one(self.transaction).await?;
        let mut row = stored.map_or_else(Default::default, role::Model::into_active_model);
        row.role_name = Set(role.role_name.clone());
        row.description = Set(role.description.clone());
        let id = row.save(self.transaction).await?.id.take().ok_or_else(|| DbErr::Custom("a role has no id".to_owned()))?;
        self.roles.insert(role.role_name.clone(), id);
        Ok(id)
    }

    /// A session for each of them, and its access token. There is no refresh token: when the access token ends, so does the session.
    async fn sessions(&self, ids: &[i64], tokens: &mut impl Write) -> Result<(), SampleError> {
        let random = &*self.service.random;
        let mut rows = Vec::with_capacity(ids.len());
        for user_id in ids {
            let sid = random::uuid(random)?;
            let claims = Claims { sub: *user_id, sid, jti: random::uuid(random)?, exp: self.expires.timestamp() };
            writeln!(tokens, "{}", self.service.tokens.sign(Use::Access, &claims, self.now)?)?;
            rows.push(session::ActiveModel {
                id: Set(sid),
                user_id: Set(*user_id),
                device: Set("sample".to_owned()),
                date_created: Set(self.now),
                last_seen: Set(self.now),
                refresh_jti: Set(random::uuid(random)?.to_string()),
                expires: Set(self.expires),
                previous_refresh_jti: Set(None),
                date_refreshed: Set(None),
            });
        }
        session::Entity::insert_many(rows).exec_without_returning(self.transaction).await?;
        Ok(())
    }

    /// Who they are, how they appear, and what they love.
    async fn contents(&self, people: &[Person], ids: &[i64]) -> Result<(), SampleError> {
        let (mut details, mut avatars, mut passions) = (Vec::new(), Vec::new(), Vec::new());
        for (person, user_id) in people.iter().zip(ids) {
            let detail = &person.detail;
            let mut row = user_detail::ActiveModel {
                user_id: Set(*user_id),
                first_name: Set(detail.first_name.clone()),
                last_name: Set(detail.last_name.clone()),
                age: Set(detail.age),
                phone_number: Set(detail.phone_number.clone()),
                address: Set(detail.address.clone()),
                email: Set(detail.email.clone()),
                email_index: Set(detail.email.as_deref().map(|email| self.service.keyed_hash.email_index(email))),
                password_hash: Set(None),
                ..Default::default()
            };
            sealed::seal::<user_detail::Entity>(self.service, &mut row, &user_id.to_string())?;
            details.push(row);
            avatars.extend(person.avatar.as_ref().map(|avatar| user_avatar_info::ActiveModel {
                user_id: Set(*user_id),
                avatar_gender: Set(avatar.avatar_gender.clone()),
                avatar_accessories: Set(avatar.avatar_accessories.clone()),
                avatar_color: Set(avatar.avatar_color.clone()),
                avatar_passions: Set(avatar.avatar_passions.clone()),
                avatar_expression: Set(avatar.avatar_expression.clone()),
                ..Default::default()
            }));
            passions.extend((1..).zip(&person.passions).map(|(order, text)| user_passion::ActiveModel {
                user_id: Set(*user_id),
                passion_text: Set(text.clone()),
                order: Set(order),
                ..Default::default()
            }));
        }
        self.insert::<user_detail::Entity>(details).await?;
        self.insert::<user_avatar_info::Entity>(avatars).await?;
        self.insert::<user_passion::Entity>(passions).await?;
        Ok(())
    }

    /// Everybody's first plays, then everybody's second ones: those of a person are not side by side, as where people come back.
    async fn plays<G: Game>(&self, people: &[Person], ids: &[i64]) -> Result<(), SampleError> {
        let table = G::default().table_name();
        let of_people = people.iter().zip(ids).filter_map(|(person, id)| Some((person.plays.get(table)?, *id)));
        let mut plays: Vec<_> = of_people
            .flat_map(|(plays, user_id)| plays.iter().enumerate().map(move |(pass, play)| (pass, user_id, play)))
            .collect();
        plays.sort_by_key(|(pass, ..)| *pass);
        for plays in plays.chunks(ROWS) {
            let (mut rows, mut held_back) = (Vec::with_capacity(plays.len()), Vec::new());
            for (_, user_id, play) in plays {
                let mut row = self.play::<G>(*user_id, play);
                held_back.push(sealed::hold_back::<G>(&mut row, G::SEALED));
                rows.push(row);
            }
            let mut written = G::insert_many(rows).exec_with_returning(self.transaction).await?;
            written.sort_unstable_by_key(PlayRow::id);
            for (row, held) in written.iter().zip(held_back) {
                let id = row.id();
                sealed::put_back::<G>(self.service, self.transaction, held, G::ID.eq(id), &id.to_string()).await?;
            }
        }
        Ok(())
    }

    fn play<G: Game>(&self, user_id: i64, play: &Play) -> G::ActiveModel {
        let mut row = <G::ActiveModel as ActiveModelTrait>::default();
        row.set(G::USER_ID, user_id.into());
        if let Some(level) = G::LEVEL {
            row.set(level, play.current_level.into());
        }
        row.set(G::COMPLETION, play.completion.into());
        for column in G::JSON {
            let text = play.json.get(column.name).map_or_else(|| column.empty.to_owned(), ToString::to_string);
            row.set(column.column, JsonText::from_json(text).into());
        }
        row.set(G::SCHEMA_VERSION, current_version(G::KIND).into());
        row.set(G::REVISION, 1.into());
        row.set(G::DATE_CREATED, self.now.into());
        row.set(G::DATE_UPDATED, self.now.into());
        row
    }
}
