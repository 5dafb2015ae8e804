//! Roles, people, who they are, and the addresses that they have not verified yet.

use sea_orm_migration::prelude::*;

use crate::column::{self, big, cascade, id, index, optional_text, optional_time, restrict, text, time, unique};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let roles = Table::create().table("roles").col(id()).col(text("role_name")).col(text("description")).to_owned();
        let users = Table::create()
            .table("users")
            .col(id())
            .col(optional_text("username"))
            .col(time("date_created"))
            .col(ColumnDef::new("is_active").boolean().not_null().default(true))
            .col(optional_time("last_login"))
            .col(ColumnDef::new("is_passkey").boolean().not_null().default(false))
            .col(ColumnDef::new("onboarding_complete").boolean().not_null().default(false))
            .col(big("role_id"))
            .col(ColumnDef::new("webauthn_user_handle").uuid().not_null())
            .foreign_key(&mut restrict("role_id", "roles"))
            .to_owned();
        let details = Table::create()
            .table("user_details")
            .col(id())
            .col(big("user_id"))
            .col(optional_text("first_name"))
            .col(optional_text("last_name"))
            .col(ColumnDef::new("age").integer().null())
            .col(optional_text("phone_number"))
            .col(optional_text("address"))
            .col(optional_text("email"))
            .col(optional_text("email_index"))
            .col(optional_text("password_hash"))
            .foreign_key(&mut cascade("user_id", "users"))
            .to_owned();
        let unverified = Table::create()
            .table("unverified_details")
            .col(id())
            .col(big("user_detail_id"))
            .col(text("email"))
            .col(text("email_index"))
            .col(optional_text("token_hash"))
            .col(optional_time("expires"))
            .col(time("date_created"))
            .foreign_key(&mut cascade("user_detail_id", "user_details"))
            .to_owned();
        let indexes = vec![
            unique("roles", &["role_name"]),
            unique("users", &["username"]),
            unique("users", &["webauthn_user_handle"]),
            index("users", &["role_id"]),
            unique("user_details", &["user_id"]),
            unique("user_details", &["email_index"]),
            unique("unverified_details", &["user_detail_id"]),
            unique("unverified_details", &["token_hash"]),
            index("unverified_details", &["email_index"]),
        ];
        column::create(manager, vec![roles, users, details, unverified], indexes).await?;
        let seed = Query::insert()
            .into_table("roles")
            .columns(["role_name", "description"])
            .values_panic(["user".into(), "A young person: their own data, and nobody else's.".into()])
            .values_panic(["admin".into(), "Runs the platform: people, roles and terms.".into()])
            .to_owned();
        manager.execute(seed).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        column::drop(manager, &["unverified_details", "user_details", "users", "roles"]).await
    }
}
