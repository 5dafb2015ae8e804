//! The disk of an SQLite database is full: whoever writes is told to come again, whoever reads is answered, and with room it goes on. The disk
//! is a tmpfs of 16 MB, which root alone may mount.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use sea_orm::ConnectionTrait;
use serde_json::json;

use crate::harness::game::game;
use crate::harness::{Engine, Home, Server};

/// A small disk, gone when dropped.
struct Disk(PathBuf);

impl Disk {
    /// `None`: it may not be made.
    fn mount(at: &Path) -> Option<Self> {
        std::fs::create_dir(at).unwrap();
        let mounts = Command::new("mount").args(["-t", "tmpfs", "-o", "size=16m", "tmpfs"]).arg(at).status();
        mounts.is_ok_and(|status| status.success()).then(|| Self(at.to_owned()))
    }

    fn fill(&self) {
        use std::io::Write;
        let mut filler = std::fs::File::create(self.0.join("filler")).unwrap();
        while filler.write_all(&[0; 4096]).is_ok() {}
    }

    fn make_room(&self) {
        std::fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[tokio::test]
async fn a_full_disk_refuses_writing_until_there_is_room() {
    let home = Arc::new(Home::migrated(Engine::Sqlite).await);
    let Some(disk) = Disk::mount(&home.folder.join("disk")) else {
        return println!("not tried: a disk of its own is for root to mount");
    };
    let url = format!("sqlite://{}", disk.0.join("test.db").display());
    let server = Server::start_on(home, &[("DATABASE_URL", &url)]).await;
    let somebody = server.somebody().await;
    let save = async |number: i64| game("scenario").save(&somebody, json!({ "traits": { "a": number } })).await;
    save(1).await.data();
    // What the log has room for would be written all the same.
    let database = sea_orm::Database::connect(&url).await.unwrap();
    database.execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)").await.unwrap();
    database.close().await.unwrap();
    disk.fill();
    let mut acknowledged = 1;
    let mut refused = 0;
    for number in 2..=50 {
        let answer = save(number).await;
        match answer.codes()[..] {
            [] => acknowledged = number,
            ["UNAVAILABLE"] => refused += 1,
            _ => panic!("{}", answer.text),
        }
    }
    assert!(refused > 40, "{refused} of 49 saves were refused");
    let told = somebody.data("{ me { scenarioGame { traits } } }").await;
    assert_eq!(told["me"]["scenarioGame"]["traits"]["a"], acknowledged, "what is read is what was acknowledged");
    assert!(server.log().contains("make room on it"), "whoever runs it is told what to do");
    assert_eq!(somebody.send("{ __typename }", serde_json::Value::Null).await.status, 200);
    disk.make_room();
    // On whichever of the connections: each has failed before.
    for number in 100..120 {
        save(number).await.data();
    }
    assert_eq!(game("scenario").newest(&somebody).await["traits"]["a"], 119);
    drop(server);
}
