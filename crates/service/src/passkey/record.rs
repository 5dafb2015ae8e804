//! Passkeys in the database: the columns that the data model names, and the library's own record beside them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ciborium::Value as Cbor;
use entity::passkey_credential::{ActiveModel, Column, Entity, Model};
use entity::{JsonText, user};
use message::message;
use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, PaginatorTrait, QueryFilter, SqlErr};
use serde::Deserialize;
use serde_json::json;
use webauthn_rs::prelude::{COSEAlgorithm, COSEKey, COSEKeyType, Credential, CredentialID, Passkey};

use crate::{Error, Service};

const DEFAULT_NAME: &str = "Passkey";
/// The most passkeys of one person.
const MOST_PASSKEYS: u64 = 20;

/// Adds a passkey to an account, in a transaction that has locked the person.
pub(crate) async fn add(
    service: &Service,
    transaction: &DatabaseTransaction,
    user: user::Model,
    passkey: Passkey,
    name: Option<String>,
) -> Result<(user::Model, Model), Error> {
    if Entity::find().filter(Column::UserId.eq(user.id)).count(transaction).await? >= MOST_PASSKEYS {
        return Err(Error::conflict(message!(
            "There are {limit} passkeys already: remove one that is not needed first.",
            limit = MOST_PASSKEYS
        )));
    }
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
    let row = row.insert(transaction).await.map_err(already_known)?;
    let mut user: user::ActiveModel = user.into();
    user.is_passkey = Set(true);
    Ok((user.update(transaction).await?, row))
}

fn already_known(error: DbErr) -> Error {
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => {
            Error::conflict(message!("This passkey has an account already: sign in with it."))
        }
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

/// The credential's id, as the library has it.
pub(super) fn credential_id(stored: &Model) -> Result<CredentialID, Error> {
    URL_SAFE_NO_PAD.decode(&stored.credential_id).map_err(Error::internal)
}

/// What the library verifies with: its record, with the counter and the backup state from their columns.
pub(super) fn passkey_of(stored: &Model) -> Result<Passkey, Error> {
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
