//! `health`: asks the service that runs on this machine how it is, for an image that has neither a shell nor another client.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use clap::ValueEnum;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::command::Result;

/// How long an answer may take: what asks gives up after three.
const PATIENCE: Duration = Duration::from_secs(2);
/// More than the answer has.
const MOST: u64 = 64 * 1024;

/// What is asked.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum Health {
    /// Whether the process answers: what a restart mends
    Live,
    /// Whether it can work: whether requests should go there
    #[default]
    Ready,
}

/// What the service says; fails where it does not say that it is well.
pub(crate) async fn answer(bind: SocketAddr, health: Health) -> Result<String> {
    let (address, path) = (reachable(bind), if matches!(health, Health::Live) { "live" } else { "ready" });
    let asked = tokio::time::timeout(PATIENCE, get(address, path)).await;
    let answer = asked.map_err(|_| format!("{address} did not answer within {} s", PATIENCE.as_secs()))?;
    let answer = answer.map_err(|error| format!("{address} does not answer: {error}"))?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    if head.starts_with("HTTP/1.1 200 ") { Ok(body.trim().to_owned()) } else { Err(body.trim().to_owned()) }
}

async fn get(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /health/{path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(MOST).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Who listens on every address is asked on the machine's own.
fn reachable(bind: SocketAddr) -> SocketAddr {
    let ip = match bind.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, bind.port())
}
