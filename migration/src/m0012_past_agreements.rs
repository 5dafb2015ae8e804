//! What stays of the agreements of people who are gone: that somebody accepted a version on a day.

use sea_orm_migration::prelude::*;

use crate::column::{self, big, id, index, restrict};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let agreements = Table::create()
            .table("past_agreements")
            .col(id())
            .col(big("terms_id"))
            .col(ColumnDef::new("day").date().not_null())
            .foreign_key(&mut restrict("terms_id", "terms_versions"))
            .to_owned();
        column::create(manager, vec![agreements], vec![index("past_agreements", &["terms_id"])]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        column::drop(manager, &["past_agreements"]).await
    }
}
