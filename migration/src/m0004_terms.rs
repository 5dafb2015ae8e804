//! The terms, their first version, and who accepted which.

use sea_orm_migration::prelude::*;

use crate::column::{self, big, cascade, id, index, restrict, text, time, unique};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let versions = Table::create()
            .table("terms_versions")
            .col(id())
            .col(text("version"))
            .col(text("content"))
            .col(ColumnDef::new("is_active").boolean().not_null().default(false))
            .col(time("date_created"))
            .to_owned();
        let agreements = Table::create()
            .table("user_terms_agreements")
            .col(id())
            .col(big("user_id"))
            .col(big("terms_id"))
            .col(time("date_agreed"))
            .foreign_key(&mut cascade("user_id", "users"))
            .foreign_key(&mut restrict("terms_id", "terms_versions"))
            .to_owned();
        let one_active = unique("terms_versions", &["is_active"]).and_where(Expr::col("is_active").eq(true)).take();
        let indexes = vec![
            unique("terms_versions", &["version"]),
            one_active,
            unique("user_terms_agreements", &["user_id", "terms_id"]),
            index("user_terms_agreements", &["terms_id"]),
        ];
        column::create(manager, vec![versions, agreements], indexes).await?;
        let seed = Query::insert()
            .into_table("terms_versions")
            .columns(["version", "content", "is_active", "date_created"])
            .values_panic(["1.0".into(), FIRST_TERMS.into(), true.into(), Expr::cust("CURRENT_TIMESTAMP")])
            .to_owned();
        manager.execute(seed).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        column::drop(manager, &["user_terms_agreements", "terms_versions"]).await
    }
}

const FIRST_TERMS: &str = "\
# Conditions d'utilisation

Autrement Capable t'aide à découvrir des métiers qui te ressemblent.

- **Tes réponses sont à toi.** Les autres jeunes ne les voient pas ; seule l'équipe de la plateforme peut y accéder, pour t'aider.
- **Les jeux ne jugent pas.** Il n'y a pas de mauvaise réponse.
- **Si quelque chose ne va pas**, parles-en à une personne de confiance ou à l'équipe.
";
