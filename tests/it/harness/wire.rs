//! What lies between the service and its database: a proxy for TCP that can be cut, hang, or take its time.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

#[derive(Clone, Copy, PartialEq)]
pub enum Wire {
    Passes,
    /// Connections break, and new ones break too.
    Cut,
    /// Everything is taken, and nothing comes out: neither side hears of it.
    Hangs,
    /// What is sent takes so long, each way.
    Slow(Duration),
}

/// A wire to where a URL of PostgreSQL leads.
pub struct Line {
    port: u16,
    state: watch::Sender<Wire>,
}

impl Line {
    pub async fn to(url: &str) -> Self {
        let to = url.split('@').nth(1).unwrap().split('/').next().unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (state, now) = watch::channel(Wire::Passes);
        tokio::spawn(async move {
            while let Ok((from, _)) = listener.accept().await {
                let Ok(to) = TcpStream::connect(&to).await else { continue };
                // As a wire, it holds nothing back.
                from.set_nodelay(true).unwrap();
                to.set_nodelay(true).unwrap();
                let ((from_read, from_write), (to_read, to_write)) = (from.into_split(), to.into_split());
                tokio::spawn(pass(from_read, to_write, now.clone()));
                tokio::spawn(pass(to_read, from_write, now.clone()));
            }
        });
        Self { port, state }
    }

    /// The same URL, by this wire.
    pub fn url(&self, url: &str) -> String {
        let (before, after) = url.split_once('@').unwrap();
        let database = after.split_once('/').unwrap().1;
        format!("{before}@127.0.0.1:{}/{database}", self.port)
    }

    pub fn is(&self, wire: Wire) {
        self.state.send_replace(wire);
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut wire: watch::Receiver<Wire>) {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let read = tokio::select! {
            read = from.read(&mut bytes) => read,
            _ = wire.wait_for(|wire| *wire == Wire::Cut) => return,
        };
        let Ok(length @ 1..) = read else { return };
        if wire.wait_for(|wire| *wire != Wire::Hangs).await.is_err() {
            return;
        }
        let now = *wire.borrow();
        match now {
            Wire::Cut => return,
            Wire::Slow(time) => tokio::time::sleep(time).await,
            Wire::Passes | Wire::Hangs => {}
        }
        if to.write_all(&bytes[..length]).await.is_err() {
            return;
        }
    }
}
