//! Dump and restore, on both engines, while people save.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::json;

use crate::harness::game::game;
use crate::harness::plain::postgres_tool;
use crate::harness::{Client, Engine, Home, Server, on_both_engines};

on_both_engines!(a_backup_holds_what_was_acknowledged_and_is_restored);

/// What was acknowledged so far, and whether to stop.
#[derive(Default)]
struct Saves {
    acknowledged: Mutex<Vec<String>>,
    next: AtomicUsize,
    is_over: AtomicBool,
}

async fn save_until_told(somebody: Client, saves: Arc<Saves>) {
    while !saves.is_over.load(Ordering::Relaxed) {
        let key = format!("s{}", saves.next.fetch_add(1, Ordering::Relaxed));
        game("scenario").save(&somebody, json!({ "saveId": key, "traits": { &key: 1 } })).await.data();
        saves.acknowledged.lock().unwrap().push(key);
    }
}

async fn reached(saves: &Saves, count: usize) -> Vec<String> {
    loop {
        let acknowledged = saves.acknowledged.lock().unwrap().clone();
        if acknowledged.len() >= count {
            return acknowledged;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

async fn a_backup_holds_what_was_acknowledged_and_is_restored(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    somebody.data(r#"mutation { updateProfile(input: { firstName: "Backed-Up-Name" }) { id } }"#).await;
    let saves = Arc::new(Saves::default());
    let saving: Vec<_> = (0..4).map(|_| tokio::spawn(save_until_told(somebody.clone(), saves.clone()))).collect();
    let before = reached(&saves, 40).await;
    let file = dump(engine, &server.home).await;
    let during = saves.acknowledged.lock().unwrap().len() - before.len();
    reached(&saves, before.len() + during + 10).await;
    saves.is_over.store(true, Ordering::Relaxed);
    for client in saving {
        client.await.unwrap();
    }
    assert!(!server.home.personal.told_by(&std::fs::read(&file).unwrap()).is_some_and(|told| told.contains("Backed-Up")));
    let restored = Arc::new(restore(engine, &file).await);
    // Nor without the rest of them: nothing is made in their place.
    let printed = restored.gives_up(&[]).await;
    assert!(printed.contains("put it back from a backup"), "{printed}");
    std::fs::copy(server.home.folder.join("secrets.toml"), restored.folder.join("secrets.toml")).unwrap();

    // Without its keys a backup is worthless: the service does not start on it.
    let other = [("ENCRYPTION_KEYS", "tests:b3RoZXIgdGhpcnR5LXR3byBieXRlcyBvZiBhIGtleS4u")];
    let printed = restored.gives_up(&other).await;
    assert!(printed.contains("key"), "{printed}");

    let again = Server::start_on(restored, &[]).await;
    let somebody = again.client().with_token(somebody.access_token.as_deref());
    assert_eq!(somebody.data("{ me { detail { firstName } } }").await["me"]["detail"]["firstName"], "Backed-Up-Name");
    let play = game("scenario").newest(&somebody).await;
    let traits = play["traits"].as_object().unwrap();
    assert!(before.iter().all(|key| traits.contains_key(key)), "what was acknowledged before the backup began");
    assert_eq!(play["revision"], json!(traits.len()), "one moment: as many saves as keys");
    println!("{engine:?}: {} saves before the backup, {during} meanwhile, {} in it", before.len(), traits.len());
    // It goes on from there.
    game("scenario").save(&somebody, json!({ "traits": { "after": 1 } })).await.data();
}

/// As docs/OPERATIONS.md says.
async fn dump(engine: Engine, home: &Home) -> PathBuf {
    let file = home.folder.join("backup");
    let name = file.to_str().unwrap();
    if engine == Engine::Sqlite {
        let output = home.command(&["backup", name]).output().await.unwrap();
        assert!(output.status.success(), "{output:?}");
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let before = std::fs::read(&file).unwrap();
        let output = home.command(&["backup", name]).output().await.unwrap();
        let printed = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && printed.contains("is there already"), "{printed}");
        assert!(before == std::fs::read(&file).unwrap());
        assert!(!home.folder.join("backup.new").exists());
    } else {
        let output = home.command(&["backup", name]).output().await.unwrap();
        assert!(String::from_utf8(output.stderr).unwrap().contains("pg_dump --format=custom"));
        tool("pg_dump", &["--format=custom", "--no-owner", "--file", name, &home.database_url]).await;
    }
    file
}

async fn restore(engine: Engine, file: &Path) -> Home {
    let home = Home::empty(engine).await;
    if engine == Engine::Sqlite {
        std::fs::copy(file, home.folder.join("test.db")).unwrap();
    } else {
        let database = ["--dbname", &home.database_url];
        tool("pg_restore", &[&["--no-owner", "--exit-on-error"], &database[..], &[file.to_str().unwrap()]].concat()).await;
    }
    home
}

async fn tool(name: &str, arguments: &[&str]) {
    let output = tokio::process::Command::new(postgres_tool(name)).args(arguments).output().await.unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn a_backup_that_can_not_be_written_leaves_nothing() {
    let home = Home::migrated(Engine::Sqlite).await;
    let output = home.command(&["backup", "/nowhere/at/all"]).output().await.unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8(output.stderr).unwrap().contains("can't be written"));
    let empty = Home::empty(Engine::Sqlite).await;
    let file = empty.folder.join("backup");
    let output = empty.command(&["backup", file.to_str().unwrap()]).output().await.unwrap();
    assert!(String::from_utf8(output.stderr).unwrap().contains("There is no database"));
    assert!(!file.exists() && !empty.folder.join("test.db").exists());
}
