//! A proxy that gives each connection to the next instance.

use tokio::net::{TcpListener, TcpStream};

pub struct Proxy(TcpListener);

impl Proxy {
    pub async fn bind() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    pub fn url(&self, host: &str) -> String {
        format!("http://{host}:{}", self.0.local_addr().unwrap().port())
    }

    /// Passes connections on, until the test ends.
    pub fn serve(self, urls: Vec<String>) {
        tokio::spawn(async move {
            let mut turns = urls.iter().cycle();
            while let Ok((mut from, _)) = self.0.accept().await {
                let to = turns.next().unwrap().trim_start_matches("http://").to_owned();
                tokio::spawn(async move {
                    if let Ok(mut to) = TcpStream::connect(to).await {
                        let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
                    }
                });
            }
        });
    }
}
