//! docs/PRIVACY.md says what is held: every table and column, and which of them are encrypted.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use crate::erasure::with_everything;
use crate::harness::{Engine, Home, Server, on_both_engines};

on_both_engines!(the_document_tells_what_is_held);

/// Tables and their columns, with whether they are said to be encrypted.
type Tables = BTreeMap<String, BTreeMap<String, bool>>;

fn told() -> Tables {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/PRIVACY.md");
    let text = std::fs::read_to_string(path).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| `")).map(|line| {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        assert!(cells.len() == 5 && cells.iter().all(|cell| !cell.is_empty()), "{line}");
        let columns = cells[1].split(", ").map(|column| {
            let name = column.trim_matches('*').trim_matches('`').to_owned();
            (name, column.starts_with("**"))
        });
        (cells[0].trim_matches('`').to_owned(), columns.collect())
    });
    rows.collect()
}

async fn held(engine: Engine, server: &Server) -> Tables {
    let sql = match engine {
        Engine::Sqlite => {
            "SELECT t.name || '.' || c.name FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'"
        }
        _ => "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public'",
    };
    let mut tables = Tables::new();
    for name in server.sql(sql).await {
        let (table, column) = name.split_once('.').unwrap();
        if table == "seaql_migrations" {
            continue;
        }
        let quoted = format!("CAST(\"{column}\" AS text)");
        let count = async |condition: &str| {
            let rows = server.sql(&format!("SELECT CAST(COUNT(*) AS text) FROM {table} WHERE {condition}")).await;
            rows[0].parse::<u32>().unwrap()
        };
        // What is no text, a part of an archive, begins with nothing that an archive begins with: `PK`, in hexadecimal on PostgreSQL.
        let is_sealed = format!("({quoted} LIKE 'enc1:%' OR {quoted} LIKE '\"enc1:%')");
        let sealed = if (table, column) == ("data_export_parts", "bytes") {
            assert_eq!(count(&format!("{quoted} LIKE 'PK%' OR {quoted} LIKE '\\x504b%'")).await, 0);
            count("position = 0").await
        } else {
            count(&is_sealed).await
        };
        let plain = count(&format!("\"{column}\" IS NOT NULL AND NOT {is_sealed}")).await;
        if sealed > 0 && (table, column) != ("data_export_parts", "bytes") {
            assert_eq!(plain, 0, "{table}.{column} is encrypted in some rows and not in others");
        }
        tables.entry(table.to_owned()).or_default().insert(column.to_owned(), sealed > 0);
    }
    tables
}

async fn the_document_tells_what_is_held(engine: Engine) {
    let home = Arc::new(Home::migrated(engine).await);
    let server = Server::start_on(home.clone(), &[]).await;
    let (_, email, _) = with_everything(&server).await;
    drop(server);
    // A mail that can't be sent waits.
    let server = Server::start_on(home, &[("SMTP_URL", "smtp://127.0.0.1:1")]).await;
    let recovery = "mutation ($email: String!) { requestAccountRecovery(email: $email) }";
    server.client().send(recovery, json!({ "email": email })).await.data();
    let (told, held) = (told(), held(engine, &server).await);
    for (table, columns) in &held {
        assert_eq!(told.get(table), Some(columns), "what docs/PRIVACY.md says of {table}, and what there is");
    }
    assert_eq!(told.len(), held.len(), "docs/PRIVACY.md tells of a table that is not there");
}
