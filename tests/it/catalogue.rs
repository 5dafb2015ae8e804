//! Asks the databases themselves what their schema is.

use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};

use crate::harness::{Engine, Home, on_both_engines};

on_both_engines!(people_take_their_rows_along, every_foreign_key_has_an_index, the_tables_are_those_of_the_data_model);

pub struct ForeignKey {
    pub table: String,
    column: String,
    pub to: String,
    on_delete: String,
}

async fn rows(database: &DatabaseConnection, sql: &str, columns: &[&str]) -> Vec<Vec<String>> {
    let statement = Statement::from_string(database.get_database_backend(), sql.to_owned());
    let rows = database.query_all_raw(statement).await.unwrap();
    rows.iter().map(|row| columns.iter().map(|column| row.try_get("", column).unwrap()).collect()).collect()
}

async fn tables(engine: Engine, database: &DatabaseConnection) -> Vec<String> {
    let sql = match engine {
        Engine::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
        Engine::Postgres | Engine::Pair => {
            "SELECT tablename::text AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
        }
    };
    let tables = rows(database, sql, &["name"]).await;
    tables.into_iter().map(|mut row| row.remove(0)).filter(|name| name != "seaql_migrations").collect()
}

pub async fn foreign_keys(engine: Engine, database: &DatabaseConnection) -> Vec<ForeignKey> {
    let sql = match engine {
        Engine::Sqlite => {
            "SELECT t.name AS \"table\", f.\"from\" AS \"column\", f.\"table\" AS \"to\", f.on_delete FROM sqlite_master t, \
             pragma_foreign_key_list(t.name) f WHERE t.type = 'table'"
        }
        Engine::Postgres | Engine::Pair => {
            "SELECT c.conrelid::regclass::text AS \"table\", a.attname::text AS \"column\", c.confrelid::regclass::text AS \"to\", \
             CASE c.confdeltype WHEN 'c' THEN 'CASCADE' ELSE c.confdeltype::text END AS on_delete FROM pg_constraint c \
             JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] WHERE c.contype = 'f'"
        }
    };
    let keys = rows(database, sql, &["table", "column", "to", "on_delete"]).await;
    keys.into_iter()
        .map(|row| <[String; 4]>::try_from(row).unwrap())
        .map(|[table, column, to, on_delete]| ForeignKey { table, column, to, on_delete })
        .collect()
}

/// Table and first column of every index, primary keys and unique ones included.
async fn index_heads(engine: Engine, database: &DatabaseConnection) -> Vec<(String, String)> {
    let sql = match engine {
        Engine::Sqlite => {
            "SELECT t.name AS \"table\", c.name AS \"column\" FROM sqlite_master t, pragma_index_list(t.name) i, \
             pragma_index_info(i.name) c WHERE t.type = 'table' AND c.seqno = 0"
        }
        Engine::Postgres | Engine::Pair => {
            "SELECT i.indrelid::regclass::text AS \"table\", a.attname::text AS \"column\" FROM pg_index i \
             JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]"
        }
    };
    rows(database, sql, &["table", "column"]).await.into_iter().map(|row| (row[0].clone(), row[1].clone())).collect()
}

async fn people_take_their_rows_along(engine: Engine) {
    let home = Home::migrated(engine).await;
    let keys = foreign_keys(engine, &home.database().await).await;
    let of_people: Vec<_> = keys.iter().filter(|key| key.to == "users").collect();
    assert_eq!(
        of_people.len(),
        20,
        "user_details, 4 of ways in, 3 of the profile, agreements, 7 games, mails, saves, the audit log, exports"
    );
    for key in of_people {
        assert_eq!((key.column.as_str(), key.on_delete.as_str()), ("user_id", "CASCADE"), "{}", key.table);
    }
}

async fn every_foreign_key_has_an_index(engine: Engine) {
    let home = Home::migrated(engine).await;
    let database = home.database().await;
    let heads = index_heads(engine, &database).await;
    for key in foreign_keys(engine, &database).await {
        assert!(heads.contains(&(key.table.clone(), key.column.clone())), "{}.{} has no index", key.table, key.column);
    }
}

async fn the_tables_are_those_of_the_data_model(engine: Engine) {
    let home = Home::migrated(engine).await;
    let expected = "abilities_game_data account_recoveries audit_log data_export_parts data_exports encryption_keys jobs_game_data mails passkey_credentials past_agreements rate_limits revoked_tokens roles room_env_game_data saves \
        scenario_game_data sessions shape_sequence_game_data skills_game_data speed_game_data terms_versions unverified_details \
        user_avatar_infos user_details user_passions user_pictures user_terms_agreements users webauthn_ceremonies";
    assert_eq!(tables(engine, &home.database().await).await.join(" "), expected.split_whitespace().collect::<Vec<_>>().join(" "));
}
