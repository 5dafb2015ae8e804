//! What happened to each account: rows are added, and go with their person or with time; none is changed.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

use crate::column::{self, big, cascade, id, index, optional_text, text, time, unique};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let log = Table::create()
            .table("audit_log")
            .col(id())
            .col(big("user_id"))
            .col(text("kind"))
            // No foreign key: the row is about its person, and stays as it is when the administrator goes.
            .col(ColumnDef::new("actor").big_integer().null())
            .col(optional_text("detail"))
            .col(optional_text("address"))
            .col(optional_text("read_on"))
            .col(time("date_created"))
            .foreign_key(&mut cascade("user_id", "users"))
            .to_owned();
        let once_a_day =
            unique("audit_log", &["actor", "user_id", "read_on"]).and_where(Expr::col("read_on").is_not_null()).take();
        let indexes = vec![index("audit_log", &["user_id", "id"]), index("audit_log", &["date_created"]), once_a_day];
        column::create(manager, vec![log], indexes).await?;
        manager.get_connection().execute_unprepared(append_only(manager)).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        column::drop(manager, &["audit_log"]).await?;
        if manager.get_database_backend() == DbBackend::Postgres {
            manager.get_connection().execute_unprepared("DROP FUNCTION audit_log_stays()").await?;
        }
        Ok(())
    }
}

fn append_only(manager: &SchemaManager<'_>) -> &'static str {
    match manager.get_database_backend() {
        DbBackend::Postgres => {
            "CREATE FUNCTION audit_log_stays() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'audit_log is append-only'; END $$; \
             CREATE TRIGGER audit_log_stays BEFORE UPDATE ON audit_log FOR EACH ROW EXECUTE FUNCTION audit_log_stays()"
        }
        _ => {
            "CREATE TRIGGER audit_log_stays BEFORE UPDATE ON audit_log \
             BEGIN SELECT RAISE(ABORT, 'audit_log is append-only'); END"
        }
    }
}
