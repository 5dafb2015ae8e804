//! A PostgreSQL of its own, for who stops and starts one.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

pub struct Postgres {
    folder: PathBuf,
    port: u16,
}

impl Postgres {
    /// Made, and started.
    pub fn start() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("autrement_pg_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let postgres = Self { folder, port };
        if is_root() {
            assert!(Command::new("chown").arg("postgres").arg(&postgres.folder).status().unwrap().success());
        }
        let data = postgres.data();
        // A commit is on the disk before it is acknowledged, as anywhere.
        postgres.run("initdb", &["-D", &data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"]);
        postgres.resume();
        postgres
    }

    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    fn data(&self) -> String {
        self.folder.join("data").display().to_string()
    }

    /// Stops it at once, with its connections.
    pub fn stop(&self) {
        self.run("pg_ctl", &["stop", "-w", "-s", "-m", "fast", "-D", &self.data()]);
    }

    /// Starts it again.
    pub fn resume(&self) {
        let options =
            format!("-c listen_addresses=127.0.0.1 -c port={} -c unix_socket_directories={}", self.port, self.folder.display());
        let log = self.folder.join("log").display().to_string();
        self.run("pg_ctl", &["start", "-w", "-s", "-D", &self.data(), "-l", &log, "-o", &options]);
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let program = programs().join(program);
        let mut command = Command::new(if is_root() { "runuser".into() } else { program.clone() });
        if is_root() {
            // PostgreSQL does not run as root.
            command.args(["-u", "postgres", "--"]).arg(program);
        }
        let output = command.args(arguments).current_dir(&self.folder).stdout(std::process::Stdio::null()).status().unwrap();
        assert!(output.success(), "{command:?}");
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if self.folder.join("data/postmaster.pid").exists() {
            self.run("pg_ctl", &["stop", "-w", "-s", "-m", "immediate", "-D", &self.data()]);
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn is_root() -> bool {
    String::from_utf8(Command::new("id").arg("-u").output().unwrap().stdout).unwrap().trim() == "0"
}

/// Where Debian puts the newest, or else the folder of the one in `PATH`.
fn programs() -> PathBuf {
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = installed.map(|entry| entry.path().join("bin")).filter(|bin| bin.join("initdb").exists()).max();
    newest.unwrap_or_else(|| {
        let path = std::env::var("PATH").unwrap();
        path.split(':').map(Path::new).find(|folder| folder.join("initdb").exists()).expect("no initdb in PATH").to_owned()
    })
}
