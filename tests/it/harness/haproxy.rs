//! haproxy before two instances, as `deploy/haproxy.cfg` has it, but for its ports.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixStream};
use tokio::process::{Child, Command};

pub struct Haproxy {
    pub url: String,
    /// Where each instance is to listen.
    pub binds: [String; 2],
    socket: PathBuf,
    _child: Child,
}

impl Haproxy {
    pub async fn start(folder: &Path) -> Self {
        let [public, one, two] = [free_port().await, free_port().await, free_port().await];
        let shipped = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/haproxy.cfg")).unwrap();
        let (socket, file) = (folder.join("haproxy.sock"), folder.join("haproxy.cfg"));
        let mut config = shipped;
        for (there, here) in [
            // Each takes two of the files that a process may open.
            ("maxconn 20000", "maxconn 2000".to_owned()),
            ("127.0.0.1:8000", format!("127.0.0.1:{public}")),
            ("127.0.0.1:8081", format!("127.0.0.1:{one}")),
            ("127.0.0.1:8082", format!("127.0.0.1:{two}")),
            ("/run/haproxy/admin.sock", socket.display().to_string()),
        ] {
            assert_eq!(config.matches(there).count(), 1, "{there}");
            config = config.replace(there, &here);
        }
        std::fs::write(&file, config).unwrap();
        let mut command = Command::new("/usr/sbin/haproxy");
        command.arg("-db").arg("-f").arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let child = command.spawn().expect("haproxy is not installed: run tests/run");
        Self {
            url: format!("http://127.0.0.1:{public}"),
            binds: [one, two].map(|port| format!("127.0.0.1:{port}")),
            socket,
            _child: child,
        }
    }

    /// Says something to its admin socket, and gives the answer.
    pub async fn say(&self, command: &str) -> String {
        let mut stream = UnixStream::connect(&self.socket).await.unwrap();
        stream.write_all(format!("{command}\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// Columns `scur` (requests under way) and `status` of an instance.
    async fn stat(&self, instance: &str) -> (usize, String) {
        let stat = self.say("show stat").await;
        let line = stat.lines().find(|line| line.starts_with(&format!("autrement,{instance},"))).unwrap();
        let columns: Vec<_> = line.split(',').collect();
        (columns[4].parse().unwrap(), columns[17].to_owned())
    }

    /// Once it gets requests.
    pub async fn is_up(&self, instance: &str) {
        self.until(instance, |_, status| status == "UP").await;
    }

    /// Gives it no more requests, and waits for those under way.
    pub async fn drain(&self, instance: &str) {
        self.say(&format!("set server autrement/{instance} state drain")).await;
        self.until(instance, |requests, status| requests == 0 && status == "DRAIN").await;
    }

    pub async fn undrain(&self, instance: &str) {
        self.say(&format!("set server autrement/{instance} state ready")).await;
        self.is_up(instance).await;
    }

    async fn until(&self, instance: &str, is_so: impl Fn(usize, &str) -> bool) {
        for _ in 0..1200 {
            if self.socket.exists() {
                let (requests, status) = self.stat(instance).await;
                if is_so(requests, &status) {
                    return;
                }
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{instance}: {:?}", self.stat(instance).await);
    }
}

async fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}
