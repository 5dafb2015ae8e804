//! A PostgreSQL with a streaming replica and a pgbouncer in transaction mode, for a test of its own: `tests/cluster` starts them.

use std::path::{Path, PathBuf};

use sea_orm::{ConnectionTrait, Database, Statement};

/// Their URLs, without a database's name.
pub struct Cluster {
    folder: PathBuf,
    pub primary: String,
    pub replica: String,
    pub pooler: String,
}

impl Cluster {
    pub async fn start() -> Self {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("cluster-{}-{count}", std::process::id()));
        let output = tokio::process::Command::new(script()).arg("start").arg(&folder).output().await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let printed = String::from_utf8(output.stdout).unwrap();
        let url = |name: &str| printed.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')).unwrap().to_owned();
        Self { folder, primary: url("primary"), replica: url("replica"), pooler: url("pooler") }
    }

    /// `stop-replica`, `start-primary` and the like.
    pub async fn does(&self, verb: &str) {
        let status = tokio::process::Command::new(script()).arg(verb).arg(&self.folder).status().await;
        assert!(status.unwrap().success());
    }

    /// Runs a statement on the replica's database `postgres`, and gives the first column of what it answers.
    pub async fn ask_replica(&self, sql: &str) -> Vec<String> {
        let database = Database::connect(format!("{}/postgres", self.replica)).await.unwrap();
        let rows = database.query_all_raw(Statement::from_string(database.get_database_backend(), sql)).await.unwrap();
        let first =
            rows.iter().map(|row| row.try_get_by_index::<Option<String>>(0).unwrap_or_default().unwrap_or_default()).collect();
        database.close().await.unwrap();
        first
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = std::process::Command::new(script()).arg("stop").arg(&self.folder).status();
    }
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cluster")
}
