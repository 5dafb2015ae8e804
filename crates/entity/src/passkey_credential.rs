//! A passkey: a public key credential of WebAuthn.

use sea_orm::entity::prelude::*;

use crate::JsonText;

/// One row of `passkey_credentials`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "passkey_credentials")]
pub struct Model {
    /// The row's id; never reused.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The credential's id, base64url without padding.
    #[sea_orm(unique)]
    pub credential_id: String,
    /// The public key as a `COSE_Key` (RFC 9052).
    pub public_key: Vec<u8>,
    /// The authenticator's counter at its last use; stays 0 for synced keys.
    pub sign_count: i64,
    /// `singleDevice` or `multiDevice`, from the backup-eligible flag.
    pub device_type: Option<String>,
    /// Whether the key is backed up now.
    pub backup_state: bool,
    /// What the person calls it.
    pub name: String,
    /// The library's own record in a versioned envelope: what signing in verifies with.
    pub record: JsonText,
    /// When it was added.
    pub date_created: DateTimeUtc,
    /// When it last signed in.
    pub last_used: Option<DateTimeUtc>,
    /// The person it belongs to; goes when they go.
    pub user_id: i64,
}

/// None: relations are loaded by owner, in batches (see the loaders of the api).
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
