//! Passkeys: the registration and authentication ceremonies of WebAuthn (Level 3), for discoverable credentials.
//!
//! `webauthn-rs` checks an answer against a challenge; what it leaves to its caller is here: a challenge is kept by the server,
//! used once, for the purpose it was made for, within five minutes.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use ciborium::Value as Cbor;
use entity::passkey_credential::{ActiveModel, Column, Entity, Model};
use entity::{JsonText, ceremony, user};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, SqlErr};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;
use webauthn_rs::prelude::{
    COSEAlgorithm, COSEKey, COSEKeyType, Credential, DiscoverableAuthentication, DiscoverableKey, Passkey, PasskeyRegistration,
    PublicKeyCredential, RegisterPublicKeyCredential, Webauthn, WebauthnBuilder, WebauthnError,
};

use crate::session::SignedIn;
use crate::text::Checks;
use crate::user::NewUser;
use crate::user_detail::DetailChanges;
use crate::viewer::{Oneself, by_owner, user_ids};
use crate::{Error, Service, random, role, session, user as people};

const RELYING_PARTY_NAME: &str = "Autrement Capable";
const LIFETIME: TimeDelta = TimeDelta::minutes(5);
const NAME_LENGTH: usize = 100;
const DEFAULT_NAME: &str = "Passkey";

const CHALLENGE_GONE: &str = "The ceremony is over: it was used, or five minutes have passed. Begin it again.";
const NOT_ACCEPTED: &str = "The passkey's answer was not accepted. Begin the ceremony again.";

/// The relying party: for which origins passkeys are made.
pub struct RelyingParty(Webauthn);

impl RelyingParty {
    /// For the origin that browsers see. The relying party's id is its host, and stays: passkeys made for another do not work.
    pub fn new(origin: &Url) -> Result<Self, WebauthnError> {
        let id = origin.host_str().ok_or(WebauthnError::Configuration)?;
        let builder = WebauthnBuilder::new(id, origin)?.rp_name(RELYING_PARTY_NAME).allow_subdomains(false).allow_any_port(false);
        Ok(Self(builder.build()?))
    }
}

/// What a ceremony is for.
#[derive(Clone, Copy, Debug)]
enum Purpose {
    SignUp,
    SignIn,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::SignUp => "sign_up",
            Self::SignIn => "sign_in",
        }
    }
}

/// A ceremony that has begun.
#[derive(Debug)]
pub struct Challenge {
    /// To hand back when it is finished.
    pub ceremony_id: Uuid,
    /// What `PublicKeyCredential.parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON` takes.
    pub options: Value,
    /// When it ends, UTC.
    pub expires: DateTime<Utc>,
}

/// Who signs up, as far as they say: waits with the ceremony, five minutes at most, and becomes a person when it is finished.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct PasskeySignUp {
    /// Unique, at most 64 characters.
    pub username: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// In years.
    pub age: Option<i32>,
}

impl PasskeySignUp {
    fn detail(&self) -> DetailChanges {
        DetailChanges {
            first_name: self.first_name.clone().into(),
            last_name: self.last_name.clone().into(),
            age: self.age.into(),
            ..Default::default()
        }
    }
}

#[derive(Serialize, Deserialize)]
struct SignUpState {
    registration: PasskeyRegistration,
    handle: Uuid,
    person: PasskeySignUp,
}

/// Begins signing up with a passkey.
pub async fn start_sign_up(service: &Service, person: PasskeySignUp) -> Result<Challenge, Error> {
    let mut checks = Checks::default();
    people::check(&mut checks, person.username.as_ref(), &person.detail());
    checks.finish()?;
    // A device would keep a passkey of no account.
    people::is_free(service, person.username.as_deref()).await?;
    let handle = random::uuid(&*service.random)?;
    // What the device shows in its list of passkeys.
    let name = person.username.as_deref().or(person.first_name.as_deref()).unwrap_or(RELYING_PARTY_NAME);
    let (options, registration) =
        service.passkeys.0.start_passkey_registration(handle, name, name, None).map_err(Error::internal)?;
    let mut options = public_key_options(&options)?;
    // The library asks for keys that need a name to sign in with; ours are found by the device.
    let selection = &mut options["authenticatorSelection"];
    selection["residentKey"] = json!("required");
    selection["requireResidentKey"] = json!(true);
    begin(service, Purpose::SignUp, options, &SignUpState { registration, handle, person }).await
}

/// Finishes signing up: makes the account with its passkey, and signs in.
pub async fn finish_sign_up(
    service: &Service,
    ceremony_id: Uuid,
    credential: Value,
    name: Option<String>,
    device: &str,
) -> Result<SignedIn, Error> {
    let mut checks = Checks::default();
    checks.optional("/name", name.as_ref(), NAME_LENGTH);
    checks.finish()?;
    let answer: RegisterPublicKeyCredential = parse_credential(credential)?;
    let state: SignUpState = take(service, Purpose::SignUp, ceremony_id).await?;
    let passkey =
        service.passkeys.0.finish_passkey_registration(&answer, &state.registration).map_err(|error| not_accepted(&error))?;
    let new = NewUser {
        detail: state.person.detail(),
        username: state.person.username,
        is_passkey: true,
        handle: state.handle,
        way_in: None,
        role_name: role::DEFAULT_ROLE,
    };
    let transaction = service.database.write().await?;
    let user = people::create(service, &transaction, new).await?;
    add(service, &transaction, &user, passkey, name).await?;
    let signed_in = session::open(service, &transaction, user, device).await?;
    transaction.commit().await?;
    Ok(signed_in)
}

/// Begins signing in: no name is asked, the device knows which passkeys it has.
pub async fn start_sign_in(service: &Service) -> Result<Challenge, Error> {
    let (options, state) = service.passkeys.0.start_discoverable_authentication().map_err(Error::internal)?;
    begin(service, Purpose::SignIn, public_key_options(&options)?, &state).await
}

/// Finishes signing in.
pub async fn finish_sign_in(service: &Service, ceremony_id: Uuid, credential: Value, device: &str) -> Result<SignedIn, Error> {
    let answer: PublicKeyCredential = parse_credential(credential)?;
    let state: DiscoverableAuthentication = take(service, Purpose::SignIn, ceremony_id).await?;
    let (handle, credential_id) =
        service.passkeys.0.identify_discoverable_authentication(&answer).map_err(|error| not_accepted(&error))?;
    let refused = || Error::Unauthenticated(NOT_ACCEPTED);

    let transaction = service.database.write().await?;
    let user = user::Entity::find()
        .filter(user::Column::WebauthnUserHandle.eq(handle))
        .filter(user::Column::IsActive.eq(true))
        .one(&transaction)
        .await?
        .ok_or_else(refused)?;
    let stored = Entity::find()
        .filter(Column::CredentialId.eq(URL_SAFE_NO_PAD.encode(credential_id)))
        .filter(Column::UserId.eq(user.id))
        .one(&transaction)
        .await?
        .ok_or_else(refused)?;
    let passkey = passkey_of(&stored)?;

    let result =
        service.passkeys.0.finish_discoverable_authentication_v2(&answer, state, DiscoverableKey::from(&passkey)).map_err(
            |error| {
                tracing::warn!(passkey = stored.id, user = user.id, "a known passkey gave an answer that is not right");
                not_accepted(&error)
            },
        )?;
    if !result.user_verified() {
        return Err(refused());
    }
    // Compare and set: of two answers of an authenticator that counts, made with the same counter, one at most gets in.
    let updated = Entity::update_many()
        .col_expr(Column::SignCount, i64::from(result.counter()).into())
        .col_expr(Column::BackupState, result.backup_state().into())
        .col_expr(Column::LastUsed, Some(service.clock.now()).into())
        .filter(Column::Id.eq(stored.id))
        .filter(Column::SignCount.eq(stored.sign_count))
        .exec(&transaction)
        .await?;
    if updated.rows_affected == 0 {
        return Err(refused());
    }
    let signed_in = session::open(service, &transaction, user, device).await?;
    transaction.commit().await?;
    Ok(signed_in)
}

/// Each of these people's own passkeys, the oldest first.
pub async fn of_oneself(service: &Service, people: &[Oneself]) -> Result<HashMap<Oneself, Vec<Arc<Model>>>, Error> {
    let owners: Vec<_> = people.iter().map(|oneself| oneself.owner()).collect();
    let rows = Entity::find()
        .filter(service.database.is_any(Column::UserId, &user_ids(&owners)))
        .order_by_asc(Column::Id)
        .all(service.database.pool())
        .await?;
    let mut grouped = by_owner(&owners, rows.into_iter().map(Arc::new).collect(), |row| row.user_id);
    Ok(people.iter().filter_map(|oneself| Some((*oneself, grouped.remove(&oneself.owner())?))).collect())
}

/// Browsers take what is inside `publicKey`; `mediation` is the page's to choose.
fn public_key_options(options: &impl Serialize) -> Result<Value, Error> {
    let mut options = serde_json::to_value(options).map_err(Error::internal)?;
    Ok(options["publicKey"].take())
}

async fn begin(service: &Service, purpose: Purpose, options: Value, state: &impl Serialize) -> Result<Challenge, Error> {
    let ceremony_id = random::uuid(&*service.random)?;
    let expires = service.clock.now() + LIFETIME;
    let row = ceremony::ActiveModel {
        id: Set(ceremony_id),
        purpose: Set(purpose.name().to_owned()),
        user_id: Set(None),
        state: Set(JsonText::from_json(serde_json::to_string(state).map_err(Error::internal)?)),
        expires: Set(expires),
    };
    ceremony::Entity::insert(row).exec_without_returning(service.database.pool()).await?;
    Ok(Challenge { ceremony_id, options, expires })
}

/// Takes a ceremony's state out, whatever comes of it: it is used once.
async fn take<S: DeserializeOwned>(service: &Service, purpose: Purpose, ceremony_id: Uuid) -> Result<S, Error> {
    let taken = ceremony::Entity::delete_many()
        .filter(ceremony::Column::Id.eq(ceremony_id))
        .filter(ceremony::Column::Purpose.eq(purpose.name()))
        .filter(ceremony::Column::Expires.gt(service.clock.now()))
        .exec_with_returning(service.database.pool())
        .await?;
    let row = taken.into_iter().next().ok_or(Error::Unauthenticated(CHALLENGE_GONE))?;
    serde_json::from_str(row.state.as_str()).map_err(Error::internal)
}

fn parse_credential<C: DeserializeOwned>(credential: Value) -> Result<C, Error> {
    serde_json::from_value(credential)
        .map_err(|_| Error::invalid("/credential", "is not what toJSON() of the browser's PublicKeyCredential gives."))
}

fn not_accepted(error: &WebauthnError) -> Error {
    tracing::warn!(reason = %error, "a passkey's answer was refused");
    Error::Unauthenticated(NOT_ACCEPTED)
}

async fn add(
    service: &Service,
    connection: &impl ConnectionTrait,
    user: &user::Model,
    passkey: Passkey,
    name: Option<String>,
) -> Result<(), Error> {
    let record = json!({ "version": RECORD_VERSION, "passkey": passkey }).to_string();
    let credential = Credential::from(passkey);
    let row = ActiveModel {
        credential_id: Set(URL_SAFE_NO_PAD.encode(&credential.cred_id)),
        public_key: Set(cose_key(&credential.cred)?),
        sign_count: Set(i64::from(credential.counter)),
        device_type: Set(Some(if credential.backup_eligible { "multiDevice" } else { "singleDevice" }.to_owned())),
        backup_state: Set(credential.backup_state),
        name: Set(name.unwrap_or_else(|| DEFAULT_NAME.to_owned())),
        record: Set(JsonText::from_json(record)),
        date_created: Set(service.clock.now()),
        last_used: Set(None),
        user_id: Set(user.id),
        ..Default::default()
    };
    Entity::insert(row).exec_without_returning(connection).await.map_err(already_known)?;
    Ok(())
}

fn already_known(error: DbErr) -> Error {
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => Error::conflict("This passkey has an account already: sign in with it."),
        _ => error.into(),
    }
}

/// Of the envelope around the library's record: another form of it gets another number, and a step here that reads the old one.
const RECORD_VERSION: u32 = 1;

#[derive(Deserialize)]
struct Record {
    version: u32,
    passkey: Passkey,
}

/// What the library verifies with: its record, with the counter and the backup state from their columns.
fn passkey_of(stored: &Model) -> Result<Passkey, Error> {
    let record: Record = serde_json::from_str(stored.record.as_str()).map_err(Error::internal)?;
    if record.version != RECORD_VERSION {
        return Err(Error::internal(format!("passkey record of version {}", record.version)));
    }
    let mut credential = Credential::from(record.passkey);
    credential.counter = u32::try_from(stored.sign_count).map_err(Error::internal)?;
    credential.backup_state = stored.backup_state;
    Ok(credential.into())
}

/// The key as a `COSE_Key` (RFC 9052, section 7; RFC 9053 and RFC 8230 for the parameters).
fn cose_key(key: &COSEKey) -> Result<Vec<u8>, Error> {
    let (key_type, parameters) = match &key.key {
        COSEKeyType::EC_EC2(ec) => {
            (2, vec![(-1, Cbor::from(ec.curve.clone() as i64)), (-2, Cbor::Bytes(ec.x.clone())), (-3, Cbor::Bytes(ec.y.clone()))])
        }
        COSEKeyType::EC_OKP(okp) => (1, vec![(-1, Cbor::from(okp.curve.clone() as i64)), (-2, Cbor::Bytes(okp.x.clone()))]),
        COSEKeyType::RSA(rsa) => (3, vec![(-1, Cbor::Bytes(rsa.n.clone())), (-2, Cbor::Bytes(rsa.e.to_vec()))]),
    };
    let algorithm = algorithm_number(key.type_);
    let members = [(1, Cbor::from(key_type)), (3, Cbor::from(algorithm))].into_iter().chain(parameters);
    let map = Cbor::Map(members.map(|(label, value)| (Cbor::from(label), value)).collect());
    let mut bytes = Vec::new();
    ciborium::into_writer(&map, &mut bytes).map_err(Error::internal)?;
    Ok(bytes)
}

fn algorithm_number(algorithm: COSEAlgorithm) -> i64 {
    algorithm as i64
}
