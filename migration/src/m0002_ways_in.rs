//! Passkeys, sessions, revoked tokens, recoveries and the WebAuthn ceremonies under way.

use sea_orm_migration::prelude::*;

use crate::column::{self, big, cascade, id, index, optional_text, optional_time, text, time, unique};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let passkeys = Table::create()
            .table("passkey_credentials")
            .col(id())
            .col(text("credential_id"))
            .col(ColumnDef::new("public_key").binary().not_null())
            .col(big("sign_count").default(0))
            .col(optional_text("device_type"))
            .col(ColumnDef::new("backup_state").boolean().not_null().default(false))
            .col(text("name"))
            .col(ColumnDef::new("record").json().not_null())
            .col(time("date_created"))
            .col(optional_time("last_used"))
            .col(big("user_id"))
            .foreign_key(&mut cascade("user_id", "users"))
            .to_owned();
        let revoked = Table::create()
            .table("revoked_tokens")
            .col(text("jti").primary_key())
            .col(time("date_revoked"))
            .col(time("data_expires"))
            .col(text("type"))
            .to_owned();
        let recoveries = Table::create()
            .table("account_recoveries")
            .col(id())
            .col(text("reset_token"))
            .col(time("token_expires"))
            .col(time("date_requested"))
            .col(big("user_id"))
            .foreign_key(&mut cascade("user_id", "users"))
            .to_owned();
        let sessions = Table::create()
            .table("sessions")
            .col(ColumnDef::new("id").uuid().not_null().primary_key())
            .col(big("user_id"))
            .col(text("device"))
            .col(time("date_created"))
            .col(time("last_seen"))
            .col(text("refresh_jti"))
            .col(time("expires"))
            .foreign_key(&mut cascade("user_id", "users"))
            .to_owned();
        let ceremonies = Table::create()
            .table("webauthn_ceremonies")
            .col(ColumnDef::new("id").uuid().not_null().primary_key())
            .col(text("purpose"))
            .col(ColumnDef::new("user_id").big_integer().null())
            .col(ColumnDef::new("state").json().not_null())
            .col(time("expires"))
            .foreign_key(&mut cascade("user_id", "users"))
            .to_owned();
        let indexes = vec![
            unique("passkey_credentials", &["credential_id"]),
            index("passkey_credentials", &["user_id"]),
            index("revoked_tokens", &["data_expires"]),
            unique("account_recoveries", &["reset_token"]),
            index("account_recoveries", &["user_id"]),
            index("account_recoveries", &["token_expires"]),
            index("sessions", &["user_id"]),
            index("sessions", &["expires"]),
            index("webauthn_ceremonies", &["user_id"]),
            index("webauthn_ceremonies", &["expires"]),
        ];
        column::create(manager, vec![passkeys, revoked, recoveries, sessions, ceremonies], indexes).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = ["webauthn_ceremonies", "sessions", "account_recoveries", "revoked_tokens", "passkey_credentials"];
        column::drop(manager, &tables).await
    }
}
