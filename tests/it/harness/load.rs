//! Many requests, and what became of each: connections that stay open and cost little, since the machine that measures is the one that is
//! measured.

use std::io;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection to the service.
pub struct Connection {
    address: String,
    stream: Option<TcpStream>,
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Reply {
    /// The code of the first error.
    pub fn code(&self) -> Option<&str> {
        self.body.split("\"code\":\"").nth(1)?.split('"').next()
    }
}

/// A GraphQL request as bytes.
pub fn post(token: Option<&str>, body: &serde_json::Value) -> Vec<u8> {
    let body = body.to_string();
    let token = token.map_or_else(String::new, |token| format!("authorization: Bearer {token}\r\n"));
    let length = body.len();
    format!(
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{token}content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

impl Connection {
    pub fn to(url: &str) -> Self {
        Self { address: url.trim_start_matches("http://").to_owned(), stream: None }
    }

    /// Opened, if it is not.
    pub async fn open(&mut self) -> io::Result<&mut TcpStream> {
        if self.stream.is_none() {
            self.stream = Some(TcpStream::connect(&self.address).await?);
        }
        Ok(self.stream.as_mut().unwrap())
    }

    /// Sends these bytes, and waits for the answer. After an error the next one opens another connection.
    pub async fn send(&mut self, request: &[u8]) -> io::Result<Reply> {
        let reply = self.exchange(request).await;
        if !reply.as_ref().is_ok_and(|reply| !reply.head.contains("connection: close")) {
            self.stream = None;
        }
        reply
    }

    async fn exchange(&mut self, request: &[u8]) -> io::Result<Reply> {
        let stream = self.open().await?;
        stream.write_all(request).await?;
        let mut bytes = Vec::with_capacity(2048);
        loop {
            if stream.read_buf(&mut bytes).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse().ok());
            let length: usize = length.unwrap_or_default();
            while bytes.len() < end + 4 + length {
                if stream.read_buf(&mut bytes).await? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
            return Ok(Reply { status, head, body: String::from_utf8_lossy(&bytes[end + 4..]).into_owned() });
        }
    }
}

/// What became of a request.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Since the load began.
    pub ended: Duration,
    pub took: Duration,
    /// `OK`, the code of an error, or what the connection ran into.
    pub what: String,
}

/// What became of all of them.
#[derive(Default)]
pub struct Outcomes(pub Vec<Outcome>);

impl Outcomes {
    pub fn add(&mut self, begun: Instant, sent: Instant, reply: &io::Result<Reply>) {
        let what = match reply {
            Ok(reply) => reply.code().unwrap_or("OK").to_owned(),
            Err(error) => format!("{:?}", error.kind()),
        };
        self.0.push(Outcome { ended: begun.elapsed(), took: sent.elapsed(), what });
    }

    /// Those that ended in this time.
    pub fn between(&self, from: Duration, to: Duration) -> Self {
        Self(self.0.iter().filter(|outcome| outcome.ended >= from && outcome.ended < to).cloned().collect())
    }

    /// Those with this outcome.
    pub fn of(&self, what: &str) -> Self {
        Self(self.0.iter().filter(|outcome| outcome.what == what).cloned().collect())
    }

    /// Those with any other.
    pub fn failed(&self) -> Self {
        Self(self.0.iter().filter(|outcome| outcome.what != "OK").cloned().collect())
    }

    /// How long this share of them took at most.
    pub fn quantile(&self, share: f64) -> Duration {
        let mut times: Vec<_> = self.0.iter().map(|outcome| outcome.took).collect();
        times.sort_unstable();
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place")]
        let place = (times.len() as f64 * share) as usize;
        times.get(place.min(times.len().saturating_sub(1))).copied().unwrap_or_default()
    }

    /// The rate of those that were answered in each second of these, from the first second on.
    pub fn per_second(&self, seconds: u64) -> Vec<usize> {
        let second = |number| self.between(Duration::from_secs(number), Duration::from_secs(number + 1)).of("OK").0.len();
        (0..seconds).map(second).collect()
    }

    /// How many there are of each outcome.
    pub fn told(&self) -> String {
        let mut counts = std::collections::BTreeMap::<&str, usize>::new();
        for outcome in &self.0 {
            *counts.entry(&outcome.what).or_default() += 1;
        }
        let (median, p99) = (self.of("OK").quantile(0.5), self.of("OK").quantile(0.99));
        let longest = self.failed().quantile(1.0);
        format!("{counts:?}; answered: median {median:?}, p99 {p99:?}; longest failure {longest:?}")
    }
}

/// Bytes of memory that a process has, and had at most (`VmRSS`, `VmHWM`).
pub fn memory(process: u32) -> (u64, u64) {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let of = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    };
    (of("VmRSS"), of("VmHWM"))
}
