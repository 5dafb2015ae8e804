//! Names of requests: each is another one, and who has one can't tell how many there were.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::HeaderValue;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use service::Error;
use service::random::{self, Random};

/// A request's name, among its extensions.
#[derive(Clone)]
pub(super) struct RequestId(HeaderValue);

impl RequestId {
    pub(super) fn text(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    pub(super) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

impl Default for RequestId {
    fn default() -> Self {
        Self(HeaderValue::from_static("unknown"))
    }
}

/// The names that this process gives: to ask the system for randomness each time would cost as much as to read the request.
pub(super) struct RequestIds {
    process: [u8; 4],
    next: AtomicU64,
}

impl RequestIds {
    /// Beginning anywhere.
    pub(super) fn new(random: &dyn Random) -> Result<Self, Error> {
        let next = u64::from_ne_bytes(random::bytes(random)?);
        Ok(Self { process: random::bytes(random)?, next: AtomicU64::new(next) })
    }

    /// Another name: 16 characters.
    pub(super) fn next(&self) -> RequestId {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&self.process);
        bytes[4..].copy_from_slice(&scattered(number).to_ne_bytes());
        HeaderValue::from_str(&URL_SAFE_NO_PAD.encode(bytes)).map(RequestId).unwrap_or_default()
    }
}

/// Another number for each number, far from those of its neighbours (the last step of `SplitMix64`).
fn scattered(number: u64) -> u64 {
    let mut mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
